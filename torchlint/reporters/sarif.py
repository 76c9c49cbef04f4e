"""What do code scanning services and the problem lists of editors read?

SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html), one run with one result for each finding:

    {"version": "2.1.0", "runs": [{
       "tool": {"driver": {"name": "torchlint", "rules": [{"id": "TL101", ...}]}},
       "results": [{"ruleId": "TL101", "ruleIndex": 0, "level": "error", "message": {"text": "..."},
         "locations": [{"physicalLocation": {"artifactLocation": {"uri": "my%20net.py", "uriBaseId": "%SRCROOT%"},
                                             "region": {"startLine": 12, "startColumn": 17, "endLine": 12, "endColumn": 30}}}],
         "codeFlows": [...the trace, up to the place of the finding...],
         "properties": {"evidence": "proven", "cell": 4, "cause": {"physicalLocation": ...}}}],
       "invocations": [{"executionSuccessful": true, "toolExecutionNotifications": [...what could not be read...]}]}]}

SARIF knows no cells: in a notebook a region counts inside the code cell that `logicalLocations` and the property `cell` name. `%SRCROOT%` is the
working directory; which folder that was is not told, so that reports of two machines are equal. There are no fingerprints: they need the
lines around a finding, and what receives the report can read these.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from torchlint import __version__
from torchlint.errors import UnreadableFile
from torchlint.model import Finding, Location, Severity, TraceStep

if TYPE_CHECKING:
    from torchlint.collecting import Result

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
ROOT = "%SRCROOT%"


def render(result: Result, missing: Sequence[tuple[str, str]] = (), *, successful: bool = True) -> bytes:
    """One SARIF log in UTF-8, ended by a newline.

    missing: (path, why) for what was asked for and is not there. successful: whether the run could do its work, be it with findings; where
    single files could not be read it could, and the notifications say that the results are not complete.
    """
    rules = {finding.code: _rule(finding) for finding in sorted(result.findings, key=lambda finding: finding.code)}
    numbers = {code: number for number, code in enumerate(rules)}
    notifications = [_notification(f"{path}: {why}") for path, why in missing] + [_unreadable(error) for error in result.errors]
    run = {
        "tool": {"driver": {"name": "torchlint", "semanticVersion": __version__, "rules": list(rules.values())}},
        "invocations": [{"executionSuccessful": successful, "toolExecutionNotifications": notifications}],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, numbers[finding.code]) for finding in result.findings],
    }
    document = {"version": "2.1.0", "$schema": SCHEMA, "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def _rule(finding: Finding) -> dict[str, Any]:
    """The rule of a finding. Its severity may differ from that of the finding, which some events raise or lower."""
    from torchlint.rules.registry import by_code

    told: dict[str, Any] = {"id": finding.code, "name": finding.rule, "helpUri": finding.url}
    known = by_code(finding.code)
    if known is not None:
        told |= {"shortDescription": _message(known.summary), "defaultConfiguration": {"level": LEVELS[known.severity]}}
    return told


def _result(finding: Finding, number: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": number,
        "level": LEVELS[finding.severity],
        "message": _message(f"{finding.message}\nhelp: {finding.help}" if finding.help else finding.message),
        "locations": [_location(finding.location)],
    }
    if finding.trace:
        told["codeFlows"] = [{"threadFlows": [{"locations": [{"location": _station(step)} for step in _way(finding)]}]}]
    told["properties"] = _properties(finding)
    return told


def _way(finding: Finding) -> list[TraceStep]:
    """The trace up to the place of the finding: viewers expect it as the last station."""
    arrived = finding.trace[-1].location == finding.location
    return [*finding.trace] if arrived else [*finding.trace, TraceStep(finding.message, finding.location)]


def _properties(finding: Finding) -> dict[str, Any]:
    told: dict[str, Any] = {"evidence": finding.evidence.value}
    if finding.location.cell is not None:
        told["cell"] = finding.location.cell
    if finding.cause is not None:
        told["cause"] = _location(finding.cause)
    return told


def _station(step: TraceStep) -> dict[str, Any]:
    return {**_location(step.location), "message": _message(step.message)}


def _location(location: Location) -> dict[str, Any]:
    region = {
        "startLine": location.line,
        "startColumn": location.column,
        "endLine": location.end_line,
        "endColumn": location.end_column,
    }
    return _place(location.path, location.cell, region)


def _place(path: str, cell: int | None, region: dict[str, int]) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": _artifact(path)}
    if region:
        physical["region"] = region
    told: dict[str, Any] = {"physicalLocation": physical}
    if cell is not None:
        told["logicalLocations"] = [{"name": f"cell {cell}"}]
    return told


def _artifact(path: str) -> dict[str, str]:
    """A file, as a URI: relative where it lies in the working directory, as findings name it."""
    name = _encodable(path)
    if os.path.isabs(name):
        return {"uri": Path(name).as_uri()}
    return {"uri": quote(os.fsencode(name)), "uriBaseId": ROOT}


def _unreadable(error: UnreadableFile) -> dict[str, Any]:
    numbers = {"startLine": error.line, "startColumn": error.column if error.line is not None else None}
    region = {name: number for name, number in numbers.items() if number is not None}
    return {**_notification(error.message), "locations": [_place(error.path, error.cell, region)]}


def _notification(text: str) -> dict[str, Any]:
    """Level error says to programs: not every rule was run on every file."""
    return {"level": "error", "message": _message(text)}


def _message(text: str) -> dict[str, str]:
    """Plain text, in which SARIF wants braces doubled (section 3.11.5: `{0}` is a placeholder) and JSON no half of a surrogate pair."""
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return {"text": text.replace("{", "{{").replace("}", "}}")}


def _encodable(path: str) -> str:
    """The path, if a file can be called so; bytes of a name that are no text can be told in a URI."""
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return path.encode("ascii", "replace").decode()
    return path
