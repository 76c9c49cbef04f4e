"""How are many programs run under the runtime mode in little time?

    python -m staging.child WORK        # WORK/jobs.json names projects, WORK/projects/NAME are their copies; results go to WORK/results

torch is imported once, and each program runs in a fork of that process.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import random
import runpy
import shlex
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from support.staging import STAND_INS, Stage, slug
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from staging.tables import STAGES
from torchlint.notebook import Notebook
from torchlint.runtime import checks, places

ALL = ("torch._dynamo", "torch.distributions", "torch.utils.data")
SOME = ("pytorch_lightning", "lightning", "ignite.engine", "ignite.metrics", "skorch", "accelerate", "hydra")
"""What all programs import, and some."""
LIMIT = 60  # seconds for one program
Program = tuple[str, Path, int, Stage]


class Enough(BaseException):
    """The program has made as many steps as it may."""


def main(work: Path) -> None:
    torch.set_num_threads(1)
    torch.Tensor.cuda = nn.Module.cuda = lambda self, *args, **kwargs: self  # type: ignore[assignment,method-assign]
    places._INSTALLED += (str(STAND_INS) + os.sep,)
    jobs: tuple[list[Program], list[Program]] = ([], [])
    for name, job in json.loads((work / "jobs.json").read_text()).items():
        stage, folder = STAGES.get(name) or Stage(run=tuple(job["run"])), Path(job["folder"])
        jobs[_imports(folder)].extend((name, folder, number, stage) for number in range(len(stage.run)))
    checks("collect")  # reads the contracts
    for programs, packages in zip(jobs, (ALL, SOME), strict=True):
        for package in packages:
            importlib.import_module(package)
        gc.collect()
        gc.freeze()  # so that a fork does not copy what it never changes
        _run(work, programs)


def _imports(folder: Path) -> bool:
    """Whether a project imports one of the packages that take long."""
    names = {package.partition(".")[0] for package in SOME}
    return any(f"import {name}" in text or f"from {name}" in text for path in folder.rglob("*.py") for text in (path.read_text(),) for name in names)


def _run(work: Path, waiting: list[Program]) -> None:
    running: set[int] = set()
    while waiting or running:
        while waiting and len(running) < (os.cpu_count() or 1):
            running.add(_fork(work, *waiting.pop(0)))
        running.discard(os.wait()[0])


def _fork(work: Path, name: str, origin: Path, number: int, stage: Stage) -> int:
    pid = os.fork()
    if pid:
        return pid
    out = work / "results" / f"{slug(name)}@{number}"
    stream = os.open(f"{out}.log", os.O_WRONLY | os.O_CREAT)
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    try:
        copy = work / "projects" / f"{slug(name)}@{number}"
        shutil.copytree(origin, copy, ignore=shutil.ignore_patterns("__pycache__"))
        told = _perform(copy, stage, number)
        Path(f"{out}.json").write_text(json.dumps(told))
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(0)


def _perform(folder: Path, stage: Stage, number: int) -> dict[str, Any]:
    """Lay out the project, run one of its programs and say what was found."""
    os.chdir(folder)
    sys.path.insert(0, str(STAND_INS))
    random.seed(0)
    torch.manual_seed(0)
    np.random.seed(0)
    _lay_out(folder, stage, number)
    places.start(str(folder), str(folder))
    script, *sys.argv[1:] = shlex.split(stage.run[number])
    sys.argv[0] = script
    sys.path[:0] = [str(folder / each) for each in (str(Path(script).parent), *stage.path)]
    if stage.steps:
        _stop_after(stage.steps)
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(LIMIT)
    run = checks("collect", every=1, births=True)
    error = ""
    began = time.process_time()
    with run:
        try:
            _program(script)
        except SystemExit as end:
            error = f"SystemExit: {end.code}" if end.code else ""
        except Enough:
            pass
        except Exception as problem:
            traceback.print_exc()
            error = f"{type(problem).__name__}: {problem}"
    signal.alarm(0)
    found = [(_inside(each.location.path, folder), each) for each in run.result().findings]
    marks = [(path, each.location.cell or 0, each.location.line, each.code, f"{each.evidence} {each.message}") for path, each in found]
    return {"marks": marks, "error": error, "failures": sorted(run._failed), "seconds": time.process_time() - began}


def _inside(path: str, folder: Path) -> str:
    return os.path.relpath(os.path.join(folder, path), folder).replace(os.sep, "/")


def _program(script: str) -> None:
    if not script.endswith(".ipynb"):
        runpy.run_path(script, run_name="__main__")
        return
    namespace: dict[str, Any] = {"__name__": "__main__", "get_ipython": lambda: None}
    for cell in Notebook.from_json(script, Path(script).read_text(encoding="utf-8")).cells:
        name = f"/cells/{script}/{cell.number}.py"
        places.name_cell(name, script, cell.number)
        exec(compile("\n".join(cell.program) + "\n", name, "exec"), namespace)


def _stop_after(steps: int) -> None:
    made = [0]

    def count(optimizer: object, args: object, kwargs: object) -> None:
        made[0] += 1
        if made[0] >= steps:
            raise Enough

    register_optimizer_step_post_hook(count)


def _too_long(number: int, frame: object) -> NoReturn:
    raise TimeoutError(f"the program ran longer than {LIMIT} seconds")


def _lay_out(folder: Path, stage: Stage, number: int) -> None:
    for each, old, new in stage.patches:
        name, _, only = each.partition("@")
        if only and int(only) != number:
            continue
        text = (folder / name).read_text(encoding="utf-8")
        if old not in text:
            raise ValueError(f"{name} has no {old!r}")
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    for each, content in stage.files().items():
        path, _, only = each.partition("@")
        if only and int(only) != number:
            continue
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        _save(content, target)


def _save(content: Any, target: Path) -> None:
    if isinstance(content, str):
        target.write_text(content, encoding="utf-8")
    elif isinstance(content, bytes):
        target.write_bytes(content)
    elif target.suffix == ".npz":
        np.savez(target, **content)
    elif target.suffix == ".npy":
        np.save(target, content)
    elif target.suffix == ".json":
        target.write_text(json.dumps(content), encoding="utf-8")
    else:
        torch.save(content, target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
