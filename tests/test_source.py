"""Is a file read, parsed and located correctly, and can no file take the process down?"""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
from contextlib import suppress
from pathlib import Path

import libcst
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from libcst import matchers
from libcst.matchers import findall
from libcst.metadata import MetadataWrapper, PositionProvider

from torchlint import lexer, scan
from torchlint.errors import TorchlintError, UnreadableFile
from torchlint.model import Location
from torchlint.source import SourceFile, shown_path

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

EVERY_KIND = '''\
# -*- coding: utf-8 -*-
"""Docstring."""

import torch.nn as nn
from torch import (  # why
    Tensor,
)


@decorator(1, *args, key=value, **rest)
class Net(nn.Module, metaclass=Meta):

    x: int = 3

    # comment above
    async def forward(self, x: Tensor, /, y=(1 + 2), *z, k, **kw) -> Tensor:
        async with a as b, c:  # with
            return await self.layers[0](x[1:2, ..., None])[-1] if not x else (yield)
        for i, (j, k) in enumerate( [ 1,2 , 3 ] ):
            x += -i ** 2 @ j; y = lambda q, *r: q and r or None
        else:
            pass


if   ( a == b  < c ) :  # colon
    del x [ 0 ], y . z
elif x := f"{a!r:>{width}} {b['k']}" "tail":
    print({**d, 'é': {1, 2}, "k": [v for v in w if v if u for t in v]})
else :
    raise E from None

while True :
    try:
        assert x, "y"; continue
    except (A, B) as e:
        break
    finally:
        global g

match point:
    case {"k": [1, *_], **rest} | Point(x=0) as p if p:
        pass
with (
    open(a) as f,
    open(b),
):
    type X[T] = list[T]
\tx = 1 if 0 else \\
    2
'''.replace("\tx", "    x")


def tree_of(text: str) -> libcst.Module:
    return SourceFile.from_bytes("a.py", text.encode()).tree


def failure(data: bytes, path: str = "a.py") -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        _ = SourceFile.from_bytes(path, data).tree
    assert isinstance(caught.value, TorchlintError)
    assert caught.value.exit_code == 2
    assert "\n" not in caught.value.message
    return caught.value


# Places


def assert_agrees(source: SourceFile) -> None:
    """Every node of the tree stands where LibCST's own metadata says."""
    expected = MetadataWrapper(source.tree, unsafe_skip_copy=True).resolve(PositionProvider)
    found = source.locate(expected)
    for node, span in expected.items():
        place = found[id(node)]
        assert (place.line, place.column - 1) == (span.start.line, span.start.column), type(node)
        assert (place.end_line, place.end_column - 1) == (span.end.line, span.end.column), type(node)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_places_agree_with_the_metadata_on_every_kind_of_node(newline: str) -> None:
    source = SourceFile.from_bytes("a.py", EVERY_KIND.replace("\n", newline).encode())
    assert_agrees(source)


def test_the_sample_has_the_kinds_that_findings_point_at() -> None:
    expected = MetadataWrapper(tree_of(EVERY_KIND)).resolve(PositionProvider)
    kinds = {type(node).__name__ for node in expected}
    assert kinds >= {"Call", "Name", "Attribute", "BinaryOperation", "With", "If", "For", "FunctionDef", "ClassDef", "Arg", "SimpleStatementLine"}
    assert kinds >= {"Subscript", "Assign", "Lambda", "IfExp", "FormattedString", "Match", "Try", "Module", "Comparison", "BooleanOperation"}


@pytest.mark.parametrize("text", ["", "\n", "x", "x\n\n", "# only", "  \n", "x = 1  # end", "if x:\n  pass", "\f\nx\n", "x\n\f\ny\n"])
def test_places_agree_at_the_ends_of_a_file(text: str) -> None:
    assert_agrees(SourceFile.from_bytes("a.py", text.encode()))


def test_places_agree_on_the_source_of_torchlint_itself() -> None:
    for path in sorted(Path(scan.__file__).parent.rglob("*.py"))[:12]:
        assert_agrees(SourceFile.from_bytes(str(path), path.read_bytes()))


def test_only_the_asked_nodes_are_located_each_by_its_own_place() -> None:
    source = SourceFile.from_bytes("dir/a.py", b"x = f(1)\n(  y )\n")
    line = source.tree.body[1]
    assert isinstance(line, libcst.SimpleStatementLine)
    assert isinstance(line.body[0], libcst.Expr)
    name = line.body[0].value
    assert source.locate([name, name]) == {id(name): Location("dir/a.py", None, 2, 4, 2, 5)}
    assert source.locate([]) == {}
    assert source.locate([libcst.Name("z")]) == {}


def test_places_of_deep_trees_need_no_deep_stack_of_the_caller() -> None:
    source = SourceFile.from_bytes("a.py", ("x = 1" + "+1" * 900 + "\n").encode())
    limit = sys.getrecursionlimit()
    assert source.locate([source.tree.body[0]])[id(source.tree.body[0])].end_column == 1806
    assert sys.getrecursionlimit() == limit


def test_the_line_of_a_location_is_the_users() -> None:
    source = SourceFile.from_bytes("a.py", "a\r\nbé\rc\u2028d\n".encode())
    lines = [source.line(Location("a.py", None, number, 1, number, 2)) for number in range(6)]
    assert lines == ["", "a", "bé", "c\u2028d", "", ""]
    assert source.program_line(Location("a.py", None, 3, 1, 3, 2)) == 3


STATEMENTS = st.recursive(
    st.sampled_from(
        ["x", "é", "'s'", "1", "f(a, *b, k=c)", "a.b.c", "a[0:1]", "(not x)", "-x", "(lambda: 0)", "[x for x in y]", "{1: 2}", "f'{x:>{y}}'"]
    ),
    lambda inner: st.one_of(
        st.builds("({}  +{})".format, inner, inner),
        st.builds("{} if {} else {}".format, inner, inner, inner).map("({})".format),
        st.builds("f( {} ,{})".format, inner, inner),
        st.builds("({},)".format, inner),
        st.builds("({}\n# c\n)".format, inner),
    ),
    max_leaves=5,
)
FORMS = st.sampled_from(["x = {}", "{} ; y", "if {}:\n\tpass", "for i in {} :\n   {}", "with {} as z: pass  # c", "\n"])


@relaxed
@given(st.lists(st.tuples(FORMS, STATEMENTS), max_size=8))
def test_places_agree_on_generated_programs(parts: list[tuple[str, str]]) -> None:
    text = "\n".join(form.replace("{}", expression) for form, expression in parts)
    assert_agrees(SourceFile.from_bytes("a.py", text.encode()))


# Decoding


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"\xef\xbb\xbfx = 1\n", "x = 1\n"),
        (b"\xef\xbb\xbf# coding: utf8\nx\n", "# coding: utf8\nx\n"),
        (b"# -*- coding: latin-1 -*-\nx = '\xe9'\n", "# -*- coding: latin-1 -*-\nx = 'é'\n"),
        (b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = '\x80'\n", "#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = '€'\n"),
        (b"x = 1\r\ny = 2\rz = 3\n", "x = 1\r\ny = 2\rz = 3\n"),
        (b"\x0cx = 1\n\x0c\n", "\x0cx = 1\n\x0c\n"),
        ("x = 'é€😀'\n".encode(), "x = 'é€😀'\n"),
        (b"x = 1\ny = 2\n# coding: nonsense\n", "x = 1\ny = 2\n# coding: nonsense\n"),
    ],
)
def test_text_is_decoded_as_python_does(data: bytes, text: str) -> None:
    source = SourceFile.from_bytes("a.py", data)
    assert source.text == text
    assert isinstance(source.tree, libcst.Module)
    assert source.problems == []
    assert not source.is_notebook


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"# coding: klingon\n", 1, "unknown encoding 'klingon'"),
        (b"# coding: base64\n", 1, "unknown encoding"),
        (b"# coding: punycode\n" + b"x" * 100_000, 1, "unknown encoding"),
        (b"\xef\xbb\xbf# coding: latin-1\n", 1, "byte order mark"),
        (b"x = 1\ny = '\xe9'\n", 2, "byte 0xe9 is not valid utf-8"),
        (b"# coding: ascii\nx = '\xe9'\n", 2, "byte 0xe9 is not valid ascii"),
        ("x = 1\n".encode("utf-16"), None, "UTF-16"),
        ("x = 1\n".encode("utf-32"), None, "UTF-32"),
        ("x = 1\n".encode("utf-16-le"), 1, "UTF-16"),
        (b"\x7fELF\x02\x01\x00\x00\xff", 1, "NUL byte"),
        (b"x = 1\n\ny = '\x00'\n", 3, "NUL byte"),
        (b"# coding: utf-7\nx = '+2AA-'\n", 2, "surrogate"),
        (b"x = '\xed\xa0\x80'\n", 1, "not valid utf-8"),
    ],
)
def test_what_is_not_text_is_refused_at_its_place(data: bytes, line: int | None, words: str) -> None:
    error = failure(data)
    assert error.line == line
    assert words in error.message


# Syntax


TABS = """def build(name):
    if name == "a":
        net = A()
    elif name == "b":
\t      net = B(\t1)

    elif name == "c":
\t      net = C(
\t1)

    else:
        net = None
    return net
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_tabs_and_spaces_count_as_in_python(end: str) -> None:
    source = SourceFile.from_bytes("build.py", TABS.replace("\n", end).encode())
    calls = {call.func.value: call for call in findall(source.tree, matchers.Call(func=matchers.Name()))}  # type: ignore[attr-defined]
    places = source.locate(calls.values())
    one, other = places[id(calls["B"])], places[id(calls["C"])]
    assert source.line(one)[one.column - 1 : one.end_column - 1] == "B(\t1)"
    assert (one.line, other.line, other.column, other.end_line, other.end_column) == (5, 8, 14, 9, 4)


def test_tabs_that_python_refuses_are_an_error() -> None:
    assert "tabs and spaces" in failure(b"def f():\n    if x:\n\tpass\n\n    elif y:\n\t  pass\n      z\n").message


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("x = (\n", (1, 5), "`(` is never closed"),
        ("x = 1\ny = (a b)\n", (2, 8), "unexpected `b`"),
        ("if x:\npass\n", (2, 1), "expected an indented block"),
        ("x = 1\n  y = 2\n", (2, 3), "unexpected indentation"),
        ("for x in y\n  z\n", (1, 11), "unexpected end of line"),
        ("x = 5 +\n", (1, 8), "unexpected end of file"),
        ("y = 'a'\nx = 'abc\n", (2, 5), "unterminated string"),
        ('x\n"""abc\n', (2, 1), "unterminated triple-quoted string"),
        ("foo(]\n", (1, 5), "does not match"),
        ("x = 1\nx = $\n", (2, 5), "'$'"),
        ("if x:\n\tpass\n        y\n", (3, 1), "tabs and spaces"),
        ("x = 1\nx\\ y\n", (2, 2), "line continuation"),
        ('x = 1\nprint "x"\n', (2, 7), "Python 2?"),
        ("print x\n", (1, 7), "Python 2?"),
        ("x = 0777\n", (1, 5), "Python 2?"),
        ("if a <> b: pass\n", (1, 7), "Python 2?"),
        ("raise E, 'x'\n", (1, 8), "Python 2?"),
        ("exec 'x'\n", (1, 6), "Python 2?"),
    ],
)
def test_a_syntax_error_names_what_and_where(text: str, place: tuple[int, int], words: str) -> None:
    error = failure(text.encode())
    assert (error.line, error.column) == place
    assert "syntax error" in error.message
    assert words in error.message


@pytest.mark.parametrize(
    "text",
    [
        "match x:\n    case [1, *_]: pass\n",
        "try: pass\nexcept* A: pass\n",
        "type X[T: int = str] = list[T]\ndef f[**P, *Ts](): pass\n",
        'f"{d["k"]} {f\'{x}\'}"\n',
        "t'{x}'\n",
        "try: pass\nexcept A, B: pass\n",
        "await f()\nx;\n",
        "with (open(a) as b, c): pass\n",
    ],
)
def test_syntax_newer_than_the_running_python_is_read(text: str) -> None:
    assert tree_of(text).code == text


def test_a_failure_is_remembered() -> None:
    source = SourceFile.from_bytes("a.py", b"x = (")
    with pytest.raises(UnreadableFile) as first:
        _ = source.tree
    with pytest.raises(UnreadableFile) as second:
        _ = source.tree
    assert first.value is second.value


@pytest.mark.parametrize("text", ["x = 1\n", "x = (\n"])
@pytest.mark.parametrize("enabled", [True, False])
def test_garbage_collection_is_as_it_was(text: str, enabled: bool) -> None:
    before = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        with suppress(UnreadableFile):
            tree_of(text)
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if before else gc.disable)()


class PanicException(BaseException):
    """Looks as what the native parser throws when it panics."""


@pytest.mark.parametrize("error", [PanicException("boom"), MemoryError(), RecursionError(), SyntaxError("bad"), ValueError("odd")])
def test_whatever_the_parser_throws_is_an_unreadable_file(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> libcst.Module:
        raise error

    monkeypatch.setattr(libcst, "parse_module", broken)
    assert "cannot be parsed" in failure(b"x = 1\n").message


def test_an_interrupt_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: str) -> libcst.Module:
        raise KeyboardInterrupt

    monkeypatch.setattr(libcst, "parse_module", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tree_of("x = 1\n")


def test_libcst_is_not_imported_before_the_first_tree() -> None:
    code = """
        import sys
        from torchlint.source import SourceFile
        source = SourceFile.from_bytes("a.py", b"x = 1  # torchlint: ignore")
        assert source.suppressions.hides(1, "TL101", "x")
        assert "libcst" not in sys.modules
        source.tree
        assert "libcst" in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


# What kills the native parser

KILLERS = {
    "parentheses": ["'(' * {n} + ')' * {n}", "'(' * {n}", "'x = ' + '((\\n' * {n}"],
    "brackets": ["'[' * {n} + ']' * {n}", "'[{{' * {n}", "'{{1:' * {n} + '1' + '}}' * {n}"],
    "calls": ["'f(' * {n} + ')' * {n}", "'a[' * {n} + '1' + ']' * {n}", "'f(a=' * {n} + '1' + ')' * {n}"],
    "lambdas": ["'lambda: ' * {n} + '1'", "'lambda a=' * {n} + '1' + ':1' * {n}", "'lambda a, b: ' * {n} + '1'"],
    "f-strings": ["'f\"' + '{{x:' * {n} + '}}' * {n} + '\"'", "\"f'{{\" * {n} + '1' + \"}}'\" * {n}"],
    "accesses": ["'a' + '.b' * {n}", "'a' + '.b()' * {n}", "'a' + '[0]' * {n}", "'a' + '(b, c)' * {n}", "'import a' + '.a' * {n}"],
    "operators": ["'a' + ' and a' * {n}", "'1' + '+1' * {n}", "'1' + '**1' * {n}", "'1' + '+ f(a, b)' * {n}", "'1' + '+\\\\\\n1' * {n}"],
    "unary": ["'not ' * {n} + 'x'", "'-' * {n} + '1'", "'~ ' * {n} + '1'", "'await ' * {n} + 'x'"],
    "conditions": ["'1 if a else ' * {n} + '1'", "'if a:\\n pass\\n' + 'elif a:\\n pass\\n' * {n}"],
    "strings": ["'x = ' + '\"a\" ' * {n}", "'[x ' + 'for x in y ' * {n} + ']'"],
    "blocks": ["''.join(' ' * i + 'if x:\\n' for i in range({n} // 10)) + ' ' * ({n} // 10) + 'pass'"],
}
RUN = """
import sys, threading
from torchlint.errors import UnreadableFile
from torchlint.source import SourceFile
def run():
    for text in texts:
        try:
            source = SourceFile.from_bytes("a.py", text.encode())
            source.locate([source.tree.body[0]])
            print("read", flush=True)
        except UnreadableFile as error:
            print(error, flush=True)
threading.stack_size(stack)
thread = threading.Thread(target=run)
thread.start()
thread.join()
"""


def survive(texts: str, stack: int = 1 << 20) -> list[str]:
    """What reading each text says, run in a process and thread of its own with a small stack."""
    done = subprocess.run([sys.executable, "-c", f"texts = {texts}\nstack = {stack}\n{RUN}"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("family", KILLERS)
def test_deep_nesting_and_long_chains_are_refused(family: str) -> None:
    texts = ", ".join(form.format(n=n) for form in KILLERS[family] for n in (1_500, 20_000))
    said = survive(f"[{texts}]")
    assert len(said) == 2 * len(KILLERS[family])
    assert all(line.startswith("a.py") for line in said)


@pytest.mark.parametrize("family", KILLERS)
def test_what_the_limits_let_through_is_read_even_with_a_small_stack(family: str) -> None:
    said = survive("[" + ", ".join(form.format(n=190) for form in KILLERS[family] if "* {n}" in form) + "]")
    unfinished = {"parentheses": 2, "brackets": 1, "unary": 1}.get(family, 0)
    assert len([line for line in said if line != "read"]) == unfinished, said


@pytest.mark.parametrize(
    "pattern", ["'(' * 30 + '1' + ')' * 30", "'[' * 30 + ']' * 30", "'{\"a\":' * 14 + '1' + '}' * 14", "'C(a=' * 30 + '1' + ')' * 30"]
)
def test_nested_patterns_take_exponential_time_and_are_refused(pattern: str) -> None:
    assert "too deeply nested" in survive(f"['match x:\\n case ' + {pattern} + ': pass']")[0]
    assert tree_of("match x:\n case {'a': {'b': [C(d=(1, 2)), *_]}}: pass\n")


def test_much_code_on_one_line_is_refused_before_it_takes_gigabytes() -> None:
    said = survive("['x=[' + 'f(1),' * 240_000 + ']', 'x = f(1)\\n' * 250_000, ('f(' * 190 + ')' * 190 + '\\n') * 500]")
    assert "GB of memory" in said[0]
    assert "too large to parse" in said[1]
    assert "GB of memory" in said[2]


def test_long_but_flat_code_is_read() -> None:
    table = "TABLE = {\n" + "".join(f'    ("key", {n}, (2, 3)): (1, 2.5, "a" "b", -4),\n' for n in range(2_000)) + "}\n"
    lambdas = "OPS = [" + "lambda x, y=1: x and y, " * 300 + "]\n"
    assert len(tree_of(table + lambdas).body) == 2


def test_a_bracket_that_never_closes_is_blamed_on_the_bracket() -> None:
    error = failure(("def f():\n    x = g(\n" + "    y.a.b().c()\n" * 3_000).encode())
    assert (error.line, error.column) == (2, 10)
    assert "never closed" in error.message


def test_the_scan_sees_through_strings_and_comments() -> None:
    text = 'x = \'((((\' # ((((\ny = f"{a[b]:{c}}" + """[[[[\n\'"""\nz = f(a, [b.c])\n'
    assert scan.measure("a.py", text).depth == 2
    assert scan.measure("a.py", 'f"{a["b"]}" + f"{(1, [2])}"\n').depth == 3


def test_a_file_may_not_exceed_the_size() -> None:
    assert "2.5 MB" in failure(b"#" * 2_500_000).message


# Arbitrary input

BLANKS = [" ", "\n", "\r\n", "\r", "    ", "\t", "\f", "\\"]
MARKS = ["(", ")", "[", "]", "{", "}", "'", '"', "'''", '"""', "f'", 'f"""', "rb'", "#", ":", ",", "=", ".", "!", "?", "\0", "\ufeff"]
WORDS = ["x", "é", "1", "lambda ", "if ", " else ", "for ", "in ", "match x:\n case ", "def f():\n ", "# coding: x\n", "await "]
FRAGMENTS = st.sampled_from(BLANKS + MARKS + WORDS)


def attempt(path: str, data: bytes) -> UnreadableFile | None:
    """Read, parse and locate; the clear error, where there is one."""
    try:
        source = SourceFile.from_bytes(path, data)
        source.locate([source.tree])
    except UnreadableFile as error:
        return error
    return None


@relaxed
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_arbitrary_bytes_give_a_tree_or_a_clear_error(data: bytes) -> None:
    for path in ("a.py", "a.ipynb"):
        error = attempt(path, data)
        if error:
            assert str(error).startswith(path)
            assert error.line is None or error.line >= 1
            assert error.column is None or error.column >= 1


@relaxed
@given(st.lists(FRAGMENTS, max_size=40).map("".join))
def test_arbitrary_fragments_give_the_right_places_or_a_clear_error(text: str) -> None:
    error = attempt("a.py", text.encode())
    if error:
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        assert error.line is None or 1 <= error.line <= len(lines)
    else:
        assert_agrees(SourceFile.from_bytes("a.py", text.encode()))


@relaxed
@given(st.lists(FRAGMENTS, max_size=40).map("".join))
def test_tokens_lie_in_order_inside_the_text(text: str) -> None:
    end = 0
    for token in lexer.lex(text):
        assert end <= token.start <= token.end <= len(text)
        end = token.end


# Paths


def test_paths_are_shown_relative_and_posix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown_path(str(tmp_path / "pkg" / "a.py")) == "pkg/a.py"
    assert shown_path("./pkg/../a.py") == "a.py"
    assert shown_path(str(tmp_path.parent / "other" / "a.py")) == (tmp_path.parent / "other" / "a.py").as_posix()
    assert shown_path("caf\udce9.py") == "caf\\xe9.py"
    assert SourceFile.from_bytes(str(tmp_path / "a.py"), b"").path == "a.py"
