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
from torchlint.runtime.mode import CallMode
from torchlint.runtime.modules import Births
from torchlint.runtime.steps import Sampler
from torchlint.runtime.tally import Tally
from torchlint.runtime.witness import Witness

Action = Literal["warn", "raise", "log", "collect"]
ACTIONS: tuple[Action, ...] = ("warn", "raise", "log", "collect")
log = logging.getLogger("torchlint")


class Violation(TorchlintError):
    """What `action="raise"` raises, at the call that is wrong. finding: what is wrong with it."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{place_of(finding)}: {finding.code} {finding.message}\n  help: {finding.help}")
        self.finding = finding


class TorchlintWarning(UserWarning):
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

    Raises ValueError for an unknown action or a wrong number.
    """

    def __init__(self, action: Action = "warn", every: int = 50, warmup: int = 20, *, settings: Settings | None = None, births: bool = False) -> None:
        if action not in ACTIONS:
            raise ValueError(f"action is one of {', '.join(ACTIONS)}, not {action!r}")
        self.action = action
        self._settings = settings or Settings()
        self._births = births
        self._failed: set[str] = set()
        self._late: Violation | None = None
        self.news: Callable[[Finding], None] | None = None
        self.tally = Tally(self._settings, self._news)
        table = load(self._settings.calls, self._settings.modules)
        self._made = Births(table)
        self.witness = Witness(table, self.tally.take, self._made)
        self._made.tell_of_loss = self.witness.tell_of_construction
        self._mode = CallMode(self.witness, self.failed, self._begin)
        self.sampler = Sampler(self._mode, every, warmup, self._end_of_step)
        self.witness.step = lambda: self.sampler.steps

    def __enter__(self) -> checks:
        if self._births:
            self._made.install()
            self.witness.hooks.install()
        self.sampler.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop watching and settle what had to wait."""
        self.sampler.stop()
        if self._births:
            self._made.uninstall()
            self.witness.hooks.uninstall()
        self.witness.hooks.settle()
        self.witness.thresholds.settle()

    def result(self) -> Result:
        """What has been found so far, as the reporters take it."""
        return Result(self.tally.findings(), [], 1)

    def notes(self) -> list[str]:
        """What was not looked at, for the summary."""
        said = []
        if self.sampler.eager_steps:
            said.append(
                f"compiled functions ran eagerly in {self.sampler.eager_steps} steps that were looked at, and were not looked at in the others"
            )
        if self.witness.losses.compiled:
            said.append(f"the input of {len(self.witness.losses.compiled)} losses came out of compiled code: what it means was not seen")
        return said

    def failed(self, error: Exception) -> None:
        """Something in torchlint went wrong: the user's program goes on, and hears of each kind once."""
        kind = f"{type(error).__name__}: {error}"
        if kind not in self._failed:
            self._failed.add(kind)
            log.warning("an error inside of torchlint, which goes on: %s", kind, exc_info=error)

    def _begin(self) -> None:
        self.sampler.begin()
        if self.sampler.exhausted:
            self._mode.idle = True
        late, self._late = self._late, None
        if late is not None:
            raise late

    def _end_of_step(self) -> None:
        self._mode.idle = False
        self.witness.hooks.settle()
        self.witness.ledger.clear()

    def _news(self, finding: Finding) -> None:
        if self.news is not None:
            self.news(finding)
        if self.action == "warn":
            warnings.warn(f"{place_of(finding)}: {finding.code} {finding.message}; {finding.help}", TorchlintWarning, stacklevel=2)
        elif self.action == "log":
            log.warning("%s: %s %s; %s", place_of(finding), finding.code, finding.message, finding.help)
        elif self.action == "raise":
            violation = Violation(finding)
            if _in_backward():
                self._late = violation  # raised at the next call: backward is left to end
            else:
                raise violation


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
