"""What does the runtime mode cost a training run?

    python benchmarks/runtime.py [--rounds 12] [--models mlp,resnet,transformer] [--write]

Every round runs the same number of training steps under each configuration, in an order that changes from round to round, and each is divided by the
steps without checks of that round: the figures are medians of these ratios with a 95 % interval (bootstrap). CPU time of one thread, garbage
collection off. `nothing (again)` is the control: how far from 1 a ratio may lie by chance.
"""

from __future__ import annotations

import argparse
import gc
import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torchlint.runtime import checks

BASE = "nothing"
README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- runtime figures -->", "<!-- end of runtime figures -->"
AUDIT = "torch_audit"


@dataclass(frozen=True, slots=True)
class Training:
    """A network, what steps its optimizer, and one step of training."""

    net: nn.Module
    optimizer: torch.optim.Optimizer
    step: Callable[[], None]


class Block(nn.Module):
    """A residual block of two convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.layers(x))


def mlp() -> Training:
    """16-32-32-10, batch 8, SGD: about 0.3 ms a step, the worst case for any overhead."""
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 10))
    return _training(net, torch.optim.SGD(net.parameters(), 0.01), torch.randn(8, 16), torch.randint(0, 10, (8,)))


def resnet() -> Training:
    """Six residual blocks of 16 channels, 32 x 32 pixels, batch 16, SGD."""
    net = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), *[Block(16) for _ in range(6)], nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))
    return _training(net, torch.optim.SGD(net.parameters(), 0.01, momentum=0.9), torch.randn(16, 3, 32, 32), torch.randint(0, 10, (16,)))


def transformer() -> Training:
    """Four encoder layers of width 128 on 8 sequences of 64 tokens, 2000 words, AdamW."""
    layer = nn.TransformerEncoderLayer(128, 4, 256, batch_first=True)
    net = nn.Sequential(nn.Embedding(2000, 128), nn.TransformerEncoder(layer, 4, enable_nested_tensor=False), nn.Linear(128, 2000))
    tokens, target = torch.randint(0, 2000, (8, 64)), torch.randint(0, 2000, (8 * 64,))
    return _training(nn.Sequential(net, nn.Flatten(0, 1)), torch.optim.AdamW(net.parameters(), 1e-4), tokens, target)


MODELS: dict[str, tuple[Callable[[], Training], int]] = {"mlp": (mlp, 100), "resnet": (resnet, 50), "transformer": (transformer, 50)}
"""What is trained, and how many steps make up one measurement."""


def _training(net: nn.Module, optimizer: torch.optim.Optimizer, inputs: Tensor, target: Tensor) -> Training:
    criterion = nn.CrossEntropyLoss()

    def step() -> None:
        optimizer.zero_grad()
        criterion(net(inputs), target).backward()
        optimizer.step()

    return Training(net, optimizer, step)


Beside = Callable[[Training], AbstractContextManager[object]]


def configurations() -> dict[str, Beside]:
    """What runs beside the steps; torch-audit where it is installed."""
    found: dict[str, Beside] = {
        BASE: lambda training: nullcontext(),
        "nothing (again)": lambda training: nullcontext(),
        "torchlint, each 50th step": lambda training: checks("collect", every=50, warmup=0),
        "torchlint, every step": lambda training: checks("collect", every=1),
        "torch.autograd.detect_anomaly": lambda training: torch.autograd.detect_anomaly(check_nan=True),
    }
    if find_spec(AUDIT) is not None:
        found["torch-audit, each 1000th step (its default)"] = lambda training: audited(training, 1000)
        found["torch-audit, every step"] = lambda training: audited(training, 1)
    return found


@contextmanager
def audited(training: Training, every: int) -> Iterator[None]:
    """torch-audit's own way of watching a loop that stays as it is, without reports."""
    auditor = import_module(AUDIT).autopatch(training.net, optimizer=training.optimizer, every_n_steps=every, reporters=[])
    try:
        yield
    finally:
        auditor.unpatch()


def seconds(step: Callable[[], None], count: int, context: AbstractContextManager[object]) -> float:
    """CPU time of so many steps."""
    with context:
        step()
        begun = time.process_time()
        for _ in range(count):
            step()
        return time.process_time() - begun


def ratios(make: Callable[[], Training], count: int, rounds: int) -> dict[str, list[float]]:
    """For each configuration, its time over that of the plain steps, round by round."""
    training, order = make(), list(configurations().items())
    found: dict[str, list[float]] = {name: [] for name, _ in order}
    shuffle = random.Random(0)
    for _ in range(rounds):
        shuffle.shuffle(order)
        times = {name: seconds(training.step, count, beside(training)) for name, beside in order}
        for name, each in times.items():
            found[name].append(each / times[BASE])
    return {name: values for name, values in found.items() if name != BASE}


def interval(values: list[float]) -> tuple[float, float, float]:
    """The median and a 95 % interval of it."""
    draws = random.Random(0)
    medians = sorted(median(draws.choices(values, k=len(values))) for _ in range(2000))
    return median(values), medians[50], medians[1949]


def rows(models: list[str], rounds: int) -> Iterator[str]:
    """The table in Markdown."""
    yield "| model | beside it | time / time without, CPU | 95 % |"
    yield "|---|---|--:|--:|"
    for name in models:
        make, count = MODELS[name]
        for configuration, values in ratios(make, count, rounds).items():
            middle, low, high = interval(values)
            yield f"| {name} | {configuration} | {middle:.3f} | {low:.3f} - {high:.3f} |"


def main() -> None:
    """Measure, print, and with --write put the table into the README."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    gc.disable()
    table = "\n".join(rows(given.models.split(","), given.rounds))
    print(table)
    if given.write:
        text = README.read_text(encoding="utf-8")
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        head = f"{date.today()}, Python and torch {torch.__version__}, one thread; {given.rounds} rounds.\n\n"
        README.write_text(f"{before}{BEGIN}\n{head}{table}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
