"""Is the runtime mode silent on training loops that are right, and does it say the one right thing when one place is broken?"""

from __future__ import annotations

import pytest
from support.loops import HEADS, LOSSES, Loop, broken_loops, correct_loops

from torchlint.config import Settings
from torchlint.runtime import checks

CORRECT, BROKEN = list(correct_loops()), list(broken_loops())
EVERYTHING = Settings(select=("ALL",))


def codes(loop: Loop) -> list[str]:
    with checks("collect", every=1, settings=EVERYTHING) as run:
        loop.run(steps=5)
    return [f"{finding.code} {finding.message}" for finding in run.result().findings]


@pytest.mark.parametrize("loop", CORRECT, ids=lambda loop: loop.name)
def test_right_loops_give_no_finding(loop: Loop) -> None:
    assert codes(loop) == []


@pytest.mark.parametrize("loop", BROKEN, ids=lambda loop: loop.name)
def test_broken_loops_give_their_finding_and_no_other(loop: Loop) -> None:
    assert [code.split()[0] for code in codes(loop)] == [loop.code]


def test_there_are_enough_loops() -> None:
    assert len(CORRECT) >= 200
    assert {loop.loss for loop in BROKEN} >= {name for name, loss in LOSSES.items() if loss.wrong}
    assert {loop.head for loop in CORRECT} == set(HEADS)
