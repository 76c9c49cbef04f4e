"""How is a piece of source shown with a mark under the part that is meant?

     9 |         x = F.softmax(self.fc(x), dim=1)
       |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^

The mark stays under its text where tabs, wide characters or a line too long for the terminal would move it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from torchlint.model import Location
from torchlint.reporters.text import Paint, cell_width, cells, harmless

Sources = Callable[[Location], "str | None"]
MOST_LINES = 4  # of a span over several lines
CUT = "…"


@dataclass(frozen=True, slots=True)
class Frame:
    """How frames are drawn. indent: what stands left of them. width: of the whole line. color: of the mark."""

    sources: Sources
    paint: Paint
    width: int
    indent: str = ""
    color: str = "red"

    def lines(self, location: Location, before: int = 0, after: int = 0) -> Iterator[str]:
        """The frame of a location, with up to so many lines around it; nothing where the source is not to be had."""
        if self.sources(location) is None:
            return
        last = max(location.line, min(location.end_line, location.line + MOST_LINES - 1))
        gutter = max(3, len(str(last + after)))
        for number in range(max(1, location.line - before), location.line):
            yield from self._plain(location, number, gutter)
        for number in range(location.line, last + 1):
            yield from self._marked(location, number, gutter)
        if location.end_line > last:
            yield self._row("", CUT, gutter)
        else:
            for number in range(last + 1, last + 1 + after):
                yield from self._plain(location, number, gutter)

    def _line(self, location: Location, number: int) -> str | None:
        return self.sources(replace(location, line=number, column=1, end_line=number, end_column=1))

    def _plain(self, location: Location, number: int, gutter: int) -> Iterator[str]:
        text = self._line(location, number)
        if text is not None and text.strip():
            shown, _, _ = window(text, 0, 0, self._room(gutter))
            yield self._row(str(number), self.paint(shown, "dim"), gutter)

    def _marked(self, location: Location, number: int, gutter: int) -> Iterator[str]:
        text = self._line(location, number)
        if text is None or not text.strip():
            return
        start = location.column - 1 if number == location.line else len(text) - len(text.lstrip())
        end = location.end_column - 1 if number == location.end_line else len(text.rstrip())
        shown, left, length = window(text, start, end, self._room(gutter))
        yield self._row(str(number), shown, gutter)
        yield self._row("", " " * left + self.paint("^" * length, "bold", self.color), gutter)

    def _row(self, number: str, text: str, gutter: int) -> str:
        return f"{self.indent}{self.paint(f'{number:>{gutter}} |', 'blue')} {text}".rstrip()

    def _room(self, gutter: int) -> int:
        return max(20, self.width - len(self.indent) - gutter - 3)


def window(text: str, start: int, end: int, room: int) -> tuple[str, int, int]:
    """The part of a line that fits into `room` cells and shows the span: (shown text, cells left of the mark, cells of the mark).

    >>> window("loss = f(x)", 7, 11, 40)
    ('loss = f(x)', 7, 4)
    """
    start = min(max(start, 0), len(text))
    end = min(max(end, start), len(text))
    shown = harmless(text)
    left = cells(harmless(text[:start]))
    length = max(1, cells(harmless(text[:end])) - left)
    if cells(shown) <= room:
        return shown.rstrip(), left, length
    first = 0 if left + min(length, room // 2) < room - 1 else max(0, left - room // 3)
    cut, skipped = _slice(shown, first, room - 1 - (first > 0))
    more = skipped + cells(cut) < cells(shown)
    result = (CUT if first else "") + cut + (CUT if more else "")
    left = left - skipped + (1 if first else 0)
    return result, left, max(1, min(length, cells(result) - left))


def _slice(text: str, first: int, room: int) -> tuple[str, int]:
    """The characters from cell `first` on that fit into `room` cells, and the cell at which they really begin."""
    position = 0
    taken: list[str] = []
    begin: int | None = None
    for character in text:
        wide = cell_width(character)
        if position >= first:
            begin = position if begin is None else begin
            if position + wide - begin > room:
                break
            taken.append(character)
        position += wide
    return "".join(taken), first if begin is None else begin
