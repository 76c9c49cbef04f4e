"""What stands in the files that a program reads its settings from?

    with open(args.config) as stream:           # --config, default "configs/small.yaml"
        config = yaml.safe_load(stream)
    model = MODELS[config["model"]]()           # the model that configs/small.yaml names

A path that the command line gives is its default, or another file of the same kind beside it. Where there is no default, it is one of the YAML files
that lie around the script, as long as these are few.
"""

from __future__ import annotations

import json
import posixpath
from collections import abc
from collections.abc import Callable, Hashable
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import libcst as cst

from torchlint.flow.arguments import Arguments
from torchlint.flow.choices import choose
from torchlint.flow.decisions import joined
from torchlint.flow.store import ABSENT
from torchlint.flow.values import ApiObject, Builtin, Const, Mapping, Partial, Sequence, Unknown, Value

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope

LARGEST_FILE = 200_000
DEEPEST = 16
MOST_OFFERED = 6
"""How many files a path may stand for; of more, only the default is looked at."""
YAML = (".yaml", ".yml")
OPENED = "io.TextIOWrapper"
PATH = "#path"
"""The attribute of an opened file that holds the path it was opened by."""


def opened(path: Value | None) -> Value:
    """open(path): the file, of which nothing but the path is known."""
    file = ApiObject(OPENED, None, {})
    file.attributes[PATH] = path or Unknown()
    file.attributes["read"] = Partial(Builtin("#identity"), (file,), {})
    return file


def joined_path(parts: abc.Sequence[Value]) -> Value:
    """os.path.join(*parts): known as far as its beginning or its end is."""
    names = [each.value if isinstance(each, Const) and isinstance(each.value, str) else None for each in parts]
    begin = [name for name in takewhile(lambda each: each is not None, names) if name]
    end = [name for name in takewhile(lambda each: each is not None, reversed(names)) if name][::-1]
    if None not in names:
        return Const(posixpath.join("", *begin))
    if end:
        return Unknown(("below", None, posixpath.join(*end)))
    last = parts[-1]
    return Unknown(("joined", posixpath.join("", *begin, ""), last.symbol, "")) if isinstance(last, Unknown) and names.count(None) == 1 else Unknown()


def read_data(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """yaml.safe_load(stream), json.load(stream)"""
    stream = arguments.first()
    if not isinstance(stream, ApiObject) or stream.name != OPENED:
        return Unknown()
    path: Value = stream.attributes[PATH]
    return machine.project_value(path, lambda each: chosen(machine, each, scope, as_value))


def chosen(machine: Machine, path: Value, scope: Scope, make: Callable[[dict[str, Any]], Value]) -> Value:
    """What `make` makes of the contents of the file that a path means, or of each file that it may mean."""
    if isinstance(path, Const) and isinstance(path.value, str):
        found = _read(machine, _find(machine, path.value, scope))
        return make(found) if found else Unknown()
    symbol = path.symbol if isinstance(path, Unknown) else None
    if isinstance(symbol, tuple) and len(symbol) == 3 and symbol[0] == "below" and isinstance(symbol[2], str):
        return chosen(machine, Const(symbol[2]), scope, make)
    if symbol is None:
        return Unknown()
    subject, files, default = _offered(machine, symbol, scope)
    if len(files) > MOST_OFFERED:
        files = {default: files[default]} if default in files else {}
    values = {name: make(found) for name, file in files.items() if (found := _read(machine, file))}
    if len(values) == 1:
        return next(iter(values.values()))
    return choose(values, subject)


def _offered(machine: Machine, symbol: Hashable, scope: Scope) -> tuple[Hashable, dict[Hashable, str], Hashable]:
    """The unknown that says which file is read, the files by what it then is, and its default."""
    before, subject, after = joined(symbol) or ("", symbol, "")
    default = machine.defaults.get(subject, ABSENT)
    if isinstance(default, str):
        return subject, _matching(_beside(machine, before + default + after, scope), before, after), default
    for folder in machine.project.upward(scope.module.directory):
        found = _matching({posixpath.relpath(each, folder): each for each in _around(machine, folder)}, before, after)
        if found:
            return subject, found, default
    return subject, {}, default


def _matching(files: dict[str, str], before: str, after: str) -> dict[Hashable, str]:
    """The files whose names begin and end like this, by what stands between."""
    fitting = {name: file for name, file in files.items() if name.startswith(before) and name.endswith(after)}
    return {name.removeprefix(before).removesuffix(after): file for name, file in fitting.items()}


def _beside(machine: Machine, name: str, scope: Scope) -> dict[str, str]:
    """The file of a relative path, and those of its kind in the same folder, by their relative paths."""
    file = _find(machine, name, scope)
    if file is None:
        return {}
    folder, ending = posixpath.dirname(file), posixpath.splitext(file)[1]
    names = [each for each in machine.project.listed(folder) if each.endswith(ending)]
    return {posixpath.join(posixpath.dirname(name), each): posixpath.join(folder, each) for each in names}


def _around(machine: Machine, folder: str, depth: int = 2) -> list[str]:
    """The YAML files in a folder and in those inside it."""
    found: list[str] = []
    for name in machine.project.listed(folder):
        path = posixpath.join(folder, name)
        if name.endswith(YAML) and not name.startswith("."):
            found.append(path)
        elif depth and not name.startswith(".") and "." not in name and machine.project.is_dir(path):
            found += _around(machine, path, depth - 1)
    return found


def _find(machine: Machine, name: str, scope: Scope) -> str | None:
    """The file of a relative path: programs are started in the script's folder or in one above it."""
    folders = machine.project.upward(scope.module.directory) if not posixpath.isabs(name) else ()
    paths = (posixpath.normpath(posixpath.join(folder, name)) for folder in folders)
    return next((path for path in paths if machine.project.is_file(path)), None)


def _read(machine: Machine, path: str | None) -> dict[str, Any]:
    """A file as a dict, parsed once however often the program comes by."""
    if path is None:
        return {}
    if path not in machine.project.settings:
        machine.project.settings[path] = parsed(machine.project.read(path), path)
    return machine.project.settings[path]


def parsed(data: bytes | None, path: str) -> dict[str, Any]:
    """The contents of a YAML or JSON file as a dict; empty where there is none, or something else is in it."""
    import yaml  # type: ignore[import-untyped]

    if data is None or len(data) > LARGEST_FILE:
        return {}
    try:
        found = json.loads(data) if path.endswith(".json") else yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return {key: value for key, value in found.items() if isinstance(key, str)} if isinstance(found, dict) else {}


def as_value(entry: Any, depth: int = 0) -> Value:
    """What stands in a file, as a value of the flow."""
    if depth > DEEPEST:
        return Unknown()
    if isinstance(entry, dict):
        return Mapping({key: as_value(each, depth + 1) for key, each in entry.items()})
    if isinstance(entry, list):
        return Sequence([as_value(each, depth + 1) for each in entry], True)
    return Const(entry) if isinstance(entry, (str, int, float, bool, type(None))) else Unknown()
