"""How does a process below `torchlint run` begin to watch, and where does it write what it found?

    activate('{"folder": "...", "every": 50, ...}')     # called before the program, from the environment

Nothing happens until the program imports torch. Each process writes its findings to a file of its own in the folder that all share, whenever
there is a new one and once more at the end, so that nothing is lost when a process is killed. Forked workers begin with no findings.
"""

from __future__ import annotations

import atexit
import importlib.abc
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING

import msgspec

from torchlint.config import Settings
from torchlint.model import Finding
from torchlint.orders import Order, Written

if TYPE_CHECKING:
    from torchlint.runtime.watching import checks


def activate(order: str) -> None:
    """Watch this process as soon as it has torch."""
    told = msgspec.json.decode(order, type=Order)
    if "torch" in sys.modules:
        _watch(told)
    elif not any(isinstance(finder, _WhenImported) for finder in sys.meta_path):
        sys.meta_path.insert(0, _WhenImported("torch", lambda: _watch(told)))


class _WhenImported(importlib.abc.MetaPathFinder):
    """Calls a function right after a module has been imported."""

    def __init__(self, name: str, then: Callable[[], None]) -> None:
        self._name = name
        self._then = then

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                run(module)
                self._then()

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _watch(order: Order) -> None:
    from torchlint.runtime.watching import enable

    settings = Settings(
        select=order.select, extend_select=order.extend_select, ignore=order.ignore, calls=tuple(order.calls), modules=tuple(order.modules)
    )
    run = enable("raise" if order.action == "raise" else "collect", order.every, order.warmup, settings=settings)
    _write_at_the_end(run, order)


def _write_at_the_end(run: checks, order: Order) -> None:
    from multiprocessing import parent_process, util

    def news(finding: Finding) -> None:
        if order.live:
            place = f"{finding.location.path}:{finding.location.line}"
            print(f"torchlint: {place}: {finding.code} {finding.rule}", file=sys.stderr, flush=True)
        _write(run, order)

    def end() -> None:
        run.close()
        _write(run, order)

    def forked() -> None:
        run.tally.forget()
        util.Finalize(None, end, exitpriority=0)  # workers of multiprocessing end without atexit

    run.news = news
    atexit.register(end)
    os.register_at_fork(after_in_child=forked)
    if parent_process() is not None:
        util.Finalize(None, end, exitpriority=0)


def _write(run: checks, order: Order) -> None:
    written = Written(run.tally.findings(), run.notes(), run.sampler.steps, run.sampler.looked_at)
    path = os.path.join(order.folder, f"{os.getpid()}.json")
    try:
        with open(f"{path}.new", "wb") as stream:
            stream.write(msgspec.json.encode(written))
        os.replace(f"{path}.new", path)
    except OSError as error:
        run.failed(error)
