"""Do the contracts tell the truth about memory: what shares it, what writes it, and what backward still needs of it?

Every test is made from the table; see test_contracts_torch.py.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

from torchlint.contracts.schema import Call

torch = pytest.importorskip("torch")
from support.tensors import COMPUTING, TRIED, apply, arguments, bare, forward_of, instance, module_input, resolve, sample  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


# --- memory


def shares(one: Any, two: Any) -> bool:
    return bool(one.untyped_storage().data_ptr() == two.untyped_storage().data_ptr())


def storage_sample(name: str, call: Call) -> Any:
    """An input that already is what the call would make it, so that a call that may share memory does."""
    dtype = getattr(torch, call.dtype, None) if call.dtype not in (None, "same") and "of:" not in call.dtype else None
    x = sample(name)
    if bare(name) == "type":
        return x.double()
    return x.to(dtype) if dtype is not None else x


TOUCHING = [name for name, call in COMPUTING.items() if not call.returns and bare(name) not in ("tolist", "pack_padded_sequence")]


@pytest.mark.parametrize("name", [name for name in TOUCHING if COMPUTING[name].storage == "view"])
def test_views_share_memory(name: str) -> None:
    x = storage_sample(name, COMPUTING[name])
    result = apply(name, x)
    for part in result if isinstance(result, tuple | list) else [result]:
        assert shares(torch.as_tensor(part), x)


@pytest.mark.parametrize("name", [name for name in TOUCHING if COMPUTING[name].storage == "fresh"])
def test_fresh_results_do_not(name: str) -> None:
    x = sample(name)
    before = x.clone()
    assert not shares(apply(name, x), x)
    assert torch.equal(x, before)


@pytest.mark.parametrize("name", [name for name in TOUCHING if COMPUTING[name].storage == "inplace"])
def test_writers_give_what_they_wrote(name: str) -> None:
    x = sample(name)
    assert apply(name, x) is x


@pytest.mark.parametrize("name", [name for name in TOUCHING if COMPUTING[name].inplace])
def test_the_parameter_that_makes_it_write_in_place(name: str) -> None:
    call, x = COMPUTING[name], sample(name)
    assert call.inplace is not None
    assert resolve(name)(x, *arguments(name)[: 2 if "dropout" not in name else 0], **{call.inplace: True}, **training(name)) is x


def training(name: str) -> dict[str, bool]:
    return {"training": True} if "dropout" in name else {}


# --- what backward needs


def saved_by(compute: Callable[[Any], Any], x: Any) -> set[str]:
    """Which of input and output backward needs: writing it afterwards makes backward fail."""
    found = set()
    for which in ("input", "output"):
        torch.manual_seed(0)
        leaf = x.clone().requires_grad_()
        given = leaf * 1.0
        result = compute(given)
        (given if which == "input" else result).add_(1)
        if backward_fails(result.sum()):
            found.add(which)
    return found


def backward_fails(loss: Any) -> bool:
    """Whether a tensor that backward needs has been overwritten; any other error is one of the test."""
    try:
        loss.backward()
    except RuntimeError as error:
        if "modified by an inplace operation" not in str(error):
            raise
        return True
    return False


def differentiable(name: str) -> bool:
    if name.startswith("torch.nn.utils") or bare(name) in ("numpy", "tolist", "detach", "data", "requires_grad") or COMPUTING[name].storage == "view":
        return False
    x = sample(name)
    if not x.is_floating_point():
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = apply(name, x.requires_grad_() * 1.0)
        except (RuntimeError, TypeError):
            return False
    return isinstance(result, torch.Tensor) and result.requires_grad and result.is_floating_point()


TWO_OPERANDS = {
    "mul", "multiply", "div", "divide", "true_divide", "floor_divide", "fmod", "remainder", "matmul", "mm", "bmm", "mv", "dot", "inner", "outer",
    "maximum", "minimum", "copysign", "xlogy", "addcmul", "addcdiv", "lerp", "masked_scatter", "scatter_reduce", "put", "cumprod", "prod", "std",
    "var", "scaled_dot_product_attention",
}  # fmt: skip
"""What they keep depends on which operand requires a gradient, or they are reductions of no interest; the contracts say nothing."""


@pytest.mark.parametrize("name", [name for name in TOUCHING if bare(name) not in TWO_OPERANDS and differentiable(name)])
def test_saves(name: str) -> None:
    call = COMPUTING[name]
    measured = saved_by(lambda x: apply(name, x), sample(name))
    if call.storage == "inplace":  # input and output are one tensor
        assert measured == ({"input", "output"} if "output" in call.saves else set())
    else:
        assert measured == set(call.saves)


@pytest.mark.parametrize("name", [name for name in TOUCHING if COMPUTING[name].inplace])
def test_saves_in_place(name: str) -> None:
    call = COMPUTING[name]
    given = arguments(name)[: 2 if "dropout" not in name else 0]
    flags = {str(call.inplace): True, **training(name)}
    measured = saved_by(lambda x: resolve(name)(x, *given, **flags), sample(name))
    assert measured == ({"input", "output"} if "output" in call.saved(inplace=True) else set())


@pytest.mark.parametrize("name", TRIED)
def test_dtype_and_memory_of_a_module(name: str) -> None:
    call, inputs = forward_of(name), module_input(name)
    result = instance(name)(*inputs)
    if call.returns:
        return
    if call.dtype is not None:
        assert str(result.dtype) == ("torch.float32" if call.dtype != "same" else str(inputs[0].dtype))
    assert shares(result, inputs[0]) == (call.storage == "view")


@pytest.mark.parametrize("name", [name for name in TRIED if bare(name) not in ("Embedding", "LSTMCell", "MultiheadAttention", "CosineSimilarity")])
def test_what_a_module_saves(name: str) -> None:
    call, module, inputs = forward_of(name), instance(name), module_input(name)
    module(*inputs)  # lazy modules find their sizes

    def compute(x: Any) -> Any:
        result = module(x, *inputs[1:])
        return result[0] if isinstance(result, tuple) else result

    if call.storage == "view" or bare(name) in ("PairwiseDistance", "Transformer"):
        return
    measured = saved_by(compute, inputs[0])
    assert measured == set(call.saves)
