"""Tensors of every kind, and the arguments with which the functions and modules of torch can be tried on them.

A function that needs more than its input gets the rest from ARGUMENTS, by the last part of its name, and an input of the shape in SHAPES:

    apply("torch.Tensor.clamp_", sample("torch.Tensor.clamp_", Kind.LOGITS))

Import this only where torch is installed.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import torch as real_torch

from torchlint.contracts import reading
from torchlint.contracts.schema import Call
from torchlint.contracts.table import load
from torchlint.model import Kind

torch: Any = real_torch  # its types change from release to release
torch.set_num_threads(1)  # the tensors are tiny
torch.manual_seed(0)
F = torch.nn.functional

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
    **dict.fromkeys(["matmul", "mm", "spmm", "inner"], (torch.rand(6, 6),)), "outer": (torch.rand(3),),
    "mv": (torch.rand(6),), "dot": (torch.rand(6),),
    "bmm": (torch.rand(2, 8, 3),), "multinomial": (2,), "linear": (torch.rand(3, 6, requires_grad=True),),
    "bilinear": (torch.rand(4, 5), torch.rand(3, 6, 5, requires_grad=True)),
    "conv1d": (torch.rand(4, 4, 3),), "conv2d": (torch.rand(4, 4, 3, 3),), "conv3d": (torch.rand(4, 4, 3, 3, 3),),
    "conv_transpose1d": (torch.rand(4, 4, 3),), "conv_transpose2d": (torch.rand(4, 4, 3, 3),), "conv_transpose3d": (torch.rand(4, 4, 3, 3, 3),),
    "batch_norm": (None, None, None, None, True), "layer_norm": ((6,), torch.rand(6)), "rms_norm": ((6,),), "group_norm": (2,),
    "local_response_norm": (2,), "scaled_dot_product_attention": (torch.rand(2, 4, 8, requires_grad=True), torch.rand(2, 4, 8)),
    **dict.fromkeys([f"{kind}_pool{n}d" for kind in ("max", "avg") for n in (1, 2, 3)], (2,)),
    **dict.fromkeys([f"adaptive_{kind}_pool{n}d" for kind in ("max", "avg") for n in (1, 2, 3)], (1,)),
    **dict.fromkeys([f"lp_pool{n}d" for n in (1, 2, 3)], (2, 2)), **dict.fromkeys(["pixel_shuffle", "pixel_unshuffle", "channel_shuffle"], (2,)),
    **dict.fromkeys(["interpolate", "upsample", "upsample_bilinear", "upsample_nearest"], (16,)), "grid_sample": (torch.rand(2, 3, 3, 2) * 2 - 1,),
    "unfold": (2,), "fold": ((3, 3), 2), "pad": ((1, 1),),
    **dict.fromkeys(["cosine_similarity", "pairwise_distance", "cdist"], (torch.rand(TABULAR),)),
    "embedding": (torch.rand(7, 3),), **dict.fromkeys(["dropout", "alpha_dropout", "feature_alpha_dropout", "feature_dropout"], (0.5, True)),
    **dict.fromkeys(["dropout1d", "dropout2d", "dropout3d"], (0.5, True)), "rrelu": (0.125, 0.3, True),
    "pack_padded_sequence": (torch.tensor([6] * 4), True),
    **dict.fromkeys(["fill", "index_fill"], (0.5,)), "copy": (torch.rand(TABULAR),), "bernoulli": (), "geometric": (0.5,),
    "lerp": (torch.rand(TABULAR), 0.5), **dict.fromkeys(["addcmul", "addcdiv"], (torch.rand(TABULAR), torch.rand(TABULAR) + 1)),
    "scatter": (1, torch.zeros(4, 1, dtype=torch.int64), 0.5), "index_fill": (1, torch.tensor([0]), 0.5), "renorm": (2, 0, 1.0),
    **dict.fromkeys(["scatter_add", "index_add", "index_copy"], (1, torch.tensor([0]), torch.rand(4, 1))), "fill_diagonal": (0.5,),
    "scatter_add": (1, torch.zeros(4, 1, dtype=torch.int64), torch.rand(4, 1)), "put": (torch.tensor([0]), torch.tensor([0.5])),
    "scatter_reduce": (1, torch.zeros(4, 1, dtype=torch.int64), torch.rand(4, 1), "sum"), "index_put": ((torch.tensor([0]),), torch.tensor(0.5)),
    "masked_scatter": (torch.rand(TABULAR) > 0.5, torch.rand(24)), "addmm": (torch.rand(4, 2), torch.rand(2, 6)), "apply": (lambda value: value,),
    "baddbmm": (torch.rand(2, 4, 3), torch.rand(2, 3, 8)), "addmv": (torch.rand(6, 3), torch.rand(3)),
    "map": (torch.rand(TABULAR), lambda one, two: one),
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
    "torch.Tensor.tolist": (), "torch.nn.functional.softmax": (1,), "torch.selu": (), "torch.Tensor.repeat": (2, 1),
    "torch.isin": (torch.tensor([0.5]),),
}  # fmt: skip
INTEGER_INPUT = {"one_hot", "embedding", "bincount"}
SETTINGS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(["Linear"], (6, 3)), "LazyLinear": (3,), "Bilinear": (6, 5, 3), **dict.fromkeys(["Conv1d", "Conv2d", "Conv3d"], (4, 4, 3)),
    **dict.fromkeys(["ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"], (4, 4, 3)),
    **dict.fromkeys(["LazyConv1d", "LazyConv2d", "LazyConv3d"], (4, 3)),
    **dict.fromkeys(["LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d"], (4, 3)), "Embedding": (7, 3), "EmbeddingBag": (7, 3),
    **dict.fromkeys([f"{kind}Norm{n}d" for kind in ("Batch", "Instance") for n in (1, 2, 3)], (4,)), "SyncBatchNorm": (4,), "LayerNorm": (6,),
    "RMSNorm": (6,), "GroupNorm": (2, 4), "LocalResponseNorm": (2,), "CrossMapLRN2d": (2,), **dict.fromkeys(["LSTM", "GRU", "RNN"], (6, 5)),
    **dict.fromkeys(["LSTMCell", "GRUCell", "RNNCell"], (6, 5)), "MultiheadAttention": (8, 2), "Transformer": (8, 2, 1, 1, 16),
    **dict.fromkeys(["TransformerEncoderLayer", "TransformerDecoderLayer"], (8, 2, 16)),
    **dict.fromkeys([f"{kind}Pool{n}d" for kind in ("Max", "Avg") for n in (1, 2, 3)], (2,)), "Threshold": (0.1, 0.0),
    **dict.fromkeys([f"Adaptive{kind}Pool{n}d" for kind in ("Max", "Avg") for n in (1, 2, 3)], (1,)), "Unflatten": (1, (2, 2)), "Fold": ((3, 3), 2),
    **dict.fromkeys(["LPPool1d", "LPPool2d", "LPPool3d"], (2, 2)), **dict.fromkeys(["FractionalMaxPool2d", "FractionalMaxPool3d"], (2, 3)),
    **dict.fromkeys(["PixelShuffle", "PixelUnshuffle", "ChannelShuffle", "Unfold"], (2,)), "Upsample": (16,), "UpsamplingNearest2d": (16,),
    "UpsamplingBilinear2d": (16,),
    **dict.fromkeys([f"{kind}Pad{n}d" for kind in ("Circular", "Reflection", "Replication", "Zero") for n in (1, 2, 3)], (1,)),
    **dict.fromkeys([f"ConstantPad{n}d" for n in (1, 2, 3)], (1, 0.5)), "Softmax": (1,), "Softmin": (1,), "LogSoftmax": (1,),
}  # fmt: skip
"""Constructor arguments of modules, by class name."""
UNTRIED_MODULES = {"MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d", "EmbeddingBag", "TransformerEncoder", "TransformerDecoder"}
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
    chance = torch.Generator().manual_seed(7)  # the same numbers whichever tests run
    raw = torch.randn(shape, dtype=dtype, generator=chance) * 3
    axis = 1 if len(shape) > 1 else 0
    makers: dict[Kind, Callable[[], Any]] = {
        Kind.LOGITS: lambda: raw,
        Kind.PROBABILITIES: lambda: raw.softmax(axis),
        Kind.LOG_PROBABILITIES: lambda: raw.log_softmax(axis),
        Kind.FLAT_LOG_PROBABILITIES: lambda: raw.softmax(axis).log_softmax(axis),
        Kind.UNIT_INTERVAL: lambda: raw.sigmoid(),
        Kind.LOG_UNIT_INTERVAL: lambda: F.logsigmoid(raw),
        Kind.NONNEGATIVE: lambda: raw.relu(),
        Kind.SIGNED_UNIT: lambda: raw.tanh(),
        Kind.ONE_HOT: lambda: torch.zeros(shape, dtype=dtype).scatter_(axis, raw.argmax(axis, keepdim=True), 1),
        Kind.CLASS_INDICES: lambda: torch.randint(0, 5, shape).to(dtype),
        Kind.UNKNOWN: lambda: torch.rand(shape, dtype=dtype, generator=chance) * 0.8 + 0.1,
    }
    return makers[kind]()


def holds(kind: Kind, x: Any) -> bool:
    """Whether these numbers can be of that kind."""
    near = 1e-4
    tests: dict[Kind, Callable[[], bool]] = {
        Kind.LOGITS: lambda: x.is_floating_point() and bool(torch.isfinite(x).all()),
        Kind.PROBABILITIES: lambda: inside(x, 0, 1) and any(torch.allclose(x.sum(axis), torch.ones(()), atol=near) for axis in range(x.ndim)),
        Kind.LOG_PROBABILITIES: lambda: any(log_distribution(x, axis) for axis in range(x.ndim)),
        Kind.FLAT_LOG_PROBABILITIES: lambda: any(
            log_distribution(x, axis) and bool((x.amax(axis) - x.amin(axis) <= 1).all()) for axis in range(x.ndim)
        ),
        Kind.UNIT_INTERVAL: lambda: inside(x, 0, 1),
        Kind.LOG_UNIT_INTERVAL: lambda: inside(x, -1e9, 0),
        Kind.NONNEGATIVE: lambda: inside(x, 0, 1e9),
        Kind.SIGNED_UNIT: lambda: inside(x, -1, 1),
        Kind.ONE_HOT: lambda: bool(((x == 0) | (x == 1)).all()) and any(bool((x.sum(axis) == 1).all()) for axis in range(x.ndim)),
        Kind.CLASS_INDICES: lambda: bool((x == x.round()).all()) and bool((x >= 0).all()),
        Kind.UNKNOWN: lambda: True,
    }
    return tests[kind]()


def log_distribution(x: Any, axis: int) -> bool:
    return inside(x, -1e9, 0) and torch.allclose(x.exp().sum(axis), torch.ones(()), atol=1e-4)


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
        images = {"SyncBatchNorm", "GroupNorm", "LocalResponseNorm", "PixelShuffle", "PixelUnshuffle", "ChannelShuffle"}
        images |= {"Unfold", "Unflatten", "Upsample", "PReLU"}
        shape = (1, 4, 4) if short == "Fold" else IMAGE if short in images else TABULAR
    return (torch.rand(shape) * 0.8 + 0.1,)


def forward_of(name: str) -> Call:
    call = TABLE.forward(MODULES[name])
    assert call is not None
    return call


def tried(name: str) -> bool:
    call = TABLE.forward(MODULES[name])
    return call is not None and call.loss is None and bare(name) not in UNTRIED_MODULES


TRIED = [name for name in MODULES if tried(name)]
"""The modules of which an instance can be called."""
