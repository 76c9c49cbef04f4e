"""What has been found in a running program so far?

    tally.take(event)        # judged by the rules; the first time at a place it is news
    tally.findings()         # one for each place and rule, with how often it was seen

A training loop comes by the same line a million times: of each place and rule only the best report is kept, and a count.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from torchlint.collecting import Collector
from torchlint.config import Settings
from torchlint.events import Event, LossCall
from torchlint.model import Finding, Place, Report
from torchlint.rules.registry import judge
from torchlint.runtime.calm import Calm
from torchlint.runtime.places import absolute, locate

News = Callable[[Finding], None]


class Tally:
    """Gathers what the rules say while a program runs. news: called once for each finding, when it is first seen."""

    def __init__(self, settings: Settings, news: News) -> None:
        self._settings = settings
        self._news = news
        self._told: dict[tuple[Place, str], Collector] = {}
        self._counts: Counter[tuple[Place, str]] = Counter()
        self._calm = Calm()
        self._lock = threading.Lock()

    def take(self, event: Event) -> None:
        """Judge one event; tells of what is new. Whatever `news` raises goes through."""
        loss = event if isinstance(event, LossCall) else None
        if loss is not None and self._calm.covers(loss):
            return
        fresh, said = [], False
        for report in judge(event):
            said = True
            if self._settings.enabled(report.rule):
                with self._lock:
                    fresh += self._enter(report, event)
        if loss is not None and not said:
            self._calm.note(loss)
        for finding in fresh:
            self._news(finding)

    def findings(self) -> list[Finding]:
        """All findings, sorted by place."""
        with self._lock:
            found = [replace(finding, times=self._counts[key]) for key, each in self._told.items() for finding in self._of(each)]
        return sorted(found, key=lambda finding: finding.sort_key)

    def forget(self) -> None:
        """Begin anew: what a forked process has found before the fork was found by its parent."""
        self._lock = threading.Lock()
        self._told.clear()
        self._counts.clear()

    def _enter(self, report: Report, event: Event) -> list[Finding]:
        key = (report.place, report.rule.code)
        self._counts[key] += 1
        if key in self._told:
            return []
        collector = self._told[key] = Collector(self._settings, locate)
        collector.add(report, event)
        return self._of(collector)

    def _of(self, collector: Collector) -> list[Finding]:
        """What is told of one place, unless the settings leave its file out of the rule."""
        return [each for each in collector.findings() if not self._settings.ignored_in(absolute(each.location), each.code, each.rule)]
