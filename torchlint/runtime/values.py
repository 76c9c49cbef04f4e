"""What are the values of a live tensor like?

    observe(torch.softmax(x, 1), axis=1)      # Observed(lowest=0.01, highest=0.7, excess=6e-8, ...)
    observe(target, ignore_index=-100)        # Observed(lowest=0, highest=9, integral=True, ...)
    observe(labels, domain=("signs",))        # Observed(outside=3, ...): how many are neither -1 nor 1

All reductions of one tensor are computed where it lies, in float32, without autograd, autocast or random numbers, and read by one copy: on a GPU that
copy waits for the device, and it happens only for calls that are looked at, which are those of sampled steps.
"""

from __future__ import annotations

from math import isfinite

import torch
from torch import Tensor

from torchlint.contracts.schema import Domain
from torchlint.model import Observed

_PLAIN = (Tensor, torch.nn.Parameter)
LARGEST = 1 << 20  # values: rows are looked at up to that many, which bounds the work for a large vocabulary
TOLERANCE = {torch.float16: 1e-3, torch.bfloat16: 5e-3}
LOG_TOLERANCE = {torch.float16: 1e-2, torch.bfloat16: 5e-2}
MOST_COUNTS = 10


def readable(tensor: Tensor) -> bool:
    """Whether the values of a tensor can be looked at: it is a plain one, and holds some."""
    return (
        type(tensor) in _PLAIN
        and tensor.layout is torch.strided
        and not tensor.is_meta
        and not tensor.is_complex()
        and not torch._C._functorch.is_functorch_wrapped_tensor(tensor)
        and not (tensor.is_cuda and torch.cuda.is_current_stream_capturing())
    )


def tolerance(tensor: Tensor) -> float:
    """How far from 1 a row of probabilities of this dtype may sum."""
    return TOLERANCE.get(tensor.dtype, 1e-4)


def log_tolerance(tensor: Tensor) -> float:
    """How far from 0 the logsumexp of a row of log-probabilities of this dtype may lie."""
    return LOG_TOLERANCE.get(tensor.dtype, 1e-3)


def observe(tensor: Tensor, axis: int | None = None, ignore_index: int | None = None, domain: tuple[Domain, ...] = ()) -> Observed:
    """Look at a tensor. axis: that of the classes, whose rows are added up; ignore_index: a value that does not count; domain: what is asked."""
    if not tensor.numel():
        return Observed(0)
    if tensor.dtype is torch.bool:
        if "signs" not in domain:
            return Observed(tensor.numel(), 0.0, 1.0, integral=True)
        tensor = tensor.to(torch.uint8)
    return _numbers(tensor, axis, domain) if tensor.is_floating_point() else _indices(tensor, ignore_index, domain)


def _read(*parts: Tensor) -> list[float]:
    """The only place where a device is waited for: several scalars in one copy."""
    return [part.item() for part in parts] if parts[0].is_cpu else torch.stack(parts).tolist()


def _numbers(tensor: Tensor, axis: int | None, domain: tuple[Domain, ...]) -> Observed:
    values = tensor.detach() if tensor.dtype is torch.float32 else tensor.detach().float()
    lowest, highest = _read(*torch.aminmax(values))
    finite = isfinite(lowest) and isfinite(highest)
    nonfinite = () if finite else tuple(dict.fromkeys(str(each) for each in (lowest, highest) if not isfinite(each)))
    excess = log_excess = sums = None
    if finite and axis is not None and tensor.dim() > axis and tensor.shape[axis] > 1:
        if lowest >= 0 and highest <= 1 + 1e-3:
            excess = _read(_rows(values, axis).sum(-1).sub(1).abs().amax())[0]
        elif highest <= 1e-2:
            log_excess = _read(_rows(values, axis).logsumexp(-1).abs().amax())[0]
        sums = _sums(_rows(values, axis)) if "distribution" in domain else None
    integral = finite and (lowest >= 0 or bool(domain)) and _read((values == values.round()).all().float())[0] == 1
    return Observed(
        tensor.numel(), lowest if finite else None, highest if finite else None, finite, excess, log_excess, integral,
        nonfinite=nonfinite, outside=_outside(values, domain), sums=sums,
    )  # fmt: skip


def _sums(rows: Tensor) -> tuple[float, float] | None:
    """The least and the greatest sum of a row; rows of zeros, which count nowhere, are left out."""
    kept = rows.sum(-1)[(rows != 0).any(-1)]
    if not kept.numel():
        return None
    least, greatest = _read(*torch.aminmax(kept))
    return least, greatest


def _outside(values: Tensor, domain: tuple[Domain, ...]) -> int:
    """How many values are not what a domain of numbers says. NaN is told of elsewhere."""
    if "signs" in domain:
        return int(_read(((values.abs() != 1) & (values == values)).sum())[0])
    if "unit_interval" in domain:
        return int(_read(((values < 0) | (values > 1)).sum())[0])
    return 0


def _rows(values: Tensor, axis: int) -> Tensor:
    """The rows along an axis, as many as may be looked at."""
    rows = values.movedim(axis, -1)
    if rows.numel() <= LARGEST:
        return rows
    return rows.reshape(-1, rows.shape[-1])[: max(1, LARGEST // rows.shape[-1])]


def _indices(tensor: Tensor, ignore_index: int | None, domain: tuple[Domain, ...]) -> Observed:
    values = tensor.detach()
    ignored = 0
    lowest, highest = (int(each) for each in _read(*torch.aminmax(values)))
    if ignore_index is not None and lowest <= ignore_index <= highest:
        kept = values[values != ignore_index]
        ignored = values.numel() - kept.numel()
        if not kept.numel():
            return Observed(values.numel(), integral=True, ignored=ignored)
        lowest, highest = (int(each) for each in _read(*torch.aminmax(kept)))
    return Observed(values.numel(), lowest, highest, integral=True, ignored=ignored, outside=_outside(values, domain))


def histogram(tensor: Tensor) -> tuple[tuple[int, int], ...]:
    """How often each whole number occurs, the most frequent first."""
    numbers, counts = torch.unique(tensor.detach(), return_counts=True)
    pairs = sorted(zip(numbers.tolist(), counts.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
    return tuple((int(number), int(count)) for number, count in pairs[:MOST_COUNTS])
