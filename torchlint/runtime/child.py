"""How does a process below `torchlint run` begin to watch, and where does it write what it found?

    activate('{"folder": "...", "every": 50, ...}')     # called before the program, from the environment

Nothing happens until the program imports torch, and hardly anything is imported before. Each process writes to a file of its own in the folder that
all share: when it begins, whenever there is a new finding, now and then, and at the end, so that nothing is lost when a process is killed. Forked
workers begin with no findings.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torchlint.model import Finding
    from torchlint.orders import Order
    from torchlint.runtime.watching import checks

SECONDS = 1.0  # at least, between two reports of how far the program is


def activate(order: str) -> None:
    """Watch this process as soon as it has torch."""
    here = os.getcwd()
    if "torch" in sys.modules:
        _watch(order, here)
    elif not any(isinstance(finder, _WhenImported) for finder in sys.meta_path):
        sys.meta_path.insert(0, _WhenImported("torch", lambda: _watch(order, here)))


class _WhenImported:
    """Calls a function right after a module has been imported."""

    def __init__(self, name: str, then: Callable[[], None]) -> None:
        self._name = name
        self._then = then

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        loader = spec.loader if spec is not None else None
        if loader is not None:
            run = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                del loader.exec_module
                run(module)
                self._then()

            loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _watch(told: str, here: str) -> None:
    try:
        _begin(told, here)
    except Exception as error:  # the program runs all the same
        print(f"torchlint: this process is not watched: {type(error).__name__}: {error}", file=sys.stderr)


def _begin(told: str, here: str) -> None:
    import msgspec

    from torchlint.config import Settings
    from torchlint.orders import Order
    from torchlint.runtime import places
    from torchlint.runtime.watching import enable

    order = msgspec.json.decode(told, type=Order)
    places.start(order.start, here)
    settings = Settings(
        select=order.select,
        extend_select=order.extend_select,
        ignore=order.ignore,
        calls=tuple(order.calls),
        modules=tuple(order.modules),
        per_file_ignores=order.per_file_ignores,
        base=order.base,
    )
    run = enable("raise" if order.action == "raise" else "collect", order.every, order.warmup, settings=settings)
    _Report(run, order).begin()


class _Report:
    """What a process tells the one that waits for it."""

    def __init__(self, run: checks, order: Order) -> None:
        self._run = run
        self._order = order
        self._path = ""
        self._written = 0.0

    def begin(self) -> None:
        """See to it that all is written."""
        from multiprocessing import parent_process, util

        self._name()
        self._run.news = self._news
        self._run.progress = self._progress
        atexit.register(self._end)
        os.register_at_fork(after_in_child=self._forked)
        util.register_after_fork(self, _Report._finalize)  # workers of multiprocessing end without atexit
        if parent_process() is not None:
            self._finalize()
        self._write()

    def _finalize(self) -> None:
        from multiprocessing import util

        util.Finalize(None, self._end, exitpriority=0)

    def _name(self) -> None:
        """A process may be replaced by another of the same number."""
        self._path = os.path.join(self._order.folder, f"{os.getpid()}-{time.time_ns()}")

    def _news(self, finding: Finding) -> None:
        if self._order.live:
            place = f"{finding.location.path}:{finding.location.line}"
            print(f"torchlint: {place}: {finding.code} {finding.rule}", file=sys.stderr, flush=True)
        self._write()

    def _progress(self) -> None:
        if time.monotonic() - self._written > SECONDS:
            self._write()

    def _end(self) -> None:
        self._run.finish()
        self._write()

    def _forked(self) -> None:
        self._run.forget()
        self._name()

    def _write(self) -> None:
        import msgspec

        from torchlint.orders import Written

        self._written = time.monotonic()
        sampler = self._run.sampler
        written = Written(self._run.tally.findings(), self._run.notes(), sampler.steps, sampler.looked_at)
        try:
            with open(f"{self._path}.new", "wb") as stream:
                stream.write(msgspec.json.encode(written))
            os.replace(f"{self._path}.new", f"{self._path}.json")
        except FileNotFoundError:
            return  # nobody waits any more
        except OSError as error:
            self._run.failed(error)
