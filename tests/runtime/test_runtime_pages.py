"""Do the pages of the rules that are seen at run time only tell the truth? Every block is run under the runtime mode."""

from __future__ import annotations

import os
import runpy
import sys
import warnings
from collections import Counter
from pathlib import Path

import pytest
import torch
from support.mdtest import Case, Spot, differences, parse_page, write_files

from torchlint.runtime import checks

FOLDER = Path(__file__).parents[2] / "rules"
PAGES = {path.stem: parse_page(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.md"))}
CASES = [case for page in PAGES.values() if page.at_run_time for case in page.cases]


def names(case: Case) -> str:
    return case.name.replace(" ", "-")


def run(case: Case, folder: Path) -> tuple[Counter[Spot], BaseException | None]:
    """What is found while the last file of a case runs, and the exception that ended it."""
    write_files(case, folder)
    ended: BaseException | None = None
    torch.manual_seed(0)
    with warnings.catch_warnings(), checks(action="collect", every=1, births=True) as watched:
        warnings.simplefilter("ignore")
        try:
            runpy.run_path(str(folder / case.files[-1][0]))
        except Exception as error:
            ended = error
    places = [(finding.location, finding.code) for finding in watched.result().findings]
    spots = (Spot(Path(os.path.relpath(location.path, folder)).as_posix(), location.cell or 0, location.line, code) for location, code in places)
    return Counter(spots), ended


@pytest.fixture(autouse=True)
def own_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of a case find each other, and are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "modules", sys.modules.copy())


def test_there_are_pages_to_run() -> None:
    assert len({case.code for case in CASES}) >= 12


@pytest.mark.parametrize("case", CASES, ids=names)
def test_blocks_give_the_findings_that_they_announce(case: Case, tmp_path: Path) -> None:
    found, ended = run(case, tmp_path)
    problems = differences(case.expected(), found)
    assert not problems, f"rules/{case.code}.md:{case.line}\n{problems}\nended by {ended!r}"


@pytest.mark.parametrize("case", [case for case in CASES if case.section == "Good"], ids=names)
def test_good_blocks_run_to_their_end(case: Case, tmp_path: Path) -> None:
    _, ended = run(case, tmp_path)
    assert ended is None


def test_a_wrong_announcement_fails(tmp_path: Path) -> None:
    text = "import torch\nfrom torch import nn\n\nloss = nn.MSELoss()(torch.zeros(4, 1), torch.zeros(4))\nloss = loss + 1  # error\n"
    case = Case("TL501", "Bad", "", 1, (("example.py", text),))
    found, _ = run(case, tmp_path)
    assert differences(case.expected(), found).splitlines() == [
        f"missing     {Spot('example.py', 0, 5, 'TL501')}",
        f"unexpected  {Spot('example.py', 0, 4, 'TL501')}",
    ]
