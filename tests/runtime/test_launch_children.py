"""Are the processes watched that a program under `torchlint run` starts: workers, ranks, other programs?"""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from support.launching import launch

JSON = ("--quiet", "--output-format", "json=report.json")

WORKERS = """\
import subprocess, sys
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

class Items(Dataset):
    def __init__(self, line):
        self.line = line
    def __len__(self):
        return 3
    def __getitem__(self, index):
        x, y = torch.zeros(2, 2).softmax(1), torch.tensor([0, 1])
        if self.line == "fork":
            return F.cross_entropy(x, y)
        if self.line == "spawn":
            return F.cross_entropy(x, y)
        return F.cross_entropy(x, y)

if __name__ == "__main__":
    for way in ("fork", "spawn", "forkserver"):
        for batch in DataLoader(Items(way), num_workers=1, multiprocessing_context=way):
            assert batch.shape == (1,)
    subprocess.run([sys.executable, "-c", "import other"], check=True, cwd="below")
"""
OTHER = """\
import sys; sys.path.insert(0, "..")
import torch
def shifted(x):
    return torch.nn.functional.nll_loss(x.softmax(1), torch.tensor([0, 1]))
shifted(torch.zeros(2, 2))
"""
RANKS = """\
import os, sys
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel

def main(rank, port):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
    train(rank)

def train(rank):
    dist.init_process_group("gloo", rank=rank, world_size=2)
    torch.manual_seed(rank)
    net = DistributedDataParallel(nn.Sequential(nn.Linear(4, 3), nn.Softmax(1)))
    opt = torch.optim.SGD(net.parameters(), 0.1)
    for _ in range(5):
        opt.zero_grad()
        loss = nn.CrossEntropyLoss()(net(torch.randn(6, 4)), torch.arange(6) % 3)
        loss.backward()
        opt.step()
    total = sum(parameter.sum() for parameter in net.parameters()).detach()
    other = total.clone()
    dist.all_reduce(other)
    assert other == 2 * total
    print(f"total {total.item():.6f}\\n", end="", flush=True)
    dist.barrier()
    dist.destroy_process_group()

if __name__ == "__main__":
    if "RANK" in os.environ:
        train(int(os.environ["RANK"]))
    else:
        mp.spawn(main, (sys.argv[1],), nprocs=2)
"""


def free_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


@pytest.mark.slow
def test_workers_and_other_programs(tmp_path: Path) -> None:
    ran = launch(tmp_path, *JSON, "train.py", files={"train.py": WORKERS, "below/other.py": OTHER})
    assert ran.err == ""
    assert ran.code == 0
    assert ran.places() == {("train.py", 14, "TL101"), ("train.py", 16, "TL101"), ("train.py", 17, "TL101"), ("below/other.py", 4, "TL103")}
    times = {each["location"]["line"]: each["times"] for each in ran.report()["findings"]}
    assert times == {14: 3, 16: 3, 17: 3, 4: 1}


@pytest.mark.slow
def test_ranks(tmp_path: Path) -> None:
    """Two ranks, once spawned by the program and once by torchrun, train the same with looking on."""
    ran = launch(tmp_path, "--output-format", "json=report.json", "--output-format", "full", "train.py", free_port(), files={"train.py": RANKS})
    assert ran.code == 0, ran.err
    assert ran.places() == {("train.py", 19, "TL101")}
    assert ran.report()["findings"][0]["times"] == 10  # both ranks
    assert "looked at 10 of 10 optimizer steps in 3 processes" in ran.err
    totals = sorted(line for line in ran.out.splitlines() if line)
    assert len(totals) == 2
    assert totals[0] == totals[1]
    ran = launch(tmp_path, *JSON, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", free_port(), "train.py", files={})
    assert ran.code == 0, ran.err
    assert ran.places() == {("train.py", 19, "TL101")}
    assert ran.report()["findings"][0]["times"] == 10
    assert sorted(line for line in ran.out.splitlines() if line) == totals
