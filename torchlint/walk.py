"""Which files are to be checked, and from which folders are imports resolved?

    walk(["src", "notebooks/a.ipynb"], settings)
    # files: /p/notebooks/a.ipynb, /p/src/net.py, /p/src/train.py   roots: /p/src, /p/notebooks, /p (it has a pyproject.toml)

A folder is walked in a fixed order. What .gitignore files (nested ones, negations, `.git/info/exclude`) or the exclude patterns name is left
out, and so is any virtual environment. A file or folder that the user names is always taken. Symbolic links to folders are not followed, as
git does not follow them: a link to a data set would otherwise be walked too. A link to a file counts once, with the file it leads to.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from torchlint.config import Settings

SUFFIXES = (".py", ".ipynb")
PROJECT_MARKS = ("pyproject.toml", "setup.py", "setup.cfg", ".git", ".hg")


@dataclass(slots=True)
class Walked:
    """files: absolute, sorted. roots: absolute, those given first. missing, unreadable: (path as given or found, what is wrong)."""

    files: list[str] = field(default_factory=list)
    roots: list[str] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)


def walk(paths: Sequence[str], settings: Settings, force_exclude: bool = False) -> Walked:
    """The files below `paths` that are to be checked. `force_exclude`: the exclude patterns hold for the named paths too."""
    walker = _Walker(settings)
    result = walker.result
    for path in paths:
        absolute = os.path.abspath(path)
        problem = _problem(absolute)
        if problem:
            result.missing.append((path, problem))
            continue
        is_folder = os.path.isdir(absolute)
        _add(result.roots, absolute if is_folder else os.path.dirname(absolute))
        if force_exclude and walker.excluded_itself(absolute, is_folder):
            continue
        if is_folder:
            walker.folder(absolute)
        else:
            walker.found[absolute] = True
    result.roots = import_roots(result.roots)
    result.files = sorted(_each_once(walker.found))
    return result


def import_roots(folders: Sequence[str]) -> list[str]:
    """Where imports may begin: the folders themselves, the folders around the packages that they belong to, and the tops of their projects."""
    roots = list(dict.fromkeys(folders))
    for find in (package_parent, project_root):
        for folder in folders:
            _add(roots, find(folder))
    return roots


def package_parent(folder: str) -> str:
    """The folder around the outermost package that `folder` is in; `folder` itself where it is no package."""
    while os.path.isfile(os.path.join(folder, "__init__.py")) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    return folder


def project_root(folder: str) -> str:
    """The nearest folder, from `folder` upward, that looks like the top of a project.

    Where there is none: the working directory if `folder` lies in it, else `folder` itself.
    """
    current = folder
    while True:
        if any(os.path.exists(os.path.join(current, mark)) for mark in PROJECT_MARKS):
            return current
        parent = os.path.dirname(current)
        if parent == current:
            return os.getcwd() if _inside(folder, os.getcwd()) else folder
        current = parent


def _add(items: list[str], item: str) -> None:
    if item not in items:
        items.append(item)


def _problem(path: str) -> str:
    """What is wrong with a path of the command line; empty where nothing is."""
    if not os.path.exists(path):
        return "a broken symbolic link" if os.path.islink(path) else "no such file or folder"
    if not os.path.isdir(path) and not os.path.isfile(path):
        return "neither a file nor a folder (to check standard input, give `-`)"
    return ""


def _each_once(found: dict[str, bool]) -> Iterable[str]:
    """Drop links to files that are there anyway, and all but the first of several links to one file."""
    links = [path for path in found if os.path.islink(path)]
    real = {os.path.realpath(path) for path in found.keys() - set(links)}
    yield from found.keys() - set(links)
    for path in sorted(links):
        target = os.path.realpath(path)
        if target not in real:
            real.add(target)
            yield path


class _Walker:
    """Collects the files below one folder after the other."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.result = Walked()
        self.found: dict[str, bool] = {}
        self.seen: set[str] = set()
        self.base = settings.base or os.getcwd()
        self.exclude = _spec((*settings.exclude, *settings.extend_exclude))

    def folder(self, top: str) -> None:
        """Add what is to be checked below `top`."""
        ignores = _ignores_above(top) if self.settings.respect_gitignore else []
        base = self._base_for(top)
        stack = [(top, ignores)]
        while stack:
            folder, inherited = stack.pop()
            real = os.path.realpath(folder)
            if real in self.seen:
                continue
            self.seen.add(real)
            entries = self._entries(folder)
            names = {entry.name for entry in entries}
            if "pyvenv.cfg" in names and folder != top:
                continue
            own = _read_ignore(folder, ".gitignore") if ".gitignore" in names and self.settings.respect_gitignore else None
            current = [*inherited, own] if own else inherited
            stack.extend((entry.path, current) for entry in self._files_and_folders(entries, base, current))

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as found:
                return sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            self.result.unreadable.append((folder, f"the folder cannot be listed: {error.strerror or error}"))
            return []

    def _files_and_folders(self, entries: Iterable[os.DirEntry[str]], base: str, ignores: list[_Ignores]) -> Iterable[os.DirEntry[str]]:
        """Record the files to check among the entries of one folder; yield the folders to go on with."""
        for entry in entries:
            try:
                is_folder = entry.is_dir(follow_symlinks=False)
                wanted = is_folder or (entry.name.endswith(SUFFIXES) and entry.is_file())
            except OSError:  # a link that leads round in a circle
                continue
            if wanted and not self._matches(entry.path, base, is_folder) and not _ignored(entry.path, ignores, is_folder):
                if is_folder:
                    yield entry
                else:
                    self.found[entry.path] = True

    def _base_for(self, top: str) -> str:
        """Patterns are relative to the settings file; below a folder that was named in spite of them, relative to that folder."""
        return self.base if _inside(top, self.base) and not self._matches(top, self.base, True) else top

    def excluded_itself(self, path: str, is_folder: bool) -> bool:
        """Whether a pattern names this path or a folder above it."""
        return _inside(path, self.base) and self._matches(path, self.base, is_folder)

    def _matches(self, path: str, base: str, is_folder: bool) -> bool:
        return path != base and bool(self.exclude.match_file(_relative(path, base, is_folder)))


@dataclass(frozen=True, slots=True)
class _Ignores:
    """The patterns of one .gitignore and the folder they are relative to."""

    base: str
    spec: Any


def _spec(lines: Iterable[str]) -> Any:
    import pathspec

    return pathspec.GitIgnoreSpec.from_lines(lines)


def _read_ignore(folder: str, name: str, base: str | None = None) -> _Ignores | None:
    """The patterns of one file; None where there are none. Lines that git would not understand are passed over, as git does."""
    try:
        with open(os.path.join(folder, name), encoding="utf-8", errors="surrogateescape") as stream:
            lines = stream.read().split("\n")
    except OSError:
        return None
    good = [line for line in lines if line.strip() and not line.startswith("#") and _is_pattern(line)]
    return _Ignores(base or folder, _spec(good)) if good else None


def _is_pattern(line: str) -> bool:
    try:
        _spec([line])
    except ValueError:
        return False
    return True


def _ignores_above(top: str) -> list[_Ignores]:
    """What the repository around `top` ignores, outermost first; nothing where there is no repository.

    Patterns that name `top` itself, or a folder around it, are left out: the user asked for this folder.
    """
    folders = []
    current = top
    while not os.path.exists(os.path.join(current, ".git")):
        parent = os.path.dirname(current)
        if parent == current:
            return []
        current = parent
        folders.append(current)
    repository = current
    found = [_read_ignore(repository, ".git/info/exclude", base=repository)]
    found += [_read_ignore(folder, ".gitignore") for folder in reversed(folders)]
    return [ignores for ignores in found if ignores and (top == ignores.base or not ignores.spec.match_file(_relative(top, ignores.base, True)))]


def _ignored(path: str, ignores: Sequence[_Ignores], is_folder: bool) -> bool:
    """What git decides: the innermost file that has a say, and in it the last pattern that matches."""
    for level in reversed(ignores):
        include = level.spec.check_file(_relative(path, level.base, is_folder)).include
        if include is not None:
            return bool(include)
    return False


def _relative(path: str, base: str, is_folder: bool) -> str:
    relative = path[len(base) :].lstrip(os.sep).replace(os.sep, "/")
    return relative + "/" if is_folder else relative


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
