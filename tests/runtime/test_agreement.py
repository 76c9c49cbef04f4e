"""Do the static side and the runtime mode find the same in the same programs?

Every fixture project and every block of a rule page that can run is run with the runtime mode looking on. What it finds must be what the static side
finds (the marks in the sources, which other tests hold it to), place by place, but for the list in staging/differences.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from staging.blocks import named, programs
from staging.differences import DIFFERENT, problems
from staging.tables import STAGES
from support import fixtures
from support.fixtures import Mark
from support.mdtest import Case, parse_page, write_files
from support.staging import Job, Ran, Stage, perform, slug

PAGES = [parse_page(path.read_text(encoding="utf-8")) for path in sorted((Path(__file__).parents[2] / "rules").glob("*.md"))]
BLOCKS = named(case for page in PAGES if not page.at_run_time for case in page.cases)  # the others have tests of their own
PROJECTS = {f"{group}/{folder.name}": folder for group in ("bad", "good") for folder in fixtures.projects(group)}
LOSS = Mark("train.py", 0, 7, "TL101")
OTHER = Mark("train.py", 0, 9, "TL101")


def stage_of(name: str) -> Stage:
    """The stage of a project; blocks need nothing, and torch may end a bad one."""
    return STAGES[name] if name in PROJECTS else Stage(run=programs(BLOCKS[name]), lenient=BLOCKS[name].section == "Bad")


def expected(name: str) -> set[Mark]:
    """What the static side finds there."""
    if name in PROJECTS:
        return fixtures.expected(PROJECTS[name])
    return {Mark(spot.path, spot.cell, spot.line, spot.code) for spot in BLOCKS[name].expected()}


def lay_out(name: str, work: Path) -> Job:
    """A job of a project, or of a block that is written to the disk for it."""
    if name in PROJECTS:
        return Job(str(PROJECTS[name]))
    folder = work / "blocks" / slug(name)
    write_files(BLOCKS[name], folder)
    return Job(str(folder), programs(BLOCKS[name]))


def test_both_sides_find_the_same(tmp_path: Path) -> None:
    names = [name for name in (*sorted(STAGES.keys() & PROJECTS.keys()), *BLOCKS) if not stage_of(name).because]
    ran = perform({name: lay_out(name, tmp_path) for name in names}, tmp_path)
    found = [problem for name in names for problem in problems(name, expected(name), ran[name], stage_of(name), DIFFERENT.get(name, {}))]
    assert not found, "\n".join(found)


def test_every_project_has_a_stage_and_most_run() -> None:
    assert STAGES.keys() ^ PROJECTS.keys() == set(), "say in staging/tables how to run a project, or why it cannot be run"
    running = [name for name, stage in STAGES.items() if not stage.because]
    assert len(running) >= 0.85 * len(STAGES)
    assert all(stage.run for name, stage in STAGES.items() if name in running)


def test_what_is_listed_as_different_is_run() -> None:
    assert [name for name in DIFFERENT if name not in {*PROJECTS, *BLOCKS} or stage_of(name).because] == []


# The comparison itself: it must be able to fail.


@pytest.mark.parametrize(
    ("ran", "listed", "problem"),
    [
        (Ran({LOSS: ""}, 1), {}, ""),
        (Ran({}, 1), {}, "x: - train.py:7 TL101: found by the static side only"),
        (Ran({LOSS: "", OTHER: "words"}, 1), {}, "x: + train.py:9 TL101: found by the runtime mode only: words"),
        (Ran({OTHER: ""}, 1), {"TL101": "for a reason"}, ""),
        (Ran({LOSS: ""}, 1), {"TL101": "for a reason"}, "x: TL101 is listed as different (for a reason), and is not"),
        (Ran({LOSS: ""}, 0), {}, "x: 0 of 1 programs came to an end"),
        (Ran({LOSS: ""}, 1, ["KeyError: 'y'"]), {}, "x: ended by KeyError: 'y'"),
        (Ran({LOSS: ""}, 1, [], ["TypeError: ours"]), {}, "x: a mistake of torchlint's own: TypeError: ours"),
    ],
)
def test_a_difference_is_a_problem(ran: Ran, listed: dict[str, str], problem: str) -> None:
    assert "\n".join(problems("x", {LOSS}, ran, Stage(("train.py",)), listed)) == problem


def test_an_error_that_no_longer_comes_is_a_problem() -> None:
    stage = Stage(("train.py",), raises=("view",))
    assert problems("x", {LOSS}, Ran({LOSS: ""}, 1, ["RuntimeError: a view"]), stage, {}) == []
    assert problems("x", {LOSS}, Ran({LOSS: ""}, 1), stage, {}) == ["x: no program ended by an error that says 'view'"]


def test_programs_of_a_block_are_the_files_that_no_other_imports() -> None:
    files = (("net.py", "x = 1\n"), ("train.py", "from net import x\n"), ("show.py", "import net\n"))
    assert programs(Case("TL101", "Bad", "", 1, files)) == ("train.py", "show.py")
