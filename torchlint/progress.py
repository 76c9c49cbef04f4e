"""Is anything happening? A bar on standard error, once a run has taken two seconds.

    with bar(enabled) as progress:
        progress(12, 340, "models/net.py")     # 12 of 340 files are done, this one comes next

Rich is imported only when the bar is really shown; the bar is gone at the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

DELAY = 2.0  # seconds


@contextmanager
def bar(enabled: bool, delay: float = DELAY) -> Iterator[Callable[[int, int, str], None] | None]:
    """What to call with (done, total, path); None where no bar is wanted."""
    if not enabled:
        yield None
        return
    late = _LateBar(delay)
    try:
        yield late
    finally:
        late.close()


class _LateBar:
    def __init__(self, delay: float) -> None:
        self._due = time.monotonic() + delay
        self._shown: tuple[Progress, TaskID] | None = None

    def __call__(self, done: int, total: int, path: str) -> None:
        if self._shown is None:
            if time.monotonic() < self._due:
                return
            self._shown = _start()
        progress, task = self._shown
        progress.update(task, completed=done, total=total, path=path)

    def close(self) -> None:
        """Take the bar away."""
        if self._shown is not None:
            self._shown[0].stop()


def _start() -> tuple[Progress, TaskID]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Path(TextColumn):
        def render(self, task: Task) -> Text:
            return Text.from_markup(f"[dim]{escape(str(task.fields['path']))}", overflow="ellipsis")

    columns = (TextColumn("Checking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), Path(""))
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    progress.start()
    return progress, progress.add_task("", path="")
