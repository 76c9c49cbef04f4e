"""Is a loss passed over only where judging it would say nothing?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from torchlint.events import Event, LossCall
from torchlint.rules.registry import judge
from torchlint.runtime import calm as calm_module
from torchlint.runtime import checks
from torchlint.runtime.calm import Calm

VALUES = [-101.0, -100.0, -2.0, -1.0, 0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 255.0, float("nan"), float("inf")]
ACTIVATIONS: list[Callable[[Tensor], Tensor]] = [lambda x: x, torch.sigmoid, lambda x: x.softmax(1), lambda x: x.log_softmax(1)]
LOSSES: list[Callable[[Tensor, Tensor], object]] = [
    lambda x, y: F.cross_entropy(x, y),
    lambda x, y: F.cross_entropy(x, y[:, 0].nan_to_num(0, 0, 0).long()),
    lambda x, y: F.nll_loss(x, y[:, 0].nan_to_num(0, 0, 0).long()),
    lambda x, y: F.binary_cross_entropy(x, y),
    lambda x, y: F.binary_cross_entropy_with_logits(x, y),
    lambda x, y: F.kl_div(x, y, reduction="batchmean"),
    lambda x, y: F.kl_div(x, y, reduction="batchmean", log_target=True),
    lambda x, y: F.soft_margin_loss(x, y),
    lambda x, y: F.hinge_embedding_loss(x, y),
    lambda x, y: F.mse_loss(x, y),
]
zero_or_one = st.lists(st.sampled_from([0.0, 1.0]), min_size=6, max_size=6)
changes = st.tuples(st.integers(0, 5), st.sampled_from(VALUES), st.sampled_from([(3, 2), (6, 1), (2, 3)]))
"""One number of a batch that is in order, made another, and the shape."""


def _batch(numbers: list[float], change: tuple[int, float, tuple[int, int]]) -> Tensor:
    position, number, shape = change
    return torch.tensor([*numbers[:position], number, *numbers[position + 1 :]]).reshape(shape)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(LOSSES), st.sampled_from(ACTIVATIONS), zero_or_one, st.lists(st.tuples(changes, changes), min_size=3, max_size=6))
def test_what_is_passed_over_would_be_silent(
    loss: Callable[..., object], activation: Callable[..., Tensor], good: list[float], batches: list[Any]
) -> None:
    events: list[Event] = []
    with checks("collect", every=1) as run:
        run.witness.emit = events.append
        for scores, target in batches:
            try:
                loss(activation(_batch(good, scores)), _batch(good, target))
            except (IndexError, RuntimeError, ValueError, UserWarning):
                continue  # refused by torch, after it was told
    calm = Calm()
    for event in events:
        if isinstance(event, LossCall):
            silent = not list(judge(event))
            assert silent or not calm.covers(event)
            if silent:
                calm.note(event)
                assert calm.covers(event)


def test_a_steady_loss_is_judged_once_and_a_wrong_batch_again() -> None:
    judged: list[Event] = []
    scores = torch.randn(4, 3)
    with patch("torchlint.runtime.tally.judge", lambda event: judged.append(event) or judge(event)), checks("collect", every=1) as run:
        for target in (torch.tensor([0, 1, 2, 2]),) * 5 + (torch.tensor([0, 1, -1, 2]),) * 2:
            try:
                F.cross_entropy(scores, target)
            except IndexError:
                continue
    assert [type(each) for each in judged] == [LossCall] * 3
    assert [(finding.code, finding.times) for finding in run.result().findings] == [("TL110", 2)]


def test_places_are_forgotten_when_they_are_many() -> None:
    with patch.object(calm_module, "MOST_PLACES", 2), checks("collect", every=1) as run:
        for code in [compile("F.cross_entropy(x, y)", f"{number}.py", "exec") for number in range(5)] * 2:
            exec(code, {"F": F, "x": torch.randn(4, 3), "y": torch.tensor([0, 1, 2, 2])})
    assert not run.result().findings
