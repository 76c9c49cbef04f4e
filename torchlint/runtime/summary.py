"""What is told of a stretch that was watched?

print(report(run.result().findings))     # each finding in full, with the user's own lines
summary(run)                             # ["1 finding; looked at 20 of 300 optimizer steps"]
"""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Sequence

from torchlint.collecting import Result
from torchlint.model import Finding, Location
from torchlint.reporters import full
from torchlint.runtime import places
from torchlint.runtime.watching import checks
from torchlint.terminal import width


def report(findings: Sequence[Finding]) -> str:
    """The findings in full; empty where there are none."""
    return full.render(Result(list(findings)), _line, width=width(), summary=False)


def summary(run: checks) -> list[str]:
    """How many findings there are, how much was looked at, and what was not."""
    count, sampler = len(run.result().findings), run.sampler
    found = "nothing found" if not count else "1 finding" if count == 1 else f"{count} findings"
    steps = f"; looked at {sampler.looked_at} of {sampler.steps} optimizer steps" if sampler.steps else ""
    return [found + steps, *run.notes()]


def tell(run: checks) -> None:
    """Print both to standard error."""
    text = report(run.result().findings)
    lines = "".join(f"torchlint: {line}\n" for line in summary(run))
    print(f"\n{text}\n{lines}" if text else f"\n{lines}", end="", file=sys.stderr, flush=True)


def _line(location: Location) -> str | None:
    """The source line at which a location begins. Paths are relative to where the program was started, wherever it has gone since."""
    line = linecache.getline(os.path.join(places._START, location.path), location.line) if location.cell is None else ""
    return line.rstrip("\r\n") if line else None
