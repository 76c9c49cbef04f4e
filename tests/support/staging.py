"""How is a fixture project run, with the runtime mode looking on?

    Stage(run=("train.py --epochs 1",), files=lambda: {"digits.pt": pairs(8, image(1, 28, 28), label(10))})
    ran = perform({"bad/cross_file_class": Job(folder)}, work)["bad/cross_file_class"]
    ran.marks                       # places and codes, as the static side is held against

Projects do not run as they lie there: they read data, take arguments, import packages. A stage gives them what they need. All are run by one process
that imports torch once and is forked for each program, so that they do not see each other.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from support.fixtures import Mark

TESTS = Path(__file__).parents[1]
STAND_INS = TESTS / "runtime" / "staging" / "stand_ins"
SECONDS = 600  # only a guard against hanging


@dataclass(frozen=True, slots=True)
class Stage:
    """What a project needs to run.

    run     command lines, one program each, relative to the project; each runs in a copy of its own
    files   what to lay into the project: tensors and containers are saved with torch.save, texts as they are, arrays by numpy
    patches (file, old, new): what to replace in the copy, for numbers that no argument sets
            "config.json@1" as the name of a file means that it is for the second program only
    steps   how many optimizer steps a program may make before it is stopped; 0: it ends by itself
    path    folders of the project from which it imports, beside that of the program
    raises  words of the exceptions with which programs end, because torch does not stand for the mistake; all others must end well
    lenient whether any error may end it: the marks say whether it came far enough
    because why it cannot be run; then nothing else counts
    """

    run: tuple[str, ...] = ()
    files: Callable[[], Mapping[str, Any]] = dict
    patches: tuple[tuple[str, str, str], ...] = ()
    steps: int = 0
    path: tuple[str, ...] = ()
    raises: tuple[str, ...] = ()
    lenient: bool = False
    because: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A project to run. run: its programs, where no stage of its name says more."""

    folder: str
    run: tuple[str, ...] = ()


@dataclass(slots=True)
class Ran:
    """What came of a project.

    marks     what was found, with the message
    programs  how many of its programs came to an end; errors: the exceptions of those that raised
    failures  mistakes of torchlint's own
    """

    marks: dict[Mark, str] = field(default_factory=dict)
    programs: int = 0
    errors: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def perform(jobs: Mapping[str, Job], work: Path) -> dict[str, Ran]:
    """Run the projects, given by the names of their stages; copies and results are laid into `work`."""
    (work / "jobs.json").write_text(json.dumps({name: asdict(job) for name, job in jobs.items()}))
    (work / "results").mkdir()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "HF_HUB_OFFLINE": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, (TESTS, TESTS / "runtime", TESTS.parent)))
    with open(work / "log.txt", "wb") as log:
        command = [sys.executable, "-m", "staging.child", str(work)]
        ended = subprocess.run(command, env=environment, stdout=log, stderr=log, timeout=SECONDS, check=False)
    assert ended.returncode == 0, (work / "log.txt").read_text(errors="replace")[-2000:]
    return {name: _read(name, work) for name in jobs}


def slug(name: str) -> str:
    """A name as that of a file."""
    return "".join(each if each.isalnum() or each in "._-" else "+" for each in name)


def _read(name: str, work: Path) -> Ran:
    ran = Ran()
    for path in sorted((work / "results").glob(slug(name) + "@*.json")):
        told = json.loads(path.read_text())
        ran.programs += 1
        ran.marks.update({Mark(file, cell, line, code): message for file, cell, line, code, message in told["marks"]})
        ran.errors += [told["error"]] if told["error"] else []
        ran.failures += told["failures"]
    return ran
