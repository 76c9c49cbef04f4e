"""What does the command say of a folder, for tests that lay odd things into it?

put(folder, "bad.py", "def f(:")
check().said("bad.py")          # ["TL902"]
check().said("train.py")        # ["TL101"]: the mistake that `prepare` put there is found whatever lies beside it
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from torchlint.cli import main

HANG = 60  # seconds: only a guard against hanging
MEMORY = 8 << 30
ROOT = Path(__file__).parents[2]
TRAIN = """\
import torch.nn as nn
import torch.nn.functional as F

def step(net, x, y):
    return nn.CrossEntropyLoss()(F.softmax(net(x), dim=1), y)
"""
HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"
MISTAKE = "loss = F.cross_entropy(F.softmax(torch.load('x'), dim=1), torch.load('y'))\n"
"""One line with one finding, TL101, that can stand behind HEAD anywhere."""


@dataclass
class Report:
    """What a run said: exit code, codes by file, the whole of both streams."""

    exit_code: int
    found: dict[str, list[str]]
    messages: dict[str, str]
    output: str

    def said(self, path: str) -> list[str]:
        return self.found.get(path, [])


def prepare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make it the working directory, with a project that has one mistake."""
    (folder / "train.py").write_text(TRAIN)
    (folder / "torchlint.toml").write_text("")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("TORCHLINT_DEBUG", raising=False)
    return folder


def check(*args: str) -> Report:
    """Run the command here, in this process; an exception that comes out of it fails the test."""
    result = CliRunner().invoke(main, ["--output-format", "json", *(args or (".",))], prog_name="torchlint")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return report(result.exit_code, result.stdout, result.stderr)


def check_apart(*args: str) -> Report:
    """Run the command in a process of its own: for what could end the process or never end."""
    command = [sys.executable, "-m", "torchlint", "--output-format", "json", *(args or (".",))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(command, capture_output=True, text=True, timeout=HANG, env=environment, preexec_fn=_limit_memory, check=False)
    return report(result.returncode, result.stdout, result.stderr)


def _limit_memory() -> None:
    """What grows without end shall end this process and not the machine."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def report(code: int, stdout: str, stderr: str) -> Report:
    """Read what the command printed; a traceback anywhere fails the test."""
    assert "Traceback" not in stderr + stdout, stderr
    data: dict[str, Any] = json.loads(stdout) if stdout.strip() else {"findings": []}
    found: dict[str, list[str]] = {}
    messages: dict[str, str] = {}
    for finding in data["findings"]:
        path = finding["location"]["path"]
        found.setdefault(path, []).append(finding["code"])
        messages[path] = finding["message"]
    return Report(code, found, messages, stdout + stderr)


def put(folder: Path, name: str, content: str | bytes) -> None:
    """Write a file, and the folders around it."""
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode() if isinstance(content, str) else content)
