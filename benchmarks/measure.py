"""What did a command cost?

    cost(["torchlint", "src"])      # Cost(cpu=1.93, wall=1.98, peak=91.0)

CPU is user plus system time of the process and of all processes that it waited for, as the kernel counts it. Needs a POSIX system.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

KIB_PER_UNIT = 1 / 1024 if sys.platform == "darwin" else 1  # ru_maxrss: bytes on macOS, KiB elsewhere


@dataclass(frozen=True, slots=True)
class Cost:
    """cpu and wall in seconds; peak: the largest resident set of any one process, in MB of 2**20 bytes; code: how it exited."""

    cpu: float
    wall: float
    peak: float
    code: int = 0


def cost(command: Sequence[str]) -> Cost:
    """Run a command with its output thrown away."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * KIB_PER_UNIT / 1024, process.returncode)


def middle(costs: Sequence[Cost]) -> Cost:
    """The median of each figure by itself; the first exit code that is not 0."""
    return Cost(
        median(each.cpu for each in costs),
        median(each.wall for each in costs),
        median(each.peak for each in costs),
        next((each.code for each in costs if each.code), 0),
    )


def machine() -> str:
    """The size of this machine, without its name."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{cores} cores, {memory:.0f} GB of memory"
