"""What does `torchlint run` tell the processes below it, and what do they tell it?

    Order(folder="...", start="...", every=50)       # in the environment of the program, as JSON
    Written(findings=[...], notes=[...])             # the file that each process leaves in that folder

torch is not imported here.
"""

from __future__ import annotations

import os
from typing import Any

import msgspec

from torchlint.model import Finding


class Order(msgspec.Struct, frozen=True):
    """What a process is told to do.

    folder  where findings are written; start: the folder in which the program was started, which paths are told relative to
    live    whether findings are told on standard error when they are first seen; action: "collect" or "raise"
    """

    folder: str
    start: str
    every: int = 50
    warmup: int = 20
    live: bool = True
    action: str = "collect"
    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    calls: tuple[dict[str, Any], ...] = ()
    modules: tuple[dict[str, Any], ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    base: str = ""


class Written(msgspec.Struct):
    """The file of one process. steps, looked_at: of optimizers, in its main thread."""

    findings: list[Finding]
    notes: list[str]
    steps: int = 0
    looked_at: int = 0


def read(folder: str) -> list[Written]:
    """What all processes have written, the oldest first."""
    with os.scandir(folder) as entries:
        files = sorted((entry.stat().st_mtime_ns, entry.path) for entry in entries if entry.name.endswith(".json"))
    found = []
    for _, path in files:
        with open(path, "rb") as stream:
            found.append(msgspec.json.decode(stream.read(), type=Written))
    return found
