"""Do the reports say what they should, to people and to programs?

Whole reports are compared with files in tests/snapshots/reporters. After a wanted change: TORCHLINT_UPDATE_SNAPSHOTS=1 pytest tests/test_reporters.py
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from torchlint.errors import UnreadableFile
from torchlint.model import Evidence, Finding, Location, Severity, TraceStep
from torchlint.reporters import concise, full, json_
from torchlint.reporters.frame import Frame, window
from torchlint.reporters.text import Paint, cells, harmless, place, wrapped

SNAPSHOTS = Path(__file__).parent / "snapshots" / "reporters"

TRAIN = ["import torch", "criterion = torch.nn.CrossEntropyLoss()", "", "for x, y in loader:", "\tloss = criterion(net(x), y)", "\tloss.backward()"]
NET = ["import torch.nn.functional as F", "", "class Net:", "    def forward(self, x):", "        return F.softmax(self.名前(x), dim=1)  # 確率"]
CELL = ["probs = model(x).softmax(1)", "loss = F.nll_loss(", "    probs,", "    y,", ")"]
LINES = {("train.py", None): TRAIN, ("net.py", None): NET, ("nb.ipynb", 4): CELL}


def sources(location: Location) -> str | None:
    lines = LINES.get((location.path, location.cell), [])
    return lines[location.line - 1] or None if 0 < location.line <= len(lines) else None


def finding(**changes: Any) -> Finding:
    base = Finding(
        code="TL101",
        rule="softmax-before-cross-entropy",
        severity=Severity.ERROR,
        evidence=Evidence.PROVEN,
        message="CrossEntropyLoss applies log_softmax itself, but it gets probabilities: the loss cannot fall below 0.55 for two classes and "
        "its gradients are about 10 times too small.",
        help="Return the logits from Net.forward and take the softmax only where probabilities are shown.",
        url="https://torchlint.readthedocs.io/rules/TL101",
        location=Location("train.py", None, 5, 9, 5, 29),
        trace=(
            TraceStep("softmax makes probabilities", Location("net.py", None, 5, 16, 5, 44)),
            TraceStep("Net.forward returns it", Location("net.py", None, 5, 9, 5, 44)),
            TraceStep("it reaches CrossEntropyLoss as `input`", Location("train.py", None, 5, 19, 5, 25)),
        ),
        more=2,
    )
    return replace(base, **changes)


def notebook_finding() -> Finding:
    return finding(
        code="TL103",
        rule="nll-loss-without-log-softmax",
        message="nll_loss takes log-probabilities and gets probabilities.",
        help="Use log_softmax.",
        evidence=Evidence.POSSIBLE,
        location=Location("nb.ipynb", 4, 2, 8, 5, 2),
        trace=(TraceStep("softmax makes probabilities", Location("nb.ipynb", 4, 1, 9, 1, 28)),),
        more=0,
    )


def result(*findings: Finding, errors: tuple[UnreadableFile, ...] = (), files: int = 2) -> Any:
    return SimpleNamespace(findings=list(findings), errors=list(errors), files=files)


EVERYTHING = (
    finding(),
    notebook_finding(),
    finding(code="TL104", rule="log-of-softmax", severity=Severity.WARNING, trace=(), more=1, location=Location("gone.py", None, 7, 1, 7, 4)),
    finding(code="TL102", rule="log-softmax-before-cross-entropy", severity=Severity.INFO, trace=(), more=0, help=""),
)


def compare(name: str, text: str) -> None:
    file = SNAPSHOTS / name
    if os.environ.get("TORCHLINT_UPDATE_SNAPSHOTS"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    assert text == file.read_text(encoding="utf-8"), f"{file} differs; TORCHLINT_UPDATE_SNAPSHOTS=1 accepts the new text"


RENDERERS: dict[str, Callable[[], str]] = {
    "full.txt": lambda: full.render(result(*EVERYTHING), sources),
    "full-narrow.txt": lambda: full.render(result(finding()), sources, width=50),
    "full-colour.txt": lambda: full.render(result(finding()), sources, paint=Paint(True)),
    "full-clean.txt": lambda: full.render(result(files=12), sources),
    "concise.txt": lambda: concise.render(result(*EVERYTHING)),
    "report.json": lambda: json_.render(result(finding(), notebook_finding(), errors=(UnreadableFile("old.py", "Python 2", 3, 7),))).decode(),
    "statistics.txt": lambda: full.statistics(result(*EVERYTHING, finding())),
}


@pytest.mark.parametrize("name", RENDERERS)
def test_snapshot(name: str) -> None:
    compare(name, RENDERERS[name]())


def test_every_snapshot_is_used() -> None:
    assert {file.name for file in SNAPSHOTS.iterdir()} == set(RENDERERS)


def test_the_json_form_has_the_documented_fields_and_no_others() -> None:
    document = json.loads(json_.render(result(finding(), errors=(UnreadableFile("old.py", "Python 2"),))))
    assert list(document) == ["version", "torchlint", "findings", "errors"]
    (only,) = document["findings"]
    assert list(only) == ["code", "rule", "severity", "evidence", "message", "help", "url", "location", "trace", "fix", "cause"]
    assert only["location"] == {"path": "train.py", "cell": None, "line": 5, "column": 9, "end_line": 5, "end_column": 29}
    assert list(only["trace"][0]) == ["message", "location"]
    assert document["errors"] == [{"path": "old.py", "message": "Python 2"}]


def test_json_survives_a_file_name_that_is_no_text() -> None:
    odd = os.fsdecode(b"caf\xe9.py")
    document = json.loads(json_.render(result(finding(location=Location(odd, None, 1, 1, 1, 2)))))
    assert document["findings"][0]["location"]["path"] in ("caf\ufffd.py", "café.py")


def test_the_mark_stands_under_its_text() -> None:
    """Cut the marked cells out of the drawn line again: they are the marked characters."""
    frame = list(Frame(sources, Paint(), 100).lines(Location("net.py", None, 5, 18, 5, 44)))
    drawn, mark = frame
    first = mark.index("^")
    assert by_cells(drawn)[first : first + mark.count("^")].replace("\0", "") == "softmax(self.名前(x), dim=1)"[: mark.count("^")]


def by_cells(text: str) -> str:
    """One character a cell: a wide one is followed by a NUL."""
    return "".join(character + "\0" * (cells(character) - 1) for character in text)


@pytest.mark.parametrize(
    ("line", "column", "end", "shown", "marked"),
    [
        ("\tloss = f(x)", 9, 13, "    loss = f(x)", "f(x)"),
        ("a\tb = f(x)", 7, 11, "a   b = f(x)", "f(x)"),
        ("日本 = f(x)", 6, 10, "日本 = f(x)", "f(x)"),
        ("f('é'.strip('e\u0301'))  # x", 1, 19, "f('é'.strip('e\u0301'))  # x", "f('é'.strip('e\u0301'))"),
    ],
)
def test_tabs_wide_and_combining_characters(line: str, column: int, end: int, shown: str, marked: str) -> None:
    text, left, length = window(line, column - 1, end - 1, 80)
    assert text == shown
    assert left == cells(shown[: shown.index(marked)])
    assert length == cells(marked)


@pytest.mark.parametrize("start", [0, 40, 300, 900, 990])
@pytest.mark.parametrize("length", [1, 10, 500])
@pytest.mark.parametrize("room", [20, 60, 150])
def test_a_long_line_is_cut_around_the_mark(start: int, length: int, room: int) -> None:
    line = "".join(chr(ord("a") + i % 26) for i in range(1000))
    text, left, width = window(line, start, start + length, room)
    assert cells(text) <= room
    assert left + width <= cells(text)
    assert text[left] == line[start]


def test_a_long_line_of_wide_characters_is_cut() -> None:
    text, left, width = window("字" * 300, 100, 103, 41)
    assert cells(text) <= 41
    assert by_cells(text)[left : left + width].replace("\0", "") == "字字字"


@pytest.mark.parametrize(("start", "end"), [(50, 60), (-3, 2), (5, 2)])
def test_a_span_outside_the_line_does_no_harm(start: int, end: int) -> None:
    text, left, width = window("loss = f(x)", start, end, 40)
    assert text == "loss = f(x)"
    assert left >= 0
    assert width >= 1


def test_a_source_line_cannot_command_the_terminal() -> None:
    assert "\x1b" not in harmless("x = '\x1b[2J\x07'")
    assert harmless("a\u202eb") == "a?b"
    bad = finding(location=Location("evil\x1b[2J.py", None, 1, 1, 1, 2), message="m\x1b[1m", trace=())
    for text in (full.render(result(bad), lambda _: "\x1b]0;title\x07"), concise.render(result(bad))):
        assert "\x1b" not in text
        assert "\x07" not in text


def test_without_colour_there_is_no_escape_and_with_colour_the_text_is_the_same() -> None:
    plain = full.render(result(*EVERYTHING), sources)
    coloured = full.render(result(*EVERYTHING), sources, paint=Paint(True))
    assert "\x1b" not in plain
    assert coloured != plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Words that cannot be broken, such as a place, may stick out; there are none here."""
    for line in full.render(result(finding()), sources, width=width).splitlines():
        assert cells(line) <= max(width, len("train.py:5:9: error[TL101] softmax-before-cross-entropy"))


def test_lines_of_a_message_stay_lines() -> None:
    assert wrapped("one\n\ntwo", 80, "  ") == "  one\n\n  two"


@pytest.mark.parametrize(
    ("findings", "summary"),
    [
        ([Severity.ERROR] * 3 + [Severity.WARNING], "Found 3 errors and 1 warning in 2 files."),
        ([Severity.ERROR, Severity.WARNING, Severity.INFO], "Found 1 error, 1 warning and 1 note in 2 files."),
        ([Severity.INFO], "Found 1 note in 2 files."),
        ([], "All clear: 2 files checked."),
    ],
)
def test_summary(findings: list[Severity], summary: str) -> None:
    text = full.render(result(*(finding(severity=severity) for severity in findings)), sources)
    assert text.splitlines()[-1] == summary
    assert "Found" not in full.render(result(*(finding(severity=severity) for severity in findings)), sources, summary=False)


def test_places() -> None:
    assert place(Location("train.py", None, 12, 17, 12, 20)) == "train.py:12:17"
    assert place(Location("nb.ipynb", 4, 12, 3, 12, 5)) == "nb.ipynb:cell 4:12:3"


def test_a_span_of_many_lines_is_cut() -> None:
    lines = [f"line_{number}" for number in range(1, 30)]
    drawn = list(Frame(lambda at: lines[at.line - 1], Paint(), 80).lines(Location("x.py", None, 3, 1, 20, 4)))
    assert len(drawn) == 9
    assert drawn[-1].endswith("…")


# --- one mistake that reaches many places


def reached(line: int, **changes: Any) -> Finding:
    return finding(location=Location("train.py", None, line, 9, line, 29), cause=Location("net.py", None, 5, 16, 5, 44), **changes)


def test_findings_of_one_cause_are_shown_as_one() -> None:
    shown = full.render(result(reached(5), reached(7), reached(9), finding(code="TL102")), sources)
    assert shown.count("error[TL101]") == 1
    assert "The same mistake, made at net.py:5:16, reaches 2 more places:\n    train.py:7:9\n    train.py:9:9\n" in shown
    assert "Found 4 errors, which come of 2 mistakes, in 2 files." in shown


def test_other_rules_and_other_evidence_are_shown_apart() -> None:
    different = [reached(5), reached(7, code="TL201"), reached(9, evidence=Evidence.POSSIBLE)]
    assert [len(group) for group in full.grouped(different)] == [1, 1, 1]
    assert [len(group) for group in full.grouped([finding(), finding()])] == [1, 1]  # nothing is known of their causes


def test_of_many_places_the_first_are_listed() -> None:
    shown = full.render(result(*(reached(line) for line in range(1, 31))), sources)
    assert shown.count("\n    train.py:") == full.MOST_OTHERS
    assert f"... and {29 - full.MOST_OTHERS} more" in shown


def test_json_and_concise_keep_every_place() -> None:
    together = result(reached(5), reached(7))
    told = json.loads(json_.render(together))["findings"]
    assert [each["location"]["line"] for each in told] == [5, 7]
    assert told[0]["cause"] == told[1]["cause"] == {"path": "net.py", "cell": None, "line": 5, "column": 16, "end_line": 5, "end_column": 44}
    assert concise.render(together).count("TL101") == 2
