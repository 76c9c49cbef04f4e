"""Which rules run on which files, and what does the user say about own functions?

Settings come from the nearest `torchlint.toml` or `pyproject.toml` (table `[tool.torchlint]`), looking upward from the first path:

    [tool.torchlint]
    select = ["TL1", "TL201"]                  # codes, prefixes or names; instead of the default rules
    ignore = ["relu-before-cross-entropy"]
    extend-exclude = ["third_party/"]
    per-file-ignores = { "tests/*" = ["TL6"] }

    [[tool.torchlint.call]]                    # contracts for own functions, see torchlint/contracts/schema.py
    name = "mylib.losses.soft_ce"
    like = "torch.nn.functional.cross_entropy"

Options of the command line come on top (`override`). Whatever is not understood is refused with the file, the key and a guess at what was meant.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

import msgspec

from torchlint.errors import ConfigError
from torchlint.model import Rule
from torchlint.spelling import did_you_mean

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FailOn = Literal["error", "warning", "info", "never"]
FORMATS = ("full", "concise", "json", "sarif")
NAMES = ("torchlint.toml", "pyproject.toml")
UNREADABLE = "TL902"  # that a file was not checked must be said whatever is selected; only an explicit ignore silences it

DEFAULT_EXCLUDE = (
    ".git/",
    ".hg/",
    ".svn/",
    ".venv/",
    "venv/",
    "node_modules/",
    "__pycache__/",
    "__pypackages__/",
    ".tox/",
    ".nox/",
    ".mypy_cache/",
    ".ruff_cache/",
    ".pytest_cache/",
    ".eggs/",
    "*.egg-info/",
    "build/",
    "dist/",
    "site-packages/",
    ".ipynb_checkpoints/",
)


@dataclass(frozen=True, slots=True)
class Output:
    """One report: in which format, and to which file (None: standard output)."""

    format: str = "full"
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that decides what is reported.

    select, extend_select, ignore   codes ("TL101"), prefixes ("TL1"), names ("softmax-before-cross-entropy") or "ALL"; select None: the default rules
    exclude, extend_exclude         patterns as in .gitignore, relative to `base`
    calls, modules                  the user's contract tables as TOML gave them
    per_file_ignores                pattern -> selectors
    base                            the folder that patterns are relative to
    file                            where the settings were read, None for the defaults
    """

    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = DEFAULT_EXCLUDE
    extend_exclude: tuple[str, ...] = ()
    show_possible: bool = False
    fail_on: FailOn = "warning"
    outputs: tuple[Output, ...] = (Output(),)
    respect_gitignore: bool = True
    calls: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    modules: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    base: str = ""
    file: str | None = None

    def enabled(self, rule: Rule) -> bool:
        """Whether a rule is on. The longest selector that names it decides; between equals, ignore does."""
        return _enabled(rule, self.select, self.extend_select, self.ignore)

    def ignored_in(self, path: str, code: str, name: str) -> bool:
        """Whether `per-file-ignores` silences a rule in the file at this absolute path."""
        return any(_strength(code, name, selectors) and _matches(pattern, self.base, path) for pattern, selectors in self.per_file_ignores)


@cache
def _enabled(rule: Rule, select: tuple[str, ...] | None, extend: tuple[str, ...], ignore: tuple[str, ...]) -> bool:
    off = _strength(rule.code, rule.name, ignore)
    on = max(_strength(rule.code, rule.name, select or ()), _strength(rule.code, rule.name, extend))
    if rule.code == UNREADABLE or (select is None and rule.default):
        on = max(on, 0.5)  # weaker than every selector
    return on > off


def _strength(code: str, name: str, selectors: Iterable[str]) -> float:
    """How precisely the selectors name a rule: 0 not at all, 1 for ALL, else the length of the part of the code that is given."""
    best = 0.0
    for selector in selectors:
        if selector == name:
            best = max(best, len(code))
        elif selector == "ALL":
            best = max(best, 1)
        elif code.startswith(selector):
            best = max(best, len(selector))
    return best


@cache
def _pattern(pattern: str) -> Any:
    import pathspec

    return pathspec.GitIgnoreSpec.from_lines([pattern])


def _matches(pattern: str, base: str, path: str) -> bool:
    relative = os.path.relpath(path, base) if base else path
    if relative.startswith(".."):
        return False
    return bool(_pattern(pattern).match_file(relative.replace(os.sep, "/")))


class _Table(msgspec.Struct, rename="kebab", kw_only=True, forbid_unknown_fields=True):
    """`[tool.torchlint]` as written. Each field is an option; the name of a field is the key in kebab case."""

    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] | None = None
    extend_exclude: tuple[str, ...] = ()
    show_possible: bool = False
    fail_on: FailOn = "warning"
    output_format: str | tuple[str, ...] = "full"
    respect_gitignore: bool = True
    per_file_ignores: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    call: tuple[dict[str, Any], ...] = ()
    module: tuple[dict[str, Any], ...] = ()


def load(start: str, file: str | None = None, isolated: bool = False) -> Settings:
    """The settings that hold for `start`: from `file` where one is named, else from the nearest settings file, else the defaults."""
    if isolated:
        return Settings(base=os.path.abspath(os.getcwd()))
    if file is not None:
        table = _table_in(file, required=True)
        return _settings(table or {}, file)
    for candidate in _candidates(os.path.abspath(start)):
        found = _table_in(candidate, required=False)
        if found is not None:
            return _settings(found, candidate)
    return Settings(base=os.path.abspath(os.getcwd()))


def _candidates(start: str) -> Iterable[str]:
    folder = start if os.path.isdir(start) else os.path.dirname(start)
    while True:
        for name in NAMES:
            candidate = os.path.join(folder, name)
            if os.path.isfile(candidate):
                yield candidate
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent


def _table_in(file: str, required: bool) -> dict[str, Any] | None:
    """The raw table of a settings file; None where a pyproject.toml says nothing of torchlint."""
    data = _read_toml(file)
    if os.path.basename(file) != "pyproject.toml" and "tool" not in data:
        return data
    tool = data.get("tool", {})
    if not isinstance(tool, dict) or (not required and "torchlint" not in tool):
        return None
    if "torchlint" not in tool:
        raise ConfigError(f"{_shown(file)}: there is no [tool.torchlint] table in this file")
    table = tool["torchlint"]
    if not isinstance(table, dict):
        raise ConfigError(f"{_shown(file)}: [tool.torchlint] must be a table, not {type(table).__name__}")
    return table


def _read_toml(file: str) -> dict[str, Any]:
    try:
        with open(file, "rb") as stream:
            return tomllib.loads(stream.read().decode("utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"{file}: there is no such settings file") from None
    except OSError as error:
        raise ConfigError(f"{_shown(file)}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{_shown(file)}: not UTF-8 text (byte {error.start}), as TOML must be") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{_shown(file)}: not valid TOML: {error}") from None


def _settings(raw: dict[str, Any], file: str) -> Settings:
    where = _shown(file)
    table = _converted(raw, where)
    for key, selectors in [("select", table.select or ()), ("extend-select", table.extend_select), ("ignore", table.ignore)]:
        check_selectors(selectors, f"{where}: {key}")
    for pattern, selectors in table.per_file_ignores.items():
        check_selectors(selectors, f'{where}: per-file-ignores."{pattern}"')
    for key, patterns in [("exclude", table.exclude or ()), ("extend-exclude", table.extend_exclude), ("per-file-ignores", table.per_file_ignores)]:
        check_patterns(patterns, f"{where}: {key}")
    _check_contracts(table, where)
    formats = (table.output_format,) if isinstance(table.output_format, str) else table.output_format
    return Settings(
        select=None if table.select is None else normalised(table.select),
        extend_select=normalised(table.extend_select),
        ignore=normalised(table.ignore),
        exclude=DEFAULT_EXCLUDE if table.exclude is None else table.exclude,
        extend_exclude=table.extend_exclude,
        show_possible=table.show_possible,
        fail_on=table.fail_on,
        outputs=parse_outputs(formats, f"{where}: output-format"),
        respect_gitignore=table.respect_gitignore,
        calls=table.call,
        modules=table.module,
        per_file_ignores=tuple((pattern, normalised(selectors)) for pattern, selectors in table.per_file_ignores.items()),
        base=os.path.dirname(os.path.abspath(file)),
        file=where,
    )


def _check_contracts(table: _Table, where: str) -> None:
    """Refuse wrong contracts before anything is checked with them."""
    if not table.call and not table.module:
        return
    from torchlint.contracts.table import load as load_contracts

    try:
        load_contracts(table.call, table.module)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def _converted(raw: dict[str, Any], where: str) -> _Table:
    known = _Table.__struct_encode_fields__
    for key in raw:
        if key not in known:
            raise ConfigError(f"{where}: unknown setting `{key}`{did_you_mean(key, known)}\nThe settings are: {', '.join(known)}.")
    try:
        return msgspec.convert(raw, _Table)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        key = path.lstrip(".").rstrip("`")
        message = message[:1].lower() + message[1:]
        for ours, theirs in (("list", "array | null"), ("list", "array"), ("table", "object")):
            message = message.replace(f"`{theirs}`", f"`{ours}`")
        raise ConfigError(f"{where}: {key}: {message}{_expected_values(key)}") from None


def _expected_values(key: str) -> str:
    return " (one of error, warning, info, never)" if key == "fail-on" else ""


def normalised(selectors: Iterable[str]) -> tuple[str, ...]:
    """Codes and prefixes in upper case, names in lower case."""
    return tuple(item.lower() if "-" in item else item.upper() for item in (selector.strip() for selector in selectors))


def check_selectors(selectors: Iterable[str], where: str) -> None:
    """Refuse what names no rule."""
    from torchlint.rules.registry import ALL

    codes, names = [rule.code for rule in ALL], [rule.name for rule in ALL]
    for selector in normalised(selectors):
        if selector == "ALL" or selector in names or (selector and any(code.startswith(selector) for code in codes)):
            continue
        guess = did_you_mean(selector, [*codes, *names])
        raise ConfigError(f"{where}: `{selector}` is neither the code, the prefix nor the name of a rule{guess}\n`torchlint rules` lists them.")


def check_patterns(patterns: Iterable[str], where: str) -> None:
    """Refuse what is no pattern in the sense of .gitignore."""
    for pattern in patterns:
        try:
            _pattern(pattern)
        except ValueError as error:
            raise ConfigError(f"{where}: `{pattern}` is not a valid pattern: {error}") from None


def parse_outputs(formats: Sequence[str], where: str) -> tuple[Output, ...]:
    """`["full", "json=report.json"]` as outputs."""
    outputs = []
    for item in formats:
        name, _, file = item.partition("=")
        if name not in FORMATS:
            raise ConfigError(f"{where}: unknown format `{name}`{did_you_mean(name, FORMATS)}\nThe formats are: {', '.join(FORMATS)}.")
        outputs.append(Output(name, file or None))
    if len({output.file for output in outputs}) < len(outputs):
        raise ConfigError(f"{where}: two reports would go to the same place; write one of them to a file, as in `json=report.json`")
    return tuple(outputs) or (Output(),)


def override(
    settings: Settings, select: Sequence[str] | None = None, extend_select: Sequence[str] = (), ignore: Sequence[str] = (), **options: Any
) -> Settings:
    """Settings with the options of the command line on top; an option that is None was not given.

    `select` starts afresh: what the file selects and ignores no longer counts. `extend_select` and `ignore` add to the file.
    """
    given = [("--select", select or ()), ("--extend-select", extend_select), ("--ignore", ignore)]
    for option, selectors in given:
        check_selectors(selectors, option)
    selected, extended, ignored = (normalised(selectors) for _, selectors in given)
    if select is None:
        # What the command line asks for wins over what the file ignores: `ignore = ["TL303"]` with `--extend-select TL3`.
        kept = tuple(old for old in settings.ignore if not any(_covers(new, old) for new in extended))
        settings = replace(settings, extend_select=settings.extend_select + extended, ignore=kept + ignored)
    else:
        settings = replace(settings, select=selected, extend_select=extended, ignore=ignored)
    for option in ("exclude", "extend_exclude"):
        check_patterns(options.get(option) or (), "--" + option.replace("_", "-"))
    extra = options.pop("extend_exclude", None) or ()
    return replace(
        settings,
        extend_exclude=settings.extend_exclude + tuple(extra),
        **{name: value for name, value in options.items() if value is not None},
    )


def _covers(new: str, old: str) -> bool:
    """Whether every rule that `old` names is also named by `new`."""
    from torchlint.rules.registry import ALL

    meant = [rule for rule in ALL if _strength(rule.code, rule.name, (old,))]
    return all(_strength(rule.code, rule.name, (new,)) for rule in meant)


def _shown(file: str) -> str:
    relative = os.path.relpath(file)
    return file if relative.startswith("..") else relative
