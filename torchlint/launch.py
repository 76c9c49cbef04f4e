"""How is a program run under the runtime mode, and what is told at its end?

    ran = launch([sys.executable, "train.py", "--epochs", "3"], order)
    ran.code              # the exit code of the program
    ran.result.findings   # those of all its processes, one for each place and rule

The program is a process of its own, started as it would be without torchlint. Its environment names a folder with a `sitecustomize.py`, so
that it and every Python process that it starts (data loaders, spawned workers, the ranks of torchrun) is watched. torch is not imported here.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import msgspec

from torchlint import orders
from torchlint.collecting import Result
from torchlint.model import Finding, Location
from torchlint.orders import Order, Written

SITE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "runtime", "site")
KILLED = 128  # shells add the number of the signal to it
UNWATCHED = ("-I", "-E", "-S")  # flags of Python under which the environment would not be heeded


@dataclass(slots=True)
class Ran:
    """How a program ended, and what was seen in it. processes: that had torch; looked_at: steps of optimizers, of `steps` in all."""

    code: int
    result: Result
    notes: list[str] = field(default_factory=list)
    processes: int = 0
    steps: int = 0
    looked_at: int = 0


def launch(command: Sequence[str], order: Order) -> Ran:
    """Run a program to its end. `order.folder` is filled in. Raises OSError where it cannot be started."""
    folder = tempfile.mkdtemp(prefix="torchlint-")
    try:
        code = _run(command, msgspec.structs.replace(order, folder=folder))
        return _gathered(code, orders.read(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: Sequence[str], order: Order) -> int:
    environment = {**os.environ, "TORCHLINT_RUN": msgspec.json.encode(order).decode(), "TORCHLINT_PREFIX": sys.prefix}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (SITE, os.environ.get("PYTHONPATH"))))
    interrupts = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program; the report comes after it
    try:
        heed = _heed_interrupts if os.name == "posix" and interrupts != signal.SIG_IGN else None
        process = subprocess.Popen(command, env=environment, preexec_fn=heed)
        previous = signal.signal(signal.SIGTERM, lambda number, frame: process.send_signal(number))
        try:
            code = process.wait()
        finally:
            signal.signal(signal.SIGTERM, previous)
    finally:
        signal.signal(signal.SIGINT, interrupts)
    return KILLED - code if code < 0 else code


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _gathered(code: int, written: Sequence[Written]) -> Ran:
    """All processes together: the same finding of several is one."""
    found: dict[tuple[str, Location], Finding] = {}
    for each in written:
        for finding in each.findings:
            key = (finding.code, finding.location)
            known = found.get(key)
            found[key] = finding if known is None else replace(known, times=(known.times or 0) + (finding.times or 0))
    notes = list(dict.fromkeys(note for each in written for note in each.notes))
    findings = sorted(found.values(), key=lambda finding: finding.sort_key)
    steps, looked_at = sum(each.steps for each in written), sum(each.looked_at for each in written)
    return Ran(code, Result(findings, [], len(written)), notes, len(written), steps, looked_at)


def command_of(module: str | None, words: Sequence[str]) -> list[str]:
    """The command line of a script with its arguments, or of a module with them; Python gets the flags that it has here, such as -O and -X dev."""
    python = [sys.executable, *(each for each in subprocess._args_from_interpreter_flags() if each not in UNWATCHED)]  # type: ignore[attr-defined]
    return [*python, "-m", module, *words] if module is not None else [*python, *words]
