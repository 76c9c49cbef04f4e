"""How do messages name things?

For example:

    torch.nn.functional.cross_entropy -> F.cross_entropy      torch.nn.Softmax -> nn.Softmax      torch.Tensor.softmax -> Tensor.softmax
    Kind.LOG_PROBABILITIES -> "log-probabilities"
"""

from __future__ import annotations

from torchlint.model import Kind

KIND_WORDS = {
    Kind.LOGITS: "logits",
    Kind.PROBABILITIES: "probabilities",
    Kind.LOG_PROBABILITIES: "log-probabilities",
    Kind.FLAT_LOG_PROBABILITIES: "log-probabilities of values that were in [0, 1] already",
    Kind.UNIT_INTERVAL: "values in [0, 1]",
    Kind.LOG_UNIT_INTERVAL: "logarithms of values in [0, 1]",
    Kind.NONNEGATIVE: "non-negative values",
    Kind.SIGNED_UNIT: "values in [-1, 1]",
    Kind.ONE_HOT: "one-hot rows",
    Kind.CLASS_INDICES: "class indices",
    Kind.UNKNOWN: "a tensor",
}


def short(name: str) -> str:
    """A qualified name as PyTorch programs write it."""
    for prefix, replacement in (("torch.nn.functional.", "F."), ("torch.nn.", "nn."), ("torch.Tensor.", "Tensor.")):
        if name.startswith(prefix):
            return replacement + name[len(prefix) :]
    return name
