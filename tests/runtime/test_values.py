"""Are the values and shapes of live tensors judged as they are, before torch computes with them, and only where they can be looked at?"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from torchlint.contracts.table import load
from torchlint.model import Evidence, Finding, Observed
from torchlint.runtime import Violation, checks
from torchlint.runtime.axes import Axes
from torchlint.runtime.values import histogram, observe

LABELS = torch.tensor([0, 1, 2, 1])
WRONG = torch.tensor([0, 1, 3, 3])
PAIRS, SIX, ONE = torch.tensor([[1], [2]]), torch.tensor([6, 6]), torch.tensor([1, 1])
NAN = float("nan")


def found(program: Callable[[], object], times: int = 1) -> list[Finding]:
    """What is found while a program runs; torch may end it."""
    torch.manual_seed(0)
    with checks(action="collect", every=1) as run:
        try:
            for _ in range(times):
                program()
        except (IndexError, RuntimeError):
            pass
    return run.result().findings


def codes(program: Callable[[], object], times: int = 1) -> list[str]:
    return [finding.code for finding in found(program, times)]


def scores(*shape: int) -> Tensor:
    """Values that nothing is known of."""
    return torch.randn(*shape)


# --- before the operation, and when


def test_a_class_index_is_told_before_torch_raises() -> None:
    with checks(action="raise", every=1), pytest.raises(Violation, match=r"class index 3 with 3 classes.*3 2 times, 0 once, 1 once"):
        F.cross_entropy(scores(4, 3), WRONG)


def test_an_index_is_told_before_torch_looks_it_up() -> None:
    table = nn.Embedding(10, 3)
    with checks(action="raise", every=1), pytest.raises(Violation, match="index 12 and has 10 to choose from"):
        table(torch.tensor([[1, 12]]))


def test_the_first_step_with_nan_is_named() -> None:
    net = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    with checks(action="collect", every=1) as run:
        for step in range(5):
            target = torch.full((3, 1), NAN if step == 2 else 1.0)
            optimizer.zero_grad()
            F.mse_loss(net(torch.ones(3, 2)), target).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    (finding,) = run.result().findings
    assert (finding.code, finding.evidence) == ("TL507", Evidence.VIOLATED)
    assert "first in step 3" in finding.message
    assert finding.times == 3  # from then on the weights are nan


# --- by values over batches


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        pytest.param(lambda: F.nll_loss(unseen(scores(4, 3).abs()), LABELS), ["TL103"], id="above-0"),
        pytest.param(lambda: F.nll_loss(-5 - scores(4, 3).abs(), LABELS), ["TL103"], id="all-below-0"),
        pytest.param(lambda: F.ctc_loss(-5 - scores(6, 2, 4).abs(), PAIRS, SIX, ONE), ["TL103"], id="frames"),
        pytest.param(lambda: F.ctc_loss(unseen(scores(6, 2, 4).exp()), PAIRS, SIX, ONE), ["TL103"], id="positive-frames"),
        pytest.param(lambda: F.nll_loss(plain(scores(4, 3)), LABELS), [], id="log-probabilities"),
        pytest.param(lambda: F.nll_loss((plain(scores(4, 3)).exp() + 1e-3).log(), LABELS), [], id="smoothed"),
        pytest.param(lambda: F.binary_cross_entropy_with_logits(torch.rand(4, 1), torch.ones(4, 1)), [], id="in-the-unit-interval"),
        pytest.param(lambda: F.binary_cross_entropy_with_logits(torch.rand(64, 5), torch.ones(64, 5)), [], id="many-in-the-unit-interval"),
    ],
)
def test_three_batches_speak(program: Callable[[], object], expected: list[str]) -> None:
    assert codes(program, 2) == []
    assert codes(program, 4) == expected


def plain(values: Tensor) -> Tensor:
    """Log-probabilities of which nobody saw how they were made."""
    return unseen(values.log_softmax(1))


def unseen(values: Tensor) -> Tensor:
    """The same values, come from outside of torch."""
    return torch.from_numpy(values.numpy().copy())


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        pytest.param(lambda: F.kl_div(scores(4, 3).log_softmax(1), scores(4, 3), reduction="sum"), ["TL302"], id="negative"),
        pytest.param(lambda: F.kl_div(scores(4, 3).log_softmax(1), scores(4, 3), reduction="sum", log_target=True), ["TL302"], id="above-0"),
        pytest.param(lambda: F.kl_div(scores(4, 3).log_softmax(1), torch.rand(4, 3), reduction="sum"), [], id="counts"),
        pytest.param(lambda: F.kl_div(scores(4, 3).log_softmax(1), plain(scores(4, 3)), reduction="sum", log_target=True), [], id="logarithms"),
        pytest.param(lambda: F.binary_cross_entropy(scores(4, 3), torch.ones(4, 3)), ["TL202"], id="bce"),
        pytest.param(lambda: F.binary_cross_entropy(torch.rand(4, 3), torch.ones(4, 3)), [], id="bce-in-range"),
    ],
)
def test_one_batch_breaks_a_domain(program: Callable[[], object], expected: list[str]) -> None:
    findings = found(program)
    assert [finding.code for finding in findings] == expected
    assert all(finding.evidence is Evidence.VIOLATED for finding in findings)


# --- where values cannot be looked at


def under_vmap() -> Any:
    targets = torch.stack([LABELS, LABELS])
    return torch.vmap(lambda x, y: F.cross_entropy(x, y))(scores(2, 4, 3), targets)


def under_grad() -> Any:
    return torch.func.grad(lambda x: F.cross_entropy(x, LABELS))(scores(4, 3))


def on_meta() -> Tensor:
    return F.binary_cross_entropy_with_logits(torch.empty(4, device="meta"), torch.empty(4, device="meta"))


def fake() -> Any:
    with FakeTensorMode():
        return F.cross_entropy(torch.empty(4, 3), torch.zeros(4, dtype=torch.long)) + nn.Embedding(5, 2)(torch.tensor([1])).sum()


def inference() -> Tensor:
    with torch.inference_mode():
        return F.cross_entropy(nn.Linear(2, 3)(torch.ones(4, 2)), LABELS)


def empty() -> Tensor:
    return F.mse_loss(torch.empty(0, 3), torch.empty(0, 3)) + F.cross_entropy(torch.empty(0, 3), torch.empty(0, dtype=torch.long))


def one_sample() -> Tensor:
    return F.cross_entropy(scores(3), torch.tensor(2)) + F.mse_loss(torch.tensor(1.0), torch.tensor(2.0))


def low_precision() -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        soft = nn.Linear(8, 50)(torch.randn(6, 8)).softmax(1)
        return F.cross_entropy(nn.Linear(8, 50)(torch.randn(6, 8)), soft.detach())


@pytest.mark.parametrize("program", [under_vmap, under_grad, on_meta, fake, inference, empty, one_sample, low_precision])
def test_nothing_goes_wrong_where_tensors_are_not_plain(program: Callable[[], object], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "torchlint"):
        assert codes(program) == []
    assert caplog.records == []


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_values_count_without_a_graph_too(context: Callable[[], Any]) -> None:
    def program() -> None:
        with context():
            F.cross_entropy(nn.Linear(2, 3)(torch.ones(4, 2)), WRONG)

    assert codes(program) == ["TL110"]


def test_random_numbers_and_results_stay_what_they_are() -> None:
    def step() -> tuple[float, float]:
        torch.manual_seed(3)
        loss = F.cross_entropy(nn.Linear(8, 10)(torch.randn(4, 8)), torch.randint(0, 10, (4,)))
        return float(loss.detach()), float(torch.rand(()))

    plain_step = step()
    with checks(action="collect", every=1):
        assert step() == plain_step


# --- what is seen


@pytest.mark.parametrize(
    ("tensor", "domain", "expected"),
    [
        (torch.tensor([1.0, NAN]), (), Observed(2, finite=False, nonfinite=("nan",))),
        (torch.tensor([1.0, -torch.inf]), (), Observed(2, finite=False, nonfinite=("-inf",))),
        (torch.tensor([-torch.inf, torch.inf]), (), Observed(2, finite=False, nonfinite=("-inf", "inf"))),
        (torch.tensor([1.0, -1.0, 0.0]), ("signs",), Observed(3, -1, 1, integral=True, outside=1)),
        (torch.tensor([True, False]), ("signs",), Observed(2, 0, 1, integral=True, outside=1)),
        (torch.tensor([-1, 1, 1]), ("signs",), Observed(3, -1, 1, integral=True)),
        (torch.tensor([0.5, 2.0, -1.0]), ("unit_interval",), Observed(3, -1, 2, outside=2)),
        (torch.tensor([]), ("signs",), Observed(0)),
    ],
)
def test_observations(tensor: Tensor, domain: Any, expected: Observed) -> None:
    assert observe(tensor, domain=domain) == expected


def test_rows_of_zeros_are_left_out_of_the_sums() -> None:
    rows = torch.tensor([[0.5, 0.25], [0.0, 0.0], [1.0, 1.0]])
    assert observe(rows, 1, domain=("distribution",)).sums == (0.75, 2.0)
    assert observe(torch.zeros(2, 3), 1, domain=("distribution",)).sums is None
    assert observe(rows, 1).sums is None


def test_ignored_indices_do_not_count() -> None:
    labels = torch.tensor([255, 1, 2, 255])
    assert observe(labels, ignore_index=255) == Observed(4, 1, 2, integral=True, ignored=2)
    assert histogram(labels) == ((255, 2), (1, 1), (2, 1))


# --- along which axis

LINEAR, CONV = nn.Linear(4, 5), nn.Conv2d(2, 5, 1)
IMAGE, ROWS = torch.ones(2, 2, 3, 4), torch.ones(2, 3, 4)


@pytest.mark.parametrize(
    ("make", "axis"),
    [
        (lambda: LINEAR(ROWS), 2),
        (lambda: LINEAR(ROWS[0]), 1),
        (lambda: nn.Linear(4, 5, bias=False)(ROWS), 2),
        (lambda: CONV(IMAGE), 1),
        (lambda: LINEAR(ROWS).softmax(-1), 2),
        (lambda: LINEAR(ROWS).softmax(0), 0),
        (lambda: LINEAR(ROWS).log_softmax(1).double(), 1),
        (lambda: LINEAR(ROWS).softmax(1).log().clone(), 1),
        (lambda: LINEAR(ROWS).view(6, 5), 1),
        (lambda: LINEAR(ROWS).softmax(1).view(6, 5), None),
        (lambda: LINEAR(ROWS).view(2, 15), None),
        (lambda: LINEAR(ROWS).transpose(1, 2), None),
        (lambda: LINEAR(ROWS) + 1, None),
        (lambda: LINEAR(ROWS).softmax(0).squeeze(0), None),
        (lambda: torch.ones(2, 3).softmax(1), None),
        (lambda: LINEAR(ROWS).softmax(0).detach(), None),
        (lambda: LINEAR(ROWS).sum().log(), None),
    ],
)
def test_axes(make: Callable[[], Tensor], axis: int | None) -> None:
    axes, tensor = Axes(load()), make()
    assert axes.of(tensor) == axis
    if tensor.requires_grad:
        tensor.sum().backward()  # type: ignore[no-untyped-call]
        assert axes.of(tensor) == axis, "what backward frees is not needed"


def test_a_swapped_axis_is_only_supported() -> None:
    labels = torch.zeros(2, 3, dtype=torch.long)
    (finding,) = found(lambda: F.cross_entropy(nn.Linear(4, 3)(ROWS), labels))
    assert (finding.code, finding.evidence) == ("TL112", Evidence.SUPPORTED)
    assert codes(lambda: F.cross_entropy(nn.Linear(4, 3)(ROWS).transpose(1, 2).contiguous(), labels)) == []
    assert codes(lambda: F.cross_entropy(nn.Linear(4, 3)(ROWS).unflatten(0, (1, 2)).sum(0), labels)) == []
