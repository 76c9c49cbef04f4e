"""Which forward hooks keep the output that they see, and which only look at it?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from torchlint.runtime import checks

kept: list[Any] = []
Hook = Callable[[nn.Module, Any, Tensor], Any]

KEEPING: dict[str, Hook] = {
    "the output": lambda module, inputs, output: kept.append(output),
    "detached": lambda module, inputs, output: kept.append(output.detach()),
    "a part": lambda module, inputs, output: kept.append(output[0]),
    "in a dict": lambda module, inputs, output: kept.append({"out": output}),
    "and returns it": lambda module, inputs, output: kept.append(output) or output,  # type: ignore[func-returns-value]
}
LOOKING: dict[str, Hook] = {
    "a copy": lambda module, inputs, output: kept.append(output.clone()),
    "its shape": lambda module, inputs, output: kept.append(output.shape),
    "a number": lambda module, inputs, output: kept.append(output.mean().item()),
    "what it computes": lambda module, inputs, output: kept.append(output * 2),
    "nothing": lambda module, inputs, output: None,
    "nothing and returns it": lambda module, inputs, output: output,
    "nothing and returns a view": lambda module, inputs, output: output.view_as(output),
}


def codes(hooks: list[Hook]) -> list[str]:
    """What is found where a layer has these hooks and an in-place activation follows."""
    kept.clear()
    with checks("collect", every=1, births=True) as run:
        net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True))
        for hook in hooks:
            net[0].register_forward_hook(hook)
        net(torch.randn(1, 3, 8, 8))
    return [finding.code for finding in run.result().findings]


@pytest.mark.parametrize("hook", KEEPING.values(), ids=KEEPING)
def test_what_is_kept_is_told(hook: Hook) -> None:
    assert codes([hook]) == ["TL401"]


@pytest.mark.parametrize("hook", LOOKING.values(), ids=LOOKING)
def test_what_only_looks_stays_silent(hook: Hook) -> None:
    assert codes([hook]) == []


def test_hooks_beside_each_other() -> None:
    assert codes([*LOOKING.values(), KEEPING["the output"]]) == ["TL401"]
