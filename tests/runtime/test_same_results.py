"""Does a program compute the same, bit by bit, with and without checks?

Each program is run twice from the same seed; losses, gradients, weights and the states of all generators of random numbers are compared.
"""

from __future__ import annotations

import copy
import io
import pickle
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from torchlint.runtime import checks

SAMPLINGS = [{"every": 1}, {"every": 3, "warmup": 2}]


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 16, batch_first=True, dropout=0.2, num_layers=2)
        self.head = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(x.unsqueeze(1))[0][:, -1])  # type: ignore[no-any-return]


class Attending(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(x.view(-1, 2, 4).repeat(1, 1, 2)).mean(1))  # type: ignore[no-any-return]


def convolving() -> nn.Module:
    layers = [nn.Unflatten(1, (2, 2, 2)), nn.Conv2d(2, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Dropout2d(0.3)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32, 4))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "mlp": lambda: nn.Sequential(nn.Linear(8, 16), nn.Dropout(0.5), nn.ReLU(), nn.Linear(16, 4)),
    "convolving": convolving,
    "recurrent": Recurrent,
    "attending": Attending,
}


def softened(logits: Tensor, y: Tensor) -> Tensor:
    """Losses of several kinds, right and wrong ones."""
    probs = logits.softmax(1)
    target = F.one_hot(y, 4).float()
    return (
        F.cross_entropy(logits, y, label_smoothing=0.1)
        + F.cross_entropy(probs, y)
        + F.nll_loss(probs.log(), y)
        + F.kl_div(logits.log_softmax(1), target, reduction="batchmean")
        + F.binary_cross_entropy_with_logits(probs, target)
        + F.mse_loss(probs, target)
    )


def states() -> list[Any]:
    kind, keys, *rest = numpy.random.get_state()
    return [torch.random.get_rng_state().tolist(), random.getstate(), (kind, keys.tolist(), *rest)]  # type: ignore[attr-defined]


def seed() -> None:
    torch.manual_seed(0)
    random.seed(0)
    numpy.random.seed(0)


def train(make: Callable[[], nn.Module], optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.AdamW, **how: Any) -> Iterator[Any]:
    """What a training loop computes."""
    net = make()
    opt = optimizer(net.parameters(), lr=0.01)
    for _ in range(7):
        x, y = torch.randn(6, 8), torch.randint(0, 4, (6,))
        net.train()
        opt.zero_grad()
        loss = softened(net(x), y)
        loss.backward()  # type: ignore[no-untyped-call]
        yield loss.detach()
        yield [parameter.grad for parameter in net.parameters()]
        opt.step()
        net.eval()
        with torch.no_grad():
            yield softened(net(x), y)
        with torch.inference_mode():
            yield softened(net(x), y).item()
    yield net.state_dict()
    yield states()


def flat(values: Any) -> Iterator[Any]:
    """All that is in them, tensors as their bytes."""
    if isinstance(values, Tensor):
        yield values.dtype, values.shape, values.detach().float().numpy().tobytes()
    elif isinstance(values, dict):
        yield from flat(list(values.items()))
    elif isinstance(values, (list, tuple)):
        for each in values:
            yield from flat(each)
    else:
        yield values


def assert_same(program: Callable[[], Any], **sampling: Any) -> checks:
    """Run a program without checks and with them."""
    seed()
    plain = list(flat(list(program())))
    seed()
    with checks("collect", **sampling) as run:
        looked_at = list(flat(list(program())))
    assert plain == looked_at
    assert not run._failed
    return run


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
@pytest.mark.parametrize("name", NETWORKS)
def test_training_is_the_same(name: str, sampling: dict[str, int]) -> None:
    run = assert_same(lambda: train(NETWORKS[name]), **sampling)
    assert "TL101" in {finding.code for finding in run.result().findings}  # it was looked at


def test_a_fused_encoder_in_a_thread_that_another_one_stopped() -> None:
    """The mode still lies on the stack there, and does nothing."""
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), 2).eval()
    x = torch.randn(3, 5, 16)
    with torch.no_grad():
        plain = encoder(x)
    run = checks("collect").__enter__()
    thread = threading.Thread(target=run.close)
    thread.start()
    thread.join()
    try:
        with torch.no_grad():
            assert torch.equal(encoder(x), plain)
    finally:
        run.sampler._close()


def test_a_fused_encoder_rounds_as_ever() -> None:
    """Under a mode, encoders that evaluate would leave their fused kernels, and round otherwise."""
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), 2).eval()
    layer, attention = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True).eval(), nn.MultiheadAttention(16, 4, batch_first=True).eval()
    x = torch.randn(3, 5, 16)

    def program() -> Iterator[Any]:
        with torch.no_grad():
            yield encoder(x), layer(x), attention(x, x, x, need_weights=False)[0]
            with pytest.raises(AssertionError):
                attention(x[..., :3], x, x)
            yield encoder(x)

    run = assert_same(program)
    with run, pytest.warns(UserWarning, match="softmax"):
        F.softmax(x)  # what comes after the modules is looked at
    assert [finding.code for finding in run.result().findings] == ["TL601"]


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpointing(reentrant: bool) -> None:
    net = NETWORKS["mlp"]()

    def program() -> Iterator[Any]:
        x = torch.randn(6, 8, requires_grad=True)
        y = torch.arange(6) % 4
        loss = checkpoint(lambda x: softened(net(x), y), x, use_reentrant=reentrant)
        loss.backward()
        yield loss.detach(), x.grad, [parameter.grad for parameter in net.parameters()]
        net.zero_grad()

    assert_same(program)


def test_autocast() -> None:
    def program() -> Iterator[Any]:
        net, x, y = NETWORKS["mlp"](), torch.randn(6, 8), torch.arange(6) % 4
        with torch.autocast("cpu", torch.bfloat16):
            logits = net(x)
            loss = softened(logits.float(), y) + F.cross_entropy(logits, y)
        loss.backward()  # type: ignore[no-untyped-call]
        yield logits.dtype, loss.detach(), [parameter.grad for parameter in net.parameters()]

    assert_same(program)


def test_optimizers_with_closures() -> None:
    def program() -> Iterator[Any]:
        net, x, y = nn.Linear(8, 4), torch.randn(6, 8), torch.arange(6) % 4
        opt = torch.optim.LBFGS(net.parameters(), max_iter=3)

        def closure() -> Tensor:
            opt.zero_grad()
            loss = softened(net(x), y)
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        for _ in range(3):
            yield opt.step(closure).detach()  # type: ignore[no-untyped-call]
        yield net.state_dict()

    run = assert_same(program, every=1)
    assert run.sampler.steps == run.sampler.looked_at == 3
    assert max(finding.times or 0 for finding in run.result().findings) > 3  # the closure is looked at each time


def test_gradients_are_accumulated_and_optimizers_take_turns() -> None:
    def program() -> Iterator[Any]:
        maker, judge = nn.Linear(4, 8), nn.Linear(8, 1)
        optimizers = [torch.optim.Adam(judge.parameters()), torch.optim.SGD(maker.parameters(), 0.1)]
        for step in range(12):
            opt = optimizers[step % 2]
            for _ in range(2):
                scores = judge(maker(torch.randn(3, 4))).sigmoid()
                loss = F.binary_cross_entropy_with_logits(scores, torch.ones_like(scores))
                loss.backward()  # type: ignore[no-untyped-call]
                yield loss.detach()
            opt.step()
            opt.zero_grad()
        yield maker.state_dict(), judge.state_dict()

    run = assert_same(program, every=2, warmup=0)
    (finding,) = run.result().findings
    assert run.sampler.steps == 6
    assert run.sampler.looked_at == 3
    assert finding.times == 12  # all four losses of each of three rounds


def test_tensors_are_saved_and_copied_as_they_are() -> None:
    def program() -> Iterator[Any]:
        probs = torch.randn(3, 4, requires_grad=True).softmax(1).detach()
        F.cross_entropy(probs, torch.tensor([0, 1, 2]))
        stream = io.BytesIO()
        torch.save({"probs": probs}, stream)
        yield stream.getvalue()
        yield pickle.loads(pickle.dumps(probs)), sorted(vars(copy.deepcopy(probs))), copy.deepcopy(probs)

    assert_same(program)
