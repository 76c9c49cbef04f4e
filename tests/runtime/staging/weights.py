"""Which weights do fixture projects load, that some earlier program of theirs would have saved?

linear_layers({"0": (6, 256), "2": (256, 10)})      # the state of nn.Sequential(nn.Linear(6, 256), nn.ReLU(), nn.Linear(256, 10))
own_network("gradcam", "ConvNet")                   # the state of a fresh ConvNet of the project's module gradcam
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import torch
from torch import nn


def linear_layers(sizes: dict[str, tuple[int, int]]) -> dict[str, torch.Tensor]:
    """Weights and biases by the names of the layers."""
    found: dict[str, torch.Tensor] = {}
    for name, (inside, outside) in sizes.items():
        found |= {f"{name}.weight": torch.randn(outside, inside), f"{name}.bias": torch.randn(outside)}
    return found


def own_network(module: str, name: str, *args: Any, **kwargs: Any) -> Any:
    """The state of a class of the project, which lies in the current folder."""
    before = set(sys.modules)
    sys.path.insert(0, os.getcwd())
    try:
        return getattr(importlib.import_module(module), name)(*args, **kwargs).state_dict()
    finally:
        sys.path.pop(0)
        for each in set(sys.modules) - before:
            if getattr(sys.modules[each], "__file__", None) and str(sys.modules[each].__file__).startswith(os.getcwd()):
                del sys.modules[each]


def digits_network() -> dict[str, torch.Tensor]:
    """The state of the network that fixtures/bad/activation_dict_hook_notebook loads."""
    layers = [nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)).state_dict()
