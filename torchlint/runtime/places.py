"""Where in the user's program does something happen, and which module of torch is at work there?

    loss = criterion(net(x), y)     # F.cross_entropy is called three frames further in, inside of torch
    ^^^^^^   caller(frame).place points here, caller(frame).module is the nn.CrossEntropyLoss

Frames of torch, of torchlint, of the standard library and of installed packages are passed over; where nothing else is left, the first that is
not torch's counts. Looking costs one to three microseconds, so positions are worked out only when a finding needs them.
"""

from __future__ import annotations

import linecache
import os
import site
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from types import CodeType, FrameType
from typing import Any

import torch

import torchlint
from torchlint.errors import UnreadableFile
from torchlint.model import Location, Place
from torchlint.source import SourceFile, shown_path

USER, LIBRARY, TORCH, MODULES = range(4)
"""What a piece of code belongs to; MODULES is the part of torch in which the forward of its modules stands."""

_OURS = os.path.dirname(os.path.abspath(torchlint.__file__)) + os.sep
_TORCH = os.path.dirname(os.path.abspath(torch.__file__)) + os.sep
_MODULES = os.path.join(_TORCH, "nn", "modules", "")
_INSTALLED = tuple(
    {os.path.abspath(path) + os.sep for path in (*site.getsitepackages(), site.getusersitepackages(), sysconfig.get_paths()["stdlib"])}
)
_START = os.getcwd()
"""Where the program was started: paths are told relative to it, wherever the program goes."""
_HERE = _START
"""Where this process of it was started: Python names its script relative to that."""
_CELLS: dict[str, tuple[str, int]] = {}
"""File names under which the cells of notebooks were compiled -> (path, number of the cell)."""


def start(in_folder: str, here: str) -> None:
    """Tell where the program was started, and where this process of it was."""
    global _START, _HERE
    _START, _HERE = in_folder, here


def absolute(location: Location) -> str:
    """The whole path of what is told."""
    return os.path.join(_START, location.path)


class FramePlace:
    """An instruction of a running program. Equal when they mean the same instruction."""

    __slots__ = ("code", "instruction")

    def __init__(self, code: CodeType, instruction: int) -> None:
        self.code = code
        self.instruction = instruction

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FramePlace) and self.code is other.code and self.instruction == other.instruction

    def __hash__(self) -> int:
        return hash((id(self.code), self.instruction))

    def locate(self) -> Location:
        path, cell = _CELLS.get(self.code.co_filename, (self.code.co_filename, None))
        line, end_line, column, end_column = _span(self.code, self.instruction)
        first, last = _line(self.code.co_filename, line), _line(self.code.co_filename, end_line)
        return Location(
            shown_path(os.path.join(_HERE, path), _START), cell, line, _characters(first, column) + 1, end_line, _characters(last, end_column) + 1
        )

    def silences(self, location: Location, code: str, name: str, whole: bool) -> bool:
        source = _source(os.path.join(_HERE, _CELLS.get(self.code.co_filename, (self.code.co_filename, None))[0]))
        return source is not None and source.silences(location, code, name, whole)


@dataclass(slots=True)
class Caller:
    """Who calls: the place in the user's program, the frame there, the torch module in between, and whether a container called that module."""

    place: FramePlace
    frame: FrameType
    module: Any = None
    contained: bool = False


def caller(frame: FrameType) -> Caller | None:
    """The user's own frame outward from `frame`; None where there is none, as in a thread of torch's."""
    found, module, contained = users(frame)
    return Caller(FramePlace(found.f_code, found.f_lasti), found, module, contained) if found is not None else None


def users(start: FrameType) -> tuple[FrameType | None, Any, bool]:
    """The frame of `caller`, with the module of torch in between and whether a container called that."""
    frame: FrameType | None = start
    module: Any = None
    contained = False
    fallback: FrameType | None = None
    while frame is not None:
        code = frame.f_code
        owner = _OWNERS.get(id(code))
        if owner is None:
            owner = _note_owner(code)
        if owner == USER:
            return frame, module, contained
        if owner == LIBRARY and fallback is None:
            fallback = frame
        if owner == MODULES and fallback is None and code.co_name == "forward":
            if module is None:
                module = frame.f_locals.get("self")
            else:
                contained = True
        frame = frame.f_back
    return fallback, module, contained


_OWNERS: dict[int, int] = {}
"""By the identity of the code: its own hash goes through all of its instructions each time."""
_KEPT: list[CodeType] = []
"""What is noted there, kept so that no other code takes its identity."""


def _note_owner(code: CodeType) -> int:
    _KEPT.append(code)
    owner = _OWNERS[id(code)] = owner_of(code)
    return owner


def owner_of(code: CodeType) -> int:
    """Whose code it is."""
    name = code.co_filename
    if name.startswith(_MODULES):
        return MODULES
    if name.startswith(_TORCH) or name.startswith(_OURS) or code.co_name == "__torch_function__":
        return TORCH  # what a mode or a tensor of the user's own hands on is called further out
    if name.startswith("<") and not name.startswith(("<stdin>", "<ipython")):
        return TORCH if name.startswith("<eval_with_key") else LIBRARY  # code that torch.fx wrote; `exec` of a string
    return LIBRARY if name.startswith(_INSTALLED) else USER


def locate(places: Iterable[Place]) -> dict[Place, Location]:
    """The location of each place."""
    return {place: place.locate() for place in places}


def name_cell(filename: str, path: str, cell: int) -> None:
    """Tell that code compiled under a file name is a cell of a notebook."""
    _CELLS[filename] = (path, cell)


def _span(code: CodeType, instruction: int) -> tuple[int, int, int, int]:
    """(line, end line, column, end column) of an instruction; columns from 0 in bytes, both 0 where Python does not keep them."""
    if sys.version_info >= (3, 11):
        for number, (line, end_line, column, end_column) in enumerate(code.co_positions()):
            if number * 2 == instruction and line is not None:
                return line, end_line or line, column or 0, end_column or 0
    line = code.co_firstlineno
    for start, end, number in code.co_lines():
        if start <= instruction < end and number is not None:
            line = number
    return line, line, 0, 0


def _line(filename: str, line: int) -> str:
    return linecache.getline(filename if filename.startswith("<") else os.path.join(_HERE, filename), line)


def _characters(text: str, column: int) -> int:
    """A column in bytes as one in characters."""
    return column if text.isascii() else len(text.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "ignore"))


@cache
def _source(path: str) -> SourceFile | None:
    try:
        with open(path, "rb") as stream:
            return SourceFile.from_bytes(path, stream.read())
    except (OSError, ValueError, UnreadableFile):
        return None
