"""What do the rules on clipped logits, distributions and thresholds say of events made by hand? As in test_rules.py, whose builders are used."""

from __future__ import annotations

import pytest
from test_rules import BERNOULLI, CATEGORICAL, DRAWN, HERE, argument, codes, facts, loss, only, threshold

from torchlint.contracts.schema import LossFamily, Takes
from torchlint.events import ThresholdGiven
from torchlint.model import Facts, Kind, Step, Trace

# --- clipped logits


@pytest.mark.parametrize("source", ["torch.relu", "torch.Tensor.relu_", "torch.nn.ReLU", "torch.nn.ReLU6", "torch.nn.functional.relu6"])
def test_relu_output_is_clipped(source: str) -> None:
    assert codes(loss("cross_entropy", facts("nonnegative", source))) == ["TL105"]


@pytest.mark.parametrize("source", ["torch.exp", "torch.nn.Softplus", "torch.cdist", "torch.nn.AdaptiveAvgPool2d", "ours.relu_pool"])
def test_other_sources_cut_nothing_off(source: str) -> None:
    assert codes(loss("cross_entropy", facts("nonnegative", source))) == []


@pytest.mark.parametrize(("first", "wanted"), [("torch.nn.ReLU", ["TL105"]), ("torch.exp", []), ("torch.nn.AvgPool2d", [])])
def test_log_softmax_of_relu_output_is_clipped(first: str, wanted: list[str]) -> None:
    relu = Trace(Step("it gives non-negative values", HERE, call=first))
    moved = Trace(Step("`Net.forward` returns it", HERE), Trace(Step("it gives log-probabilities", HERE, call="torch.log_softmax"), relu))
    given = Facts(Kind.LOG_PROBABILITIES, None, "torch.log_softmax", True, moved)
    assert codes(loss("nll", given)) == wanted


# --- distributions

BOUNDED = {"probabilities", "unit_interval", "one_hot"}
LOGARITHMS = {"log_probabilities", "flat_log_probabilities", "log_unit_interval"}


@pytest.mark.parametrize(
    ("takes", "parameter", "wrong"),
    [
        (CATEGORICAL, "probs", {"logits", "signed_unit", *LOGARITHMS}),
        (CATEGORICAL, "logits", BOUNDED),
        (BERNOULLI, "probs", {"logits", "signed_unit", "nonnegative", *LOGARITHMS}),
        (BERNOULLI, "logits", {*BOUNDED, *LOGARITHMS}),
        (DRAWN, "input", {"logits", "signed_unit", *LOGARITHMS}),
    ],
)
def test_what_a_parameter_of_a_distribution_refuses(takes: dict[str, Takes], parameter: str, wrong: set[str]) -> None:
    assert {kind.value for kind in Kind if codes(argument(takes, parameter, kind.value)) == ["TL801"]} == wrong


def test_the_help_names_the_parameter_that_takes_the_values() -> None:
    assert only(argument(CATEGORICAL, "probs", "logits")).help == "pass them as logits="
    assert only(argument(CATEGORICAL, "logits", "probabilities")).help == "pass them as probs=, or pass the logits"
    assert only(argument(DRAWN, "input", "logits")).help == "apply softmax first"
    assert "nothing raises" in only(argument(CATEGORICAL, "probs", "log_probabilities")).message
    assert "it raises" in only(argument(DRAWN, "input", "log_probabilities")).message


def test_a_parameter_of_which_only_the_dtype_is_told_takes_any_kind() -> None:
    assert codes(argument({"x": Takes(dtype=("int64",))}, "x", "logits")) == []


# --- thresholds


@pytest.mark.parametrize("families", [("bce_with_logits",), ("sigmoid_inside",), ("bce_with_logits", "soft_margin")])
@pytest.mark.parametrize("rounded", [True, False])
def test_logits_that_a_loss_takes_are_no_probabilities(families: tuple[LossFamily, ...], rounded: bool) -> None:
    assert codes(threshold(families, rounded=rounded)) == ["TL205"]


@pytest.mark.parametrize(
    "event",
    [
        threshold(()),
        threshold(("cross_entropy",)),
        threshold(("distance",)),
        threshold(("soft_margin",)),
        threshold(("bce_with_logits", "cross_entropy")),
        threshold(kind="unit_interval"),
        threshold(number=0),
        threshold(number=0.7),
        threshold(exact=False),
    ],
)
def test_other_thresholds_say_nothing(event: ThresholdGiven) -> None:
    assert codes(event) == []


def test_a_threshold_names_the_loss_last() -> None:
    assert [s.message for s in only(threshold()).steps] == ["it is logits", "bce_with_logits gets the same values"]
