"""Which file does an import mean?

    from models.net import Net     in /p/scripts/train.py
    -> /p/scripts/models/net.py, else /p/models/net.py, else /p/src/models/net.py, else the only */models/net.py of the project

Programs reach their own modules by many roads: the script's folder, the project's root, `src/`, an installed package, a changed
sys.path. All of them are covered by looking in every folder from the importing file upward, then for a unique match in the project.
"""

from __future__ import annotations

import posixpath
import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol


class FileTree(Protocol):
    """What import resolution asks of the disk."""

    def is_file(self, path: str) -> bool: ...

    def is_dir(self, path: str) -> bool: ...

    def listdir(self, path: str) -> Sequence[str]: ...


class Resolver:
    """Finds project files by dotted names. `files`: all files of the project that are known; `roots`: its top folders."""

    def __init__(self, tree: FileTree, roots: Sequence[str], files: Sequence[str]) -> None:
        self._tree = tree
        self._roots = tuple(roots)
        self._by_tail: dict[str, list[str]] = defaultdict(list)
        self._inside: dict[str, list[str]] = defaultdict(list)
        for path in files:
            if path.endswith(".py"):
                tail = posixpath.basename(posixpath.dirname(path)) if path.endswith("/__init__.py") else posixpath.basename(path)[:-3]
                self._by_tail[tail].append(path)
                if not path.endswith("/__init__.py"):
                    self._inside[posixpath.dirname(path)].append(tail)
        self._folders: dict[str, tuple[str, ...]] = {}
        self._found: dict[tuple[str, str], str | None] = {}

    def find(self, dotted: str, importer: str) -> str | None:
        """The file (or the folder of a namespace package) that `import dotted` in `importer` means; None outside the project."""
        folder = posixpath.dirname(importer)
        key = (dotted, folder)
        if key not in self._found:
            self._found[key] = self._search(dotted, folder)
        return self._found[key]

    def relative(self, dotted: str, dots: int, importer: str) -> str | None:
        """What `from ..dotted import` means."""
        folder = posixpath.dirname(importer)
        for _ in range(dots - 1):
            folder = posixpath.dirname(folder)
        return self._in(folder, dotted) if dotted else (self._package(folder) or (folder if self._tree.is_dir(folder) else None))

    def child(self, package: str, name: str) -> str | None:
        """The sub-module `name` of a package, given the package's __init__.py or its folder."""
        folder = posixpath.dirname(package) if package.endswith("/__init__.py") else package
        return None if folder.endswith(".py") else self._in(folder, name)

    def children(self, package: str) -> list[str]:
        """The names of the known files right inside a package, given as in `child`."""
        folder = posixpath.dirname(package) if package.endswith("/__init__.py") else package
        return self._inside.get(folder, [])

    def _search(self, dotted: str, folder: str) -> str | None:
        top = dotted.partition(".")[0]
        if top in sys.stdlib_module_names:  # a file beside the script hides the standard library, one further up does not
            return self._in(folder, dotted) if not self._package(folder) else None
        namespace = None
        for base in self.upward(folder):
            if not (folder + "/").startswith(f"{base}/{top}/") and self._holds_installed(base):
                continue  # the other packages there are libraries, as they are from anywhere else
            for place in (base, base + "/src"):
                found = self._in(place, dotted)
                if found and found.endswith(".py"):
                    return found
                namespace = namespace or found
        return namespace or self._by_suffix(dotted)

    def _holds_installed(self, folder: str) -> bool:
        """Whether packages are installed in a folder: pip writes down there what it has installed."""
        return any(name.endswith(".dist-info") for name in self._tree.listdir(folder))

    def upward(self, folder: str) -> tuple[str, ...]:
        """The folder and those above it, up to the top folders and out of packages."""
        if folder not in self._folders:
            chain = [folder]
            here = folder
            while here not in ("/", "") and (
                any(here != root and here.startswith(root.rstrip("/") + "/") for root in self._roots) or self._package(here)
            ):
                here = posixpath.dirname(here)
                chain.append(here)
            self._folders[folder] = tuple(chain)
        return self._folders[folder]

    def _package(self, folder: str) -> str | None:
        path = folder + "/__init__.py"
        return path if self._tree.is_file(path) else None

    def _in(self, folder: str, dotted: str) -> str | None:
        path = folder + "/" + dotted.replace(".", "/")
        if self._tree.is_file(path + ".py"):
            return path + ".py"
        return self._package(path) or (path if self._tree.is_dir(path) else None)

    def _by_suffix(self, dotted: str) -> str | None:
        tail = "/" + dotted.replace(".", "/")
        hits = [path for path in self._by_tail.get(dotted.rpartition(".")[2], ()) if path.endswith((tail + ".py", tail + "/__init__.py"))]
        return hits[0] if len(hits) == 1 and not self._holds_installed(hits[0][: hits[0].rindex(tail)]) else None
