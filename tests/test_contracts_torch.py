"""Do the contracts tell the truth about the installed torch?

Every test is made from the table, so that a new contract is tested as soon as it is written. A function that needs more than its input
gets its other arguments from ARGUMENTS, by the last part of its name; without them its tests fail and say so.
"""

from __future__ import annotations

import importlib
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from torchlint.contracts import reading
from torchlint.contracts.schema import Call, Module, Takes
from torchlint.contracts.table import load
from torchlint.model import Kind

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional
pytestmark = pytest.mark.filterwarnings("ignore")

CONTRACTS = reading.builtin()
TABLE = load()

LEGACY = {"torch.nn.CrossEntropyLoss2d", "torch.nn.BCELoss2d", "torch.Variable", "torch.nn.Buffer"}
"""Names that old programs use and that are gone (Variable: its module is an alias), or newer than the oldest torch supported."""

NOT_COMPUTING = ("torch.nn.Module.", "torch.nn.Sequential.", "torch.nn.ModuleList.", "torch.distributions.", "torch.utils.")
CREATION = {name for call in reading.read_files()["creation.toml"].call for name in call.names}

IMAGE, SEQUENCE, TABULAR = (2, 4, 8, 8), (2, 4, 8), (4, 6)
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(["softmax", "log_softmax", "softmin", "amax", "amin", "logsumexp", "topk", "kthvalue", "cumsum", "cumprod"], (1,)),
    **dict.fromkeys(["argsort", "argmax", "argmin", "sort", "cummax", "cummin", "mode", "unsqueeze", "unbind", "max", "min"], (1,)),
    **dict.fromkeys(["median", "nanmedian"], (1,)),
    **dict.fromkeys(["clamp", "clip"], (0.2, 0.7)), "clamp_min": (0.2,), "clamp_max": (0.7,), "pow": (2,), "threshold": (0.1, 0.0),
    **dict.fromkeys(["eq", "ne", "gt", "ge", "lt", "le", "greater", "greater_equal", "less", "less_equal", "not_equal"], (0.5,)),
    **dict.fromkeys(["add", "sub", "subtract", "mul", "multiply", "div", "divide", "true_divide", "remainder", "fmod", "floor_divide"], (0.5,)),
    **dict.fromkeys(["isclose", "logical_and", "logical_or", "logical_xor", "maximum", "minimum", "copysign", "xlogy"], (torch.rand(TABULAR),)),
    "prelu": (torch.tensor(0.25),), "masked_fill": (torch.rand(TABULAR) > 0.5, -1.0), "masked_select": (torch.rand(TABULAR) > 0.5,),
    **dict.fromkeys(["view", "reshape", "tile", "repeat", "view_copy"], ((2, 12),)), "tile": ((2, 1),), "repeat": (2, 1), "permute": ((1, 0),),
    **dict.fromkeys(["transpose", "swapaxes", "swapdims", "movedim", "moveaxis"], (0, 1)), "squeeze": (0,),
    "unflatten": (1, (2, 3)), "expand": (4, 6), "broadcast_to": ((4, 6),), "expand_as": (torch.rand(TABULAR),), "view_as": (torch.rand(6, 4),),
    "reshape_as": (torch.rand(6, 4),), "narrow": (1, 0, 2), "select": (1, 0), "as_strided": ((2, 2), (1, 2)), "chunk": (2,), "split": (2,),
    "split_with_sizes": ((1, 3),), "tensor_split": (2,), "index_select": (1, torch.tensor([0, 2])), "gather": (1, torch.tensor([[0], [1], [0], [2]])),
    "take": (torch.tensor([0, 3]),), "take_along_dim": (torch.tensor([[0], [1], [0], [2]]), 1), "repeat_interleave": (2,), "flip": ((0,),),
    "roll": (1, 0), "to": (torch.device("cpu"),), "type": (torch.float64,), "type_as": (torch.rand(2),), "rot90": (),
    "isin": (torch.tensor([0.5]),), "where": (torch.rand(TABULAR), torch.rand(TABULAR)), "requires_grad_": (False,),
    **dict.fromkeys(["matmul", "mm", "inner"], (torch.rand(6, 6),)), "outer": (torch.rand(3),), "mv": (torch.rand(6),), "dot": (torch.rand(6),),
    "bmm": (torch.rand(4, 2, 3),), "multinomial": (2,), "linear": (torch.rand(3, 6),), "bilinear": (torch.rand(4, 5), torch.rand(3, 6, 5)),
    "conv1d": (torch.rand(4, 4, 3),), "conv2d": (torch.rand(4, 4, 3, 3),), "conv3d": (torch.rand(4, 4, 3, 3, 3),),
    "conv_transpose1d": (torch.rand(4, 4, 3),), "conv_transpose2d": (torch.rand(4, 4, 3, 3),), "conv_transpose3d": (torch.rand(4, 4, 3, 3, 3),),
    "batch_norm": (None, None, None, None, True), "layer_norm": ((6,), torch.rand(6)), "rms_norm": ((6,),), "group_norm": (2,),
    "local_response_norm": (2,), "scaled_dot_product_attention": (torch.rand(2, 4, 8), torch.rand(2, 4, 8)),
    **dict.fromkeys([f"{kind}_pool{n}d" for kind in ("max", "avg") for n in (1, 2, 3)], (2,)),
    **dict.fromkeys([f"adaptive_{kind}_pool{n}d" for kind in ("max", "avg") for n in (1, 2, 3)], (1,)),
    **dict.fromkeys([f"lp_pool{n}d" for n in (1, 2, 3)], (2, 2)), **dict.fromkeys(["pixel_shuffle", "pixel_unshuffle", "channel_shuffle"], (2,)),
    **dict.fromkeys(["interpolate", "upsample", "upsample_bilinear", "upsample_nearest"], (16,)), "grid_sample": (torch.rand(2, 3, 3, 2) * 2 - 1,),
    "unfold": (2,), "fold": ((3, 3), 2), "pad": ((1, 1),), **dict.fromkeys(["cosine_similarity", "pairwise_distance", "cdist"], (torch.rand(TABULAR),)),
    "embedding": (torch.rand(7, 3),), **dict.fromkeys(["dropout", "alpha_dropout", "feature_alpha_dropout", "feature_dropout"], (0.5, True)),
    **dict.fromkeys(["dropout1d", "dropout2d", "dropout3d"], (0.5, True)), "rrelu": (0.125, 0.3, True), "pack_padded_sequence": (torch.tensor([6] * 4), True),
    **dict.fromkeys(["fill", "index_fill"], (0.5,)), "copy": (torch.rand(TABULAR),), "bernoulli": (), "geometric": (0.5,),
    "lerp": (torch.rand(TABULAR), 0.5), **dict.fromkeys(["addcmul", "addcdiv"], (torch.rand(TABULAR), torch.rand(TABULAR) + 1)),
    "scatter": (1, torch.zeros(4, 1, dtype=torch.int64), 0.5), "index_fill": (1, torch.tensor([0]), 0.5), "renorm": (2, 0, 1.0),
    **dict.fromkeys(["scatter_add", "index_add", "index_copy"], (1, torch.tensor([0]), torch.rand(4, 1))), "fill_diagonal": (0.5,),
    "scatter_add": (1, torch.zeros(4, 1, dtype=torch.int64), torch.rand(4, 1)), "put": (torch.tensor([0]), torch.tensor([0.5])),
    "scatter_reduce": (1, torch.zeros(4, 1, dtype=torch.int64), torch.rand(4, 1), "sum"), "index_put": ((torch.tensor([0]),), torch.tensor(0.5)),
    "masked_scatter": (torch.rand(TABULAR) > 0.5, torch.rand(24)), "addmm": (torch.rand(4, 2), torch.rand(2, 6)), "apply": (lambda value: value,),
    "baddbmm": (torch.rand(2, 4, 3), torch.rand(2, 3, 8)), "addmv": (torch.rand(6, 3), torch.rand(3)), "map": (torch.rand(TABULAR), lambda one, two: one),
}  # fmt: skip
"""Further arguments by the last part of a name, without a trailing underscore."""
SHAPES: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(["conv1d", "conv_transpose1d", "bmm", "scaled_dot_product_attention", "baddbmm", "dropout1d", "feature_alpha_dropout"], SEQUENCE),
    **dict.fromkeys(["conv2d", "conv_transpose2d", "dropout2d", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "interpolate"], IMAGE),
    **dict.fromkeys(["upsample", "upsample_bilinear", "upsample_nearest", "grid_sample", "local_response_norm", "group_norm", "batch_norm"], IMAGE),
    **dict.fromkeys(["instance_norm", "feature_dropout"], IMAGE), "fold": (1, 4, 4), "conv3d": (2, 4, 6, 6, 6), "conv_transpose3d": (2, 4, 6, 6, 6),
    "dropout3d": (2, 4, 6, 6, 6), **{f"{kind}_pool1d": SEQUENCE for kind in ("max", "avg", "adaptive_max", "adaptive_avg", "lp")},
    **{f"{kind}_pool2d": IMAGE for kind in ("max", "avg", "adaptive_max", "adaptive_avg", "lp")},
    **{f"{kind}_pool3d": (2, 4, 6, 6, 6) for kind in ("max", "avg", "adaptive_max", "adaptive_avg", "lp")},
    "squeeze": (1, 6), "dot": (6,), "outer": (6,), "pack_padded_sequence": (4, 6, 3), "addmv": (6,),
}  # fmt: skip
BY_NAME = {"torch.nn.functional.unfold": IMAGE, "torch.Tensor.unfold": TABULAR}
ARGUMENTS_BY_NAME: dict[str, tuple[Any, ...]] = {
    "torch.Tensor.unfold": (1, 2, 1), "torch.threshold": (0.1, 0.0), "torch.Tensor.bernoulli_": (), "torch.nn.functional.alpha_dropout": (0.5, True),
    "torch.Tensor.tolist": (), "torch.nn.functional.softmax": (1,), "torch.selu": (), "torch.Tensor.repeat": (2, 1), "torch.isin": (torch.tensor([0.5]),),
}  # fmt: skip
INTEGER_INPUT = {"one_hot", "embedding", "bincount"}
SETTINGS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(["Linear"], (6, 3)), "LazyLinear": (3,), "Bilinear": (6, 5, 3), **dict.fromkeys(["Conv1d", "Conv2d", "Conv3d"], (4, 4, 3)),
    **dict.fromkeys(["ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"], (4, 4, 3)), **dict.fromkeys(["LazyConv1d", "LazyConv2d", "LazyConv3d"], (4, 3)),
    **dict.fromkeys(["LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d"], (4, 3)), "Embedding": (7, 3), "EmbeddingBag": (7, 3),
    **dict.fromkeys([f"{kind}Norm{n}d" for kind in ("Batch", "Instance") for n in (1, 2, 3)], (4,)), "SyncBatchNorm": (4,), "LayerNorm": (6,),
    "RMSNorm": (6,), "GroupNorm": (2, 4), "LocalResponseNorm": (2,), "CrossMapLRN2d": (2,), **dict.fromkeys(["LSTM", "GRU", "RNN"], (6, 5)),
    **dict.fromkeys(["LSTMCell", "GRUCell", "RNNCell"], (6, 5)), "MultiheadAttention": (8, 2), "Transformer": (8, 2, 1, 1, 16),
    **dict.fromkeys(["TransformerEncoderLayer", "TransformerDecoderLayer"], (8, 2, 16)),
    **dict.fromkeys([f"{kind}Pool{n}d" for kind in ("Max", "Avg") for n in (1, 2, 3)], (2,)), "Threshold": (0.1, 0.0),
    **dict.fromkeys([f"Adaptive{kind}Pool{n}d" for kind in ("Max", "Avg") for n in (1, 2, 3)], (1,)), "Unflatten": (1, (2, 2)), "Fold": ((3, 3), 2),
    **dict.fromkeys(["LPPool1d", "LPPool2d", "LPPool3d"], (2, 2)), **dict.fromkeys(["FractionalMaxPool2d", "FractionalMaxPool3d"], (2, 3)),
    **dict.fromkeys(["PixelShuffle", "PixelUnshuffle", "ChannelShuffle", "Unfold"], (2,)), "Upsample": (16,), "UpsamplingNearest2d": (16,),
    "UpsamplingBilinear2d": (16,), **dict.fromkeys([f"{kind}Pad{n}d" for kind in ("Circular", "Reflection", "Replication", "Zero") for n in (1, 2, 3)], (1,)),
    **dict.fromkeys([f"ConstantPad{n}d" for n in (1, 2, 3)], (1, 0.5)), "Softmax": (1,), "Softmin": (1,), "LogSoftmax": (1,),
}  # fmt: skip
"""Constructor arguments of modules, by class name."""
UNTRIED_MODULES = {"MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d", "EmbeddingBag", "TransformerEncoder", "TransformerDecoder", "AdaptiveLogSoftmaxWithLoss"}
"""Modules that need the result of others; their parts are tried."""


def resolve(name: str) -> Any:
    """The object of that name in the installed torch."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part)
        return found
    raise AttributeError(name)


def torch_names(contracts: dict[str, Any]) -> list[str]:
    return [name for name in contracts if name.startswith("torch.") and name not in LEGACY]


def bare(name: str) -> str:
    return name.rpartition(".")[2].removesuffix("_")


def arguments(name: str) -> tuple[Any, ...]:
    return ARGUMENTS_BY_NAME.get(name, ARGUMENTS.get(bare(name), ()))


def sample(name: str, kind: Kind = Kind.UNKNOWN, dtype: Any = None) -> Any:
    """A tensor of this kind, of a shape that the function takes, away from corners."""
    shape = BY_NAME.get(name, SHAPES.get(bare(name), TABULAR))
    if bare(name) in INTEGER_INPUT:
        return torch.randint(0, 5, (4,))
    return tensor_of(kind, shape, dtype or torch.float32)


def tensor_of(kind: Kind, shape: tuple[int, ...], dtype: Any) -> Any:
    raw = torch.randn(shape, dtype=dtype) * 3
    axis = 1 if len(shape) > 1 else 0
    makers: dict[Kind, Callable[[], Any]] = {
        Kind.LOGITS: lambda: raw,
        Kind.PROBABILITIES: lambda: raw.softmax(axis),
        Kind.LOG_PROBABILITIES: lambda: raw.log_softmax(axis),
        Kind.UNIT_INTERVAL: lambda: raw.sigmoid(),
        Kind.LOG_UNIT_INTERVAL: lambda: F.logsigmoid(raw),
        Kind.NONNEGATIVE: lambda: raw.relu(),
        Kind.SIGNED_UNIT: lambda: raw.tanh(),
        Kind.ONE_HOT: lambda: torch.zeros(shape, dtype=dtype).scatter_(axis, raw.argmax(axis, keepdim=True), 1),
        Kind.CLASS_INDICES: lambda: torch.randint(0, 5, shape).to(dtype),
        Kind.UNKNOWN: lambda: torch.rand(shape, dtype=dtype) * 0.8 + 0.1,
    }
    return makers[kind]()


def holds(kind: Kind, x: Any) -> bool:
    """Whether these numbers can be of that kind."""
    near = 1e-4
    tests: dict[Kind, Callable[[], bool]] = {
        Kind.LOGITS: lambda: x.is_floating_point() and bool(torch.isfinite(x).all()),
        Kind.PROBABILITIES: lambda: inside(x, 0, 1) and any(torch.allclose(x.sum(axis), torch.ones(()), atol=near) for axis in range(x.ndim)),
        Kind.LOG_PROBABILITIES: lambda: inside(x, -1e9, 0) and any(torch.allclose(x.exp().sum(a), torch.ones(()), atol=near) for a in range(x.ndim)),
        Kind.UNIT_INTERVAL: lambda: inside(x, 0, 1),
        Kind.LOG_UNIT_INTERVAL: lambda: inside(x, -1e9, 0),
        Kind.NONNEGATIVE: lambda: inside(x, 0, 1e9),
        Kind.SIGNED_UNIT: lambda: inside(x, -1, 1),
        Kind.ONE_HOT: lambda: bool(((x == 0) | (x == 1)).all()) and any(bool((x.sum(axis) == 1).all()) for axis in range(x.ndim)),
        Kind.CLASS_INDICES: lambda: bool((x == x.round()).all()) and bool((x >= 0).all()),
        Kind.UNKNOWN: lambda: True,
    }
    return tests[kind]()


def inside(x: Any, low: float, high: float) -> bool:
    return bool(((x >= low - 1e-6) & (x <= high + 1e-6)).all())


def apply(name: str, x: Any) -> Any:
    function = resolve(name)
    return function(x, *arguments(name)) if callable(function) else getattr(x, bare(name))


def computing(name: str, call: Call) -> bool:
    """Whether the tests can call it on a tensor."""
    return (
        name.startswith("torch.")
        and name not in LEGACY | CREATION
        and not name.startswith(NOT_COMPUTING)
        and call.loss is None
        and call.effect is None
        and not call.metadata
        and call.params[:1] not in (("self",), ("tensors",), ("sequences",), ("sequence",), ("equation",), ("elements",), ("condition",))
        and bare(name) not in ("__array__", "pin_memory", "share_memory", "cuda", "xpu", "mtia", "retain_grad", "item", "from_pretrained", "x")
    )


COMPUTING = {name: call for name, call in CONTRACTS.calls.items() if computing(name, call)}
MODULES = {name: module for name, module in CONTRACTS.modules.items() if name.startswith("torch.nn.") and name not in LEGACY}


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
    if isinstance(resolve(name), type) or name.startswith(("torch.nn.Module.", "torch.utils.", "torch.vmap", "torch.func", "torch.no_grad")):
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
    assert holds(after, apply(name, sample(name, before)))


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


@pytest.mark.parametrize("name", [name for name, call in COMPUTING.items() if call.dtype is not None and not call.returns])
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


@pytest.mark.parametrize("name", [name for name in CREATION if CONTRACTS.calls[name].dtype and not name.startswith("torch.cuda") and name not in LEGACY])
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
    x = storage_sample(name, COMPUTING[name])
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
        try:
            result.sum().backward()
        except RuntimeError as error:
            assert "modified by an inplace operation" in str(error)
            found.add(which)
    return found


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


TWO_OPERANDS = {"mul", "multiply", "div", "divide", "true_divide", "matmul", "mm", "bmm", "mv", "dot", "inner", "outer", "maximum", "minimum"} | {
    "copysign", "xlogy", "addcmul", "addcdiv", "lerp", "masked_scatter", "cumprod", "prod", "std", "var", "fmod", "remainder", "put",
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
    measured = saved_by(lambda x: resolve(name)(x, *given, **{call.inplace: True}, **training(name)), sample(name))
    assert measured == ({"input", "output"} if "output" in call.saved(inplace=True) else set())


# --- modules


def instance(name: str) -> Any:
    return resolve(name)(*SETTINGS.get(bare(name), ()))


def module_input(name: str) -> tuple[Any, ...]:
    short = bare(name)
    if short in ("Embedding", "EmbeddingBag"):
        return (torch.randint(0, 5, (4,)),)
    if short == "Bilinear":
        return torch.rand(4, 6), torch.rand(4, 5)
    if short in ("CosineSimilarity", "PairwiseDistance"):
        return torch.rand(4, 6), torch.rand(4, 6)
    if short == "MultiheadAttention":
        return (torch.rand(5, 3, 8),) * 3
    if short in ("Transformer", "TransformerDecoderLayer"):
        return torch.rand(5, 3, 8), torch.rand(5, 3, 8)
    if short == "TransformerEncoderLayer":
        return (torch.rand(5, 3, 8),)
    if short in ("LSTM", "GRU", "RNN"):
        return (torch.rand(3, 4, 6),)
    shape = {"3": (2, 4, 8, 8, 8), "1": SEQUENCE}.get(short[-2], IMAGE) if short.endswith("d") and short[-2].isdigit() else None
    if shape is None:
        images = ("SyncBatchNorm", "GroupNorm", "LocalResponseNorm", "PixelShuffle", "PixelUnshuffle", "ChannelShuffle", "Unfold", "Upsample", "PReLU")
        shape = (1, 4, 4) if short == "Fold" else IMAGE if short in (*images, "Unflatten") else TABULAR
    return (torch.rand(shape) * 0.8 + 0.1,)


def forward_of(name: str) -> Call:
    call = TABLE.forward(MODULES[name])
    assert call is not None
    return call


def tried(name: str) -> bool:
    call = TABLE.forward(MODULES[name])
    return call is not None and call.loss is None and bare(name) not in UNTRIED_MODULES


TRIED = [name for name in MODULES if tried(name)]


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
    if "Reflection" in name or "Replication" in name:
        measured.discard("input")  # only its shape is looked at by the gradient
    assert measured == set(call.saves)


@pytest.mark.parametrize("name", TRIED)
def test_modules_that_own_weights(name: str) -> None:
    module = instance(name)
    if forward_of(name).parameters:
        assert any(True for _ in module.parameters())
    else:
        assert not any(True for _ in module.parameters())


@pytest.mark.parametrize("name", [name for name in torch_names(CONTRACTS.modules) if CONTRACTS.modules[name].tensors])
def test_parameters_that_may_be_tensors(name: str) -> None:
    assert set(CONTRACTS.modules[name].tensors) <= set(inspect.signature(resolve(name)).parameters)


# --- the mistakes that `takes` rules out can be seen


X = torch.randn(64, 5) * 2
Y = X.argmax(1)
MULTI = (torch.rand(64, 5) > 0.5).float()


def losses_of(family: str) -> list[str]:
    return [name for name, call in CONTRACTS.calls.items() if call.loss == family and name.startswith("torch.nn.functional.")]


def accepted(name: str, role: str) -> Takes:
    return CONTRACTS.calls[name].takes[role]


@pytest.mark.parametrize("name", losses_of("cross_entropy"))
def test_cross_entropy_of_probabilities_is_another_number(name: str) -> None:
    function = resolve(name)
    assert Kind.PROBABILITIES not in accepted(name, "input").kinds
    good, bad, redundant = function(X * 9, Y), function((X * 9).softmax(1), Y), function((X * 9).log_softmax(1), Y)
    assert good < 0.1
    assert bad > 0.9  # softmax twice: not below 0.90 for 5 classes, however good the network
    assert torch.allclose(good, redundant)
    for kind in (Kind.PROBABILITIES, Kind.ONE_HOT):
        assert kind in accepted(name, "target").kinds
        function(X, tensor_of(kind, (64, 5), torch.float32))
    with pytest.raises(RuntimeError):
        function(X, Y.float())
    with pytest.raises(RuntimeError):
        function(X, F.one_hot(Y, 5))


@pytest.mark.parametrize("name", losses_of("nll"))
def test_nll_without_logarithms_is_negative(name: str) -> None:
    function = resolve(name)
    assert accepted(name, "input").kinds == (Kind.LOG_PROBABILITIES,)
    assert function(X.log_softmax(1), Y) >= 0
    assert function(X, Y) < 0
    assert function(X.softmax(1), Y) < 0
    with pytest.raises(RuntimeError):
        function(X.log_softmax(1), Y.float())


@pytest.mark.parametrize("name", losses_of("bce"))
def test_bce_refuses_logits_and_integers(name: str) -> None:
    function = resolve(name)
    for kind in accepted(name, "input").kinds:
        function(tensor_of(kind, (64, 5), torch.float32), MULTI)
    with pytest.raises(RuntimeError):
        function(X, MULTI)
    with pytest.raises(RuntimeError):
        function(X.sigmoid(), MULTI.long())


@pytest.mark.parametrize("name", losses_of("bce_with_logits"))
def test_bce_with_logits_of_a_sigmoid_does_not_reach_zero(name: str) -> None:
    function = resolve(name)
    assert accepted(name, "input").kinds == (Kind.LOGITS,)
    perfect = (MULTI * 2 - 1) * 20
    assert function(perfect, MULTI) < 1e-6
    assert function(perfect.sigmoid(), MULTI) > 0.31
    with pytest.raises(RuntimeError):
        function(X, MULTI.long())
    with pytest.raises(RuntimeError):
        function(X, MULTI.bool())


@pytest.mark.parametrize("name", losses_of("soft_margin"))
def test_soft_margin_losses_compute_with_integers(name: str) -> None:
    function = resolve(name)
    assert not function(X, MULTI.long()).isnan()
    assert torch.allclose(function(X, MULTI.long()), function(X, MULTI))


@pytest.mark.parametrize("name", losses_of("kl_div"))
def test_kl_div_of_anything_but_logarithms_is_negative(name: str) -> None:
    function, p = resolve(name), X.softmax(1)
    assert Kind.LOG_PROBABILITIES in accepted(name, "input").kinds
    assert abs(function(p.log(), p, reduction="batchmean")) < 1e-6
    assert function(p, p, reduction="batchmean") < 0
    assert function((X + 30), p, reduction="batchmean") < 0
    assert abs(function(p.log(), p.log(), reduction="batchmean")) > 1e-3 or function(p.log(), p.log(), reduction="batchmean").isnan()


@pytest.mark.parametrize("name", losses_of("distance"))
def test_distances(name: str) -> None:
    assert resolve(name)(X, X) == 0


def test_multinomial_refuses_logits() -> None:
    with pytest.raises(RuntimeError):
        torch.multinomial(-X.abs(), 1)


@pytest.mark.parametrize("name", [name for name in CONTRACTS.calls if name.startswith("torch.distributions.")])
def test_distributions_take_what_they_say(name: str) -> None:
    call, first = CONTRACTS.calls[name], {"total_count": 1, "temperature": torch.tensor(0.5)}
    given = {parameter: value for parameter, value in first.items() if parameter in call.params}
    for parameter, takes in call.takes.items():
        for kind in takes.kinds:
            x = tensor_of(kind, (64, 5), torch.float32)
            if kind in (Kind.NONNEGATIVE, Kind.ONE_HOT):
                x = x + 1e-3 if kind is Kind.NONNEGATIVE else x.clamp(1e-6, 1 - 1e-6)
            resolve(name)(**given, **{parameter: x})
