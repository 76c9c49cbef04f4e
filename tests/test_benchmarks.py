"""Does benchmarks/static.py measure what it says? Figures are not judged here, only that they come out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "benchmarks" / "static.py"
README = ROOT / "benchmarks" / "README.md"

pytestmark = pytest.mark.skipif(not hasattr(os, "wait4"), reason="needs the process accounting of POSIX systems")


def benchmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False)


def test_one_row_for_each_command(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import torch\n")
    (tmp_path / "b.py").write_text("x = 1\n")
    before = README.read_text(encoding="utf-8")
    run = benchmark("--corpus", f"mine={tmp_path}", "--rounds", "1")
    assert run.returncode == 0, run.stderr
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in run.stdout.splitlines() if line.startswith("| mine")]
    assert [row[:3] for row in rows] == [["mine", "torchlint", "2"], ["mine", "parse of all files", "2"], ["mine", "parse of torch files", "1"]]
    assert all(float(row[4]) > 0 and float(row[5]) > 0 for row in rows)
    assert str(tmp_path) not in run.stdout, "the table names no paths"
    assert README.read_text(encoding="utf-8") == before


@pytest.mark.parametrize("arguments", [(), ("--corpus", "nameless"), ("--corpus", "a=.", "--rounds", "0")])
def test_wrong_usage_is_explained(arguments: tuple[str, ...]) -> None:
    run = benchmark(*arguments)
    assert run.returncode == 2
    assert "--corpus" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_missing_folder_is_explained() -> None:
    run = benchmark("--corpus", "mine=there/is/no/such/folder")
    assert run.returncode == 1
    assert run.stderr.startswith("mine: there/is/no/such/folder: ")
