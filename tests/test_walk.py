"""Which files does a walk find? Where git is installed, `git ls-files` says the same of .gitignore."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from torchlint.config import Settings
from torchlint.walk import project_root, walk


def build(root: Path, *files: str, **contents: str) -> None:
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")


def names(root: Path, paths: Sequence[Any] = (".",), settings: Settings | None = None, **options: bool) -> list[str]:
    """What is found, relative to `root`; `paths` likewise."""
    found = walk([str(root / path) for path in paths], settings or Settings(base=str(root)), **options)
    return [Path(file).relative_to(root).as_posix() for file in found.files]


def test_python_files_and_notebooks_in_a_fixed_order(tmp_path: Path) -> None:
    build(tmp_path, "b.py", "a.py", "pkg/z.py", "pkg/n.ipynb", "pkg/stub.pyi", "README.md", "script", "pkg/a.txt")
    assert names(tmp_path) == ["a.py", "b.py", "pkg/n.ipynb", "pkg/z.py"]


def test_default_excludes(tmp_path: Path) -> None:
    excluded = [
        ".git",
        ".hg",
        ".svn",
        ".venv",
        "venv",
        "node_modules",
        "__pycache__",
        ".tox",
        ".nox",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".eggs",
        "x.egg-info",
        "build",
        "dist",
        "lib/site-packages",
        ".ipynb_checkpoints",
    ]
    build(tmp_path, "a.py", "build.py", "sub/dist.py", *(f"sub/{folder}/x.py" for folder in excluded))
    assert names(tmp_path) == ["a.py", "build.py", "sub/dist.py"]


def test_a_virtual_environment_of_any_name(tmp_path: Path) -> None:
    build(tmp_path, "a.py", "env/lib/x.py", "env/pyvenv.cfg", "environment/y.py")
    assert names(tmp_path) == ["a.py", "environment/y.py"]


def test_what_is_named_is_checked_whatever_excludes_it(tmp_path: Path) -> None:
    build(tmp_path, "venv/lib/site-packages/pkg/x.py", "venv/lib/site-packages/pkg/build/y.py", "venv/pyvenv.cfg", "script", "notes.txt")
    assert names(tmp_path, ["venv/lib/site-packages/pkg"]) == ["venv/lib/site-packages/pkg/x.py"]
    assert names(tmp_path, ["script", "notes.txt", "venv/lib/site-packages/pkg/x.py"]) == ["notes.txt", "script", "venv/lib/site-packages/pkg/x.py"]


def test_force_exclude_holds_for_named_files(tmp_path: Path) -> None:
    build(tmp_path, "a.py", "build/b.py", "third_party/c.py")
    settings = Settings(base=str(tmp_path), extend_exclude=("third_party/",))
    assert names(tmp_path, ["a.py", "build/b.py", "third_party/c.py", "third_party"], settings, force_exclude=True) == ["a.py"]


def test_exclude_replaces_and_extend_exclude_adds(tmp_path: Path) -> None:
    build(tmp_path, "a.py", "build/b.py", "old/c.py", "sub/old/d.py", "gen_x.py")
    assert names(tmp_path, settings=Settings(base=str(tmp_path), exclude=("/old",))) == ["a.py", "build/b.py", "gen_x.py", "sub/old/d.py"]
    assert names(tmp_path, settings=Settings(base=str(tmp_path), extend_exclude=("old/", "gen_*.py"))) == ["a.py"]


def test_patterns_are_relative_to_the_settings_file(tmp_path: Path) -> None:
    build(tmp_path, "src/old/a.py", "src/new/old/b.py")
    settings = Settings(base=str(tmp_path), extend_exclude=("src/old/",))
    assert names(tmp_path, ["src"], settings) == ["src/new/old/b.py"]


GITIGNORE_FILES = [
    "a.py",
    "ignored.py",
    "keep/ignored.py",
    "gen/x.py",
    "gen/sub/y.py",
    "data/one.py",
    "data/keep/two.py",
    "pkg/local.py",
    "pkg/deep/local.py",
    "pkg/only_here.py",
    "only_here.py",
    "tmp_1.py",
    "sub/tmp_2.py",
    "ex/cluded.py",
    "space .py",
]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    build(root, *GITIGNORE_FILES)
    (root / ".gitignore").write_text("# a comment\n\nignored.py\n!keep/ignored.py\ngen/\n/data/*\n!/data/keep/\n**/tmp_*.py\n!\n")
    (root / "pkg" / ".gitignore").write_text("/only_here.py\nlocal.py\n")
    (root / "pkg" / "deep" / ".gitignore").write_text("!local.py\n")
    (root / ".git" / "info").mkdir(parents=True)
    (root / ".git" / "info" / "exclude").write_text("/ex/\n")
    return root


EXPECTED = ["a.py", "data/keep/two.py", "keep/ignored.py", "only_here.py", "pkg/deep/local.py", "space .py"]


def test_gitignore(repository: Path) -> None:
    assert names(repository) == EXPECTED


def test_gitignore_agrees_with_git(repository: Path) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not installed")
    exclude = (repository / ".git/info/exclude").read_text()
    subprocess.run([git, "init", "-q"], cwd=repository, check=True)
    (repository / ".git/info").mkdir(exist_ok=True)
    (repository / ".git/info/exclude").write_text(exclude)
    listed = subprocess.run([git, "ls-files", "-z", "-o", "--exclude-standard"], cwd=repository, check=True, capture_output=True, text=True).stdout
    assert names(repository) == sorted(name for name in listed.split("\0") if name.endswith(".py"))


def test_gitignore_of_the_folders_above(repository: Path) -> None:
    assert names(repository, ["pkg/deep"]) == ["pkg/deep/local.py"]
    assert names(repository, ["sub"]) == []
    assert names(repository, ["data"]) == ["data/keep/two.py"]


def test_an_ignored_folder_that_is_named_is_walked(repository: Path) -> None:
    assert names(repository, ["gen"]) == ["gen/sub/y.py", "gen/x.py"]
    assert names(repository, ["ex"]) == ["ex/cluded.py"]


def test_gitignore_can_be_disregarded(repository: Path) -> None:
    assert names(repository, settings=Settings(base=str(repository), respect_gitignore=False)) == sorted(GITIGNORE_FILES)


def test_a_gitignore_above_the_repository_is_of_no_concern(repository: Path) -> None:
    (repository.parent / ".gitignore").write_text("*\n")
    assert names(repository) == EXPECTED


def test_links(tmp_path: Path) -> None:
    build(tmp_path, "pkg/real.py", "pkg/sub/x.py", "elsewhere/y.py")
    project = tmp_path / "pkg"
    (project / "a_link.py").symlink_to("real.py")
    (project / "out.py").symlink_to(tmp_path / "elsewhere" / "y.py")
    (project / "out2.py").symlink_to(tmp_path / "elsewhere" / "y.py")
    (project / "broken.py").symlink_to("nowhere.py")
    (project / "me.py").symlink_to("me.py")
    (project / "sub" / "loop").symlink_to(project)
    (project / "data").symlink_to(tmp_path / "elsewhere")
    assert names(tmp_path, ["pkg"]) == ["pkg/out.py", "pkg/real.py", "pkg/sub/x.py"]
    assert names(tmp_path, ["pkg/data"]) == ["pkg/data/y.py"]
    assert names(tmp_path, ["pkg/a_link.py"]) == ["pkg/a_link.py"]


def test_a_file_counts_once(tmp_path: Path) -> None:
    build(tmp_path, "pkg/a.py")
    assert names(tmp_path, [".", "pkg", "pkg/a.py", "pkg/../pkg/a.py"]) == ["pkg/a.py"]


def test_missing_paths_are_told_and_the_rest_is_found(tmp_path: Path) -> None:
    build(tmp_path, "a.py")
    (tmp_path / "broken.py").symlink_to("nowhere.py")
    os.mkfifo(tmp_path / "pipe.py")
    paths = [str(tmp_path / name) for name in ("nope.py", "broken.py", "pipe.py", "a.py")]
    found = walk(paths, Settings(base=str(tmp_path)))
    assert found.files == [str(tmp_path / "a.py")]
    assert [path for path, _ in found.missing] == paths[:3]
    problems = [problem.split(" (")[0] for _, problem in found.missing]
    assert problems == ["no such file or folder", "a broken symbolic link", "neither a file nor a folder"]
    assert names(tmp_path) == ["a.py"]


def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path, "a.py", "locked/b.py", "open/c.py")
    real = os.scandir

    def scandir(path: str) -> Any:
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr("torchlint.walk.os.scandir", scandir)
    found = walk([str(tmp_path)], Settings(base=str(tmp_path)))
    assert [Path(file).name for file in found.files] == ["a.py", "c.py"]
    assert found.unreadable == [(str(tmp_path / "locked"), "the folder cannot be listed: Permission denied")]


@pytest.mark.parametrize("mark", ["pyproject.toml", "setup.py", ".git"])
def test_roots_reach_up_to_the_project(tmp_path: Path, mark: str) -> None:
    """Only changed files may be given (pre-commit), but their imports lead anywhere in the project."""
    build(tmp_path, "p/src/pkg/train.py", "p/tools/a.py", f"p/{mark}")
    found = walk([str(tmp_path / "p/src/pkg/train.py"), str(tmp_path / "p/tools")], Settings(base=str(tmp_path)))
    assert found.roots == [str(tmp_path / "p/src/pkg"), str(tmp_path / "p/tools"), str(tmp_path / "p")]
    assert project_root(str(tmp_path / "p/src")) == str(tmp_path / "p")


def test_roots_lie_outside_of_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path, "p/src/pkg/__init__.py", "p/src/pkg/sub/__init__.py", "p/src/pkg/sub/train.py", "p/scripts/x.py")
    found = walk([str(tmp_path / "p/src/pkg/sub/train.py")], Settings(base=str(tmp_path)))
    assert found.roots == [str(tmp_path / "p/src/pkg/sub"), str(tmp_path / "p/src")]
    monkeypatch.chdir(tmp_path / "p")
    assert walk(["scripts/x.py"], Settings(base=str(tmp_path))).roots == [str(tmp_path / "p/scripts"), str(tmp_path / "p")]


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.py")).write_text("x = 1\n")
    except OSError:
        pytest.skip("this file system takes text only")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("x*.py\n")
    assert len(walk([str(tmp_path)], Settings(base=str(tmp_path))).files) == 1
