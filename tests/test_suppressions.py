"""Which comments silence which findings?"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchlint.suppressions import Suppressions

CODE, NAME = "TL101", "softmax-before-cross-entropy"


def hides(text: str, line: int = 1, code: str = CODE, name: str = NAME) -> bool:
    return Suppressions.of(text).hides(line, code, name)


@pytest.mark.parametrize(
    "comment",
    [
        "# torchlint: ignore",
        "#torchlint:ignore",
        "# TorchLint: Ignore",
        "# torchlint: ignore[TL101]",
        "# torchlint: ignore [TL101]",
        "# torchlint: ignore[tl101]",
        "# torchlint: ignore[TL1]",
        "# torchlint: ignore[TL]",
        "# torchlint: ignore[softmax-before-cross-entropy]",
        "# torchlint: ignore[TL601, TL101]",
        "# torchlint: ignore[softmax-without-dim,softmax-before-cross-entropy] because the target is soft",
        "# the target is soft  # torchlint: ignore[TL101]",
        "# noqa",
        "#noqa",
        "# NOQA",
        "# noqa: TL101",
        "# noqa:TL101,E501",
        "# noqa: E501, TL101",
        "# noqa: E501 TL101",
        "# noqa: TL1",
        "# noqa: F401  # torchlint: ignore[TL101]",
        "# type: ignore # noqa: TL101",
        "# noqa : TL101",
        "# noqa because",
    ],
)
def test_a_comment_hides_on_its_line(comment: str) -> None:
    text = f"x = 1\nloss = f(p, y)  {comment}\nx = 2\n"
    assert not hides(text, 1)
    assert hides(text, 2)
    assert not hides(text, 3)


@pytest.mark.parametrize(
    "comment",
    [
        "# torchlint: ignore[TL102]",
        "# torchlint: ignore[TL1011]",
        "# torchlint: ignore[]",
        "# torchlint: ignore[softmax]",
        "# torchlint: ignored",
        "# torchlint: ignore-all",
        "# torchlint ignore",
        "# noqa: E501",
        "# noqa:F401,E501",
        "# noqable",
        "# flake8: noqa-x",
        "# torchlint: ignore-file[TL101]",
    ],
)
def test_other_comments_hide_nothing(comment: str) -> None:
    assert not hides(f"loss = f(p, y)  {comment}\n")


def test_a_comment_does_not_speak_for_the_line_below() -> None:
    assert not hides("# torchlint: ignore\nloss = f(p, y)\n", 2)


@pytest.mark.parametrize(
    "text",
    [
        "s = '# torchlint: ignore'\n",
        's = "# noqa"\n',
        "s = f'{x} # noqa'\n",
        "s = '''\n# torchlint: ignore-file\n'''\n",
        '"""\n# torchlint: ignore-file\n"""\n',
    ],
)
def test_a_string_is_no_comment(text: str) -> None:
    found = Suppressions.of(text)
    assert not any(found.hides(line, CODE, NAME) for line in range(1, 5))


def test_a_comment_behind_a_string_counts() -> None:
    assert hides("s = '#' + f\"{d[\"#\"]:{'#'}}\" # noqa\n")
    assert hides("s = '''\n# no\n''' # torchlint: ignore\n", 3)


def test_a_comment_inside_brackets_counts_for_the_lines_of_the_finding() -> None:
    found = Suppressions.of("loss = f(\n    p,\n    y,\n)  # torchlint: ignore[TL101]\n")
    assert found.hides_span(1, 4, CODE, NAME)
    assert found.hides_span(4, 9, CODE, NAME)
    assert not found.hides_span(1, 3, CODE, NAME)
    assert not found.hides_span(1, 4, "TL601", "softmax-without-dim")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_python_does(newline: str) -> None:
    text = newline.join(["x = '\u2028\x0b'", "\f", "y  # noqa", ""])
    assert [line for line in range(1, 6) if hides(text, line)] == [3]


def test_a_whole_file() -> None:
    assert hides("import torch\n\n    # torchlint: ignore-file\n", 1)
    found = Suppressions.of("# torchlint: ignore-file[TL1, softmax-without-dim]\nx = 1\n")
    assert found.hides(2, CODE, NAME)
    assert found.hides(2, "TL601", "softmax-without-dim")
    assert not found.hides(2, "TL607", "repeated-activation")


def test_broken_programs_still_have_comments() -> None:
    assert hides("x = (\ny = 'abc # no\nz # noqa\n", 3)


COMMENTS = st.sampled_from(["# noqa", "# torchlint: ignore", "#torchlint:ignore[TL1"])


@settings(deadline=None)
@given(st.text(max_size=80), COMMENTS)
def test_arbitrary_text_never_fails(text: str, comment: str) -> None:
    Suppressions.of(text + comment + text).hides(1, CODE, NAME)
