"""Which files are worth parsing?

Parsing costs some 1.5 s a megabyte, a byte search 1 ms. A file is looked at when it names a loss or a softmax, or registers hooks or works
in place, or when it imports (by whatever way) a file that does: only there can a finding begin, end or be tied together.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from torchlint.flow.imports import Resolver

IMPORT = re.compile(rb"(?:^|[\n\";])[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]+([^\n#]*)|import[ \t]+([\w][\w., \t]*))")
ALIAS = re.compile(rb"\b([A-Za-z_]\w*)[ \t]+as[ \t]+([A-Za-z_]\w*)")
CLASS = re.compile(rb"\bclass[ \t]+([A-Za-z_]\w*)")
NAME = re.compile(rb"[A-Za-z_]\w*")
OTHER_TOKENS = (
    b"inplace=True", b"(True)", b"register_forward_hook", b"register_full_backward_hook", b"relu_(", b"Sequential(",
    b"sigmoid", b"torchvision", b"reveal_kind", b"> 0.5", b">= 0.5", b">0.5", b">=0.5", b".round(",
)  # fmt: skip
"""What rules on memory, construction, logarithms and thresholds need to see beside losses."""
LATE = (b"import_module(", b"instantiate(")
"""Files that tie together what no import shows: a main that builds everything from its configuration may not even name torch."""


def has_token(data: bytes, tokens: Iterable[bytes]) -> bool:
    """Whether a file names torch and anything of interest."""
    if any(token in data for token in LATE):
        return True
    return b"torch" in data and (any(token in data for token in tokens) or any(token in data for token in OTHER_TOKENS))


def imports_of(data: bytes, path: str, resolver: Resolver) -> set[str]:
    """The project files that a file imports, as far as a byte scan can tell."""
    found: set[str] = set()
    for match in IMPORT.finditer(data):
        source, items, plain = match.groups()
        if plain is not None:
            for each in plain.split(b","):
                name = each.split()[0].decode("ascii", "replace") if each.split() else ""
                hit = resolver.find(name, path) if name else None
                if hit:
                    found.add(hit)
            continue
        dotted = source.decode("ascii", "replace")
        dots = len(dotted) - len(dotted.lstrip("."))
        module = dotted.lstrip(".")
        hit = resolver.relative(module, dots, path) if dots else resolver.find(module, path)
        if hit is None:
            continue
        found.add(hit)
        if not hit.endswith(".py") or hit.endswith("/__init__.py"):
            for item in NAME.findall(items)[:40]:
                child = resolver.child(hit, item.decode("ascii", "replace"))
                if child is not None:
                    found.add(child)
    return found


def networks_in(contents: Iterable[bytes]) -> frozenset[str]:
    """The names of all classes in files that define a `forward`, among which all networks are, and what they are called where they are imported."""
    files = list(contents)
    names = {name for data in files if b"def forward" in data for name in CLASS.findall(data)}
    names |= {other for data in files for name, other in ALIAS.findall(data) if name in names}
    return frozenset(name.decode("ascii") for name in names)


def relevant(contents: dict[str, bytes], tokens: Sequence[bytes], resolver: Resolver) -> list[str]:
    """The files to look at, in the given order: those with a token, and all that import one of them directly or through others."""
    chosen = {path for path, data in contents.items() if has_token(data, tokens)}
    if not chosen:
        return []
    importers: dict[str, set[str]] = defaultdict(set)
    for path, data in contents.items():
        for imported in imports_of(data, path, resolver):
            importers[imported].add(path)
    waiting = list(chosen)
    while waiting:
        for importer in importers[waiting.pop()]:
            if importer not in chosen:
                chosen.add(importer)
                waiting.append(importer)
    return [path for path in contents if path in chosen]
