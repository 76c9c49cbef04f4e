"""Are the contract files well formed, and does the table answer as it says? No torch is needed here."""

from __future__ import annotations

from typing import Any

import pytest

from torchlint.contracts import reading
from torchlint.contracts.checking import check_call, check_module
from torchlint.contracts.schema import Call, Module
from torchlint.contracts.table import Table, load
from torchlint.errors import ConfigError
from torchlint.model import Kind

FILES = reading.read_files()
CALLS = [(file, call) for file, content in FILES.items() for call in content.call]
MODULES = [(file, module) for file, content in FILES.items() for module in content.module]
SORTS = ("call", "module", "model", "wrapper")


def named(pairs: list[tuple[str, Any]]) -> list[Any]:
    return [pytest.param(contract, id=f"{file}:{contract.names[0]}") for file, contract in pairs]


@pytest.fixture(scope="module")
def table() -> Table:
    return load()


# --- the files


@pytest.mark.parametrize("sort", SORTS)
def test_no_name_is_given_twice(sort: str) -> None:
    names = [name for content in FILES.values() for contract in getattr(content, sort) for name in contract.names]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_no_name_is_both_a_call_and_a_module() -> None:
    calls = {name for _, call in CALLS for name in call.names}
    assert sorted(calls & {name for _, module in MODULES for name in module.names}) == []


@pytest.mark.parametrize("call", named(CALLS))
def test_a_call_makes_sense(call: Call, table: Table) -> None:
    assert list(check_call(call)) == []
    assert [name for name in call.names if table.canonical(name) != name] == []
    assert not call.like


@pytest.mark.parametrize("module", named(MODULES))
def test_a_module_makes_sense(module: Module, table: Table) -> None:
    assert list(check_module(module, reading.builtin().calls)) == []
    assert [name for name in module.names if table.canonical(name) != name] == []
    if module.call is not None or module.forward is not None:
        assert table.forward(module) is not None


@pytest.mark.parametrize("call", named([(file, call) for file, call in CALLS if call.loss not in (None, "other")]))
def test_every_loss_speaks_of_input_and_target(call: Call) -> None:
    assert {call.roles.get(role, role) for role in ("input", "target")} <= set(call.params)
    assert set(call.takes) <= {"input", "target"}


@pytest.mark.parametrize("call", named([(file, call) for file, call in CALLS if call.module is not None]))
def test_the_module_to_write_instead_exists(call: Call, table: Table) -> None:
    assert call.module is not None
    spelled = "torch." + call.module.partition("(")[0]
    module = table.module(spelled)
    assert module is not None, spelled
    if module.call is not None:
        forward = table.forward(module)
        assert forward is not None
        assert (forward.gives, forward.loss, forward.converts) == (call.gives, call.loss, call.converts)


def test_models_have_parts_or_outputs() -> None:
    for content in FILES.values():
        for model in content.model:
            assert model.heads or model.layers or model.fields or model.keys, model.names


def test_the_layers_of_vgg16(table: Table) -> None:
    model = table.model("torchvision.models.vgg.vgg16")
    assert model is not None
    features = model.layers["features"]
    assert (len(features), features[:5]) == (31, ("Conv2d", "ReLU(inplace=True)", "Conv2d", "ReLU(inplace=True)", "MaxPool2d"))
    with_norm = table.model("torchvision.models.vgg19_bn")
    assert with_norm is not None
    assert len(with_norm.layers["features"]) == 53


# --- names


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        ("torch.nn.modules.loss.NLLLoss", "torch.nn.NLLLoss"),
        ("torch.nn.modules.activation.Softmax", "torch.nn.Softmax"),
        ("torch.nn.modules.Linear", "torch.nn.Linear"),
        ("torch.nn.modules.module.Module.to", "torch.nn.Module.to"),
        ("torch.nn.parallel.distributed.DistributedDataParallel", "torch.nn.parallel.DistributedDataParallel"),
        ("torch.distributions.categorical.Categorical", "torch.distributions.Categorical"),
        ("torch.functional.einsum", "torch.einsum"),
        ("torchvision.models.resnet.resnet18", "torchvision.models.resnet18"),
        ("timm.models.create_model", "timm.create_model"),
        ("torch.nn.functional.softmax", "torch.nn.functional.softmax"),
        ("torch.nn.modulesque.X", "torch.nn.modulesque.X"),
        ("mine.net.Net", "mine.net.Net"),
        ("", ""),
    ],
)
def test_canonical_names(table: Table, spelling: str, canonical: str) -> None:
    assert table.canonical(spelling) == canonical


def test_aliases_lead_somewhere_and_end(table: Table) -> None:
    aliases = reading.builtin().aliases
    for alias in aliases:
        canonical = table.canonical(f"{alias}.Name")
        assert table.canonical(canonical) == canonical


def test_a_circle_of_aliases_ends() -> None:
    contracts = reading.Contracts({"a": "b", "b": "a"}, {}, {}, {}, {}, {}, {}, {}, {})
    assert Table(contracts).canonical("a.x").endswith(".x")


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("torch.long", "int64"), ("torch.LongTensor", "int64"), ("torch.cuda.FloatTensor", "float32"), ("torch.half", "float16"),
        ("torch.bool", "bool"), ("numpy.float32", "float32"), ("torch.nn.Linear", None), ("cuda", None),
    ],
)  # fmt: skip
def test_dtypes(table: Table, name: str, dtype: str | None) -> None:
    assert table.dtype(name) == dtype


def test_look_up(table: Table) -> None:
    softmax = table.tensor_method("softmax")
    assert softmax is not None
    assert (softmax.gives, softmax.params[:2]) == ("probabilities", ("input", "dim"))
    assert table.tensor_method("no_such_method") is None
    assert table.call("torch.nn.functional.no_such_loss") is None
    assert table.module("torch.nn.modules.loss.CrossEntropyLoss") is table.module("torch.nn.CrossEntropyLoss")
    wrapper = table.wrapper("torch.compile")
    assert wrapper is not None
    assert wrapper.passes == "model"


@pytest.mark.parametrize(
    "name", ["torch", "torch.nn", "torch.nn.functional", "torch.nn.Linear", "torch.long", "timm", "torch.nn.modules.loss", "torch.compile"]
)
def test_known(table: Table, name: str) -> None:
    assert table.known(name)


@pytest.mark.parametrize("name", ["", "tor", "torch.n", "torch.nn.Lin", "mine", "torch.nn.Linear.weight"])
def test_not_known(table: Table, name: str) -> None:
    assert not table.known(name)


def test_names_for_star_imports(table: Table) -> None:
    assert {"Linear", "CrossEntropyLoss", "functional", "Sequential", "Module"} <= set(table.names_in("torch.nn"))
    assert {"softmax", "cross_entropy"} <= set(table.names_in("torch.nn.functional"))
    assert set(table.names_in("torch.nn.modules.loss")) == set(table.names_in("torch.nn"))
    assert set(table.names_in("mine")) == set()
    assert not [name for name in table.names_in("torch.Tensor") if name.startswith("_")]


def test_tokens(table: Table) -> None:
    assert {b"CrossEntropyLoss", b"cross_entropy", b"BCEWithLogitsLoss", b"sigmoid_focal_loss", b"softmax", b"LogSoftmax"} <= set(table.tokens)
    assert b"Linear" not in table.tokens
    assert len(set(table.tokens)) == len(table.tokens)


# --- forwards


def test_a_forward_is_the_function_or_is_said_inline(table: Table) -> None:
    relu, linear, sequential = (table.module(f"torch.nn.{name}") for name in ("ReLU", "Linear", "Sequential"))
    assert relu is not None
    assert linear is not None
    assert sequential is not None
    assert table.forward(relu) is table.call("torch.nn.functional.relu")
    inline = table.forward(linear)
    assert inline is not None
    assert (inline.short_name, inline.gives, inline.parameters, inline.saves) == ("Linear", "logits", True, ("input",))
    assert table.forward(linear) is inline
    assert table.forward(sequential) is None


def test_none_is_written_as_a_string(table: Table) -> None:
    call = table.call("torch.nn.functional.cross_entropy")
    assert call is not None
    assert (call.defaults["size_average"], call.defaults["reduction"]) == (None, "mean")


def test_what_is_saved_in_place(table: Table) -> None:
    leaky, relu = table.call("torch.nn.functional.leaky_relu"), table.call("torch.nn.functional.relu")
    assert leaky is not None
    assert relu is not None
    assert (leaky.saved(inplace=False), leaky.saved(inplace=True)) == (("input",), ("output",))
    assert relu.saved(inplace=True) == ("output",)


# --- a user's contracts


def test_like_fills_in_what_is_not_written() -> None:
    table = load([{"name": "ours.ce", "like": "torch.nn.functional.cross_entropy", "defaults": {"reduction": "sum", "reduce": "none"}}])
    call = table.call("ours.ce")
    assert call is not None
    assert (call.loss, call.names, call.like) == ("cross_entropy", ("ours.ce",), None)
    assert call.defaults == {"reduction": "sum", "reduce": None}
    assert call.takes["input"].kinds == (Kind.LOGITS,)


def test_like_with_parameters_of_its_own_leaves_the_others_out() -> None:
    table = load(
        [
            {"name": "ours.ce", "like": "torch.nn.functional.cross_entropy", "params": ["input", "target"]},
            {"name": "ours.soft", "like": "torch.nn.functional.softmax", "params": ["input"]},
            {"name": "ours.fill", "like": "torch.full", "params": ["size"]},
            {"name": "ours.ce2", "like": "ours.ce", "params": ["input"]},
        ],
        [{"name": "ours.CE", "like": "torch.nn.CrossEntropyLoss", "params": ["reduction"]}],
    )
    call, shorter, soft, fill = (table.call(f"ours.{name}") for name in ("ce", "ce2", "soft", "fill"))
    module = table.module("ours.CE")
    assert call is not None
    assert shorter is not None
    assert soft is not None
    assert fill is not None
    assert module is not None
    assert (call.loss, call.params, call.defaults, set(call.takes)) == ("cross_entropy", ("input", "target"), {}, {"input", "target"})
    assert set(shorter.takes) == {"input"}
    assert (soft.gives, soft.needs) == ("probabilities", ())
    assert fill.dtype is None
    assert (set(module.defaults) <= {"reduction"}, module.tensors) == (True, ())


def test_like_another_user_contract_and_through_an_alias() -> None:
    table = load([{"name": "b", "like": "a", "gives": "logits"}, {"name": "a", "like": "torch.functional.softmax"}])
    first, second = table.call("a"), table.call("b")
    assert first is not None
    assert second is not None
    assert (first.gives, second.gives, second.params) == ("probabilities", "logits", first.params)


def test_user_contracts_replace_and_stay_out_of_the_default_table() -> None:
    table = load([{"name": "torch.relu", "params": ["x"], "gives": "logits"}])
    changed, kept = table.call("torch.relu"), load().call("torch.relu")
    assert changed is not None
    assert kept is not None
    assert (changed.gives, kept.gives) == ("logits", "nonnegative")


def test_user_modules() -> None:
    table = load(
        [{"name": "ours.focal", "params": ["input", "target"], "loss": "bce_with_logits"}],
        [{"name": "ours.Focal", "call": "ours.focal"}, {"name": "ours.Head", "like": "torch.nn.Linear"}],
    )
    focal, head = table.module("ours.Focal"), table.module("ours.Head")
    assert focal is not None
    assert head is not None
    assert table.forward(focal) is table.call("ours.focal")
    forward = table.forward(head)
    assert forward is not None
    assert forward.gives == "logits"
    assert b"Focal" in table.tokens
    assert b"focal" in table.tokens


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"name": "f", "givs": "logits"}, r"\[\[tool.torchlint.call\]\] 1 \(f\): unknown field `givs`; did you mean `gives`\?"),
        ({"name": "f", "gives": "logit"}, r'1 \(f\): `gives` is "logit", which is no kind; did you mean `logits`\?'),
        ({"name": "f", "loss": "cross_entropi"}, r"`loss` is \"cross_entropi\"; did you mean `cross_entropy`\?"),
        ({"name": "f", "params": ["x"], "takes": {"x": {"kind": ["logits"]}}}, r"unknown field `kind` in `takes.*`; did you mean `kinds`\?"),
        ({"name": "f", "params": ["x"], "takes": {"x": {"kinds": ["logit"]}}}, r'"logit"; did you mean `logits`\?'),
        ({"name": "f", "params": ["x"], "converts": {"logit": "logits"}}, r'"logit"; did you mean `logits`\?'),
        ({"name": "f", "params": ["inputs"], "takes": {"input": {}}}, r"`takes` speaks of the parameter 'input', .*did you mean `inputs`\?"),
        ({"name": "f", "params": ["x"], "returns": ["logits", "probs"]}, r'`returns` holds "probs", which is no kind'),
        ({"name": "f", "dtype": "int46"}, r'`dtype` is "int46", which is no dtype; did you mean `int64`\?'),
        ({"name": "f", "dtype": "of:x"}, r"`dtype` speaks of the parameter 'x'"),
        ({"name": "f", "storage": "inplac"}, r"`storage` is \"inplac\"; did you mean `inplace`\?"),
        ({"name": "f", "params": "x"}, r"`params`: Expected `array`, got `str`"),
        ({"name": "f", "like": "torch.sofmax"}, r"no contract 'torch.sofmax' to be `like`; did you mean `torch.softmax`\?"),
        ({"name": "f", "like": "f"}, r"no contract 'f'|goes round"),
        ({"name": "f", "like": 3}, r"`like` must be the name of a contract, not 3"),
        ({"gives": "logits"}, r"\[\[tool.torchlint.call\]\] 1 \(without a name\): `name` is missing"),
        ({"name": []}, r"`name` is missing"),
        ({"name": 3}, r"`name` is missing"),
        ("softmax", r"must be a table"),
    ],
)
def test_wrong_user_contracts(raw: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load([raw])


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"name": "M", "cal": "torch.relu"}, r"\[\[tool.torchlint.module\]\] 1 \(M\): unknown field `cal`; did you mean `call`\?"),
        ({"name": "M", "call": "torch.rely"}, r"`call` names 'torch.rely', of which there is no contract; did you mean `torch.relu`\?"),
        ({"name": "M", "call": "torch.relu", "forward": {}}, r"`call` and `forward` exclude each other"),
        ({"name": "M", "forward": {"give": "logits"}}, r"unknown field `give` in `forward`; did you mean `gives`\?"),
        ({"name": "M", "forward": {"gives": "logit"}}, r'`forward.gives` is "logit", which is no kind; did you mean `logits`\?'),
    ],
)
def test_wrong_user_modules(raw: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(user_modules=[raw])


def test_names_used_twice_and_circles() -> None:
    with pytest.raises(ConfigError, match=r"2 \(f\): the name f is used twice, first in table 1"):
        load([{"name": "f"}, {"name": "f"}])
    with pytest.raises(ConfigError, match=r"goes round in a circle: b -> a -> b"):
        load([{"name": "a", "like": "b"}, {"name": "b", "like": "a"}])


def test_the_default_table_is_made_once() -> None:
    assert load() is load()
