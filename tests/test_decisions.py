"""Do conditions hold with the defaults of a program's settings?"""

from __future__ import annotations

import pytest

from torchlint.flow.decisions import expected, usual
from torchlint.flow.values import Condition

KNOWN, OTHER, UNKNOWN = ("==", "task", "two"), ("==", "task", "many"), ("==", "data", "a")
DEFAULTS = {"task": "two"}


def either(*sides: tuple[str, str, str]) -> tuple[object, ...]:
    return ("or", *(((side, True),) for side in sides))


def both(*sides: tuple[str, str, str]) -> tuple[object, ...]:
    return ("and", *(((side, True),) for side in sides))


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ((KNOWN, True), True),
        ((OTHER, True), False),
        ((UNKNOWN, True), None),
        ((either(KNOWN, UNKNOWN), True), True),
        ((either(OTHER, UNKNOWN), True), None),
        ((either(OTHER, UNKNOWN), False), None),
        ((both(KNOWN, UNKNOWN), True), None),
        ((both(OTHER, UNKNOWN), False), True),
    ],
)
def test_what_hangs_on_something_unknown_is_neither_expected_nor_usual(condition: Condition, holds: bool | None) -> None:
    assert expected([condition], DEFAULTS) is (holds is True)
    assert usual([condition], DEFAULTS) is (holds is True)


def test_what_asks_about_nothing_known_does_not_stand_in_the_way() -> None:
    assert expected([(KNOWN, True), (either(OTHER, UNKNOWN), False)], DEFAULTS)
    assert not expected([(KNOWN, True), (both(OTHER, UNKNOWN), True)], DEFAULTS)
