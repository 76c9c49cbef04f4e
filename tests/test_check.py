"""How do many reports become few findings: evidence, suppression, the shortest way, the count of the others, order; and does the run survive us?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import libcst as cst
import pytest
from support import mdtest
from support.fixtures import projects
from support.flow import ROOT, MemoryFiles

import torchlint.check
import torchlint.flow.entries
from torchlint.check import check
from torchlint.collecting import Result
from torchlint.config import Settings, override
from torchlint.flow.machine import EVALUATORS, EXECUTORS, Machine
from torchlint.model import Evidence, Finding
from torchlint.session import run

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\nx, y, args = torch.load('x'), torch.load('y'), torch.load('args')\n"
SOFT = "p = F.softmax(x, dim=1)\n"
LOSS = "loss = F.cross_entropy(p, y)\n"
COMPUTE = "def compute(prediction):\n    return F.cross_entropy(prediction, y)\n\n"
FIRST = HEAD.count("\n") + 1


def checked(*texts: str, settings: Settings | None = None, files: Mapping[str, str] | None = None, **named: str) -> Result:
    """Check one text as train.py (or several, by name) that lie in memory."""
    contents = {f"{name}.py": text.encode() for name, text in {**named, **(files or {})}.items()}
    if texts:
        contents["train.py"] = (HEAD + "".join(texts)).encode()
    memory = MemoryFiles(contents)
    return check(memory, list(memory.contents), [ROOT], settings or Settings())


def codes(result: Result) -> list[str]:
    return [finding.code for finding in result.findings]


def only(result: Result) -> Finding:
    (finding,) = result.findings
    return finding


# --- what a finding holds ------------------------------------------------------------------------------------------------------


def test_place_and_way_of_a_finding() -> None:
    finding = only(checked(SOFT, LOSS))
    assert (finding.code, finding.rule, finding.evidence) == ("TL101", "softmax-before-cross-entropy", Evidence.PROVEN)
    place = finding.location
    assert (place.path, place.cell, place.line, place.column, place.end_line) == ("train.py", None, FIRST + 1, 8, FIRST + 1)
    assert [(step.location.line, step.location.column) for step in finding.trace] == [(FIRST, 5)]
    assert finding.more == 0
    assert finding.url.endswith("TL101")
    assert finding.message
    assert finding.help


def test_result_counts_files_and_keeps_errors() -> None:
    result = checked(SOFT, LOSS, broken="import torch\nF.cross_entropy(\n")
    assert result.files == 2
    assert [error.path for error in result.errors] == ["broken.py"]
    assert codes(result) == ["TL101"]


def test_nothing_to_check() -> None:
    result = check(MemoryFiles({}), [], [ROOT], Settings())
    assert (result.findings, result.errors, result.files) == ([], [], 0)


def test_a_file_without_torch_that_cannot_be_read_is_an_error_too() -> None:
    assert [error.path for error in checked(SOFT, broken="def f(:\n").errors] == ["broken.py"]


def test_progress_ends_at_its_total_and_never_goes_back() -> None:
    told: list[tuple[int, int, str]] = []
    contents = {f"{name}.py": (HEAD + SOFT + LOSS).encode() for name in "abc"}
    files = MemoryFiles(contents)
    check(files, list(files.contents), [ROOT], Settings(), lambda *each: told.append(each))
    assert told
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert all(0 <= done <= total for done, total, _ in told)
    assert {name for _, _, name in told} == {"a.py", "b.py", "c.py"}


# --- evidence ------------------------------------------------------------------------------------------------------------------

FLAG = """\
def forward(scores, flag):
    if flag:
        scores = F.softmax(scores, dim=1)
    return scores

loss = F.cross_entropy(forward(nn.Linear(8, 3)(x), args.soft), y)
"""
BOTH = """\
def forward(scores, flag):
    if flag:
        return F.softmax(scores, dim=1)
    return torch.sigmoid(scores)

loss = F.cross_entropy(forward(x, args.soft), y)
"""
OBJECT = """\
model = nn.Sequential(nn.Linear(8, 3), nn.Softmax(dim=1)) if args.soft else nn.Sequential(nn.Linear(8, 3))
loss = F.cross_entropy(model(x), y)
"""
CORRELATED = """\
if args.soft:
    p, criterion = F.softmax(x, dim=1), nn.L1Loss()
else:
    p, criterion = nn.Linear(8, 3)(x), nn.CrossEntropyLoss()
loss = criterion(p, y)
"""


def shown(text: str) -> list[tuple[str, Evidence]]:
    return [(finding.code, finding.evidence) for finding in checked(text, settings=Settings(show_possible=True)).findings]


def test_what_a_flag_decides_is_possible_and_hidden() -> None:
    assert codes(checked(FLAG)) == []
    assert shown(FLAG) == [("TL101", Evidence.POSSIBLE)]


def test_what_both_ways_give_is_proven() -> None:
    assert codes(checked(BOTH)) == ["TL101"]
    assert shown(BOTH) == [("TL101", Evidence.PROVEN)]


def test_a_choice_of_objects_is_proven() -> None:
    assert codes(checked(OBJECT)) == ["TL101"]


def test_pairs_that_cannot_meet_are_no_finding() -> None:
    assert shown(CORRELATED) == []


def test_a_sure_way_beside_a_possible_one() -> None:
    text = COMPUTE + "scores = nn.Linear(8, 3)(x)\nif args.soft:\n    scores = F.softmax(scores, dim=1)\ncompute(scores)\n"
    assert codes(checked(text)) == []
    (finding,) = checked(text + "compute(torch.sigmoid(x))\n").findings
    assert finding.evidence is Evidence.PROVEN
    assert any("sigmoid" in step.message for step in finding.trace)
    assert not any("softmax" in step.message for step in finding.trace)


def test_a_finding_under_a_flag_is_proven() -> None:
    """The flag decides whether the line runs, not what it does."""
    assert codes(checked("if args.train:\n    " + SOFT + "    " + LOSS)) == ["TL101"]


# --- several ways to one place ---------------------------------------------------------------------------------------------------


def test_several_flows_to_one_place_are_one_finding() -> None:
    finding = only(checked(COMPUTE, "compute(F.softmax(x, dim=1))\ncompute(torch.sigmoid(x))\ncompute(F.softmax(y, dim=1))\n"))
    assert finding.more == 2


def test_one_way_taken_twice_counts_once() -> None:
    finding = only(checked(COMPUTE, SOFT, "compute(p)\ncompute(p)\nfor _ in range(5):\n    compute(p)\n"))
    assert finding.more == 0


def test_the_shortest_way_is_shown() -> None:
    longer = "def soft(value):\n    return F.softmax(value, dim=1)\n\ndef more(value):\n    return soft(value)\n\n"
    for calls in ("compute(more(x))\ncompute(torch.sigmoid(x))\n", "compute(torch.sigmoid(x))\ncompute(more(x))\n"):
        finding = only(checked(COMPUTE, longer, calls))
        assert "sigmoid" in finding.trace[0].message
        assert len(finding.trace) == 2
        assert finding.more == 1


def test_two_rules_at_one_place_are_two_findings() -> None:
    result = checked("loss = F.cross_entropy(F.softmax(x), y)\n")
    assert codes(result) == ["TL101", "TL601"]
    assert len({finding.location.line for finding in result.findings}) == 1


def test_two_places_are_two_findings() -> None:
    assert [finding.location.line for finding in checked(SOFT, LOSS, LOSS).findings] == [FIRST + 1, FIRST + 2]


def test_two_losses_on_one_line_are_two_findings() -> None:
    result = checked(SOFT, "loss = F.cross_entropy(p, y) + F.cross_entropy(p, y)\n")
    assert codes(result) == ["TL101", "TL101"]
    assert len({finding.location.column for finding in result.findings}) == 2


def test_findings_are_sorted_and_unique() -> None:
    text = HEAD + SOFT + LOSS * 12 + "loss = nn.BCEWithLogitsLoss()(p, y)\n" + "F.softmax(x)\n" * 3
    result = checked(b=text, a=text, c=text, B=text)
    keys = [(finding.location.path, finding.location.line, finding.location.column, finding.code) for finding in result.findings]
    assert keys == sorted(keys)
    assert len(keys) == len(set(keys)) == 4 * 16


def test_findings_in_a_notebook_are_sorted_by_cells() -> None:
    cells = "# %%\n".join([HEAD + SOFT, *[LOSS] * 12])
    files = MemoryFiles({"work.ipynb": mdtest.notebook(cells).encode()})
    findings = check(files, list(files.contents), [ROOT], Settings()).findings
    assert [(finding.location.cell, finding.location.line) for finding in findings] == [(cell, 1) for cell in range(2, 14)]


# --- silence that was asked for ------------------------------------------------------------------------------------------------

IGNORES = [
    "# torchlint: ignore", "# torchlint: ignore[TL101]", "# torchlint: ignore[TL1]", "# torchlint: ignore[softmax-before-cross-entropy]",
    "# torchlint: ignore[TL999, TL101]", "# noqa", "# noqa: TL101", "# noqa: E501, TL101", "# NOQA:TL101", "#torchlint:ignore",
]  # fmt: skip
OTHERS = ["# torchlint: ignore[TL103]", "# noqa: E501", "# torchlint", "# ignore[TL101]", "# torchlint: ignored", "# type: ignore", "# TL101"]


@pytest.mark.parametrize("comment", IGNORES)
def test_a_comment_on_the_line_of_the_loss(comment: str) -> None:
    assert codes(checked(SOFT, LOSS.rstrip(), f"  {comment}\n")) == []


@pytest.mark.parametrize("comment", IGNORES)
def test_a_comment_on_the_line_of_a_step(comment: str) -> None:
    assert codes(checked(SOFT.rstrip(), f"  {comment}\n", LOSS)) == []


@pytest.mark.parametrize("comment", OTHERS)
def test_a_comment_about_something_else(comment: str) -> None:
    assert codes(checked(SOFT.rstrip(), f"  {comment}\n", LOSS.rstrip(), f"  {comment}\n")) == ["TL101"]


def test_a_comment_on_another_line() -> None:
    assert codes(checked("# torchlint: ignore\n", SOFT, "# torchlint: ignore\n", LOSS, "z = 1  # torchlint: ignore\n")) == ["TL101"]


def test_a_comment_on_any_line_of_a_long_call() -> None:
    lines = ["loss = F.cross_entropy(", "    p,", "    y,", ")"]
    for index in range(len(lines)):
        text = "\n".join(line + "  # torchlint: ignore[TL101]" * (number == index) for number, line in enumerate(lines)) + "\n"
        assert codes(checked(SOFT, text)) == [], text


def test_a_comment_in_another_file_on_the_way() -> None:
    net = "import torch\ndef act(value):\n    return torch.softmax(value, 1)  # torchlint: ignore[TL101]\n"
    train = HEAD + "from net import act\nF.cross_entropy(act(x), y)\n"
    assert codes(checked(net=net, train=train)) == []
    assert codes(checked(net=net.replace("TL101", "TL103"), train=train)) == ["TL101"]


def test_a_comment_silences_its_own_flow_and_not_the_others() -> None:
    text = COMPUTE + "compute(F.softmax(x, dim=1))  # torchlint: ignore[TL101]\ncompute(torch.sigmoid(\n    torch.abs(x)))\n"
    finding = only(checked(text))
    assert any("sigmoid" in step.message for step in finding.trace)


@pytest.mark.parametrize(("comment", "left"), [("ignore-file", 0), ("ignore-file[TL101]", 0), ("ignore-file[TL1]", 0), ("ignore-file[TL103]", 1)])
def test_a_whole_file(comment: str, left: int) -> None:
    assert len(checked(SOFT, LOSS, f"\n# torchlint: {comment}\n").findings) == left


def test_ignore_file_behind_code_is_none() -> None:
    assert codes(checked(SOFT, LOSS.rstrip(), "\nz = 1  # torchlint: ignore-file\n")) == ["TL101"]


def test_a_comment_in_a_string_is_none() -> None:
    assert codes(checked(SOFT, 'loss = F.cross_entropy(p, y, "# torchlint: ignore")\n')) == ["TL101"]


def test_a_comment_in_a_cell() -> None:
    for comment, left in ((" # noqa: TL101", 0), (" # noqa: E501", 1)):
        cells = f"{HEAD}{SOFT}# %%\nz = 1\n# %%\n{LOSS.rstrip()}{comment}\n"
        files = MemoryFiles({"work.ipynb": mdtest.notebook(cells).encode()})
        assert len(check(files, list(files.contents), [ROOT], Settings()).findings) == left


# --- settings --------------------------------------------------------------------------------------------------------------------


def test_rules_that_are_switched_off_say_nothing() -> None:
    text = "loss = F.cross_entropy(F.softmax(x), y)\n"
    assert codes(checked(text, settings=override(Settings(), select=("TL601",)))) == ["TL601"]
    assert codes(checked(text, settings=override(Settings(), ignore=("softmax-without-dim",)))) == ["TL101"]


# --- mistakes of ours ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch) -> list[Machine]:
    """The machines that checks have used."""
    used: list[Machine] = []

    class Watched(Machine):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            used.append(self)

    monkeypatch.setattr(torchlint.check, "Machine", Watched)
    monkeypatch.delenv("TORCHLINT_DEBUG", raising=False)
    return used


def explode(*args: object) -> Any:
    raise ZeroDivisionError("a mistake of ours")


BODIES = {
    "a statement": "1 << 2\n",
    "a function": "def f():\n    F.softmax(x, dim=1 << 2)\n",
    "a function that is called": "def f():\n    return F.softmax(x, dim=1 << 2)\nf()\n",
    "a method": "class A(nn.Module):\n    def forward(self, x):\n        return F.softmax(x, dim=1 << 2)\n",
    "a main block": "if __name__ == '__main__':\n    1 << 2\n",
    "a branch": "if args.a:\n    1 << 2\nelse:\n    pass\n",
    "a comprehension": "z = [i << 1 for i in range(3)]\n",
    "an import": "import other\nother.z\n",
}


@pytest.mark.parametrize("body", BODIES)
def test_a_failure_inside_the_flow_does_not_end_the_run(body: str, machines: list[Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EVALUATORS, cst.BinaryOperation, explode)
    beside = HEAD + "def step(x, y):\n    return F.cross_entropy(F.softmax(x, dim=1), y)\n"
    other = {"other": HEAD + SOFT + LOSS + "z = 1 << 2\n"} if body == "an import" else {}
    result = checked(a=beside, b=HEAD + BODIES[body] + SOFT + LOSS, c=beside, files=other)
    assert {finding.location.path for finding in result.findings} == {"a.py", "b.py", "c.py", *(f"{name}.py" for name in other)}
    assert all(isinstance(failure, ZeroDivisionError) for failure in machines[-1].failures)
    assert machines[-1].failures


def test_a_failure_in_one_function_leaves_the_others(machines: list[Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXECUTORS, cst.While, explode)
    bad = "def bad(x):\n    x = F.softmax(x, dim=1)\n    while x: pass\n    return F.cross_entropy(x, y)\n\n"
    good = "def good(x):\n    return F.cross_entropy(F.softmax(x, dim=1), y)\n\n"
    text = good + bad + good.replace("good", "last")
    assert codes(checked(text)) == ["TL101", "TL101"]
    assert len(machines[-1].failures) == 1


def test_a_failure_leaves_no_state_behind(machines: list[Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXECUTORS, cst.While, explode)
    text = (
        "def bad(x):\n    with torch.no_grad():\n        for layer in nn.Sequential(nn.Softmax(1)):\n"
        "            if args.a:\n                while x: pass\n\n" + LOSS
    )
    checked(SOFT, text)
    machine = machines[-1]
    assert len(machine.failures) == 1
    assert (machine.frames, machine.paths.conditions, machine.no_grad, machine.layer_loops, machine.watch) == ([], [], 0, 0, None)


def test_a_failure_is_raised_where_it_is_wanted(machines: list[Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHLINT_DEBUG", "1")
    monkeypatch.setitem(EVALUATORS, cst.BinaryOperation, explode)
    with pytest.raises(ZeroDivisionError):
        checked("1 + 2\n", SOFT, LOSS)


def test_the_interpreter_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    import gc
    import sys

    limit = sys.getrecursionlimit()
    monkeypatch.setitem(EXECUTORS, cst.While, explode)
    checked("while 1: pass\n", SOFT, LOSS)
    assert sys.getrecursionlimit() == limit
    assert gc.isenabled()


@pytest.mark.parametrize("folder", [*projects("bad"), *projects("good")], ids=lambda path: f"{path.parent.name}-{path.name}")
def test_no_failures_on_the_fixtures(folder: Path, machines: list[Machine]) -> None:
    run([str(folder)], Settings())
    assert machines[-1].failures == []


def test_no_failures_on_the_rule_pages(tmp_path: Path, machines: list[Machine]) -> None:
    pages = sorted((Path(__file__).parents[1] / "rules").glob("*.md"))
    for number, case in enumerate(case for page in pages for case in mdtest.parse_page(page.read_text(encoding="utf-8")).cases):
        folder = tmp_path / str(number)
        mdtest.write_files(case, folder)
        run([str(folder)], Settings())
        assert machines[-1].failures == [], case.name
    assert len(machines) > 100


def test_in_a_collection_of_many_programs_the_last_ones_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    main = (
        HEAD
        + 'if __name__ == "__main__":\n    for _ in range(60):\n        z = [x, y]\n    net = nn.Softmax(dim=1)\n    F.cross_entropy(net(x), y)\n'
    )
    monkeypatch.setattr(torchlint.flow.entries, "MAIN_POOL", 10)
    result = checked(files={f"program_{number}": main for number in range(5)})
    assert codes(result) == ["TL101"] * 5


HOOKED = """
from torchvision.models import densenet121
class Cam:
    def __init__(self, net, path):
        self.net, self.seen = net, []
        layer = net
        for name in path.split("."):
            layer = layer._modules[name]
        layer.register_forward_hook(self.keep)
    def keep(self, module, given, output):
        self.seen.append(output)
    def __call__(self, image):
        self.net(image)[:, 0].sum().backward()
        return self.seen[-1]
"""


def test_a_hook_tells_for_which_call_it_was_registered() -> None:
    net = HOOKED + "Cam(densenet121(), 'features.pool0')(x)\nCam(densenet121(), 'features.norm5')(x)\n"
    finding = only(checked(net))
    assert finding.code == "TL401"
    first = finding.trace[0]
    assert first.message == "the hook on nn.BatchNorm2d is registered for this call"
    assert first.location.line == finding.location.line + 7
