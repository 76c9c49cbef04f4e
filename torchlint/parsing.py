"""How does text become a LibCST tree without ever taking the process down?

    parse("train.py", "x = 1\n")        # libcst.Module
    parse("train.py", "x = (\n")        # UnreadableFile("train.py", "syntax error: `(` is never closed", line=1, column=5)

Every failure is an UnreadableFile: a syntax error, what scan.py refuses, and what the native parser throws (also a Rust panic, which
is a BaseException). Code that nests deeply is parsed in a thread with a large stack, so that it does not matter how small the stack of
the caller's thread is.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from torchlint.diagnosis import syntax_error
from torchlint.errors import UnreadableFile
from torchlint.lexer import place_of
from torchlint.scan import measure

if TYPE_CHECKING:
    import libcst

_T = TypeVar("_T")
# Below this the smallest usual stack (1 MB, a thread on Windows) is enough; few files need more.
_SMALL_STACK: Final = 800_000
_LARGE_STACK: Final = 64 * 1024 * 1024
RECURSION_LIMIT: Final = 20_000


def parse(path: str, text: str) -> libcst.Module:
    """Parse a program. Raises UnreadableFile."""
    shape = measure(path, text)
    with _paused_gc():
        if shape.stack <= _SMALL_STACK:
            return _parse(path, text)
        return _with_large_stack(lambda: _parse(path, text))


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Room for Python code that walks the deepest tree that `parse` gives."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


@contextmanager
def _paused_gc() -> Iterator[None]:
    """A tree is a million new objects and no garbage: collecting while it grows costs a third of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _parse(path: str, text: str) -> libcst.Module:
    import libcst

    try:
        return libcst.parse_module(text)
    except libcst.ParserSyntaxError as error:
        raise syntax_error(path, text, error.message) from None
    except (KeyboardInterrupt, SystemExit):
        raise
    except MemoryError:
        raise UnreadableFile(path, "cannot be parsed: there is not enough memory") from None
    except RecursionError:
        raise UnreadableFile(path, "cannot be parsed: its expressions are nested too deeply") from None
    except UnicodeEncodeError as error:
        raise UnreadableFile(path, "holds a lone surrogate, which is not text", *place_of(text, error.start)) from None
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise UnreadableFile(path, f"cannot be parsed: {' '.join(str(error).split())}") from None
        raise


def _with_large_stack(function: Callable[[], _T]) -> _T:
    """Call it in a thread of its own, whose stack is large (memory is taken only as far as it is used)."""
    results: list[_T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            with deep_recursion():
                results.append(function())
        except BaseException as error:
            failures.append(error)

    before = threading.stack_size(_LARGE_STACK)
    try:
        thread = threading.Thread(target=run, name="torchlint-parse", daemon=True)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    if failures:
        raise failures[0]
    return results[0]
