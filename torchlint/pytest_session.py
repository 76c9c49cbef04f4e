"""What happens to each test under `pytest --torchlint`?

    def test_training():
        loss = F.cross_entropy(net(x).softmax(1), y)      # FAILED: the report of TL101, at this line

The call of each test is watched, each step of it. Findings of severity warning or error fail a test that has passed; to the report of one that has
failed they are added. The others are told at the end of the run.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from torchlint import config as configuration
from torchlint.config import Settings
from torchlint.errors import ConfigError
from torchlint.model import Finding, Severity
from torchlint.rules.registry import by_code, matches
from torchlint.spelling import did_you_mean

if TYPE_CHECKING:
    from torchlint.runtime.watching import checks

KEYWORDS = ("expect", "ignore")
NOTES = "torchlint notes"


@dataclass(frozen=True)
class Wishes:
    """What the markers of a test say: which findings must come, and which do not matter."""

    expect: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


@dataclass
class Seen:
    """What was found in a test. failure: raised for it where the test itself has passed."""

    text: str
    notes: str
    failure: BaseException | None = None


_WISHES = pytest.StashKey[Wishes]()
_SEEN = pytest.StashKey[Seen]()


class Session:
    """Watches tests; registered as a plugin where torchlint is on. Raises ConfigError for settings that are not understood."""

    def __init__(self, config: pytest.Config) -> None:
        self._folder = config.invocation_params.dir
        self._settings = _settings(config)
        self._spare: checks | None = None

    def pytest_report_header(self) -> str:
        return "torchlint: each test is watched"

    def pytest_collection_finish(self) -> None:
        """Import torch before the first test runs, which may go to another folder or count what it takes."""
        import torchlint.runtime.watching  # noqa: F401

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Read the markers: what they say wrong is an error of this test."""
        try:
            item.stash[_WISHES] = wishes_of(item)
        except ConfigError as error:
            pytest.fail(str(error), pytrace=False)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Watch the test itself; fixtures have run before."""
        wishes = item.stash.get(_WISHES, Wishes())
        run = self._run(wishes)
        passed = False
        try:
            with run:
                result = yield
            passed = True
        finally:
            seen = item.stash[_SEEN] = self._judged(run, wishes, passed)
            if not wishes.expect and not run.sampler.calls and not run.sampler.steps and not run.result().findings:
                self._spare = run
        if seen.text:
            seen.failure = pytest.fail.Exception(seen.text, pytrace=False)
            raise seen.failure
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add what was found to the report of a test that has failed for another reason."""
        report = yield
        seen = item.stash.get(_SEEN, None)
        if call.when != "call" or seen is None:
            return report
        ours = call.excinfo is not None and call.excinfo.value is seen.failure
        told: Any = report.longrepr
        if seen.text and not ours and report.failed and hasattr(told, "addsection"):
            told.addsection("torchlint", seen.text)
        if seen.notes:
            report.sections.append((NOTES, seen.notes))
        return report

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """What does not fail a test, once for each place."""
        reports = [each for group in terminalreporter.stats.values() for each in group if isinstance(each, pytest.TestReport)]
        lines = dict.fromkeys(line for each in reports for name, text in each.sections if name == NOTES for line in text.splitlines())
        if lines:
            terminalreporter.section("torchlint: no failures, but to be known")
            for line in lines:
                terminalreporter.line(line)

    def _run(self, wishes: Wishes) -> checks:
        """Something to watch one test with. What saw nothing in the last test is used again: making one takes some milliseconds."""
        from torchlint.runtime.watching import checks

        if wishes.expect:
            return checks("collect", every=1, settings=configuration.override(self._settings, extend_select=wishes.expect))
        run, self._spare = self._spare, None
        return run or checks("collect", every=1, settings=self._settings)

    def _judged(self, run: checks, wishes: Wishes, passed: bool) -> Seen:
        """What is to be told of a test. passed: whether it came to its end, so that what was expected can be missed."""
        from torchlint.runtime.summary import report

        found = [each for each in run.result().findings if not self._ignored(each)]
        surprising = [each for each in found if not _named(each, wishes.expect) and not _named(each, wishes.ignore)]
        failing = [each for each in surprising if each.severity is not Severity.INFO]
        missed = [each for each in wishes.expect if passed and not any(_named(finding, (each,)) for finding in found)]
        text = "".join(f"torchlint: {_meant(each)} was expected in this test and not found\n" for each in missed)
        if failing:
            text += f"torchlint: {len(failing)} finding{'s' if len(failing) > 1 else ''} in this test\n\n{report(failing)}"
        notes = "\n".join(_line(each) for each in surprising if each.severity is Severity.INFO)
        return Seen(text.rstrip("\n"), notes)

    def _ignored(self, finding: Finding) -> bool:
        return self._settings.ignored_in(str(self._folder / finding.location.path), finding.code, finding.rule)


def wishes_of(item: pytest.Item) -> Wishes:
    """What the markers of a test and of its class and module say together. Raises ConfigError for what is not understood."""
    said: dict[str, tuple[str, ...]] = dict.fromkeys(KEYWORDS, ())
    for mark in item.iter_markers("torchlint"):
        if mark.args:
            raise ConfigError(f'@pytest.mark.torchlint takes keywords only: write expect="{mark.args[0]}" or ignore="{mark.args[0]}"')
        for keyword, value in mark.kwargs.items():
            if keyword not in KEYWORDS:
                guess = did_you_mean(keyword, KEYWORDS)
                raise ConfigError(f"@pytest.mark.torchlint: there is no keyword `{keyword}`{guess}\nThe keywords are: {', '.join(KEYWORDS)}.")
            said[keyword] += _selectors(value, f"@pytest.mark.torchlint({keyword}=...)")
    return Wishes(**said)


def _selectors(value: object, where: str) -> tuple[str, ...]:
    """`"TL101"`, `"TL101, TL2"` or a list of such."""
    parts = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
    words: list[str] = []
    for part in parts:
        if not isinstance(part, str):
            raise ConfigError(f"{where}: a code, a prefix or a name of a rule is meant, or several in a list, not {part!r}")
        words += part.replace(",", " ").split()
    configuration.check_selectors(words, where)
    return configuration.normalised(words)


def _settings(config: pytest.Config) -> Settings:
    """The project's own settings with those of pytest on top."""
    settings = configuration.load(str(config.rootpath))
    select = _selectors(config.getini("torchlint_select"), "torchlint_select")
    ignore = _selectors(config.getini("torchlint_ignore"), "torchlint_ignore")
    return replace(configuration.override(settings, select=select or None), ignore=(*settings.ignore, *ignore))


def _named(finding: Finding, selectors: Iterable[str]) -> bool:
    rule = by_code(finding.code)
    return rule is not None and any(selector == "ALL" or matches(selector, rule) for selector in selectors)


def _meant(selector: str) -> str:
    rule = by_code(selector)
    return f"{rule.code} {rule.name}" if rule is not None else selector


def _line(finding: Finding) -> str:
    location = finding.location
    return f"{location.path}:{location.line}:{location.column}: {finding.severity}[{finding.code}] {finding.rule}: {finding.message}"
