"""The losses to choose from."""

from torch import nn

LOSSES = {"cross_entropy": nn.CrossEntropyLoss, "margin": nn.MultiMarginLoss}


def build_criterion(name: str) -> nn.Module:
    return LOSSES[name]()
