"""What does `torchlint run` do with a program, for tests that start one?

    ran = launch(tmp_path, "--fail", "train.py", files={"train.py": WRONG})
    ran.code, ran.out, ran.err      # as the shell sees them
    ran.places()                    # {("train.py", 4, "TL101")}, from the JSON report

Starting torch takes seconds: each program that is started here is asked many things.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HANG = 240  # seconds: only a guard against hanging
WRONG = """\
import torch
import torch.nn.functional as F
def step(x, y=torch.tensor([0, 1])):
    return F.cross_entropy(x.softmax(1), y)
"""


@dataclass
class Launched:
    """How a run ended."""

    folder: Path
    code: int
    out: str
    err: str

    def report(self) -> Any:
        """The JSON report, where one was asked for in report.json."""
        return json.loads((self.folder / "report.json").read_text("utf-8"))

    def places(self) -> set[tuple[str, int, str]]:
        """Path, line and code of each finding of that report."""
        return {(each["location"]["path"], each["location"]["line"], each["code"]) for each in self.report()["findings"]}


def lay(folder: Path, files: Mapping[str, str]) -> None:
    """Write files."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), "utf-8")


def command(*args: str, flags: Sequence[str] = ()) -> list[str]:
    """The command line of `torchlint run`. flags: of Python."""
    return [sys.executable, *flags, "-m", "torchlint", "run", *args]


def environment(**more: str) -> dict[str, str]:
    """That of this process, without what would change what is told."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TORCHLINT", "COLUMNS", "FORCE_COLOR"))}
    return {**kept, "OMP_NUM_THREADS": "1", **more}


def launch(folder: Path, *args: str, files: Mapping[str, str], stdin: str = "", flags: Sequence[str] = (), **env: str) -> Launched:
    """Run a program to its end."""
    lay(folder, files)
    done = subprocess.run(
        command(*args, flags=flags),
        cwd=folder, input=stdin, env=environment(**env), capture_output=True, text=True, encoding="utf-8", errors="surrogateescape", timeout=HANG,
    )  # fmt: skip
    return Launched(folder, done.returncode, done.stdout, done.stderr)
