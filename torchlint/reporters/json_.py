"""What do other programs read?

    {"version": 1, "torchlint": "0.1.0",
     "findings": [{"code": "TL101", "rule": "softmax-before-cross-entropy", "severity": "error", "evidence": "proven", "message": "...",
       "help": "...", "url": "...",
       "location": {"path": "train.py", "cell": null, "line": 12, "column": 17, "end_line": 12, "end_column": 30},
       "trace": [{"message": "softmax makes probabilities", "location": {...}}], "fix": null,
       "cause": {"path": "net.py", ...}}],
     "errors": [{"path": "broken.py", "message": "..."}]}

Paths are relative to the working directory and written with `/`; lines and columns count from 1, and in a notebook `line` counts inside the
code cell of that number. Findings with one `code` and one `cause` come of one mistake, made there. What was seen in a running program also says
how many `times`.
`version` is raised when a field changes its meaning or goes away; fields may be added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from torchlint import __version__
from torchlint.model import Finding, Location

if TYPE_CHECKING:
    from torchlint.collecting import Result

VERSION = 1


def render(result: Result) -> bytes:
    """One JSON document in UTF-8, ended by a newline."""
    document = {
        "version": VERSION,
        "torchlint": __version__,
        "findings": [_finding(finding) for finding in result.findings],
        "errors": [{"path": _text(error.path), "message": _text(_message(error))} for error in result.errors],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "rule": finding.rule,
        "severity": finding.severity.value,
        "evidence": finding.evidence.value,
        "message": _text(finding.message),
        "help": _text(finding.help),
        "url": finding.url,
        "location": _location(finding.location),
        "trace": [{"message": _text(step.message), "location": _location(step.location)} for step in finding.trace],
        "fix": finding.fix,
        "cause": _location(finding.cause) if finding.cause is not None else None,
    } | ({"times": finding.times} if finding.times is not None else {})


def _location(location: Location) -> dict[str, Any]:
    return {
        "path": _text(location.path),
        "cell": location.cell,
        "line": location.line,
        "column": location.column,
        "end_line": location.end_line,
        "end_column": location.end_column,
    }


def _message(error: Any) -> str:
    """The message with its place in the file, which has no field of its own here."""
    where = error.place[len(error.path) :].lstrip(":")
    return f"{where}: {error.message}" if where else str(error.message)


def _text(text: str) -> str:
    """File names can hold bytes that are no text; JSON cannot."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
