"""Whatever is lying around in a folder: no traceback, no hang, a TL902 for what cannot be read, and all the rest is checked.

Each test puts something odd beside train.py, which holds one mistake: that has to be found in any case.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.mdtest import notebook

from torchlint.cli import main

HANG = 60  # seconds: only a guard against hanging
ROOT = Path(__file__).parents[1]
TRAIN = """\
import torch.nn as nn
import torch.nn.functional as F

def step(net, x, y):
    return nn.CrossEntropyLoss()(F.softmax(net(x), dim=1), y)
"""
HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"
MISTAKE = "loss = F.cross_entropy(F.softmax(torch.load('x'), dim=1), torch.load('y'))\n"


@dataclass
class Report:
    """What a run said: exit code, codes by file, the whole of both streams."""

    exit_code: int
    found: dict[str, list[str]]
    messages: dict[str, str]
    output: str

    def said(self, path: str) -> list[str]:
        return self.found.get(path, [])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "torchlint.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TORCHLINT_DEBUG", raising=False)
    return tmp_path


def check(*args: str) -> Report:
    """Run the command here, in this process; an exception that comes out of it fails the test."""
    result = CliRunner().invoke(main, ["--output-format", "json", *(args or (".",))], prog_name="torchlint")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return report(result.exit_code, result.stdout, result.stderr)


def check_apart(*args: str) -> Report:
    """Run the command in a process of its own: for what could end the process or never end."""
    command = [sys.executable, "-m", "torchlint", "--output-format", "json", *(args or (".",))]
    result = subprocess.run(command, capture_output=True, text=True, timeout=HANG, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    return report(result.returncode, result.stdout, result.stderr)


def report(code: int, stdout: str, stderr: str) -> Report:
    assert "Traceback" not in stderr + stdout, stderr
    data: dict[str, Any] = json.loads(stdout) if stdout.strip() else {"findings": []}
    found: dict[str, list[str]] = {}
    messages: dict[str, str] = {}
    for finding in data["findings"]:
        path = finding["location"]["path"]
        found.setdefault(path, []).append(finding["code"])
        messages[path] = finding["message"]
    return Report(code, found, messages, stdout + stderr)


def put(folder: Path, name: str, content: str | bytes) -> None:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode() if isinstance(content, str) else content)


def test_the_mistake_beside_is_a_mistake(folder: Path) -> None:
    result = check()
    assert (result.exit_code, result.found) == (1, {"train.py": ["TL101"]})


# --- files that cannot be read -----------------------------------------------------------------------------------------------

BROKEN: dict[str, tuple[str, str | bytes]] = {
    "syntax": ("bad.py", HEAD + "def f(:\n"),
    "syntax without torch": ("bad.py", "def f(:\n"),
    "unclosed": ("bad.py", HEAD + "x = (1,\n"),
    "unclosed without torch": ("bad.py", "x = [1,\n"),
    "unclosed string": ("bad.py", HEAD + 'x = """abc\n'),
    "indentation": ("bad.py", HEAD + "if True:\n        x = 1\n    y = 2\n"),
    "binary": ("bad.py", bytes(range(256)) * 4),
    "elf": ("bad.py", b"\x7fELF\x02\x01\x01" + b"\0" * 100),
    "zip": ("bad.py", b"PK\x03\x04\x14\x00\x00\x00\x08\x00"),
    "png": ("bad.py", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"),
    "nul": ("bad.py", HEAD + "x = 1\0\n"),
    "utf-16": ("bad.py", HEAD.encode("utf-16")),
    "utf-16 without mark": ("bad.py", HEAD.encode("utf-16-le")),
    "utf-32": ("bad.py", HEAD.encode("utf-32")),
    "latin-1 undeclared": ("bad.py", HEAD.encode() + "# größer\n".encode("latin-1")),
    "latin-1 undeclared without torch": ("bad.py", "# größer\n".encode("latin-1")),
    "unknown cookie": ("bad.py", b"# -*- coding: utf-9 -*-\n" + HEAD.encode()),
    "cookie that is no text encoding": ("bad.py", b"# coding: hex\n" + HEAD.encode()),
    "wrong cookie": ("bad.py", "# coding: ascii\n".encode() + HEAD.encode() + "# é\n".encode()),
    "mark and other cookie": ("bad.py", b"\xef\xbb\xbf# coding: latin-1\n" + HEAD.encode()),
    "python 2 print": ("bad.py", HEAD + "print 'loss', 1\n"),
    "python 2 except": ("bad.py", HEAD + "try:\n    pass\nexcept ValueError, e:\n    pass\n"),
    "python 2 backticks": ("bad.py", HEAD + "x = `1`\n"),
    "python 2 octal": ("bad.py", HEAD + "x = 0777\n"),
    "python 2 exec": ("bad.py", HEAD + "exec 'x = 1'\n"),
    "python 2 raise": ("bad.py", HEAD + "raise ValueError, 'x'\n"),
    "python 2 unequal": ("bad.py", HEAD + "x = 1 <> 2\n"),
    "merge conflict": ("bad.py", HEAD + "<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> branch\n"),
    "another language": ("bad.py", "<html><body>404: Not Found</body></html>\n"),
    "notebook: broken json": ("bad.ipynb", '{"cells": ['),
    "notebook: empty": ("bad.ipynb", ""),
    "notebook: a list": ("bad.ipynb", "[]"),
    "notebook: a number": ("bad.ipynb", "1e999"),
    "notebook: no cells": ("bad.ipynb", "{}"),
    "notebook: cells are no list": ("bad.ipynb", '{"cells": {"a": 1}}'),
    "notebook: cells are no objects": ("bad.ipynb", '{"cells": [1, null]}'),
    "notebook: source is a number": ("bad.ipynb", '{"cells": [{"cell_type": "code", "source": 3}]}'),
    "notebook: html": ("bad.ipynb", "<!DOCTYPE html><html></html>"),
    "notebook: git lfs": ("bad.ipynb", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"),
    "notebook: syntax": ("bad.ipynb", notebook(HEAD + "def f(:\n")),
    "notebook: lone surrogate": ("bad.ipynb", '{"cells": [{"cell_type": "code", "source": "x = \'\\ud800\'"}]}'),
    "notebook: nested too deep": ("bad.ipynb", "[" * 100_000),
    "notebook: latin-1": ("bad.ipynb", '{"cells": [], "é": 1}'.encode("latin-1")),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_cannot_be_read_is_told_and_the_rest_is_checked(folder: Path, case: str) -> None:
    name, content = BROKEN[case]
    put(folder, name, content)
    result = check()
    assert result.said("train.py") == ["TL101"]
    assert result.said(name) == ["TL902"], result.output
    assert result.exit_code == 1


@pytest.mark.parametrize("case", BROKEN)
def test_alone_it_means_that_the_work_could_not_be_done(folder: Path, case: str) -> None:
    name, content = BROKEN[case]
    put(folder, name, content)
    result = check(name)
    codes = {"notebook: syntax": 1, "notebook: source is a number": 1, "notebook: lone surrogate": 1}  # one cell: the others could be read
    assert result.exit_code == codes.get(case, 2), result.output
    assert result.said(name) == ["TL902"]


@pytest.mark.parametrize("case", BROKEN)
def test_what_imports_it_is_checked_all_the_same(folder: Path, case: str) -> None:
    name, content = BROKEN[case]
    put(folder, name, content)
    put(folder, "user.py", HEAD + "import bad\nfrom bad import net\nfrom bad import *\n" + MISTAKE + "F.cross_entropy(net(bad.x), y)\n")
    result = check()
    assert result.said("user.py") == ["TL101"]
    assert result.said(name) == ["TL902"]


@pytest.mark.parametrize(
    ("case", "word"),
    [
        ("syntax", ""), ("unknown cookie", "utf-9"), ("binary", "NUL"), ("utf-16", "UTF-16"), ("notebook: broken json", "JSON"), ("notebook: empty", "empty"),
        ("latin-1 undeclared", "utf-8"), ("wrong cookie", "ascii"), ("notebook: no cells", "cells"),
    ],
)  # fmt: skip
def test_the_message_says_what_is_wrong(folder: Path, case: str, word: str) -> None:
    name, content = BROKEN[case]
    put(folder, name, content)
    message = check(name).messages[name]
    assert word in message
    assert not any(internal in message for internal in ("libcst", "Exception", "ParserSyntaxError", "object at"))


# --- files that can be read, odd as they are -----------------------------------------------------------------------------------

ODD: dict[str, tuple[str, str | bytes]] = {
    "empty": ("odd.py", ""),
    "blank": ("odd.py", "\n\n   \n\t\n"),
    "a comment without a line end": ("odd.py", "# torch.nn.Softmax"),
    "form feed": ("odd.py", HEAD + "\f\nx = 1\n"),
    "only a string": ("odd.py", '"""torch softmax"""'),
    "tabs": ("odd.py", HEAD + "def f():\n\tif 1:\n\t\treturn 2\n"),
    "backslashes": ("odd.py", HEAD + "x = 1 + \\\n    2\n"),
    "ctrl-z": ("odd.py", HEAD + "x = 1\n# \x1a\n"),
    "notebook: no code": ("odd.ipynb", '{"cells": [{"cell_type": "markdown", "source": "softmax"}], "nbformat": 4}'),
    "notebook: empty cells": ("odd.ipynb", '{"cells": [{"cell_type": "code", "source": []}, {"cell_type": "code", "source": ""}]}'),
    "notebook: mark": ("odd.ipynb", b"\xef\xbb\xbf" + notebook(HEAD).encode()),
    "notebook: another language": (
        "odd.ipynb",
        '{"cells": [{"cell_type": "code", "source": "x <- softmax(torch$y)"}], "metadata": {"language_info": {"name": "R"}}}',
    ),
    "notebook: magics": ("odd.ipynb", notebook("%matplotlib inline\n!ls\n?torch\nx = !pwd\n# %%\n%%bash\nsoftmax <<\n# %%\nimport torch\nF?\n")),
    "notebook: only magics": ("odd.ipynb", notebook("%%javascript\nalert('softmax torch')\n")),
}


@pytest.mark.parametrize("case", ODD)
def test_an_odd_file_is_no_problem(folder: Path, case: str) -> None:
    name, content = ODD[case]
    put(folder, name, content)
    result = check()
    assert (result.exit_code, result.found) == (1, {"train.py": ["TL101"]}), result.output
    assert check(name).exit_code == 0


@pytest.mark.parametrize(
    ("before", "encoding", "newline"),
    [
        ("", "utf-8", "\n"),
        ("", "utf-8-sig", "\n"),
        ("", "utf-8", "\r\n"),
        ("", "utf-8", "\r"),
        ("", "utf-8-sig", "\r\n"),
        ("# -*- coding: latin-1 -*-\n", "latin-1", "\n"),
        ("#!/usr/bin/env python\n# vim: set fileencoding=cp1252 :\n", "cp1252", "\r\n"),
        ("# coding: gbk\n", "gbk", "\n"),
        ("# coding: utf8\n", "utf-8", "\n"),
        ("# -*- coding: UTF-8 -*-\n", "utf-8-sig", "\n"),
    ],
)
def test_encodings_and_line_ends(folder: Path, before: str, encoding: str, newline: str) -> None:
    remark = "# größe\n" if encoding != "gbk" else "# 损失\n"
    text = before + HEAD + remark + MISTAKE
    put(folder, "odd.py", text.replace("\n", newline).encode(encoding))
    result = CliRunner().invoke(main, ["--output-format", "json", "odd.py"])
    (finding,) = json.loads(result.stdout)["findings"]
    assert finding["code"] == "TL101"
    assert (finding["location"]["line"], finding["location"]["column"]) == (text.count("\n"), len("loss = ") + 1)


def test_a_file_without_a_line_end_at_its_end(folder: Path) -> None:
    put(folder, "odd.py", HEAD + MISTAKE.rstrip())
    assert check("odd.py").said("odd.py") == ["TL101"]


# --- all the syntax that there is ------------------------------------------------------------------------------------------------

SYNTAX = {
    "3.8 walrus": "if (n := 10) > 5:\n    pass\ndef f(a, /, b): ...\nprint(f'{n=}')",
    "3.9 decorators": "@(lambda f: f)\ndef f(): ...\n@buttons[0].clicked.connect\ndef g(): ...",
    "3.10 match": "match x:\n    case {'a': [1, *rest], **others} if rest:\n        pass\n    case Point(x=0) | (1, 2) as p:\n        pass\n    case -1 | 'a' 'b' | None:\n        pass",
    "3.10 with": "with (open('a') as a, open('b') as b,):\n    pass",
    "3.11 except star": "try:\n    pass\nexcept* (ValueError, TypeError) as group:\n    pass",
    "3.11 star subscript": "def f(*args: *Ts): ...\nx[*a, 1]",
    "695 type parameters": "type Pair[T] = tuple[T, T]\ndef f[T: int, *Ts, **P](x: T) -> T: ...\nclass A[T]: ...",
    "696 defaults": "type A[T = int] = list[T]\nclass B[T = int, *Ts = *tuple[int]]: ...",
    "701 f-strings": "x = f'{', '.join(['a'])} {f'{1 + f'{2}'}'}'\ny = f'{\n    1  # comment\n}'",
    "old names": "match = 1\ncase = match\ntype = case\n_ = type\nprint(match, type)",
    "async": "async def f():\n    async with a as b:\n        return [i async for i in b if await i]\n    yield 1",
    "numbers": "x = 1_000.0e-5j + 0xFF_FF + 0b1 + 0o7 + 1e400 + 10 ** 1000",
    "annotations": "x: int\ny: 'Tensor' = 1\nself.z: float = 2",
    "ellipsis": "x = ...\nx[..., None, ::2, 1:2]",
    "strings": "x = rb'\\d' + Rb'' + u'a' + '\\N{BULLET}' + '\\x41' 'b' f'{x!r:>{10}}'",
    "del and global": "def f():\n    global a\n    del a, b[0], c.d, (e, [g])\n    return",
    "lambda": "f = lambda *a, k=1, **b: (yield)\ng = lambda: lambda x: x",
    "comprehensions": "[x for x in y for z in x if z if x]\n{**a, 'b': 1}\n{*a}\n(i for i in j)",
}
NEWEST = {
    "750 t-strings": "x = t'{1} {name!r}'",
    "758 except without brackets": "try:\n    pass\nexcept ValueError, TypeError:\n    pass",
    "765 return in finally": "def f():\n    try:\n        pass\n    finally:\n        return 1",
    "649 deferred annotations": "def f(x: undefined) -> later: ...",
}


@pytest.mark.parametrize("case", SYNTAX)
def test_syntax_of_all_versions(folder: Path, case: str) -> None:
    put(folder, "odd.py", HEAD + SYNTAX[case] + "\n" + MISTAKE)
    result = check("odd.py")
    assert result.said("odd.py") == ["TL101"], result.output


@pytest.mark.parametrize("case", NEWEST)
def test_the_newest_syntax_is_read_or_told(folder: Path, case: str) -> None:
    """It depends on the version of LibCST; in no case is it passed over in silence."""
    put(folder, "odd.py", HEAD + NEWEST[case] + "\n" + MISTAKE)
    assert check("odd.py").said("odd.py") in (["TL101"], ["TL902"])
    assert check().said("train.py") == ["TL101"]


# --- paths -----------------------------------------------------------------------------------------------------------------------


def test_a_path_that_is_missing(folder: Path) -> None:
    result = check("nowhere.py", "train.py")
    assert result.exit_code == 2
    assert "nowhere.py" in result.output
    assert result.said("train.py") == ["TL101"]


@pytest.mark.parametrize("name", ["nowhere", "nowhere/deep.py", "train.py/inside.py", "a" * 5_000 + ".py", "nul\0.py", ""])
def test_paths_that_cannot_be(folder: Path, name: str) -> None:
    assert check(name).exit_code == 2


def test_a_folder_named_like_a_file(folder: Path) -> None:
    put(folder, "model.py/inner.py", HEAD + MISTAKE)
    put(folder, "book.ipynb/x.txt", "")
    result = check()
    assert result.found == {"train.py": ["TL101"], "model.py/inner.py": ["TL101"]}
    put(folder, "user.py", HEAD + "from model import net\nimport model.inner\n" + MISTAKE)
    assert check("user.py").said("user.py") == ["TL101"]


def test_a_file_that_may_not_be_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    put(folder, "secret.py", HEAD)
    put(folder, "user.py", HEAD + "from secret import net\n" + MISTAKE)
    real = builtins.open

    def refusing(file: Any, *args: Any, **options: Any) -> Any:
        if str(file).endswith("secret.py"):
            raise PermissionError(13, "Permission denied", str(file))
        return real(file, *args, **options)

    monkeypatch.setattr(builtins, "open", refusing)
    result = check()
    assert (result.said("train.py"), result.said("user.py"), result.said("secret.py")) == (["TL101"], ["TL101"], ["TL902"])
    assert "Permission denied" in result.messages["secret.py"]
    assert result.exit_code == 1
    assert check("secret.py").exit_code == 2


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(folder: Path) -> None:
    put(folder, "secret.py", HEAD)
    (folder / "secret.py").chmod(0)
    assert check().said("secret.py") == ["TL902"]


def test_links_that_go_round_and_links_to_nothing(folder: Path) -> None:
    put(folder, "pkg/net.py", HEAD + MISTAKE)
    (folder / "pkg" / "again").symlink_to(folder, target_is_directory=True)
    (folder / "self").symlink_to(folder / "self")
    (folder / "loop.py").symlink_to(folder / "loop.py")
    (folder / "gone.py").symlink_to(folder / "nothing.py")
    result = check()
    assert result.said("train.py") == ["TL101"]
    assert result.said("pkg/net.py") == ["TL101"]
    assert not [path for path in result.found if "again" in path]
    assert check("loop.py").exit_code == 2
    assert check("gone.py").exit_code == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_named_like_a_file(folder: Path) -> None:
    os.mkfifo(folder / "pipe.py")
    put(folder, "user.py", HEAD + "import pipe\n" + MISTAKE)
    result = check_apart()
    assert (result.said("train.py"), result.said("user.py")) == (["TL101"], ["TL101"])


@pytest.mark.parametrize("name", ["with space.py", "größe.py", "模型.py", "-dash.py", "a'b\"c.py", "line\nbreak.py", "[x].py", "%s{}.py"])
def test_names_of_files(folder: Path, name: str) -> None:
    put(folder, name, HEAD + MISTAKE)
    assert check().said(name) == ["TL101"]
    for form in ("full", "concise"):
        result = CliRunner().invoke(main, ["--output-format", form, "."])
        assert result.exit_code == 1
        assert result.exception is None or isinstance(result.exception, SystemExit)


# --- programs that go round ------------------------------------------------------------------------------------------------------

ROUND: dict[str, dict[str, str]] = {
    "imports": {"a.py": HEAD + "from b import f\ndef g(): return f()\n" + MISTAKE, "b.py": HEAD + "from a import g\ndef f(): return g()\nf()\n"},
    "imports of itself": {"a.py": HEAD + "import a\nfrom a import *\nfrom a import missing\n" + MISTAKE},
    "star imports": {"a.py": HEAD + "from b import *\nnothing(1)\n" + MISTAKE, "b.py": "from c import *\n", "c.py": "from a import *\nfrom b import *\n"},
    "re-exports": {"a.py": HEAD + "from b import x\nx(1)\n" + MISTAKE, "b.py": "from c import x\n", "c.py": "from b import x\n"},
    "packages": {"a/__init__.py": "from .b import x\n", "a/b.py": HEAD + "from . import x\nfrom .. import a\nimport a.b\n" + MISTAKE},
    "relative beyond the top": {"a.py": HEAD + "from ......... import x\nfrom .. import y\nx(y)\n" + MISTAKE},
    "a class from itself": {"a.py": HEAD + "class A(A):\n    def forward(self, x): return super().forward(x)\nA()(1)\n" + MISTAKE},
    "classes from each other": {
        "a.py": HEAD + "class A: pass\nclass B(A): pass\nclass A(B): pass\nclass B(A):\n    def f(self): return super().f()\nB().f()\n" + MISTAKE
    },
    "classes across files": {"a.py": HEAD + "from b import B\nclass A(B): pass\nA()(1)\n" + MISTAKE, "b.py": HEAD + "from a import A\nclass B(A): pass\nB()(1)\n"},
    "bases twice": {"a.py": HEAD + "class A(object, object, nn.Module, nn.Module): pass\nclass B(A, A): pass\nB()(1)\n" + MISTAKE},
    "no order of bases": {"a.py": HEAD + "class X: pass\nclass A(X): pass\nclass B(X, A): pass\nB().f()\n" + MISTAKE},
    "functions": {"a.py": HEAD + "def f(x): return g(x)\ndef g(x): return h(f(x), g(x))\ndef h(*a): return f(h(*a))\nf(1)\n" + MISTAKE},
    "forward": {
        "a.py": HEAD
        + "class A(nn.Module):\n    def __init__(self): self.a = A()\n    def forward(self, x): return self.a(self(self.forward(x)))\nA()(1)\n"
        + MISTAKE
    },
    "modules in each other": {
        "a.py": HEAD
        + "class A(nn.Module):\n    def forward(self, x): return self.other(x)\na, b = A(), A()\na.other, b.other = b, a\na.other.other = a\na(1)\n"
        + MISTAKE
    },
    "a Sequential in itself": {
        "a.py": HEAD + "net = nn.Sequential(nn.Linear(1, 1))\nnet.append(net)\nnet.add_module('me', net)\nnet(1)\nlist(net.modules())\n" + MISTAKE
    },
    "a list in itself": {"a.py": HEAD + "x = []\nx.append(x)\nx += x\nx.extend(x)\ntorch.cat(x)\nprint(x[0][0][0])\n[*x, *x]\nd = {}\nd['d'] = d\n" + MISTAKE},
    "an object that holds itself": {"a.py": HEAD + "class A: pass\na = A()\na.a = a\na.a.a.a.b = a\n" + MISTAKE},
    "a generator of itself": {"a.py": HEAD + "def f():\n    yield from f()\n    for x in f(): yield x\nfor y in f(): pass\n" + MISTAKE},
    "lambdas": {"a.py": HEAD + "f = lambda x: f(f(x))\nf(1)\nY = lambda g: (lambda x: g(lambda v: x(x)(v)))(lambda x: g(lambda v: x(x)(v)))\nY(Y)(Y)\n" + MISTAKE},
    "properties": {
        "a.py": HEAD + "class A:\n    @property\n    def a(self): return self.a\n    def __getattr__(self, n): return getattr(self, n + n)\nA().a\nA().b\n" + MISTAKE
    },
    "__call__ and __getitem__": {
        "a.py": HEAD + "class A:\n    def __call__(self, x): return self(x)\n    def __getitem__(self, i): return self[i]\n    def __iter__(self): return iter(self)\nA()(1)\nA()[0]\nfor x in A(): pass\n" + MISTAKE
    },
    "__init__ that builds itself": {"a.py": HEAD + "class A(nn.Module):\n    def __init__(self, d=0):\n        self.c = A(d + 1)\n        self.e = [A(i) for i in range(9)]\nA()\n" + MISTAKE},
    "decorators": {"a.py": HEAD + "def d(f): return d(f)\n@d\n@d\ndef g(x): return g(x)\ng(1)\n" + MISTAKE},
    "partial of itself": {"a.py": HEAD + "from functools import partial\nf = partial(f, f)\nf = partial(f, f)\nf(f)\n" + MISTAKE},
    "hooks": {
        "a.py": HEAD + "net = nn.Linear(1, 1)\ndef hook(m, i, o):\n    m.register_forward_hook(hook)\n    return m(o)\nnet.register_forward_hook(hook)\nnet(1)\n" + MISTAKE
    },
    "a global that grows": {"a.py": HEAD + "x = ()\nwhile torch.rand(1) > x:\n    x = (x, x)\n    y = {**y, 'a': x}\n    z = [z, *z]\n" + MISTAKE},
}


@pytest.mark.parametrize("case", ROUND)
def test_programs_that_go_round(folder: Path, case: str) -> None:
    for name, text in ROUND[case].items():
        put(folder, name, text)
    result = check_apart()
    assert result.said("train.py") == ["TL101"]
    wrong = next(name for name, text in ROUND[case].items() if MISTAKE in text)
    assert result.said(wrong) == ["TL101"], result.output
    assert result.exit_code == 1


# --- programs that are too much --------------------------------------------------------------------------------------------------

TOO_MUCH = {
    "brackets": "x = " + "(" * 1_000 + ")" * 1_000,
    "lists": "x = " + "[" * 1_000 + "]" * 1_000,
    "open brackets": "x = " + "(" * 2_000,
    "closing brackets": "x = 1" + ")" * 2_000,
    "calls": "x = " + "f(" * 1_000 + "1" + ")" * 1_000,
    "patterns": "match x:\n    case " + "(" * 200 + "a" + ")" * 200 + ":\n        pass",
    "f-strings": "x = " + "f'{" * 100 + "1" + "}'" * 100,
    "a long chain of additions": "x = " + " + ".join(["1"] * 20_000),
    "a long chain of attributes": "x = a" + ".b" * 20_000,
    "a long chain of calls": "x = a" + ".b()" * 5_000,
    "a long chain of indices": "x = a" + "[0]" * 5_000,
    "a long elif": "if a:\n    pass\n" + "elif b:\n    pass\n" * 5_000,
    "nots": "x = " + "not " * 5_000 + "1",
    "minuses": "x = " + "-" * 5_000 + "1",
    "lambdas": "x = " + "lambda: " * 2_000 + "1",
    "conditional expressions": "x = " + "1 if a else " * 3_000 + "2",
    "nested blocks": "".join("    " * depth + "if a:\n" for depth in range(99)) + "    " * 99 + "pass",
    "more nested blocks": "".join(" " * depth + "if a:\n" for depth in range(1_000)) + " " * 1_000 + "pass",
    "one long line": "x = '" + "a" * 1_900_000 + "'",
    "many names": "\n".join(f"x{number} = nn.Softmax(dim=1)" for number in range(20_000)),
    "a long list": "x = [" + "1, " * 100_000 + "]",
}
READ = {"patterns", "nested blocks", "one long line", "f-strings", "many names", "a long list", "more nested blocks", "a long elif", "lambdas", "nots", "minuses"}
"""Which of them may also be read instead of refused."""


@pytest.mark.parametrize("case", TOO_MUCH)
def test_programs_that_are_too_much(folder: Path, case: str) -> None:
    put(folder, "odd.py", HEAD + MISTAKE + TOO_MUCH[case] + "\n")
    result = check_apart()
    assert result.said("train.py") == ["TL101"]
    assert result.said("odd.py") in ([["TL902"]] if case not in READ else [["TL902"], ["TL101"]]), result.output
    assert result.exit_code == 1


EXPLOSIVE = {
    "branches": "\n".join(f"if a.b{number}:\n    x = F.softmax(x, dim=1)\nelse:\n    x = torch.sigmoid(x)" for number in range(40)),
    "choices of objects": "\n".join(f"net{n} = nn.Softmax(dim=1) if a.b{n} else nn.Sigmoid()" for n in range(30))
    + "\n" + "x = " + "".join(f"net{n}(" for n in range(30)) + "x" + ")" * 30,
    "calls that double": "def f0(x): return x\n" + "\n".join(f"def f{n}(x): return f{n - 1}(f{n - 1}(x))" for n in range(1, 60)) + "\nf59(x)",
    "calls that double with flags": "def f0(x): return x\n"
    + "\n".join(f"def f{n}(x, *, s=None): return f{n - 1}(x) if s.a{n} else f{n - 1}(torch.sigmoid(x))" for n in range(1, 60)) + "\nf59(x)",
    "loops in loops": "".join("    " * n + f"for i{n} in range(50):\n" for n in range(12)) + "    " * 12 + "x = F.softmax(x, dim=1)",
    "comprehensions in comprehensions": "x = [i" + "".join(f" for i{n} in range(60)" for n in range(12)) + "]",
    "lists that double": "x = [1]\n" + "x = x + x\n" * 60 + "y = [nn.ReLU()] * 10 ** 9\nz = 'a' * 10 ** 10\nw = 10 ** 10 ** 10\nv = 1 << 10 ** 10\n",
    "lists that double in place": "x = [1]\n" + "x += x\nx.extend(x)\n" * 40,
    "dicts that grow": "d = {}\nfor i in range(60):\n    for j in range(60):\n        d[i, j] = d.copy()\n",
    "a wide Sequential": "net = nn.Sequential(*[nn.Sequential(*[nn.Sequential(*[nn.Softmax(1)] * 60)] * 60)] * 60)\nnet(x)\n",
    "methods": "class A:\n"
    + "".join(f"    def m{n}(self): return [{', '.join(f'self.m{m}()' for m in (*range(9), (n * 7 + 1) % 50, (n + 1) % 50))}]\n" for n in range(50))
    + "A().m0()",
    "a long hierarchy": "class A0(nn.Module): pass\n" + "\n".join(f"class A{n}(A{n - 1}): pass" for n in range(1, 2_000)) + "\nA1999()(x)",
    "a wide hierarchy": "class A0(nn.Module): pass\n" + "\n".join(f"class A{n}({', '.join(f'A{m}' for m in range(n - 1, -1, -1))}): pass" for n in range(1, 25)) + "\nA24()(x)",
    "a deep call": "\n".join(f"def f{n}(x): return f{n + 1}(x)" for n in range(3_000)) + "\nf0(x)",
    "strings that double": "x = 'aaaaaaaaaa'\n" + "x = x + x\n" * 60 + "x = x.replace('a', x)\n" * 5 + "x = '%s%s' % (x, x)\n" * 60 + "y = x.format(x)\n",
    "numbers that grow": "x = 99999999\n" + "x = x * x\n" * 60,
    "f-strings that double": "x = 'aaaaaaaaaa'\n" + "x = f'{x}{x}'\n" * 60,
    "strings side by side": "x = 'aaaaaaaaaa'\n" + "x = x.replace('a', 'aaaaaaaaaaaa')\n" * 40,
    "many alternatives in a loss": "\n".join(f"if a.b{n}:\n    x{n}, y{n} = F.softmax(x, dim=1), torch.sigmoid(x)\nelse:\n    x{n}, y{n} = x, torch.tanh(x)\nF.cross_entropy(x{n}, y{n})" for n in range(30)),
}


@pytest.mark.parametrize("case", EXPLOSIVE)
def test_programs_that_would_take_for_ever_to_follow(folder: Path, case: str) -> None:
    put(folder, "odd.py", HEAD + MISTAKE + "a, x = torch.load('a'), torch.load('x')\n" + EXPLOSIVE[case] + "\n")
    result = check_apart()
    assert result.said("train.py") == ["TL101"]
    assert set(result.said("odd.py")) >= {"TL101"}, result.output
    assert "TL902" not in result.said("odd.py")


def test_many_files_that_import_each_other(folder: Path) -> None:
    for number in range(60):
        others = "\n".join(f"from m{other} import *\nimport m{other}" for other in range(60))
        put(folder, f"m{number}.py", f"{HEAD}{others}\nclass C{number}(nn.Module): pass\nundefined{number}(C{number}())\n{MISTAKE}")
    result = check_apart()
    assert len(result.found) == 61


def test_a_long_chain_of_re_exports(folder: Path) -> None:
    put(folder, "m0.py", HEAD + "def act(x): return F.softmax(x, dim=1)\n")
    for number in range(1, 200):
        put(folder, f"m{number}.py", f"from m{number - 1} import act\n")
    put(folder, "user.py", HEAD + "from m199 import act\nact(1)\n" + MISTAKE)
    result = check_apart()
    assert result.said("user.py") == ["TL101"]


# --- standard input --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"\0\1\2", b"def f(:\n", b"\xff\xfe", HEAD.encode() + MISTAKE.encode()])
def test_standard_input(folder: Path, data: bytes) -> None:
    result = CliRunner().invoke(main, ["--output-format", "json", "-"], input=data)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.exit_code in (0, 1, 2)
    assert "Traceback" not in result.output
