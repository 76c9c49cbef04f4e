"""Does `torchlint debug kinds` tell what is known of each loss call, and where the rest was lost?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.flow import ROOT, MemoryFiles

from torchlint.cli import main
from torchlint.config import Settings
from torchlint.kinds import NEVER_CALLED, Survey, survey

NET = """\
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        return torch.cumsum(self.fc(x), 0)
"""
TRAIN = """\
import torch
from torch import nn
from net import Net
x, y = torch.load("batch.pt")
net = Net()
criterion = nn.CrossEntropyLoss()
a = criterion(net.fc(x), y.long())
b = criterion(net(x), y)
c = nn.MSELoss()(net(x), y)
unused = nn.BCELoss()
"""


def known(**files: str) -> Survey:
    contents = {f"{name}.py": text.encode() for name, text in files.items()}
    return survey(MemoryFiles(contents), [f"{ROOT}/{path}" for path in contents], [ROOT], Settings())


def test_each_loss_whose_input_must_mean_something_is_told_of() -> None:
    found = known(net=NET, train=TRAIN)
    assert [(site.location.line, site.callee, site.inputs, site.resolved) for site in found.sites] == [
        (7, "nn.CrossEntropyLoss", ("logits",), True),
        (8, "nn.CrossEntropyLoss", ("unknown",), False),
        (10, "nn.BCELoss", (), False),
    ]
    assert (found.resolved, found.all) == (1, 3)
    assert found.sites[0].targets == ("unknown int64",)


def test_the_expression_that_loses_the_kind_is_named() -> None:
    _, lost, never = known(net=NET, train=TRAIN).sites
    (where,) = lost.lost
    assert where.location is not None
    assert (where.location.path, where.location.line, where.code) == ("net.py", 10, "torch.cumsum(self.fc(x), 0)")
    assert "cumsum" in where.reason
    assert [each.reason for each in never.lost] == [NEVER_CALLED]


def test_arithmetic_attributes_and_parameters_are_named_too() -> None:
    text = """\
import torch.nn.functional as F
def first(x, y):
    return F.cross_entropy(x.softmax(1) * 2, y)
def second(batch):
    return F.cross_entropy(batch.scores, batch.labels)
def third(x, y):
    return F.cross_entropy(x, y)
"""
    reasons = [each.reason for site in known(train=text).sites for each in site.lost]
    assert reasons == ["arithmetic: Multiply", "attribute of a parameter that no call gives", "a parameter that no call gives"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "train.py").write_text(TRAIN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_prints_lines_and_json(project: Path) -> None:
    lines = CliRunner().invoke(main, ["debug", "kinds", "."])
    assert lines.exit_code == 0
    assert "train.py:7:5 nn.CrossEntropyLoss  input: logits  target: unknown int64" in lines.output
    assert "lost at net.py:10:16 `torch.cumsum(self.fc(x), 0)`" in lines.output
    assert "1 of 3 loss calls have an input of known kind (33 %)" in lines.output
    told = json.loads(CliRunner().invoke(main, ["debug", "kinds", "--output-format", "json", "."]).output)
    assert (told["resolved"], told["all"], len(told["sites"])) == (1, 3, 3)


def test_a_missing_path_is_told_and_gives_2(project: Path) -> None:
    result = CliRunner().invoke(main, ["debug", "kinds", "nowhere"])
    assert result.exit_code == 2
    assert "nowhere" in result.output
