"""Do imports point downward only, does torch stay out, and do files stay small?

Each check reads the import statements of torchlint/ and is itself tested on made-up modules that break the rule.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "torchlint"
LARGEST = 450  # lines

# From the bottom up. A module may import from its own layer and from those before it. A folder stands for all that is in it.
LAYERS: list[set[str]] = [
    {"__init__", "model", "errors", "spelling", "wording"},
    {"source", "notebook", "suppressions", "edits", "decoding", "parsing", "positions", "scan", "lexer", "diagnosis", "magics", "tabs"},
    {"contracts", "events", "meaning"},
    {"flow"},
    {"rules"},
    {"check", "collecting", "config", "fixing", "kinds", "pages"},
    {"session", "walk", "cache", "reporters", "orders", "launch"},
    {"cli", "default_command", "terminal", "progress", "running", "__main__", "lsp", "pytest_plugin", "pytest_session"},
]
OUTSIDE = {"runtime"}  # stands beside flow/: live tensors

# module -> why it may import from above
EXCEPTIONS: dict[str, str] = {"pytest_session": "begins the runtime mode, once pytest is told to"}
LARGE: dict[str, str] = {}

Imports = dict[str, set[str]]


def imports_of(package: Path) -> Imports:
    """Dotted module name, relative to the package ("flow.values") -> absolute names that it imports, wherever in the module that stands."""
    found: Imports = {}
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package).with_suffix("").parts
        name = ".".join(parts[:-1]) if parts[-1] == "__init__" and len(parts) > 1 else ".".join(parts)
        found[name] = set(_names(ast.parse(file.read_text(encoding="utf-8")), package.name))
    return found


def _names(tree: ast.Module, package: str) -> Iterator[str]:
    typing_only = {id(node) for block in ast.walk(tree) if _is_type_checking(block) for node in ast.walk(block)}
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield f"{package}.<relative>"
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from torchlint import config` imports a module, `from torchlint.config import Settings` a name of one.
            yield from (f"{node.module}.{alias.name}" for alias in node.names) if node.module == package else [node.module]


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def layer_of(module: str) -> int | None:
    top = module.split(".")[0]
    return next((number for number, layer in enumerate(LAYERS) if top in layer), None)


def wrong_imports(found: Imports, package: str = "torchlint") -> list[str]:
    """Every import that points upward, and every module that stands in no layer."""
    problems = []
    for module, names in found.items():
        own = layer_of(module)
        if module.split(".")[0] in OUTSIDE:
            continue
        if own is None:
            problems.append(f"{module} stands in no layer: add it to LAYERS")
            continue
        for name in sorted(name for name in names if name.split(".")[0] == package):
            target = name.removeprefix(package).lstrip(".")
            if target.startswith("<") or (target.split(".")[0] in OUTSIDE and module not in EXCEPTIONS):
                problems.append(f"{module} imports {name}")
            elif (there := layer_of(target)) is not None and there > own and module not in EXCEPTIONS:
                problems.append(f"{module} imports {name}, which lies above it")
    return problems


def importers(found: Imports, library: str) -> set[str]:
    """The modules, outside of runtime/, that import a library."""
    using = {module for module, names in found.items() if any(name.split(".")[0] == library for name in names)}
    return {module for module in using if module.split(".")[0] not in OUTSIDE}


def large_files(package: Path) -> list[str]:
    sizes = {file.relative_to(package).as_posix(): len(file.read_text(encoding="utf-8").splitlines()) for file in package.rglob("*.py")}
    return [f"{name} has {size} lines" for name, size in sorted(sizes.items()) if size > LARGEST and name not in LARGE]


def without_docstring(package: Path) -> list[str]:
    files = sorted(package.rglob("*.py"))
    return [str(file.relative_to(package)) for file in files if file.read_text().strip() and not ast.get_docstring(ast.parse(file.read_text()))]


def test_imports_point_downward() -> None:
    assert wrong_imports(imports_of(PACKAGE)) == []


def test_torch_is_not_imported_by_the_static_side() -> None:
    assert importers(imports_of(PACKAGE), "torch") == set()


def test_files_are_small() -> None:
    assert large_files(PACKAGE) == []


def test_every_module_says_what_it_answers() -> None:
    assert without_docstring(PACKAGE) == []


def test_exceptions_are_still_needed() -> None:
    found = imports_of(PACKAGE)
    assert EXCEPTIONS.keys() <= found.keys()
    assert {name for name in LARGE if len((PACKAGE / name).read_text().splitlines()) <= LARGEST} == set()


@pytest.mark.parametrize(
    ("module", "source", "problem"),
    [
        ("flow/bad.py", "from torchlint.rules.registry import ALL", "flow.bad imports torchlint.rules.registry, which lies above it"),
        ("model.py", "def f():\n    from torchlint import cli", "model imports torchlint.cli, which lies above it"),
        ("config.py", "import torchlint.session as s", "config imports torchlint.session, which lies above it"),
        ("cli.py", "from torchlint.runtime import watch", "cli imports torchlint.runtime"),
        ("rules/bad.py", "from . import registry", "rules.bad imports torchlint.<relative>"),
        ("novel.py", "", "novel stands in no layer: add it to LAYERS"),
    ],
)
def test_the_layer_check_can_fail(tmp_path: Path, module: str, source: str, problem: str) -> None:
    file = tmp_path / "torchlint" / module
    file.parent.mkdir(parents=True)
    file.write_text(source)
    assert wrong_imports(imports_of(tmp_path / "torchlint")) == [problem]


def test_the_layer_check_allows_what_is_right(tmp_path: Path) -> None:
    package = tmp_path / "torchlint"
    (package / "runtime").mkdir(parents=True)
    (package / "runtime" / "watch.py").write_text("import torch")
    (package / "cli.py").write_text("from torchlint import __version__, session\nfrom torchlint.model import Kind")
    (package / "model.py").write_text("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from torchlint.cli import main")
    found = imports_of(package)
    assert wrong_imports(found) == []
    assert importers(found, "torch") == set()


def test_the_torch_check_can_fail(tmp_path: Path) -> None:
    (tmp_path / "torchlint").mkdir()
    (tmp_path / "torchlint" / "check.py").write_text("def f():\n    import torch.nn")
    assert importers(imports_of(tmp_path / "torchlint"), "torch") == {"check"}


def test_the_size_check_can_fail(tmp_path: Path) -> None:
    (tmp_path / "big.py").write_text("x = 1\n" * (LARGEST + 1))
    assert large_files(tmp_path) == [f"big.py has {LARGEST + 1} lines"]
    assert without_docstring(tmp_path) == ["big.py"]


def test_third_party_imports_are_declared() -> None:
    """What is imported is a dependency in pyproject.toml."""
    declared = {"libcst", "click", "msgspec", "pathspec", "rich", "tomli", "yaml"}
    known = declared | {"torchlint"} | {"tomllib"} | set(sys.stdlib_module_names)
    plugin = {"pytest_plugin", "pytest_session"}  # pytest has loaded them
    assert importers(imports_of(PACKAGE), "pytest") == plugin
    found = {name.split(".")[0] for module, names in imports_of(PACKAGE).items() if layer_of(module) is not None for name in names}
    assert found <= known | {"pytest"}
