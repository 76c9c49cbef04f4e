"""Whatever is lying around in a folder: no traceback, no hang, a TL902 for what cannot be read, and all the rest is checked.

Each test puts something odd beside train.py, which holds one mistake: that has to be found in any case.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.command import HEAD, MISTAKE, check, check_apart, prepare, put
from support.mdtest import notebook

from torchlint.cli import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return prepare(tmp_path, monkeypatch)


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
    "wrong cookie": ("bad.py", b"# coding: ascii\n" + HEAD.encode() + "# é\n".encode()),
    "mark and other cookie": ("bad.py", b"\xef\xbb\xbf# coding: latin-1\n" + HEAD.encode()),
    "python 2 print": ("bad.py", HEAD + "print 'loss', 1\n"),
    "python 2 tuple parameters": ("bad.py", HEAD + "def f(a, (b, c)): pass\n"),
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
        ("syntax", ""),
        ("unknown cookie", "utf-9"),
        ("binary", "NUL"),
        ("utf-16", "UTF-16"),
        ("notebook: broken json", "JSON"),
        ("notebook: empty", "empty"),
        ("latin-1 undeclared", "utf-8"),
        ("wrong cookie", "ascii"),
        ("notebook: no cells", "cells"),
    ],
)
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
    "3.10 match": "match x:\n    case {'a': [1, *rest], **others} if rest:\n        pass\n    case Point(x=0) | (1, 2) as p:\n        pass",
    "3.10 match constants": "match x:\n    case -1 | 'a' 'b' | None:\n        pass\n    case _:\n        pass",
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


# --- standard input --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"\0\1\2", b"def f(:\n", b"\xff\xfe", HEAD.encode() + MISTAKE.encode()])
def test_standard_input(folder: Path, data: bytes) -> None:
    result = CliRunner().invoke(main, ["--output-format", "json", "-"], input=data)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.exit_code in (0, 1, 2)
    assert "Traceback" not in result.output
