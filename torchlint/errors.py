"""What can go wrong before any rule runs, and with which exit code does the command end?

For example:

    TorchlintError          exit code 2: the tool could not do its work
    ├── ConfigError         a settings file says something that torchlint does not understand
    ├── UsageError          the command line asks for something that makes no sense
    └── UnreadableFile      one file cannot be decoded or parsed (reported as TL902, the others are still checked)

    >>> str(UnreadableFile("nb.ipynb", "unexpected `)`", line=2, column=7, cell=3))
    'nb.ipynb:cell 3:2:7: unexpected `)`'
"""

from __future__ import annotations


class TorchlintError(Exception):
    """The root of everything that torchlint raises on purpose."""

    exit_code = 2


class ConfigError(TorchlintError):
    """A settings file is wrong; the message names the file and the key."""


class UsageError(TorchlintError):
    """The command line is wrong."""


class UnreadableFile(TorchlintError):
    """A file (or, with `cell`, one cell of a notebook) is not a program that can be read.

    `line` and `column` count from 1 and are None where no single place is to blame.
    """

    def __init__(self, path: str, message: str, line: int | None = None, column: int | None = None, cell: int | None = None) -> None:
        super().__init__(path, message, line, column, cell)
        self.path = path
        self.message = message
        self.line = line
        self.column = column
        self.cell = cell

    @property
    def place(self) -> str:
        """Where it is, as one clickable word: `train.py:3:7` or `nb.ipynb:cell 2:3:7`."""
        parts = [self.path]
        if self.cell is not None:
            parts.append(f"cell {self.cell}")
        parts.extend(str(number) for number in (self.line, self.column) if number is not None)
        return ":".join(parts)

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"
