"""What do the rules say of events made by hand? No flow and no torch take part here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest
from support import observed

from torchlint.contracts.schema import Call, LossFamily, Takes
from torchlint.events import (
    ActivationCall,
    ArgumentGiven,
    BackwardHookOnInplace,
    Event,
    InplaceWrite,
    KeptOverwritten,
    LossCall,
    LossMade,
    ModuleMade,
    SequentialMade,
    StaleRead,
    ThresholdGiven,
)
from torchlint.model import Facts, Kind, Location, Report, Severity, Step, Trace
from torchlint.rules.mismatches import MISMATCHES, cross_entropy_floor
from torchlint.rules.registry import ALL, judge

DEFAULTS = {"size_average": "none", "reduce": "none", "reduction": "mean", "log_target": False}


class Spot:
    """A place for events made by hand."""

    def __init__(self, line: int = 1) -> None:
        self.line = line

    def locate(self) -> Location:
        return Location("train.py", None, self.line, 1, self.line, 2)

    def silences(self, location: Location, code: str, name: str, whole: bool) -> bool:
        return False


HERE = Spot()


def step(message: str) -> Step:
    return Step(message, Spot())


def facts(kind: str, source: str = "", **fields: object) -> Facts:
    return Facts(kind=Kind(kind), source=source, trace=Trace(step(f"it is {kind}")), **fields)  # type: ignore[arg-type]


def loss(
    family: LossFamily,
    given: Facts | None = None,
    target: Facts | None = None,
    settings: Mapping[str, object] = DEFAULTS,
    made: Step | None = None,
    choice: str = "",
    takes: dict[str, Takes] | None = None,
) -> LossCall:
    call = Call(name=f"torch.nn.functional.{family}", params=("input", "target"), defaults=dict(DEFAULTS), loss=family, takes=takes or {})  # type: ignore[arg-type]
    arguments = {name: value for name, value in (("input", given), ("target", target)) if value is not None}
    return LossCall(place=HERE, callee=f"F.{family}", call=call, arguments=arguments, settings=settings, made=made, choice=choice)


def codes(event: Event) -> list[str]:
    return [report.rule.code for report in judge(event)]


def only(event: Event) -> Report:
    (report,) = judge(event)
    return report


# --- inputs of losses

INPUTS: dict[LossFamily, dict[str, str]] = {
    "cross_entropy": {
        "probabilities": "TL101",
        "unit_interval": "TL101",
        "one_hot": "TL101",
        "log_probabilities": "TL102",
        "flat_log_probabilities": "TL101",
    },
    "nll": {
        **dict.fromkeys(("logits", "probabilities", "unit_interval", "nonnegative", "signed_unit", "one_hot"), "TL103"),
        "flat_log_probabilities": "TL101",
    },
    "bce_with_logits": dict.fromkeys(("probabilities", "unit_interval", "one_hot"), "TL201"),
    "soft_margin": dict.fromkeys(("probabilities", "unit_interval", "one_hot"), "TL201"),
    "bce": dict.fromkeys(("logits", "nonnegative", "signed_unit", "log_probabilities", "flat_log_probabilities", "log_unit_interval"), "TL202"),
    "ctc": dict.fromkeys(("logits", "probabilities", "unit_interval", "nonnegative", "signed_unit", "one_hot"), "TL103"),
    "distance": {},
    "other": {},
}


@pytest.mark.parametrize("family", INPUTS)
@pytest.mark.parametrize("kind", [kind.value for kind in Kind])
def test_each_loss_refuses_the_kinds_it_is_not_made_for(family: LossFamily, kind: str) -> None:
    wanted = INPUTS[family].get(kind)
    assert codes(loss(family, facts(kind))) == ([wanted] if wanted else [])


def test_the_table_names_rules_that_exist() -> None:
    assert {mismatch.code for mismatch in MISMATCHES.values()} <= {rule.code for rule in ALL}


def test_a_loss_without_an_input_says_nothing() -> None:
    assert codes(loss("cross_entropy")) == []


def test_a_contract_that_takes_the_kind_is_believed() -> None:
    event = loss("cross_entropy", facts("probabilities"), takes={"input": Takes(kinds=(Kind.PROBABILITIES,))})
    assert codes(event) == []


def test_the_message_names_the_callee_the_source_and_the_choice() -> None:
    report = only(loss("cross_entropy", facts("probabilities", "torch.nn.functional.softmax"), choice="when the model is MLP"))
    assert report.message.startswith("F.cross_entropy gets probabilities (from softmax) when the model is MLP: ")
    assert "1.46 for 10" in report.message
    assert report.place is HERE


def test_a_known_number_of_classes_gives_the_floor_itself() -> None:
    report = only(loss("cross_entropy", facts("probabilities", shape=(None, 100))))
    assert "3.62 (100 classes)" in report.message
    assert "1000" not in report.message
    unknown = only(loss("cross_entropy", facts("probabilities", shape=(8, None))))
    assert "5.91 for 1000 classes" in unknown.message


def test_the_floor() -> None:
    assert [round(cross_entropy_floor(n), 2) for n in (2, 10, 1000)] == [0.31, 1.46, 5.91]


def test_the_construction_comes_before_the_steps_of_the_value() -> None:
    made = step("nn.CrossEntropyLoss is built")
    trace = Trace(step("fc gives logits"))
    given = Facts(kind=Kind.PROBABILITIES, trace=Trace(step("softmax makes probabilities"), trace))
    assert [s.message for s in only(loss("cross_entropy", given, made=made)).steps] == [
        "nn.CrossEntropyLoss is built",
        "fc gives logits",
        "softmax makes probabilities",
    ]


def test_redundant_log_softmax_is_information_only() -> None:
    assert only(loss("cross_entropy", facts("log_probabilities"))).rule.severity is Severity.INFO


# --- targets


@pytest.mark.parametrize("family", ["bce", "bce_with_logits"])
@pytest.mark.parametrize("dtype", ["int64", "int32", "int16", "int8", "uint8", "bool"])
def test_integer_targets(family: LossFamily, dtype: str) -> None:
    target = Facts(dtype=dtype, dtype_trace=Trace(step("randint gives int64")), trace=Trace(step("not this one")))
    report = only(loss(family, facts("unknown"), target))
    assert report.rule.code == "TL203"
    assert dtype in report.message
    assert "float()" in report.help
    assert [s.message for s in report.steps] == ["randint gives int64"]


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64", None])
def test_floating_and_unknown_targets_are_silent(dtype: str | None) -> None:
    assert codes(loss("bce_with_logits", facts("logits"), Facts(dtype=dtype))) == []


def test_soft_margin_computes_with_integers() -> None:
    assert codes(loss("soft_margin", facts("logits"), Facts(dtype="int64"))) == []


def test_cross_entropy_takes_integers() -> None:
    assert codes(loss("cross_entropy", facts("logits"), facts("class_indices", dtype="int64"))) == []


def test_class_indices_of_another_shape_are_wrong_even_as_floats() -> None:
    target = facts("class_indices", dtype="float32", shape=(8,))
    report = only(loss("bce_with_logits", facts("logits", shape=(8, 5)), target))
    assert report.rule.code == "TL203"
    assert "one_hot" in report.help


def test_float_indices_in_the_shape_of_the_input_are_two_class_labels() -> None:
    target = facts("class_indices", dtype="float32", shape=(8,))
    assert codes(loss("bce_with_logits", facts("logits", shape=(8,)), target)) == []
    assert codes(loss("bce_with_logits", facts("logits"), facts("class_indices", dtype="float32"))) == []


def test_integer_class_indices_are_told_of_one_hot() -> None:
    report = only(loss("bce_with_logits", facts("logits"), facts("class_indices", dtype="int64")))
    assert "one_hot" in report.help


# --- KL divergence

BATCHMEAN = {**DEFAULTS, "reduction": "batchmean"}
LOG_TARGET = {**BATCHMEAN, "log_target": True}
UNKNOWN_TARGET = {"reduction": "batchmean"}
GOOD_INPUT, GOOD_TARGET = "log_probabilities", "probabilities"


@pytest.mark.parametrize("kind", ["probabilities", "logits", "unit_interval", "nonnegative", "one_hot", "signed_unit"])
@pytest.mark.parametrize("settings", [BATCHMEAN, LOG_TARGET, UNKNOWN_TARGET])
def test_kl_input_must_be_a_logarithm(kind: str, settings: Mapping[str, object]) -> None:
    target = "log_probabilities" if settings is LOG_TARGET else "unknown"
    assert codes(loss("kl_div", facts(kind), facts(target), settings)) == ["TL301"]


@pytest.mark.parametrize(
    ("kind", "settings", "wrong"),
    [
        ("log_probabilities", BATCHMEAN, True),
        ("log_unit_interval", BATCHMEAN, True),
        ("probabilities", BATCHMEAN, False),
        ("log_probabilities", LOG_TARGET, False),
        ("probabilities", LOG_TARGET, True),
        ("unit_interval", LOG_TARGET, True),
        ("one_hot", LOG_TARGET, True),
        ("logits", BATCHMEAN, True),
        ("logits", LOG_TARGET, True),
        ("logits", UNKNOWN_TARGET, True),
        ("probabilities", UNKNOWN_TARGET, False),
        ("log_probabilities", UNKNOWN_TARGET, False),
        ("unknown", BATCHMEAN, False),
    ],
)
def test_kl_target_must_fit_log_target(kind: str, settings: Mapping[str, object], wrong: bool) -> None:
    assert codes(loss("kl_div", facts(GOOD_INPUT), facts(kind), settings)) == (["TL302"] if wrong else [])


def test_exchanged_kl_arguments_give_one_finding() -> None:
    report = only(loss("kl_div", facts("probabilities"), facts("log_probabilities"), BATCHMEAN))
    assert report.rule.code == "TL304"
    assert [s.message for s in report.steps] == ["it is probabilities", "it is log_probabilities"]


def test_with_log_target_or_without_knowing_it_only_the_input_is_wrong() -> None:
    for settings in (LOG_TARGET, UNKNOWN_TARGET):
        assert codes(loss("kl_div", facts("probabilities"), facts("log_probabilities"), settings)) == ["TL301"]


def test_both_arguments_wrong_by_themselves_give_two_findings() -> None:
    assert codes(loss("kl_div", facts("logits"), facts("logits"), BATCHMEAN)) == ["TL301", "TL302"]


def kl_made(settings: Mapping[str, object]) -> LossMade:
    return LossMade(place=HERE, callee="nn.KLDivLoss", call=loss("kl_div").call, settings=settings)


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        (DEFAULTS, True),
        ({"reduction": "mean"} | {"size_average": None, "reduce": None}, True),
        ({**DEFAULTS, "reduction": 1}, True),
        ({**DEFAULTS, "reduction": 2}, False),
        ({**DEFAULTS, "reduction": "batchmean"}, False),
        ({**DEFAULTS, "reduction": "sum"}, False),
        ({**DEFAULTS, "reduction": "none"}, False),
        ({"size_average": None, "reduce": None}, False),
        ({**DEFAULTS, "size_average": False}, False),
        ({**DEFAULTS, "reduce": False}, False),
        ({**DEFAULTS, "size_average": True}, True),
        ({**DEFAULTS, "size_average": True, "reduction": "sum"}, True),
        ({"reduction": "mean", "reduce": None}, False),
    ],
)
def test_kl_reduction(settings: Mapping[str, object], wrong: bool) -> None:
    wanted = ["TL303"] if wrong else []
    assert codes(kl_made(settings)) == wanted
    assert codes(loss("kl_div", facts(GOOD_INPUT), facts(GOOD_TARGET), settings)) == wanted


def test_the_help_names_the_old_argument_that_would_win() -> None:
    assert only(kl_made(DEFAULTS)).help == 'write reduction="batchmean"'
    assert only(kl_made({**DEFAULTS, "size_average": True})).help == 'write reduction="batchmean" in place of size_average'
    assert only(kl_made({**DEFAULTS, "reduction": 1})).help.startswith("use F.kl_div")


def test_a_kl_module_is_judged_where_it_is_made_and_not_again_at_its_call() -> None:
    assert codes(loss("kl_div", facts(GOOD_INPUT), facts(GOOD_TARGET), DEFAULTS, made=step("nn.KLDivLoss is built"))) == []


def test_the_reduction_of_other_losses_is_right() -> None:
    assert codes(LossMade(place=HERE, callee="nn.MSELoss", call=loss("distance").call, settings=DEFAULTS)) == []


# --- activations

LOG = Call(name="torch.log", params=("input",), converts={Kind.PROBABILITIES: Kind.LOG_PROBABILITIES, Kind.UNIT_INTERVAL: Kind.LOG_UNIT_INTERVAL})
SOFTMAX = Call(name="torch.nn.functional.softmax", params=("input", "dim"), gives="probabilities", needs=("dim",))


def activation(call: Call, given: Facts, **fields: object) -> ActivationCall:
    return ActivationCall(place=HERE, callee=f"torch.{call.short_name}", call=call, input=given, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "source", "words"),
    [
        ("probabilities", "torch.nn.functional.softmax", "log_softmax"),
        ("probabilities", "torch.Tensor.softmax", "log_softmax"),
        ("probabilities", "torch.nn.Softmax", "log_softmax"),
        ("unit_interval", "torch.sigmoid", "logsigmoid"),
        ("unit_interval", "torch.Tensor.sigmoid_", "logsigmoid"),
    ],
)
def test_log_of_softmax(kind: str, source: str, words: str) -> None:
    report = only(activation(LOG, facts(kind, source)))
    assert (report.rule.code, report.rule.severity) == ("TL104", Severity.WARNING)
    assert words in report.help


@pytest.mark.parametrize(
    "given",
    [
        facts("probabilities", "torch.softmax", exact=False),
        facts("probabilities"),
        facts("unit_interval", "torch.rand"),
        facts("unit_interval", "torch.softmax"),
        facts("logits", "torch.nn.Linear"),
    ],
)
def test_other_logarithms_are_silent(given: Facts) -> None:
    assert codes(activation(LOG, given)) == []


def test_other_functions_of_softmax_are_silent() -> None:
    assert codes(activation(SOFTMAX, facts("probabilities", "torch.softmax"))) == []


@pytest.mark.parametrize("built", [True, False])
def test_softmax_without_dim(built: bool) -> None:
    assert codes(activation(SOFTMAX, Facts(), missing=("dim",), built=built)) == ["TL601"]
    assert codes(activation(SOFTMAX, Facts(), built=built)) == []


# --- construction


def test_a_tensor_in_a_constructor() -> None:
    report = only(ModuleMade(place=HERE, callee="nn.ReLU", tensors=("inplace",)))
    assert (report.rule.code, report.help) == ("TL603", "build the module first and call it then: nn.ReLU()(x)")
    assert "for inplace" in report.message
    loss = only(ModuleMade(place=HERE, callee="nn.CrossEntropyLoss", tensors=("weight", "size_average"), is_loss=True))
    assert loss.help.endswith("nn.CrossEntropyLoss()(output, target)")
    assert codes(ModuleMade(place=HERE, callee="nn.ReLU", tensors=())) == []


def test_a_function_in_sequential() -> None:
    assert only(SequentialMade(place=HERE, element="F.relu", module="nn.ReLU()")).help == "write nn.ReLU()"
    assert "nn.Module" in only(SequentialMade(place=HERE, element="F.interpolate", module="")).help


# --- in place

KEPT = KeptOverwritten(
    place=HERE,
    keeper=step("the hook keeps"),
    keeper_name="forward hook on Conv2d",
    writer=step("ReLU writes"),
    writer_name="ReLU",
    made=step("hook registered"),
)


def test_kept_tensors() -> None:
    report = only(KEPT)
    assert (report.rule.code, report.severity) == ("TL401", None)
    assert [s.message for s in report.steps] == ["hook registered", "the hook keeps", "ReLU writes"]
    loop = KeptOverwritten(
        place=HERE, keeper=KEPT.keeper, keeper_name="variable `feats`", writer=KEPT.writer, writer_name="ReLU", hooked=False, choice="for vgg19"
    )
    report = only(loop)
    assert (report.rule.code, report.severity) == ("TL401", Severity.WARNING)
    assert report.message.startswith("the variable `feats` keeps a tensor that ReLU overwrites in place afterwards for vgg19: ")


def test_full_backward_hooks() -> None:
    report = only(BackwardHookOnInplace(place=HERE, module_name="Conv2d", writer=step("ReLU writes"), writer_name="ReLU"))
    assert report.rule.code == "TL401"
    assert report.severity is None


def test_stale_reads() -> None:
    report = only(StaleRead(place=HERE, writer=step("relu writes"), writer_name="relu", reader="+", origin=Trace(step("x comes in"))))
    assert report.rule.code == "TL402"
    assert [s.message for s in report.steps] == ["x comes in", "relu writes"]


def test_writes_that_break_backward() -> None:
    report = only(InplaceWrite(place=HERE, writer_name="+=", saver=step("sigmoid saves its output"), saver_name="sigmoid", saved="output"))
    assert report.rule.code == "TL403"
    assert report.message.startswith("+= overwrites the output of sigmoid, which backward needs: ")


# --- distributions and thresholds: see test_rules_values.py

CATEGORICAL = {
    "probs": Takes(kinds=(Kind.PROBABILITIES, Kind.UNIT_INTERVAL, Kind.NONNEGATIVE, Kind.ONE_HOT)),
    "logits": Takes(kinds=(Kind.LOGITS, Kind.LOG_PROBABILITIES, Kind.LOG_UNIT_INTERVAL)),
}
BERNOULLI = {"probs": Takes(kinds=(Kind.UNIT_INTERVAL, Kind.PROBABILITIES, Kind.ONE_HOT)), "logits": Takes(kinds=(Kind.LOGITS,))}
DRAWN = {"input": CATEGORICAL["probs"]}


def argument(takes: dict[str, Takes], parameter: str, kind: str) -> ArgumentGiven:
    call = Call(name="torch.distributions.Some", params=tuple(takes), takes=takes)
    return ArgumentGiven(place=HERE, callee="torch.distributions.Some", call=call, parameter=parameter, given=facts(kind, "torch.softmax"))


def threshold(
    families: tuple[LossFamily, ...] = ("bce_with_logits",), kind: str = "logits", number: float = 0.5, rounded: bool = False, exact: bool = True
) -> ThresholdGiven:
    losses = {family: step(f"{family} gets the same values") for family in families}
    given = facts(kind, "torch.nn.Linear", exact=exact)
    operation = "torch.round" if rounded else "`>`"
    return ThresholdGiven(place=HERE, given=given, operation=operation, number=number, rounded=rounded, losses=losses)


# --- the wording of all messages


def every_event() -> Iterator[Event]:
    for family in (*INPUTS, "kl_div"):
        for kind in Kind:
            given = facts(kind.value, "torch.nn.functional.softmax")
            yield loss(family, given)
            for settings in (BATCHMEAN, LOG_TARGET, DEFAULTS):
                yield loss("kl_div", given, given, settings)
    yield loss("kl_div", facts("probabilities"), facts("log_probabilities"), BATCHMEAN)
    yield kl_made(DEFAULTS)
    for dtype in ("int64", "bool"):
        yield loss("bce", None, Facts(dtype=dtype))
        yield loss("bce_with_logits", None, facts("class_indices", dtype=dtype))
    yield loss("bce", facts("unknown", shape=(2, 3)), facts("class_indices", shape=(2,)))
    yield activation(LOG, facts("probabilities", "torch.softmax"))
    yield activation(SOFTMAX, Facts(), missing=("dim",))
    yield loss("cross_entropy", facts("nonnegative", "torch.relu"))
    for takes in (CATEGORICAL, BERNOULLI, DRAWN):
        for parameter in takes:
            for kind in Kind:
                yield argument(takes, parameter, kind.value)
    yield threshold()
    yield threshold(rounded=True)
    yield ModuleMade(place=HERE, callee="nn.ReLU", tensors=("inplace",))
    yield SequentialMade(place=HERE, element="F.relu", module="nn.ReLU()")
    yield KEPT
    yield BackwardHookOnInplace(place=HERE, module_name="Conv2d", writer=step("ReLU writes"), writer_name="ReLU")
    yield StaleRead(place=HERE, writer=step("relu writes"), writer_name="relu", reader="+")
    yield InplaceWrite(place=HERE, writer_name="+=", saver=step("saved"), saver_name="sigmoid", saved="output")
    yield from observed.events()


REPORTS = [report for event in every_event() for report in judge(event)]


def test_every_rule_but_the_reader_of_files_speaks() -> None:
    assert {report.rule.code for report in REPORTS} == {rule.code for rule in ALL} - {"TL902"}


@pytest.mark.parametrize("text", sorted({text for report in REPORTS for text in (report.message, report.help)}))
def test_the_wording_of_messages(text: str) -> None:
    assert re.match(r"[a-z`+]|[A-Za-z]+\.\w", text), "starts in lower case or with code"
    assert not text.endswith((".", " ", ":")), "ends without a full stop"
    assert "\n" not in text
    assert "  " not in text
    assert "{" not in text
    assert not re.search(r"should probably|please|!|\byour\b|maybe", text, re.IGNORECASE)
    assert len(text) <= 330


def test_every_report_has_a_message_and_a_help() -> None:
    assert all(report.message and report.help and report.message != report.help for report in REPORTS)
