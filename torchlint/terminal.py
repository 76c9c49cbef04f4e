"""What can the terminal do, and how is text brought there safely?

For example:

    use_color("auto", sys.stdout)   # False in a pipe, with NO_COLOR set, or on a dumb terminal
    write(text)                     # survives `| head` and terminals that know no Unicode
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from typing import IO, Any

import click

WIDTH_WITHOUT_TERMINAL = 100


def is_terminal(stream: IO[Any]) -> bool:
    """Whether a stream ends at a person."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def use_color(choice: str, stream: IO[Any]) -> bool:
    """Whether to colour: --color decides, then NO_COLOR (https://no-color.org), then FORCE_COLOR, then whether it is a terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    force = os.environ.get("FORCE_COLOR")
    if force:
        return force not in ("0", "false")
    return is_terminal(stream) and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Columns of the terminal (or of COLUMNS); a fixed number in a pipe, so that logs look the same everywhere."""
    return max(40, shutil.get_terminal_size((WIDTH_WITHOUT_TERMINAL, 24)).columns)


def write(content: str | bytes) -> None:
    """To standard output. A reader that has gone away (`| head`) is no error, nor is a character that the terminal cannot show."""
    if isinstance(content, str):
        content = content.encode(getattr(sys.stdout, "encoding", None) or "utf-8", "replace")
    try:
        click.echo(content, nl=False)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()


def complain(message: str) -> None:
    """To standard error, named as ours."""
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    click.echo(f"torchlint: {message}".encode(encoding, "replace"), err=True)


def _discard_output() -> None:
    """Nobody reads: let the interpreter's own flush at exit go nowhere."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
