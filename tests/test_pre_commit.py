"""Does the hook of .pre-commit-hooks.yaml work in another person's project?

`pre-commit try-repo` builds torchlint from a copy of this tree (into an environment of its own, so pip must reach an index) and runs it
on the staged files only; what they import must be found all the same.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHIPPED = ("torchlint", "rules", "pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml")
IDENTITY = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "A"), ("EMAIL", "a@example.org"))}

NET = """import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(x).softmax(dim=1)
"""
TRAIN = """import torch.nn as nn

from lib.net import Net

model = Net()
criterion = nn.CrossEntropyLoss()


def step(x, y):
    return criterion(model(x), y)
"""


def test_the_hook_file_says_what_pre_commit_needs() -> None:
    yaml = pytest.importorskip("yaml")
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert hook["id"] == "torchlint"
    assert hook["entry"].split()[0] == "torchlint"
    assert hook["language"] == "python"
    assert hook["types_or"] == ["python", "jupyter"]
    assert hook["pass_filenames"] is True
    assert hook["require_serial"] is True


def git(folder: Path, *args: str) -> None:
    command = ["git", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false", *args]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env={**os.environ, **IDENTITY})


def commit(folder: Path) -> None:
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "all")


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with what torchlint ships."""
    copy = tmp_path_factory.mktemp("hooks")
    for name in SHIPPED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    commit(copy)
    return copy


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Somebody's project: the mistake is in two files, of which only one will be staged."""
    root = tmp_path / "project"
    (root / "lib").mkdir(parents=True)
    (root / "lib" / "__init__.py").touch()
    (root / "lib" / "net.py").write_text(NET)
    (root / "train.py").write_text("x = 1\n")
    (root / "pyproject.toml").write_text('[tool.torchlint]\nextend-exclude = ["vendored/"]\n')
    commit(root)
    return root


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("git") is None or importlib.util.find_spec("pre_commit") is None, reason="needs git and pre-commit")
def test_the_hook_in_a_project(hooks: Path, project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")

    def try_repo() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pre_commit", "try-repo", str(hooks), "torchlint", "--verbose"]
        env = {**os.environ, **IDENTITY, "PRE_COMMIT_HOME": str(home)}
        return subprocess.run(command, cwd=project, capture_output=True, text=True, env=env, timeout=900, check=False)

    (project / "train.py").write_text(TRAIN)
    git(project, "add", "train.py")
    wrong = try_repo()
    assert wrong.returncode == 1, wrong.stdout + wrong.stderr
    assert "train.py:10:12: error[TL101]" in wrong.stdout
    assert "lib/net.py:10:16" in wrong.stdout

    (project / "vendored").mkdir()
    (project / "vendored" / "train.py").write_text(TRAIN)
    (project / "train.py").write_text(TRAIN.replace("nn.CrossEntropyLoss", "nn.MSELoss"))
    git(project, "add", "-A")
    right = try_repo()
    assert right.returncode == 0, right.stdout + right.stderr
    assert "All clear: 1 file checked." in right.stdout
