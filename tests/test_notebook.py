"""What program does a notebook hold, and where in its cells does a place of that program lie?"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import libcst
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from torchlint.errors import UnreadableFile
from torchlint.magics import plain_python
from torchlint.model import Location
from torchlint.source import SourceFile


def notebook(*cells: str, **metadata: object) -> SourceFile:
    """A notebook of nbformat 4 with these code cells and a text cell before each."""
    listed: list[dict[str, object]] = []
    for cell in cells:
        listed.append({"cell_type": "markdown", "source": ["# %not code\n"], "metadata": {}})
        listed.append({"cell_type": "code", "source": cell, "metadata": {}, "outputs": [], "execution_count": None})
    return read({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": listed})


def read(data: object) -> SourceFile:
    return SourceFile.from_bytes("nb.ipynb", json.dumps(data).encode())


def failure(data: bytes) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        SourceFile.from_bytes("nb.ipynb", data)
    return caught.value


def program(cell: str) -> str:
    """The cell as Python; it must parse and keep its lines."""
    plain = plain_python(1, cell)
    assert plain.lines == cell.split("\n")
    assert len(plain.program) == len(plain.lines)
    text = "\n".join(plain.program)
    libcst.parse_module(text)
    return text


# Magics


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("%matplotlib inline\nimport torch", "pass\nimport torch"),
        ("!pip install torch", "pass"),
        ("  !ls", "pass"),
        ("if x:\n    !ls\n    %cd ..", "if x:\n    pass\n    pass"),
        ("!echo it's \\\n   \"more\nx = 1", "pass\n\nx = 1"),
        ("%config a \\\n  b \\\n  c", "pass\n\n"),
        ("files = !ls *.py", "files = get_ipython()"),
        ("a, b = %env X", "a, b = get_ipython()"),
        ("d['k'] = !ls", "d['k'] = get_ipython()"),
        ("?obj\nobj?\nobj.attr??\nif x:\n  obj?", "pass\npass\npass\nif x:\n  pass"),
        ("%time y = net(x)", "y = net(x)"),
        ("%timeit -n 10 -r3 f(x)", "f(x)"),
        ("%timeit", "pass"),
        ("torch.ones(1);", "torch.ones(1);"),
        ("await f()\nasync with a: pass", "await f()\nasync with a: pass"),
        ("%%time\ny = 1", "\ny = 1"),
        ("\n%%capture out\n%%time\ny = 1", "\n\n\ny = 1"),
        ("%%timeit -n 1 setup()\ny = 1", "\ny = 1"),
        ("%%bash\nls 'it\n", "\n\n"),
        ("%%writefile net.py\nimport torch", "\n"),
        ("%%html\n<b>", "\n"),
        ("%%!\nls", "\n"),
        ("%%R -i x\nlibrary(ggplot2)", "\n"),
        ("    x = 1\n    y = 2", "x = 1\ny = 2"),
        ("", ""),
        ("# only a comment?", "# only a comment?"),
    ],
)
def test_what_only_ipython_understands_is_neutralised(cell: str, expected: str) -> None:
    assert program(cell) == expected


@pytest.mark.parametrize(
    "cell",
    [
        "x = '''\n%matplotlib\n!ls\nwhat?\n'''",
        'f"""\n%a {x}\n!b\n"""',
        "y = (a\n  % b\n  )",
        "y = a \\\n  % b",
        "f(a,\n  'x' #?\n  )",
        "x = 'why?'",
        "x = 1  # why?",
        "x != y",
        "print('a = !b')",
        "print('''a\nb = %c''')",
        "x = {'a = !b': '%s' % c}",
        "y = x % z",
        "x = f'{a!r}' % b",
        "@decorator\ndef f(): pass",
    ],
)
def test_ordinary_python_is_not_touched(cell: str) -> None:
    assert program(cell) == cell


def test_an_indented_cell_keeps_the_columns_of_the_user() -> None:
    source = notebook("    x = 1\n    %time y = f(x)")
    line = source.tree.body[1]
    assert isinstance(line, libcst.SimpleStatementLine)
    assert source.locate([line.body[0]])[id(line.body[0])] == Location("nb.ipynb", 1, 2, 11, 2, 19)


# Cells


def test_cells_are_one_program_and_places_name_the_cell() -> None:
    source = notebook("import torch\n", "%cd ..\nx = torch.ones(1)\nloss = f(\n  x)  # noqa", "y")
    assert source.is_notebook
    assert source.text == "import torch\n\npass\nx = torch.ones(1)\nloss = f(\n  x)  # noqa\ny\n"
    statement, last = source.tree.body[3], source.tree.body[4]
    places = source.locate([statement, last])
    location = places[id(statement)]
    assert location == Location("nb.ipynb", 2, 3, 1, 4, 5)
    assert places[id(last)] == Location("nb.ipynb", 3, 1, 1, 1, 2)
    assert source.line(location) == "loss = f("
    assert source.program_line(location) == 5
    assert source.suppressions.hides_span(5, 6, "TL101", "name")


def test_the_line_of_a_location_is_what_the_user_wrote() -> None:
    source = notebook("x = 1", "%time x = !ls\n%%oops")
    assert source.line(Location("nb.ipynb", 2, 1, 1, 1, 2)) == "%time x = !ls"
    assert source.line(Location("nb.ipynb", 2, 2, 1, 1, 2)) == "%%oops"
    assert source.line(Location("nb.ipynb", 3, 1, 1, 1, 2)) == ""
    assert source.line(Location("nb.ipynb", 2, 9, 1, 1, 2)) == ""


def test_a_source_may_be_a_list_of_lines() -> None:
    source = read({"cells": [{"cell_type": "code", "source": ["x = 1\n", "y = 2"]}]})
    assert source.text == "x = 1\ny = 2\n"


def test_nbformat_3() -> None:
    cells = [{"cell_type": "code", "input": ["x = 1\n", "y"], "language": "python"}, {"cell_type": "heading", "source": "!"}]
    source = read({"nbformat": 3, "worksheets": [{"cells": cells}, {"cells": [{"cell_type": "code", "input": "z"}]}]})
    assert source.text == "x = 1\ny\nz\n"


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "ir", "language": "R"}},
        {"language_info": {"name": "julia"}},
        {"kernelspec": {"name": "julia-1.9"}},
        {"kernelspec": {"name": "ir"}},
    ],
)
def test_other_languages_are_an_empty_program(metadata: dict[str, object]) -> None:
    source = notebook("x <- c(1, 2)", **metadata)
    assert source.text == ""
    assert source.tree.body == ()
    assert source.problems == []
    assert source.locate([source.tree])[id(source.tree)].line == 1


@pytest.mark.parametrize(
    "metadata",
    [{}, {"kernelspec": {"name": "python3", "language": "python"}}, {"kernelspec": None}, {"language_info": {"name": "ipython"}}],
)
def test_python_kernels_are_read(metadata: dict[str, object]) -> None:
    assert notebook("x", **metadata).text == "x\n"


def test_a_cell_of_another_language_keeps_its_number() -> None:
    cells = [{"cell_type": "code", "source": "SELECT 1\n", "metadata": {"vscode": {"languageId": "sql"}}}, {"cell_type": "code", "source": "x"}]
    source = read({"cells": cells})
    assert source.locate([source.tree.body[0]])[id(source.tree.body[0])].cell == 2
    assert source.problems == []


# Cells that cannot be read


@pytest.mark.parametrize(
    ("cell", "line", "column"),
    [("x = (a b)", 1, 8), ("ok = 1\n'''", 2, 1), ("f(a,", 1, 2), ("x = 1 + \\", None, None), ("print 'x'", 1, 7), ("  y = 1\n  x = (a b)", 2, 10)],
)
def test_a_broken_cell_is_left_out_and_reported_and_the_rest_is_read(cell: str, line: int | None, column: int | None) -> None:
    source = notebook("x = 1", cell, "y = ''' '''\nz = 3")
    assert source.problems == []
    names = [libcst.ensure_type(libcst.ensure_type(s, libcst.SimpleStatementLine).body[0], libcst.Assign).targets[0].target for s in source.tree.body]
    assert [libcst.ensure_type(name, libcst.Name).value for name in names] == ["x", "y", "z"]
    [problem] = source.problems
    assert problem.cell == 2
    if line:
        assert (problem.line, problem.column) == (line, column)
    place = source.locate([source.tree.body[2]])[id(source.tree.body[2])]
    assert place == Location("nb.ipynb", 3, 2, 1, 2, 6)


@pytest.mark.parametrize("cell", ["pip install torch\nx = 1", "ls\nx = 1", "%timeit f(x) if\nx = 1", "cd ..\nx = 1"])
def test_magics_without_their_sign_are_not_reported(cell: str) -> None:
    source = notebook("(", cell)
    assert len(source.tree.body) == 2
    assert [problem.cell for problem in source.problems] == [1]


@pytest.mark.parametrize("cell", ["%%unheard_of\nwhat is this ?!", "%md\nA title with words", "%sql\nselect a from b"])
def test_what_may_be_another_language_is_not_reported(cell: str) -> None:
    source = notebook(cell, "x = 1")
    assert len(source.tree.body) == 1
    assert source.problems == []


def test_a_killer_in_one_cell_spares_the_others() -> None:
    source = notebook("(" * 5_000, "x = 1")
    assert len(source.tree.body) == 1
    assert "nests 5000 brackets" in source.problems[0].message
    assert (source.problems[0].cell, source.problems[0].line) == (1, 1)


def test_the_size_of_all_cells_is_limited_but_not_that_of_outputs() -> None:
    with pytest.raises(UnreadableFile, match="too large"):
        notebook("#" * 1_500_000, "#" * 1_500_000)
    assert read({"cells": [{"cell_type": "code", "source": "x", "outputs": ["o" * 5_000_000]}]}).text == "x\n"


# What is no notebook


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"{", "broken JSON"),
        (b"x = 1", "broken JSON"),
        (b"[" * 100_000, "broken JSON"),
        (b"[]", "a JSON object is expected, not a list"),
        (b"null", "not null"),
        (b"{}", "it has no `cells`"),
        (b'{"cells": 1}', "`cells` is a number"),
        (b'{"cells": {"a": 1}}', "`cells` is an object"),
        (b'{"cells": [1]}', "entry 1 of `cells` is a number"),
        (b'{"worksheets": [{}]}', "it has no `cells`"),
        (b'{"worksheets": "x"}', "`worksheets` is text"),
        (b"\xff\xfe{\x00}\x00", "UTF-16"),
        (b'{"cells": [], "x": "\xe9"}', "not valid utf-8"),
    ],
)
def test_what_is_no_notebook_is_refused(data: bytes, words: str) -> None:
    assert words in failure(data).message


def test_broken_json_names_its_place() -> None:
    error = failure(b'{\n "cells": [,]\n}')
    assert (error.line, error.column) == (2, 12)


@pytest.mark.parametrize("source", [1, None, {"a": 1}, ["x", 1], "x = '\ud800'", "x\ny\0"])
def test_a_source_that_is_no_text_names_the_cell(source: object) -> None:
    cells = [{"cell_type": "code", "source": "x"}, {"cell_type": "markdown"}, {"cell_type": "code", "source": source}]
    assert failure(json.dumps({"cells": cells}).encode()).cell == 2


KEYS = st.sampled_from(
    ["cells", "worksheets", "cell_type", "source", "input", "metadata", "kernelspec", "language_info", "name", "language", "vscode"]
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.sampled_from(["code", "cells", "R", "x = 1\n"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
MAGICS = ["%x", "!y '", "a?", "x = !z", "%%time", "%%bash", "%time z", "    !q \\", "\t%w"]
PYTHON = ["'''", '"""', "f(", ")", "x = 1", "  y", "\\", "if x:", "", "\r", "# c"]
LINES = st.sampled_from(MAGICS + PYTHON)


@relaxed
@given(JSON)
def test_arbitrary_json_never_crashes(data: Any) -> None:
    check(data)


@relaxed
@given(st.lists(st.one_of(st.fixed_dictionaries({"cell_type": st.sampled_from(["code", "raw"]), "source": JSON}), JSON), max_size=4))
def test_arbitrary_cells_never_crash(cells: list[Any]) -> None:
    check({"cells": cells})


@relaxed
@given(st.lists(st.lists(LINES, max_size=6).map("\n".join), max_size=4))
def test_arbitrary_cells_keep_their_lines(cells: list[str]) -> None:
    source = notebook(*cells)
    assert len(source.text.splitlines()) == sum(len(cell.replace("\r\n", "\n").replace("\r", "\n").split("\n")) for cell in cells)
    nodes = list(source.tree.body)
    for location in source.locate(nodes).values():
        assert location.cell is not None
        assert 1 <= location.cell <= len(cells)
        assert location.column <= len(source.line(location)) + 1


def check(data: object) -> None:
    with suppress(UnreadableFile):
        source = read(data)
        for location in source.locate([source.tree]).values():
            source.line(location)
            source.program_line(location)
