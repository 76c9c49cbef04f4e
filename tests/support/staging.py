"""How is a fixture project run, with the runtime mode looking on?

    Stage(run=("train.py --epochs 1",), files=lambda: {"digits.pt": pairs(8, image(1, 28, 28), label(10))})
    found = perform(jobs)["bad/cross_file_class"]       # found.marks: the same kind of marks that the static side is held against

Projects do not run as they lie there: they read data, take arguments, import packages. A stage gives them what they need. All are run by one process
that imports torch once and is forked for each program, so that they do not see each other.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.fixtures import Mark

HERE = Path(__file__).parent
TESTS = HERE.parent
STAGING = TESTS / "runtime" / "staging"
STAND_INS = STAGING / "stand_ins"
SECONDS = 300


@dataclass(frozen=True, slots=True)
class Stage:
    """What a project needs to run.

    run     command lines, one program each, relative to the project
    files   what to lay into the project: tensors and containers are saved with torch.save, texts as they are, arrays by numpy;
            "config.json@1" is for the second program only
    steps   how many optimizer steps a program may make before it is stopped; 0: it ends by itself
    stdin   what it reads from standard input
    patches (file, old, new): what to replace in the copy, for numbers that no argument sets
    because  why it cannot be run; then nothing else counts
    """

    run: tuple[str, ...] = ()
    files: Callable[[], Mapping[str, Any]] = dict
    steps: int = 0
    stdin: str = ""
    patches: tuple[tuple[str, str, str], ...] = ()
    because: str = ""


@dataclass(slots=True)
class Ran:
    """What came of a project. ended: how many of its programs came to an end; errors: the exceptions with which its programs ended; failures: mistakes of torchlint's own."""

    marks: dict[Mark, str] = field(default_factory=dict)
    ended: int = 0
    errors: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def perform(folders: Mapping[str, Path], work: Path, seconds: float = SECONDS) -> dict[str, Ran]:
    """Run the projects, given by the names of their stages; copies and results are laid into `work`."""
    (work / "jobs.json").write_text(json.dumps({name: str(folder) for name, folder in sorted(folders.items())}))
    (work / "results").mkdir()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(map(str, (TESTS, TESTS / "runtime", TESTS.parent)))}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "agg", "HF_HUB_OFFLINE": "1"}
    with open(work / "log.txt", "wb") as log:
        subprocess.run([sys.executable, "-m", "staging.child", str(work)], env=environment, stdout=log, stderr=log, timeout=seconds, check=True)
    return {name: _read(name, work) for name in folders}


def _read(name: str, work: Path) -> Ran:
    ran = Ran()
    for path in sorted((work / "results").glob(name.replace("/", "+") + "@*.json")):
        told = json.loads(path.read_text())
        ran.ended += 1
        ran.marks.update({Mark(file, cell, line, code): message for file, cell, line, code, message in told["marks"]})
        ran.errors += [told["error"]] if told["error"] else []
        ran.failures += told["failures"]
    return ran
