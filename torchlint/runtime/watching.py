"""How is a stretch of a running program watched?

with checks(action="raise"):
    train()                      # raises Violation at the loss that gets probabilities

run = enable()                   # until disable(), or the end of the program
run.result().findings            # what the reporters of the static side take
"""

from __future__ import annotations

import contextlib
import logging
import threading
import warnings
from collections.abc import Callable
from typing import Literal

import torch

from torchlint.collecting import Result
from torchlint.config import Settings
from torchlint.contracts.table import load
from torchlint.errors import TorchlintError
from torchlint.model import Finding
from torchlint.runtime.guard import Wanted
from torchlint.runtime.mode import CallMode
from torchlint.runtime.modules import Births
from torchlint.runtime.steps import Sampler
from torchlint.runtime.tally import Tally
from torchlint.runtime.witness import Witness

Action = Literal["warn", "raise", "log", "collect"]
ACTIONS: tuple[Action, ...] = ("warn", "raise", "log", "collect")
LONGEST = 100_000  # calls that are looked at without a step of an optimizer, before looking pauses
log = logging.getLogger("torchlint")


class Violation(Wanted, TorchlintError):
    """What `action="raise"` raises, at the call that is wrong. finding: what is wrong with it."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{place_of(finding)}: {finding.code} {finding.message}\n  help: {finding.help}")
        self.finding = finding


class TorchlintWarning(UserWarning, Wanted):
    """What `action="warn"` warns with, once for each place and rule."""


def place_of(finding: Finding) -> str:
    """file:line:column"""
    location = finding.location
    return f"{location.path}:{location.line}:{location.column}"


class checks(contextlib.ContextDecorator):
    """Watch what happens in this thread, as a context manager or a decorator.

    action  "warn" once for each place and rule, "raise" a Violation there, "log" to the logger "torchlint", or only "collect"
    every, warmup  look at the first `warmup` steps of an optimizer and at each `every`th after that; every=1 looks always
    settings  which rules are on, and contracts of your own; default: the default rules
    births  also note where modules are built and which hooks are registered (wraps nn.Module.__init__ and the registering methods)

    One object may be entered again, inside of itself, after its end, or in other threads: what it has found and which step it is in go on. So a
    decorated function that makes one step of training is looked at in its first `warmup` calls and in each `every`th.
    Raises ValueError for an unknown action or a wrong number.
    """

    def __init__(self, action: Action = "warn", every: int = 50, warmup: int = 20, *, settings: Settings | None = None, births: bool = False) -> None:
        if action not in ACTIONS:
            raise ValueError(f"action is one of {', '.join(ACTIONS)}, not {action!r}")
        self.action = action
        self._settings = settings or Settings()
        self._births = births
        self._failed: dict[object, str] = {}
        self._late: Wanted | None = None
        self.news: Callable[[Finding], None] | None = None
        self.progress: Callable[[], None] | None = None
        self.tally = Tally(self._settings, self._news)
        table = load(self._settings.calls, self._settings.modules)
        self._made = Births(table, self.tally.take, self.failed)
        self.witness = Witness(table, self.tally.take, self._made)
        self.witness.hooks.failed = self.failed
        self._mode = CallMode(self.witness, self.failed, self._begin)
        self.sampler = Sampler(self._mode, every, warmup, self._at_end)
        self.witness.step = lambda: self.sampler.steps
        self._lock = threading.Lock()
        self._entered = 0
        self._ending = False

    def __enter__(self) -> checks:
        with self._lock:
            self._entered += 1
            if self._births and self._entered == 1:
                self._made.install()
                self.witness.hooks.install()
        self.sampler.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        self._ending = kind is not None
        try:
            self.close()
            if kind is None:
                self._raise_late()
        finally:
            self._ending = False

    def close(self) -> None:
        """Stop watching and settle what had to wait."""
        with self._lock:
            self._entered = max(0, self._entered - 1)
            if self._births and not self._entered:
                self._made.uninstall()
                self.witness.hooks.uninstall()
        if not self.sampler.stop():
            return
        self.witness.ledger.clear()
        self._settle(self.witness.hooks.settle, self.witness.thresholds.settle)

    def finish(self) -> None:
        """Stop watching at the end of the program, where nothing can be raised any more."""
        self._ending = True
        self.close()

    def forget(self) -> None:
        """Begin anew in a forked process: what was found before belongs to its parent."""
        self._lock = threading.Lock()
        self.tally.forget()
        self.sampler.reset()

    def result(self) -> Result:
        """What has been found so far, as the reporters take it."""
        return Result(self.tally.findings(), [], 1)

    def notes(self) -> list[str]:
        """What was not looked at, for the summary."""
        said = []
        if self.sampler.eager_steps:
            steps = "1 step" if self.sampler.eager_steps == 1 else f"{self.sampler.eager_steps} steps"
            said.append(f"compiled functions ran eagerly in the {steps} that were looked at, and were not looked at in the others")
        if self.witness.losses.compiled:
            said.append(f"the input of {len(self.witness.losses.compiled)} losses came out of compiled code: what it means was not seen")
        if self.sampler.elsewhere:
            said.append(f"not looked at: other threads, with {self.sampler.elsewhere} optimizer steps")
        if self._failed:
            said.append(f"there were errors inside of torchlint, and what they hit was not looked at: {'; '.join(self._failed.values())}")
        return said

    def failed(self, error: Exception) -> None:
        """Something in torchlint went wrong: the user's program goes on, and hears once of each place where it happens."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = (type(error), trace.tb_frame.f_code if trace is not None else None, trace.tb_lineno if trace is not None else 0)
        if where not in self._failed:
            self._failed[where] = f"{type(error).__name__}: {error}"
            log.warning("an error inside of torchlint, which goes on: %s", self._failed[where], exc_info=error)

    def _begin(self) -> None:
        sampler = self.sampler
        sampler.calls += 1
        if sampler.calls > LONGEST:
            sampler.pause()
        if self._late is not None:
            self._raise_late()

    def _at_end(self, goes_on: bool) -> None:
        self._settle(self.witness.hooks.settle)
        if not goes_on:
            self.witness.ledger.clear()
        if self.progress is not None:
            self._settle(self.progress)
        self._raise_late()

    def _settle(self, *settles: Callable[[], None]) -> None:
        for settle in settles:
            try:
                settle()
            except Wanted:
                raise
            except Exception as error:
                self.failed(error)

    def _raise_late(self) -> None:
        if self._late is not None and not _in_backward():
            late, self._late = self._late, None
            raise late

    def _news(self, finding: Finding) -> None:
        if self.news is not None:
            self.news(finding)
        if self.action == "warn":
            self._warn(finding)
        elif self.action == "log":
            log.warning("%s: %s %s; %s", place_of(finding), finding.code, finding.message, finding.help)
        elif self.action == "raise":
            self._raise(Violation(finding))

    def _warn(self, finding: Finding) -> None:
        location = finding.location
        text = f"{place_of(finding)}: {finding.code} {finding.message}; {finding.help}"
        try:
            warnings.warn_explicit(text, TorchlintWarning, location.path, location.line)
        except TorchlintWarning as warning:  # the user wants warnings as errors
            self._raise(warning)

    def _raise(self, wanted: Wanted) -> None:
        if _in_backward():
            self._late = wanted  # raised at the next call: backward is left to end
        elif not self._ending:  # a block that ends by an exception ends by that one
            raise wanted


def _in_backward() -> bool:
    return torch._C._current_graph_task_id() != -1


_enabled: checks | None = None
_lock = threading.Lock()


def enable(action: Action = "warn", every: int = 50, warmup: int = 20, *, settings: Settings | None = None) -> checks:
    """Watch until `disable()`, or to the end of the program. A second call gives the first one's object."""
    global _enabled
    with _lock:
        if _enabled is None:
            _enabled = checks(action, every, warmup, settings=settings, births=True).__enter__()
        return _enabled


def disable() -> None:
    """Stop what `enable` began."""
    global _enabled
    with _lock:
        if _enabled is not None:
            _enabled.close()
            _enabled = None
