"""What do the rules say of values and shapes that were looked at? Events are made by hand; tests/runtime/test_values.py has live tensors."""

from __future__ import annotations

import pytest
from support.observed import indices, looked_up, numbers, odd, seen_loss, shaped, squashed
from test_rules import codes, only

from torchlint.contracts.schema import LossFamily
from torchlint.events import Event
from torchlint.model import Evidence, Facts, Kind
from torchlint.rules.shapes import broadcast

SILENT = {
    "indices in range": seen_loss("cross_entropy", indices(0, 2)),
    "nothing was looked at": seen_loss("cross_entropy", Facts(dtype="int64", shape=(10,))),
    "some are ignored": seen_loss("cross_entropy", indices(0, 2, ignored=9)),
    "ignored, and summed up": seen_loss("cross_entropy", indices(None, None, ignored=10), settings={"reduction": "sum"}),
    "classes are not known": seen_loss("nll", indices(0, 5), shaped(10, None)),
    "rows sum to 1 within the tolerance": seen_loss("cross_entropy", numbers(0, 1, sums=(0.9995, 1.0005))),
    "rows of zeros only": seen_loss("cross_entropy", numbers(0, 0)),
    "binary targets": seen_loss("bce_with_logits", numbers(0, 1)),
    "one shape": seen_loss("distance", shaped(8, 1), shaped(8, 1), alike=True),
    "a target that fills up": seen_loss("distance", shaped(1, 4), shaped(8, 4), alike=True),
    "a number as target": seen_loss("distance", shaped(), shaped(8, 4), alike=True),
    "a number as input": seen_loss("distance", shaped(8), shaped(1), alike=True),
    "a table of pairs": seen_loss("distance", shaped(1, 8), shaped(8, 1), {"reduction": "none"}, alike=True),
    "shapes that torch refuses": seen_loss("distance", shaped(7), shaped(8), alike=True),
    "an unknown size": seen_loss("distance", shaped(None), shaped(8, 1), alike=True),
    "a loss that does not compare": seen_loss("distance", shaped(8), shaped(8, 1)),
    "signs": seen_loss("other", numbers(-1, 1, integral=True)),
    "an index in range": looked_up(9, 10),
    "a table of unknown size": looked_up(9, None),
    "what cannot be": seen_loss("cross_entropy", None, odd("-inf")),
    "classes in axis 1": seen_loss("cross_entropy", shaped(4, 5), shaped(4, 5, 5, axis=1, kind=Kind.LOGITS, source="torch.nn.Conv1d")),
    "axes that were moved": seen_loss("cross_entropy", shaped(4, 5), shaped(4, 5, 5, kind=Kind.LOGITS, source="torch.nn.Linear")),
    "normalised over the classes": seen_loss("nll", None, shaped(4, 3, axis=1, kind=Kind.LOG_PROBABILITIES)),
    "similarities": seen_loss("kl_div", None, shaped(4, 4, axis=0, kind=Kind.LOG_PROBABILITIES), {"reduction": "sum"}),
    "frames": seen_loss("ctc", None, shaped(12, 4, 5, axis=2, kind=Kind.LOG_PROBABILITIES)),
    "two elements": squashed(1, (8, 2)),
    "a sequence of one": squashed(1, (8, 1, 1), feature=2, kind="logits"),
    "a sequence of unknown origin": squashed(2, (8, 4, 1)),
    "one sequence of one": squashed(0, (1, 1)),
    "one sample of one": squashed(1, (1, 1)),
    "positions first": squashed(0, (1, 8)),
    "scores whose axes were moved": squashed(1, (8, 1), kind="logits"),
}


@pytest.mark.parametrize("event", SILENT.values(), ids=[name.replace(" ", "-") for name in SILENT])
def test_what_is_right_or_unknown_is_silent(event: Event) -> None:
    assert codes(event) == []


@pytest.mark.parametrize(
    ("event", "code", "evidence", "words"),
    [
        (seen_loss("cross_entropy", numbers(0, 1, sums=(1.05, 1.05))), "TL106", Evidence.VIOLATED, "rows sum to 1.05"),
        (seen_loss("cross_entropy", numbers(-0.5, 1.5, sums=(1, 1))), "TL106", Evidence.VIOLATED, "-0.5"),
        (seen_loss("nll", indices(0, 0), shaped(10, 1)), "TL109", Evidence.PROVEN, "(10, 1)"),
        (seen_loss("nll", indices(0, 7), shaped(10, 1)), "TL109", Evidence.PROVEN, "(10, 1)"),
        (
            seen_loss("nll", indices(0, 3, counts=((3, 9), (0, 1)))),
            "TL110",
            Evidence.VIOLATED,
            "3 with 3 classes, and takes 0 to 2 (seen as targets: 3 9 times, 0 once)",
        ),
        (seen_loss("nll", indices(-1, 2)), "TL110", Evidence.VIOLATED, "class index -1"),
        (seen_loss("nll", indices(None, None, ignored=10)), "TL111", Evidence.VIOLATED, "10 of 10"),
        (seen_loss("bce", numbers(-1, 1, outside=5)), "TL207", Evidence.VIOLATED, "from -1 to 1, 5 of 30"),
        (seen_loss("distance", shaped(8), shaped(8, 1), alike=True), "TL501", Evidence.PROVEN, "(8, 8)"),
        (seen_loss("other", numbers(0, 1, outside=4, integral=True)), "TL505", Evidence.VIOLATED, "4 of 30"),
        (looked_up(10, 10), "TL506", Evidence.VIOLATED, "index 10 and has 10 to choose from"),
        (seen_loss("distance", odd("nan"), step=2), "TL507", Evidence.VIOLATED, "NaN in its target, first in step 3"),
        (seen_loss("cross_entropy", None, odd("-inf", "inf")), "TL507", Evidence.VIOLATED, "gets inf in its input"),
        (seen_loss("bce", None, numbers(-2, 3, outside=7)), "TL202", Evidence.VIOLATED, "-2 to 3, 7 of 30"),
        (squashed(1, (8, 1), feature=1), "TL608", Evidence.PROVEN, "becomes 1"),
        (squashed(2, (8, 4, 1), "log_probabilities", feature=2, kind="logits"), "TL608", Evidence.PROVEN, "becomes 0"),
    ],
)
def test_what_is_wrong_is_told_with_its_numbers(event: Event, code: str, evidence: Evidence, words: str) -> None:
    report = only(event)
    assert (report.rule.code, report.evidence) == (code, evidence)
    assert words in report.message


@pytest.mark.parametrize(
    ("target", "help"),
    [
        (indices(1, 3), "target - 1"),
        (indices(-1, 2), "ignore_index=-1"),
        (indices(0, 255), "ignore_index=255"),
        (indices(-3, 2), "classes count from 0"),
        (indices(0, 5), "6 outputs"),
    ],
)
def test_the_help_for_an_index_fits_the_labels(target: Facts, help: str) -> None:
    assert help in only(seen_loss("cross_entropy", target)).help


@pytest.mark.parametrize("family", ["cross_entropy", "nll", "ctc"])
def test_a_softmax_over_the_batch(family: LossFamily) -> None:
    given = shaped(4, 3, axis=0, kind=Kind.LOG_PROBABILITIES, source="torch.log_softmax")
    assert "TL602" in codes(seen_loss(family, None, given))


def test_the_sides_of_a_bfloat16_row_are_wider() -> None:
    target = numbers(0, 1, sums=(0.997, 1.0))
    assert codes(seen_loss("cross_entropy", target)) == ["TL106"]
    target.dtype = "bfloat16"
    assert codes(seen_loss("cross_entropy", target)) == []


def test_broadcasting() -> None:
    assert broadcast([(8, 1), (8,)]) == (8, 8)
    assert broadcast([(2, 1, 4), (3, 1)]) == (2, 3, 4)
    assert broadcast([(), (3,)]) == (3,)
    assert broadcast([(2,), (3,)]) is None
    assert broadcast([(0, 1), (1,)]) == (0, 1)
