"""Do the README, its picture and the example tell the truth?

What docs/make_readme.py and docs/make_picture.py write must be what they would write now; settings and contracts shown are tried.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

from torchlint import config
from torchlint.config import Settings
from torchlint.model import Finding
from torchlint.session import run

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PICTURE = ROOT / "docs" / "finding.svg"
EXAMPLE = ROOT / "examples" / "blobs"
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/ARCHITECTURE.md", "benchmarks/README.md")]
SVG = "{http://www.w3.org/2000/svg}"

OURS = """import torch


def focal_loss(input, target, gamma=2.0):
    return torch.ops.ours.focal(input, target, gamma)


class SmoothedLoss(torch.nn.Module):
    def __init__(self, smoothing=0.1):
        super().__init__()
        self.smoothing = smoothing

    def forward(self, input, target):
        return torch.ops.ours.smoothed(input, target, self.smoothing)
"""
TRAIN = """from ours.losses import SmoothedLoss, focal_loss
from speechlib import posteriors

criterion = SmoothedLoss(0.2)


def step(x, y):
    loss = focal_loss(posteriors(x), y)
    return loss + criterion(posteriors(x), y)
"""


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """docs/make_readme.py as a module."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    return import_module("make_readme")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def words(text: str) -> str:
    """The text without blanks: a picture has no trailing or repeated ones."""
    return "".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def found(folder: Path, settings: Settings) -> list[tuple[str, int, str]]:
    findings: list[Finding] = run([str(folder)], settings).result.findings
    return [(Path(each.location.path).name, each.location.line, each.code) for each in findings]


def test_the_generated_parts_are_up_to_date(made: ModuleType) -> None:
    assert len(made.PART.findall(README)) == len(made.PARTS)
    assert made.filled(README) == README, "run `python docs/make_readme.py`"


def test_the_picture_is_up_to_date(made: ModuleType) -> None:
    drawn = "".join("".join(text.itertext()) for text in ElementTree.parse(PICTURE).iter(f"{SVG}text"))
    shown = import_module("make_picture").shown("never")
    assert words(drawn) == words("torchlint" + shown), "run `python docs/make_picture.py`"


def test_the_picture_fetches_nothing() -> None:
    text = PICTURE.read_text(encoding="utf-8")
    assert "url(http" not in text.replace('"', "")
    assert "@font-face" not in text
    assert "docs/finding.svg" in README


def test_the_example_has_its_two_mistakes() -> None:
    assert found(EXAMPLE, Settings()) == [("tags.ipynb", 7, "TL201"), ("train.py", 30, "TL101")]


def trained(folder: Path) -> float:
    """The loss of the last epoch."""
    pytest.importorskip("torch")
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    output = subprocess.run([sys.executable, "train.py"], cwd=folder, env=env, capture_output=True, text=True, check=True).stdout
    return float(output.split()[-1])


def test_the_example_shows_the_harm(tmp_path: Path) -> None:
    right = shutil.copytree(EXAMPLE, tmp_path / "right")
    net = right / "net.py"
    net.write_text(net.read_text(encoding="utf-8").replace("torch.softmax(scores, dim=1)", "scores"), encoding="utf-8")
    assert [code for _, _, code in found(right, Settings())] == ["TL201"]
    assert trained(EXAMPLE) == pytest.approx(1.46, abs=0.01)
    assert trained(right) < 0.01


def test_the_settings_shown_are_accepted_and_complete(tmp_path: Path) -> None:
    block = blocks("toml")[0]
    (tmp_path / "pyproject.toml").write_text(block, encoding="utf-8")
    settings = config.load(str(tmp_path))
    assert settings.extend_select == ("kl-div-reduction",)
    assert [output.format for output in settings.outputs] == ["full", "json"]
    for key in config._Table.__struct_encode_fields__:
        assert re.search(rf"^(\[\[tool\.torchlint\.{key}\]\]|{key} =)", "".join(blocks("toml")), re.MULTILINE), f"the README leaves out `{key}`"


def test_the_contracts_shown_work(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(blocks("toml")[1], encoding="utf-8")
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "losses.py").write_text(OURS, encoding="utf-8")
    (tmp_path / "train.py").write_text(TRAIN, encoding="utf-8")
    assert found(tmp_path, config.load(str(tmp_path))) == [("train.py", 8, "TL101"), ("train.py", 9, "TL101")]
    assert found(tmp_path, Settings()) == []


@pytest.mark.parametrize("number", range(2))
def test_the_comments_shown_silence(number: int, tmp_path: Path) -> None:
    comment = blocks("python")[0].splitlines()[number].partition("#")[2]
    code = f"import torch.nn.functional as F\n\ndef step(x, y):\n    p = F.softmax(x, dim=1)\n    return F.cross_entropy(p, y)  #{comment}\n"
    (tmp_path / "a.py").write_text(code, encoding="utf-8")
    assert found(tmp_path, Settings()) == []
    (tmp_path / "a.py").write_text(code.replace(comment, ""), encoding="utf-8")
    assert found(tmp_path, Settings()) == [("a.py", 5, "TL101")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("script", ["scripts/demo", "scripts/test", ".ci/run"])
def test_scripts_can_be_run(script: str) -> None:
    path = ROOT / script
    assert os.name != "posix" or os.access(path, os.X_OK)
    subprocess.run(["bash", "-n", str(path)], check=True)
    assert script in README or script in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
