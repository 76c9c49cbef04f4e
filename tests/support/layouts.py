"""In which other ways can a program be written that mean the same?

    in_two_files(program)     # {"parts.py": <its classes and functions>, "train.py": <its statements, with an import>}
    in_a_notebook(program)    # {"train.ipynb": <a cell for each group of statements>}

What torchlint says of a program must be the same for each of them.
"""

from __future__ import annotations

import ast
import io
import re
import textwrap
import tokenize
from collections.abc import Callable, Mapping

from support.mdtest import notebook
from support.programs import IMPORTS, Program


def renamed(program: Program, names: Mapping[str, str]) -> dict[str, bytes]:
    """With other names for its local variables."""
    pattern = re.compile(r"\b(?:" + "|".join(names) + r")\b")
    return {"train.py": pattern.sub(lambda match: names[match[0]], program.script()).encode()}


def in_a_function(program: Program) -> dict[str, bytes]:
    """With the body in a function main()."""
    body = textwrap.indent("\n".join(program.groups()), "    ")
    text = f"{IMPORTS}\n\n{program.definitions()}\n\ndef main():\n{body}\n\n\nif __name__ == '__main__':\n    main()\n"
    return {"train.py": text.encode()}


def in_a_function_that_nobody_calls(program: Program) -> dict[str, bytes]:
    """With the body in a function with a parameter."""
    body = textwrap.indent("\n".join(program.groups()), "    ")
    return {"train.py": f"{IMPORTS}\n\n{program.definitions()}\n\ndef train(args):\n{body}\n    return the_loss\n".encode()}


def _wrapped(program: Program, opening: str, closing: str = "") -> dict[str, bytes]:
    """With the body inside of a compound statement."""
    depth = "    " * (opening.count("\n") + 1)
    text = f"{IMPORTS}\n\n{program.definitions()}\n\n{opening}\n" + textwrap.indent("\n".join(program.groups()), depth) + f"\n{closing}"
    return {"train.py": text.encode()}


def in_a_method(program: Program) -> dict[str, bytes]:
    """With the body in a method of a class."""
    return _wrapped(program, "class Experiment:\n    def run(self, args, epochs=3):")


def in_a_nested_function(program: Program) -> dict[str, bytes]:
    """With the body in a function inside of a function."""
    return _wrapped(program, "def outer(args):\n    def inner():", "    return inner()\n")


def in_a_loop(program: Program) -> dict[str, bytes]:
    """With the body in a loop of unknown length inside of one of known length."""
    return _wrapped(program, "for epoch in range(3):\n    for batch in torch.load('batches.pt'):")


def under_a_flag(program: Program) -> dict[str, bytes]:
    """With the body under a flag: it may not run, but what it does is certain."""
    return _wrapped(program, "if torch.cuda.is_available():")


def in_a_try(program: Program) -> dict[str, bytes]:
    """With the body under try."""
    return _wrapped(program, "try:", "except KeyboardInterrupt:\n    pass\n")


def in_a_with(program: Program) -> dict[str, bytes]:
    """With the body under with."""
    return _wrapped(program, "with torch.autograd.set_detect_anomaly(True), open('log') as log:")


def in_two_files(program: Program) -> dict[str, bytes]:
    """With the classes and functions in a file of their own."""
    definitions = program.definitions()
    names = [node.name for node in ast.parse(definitions).body if isinstance(node, (ast.ClassDef, ast.FunctionDef))]
    bring = f"from parts import {', '.join(names)}\n" if names else ""
    return {
        "parts.py": f"{IMPORTS}\n\n{definitions}\n".encode(),
        "train.py": (IMPORTS + bring + "\n\n" + "\n".join(program.groups()) + "\n").encode(),
    }


def in_a_package(program: Program) -> dict[str, bytes]:
    """With the classes and functions in a package, brought in by a star."""
    return {
        "lib/__init__.py": b"from .parts import *\n",
        "lib/parts.py": f"{IMPORTS}\n\n{program.definitions()}\n".encode(),
        "scripts/train.py": (IMPORTS + "from lib import *\n\n\n" + "\n".join(program.groups()) + "\n").encode(),
    }


def in_a_notebook(program: Program) -> dict[str, bytes]:
    """With each group of statements in a cell."""
    cells = [IMPORTS, program.definitions(), *program.groups()]
    return {"train.ipynb": notebook("\n# %%\n".join(cell for cell in cells if cell.strip())).encode()}


def reformatted(program: Program) -> dict[str, bytes]:
    """With a line break wherever brackets allow one, and blank lines and comments between statements."""
    return {"train.py": spread(program.script()).encode()}


def with_windows_line_ends(program: Program) -> dict[str, bytes]:
    """With CRLF and a byte order mark."""
    return {"train.py": b"\xef\xbb\xbf" + program.script().replace("\n", "\r\n").encode()}


LAYOUTS: dict[str, Callable[[Program], dict[str, bytes]]] = {
    layout.__name__: layout
    for layout in (
        in_a_function, in_a_function_that_nobody_calls, in_a_method, in_a_nested_function, in_a_loop, under_a_flag, in_a_try, in_a_with,
        in_two_files, in_a_package, in_a_notebook, reformatted, with_windows_line_ends,
    )
}  # fmt: skip


def spread(text: str) -> str:
    """Break lines after each opening bracket and comma inside brackets; put a comment before each statement at the left margin."""
    pieces: list[str] = []
    depth, last = 0, (1, 0)
    lines = text.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.start[0] > last[0]:
            last = (token.start[0], 0)
        pieces.append(lines[token.start[0] - 1][last[1] : token.start[1]] if token.start[0] <= len(lines) else "")
        pieces.append(token.string)
        last = token.end
        if token.type == tokenize.OP:
            depth += (token.string in "([{") - (token.string in ")]}")
            if depth and token.string in "([{,":
                pieces.append("  # why not\n" + "    " * depth)
    return re.sub(r"^(?=(?!else|except)\w)", "\n# as before\n", "".join(pieces), flags=re.MULTILINE)
