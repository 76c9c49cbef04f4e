"""What does a person want to read of a finding?

    train.py:5:8: error[TL101] softmax-before-cross-entropy
      CrossEntropyLoss gets probabilities: it applies log_softmax itself, ...

        5 |     loss = criterion(net(x), y)
          |            ^^^^^^^^^^^^^^^^^^^^

      How the value gets here:
        1. net.py:9:16: softmax makes probabilities
             9 |         return F.softmax(x, dim=1)
               |                ^^^^^^^^^^^^^^^^^^^

      help: remove the softmax ...

    Found 1 error in 2 files.

What, where, the way the value took, what to do; at the end a summary of the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from torchlint.model import Evidence, Finding, Severity, TraceStep
from torchlint.reporters.frame import Frame, Sources
from torchlint.reporters.text import Paint, place, wrapped

if TYPE_CHECKING:
    from torchlint.collecting import Result

COLORS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
MOST_OTHERS = 12
WIDEST = 120  # longer lines of prose are hard to read


def render(result: Result, sources: Sources, *, paint: Paint | None = None, width: int = 100, summary: bool = True) -> str:
    """All findings, then the summary."""
    paint = paint or Paint()
    blocks = ["\n".join(_finding(first, others, sources, paint, width)) for first, *others in grouped(result.findings)]
    if summary:
        blocks.append(_summary(result, paint))
    return "".join(block + "\n\n" for block in blocks[:-1]) + "".join(block + "\n" for block in blocks[-1:])


def grouped(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Findings that come of one mistake together, in the order of the first of each group."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for number, finding in enumerate(findings):
        key = (finding.code, finding.evidence, finding.cause) if finding.cause is not None else (number,)
        groups.setdefault(key, []).append(finding)
    return list(groups.values())


def _finding(finding: Finding, others: Sequence[Finding], sources: Sources, paint: Paint, width: int) -> Iterator[str]:
    color = COLORS[finding.severity]
    prose = min(width, WIDEST)
    label = paint(f"{finding.severity}[{finding.code}]", "bold", color)
    evidence = "" if finding.evidence is Evidence.PROVEN else f" ({finding.evidence})"
    evidence += f" (seen {_counted(finding.times, 'time')})" if finding.times is not None else ""
    yield f"{paint(place(finding.location), 'bold')}: {label} {paint(finding.rule, 'bold')}{evidence}"
    yield wrapped(finding.message, prose, "  ")
    frame = list(Frame(sources, paint, width, "  ", color).lines(finding.location, before=1, after=1))
    yield from ["", *frame] if frame else []
    if finding.trace:
        yield ""
        yield "  How the value gets here:"
        for number, step in enumerate(finding.trace, start=1):
            yield from _step(number, step, sources, paint, width)
    if finding.more:
        yield from [] if finding.trace else [""]
        yield f"    ... and {finding.more} further {'flow reaches' if finding.more == 1 else 'flows reach'} this call"
    yield from _others(finding, others, paint)
    if finding.help:
        yield ""
        first, _, rest = wrapped(f"help: {finding.help}", prose, "        ", first="  ").partition("\n")
        yield first.replace("help:", paint("help:", "bold", "green"), 1) + (f"\n{rest}" if rest else "")


def _others(finding: Finding, others: Sequence[Finding], paint: Paint) -> Iterator[str]:
    """The further places that the same mistake reaches."""
    if not others or finding.cause is None:
        return
    yield ""
    yield f"  The same mistake, made at {place(finding.cause)}, reaches {_counted(len(others), 'more place')}:"
    for other in others[:MOST_OTHERS]:
        yield f"    {paint(place(other.location), 'bold')}"
    if len(others) > MOST_OTHERS:
        yield f"    ... and {len(others) - MOST_OTHERS} more (--output-format concise lists them all)"


def _step(number: int, step: TraceStep, sources: Sources, paint: Paint, width: int) -> Iterator[str]:
    indent = " " * (4 + len(f"{number}. "))
    first, _, rest = wrapped(f"{place(step.location)}: {step.message}", min(width, WIDEST), indent, first=f"    {number}. ").partition("\n")
    yield first.replace(place(step.location), paint(place(step.location), "bold"), 1) + (f"\n{rest}" if rest else "")
    yield from Frame(sources, paint, width, indent, "blue").lines(step.location)


def _summary(result: Result, paint: Paint) -> str:
    counts = Counter(finding.severity for finding in result.findings)
    files = _counted(result.files, "file")
    if not counts:
        return paint(f"All clear: {files} checked.", "green")
    parts = [_counted(counts[severity], name) for severity, name in _NAMES if counts[severity]]
    listed = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
    causes = len(grouped(result.findings))
    fewer = f", which come of {_counted(causes, 'mistake')}," if causes < len(result.findings) else ""
    return paint(f"Found {listed}{fewer} in {files}.", "bold")


_NAMES = ((Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "note"))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def statistics(result: Result) -> str:
    """How often each rule was broken, the most frequent first."""
    counts = Counter((finding.code, finding.rule) for finding in result.findings)
    width = max((len(str(count)) for count in counts.values()), default=0)
    rows = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return "".join(f"{count:>{width}}  {code}  {name}\n" for (code, name), count in rows)
