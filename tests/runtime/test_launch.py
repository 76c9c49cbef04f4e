"""Does a program under `torchlint run` run as it would by itself, and is what was seen told at its end, however it ends?"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.launching import HANG, WRONG, command, environment, launch, lay

from torchlint.cli import main

JSON = ("--output-format", "json=report.json")

EVERYTHING = """\
import os, sys
print(repr(sys.argv), repr(sys.stdin.read()), sys.flags.optimize, sys.flags.dev_mode, sys.warnoptions)
print(getattr(sys, "user_was_here", False), os.path.basename(sys.path[0]))
os.chdir("elsewhere")
import torch
import torch.nn.functional as F
import helper

y = torch.tensor([0, 1])
for step in range(3):
    probs = torch.zeros(2, 2).softmax(1)
    é = "é"; F.cross_entropy(probs, y)
    F.cross_entropy(probs, y)  # torchlint: ignore[TL101]
    F.nll_loss(probs, y)
    helper.squash(probs, y)
    helper.softened(probs, y)
sys.stdout.buffer.write(b"\\xff\\n")
raise SystemExit(3)
"""
HELPER = """\
import torch.nn.functional as F
def softened(x, y):
    return F.cross_entropy(x, y)
def squash(x, y):
    return F.binary_cross_entropy_with_logits(x.sigmoid(), x)
"""
TRAINING = """\
net = torch.nn.Linear(2, 2)
opt = torch.optim.SGD(net.parameters(), 0.1)
for _ in range(9):
    step(net(torch.zeros(2, 2))).backward()
    opt.step()
"""
SETTINGS = """\
ignore = ["TL103"]
per-file-ignores = { "lib/*" = ["TL101"] }
"""


def test_a_program_runs_as_by_itself(tmp_path: Path) -> None:
    """Arguments, streams, flags of Python, exit code; another folder; settings and comments; a sitecustomize of the user's."""
    lay(tmp_path, {"elsewhere/empty.txt": ""})
    arguments = ["--every", "3", "-q", "--", "--help", "-m", "x", "--fail", "", "a b"]
    formats = [*JSON, "--output-format", "sarif=report.sarif", "--output-format", "concise"]
    site = {"site/sitecustomize.py": "import sys; sys.user_was_here = True\n"}
    ran = launch(
        tmp_path, *formats, "train.py", *arguments,
        files={"train.py": EVERYTHING, "lib/helper.py": HELPER, "torchlint.toml": SETTINGS, **site}, stdin="typed\n",
        flags=("-OO", "-X", "dev", "-W", "ignore"), PYTHONPATH=os.pathsep.join([str(tmp_path / "site"), str(tmp_path / "lib")]),
    )  # fmt: skip
    first, second, third = ran.out.splitlines()
    assert first == f"{['train.py', *arguments]!r} 'typed\\n' 2 True ['default', 'ignore']"
    assert second == f"True {tmp_path.name}"
    assert third == "\udcff"  # bytes that are no text
    assert ran.code == 3
    assert ran.places() == {("train.py", 12, "TL101"), ("lib/helper.py", 5, "TL201")}
    (wrong,) = [each for each in ran.report()["findings"] if each["code"] == "TL101"]
    assert (wrong["times"], wrong["location"]["column"]) == (3, 14)  # a column in characters, not bytes
    sarif = json.loads((tmp_path / "report.sarif").read_text("utf-8"))
    assert {each["ruleId"] for each in sarif["runs"][0]["results"]} == {"TL101", "TL201"}
    lines = ran.err.splitlines()
    assert "torchlint: train.py:12: TL101 softmax-before-cross-entropy" in lines  # told when it was seen
    assert any(line.startswith("train.py:12:14: TL101") for line in lines)  # and concisely at the end
    assert "not watched" not in ran.err


def test_a_program_that_fails_and_one_that_is_killed(tmp_path: Path) -> None:
    ending = {"fail.py": WRONG + "step(torch.zeros(2, 2))\nraise ValueError('mine')\n"}
    ran = launch(tmp_path, "--quiet", "--fail", "fail.py", files=ending)
    assert ran.code == 1
    assert ran.err.index("ValueError: mine") < ran.err.index("TL101")
    assert ran.out == ""
    ending = {"kill.py": WRONG + "import os, signal\nstep(torch.zeros(2, 2))\nos.kill(os.getpid(), signal.SIGKILL)\n"}
    ran = launch(tmp_path, *JSON, "kill.py", files=ending)
    assert ran.code == 128 + signal.SIGKILL
    assert ran.places() == {("kill.py", 4, "TL101")}


def test_raise_and_fail(tmp_path: Path) -> None:
    lay(tmp_path, {"pkg/__init__.py": ""})
    ran = launch(
        tmp_path, "--raise", "-m", "pkg.train", "--every", "x", files={"pkg/train.py": WRONG + "step(torch.zeros(2, 2))\nprint('went on')\n"}
    )
    assert ran.code == 1
    assert ran.out == ""
    assert "Violation: pkg/train.py:4" in ran.err
    ran = launch(tmp_path, "--fail", "--every", "4", "--warmup", "2", "-m", "pkg.train", files={"pkg/train.py": WRONG + TRAINING})
    assert ran.code == 1
    assert "torchlint: 1 finding; looked at 4 of 9 optimizer steps\n" in ran.err  # steps 0, 1, 4 and 8
    assert "compiled" not in ran.err


def test_an_interrupted_program_is_told_of(tmp_path: Path) -> None:
    """Ctrl-C goes to all processes of the terminal: the program ends by it, torchlint waits and reports."""
    lay(tmp_path, {"train.py": WRONG + "import time\nstep(torch.zeros(2, 2))\nprint('ready', flush=True)\ntime.sleep(100)\n"})
    process = subprocess.Popen(
        command("train.py"), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell ignores it for what it starts in the background
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=HANG)
    assert process.returncode == 128 + signal.SIGINT
    assert "KeyboardInterrupt" in err
    assert "torchlint: 1 finding; looked at a program without optimizer steps" in err


def test_a_signal_is_handed_on(tmp_path: Path) -> None:
    lay(tmp_path, {"wait.py": "import time\nprint('ready', flush=True)\ntime.sleep(100)\n"})
    process = subprocess.Popen(command("-q", "wait.py"), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=HANG)
    assert process.returncode == 128 + signal.SIGTERM
    assert err == ""


def test_a_program_without_torch(tmp_path: Path) -> None:
    files = {"plain.py": "import sys\nprint(len(sys.argv))\nsys.exit('bye')\n"}
    ran = launch(tmp_path, "plain.py", "--quiet", files=files)
    assert (ran.code, ran.out) == (1, "2\n")
    assert ran.err == "bye\ntorchlint: the program did not import torch: there was nothing to look at\n"
    ran = launch(tmp_path, "--quiet", "--fail", "-", files=files, stdin="print('from stdin')\n")
    assert (ran.code, ran.out, ran.err) == (0, "from stdin\n", "")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "name the script to run"),
        (["-m"], "name the script to run"),
        (["no.py"], "no.py: no such file"),
        (["--nonsense", "x.py"], "no such file"),
    ],
)
def test_what_cannot_be_run(args: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["run", *args])
    assert result.exit_code == 2
    assert said in result.output
