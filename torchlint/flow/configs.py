"""What do YAML files say that a program builds its objects from?

    # conf/config.yaml          # conf/model/net.yaml
    defaults:                   _target_: models.Net
      - model: net              classes: 10

    @hydra.main(config_path="conf", config_name="config")
    def main(cfg):
        net = hydra.utils.instantiate(cfg.model)     # models.Net(classes=10)

The files are read as they lie in the project; single values that the command line may change are taken as they stand there. Of a group of files
(conf/model/*.yaml) the user chooses one: the others are alternatives, the one in the `defaults` list is what nobody's choice leads to.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import libcst as cst

from torchlint.flow.arguments import Arguments
from torchlint.flow.attributes import get_attribute
from torchlint.flow.choices import choose
from torchlint.flow.data_files import YAML, chosen, parsed
from torchlint.flow.values import NAMESPACE, Api, ApiObject, Const, Import, Mapping, Partial, Sequence, Unknown, Value

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope

CONFIG = "#config"
"""The attribute of a decorator that holds the configuration which the decorated function gets."""
DEEPEST = 8
MOST_OFFERED = 12
OLD_TARGETS = ("target", "cls", "class")
"""How Hydra called `_target_` before 1.0; the arguments then stood under `params`."""
REFERENCE = re.compile(r"\$\{([\w.]+)\}")
GROUP = re.compile(r"(?:override\s+)?/?(?P<group>[\w/]+)(?:@(?P<package>[\w.]+))?")


def hydra_main(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """@hydra.main(config_path=..., config_name=...)"""
    decorator = ApiObject("hydra.main", None, {})
    path, name = arguments.get(0, "config_path"), arguments.get(1, "config_name")
    if name is None and isinstance(path, Const) and isinstance(path.value, str) and path.value.endswith(YAML):
        path, name = (Const(part) for part in posixpath.split(path.value))  # as Hydra had it before 1.0
    folder = _folder(machine, path, scope)
    if folder is not None and isinstance(name, Const) and isinstance(name.value, str):
        found = _composed(machine, folder, name.value, 0)
        if found:
            decorator.attributes[CONFIG] = _value(found, found, 0)
    return decorator


def load_yaml(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """OmegaConf.load("config.yaml")"""
    path = arguments.first() or Unknown()
    return machine.project_value(path, lambda each: chosen(machine, each, scope, lambda found: _value(found, found, 0)))


def instantiate(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """hydra.utils.instantiate(cfg, *args, **kwargs)"""
    config = arguments.get(0, "config")
    return machine.lift(config, lambda each: _instance(machine, each, arguments, node, scope, 0)) if config is not None else Unknown()


def _instance(machine: Machine, config: Value | None, given: Arguments, node: cst.CSTNode, scope: Scope, depth: int) -> Value:
    """The object that a configuration describes, with what it describes inside built first."""
    from torchlint.flow.calls import call  # mutual recursion: calls leads here

    entries = _entries(config)
    old = next((word for word in OLD_TARGETS if "_target_" not in entries and word in entries), None)
    if old is not None:
        entries = {"_target_": entries[old], **_entries(entries.get("params"))}
    target = entries.get("_target_")
    if not isinstance(target, Const) or not isinstance(target.value, str) or depth > DEEPEST:
        return config if config is not None and depth else Unknown()
    deep = not _is(entries.get("_recursive_"), False)
    keywords = {key: _inside(machine, each, node, scope, depth) if deep else each for key, each in entries.items() if not key.startswith("_")}
    keywords.update({key: each for key, each in given.keywords.items() if key != "config"})
    callee = named(machine, target.value, scope)
    if _is(entries.get("_partial_"), True):
        return Partial(callee, tuple(given.positional[1:]), keywords)
    return call(machine, callee, Arguments(list(given.positional[1:]), keywords, given.open), node, scope)


def _inside(machine: Machine, value: Value, node: cst.CSTNode, scope: Scope, depth: int) -> Value:
    if isinstance(value, Sequence):
        return Sequence([_inside(machine, item, node, scope, depth + 1) for item in value.items], value.mutable, value.open)
    return _instance(machine, value, Arguments(), node, scope, depth + 1) if _entries(value) else value


def _entries(config: Value | None) -> dict[str, Value]:
    contents = config.attributes if isinstance(config, ApiObject) else config.entries if isinstance(config, Mapping) else {}
    return {key: value for key, value in contents.items() if isinstance(key, str)}


def _is(value: Value | None, wanted: bool) -> bool:
    return isinstance(value, Const) and value.value is wanted


def named(machine: Machine, dotted: str, scope: Scope) -> Value:
    """What a dotted name means: a class or function of the project or a library, or a method of a class."""
    module, _, item = dotted.rpartition(".")
    found = machine.project.resolve(machine, Import(module, 0, item, scope.module.path)) if module else Unknown()
    outer, _, cls = module.rpartition(".")
    if isinstance(found, (Unknown, Api)) and outer and cls[:1].isupper():
        owner = machine.project.resolve(machine, Import(outer, 0, cls, scope.module.path))
        return get_attribute(machine, owner, item)
    return found


# --- files -----------------------------------------------------------------------------------------------------------------


def _folder(machine: Machine, given: Value | None, scope: Scope) -> str | None:
    """The folder of the configuration: relative to the file, or of that name somewhere above it."""
    symbol = given.symbol if isinstance(given, Unknown) else None
    last = symbol[2] if isinstance(symbol, tuple) and len(symbol) == 3 and symbol[0] == "below" else None
    name = given.value if isinstance(given, Const) else last
    if not isinstance(name, str):
        return None
    folders = machine.project.upward(scope.module.directory) if last is not None else (scope.module.directory,)
    paths = (posixpath.normpath(posixpath.join(folder, name)) for folder in folders)
    return next((path for path in paths if machine.project.is_dir(path)), None)


def _read(machine: Machine, path: str) -> dict[str, Any]:
    """A YAML file of Hydra, with a mark where its entries belong to the top."""
    data = machine.project.read(path)
    found = parsed(data, path)
    if found and data is not None and b"@package _global_" in data[:300]:
        found["#global"] = True
    return found


def _composed(machine: Machine, folder: str, name: str, depth: int) -> dict[str, Any]:
    """A configuration with the files of its `defaults` list put in."""
    own = _read(machine, posixpath.join(folder, name if name.endswith(YAML) else name + ".yaml"))
    defaults = own.pop("defaults", [])
    result: dict[str, Any] = {}
    for entry in defaults if isinstance(defaults, list) and depth < DEEPEST else ():
        if isinstance(entry, str) and entry != "_self_":
            _merge(result, _composed(machine, folder, entry, depth + 1))
        for key, value in entry.items() if isinstance(entry, dict) else ():
            _put_group(machine, result, folder, str(key), value, depth)
    _merge(result, own)
    return result


def _put_group(machine: Machine, result: dict[str, Any], folder: str, key: str, chosen: object, depth: int) -> None:
    match = GROUP.fullmatch(key)
    if match is None or not isinstance(chosen, str):
        return
    inside = posixpath.join(folder, match["group"])
    found = _composed(machine, inside, chosen, depth + 1)
    package = match["package"] or match["group"].replace("/", ".")
    if found.pop("#global", False) or package == "_global_":
        _merge(result, found)
        return
    *outer, last = package.split(".")
    place = result
    for part in outer:
        inner = place.setdefault(part, {})
        place = inner if isinstance(inner, dict) else place
    _merge(place, {last: _offered(machine, inside, chosen, found, depth)})


@dataclass(slots=True)
class _Offer:
    """The files of a group, of which the user chooses one by name."""

    subject: Hashable
    default: str
    files: dict[str, dict[str, Any]]


def _offered(machine: Machine, folder: str, chosen: str, found: dict[str, Any], depth: int) -> dict[str, Any] | _Offer:
    """The chosen file of a group; with the others that name a target too, where there are a few."""
    names = [name.rpartition(".")[0] for name in machine.project.listed(folder) if name.endswith(YAML)]
    if depth or "_target_" not in found or not 1 < len(names) <= MOST_OFFERED:
        return found
    files = {chosen: found}
    for name in names:
        other = _composed(machine, folder, name, depth + 1) if name != chosen else {}
        if "_target_" in other:
            files[name] = other
    subject = ("group", folder)
    machine.defaults[subject] = chosen
    return _Offer(subject, chosen, files) if len(files) > 1 else found


def _merge(into: dict[str, Any], more: dict[str, Any]) -> None:
    for key, value in more.items():
        old = into.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            _merge(old, value)
        elif isinstance(old, _Offer) and isinstance(value, dict):
            for each in old.files.values():
                _merge(each, value)
        else:
            into[key] = value


def _value(entry: Any, root: dict[str, Any], depth: int) -> Value:
    """What stands in a file, as a value of the flow: dicts become objects whose attributes are the entries."""
    if depth > 2 * DEEPEST:
        return Unknown()
    if isinstance(entry, _Offer):
        return choose({name: _value(each, root, depth + 1) for name, each in entry.files.items()}, entry.subject)
    if isinstance(entry, dict):
        made = ApiObject(NAMESPACE, None, {})
        made.attributes.update({key: _value(each, root, depth + 1) for key, each in entry.items() if isinstance(key, str) and key[:1] != "#"})
        return made
    if isinstance(entry, list):
        return Sequence([_value(each, root, depth + 1) for each in entry], True)
    if isinstance(entry, str) and "${" in entry:
        return _reference(entry, root, depth)
    return Const(entry) if isinstance(entry, (str, int, float, bool, type(None))) else Unknown()


def _reference(text: str, root: dict[str, Any], depth: int) -> Value:
    """${model.classes}: what stands there."""
    match = REFERENCE.fullmatch(text)
    place: Any = root
    for part in match[1].split(".") if match is not None else ():
        place = place.files[place.default] if isinstance(place, _Offer) else place
        place = place.get(part) if isinstance(place, dict) else None
    return _value(place, root, depth + 1) if match is not None and place is not None else Unknown()
