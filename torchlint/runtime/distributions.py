"""Which tensor does a distribution get for which parameter?

    Categorical(net(x))      # in its constructor torch calls probs.sum(-1): from there, the constructor's arguments can be seen

No call into torch carries the name of a distribution, and nothing of torch is replaced to see it: each constructor computes something with its
parameters, and the frame that does so is looked at.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import FrameType
from typing import Any

import torch
from torch.distributions import Distribution

from torchlint.contracts.schema import Call
from torchlint.contracts.table import Table

FIRST_CALLS = (torch.Tensor.sum, torch.Tensor.logsumexp, torch.functional.broadcast_tensors)
"""What the constructors call first with their parameters."""
_FOLDER = os.path.join(os.path.dirname(torch.distributions.__file__), "")
_FARTHEST = 6


def construction(table: Table, frame: FrameType | None) -> tuple[str, Call, Mapping[str, Any]] | None:
    """The distribution under construction outward from a frame: its name, contract and arguments; None where there is none."""
    found = None
    for _ in range(_FARTHEST):
        if frame is None:
            break
        code = frame.f_code
        if code.co_name == "__init__" and code.co_filename.startswith(_FOLDER):
            made = frame.f_locals.get("self")
            if isinstance(made, Distribution):
                name = table.canonical(f"{type(made).__module__}.{type(made).__qualname__}")
                call = table.call(name)
                if call is not None:
                    found = (name, call, {each: frame.f_locals.get(each) for each in call.params})
        frame = frame.f_back
    return found
