"""Where in the text is a node? Asked only of nodes that a finding names, and of all of them in a file at once.

For example:

    locate([NodePlace(source, call), NodePlace(source, softmax)])   # one walk over the file's tree
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from torchlint.model import Location, Place

if TYPE_CHECKING:
    import libcst as cst

    from torchlint.source import SourceFile


class NodePlace:
    """A node of a file. Equal when they mean the same node."""

    __slots__ = ("node", "source")

    def __init__(self, source: SourceFile, node: cst.CSTNode) -> None:
        self.source = source
        self.node = node

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NodePlace) and self.node is other.node

    def __hash__(self) -> int:
        return id(self.node)

    def locate(self) -> Location:
        return self.source.locate([self.node])[id(self.node)]

    def silences(self, location: Location, code: str, name: str, whole: bool) -> bool:
        return self.source.silences(location, code, name, whole)


def locate(places: Iterable[Place]) -> dict[Place, Location]:
    """The locations of many places, with one walk for each file. Places whose node cannot be found are left out."""
    by_source: dict[int, list[NodePlace]] = defaultdict(list)
    found: dict[Place, Location] = {}
    for place in places:
        if isinstance(place, NodePlace):
            by_source[id(place.source)].append(place)
        else:
            found[place] = place.locate()
    for group in by_source.values():
        locations = group[0].source.locate([place.node for place in group])
        for place in group:
            location = locations.get(id(place.node))
            if location is not None:
                found[place] = location
    return found
