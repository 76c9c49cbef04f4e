"""How does a run go, from paths on a disk to findings?

    outcome = run(["src"], settings)
    outcome.result.findings       # sorted
    outcome.exit_code("warning")  # 0 clean, 1 findings, 2 the work could not be done

This is the only module that reads source files: the analysis asks for bytes and folders through DiskFiles. What it cannot read becomes a
TL902 finding, so that a file that was passed over is never taken for a clean one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torchlint.config import Settings
from torchlint.errors import UnreadableFile
from torchlint.model import Evidence, Finding, Location, Severity
from torchlint.source import SourceFile, shown_path
from torchlint.walk import Walked, import_roots, walk

if TYPE_CHECKING:
    from torchlint.collecting import Result
    from torchlint.kinds import Survey

Progress = Callable[[int, int, str], None]
LARGEST_FILE = 256 * 1024 * 1024  # notebooks with pictures reach tens of megabytes; beyond this it is data under a wrong name
RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}


class DiskFiles:
    """The file system as the analysis sees it. `overlay` holds contents that come from elsewhere (standard input), by absolute path."""

    def __init__(self, overlay: Mapping[str, bytes] | None = None) -> None:
        self.overlay = dict(overlay or {})
        self.problems: dict[str, str] = {}
        self._is_file: dict[str, bool] = {}
        self._is_dir: dict[str, bool] = {}
        self._listings: dict[str, tuple[str, ...]] = {}

    def read(self, path: str) -> bytes | None:
        """The contents of a file; None where it cannot be read, and then `problems` says why."""
        if path in self.overlay:
            return self.overlay[path]
        try:
            if os.path.isfile(path):
                size = os.stat(path).st_size
                if size > LARGEST_FILE:
                    self.problems[path] = f"is {size // 1024 // 1024} MB long, more than the {LARGEST_FILE // 1024 // 1024} MB that are read"
                    return None
                with open(path, "rb") as stream:
                    return stream.read()
        except OSError as error:
            self.problems[path] = f"cannot be read: {error.strerror or error}"
        except ValueError:
            pass  # a NUL in the name
        return None

    def is_file(self, path: str) -> bool:
        """Whether there is such a regular file."""
        known = self._is_file.get(path)
        if known is None:
            known = self._is_file[path] = path in self.overlay or os.path.isfile(path)
        return known

    def is_dir(self, path: str) -> bool:
        """Whether there is such a folder."""
        known = self._is_dir.get(path)
        if known is None:
            known = self._is_dir[path] = os.path.isdir(path)
        return known

    def listdir(self, path: str) -> Sequence[str]:
        """The sorted names in a folder; none where it cannot be listed."""
        known = self._listings.get(path)
        if known is None:
            try:
                known = tuple(sorted(os.listdir(path)))
            except (OSError, ValueError):
                known = ()
            self._listings[path] = known
        return known

    def shown(self, path: str) -> str:
        """The path as the user reads it."""
        return shown_path(path)


class Sources:
    """Source lines for the reports, by location. Files are read again: only those with findings are needed."""

    def __init__(self, files: DiskFiles) -> None:
        self.files = files
        self._known: dict[str, SourceFile | None] = {}

    def __call__(self, location: Location) -> str | None:
        """The line on which a location begins, None where there is none."""
        if location.path not in self._known:
            self._known[location.path] = self._open(location.path)
        source = self._known[location.path]
        return (source.line(location) or None) if source else None

    def _open(self, path: str) -> SourceFile | None:
        data = self.files.read(os.path.abspath(path))
        if data is None:
            return None
        try:
            return SourceFile.from_bytes(path, data)
        except UnreadableFile:
            return None


@dataclass(slots=True)
class Outcome:
    """What a run found. missing: (path as given, why) for paths of the command line that are not there."""

    result: Result
    sources: Callable[[Location], str | None]
    missing: list[tuple[str, str]] = field(default_factory=list)
    targets: int = 0
    unread: int = 0

    def exit_code(self, fail_on: str = "warning") -> int:
        """0 clean, 1 findings of the given severity or worse, 2 where a path is missing or not one file could be read."""
        if self.missing or (self.targets and self.unread >= self.targets):
            return 2
        if fail_on == "never":
            return 0
        worst = max((RANK[finding.severity] for finding in self.result.findings), default=-1)
        return 1 if worst >= RANK[Severity(fail_on)] else 0


def run(paths: Sequence[str], settings: Settings, *, force_exclude: bool = False, progress: Progress | None = None) -> Outcome:
    """Check files and folders."""
    walked = walk(paths, settings, force_exclude)
    return _checked(DiskFiles(), walked, settings, progress)


def run_text(data: bytes, filename: str, settings: Settings) -> Outcome:
    """Check a text that comes from elsewhere as if it stood in `filename`: imports resolve from its folder."""
    path = os.path.abspath(filename)
    return _checked(DiskFiles({path: data}), Walked(files=[path], roots=import_roots([os.path.dirname(path)])), settings, None)


def survey(paths: Sequence[str], settings: Settings, progress: Progress | None = None) -> tuple[Survey, list[tuple[str, str]]]:
    """What the flow knows of each loss call in files and folders; and the paths that are not there, with the reason."""
    from torchlint import kinds

    walked = walk(paths, settings)
    return kinds.survey(DiskFiles(), walked.files, walked.roots, settings, progress), walked.missing


def _checked(files: DiskFiles, walked: Walked, settings: Settings, progress: Progress | None) -> Outcome:
    from torchlint.check import check

    result = check(files, walked.files, walked.roots, settings, progress)
    targets = {files.shown(path) for path in walked.files}
    result.errors = [error for error in result.errors if error.path in targets]
    known = {error.path for error in result.errors}
    result.errors += [UnreadableFile(files.shown(path), problem) for path, problem in files.problems.items() if files.shown(path) in targets - known]
    unread = {error.path for error in result.errors if error.cell is None}
    result.errors += [UnreadableFile(files.shown(path), problem) for path, problem in walked.unreadable]
    result.errors.sort(key=lambda error: (error.path, error.cell or 0, error.line or 0, error.column or 0))
    result.findings = sorted(_wanted(result, targets, settings), key=lambda finding: finding.sort_key)
    return Outcome(result, Sources(files), walked.missing, len(targets), len(unread))


def _wanted(result: Result, targets: set[str], settings: Settings) -> list[Finding]:
    """The findings that touch a file that was asked for, with those that say which files could not be read."""
    findings = [finding for finding in result.findings if _touches(finding, targets)]
    said = {finding.location.path for finding in findings if finding.code == "TL902"}
    findings += _unreadable([error for error in result.errors if error.path not in said], settings)
    return [
        finding
        for finding in findings
        if not settings.per_file_ignores or not settings.ignored_in(os.path.abspath(finding.location.path), finding.code, finding.rule)
    ]


def _touches(finding: Finding, targets: set[str]) -> bool:
    return finding.location.path in targets or any(step.location.path in targets for step in finding.trace)


def _unreadable(errors: Sequence[UnreadableFile], settings: Settings) -> list[Finding]:
    """Each error as a TL902 finding."""
    from torchlint.rules.registry import by_code

    rule = by_code("TL902")
    if rule is None or not settings.enabled(rule):
        return []
    findings = []
    for error in errors:
        line, column = error.line or 1, error.column or 1
        location = Location(error.path, error.cell, line, column, line, column + 1)
        message = f"not checked: {error.message.rstrip('.')}"
        hint = "fix the file, or leave it out with `exclude`"
        findings.append(Finding(rule.code, rule.name, rule.severity, Evidence.PROVEN, message, hint, rule.url, location))
    return findings
