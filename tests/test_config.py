"""Are settings found, understood, refused and overridden as the README says?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from torchlint import config
from torchlint.config import DEFAULT_EXCLUDE, Output, Settings, load, override
from torchlint.errors import ConfigError
from torchlint.model import Rule, Severity
from torchlint.rules.registry import ALL, by_code

OPT_IN = Rule("TL107", "handwritten-label-smoothing", Severity.WARNING, "an opt-in rule", default=False)


def rule(code: str) -> Rule:
    found = by_code(code)
    assert found is not None
    return found


def on(settings: Settings) -> set[str]:
    return {rule.code for rule in (*ALL, OPT_IN) if settings.enabled(rule)}


DEFAULT = {rule.code for rule in ALL if rule.default}
ONES = {code for code in {rule.code for rule in ALL} | {"TL107"} if code.startswith("TL1")}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (Settings(), DEFAULT),
        (Settings(select=("TL101",)), {"TL101", "TL902"}),
        (Settings(select=("TL1",)), ONES | {"TL902"}),
        (Settings(select=("softmax-before-cross-entropy",)), {"TL101", "TL902"}),
        (Settings(select=()), {"TL902"}),
        (Settings(select=("ALL",)), {rule.code for rule in ALL} | {"TL107"}),
        (Settings(select=("ALL",), ignore=("TL1",)), {rule.code for rule in ALL} - ONES),
        (Settings(extend_select=("TL107",)), DEFAULT | {"TL107"}),
        (Settings(ignore=("TL1",)), DEFAULT - ONES),
        (Settings(ignore=("TL1",), extend_select=("TL101",)), (DEFAULT - ONES) | {"TL101"}),
        (Settings(select=("TL101",), ignore=("TL101",)), {"TL902"}),
        (Settings(select=("TL1",), ignore=("TL10",)), {code for code in ONES if not code.startswith("TL10")} | {"TL902"}),
        (Settings(ignore=("softmax-before-cross-entropy",)), DEFAULT - {"TL101"}),
        (Settings(ignore=("TL902",)), DEFAULT - {"TL902"}),
        (Settings(ignore=("ALL",)), set()),
    ],
)
def test_which_rules_are_on(settings: Settings, expected: set[str]) -> None:
    assert on(settings) == expected


def write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


FULL = """
[tool.torchlint]
select = ["tl1", "TL201", "Softmax-Without-Dim"]
extend-select = ["TL3"]
ignore = ["TL102"]
exclude = ["/old"]
extend-exclude = ["gen/"]
show-possible = true
fail-on = "error"
output-format = ["concise", "json=report.json"]
respect-gitignore = false
per-file-ignores = { "tests/*" = ["TL6"], "*.ipynb" = ["TL101"] }

[[tool.torchlint.call]]
name = "mylib.loss"
like = "torch.nn.functional.cross_entropy"

[[tool.torchlint.module]]
name = "mylib.Loss"
call = "mylib.loss"
"""


def test_every_setting(tmp_path: Path) -> None:
    file = write(tmp_path / "pyproject.toml", FULL)
    assert load(str(tmp_path)) == Settings(
        select=("TL1", "TL201", "softmax-without-dim"),
        extend_select=("TL3",),
        ignore=("TL102",),
        exclude=("/old",),
        extend_exclude=("gen/",),
        show_possible=True,
        fail_on="error",
        outputs=(Output("concise"), Output("json", "report.json")),
        respect_gitignore=False,
        calls=({"name": "mylib.loss", "like": "torch.nn.functional.cross_entropy"},),
        modules=({"name": "mylib.Loss", "call": "mylib.loss"},),
        per_file_ignores=(("tests/*", ("TL6",)), ("*.ipynb", ("TL101",))),
        base=str(tmp_path),
        file=file,
    )


def test_settings_can_be_hashed(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", FULL)
    assert hash(load(str(tmp_path))) == hash(load(str(tmp_path)))


def test_the_nearest_file_counts(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", '[tool.torchlint]\nselect = ["TL101"]\n')
    write(tmp_path / "a" / "pyproject.toml", "[tool.ruff]\n")
    write(tmp_path / "a" / "b" / "x.py", "")
    assert load(str(tmp_path / "a" / "b" / "x.py")).select == ("TL101",)
    write(tmp_path / "a" / "torchlint.toml", 'select = ["TL103"]\n')
    assert load(str(tmp_path / "a" / "b" / "missing.py")).select == ("TL103",)
    write(tmp_path / "a" / "pyproject.toml", '[tool.torchlint]\nselect = ["TL104"]\n')
    assert load(str(tmp_path / "a" / "b")).select == ("TL103",)  # torchlint.toml before pyproject.toml
    assert load(str(tmp_path / "a" / "b")).base == str(tmp_path / "a")


def test_isolated_and_named_files(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", '[tool.torchlint]\nselect = ["TL101"]\n')
    other = write(tmp_path / "other.toml", 'ignore = ["TL101"]\n')
    nested = write(tmp_path / "nested.toml", '[tool.torchlint]\nignore = ["TL104"]\n')
    assert load(str(tmp_path), isolated=True).select is None
    assert load(str(tmp_path), other).ignore == ("TL101",)
    assert load(str(tmp_path), nested).ignore == ("TL104",)
    with pytest.raises(ConfigError, match=r"nope\.toml: there is no such settings file"):
        load(str(tmp_path), "nope.toml")
    bare = write(tmp_path / "bare" / "pyproject.toml", "[project]\n")
    with pytest.raises(ConfigError, match=r"there is no \[tool.torchlint\] table"):
        load(str(tmp_path), bare)


def test_no_settings_at_all(tmp_path: Path) -> None:
    settings = load(str(tmp_path))
    assert (settings.select, settings.exclude, settings.file) == (None, DEFAULT_EXCLUDE, None)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('slect = ["TL101"]', ["unknown setting `slect`", "did you mean `select`?", "The settings are: select"]),
        ('extend_select = ["TL101"]', ["did you mean `extend-select`?"]),
        ('select = ["TL1O1"]', ["select: `TL1O1` is neither", "did you mean `TL101`?"]),
        ('select = [""]', ["select: `` is neither"]),
        ('ignore = ["softmax-before-crossentropy"]', ["ignore: `softmax-before-crossentropy`", "did you mean `softmax-before-cross-entropy`?"]),
        ('extend-select = ["X9"]', ["extend-select: `X9`"]),
        ('per-file-ignores = { "a.py" = ["TL777"] }', ['per-file-ignores."a.py": `TL777`']),
        ('select = "TL101"', ["select: expected `list`, got `str`"]),
        ("select = [1]", ["select[", "expected `str`, got `int`"]),
        ('show-possible = "yes"', ["show-possible: expected `bool`, got `str`"]),
        ('fail-on = "fatal"', ["fail-on: invalid enum value 'fatal'", "one of error, warning, info, never"]),
        ('output-format = "jsn"', ["output-format: unknown format `jsn`; did you mean `json`?"]),
        ('output-format = ["json", "full"]', ["two reports would go to the same place"]),
        ('exclude = ["!"]', ["exclude: `!` is not a valid pattern"]),
        ('call = "x"', ["call: expected `list`"]),
        ('call = [{ name = "f", gives = "logit" }]', ["[[tool.torchlint.call]] 1 (f): `gives`", "did you mean `logits`?"]),
        ('module = [{ name = "M", call = "nowhere" }]', ["[[tool.torchlint.module]] 1 (M): `call` names 'nowhere'"]),
        ("select = [\n'TL101',\n=]", ["not valid TOML", "line 4"]),
    ],
)
def test_what_is_wrong_is_refused_with_file_and_key(tmp_path: Path, text: str, parts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "pyproject.toml", f"[tool.torchlint]\n{text}\n")
    with pytest.raises(ConfigError) as caught:
        load(".")
    message = str(caught.value)
    assert message.startswith("pyproject.toml: ")
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("data", "part"),
    [(b"\xff\xfe", "not UTF-8"), (b"[tool]\ntorchlint = 3", "must be a table, not int"), (b"a = " + b"[" * 20000, "not valid TOML")],
)
def test_files_that_are_no_settings(tmp_path: Path, data: bytes, part: str) -> None:
    (tmp_path / "pyproject.toml").write_bytes(data)
    with pytest.raises(ConfigError, match=part):
        load(str(tmp_path))


def test_a_byte_order_mark_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "torchlint.toml").write_bytes(b'\xef\xbb\xbfselect = ["TL101"]\r\n')
    assert load(str(tmp_path)).select == ("TL101",)


def test_the_tool_table_of_others_may_be_anything(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "tool = 3\n")
    assert load(str(tmp_path)).file is None


FILE = Settings(select=("TL1",), extend_select=("TL3",), ignore=("TL303", "TL102"), extend_exclude=("a",), fail_on="error")


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ({}, {}),
        ({"select": ["tl2"]}, {"select": ("TL2",), "extend_select": (), "ignore": ()}),
        ({"select": ["TL2"], "ignore": ["TL203"]}, {"select": ("TL2",), "extend_select": (), "ignore": ("TL203",)}),
        ({"ignore": ["TL104"]}, {"ignore": ("TL303", "TL102", "TL104")}),
        ({"extend_select": ["TL303"]}, {"extend_select": ("TL3", "TL303"), "ignore": ("TL102",)}),
        ({"extend_select": ["TL3"]}, {"extend_select": ("TL3", "TL3"), "ignore": ("TL102",)}),
        ({"extend_exclude": ("b",)}, {"extend_exclude": ("a", "b")}),
        ({"exclude": ("b",)}, {"exclude": ("b",)}),
        ({"fail_on": "never", "show_possible": True}, {"fail_on": "never", "show_possible": True}),
        ({"fail_on": None, "show_possible": None, "outputs": None}, {}),
    ],
)
def test_options_come_on_top(options: dict[str, Any], changes: dict[str, Any]) -> None:
    settings = override(FILE, **options)
    expected = {name: getattr(FILE, name) for name in Settings.__dataclass_fields__} | changes
    assert {name: getattr(settings, name) for name in Settings.__dataclass_fields__} == expected


def test_a_wrong_option_is_named() -> None:
    with pytest.raises(ConfigError, match=r"--extend-select: `TL1O1` is neither .*did you mean `TL101`"):
        override(Settings(), extend_select=["TL1O1"])
    with pytest.raises(ConfigError, match="--exclude: `!` is not a valid pattern"):
        override(Settings(), exclude=("!",))


def test_per_file_ignores(tmp_path: Path) -> None:
    settings = Settings(base=str(tmp_path), per_file_ignores=(("tests/*", ("TL6",)), ("*.ipynb", ("softmax-before-cross-entropy",))))
    six, one = rule("TL601"), rule("TL101")
    cases = [
        ("tests/a.py", six, True),
        ("tests/sub/a.py", six, True),
        ("src/a.py", six, False),
        ("tests/a.py", one, False),
        ("x/n.ipynb", one, True),
        ("../tests/a.py", six, False),
    ]
    for path, broken, expected in cases:
        assert settings.ignored_in(str(tmp_path / path), broken.code, broken.name) is expected, path


def test_the_keys_are_those_of_the_documentation() -> None:
    keys = set(config._Table.__struct_encode_fields__)
    assert keys == {
        "select",
        "extend-select",
        "ignore",
        "exclude",
        "extend-exclude",
        "show-possible",
        "fail-on",
        "output-format",
        "respect-gitignore",
        "per-file-ignores",
        "call",
        "module",
    }
