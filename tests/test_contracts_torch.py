"""Do the contracts tell the truth about the installed torch: names, signatures, kinds and dtypes?

Every test is made from the table, so that a new contract is tested as soon as it is written. A function that needs more than its input
gets its other arguments from support/tensors.py; without them its tests fail and say so.
"""

from __future__ import annotations

import importlib
import inspect
import pydoc
from typing import Any

import pytest

from torchlint.contracts.reading import builtin
from torchlint.model import Kind

torch = pytest.importorskip("torch")
from support.tensors import (  # noqa: E402
    COMPUTING,
    CONTRACTS,
    CREATION,
    INTEGER_INPUT,
    LEGACY,
    MODULES,
    NOT_COMPUTING,
    TABLE,
    TRIED,
    apply,
    arguments,
    bare,
    forward_of,
    holds,
    inside,
    instance,
    module_input,
    resolve,
    sample,
    tensor_of,
    torch_names,
)

pytestmark = pytest.mark.filterwarnings("ignore")


# --- names and signatures


@pytest.mark.parametrize("name", torch_names(CONTRACTS.calls) + torch_names(CONTRACTS.modules) + torch_names(CONTRACTS.wrappers))
def test_the_name_exists(name: str) -> None:
    resolve(name)


def test_legacy_names_are_gone_or_new() -> None:
    for name in LEGACY - {"torch.nn.Buffer"}:
        with pytest.raises(AttributeError):
            resolve(name)


@pytest.mark.parametrize("name", [name for name in CONTRACTS.dtypes if name.startswith("torch.")])
def test_dtype_names(name: str) -> None:
    if name.startswith("torch.cuda"):
        name = name.replace("cuda.", "")
    real = resolve(name)
    assert str(getattr(real, "dtype", real)).removeprefix("torch.") == TABLE.dtype(name)


@pytest.mark.parametrize("alias", [alias for alias in CONTRACTS.aliases if alias.startswith("torch.nn.modules.")])
def test_modules_of_aliases_exist(alias: str) -> None:
    importlib.import_module(alias)


def signature(target: Any) -> list[inspect.Parameter] | None:
    """The parameters of a Python function; None where they cannot be seen."""
    try:
        parameters = list(inspect.signature(target).parameters.values())
    except (TypeError, ValueError):
        return None
    if any(each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD) for each in parameters):
        return None
    return parameters


def check_signature(params: tuple[str, ...], defaults: dict[str, Any], real: list[inspect.Parameter]) -> None:
    positional = params[: params.index("*")] if "*" in params else params
    names = [each.name for each in real if each.kind is not each.KEYWORD_ONLY]
    if names[:1] == ["self"]:
        names[0] = positional[0]
    assert list(positional) == names[: len(positional)]
    assert set(params) - {"*"} - set(positional) <= {each.name for each in real}
    known = {each.name: each.default for each in real}
    for name, default in defaults.items():
        assert known[name] == default, name


@pytest.mark.parametrize("name", [name for name in torch_names(CONTRACTS.calls) if signature(resolve(name)) is not None])
def test_parameters_of_calls(name: str) -> None:
    call, real = CONTRACTS.calls[name], signature(resolve(name))
    if isinstance(resolve(name), type) or name.startswith(NOT_COMPUTING) or call.effect is not None or call.metadata:
        return
    assert real is not None
    check_signature(call.params, call.defaults, real)


@pytest.mark.parametrize("name", [name for name in MODULES if signature(MODULES[name] and resolve(name)) is not None])
def test_parameters_of_modules(name: str) -> None:
    module, real = MODULES[name], signature(resolve(name))
    assert real is not None
    check_signature(module.params, module.defaults, [each for each in real if each.name not in ("device", "dtype")])


@pytest.mark.parametrize("name", [name for name, module in MODULES.items() if module.forward is not None])
def test_parameters_of_inline_forwards(name: str) -> None:
    module, real = MODULES[name], signature(resolve(name).forward)
    assert module.forward is not None
    assert real is not None
    assert list(module.forward.params) == [each.name for each in real[1 : 1 + len(module.forward.params)]]


# --- kinds


GIVING = [name for name, call in COMPUTING.items() if call.gives in set(Kind) and call.passes_on]
CONVERTING = [(name, before, after) for name, call in COMPUTING.items() for before, after in call.converts.items()]


NEAR: dict[Kind, tuple[float, ...]] = dict.fromkeys((Kind.PROBABILITIES, Kind.UNIT_INTERVAL), (1e-07, 1 - 1e-07))
NEAR |= {Kind.LOG_PROBABILITIES: (-100, 0), Kind.FLAT_LOG_PROBABILITIES: (-100, 0), Kind.LOG_UNIT_INTERVAL: (-100, 0), Kind.CLASS_INDICES: (0, 4)}
LIMITS: dict[str, dict[Kind, tuple[float, ...]]] = {
    **dict.fromkeys(["clamp", "clip"], NEAR),
    "clamp_min": {kind: limits[:1] for kind, limits in NEAR.items()},
    "clamp_max": {kind: limits[1:] for kind, limits in NEAR.items()},
}
"""Limits as people set them, by what they are set for."""


@pytest.mark.parametrize("name", GIVING)
def test_gives(name: str) -> None:
    call = COMPUTING[name]
    for kind in Kind:
        if kind in call.converts or (kind is Kind.CLASS_INDICES and bare(name) == "logit"):
            continue
        if bare(name) in INTEGER_INPUT and kind is not Kind.CLASS_INDICES:
            continue
        x = sample(name, kind)
        if bare(name) == "multinomial" and not inside(x, 0, 1):
            continue
        assert call.gives is not None
        assert holds(Kind(call.gives), apply(name, x)), kind


@pytest.mark.parametrize(("name", "before", "after"), CONVERTING)
def test_converts(name: str, before: Kind, after: Kind) -> None:
    x = sample(name, before)
    assert holds(after, resolve(name)(x, *LIMITS[bare(name)][before]) if bare(name) in LIMITS else apply(name, x))


@pytest.mark.parametrize("name", [name for name, call in COMPUTING.items() if call.gives == "same" and "dropout" not in name])
def test_same_numbers(name: str) -> None:
    """What keeps a kind gives no number that was not there."""
    if "bilinear" in name or bare(name) == "pack_padded_sequence":
        return
    x = sample(name).clone()
    before = x.clone()
    result = apply(name, x)
    for part in result if isinstance(result, tuple | list) else [result]:
        assert bool(torch.isin(torch.as_tensor(part).double(), before.to(torch.as_tensor(part).dtype).double()).all())


@pytest.mark.parametrize("name", [name for name, call in COMPUTING.items() if call.returns])
def test_tuples(name: str) -> None:
    call = COMPUTING[name]
    x = sample(name)
    result = apply(name, x)
    assert len(result) == len(call.returns)
    for gives, part in zip(call.returns, result, strict=True):
        if gives == "same":
            assert bool(torch.isin(part, x).all())
        else:
            assert holds(Kind(gives), part)


@pytest.mark.parametrize("name", [name for name, call in COMPUTING.items() if call.idempotent])
def test_idempotent(name: str) -> None:
    once = apply(name, sample(name, Kind.LOGITS))
    assert torch.allclose(apply(name, once.clone()), once, atol=1e-5)


@pytest.mark.parametrize("name", [name for name, call in COMPUTING.items() if call.keeps_positive])
def test_keeps_positive(name: str) -> None:
    x = sample(name, Kind.LOGITS)
    assert torch.allclose(apply(name, x.clone()).relu(), x.relu())


# --- dtypes


TYPED = [name for name, call in COMPUTING.items() if call.dtype is not None and not call.returns and "pack_padded" not in name]


@pytest.mark.parametrize("name", TYPED)
def test_dtype_of_the_result(name: str) -> None:
    call = COMPUTING[name]
    x = sample(name, dtype=torch.float64 if call.dtype == "same" and not needs_float32(name) else None)
    if bare(name) == "type":
        x = x.double()
    result = apply(name, x)
    expected = {"same": x.dtype, "of:other": torch.float32}.get(call.dtype or "") or getattr(torch, call.dtype or "")
    for part in result if isinstance(result, tuple | list) else [result]:
        assert str(part.dtype).removeprefix("torch.") == str(expected).removeprefix("torch.")


def needs_float32(name: str) -> bool:
    """Whether the further arguments are float32 tensors, so that the input must be too."""
    return any(isinstance(each, torch.Tensor) and each.is_floating_point() for each in arguments(name))


CREATED: dict[str, tuple[Any, ...]] = {
    "full": ((2,), 1), "zeros": (2,), "ones": (2,), "empty": (2,), "rand": (2,), "randn": (2,), "randint": (5, (2,)), "randperm": (3,), "eye": (3,),
    "linspace": (0, 1, 3), "logspace": (0, 1, 3), "full_like": (torch.ones(2).half(), 1), "randint_like": (torch.ones(2).half(), 5),
    "new_full": (torch.ones(2).half(), (2,), 1), "new_tensor": (torch.ones(2).half(), [1]), "tensor": ([1, 2],), "as_tensor": ([1, 2],),
    "asarray": ([1, 2],), "Parameter": (torch.ones(2).half(),),
}  # fmt: skip


MAKING = [name for name in CREATION - LEGACY if CONTRACTS.calls[name].dtype and not name.startswith("torch.cuda")]


@pytest.mark.parametrize("name", sorted(MAKING))
def test_dtype_of_what_is_created(name: str) -> None:
    call = CONTRACTS.calls[name]
    if bare(name) == "from_numpy":
        return
    like = "_like" in name or bare(name).startswith("new")
    given = CREATED.get(bare(name), (torch.ones(2).half(), (2,)) if "new_" in name else (torch.ones(2).half(),) if like else (2,))
    dtype = str(resolve(name)(*given).dtype).removeprefix("torch.")
    assert dtype == {"same": "float16", "of:data": "int64", "of:fill_value": "int64"}.get(call.dtype or "", call.dtype)


def test_fills_that_decide_the_dtype() -> None:
    assert torch.full((2,), 1).dtype == torch.int64
    assert torch.full((2,), 1.0).dtype == torch.float32
    assert torch.full((2,), 1).fill_(0.0).dtype == torch.int64


# --- modules


@pytest.mark.parametrize("name", TRIED)
def test_what_a_module_gives(name: str) -> None:
    call, inputs = forward_of(name), module_input(name)
    result = instance(name)(*inputs)
    if call.returns:
        assert len(result) == len(call.returns)
        for gives, part in zip(call.returns, result, strict=True):
            assert holds(Kind(gives), part)
    elif call.gives in set(Kind) and not call.converts:
        assert holds(Kind(call.gives), result)
    for before, after in call.converts.items():
        assert holds(after, instance(name)(tensor_of(before, tuple(inputs[0].shape), torch.float32), *inputs[1:]))


@pytest.mark.parametrize("name", TRIED)
def test_modules_that_own_weights(name: str) -> None:
    module = instance(name)
    if forward_of(name).parameters:
        assert any(True for _ in module.parameters())
    else:
        assert not any(True for _ in module.parameters())


@pytest.mark.parametrize("name", [name for name in torch_names(CONTRACTS.modules) if CONTRACTS.modules[name].tensors])
def test_parameters_that_may_be_tensors(name: str) -> None:
    if name != "torch.nn.NLLLoss2d":  # it passes everything on
        assert set(CONTRACTS.modules[name].tensors) <= set(inspect.signature(resolve(name)).parameters)


# --- what runs a function of the user's

RUNNERS = {name: contract for name, contract in builtin().handovers.items() if contract.runs is not None}


def _runner(name: str) -> object:
    """What a contract speaks of; the Pool of a module is a method that makes one."""
    made = name.replace("torch.multiprocessing.Pool", "multiprocessing.pool.Pool").replace("multiprocessing.Pool", "multiprocessing.pool.Pool")
    return pydoc.locate(made)


@pytest.mark.parametrize("name", RUNNERS)
def test_what_runs_a_function_takes_these_parameters(name: str) -> None:
    real = [each for each in inspect.signature(_runner(name)).parameters if each != "self"]  # type: ignore[arg-type]
    contract = RUNNERS[name]
    positional = contract.params[: contract.params.index("*")] if "*" in contract.params else contract.params
    assert list(positional) == real[: len(positional)]
    assert {contract.runs, contract.each, contract.args, contract.kwargs} - {None, "*"} <= set(real)
