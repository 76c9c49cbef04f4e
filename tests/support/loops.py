"""Small training loops that are right, and the same loops broken in one place.

    for loop in correct_loops():        # losses x heads x starts x dtypes x batch sizes
        loop.run(steps=4)
    for broken in broken_loops():       # each with the code of the rule that must speak, and nothing else
        broken.run(steps=4)

Everything is generated from two tables: LOSSES says how a right call looks and in which ways it can be wrong, HEADS what computes the scores.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLASSES, WIDTH = 5, 12
Scores = Callable[[Tensor], Tensor]


class Cosine(nn.Module):
    """Scores that are cosines: all in [-1, 1] by nature."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(CLASSES, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        return 16 * F.normalize(x, dim=1) @ F.normalize(self.weight, dim=1).t()


class Attention(nn.Module):
    """A softmax inside, and logits at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.out = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.out(x * self.gate(x).softmax(dim=1))
        return out


def _mlp(*between: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(WIDTH, WIDTH), *between, nn.Linear(WIDTH, CLASSES))


HEADS: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: nn.Linear(WIDTH, CLASSES),
    "mlp": lambda: _mlp(nn.ReLU()),
    "in-place": lambda: _mlp(nn.ReLU(inplace=True), nn.Dropout(0.3)),
    "layer-norm": lambda: _mlp(nn.GELU(), nn.LayerNorm(WIDTH)),
    "squashed": lambda: _mlp(nn.Sigmoid()),
    "cosine": Cosine,
    "attention": Attention,
    "normed": lambda: nn.Sequential(nn.Linear(WIDTH, CLASSES), nn.LayerNorm(CLASSES)),
}


def _default(net: nn.Module) -> None:
    """As torch starts it."""


def _small(net: nn.Module) -> None:
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.02)


def _zero(net: nn.Module) -> None:
    """All scores 0 at first."""
    last = list(net.parameters())[-2:]
    for parameter in last:
        nn.init.zeros_(parameter)


STARTS: dict[str, Callable[[nn.Module], None]] = {"default": _default, "small": _small, "zero": _zero}
DTYPES = (torch.float32, torch.float64, torch.bfloat16)
BATCHES = (1, 2, 16)


@dataclass(frozen=True, slots=True)
class Loss:
    """One loss.

    target  makes a target for so many samples
    right   computes the loss from scores and target
    wrong   ways of being wrong: the code of the rule, and what is computed then; torch may raise in them
    """

    target: Callable[[int, torch.dtype], Tensor]
    right: Callable[[Tensor, Tensor], Tensor]
    wrong: dict[str, Callable[[Tensor, Tensor], object]] = field(default_factory=dict)


def _indices(n: int, dtype: torch.dtype) -> Tensor:
    return torch.randint(0, CLASSES, (n,))


def _some_ignored(n: int, dtype: torch.dtype) -> Tensor:
    target = _indices(n, dtype)
    target[1::3] = -100
    return target


def _soft(n: int, dtype: torch.dtype) -> Tensor:
    weights = torch.rand(n, CLASSES) + 0.1
    return (weights / weights.sum(dim=1, keepdim=True)).to(dtype)


def _one_hot(n: int, dtype: torch.dtype) -> Tensor:
    return F.one_hot(_indices(n, dtype), CLASSES).to(dtype)


def _multi_hot(n: int, dtype: torch.dtype) -> Tensor:
    return (torch.rand(n, CLASSES) > 0.5).to(dtype)


def _signs(n: int, dtype: torch.dtype) -> Tensor:
    return (2 * torch.randint(0, 2, (n, CLASSES)) - 1).to(dtype)


def _row_signs(n: int, dtype: torch.dtype) -> Tensor:
    return (2 * torch.randint(0, 2, (n,)) - 1).to(dtype)


def _numbers(n: int, dtype: torch.dtype) -> Tensor:
    return torch.randn(n, CLASSES).to(dtype)


def _counts(n: int, dtype: torch.dtype) -> Tensor:
    return torch.poisson(torch.full((n, CLASSES), 3.0)).to(dtype)


def _focal(scores: Tensor, target: Tensor) -> Tensor:
    probabilities = torch.sigmoid(scores)
    plain = F.binary_cross_entropy_with_logits(scores, target, reduction="none")
    return (plain * (probabilities - target).abs() ** 2).mean()


def _dice(scores: Tensor, target: Tensor) -> Tensor:
    p = torch.sigmoid(scores)
    return 1 - 2 * (p * target).sum() / (p.sum() + target.sum() + 1e-6)


def _distilled(scores: Tensor, teacher: Tensor) -> Tensor:
    return F.kl_div(F.log_softmax(scores / 4, dim=1), teacher, reduction="batchmean") * 16


def _actor(scores: Tensor, target: Tensor) -> Tensor:
    policy = torch.distributions.Categorical(logits=scores.float())
    actions: Tensor = policy.sample()  # type: ignore[no-untyped-call]
    taken: Tensor = policy.log_prob(actions)  # type: ignore[no-untyped-call]
    return -(taken * torch.randn(len(actions))).mean()


def _reinforce(scores: Tensor, target: Tensor) -> Tensor:
    """Log-probabilities times a reward of either sign: not log-probabilities any more, and right."""
    return F.nll_loss(F.log_softmax(scores, dim=1) * torch.randn(len(scores), 1).to(scores), target)


def _cut(scores: Tensor, target: Tensor) -> Tensor:
    log_probabilities = torch.log(scores.softmax(1).clamp_min(1e-4))
    return F.nll_loss(log_probabilities, target)


def _ctc(scores: Tensor, target: Tensor) -> Tensor:
    steps = F.log_softmax(scores.float().expand(6, *scores.shape), dim=2)
    n = len(scores)
    return F.ctc_loss(steps, target[:, None].clamp_min(1), torch.full((n,), 6), torch.ones(n, dtype=torch.int64))


_CROSS_ENTROPY = {
    "TL101": lambda s, y: F.cross_entropy(s.softmax(1), y),
    "TL102": lambda s, y: F.cross_entropy(s.log_softmax(1), y),
    "TL110": lambda s, y: F.cross_entropy(s, y + CLASSES),
    "TL111": lambda s, y: F.cross_entropy(s, torch.full_like(y, -100)),
}
LOSSES: dict[str, Loss] = {
    "nn.CrossEntropyLoss": Loss(_indices, lambda s, y: nn.CrossEntropyLoss()(s, y), {**_CROSS_ENTROPY}),
    "cross_entropy, keywords": Loss(_indices, lambda s, y: F.cross_entropy(target=y, input=s)),
    "cross_entropy, weights": Loss(_indices, lambda s, y: F.cross_entropy(s, y, weight=torch.rand(CLASSES).to(s))),
    "cross_entropy, smoothed": Loss(_indices, lambda s, y: F.cross_entropy(s, y, label_smoothing=0.1)),
    "cross_entropy, ignored": Loss(_some_ignored, lambda s, y: F.cross_entropy(s, y)),
    "cross_entropy, soft": Loss(_soft, lambda s, y: F.cross_entropy(s, y), {"TL106": lambda s, y: F.cross_entropy(s, 2 * y)}),
    "cross_entropy, one-hot": Loss(_one_hot, lambda s, y: F.cross_entropy(s, y), {"TL101": lambda s, y: F.cross_entropy(s.sigmoid(), y)}),
    "cross_entropy, masked": Loss(_one_hot, lambda s, y: F.cross_entropy(s, y * (torch.rand(len(y), 1).to(y) > 0.5))),
    "nll_loss": Loss(
        _indices,
        lambda s, y: F.nll_loss(F.log_softmax(s, dim=1), y),
        {"TL103": lambda s, y: F.nll_loss(s.softmax(1), y), "TL110": lambda s, y: F.nll_loss(F.log_softmax(s, dim=1), -1 - y)},
    ),
    "nll_loss of clamped probabilities": Loss(_indices, _cut),
    "nll_loss with rewards": Loss(_indices, _reinforce),
    "binary_cross_entropy_with_logits": Loss(
        _multi_hot,
        lambda s, y: nn.BCEWithLogitsLoss()(s, y),
        {
            "TL201": lambda s, y: F.binary_cross_entropy_with_logits(s.sigmoid(), y),
            "TL203": lambda s, y: F.binary_cross_entropy_with_logits(s, y.long()),
            "TL207": lambda s, y: F.binary_cross_entropy_with_logits(s, 2 * y - 1),
        },
    ),
    "binary_cross_entropy_with_logits, soft": Loss(_soft, lambda s, y: F.binary_cross_entropy_with_logits(s, y)),
    "binary_cross_entropy": Loss(
        _multi_hot, lambda s, y: F.binary_cross_entropy(s.sigmoid(), y), {"TL202": lambda s, y: F.binary_cross_entropy(s, y)}
    ),
    "kl_div": Loss(
        _soft,
        lambda s, y: F.kl_div(F.log_softmax(s, dim=1), y, reduction="batchmean"),
        {
            "TL301": lambda s, y: F.kl_div(s.softmax(1), y, reduction="batchmean"),
            "TL302": lambda s, y: F.kl_div(F.log_softmax(s, dim=1), y.log(), reduction="batchmean"),
            "TL303": lambda s, y: F.kl_div(F.log_softmax(s, dim=1), y, reduction="mean"),
        },
    ),
    "kl_div, log target": Loss(_soft, lambda s, y: F.kl_div(F.log_softmax(s, dim=1), y.log(), reduction="batchmean", log_target=True)),
    "distillation": Loss(_soft, _distilled),
    "mse_loss": Loss(_numbers, lambda s, y: F.mse_loss(s, y), {"TL501": lambda s, y: F.mse_loss(s[:, :1], y[:, 0])}),
    "mse_loss of probabilities": Loss(_one_hot, lambda s, y: F.mse_loss(s.softmax(1), y)),
    "l1_loss": Loss(_numbers, lambda s, y: F.l1_loss(s, y), {"TL501": lambda s, y: F.l1_loss(s[:, 0], y[:, :1])}),
    "smooth_l1_loss": Loss(_numbers, lambda s, y: nn.SmoothL1Loss()(s, y)),
    "huber_loss": Loss(_numbers, lambda s, y: F.huber_loss(s, y)),
    "soft_margin_loss": Loss(_signs, lambda s, y: F.soft_margin_loss(s, y), {"TL505": lambda s, y: F.soft_margin_loss(s, (y + 1) / 2)}),
    "multilabel_soft_margin_loss": Loss(_multi_hot, lambda s, y: F.multilabel_soft_margin_loss(s, y)),
    "hinge_embedding_loss": Loss(_signs, lambda s, y: F.hinge_embedding_loss(s, y), {"TL505": lambda s, y: F.hinge_embedding_loss(s, (y + 1) / 2)}),
    "cosine_embedding_loss": Loss(_row_signs, lambda s, y: F.cosine_embedding_loss(s, torch.randn_like(s), y)),
    "margin_ranking_loss": Loss(_row_signs, lambda s, y: F.margin_ranking_loss(s[:, 0], s[:, 1], y)),
    "multi_margin_loss": Loss(_indices, lambda s, y: F.multi_margin_loss(s.float(), y)),
    "poisson_nll_loss": Loss(_counts, lambda s, y: F.poisson_nll_loss(s, y)),
    "gaussian_nll_loss": Loss(_numbers, lambda s, y: F.gaussian_nll_loss(s, y, torch.ones_like(s))),
    "ctc_loss": Loss(_indices, _ctc),
    "focal, by hand": Loss(_multi_hot, _focal),
    "dice, by hand": Loss(_multi_hot, _dice),
    "policy gradient": Loss(_indices, _actor),
}


@dataclass(frozen=True, slots=True)
class Loop:
    """One training loop. code: the rule that it breaks, empty for a right one."""

    loss: str
    head: str
    start: str
    dtype: torch.dtype
    batch: int
    code: str = ""

    @property
    def name(self) -> str:
        parts = (self.code, self.loss, self.head, self.start, str(self.dtype).removeprefix("torch."), f"batch {self.batch}")
        return ", ".join(filter(None, parts))

    def run(self, steps: int) -> None:
        """Train for some steps; what torch raises in a broken loop ends it."""
        torch.manual_seed(0)
        net = HEADS[self.head]().to(self.dtype)
        STARTS[self.start](net)
        optimizer = torch.optim.SGD(net.parameters(), 0.05)
        table = LOSSES[self.loss]
        compute = table.wrong[self.code] if self.code else table.right
        for _ in range(steps):
            target = table.target(self.batch, self.dtype)
            scores = net(torch.randn(self.batch, WIDTH, dtype=self.dtype))
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # torch warns of some of the mistakes too
                    loss = compute(scores, target)
            except (RuntimeError, IndexError, ValueError):
                if not self.code:
                    raise
                return
            assert isinstance(loss, Tensor)
            optimizer.zero_grad()
            if loss.isfinite():
                loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()


def correct_loops() -> Iterator[Loop]:
    """Every loss with every head; starts, dtypes and batch sizes in turn, so that all of them come together somewhere."""
    rest = itertools.cycle(itertools.product(STARTS, DTYPES, BATCHES))
    for loss, head in itertools.product(LOSSES, HEADS):
        start, dtype, batch = next(rest)
        yield Loop(loss, head, start, dtype, batch)


def broken_loops() -> Iterator[Loop]:
    """Every way of being wrong with every head."""
    rest = itertools.cycle(itertools.product(STARTS, (torch.float32, torch.float64)))
    for loss, table in LOSSES.items():
        for code, head in itertools.product(table.wrong, HEADS):
            start, dtype = next(rest)
            yield Loop(loss, head, start, dtype, 16, code)
