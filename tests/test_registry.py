"""Does the registry know every rule, and does a mistake in declaring one show at once?"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from torchlint.events import LossCall, LossMade
from torchlint.model import Rule, Severity
from torchlint.rules import declare
from torchlint.rules.declare import Remark
from torchlint.rules.registry import ALL, by_code, matches, rule


def test_rules_are_sorted_and_unique() -> None:
    assert [rule.code for rule in ALL] == sorted({rule.code for rule in ALL})
    assert len({rule.name for rule in ALL}) == len(ALL)
    assert all(not rule.summary.endswith(".") and len(rule.summary) < 120 for rule in ALL)


def test_by_code() -> None:
    found = by_code("TL303")
    assert found is not None
    assert found.name == "kl-div-reduction"
    assert by_code("kl-div-reduction") is found
    assert by_code("tl303") is found
    assert by_code("TL999") is None
    assert by_code("TL30") is None


@pytest.mark.parametrize(
    ("selector", "hit"),
    [
        ("TL303", True),
        ("TL30", True),
        ("TL3", True),
        ("TL", True),
        ("tl3", True),
        ("kl-div-reduction", True),
        ("TL304", False),
        ("TL1", False),
        ("T", False),
        ("", False),
        ("kl-div", False),
        ("TL3033", False),
    ],
)
def test_matches(selector: str, hit: bool) -> None:
    kl = by_code("TL303")
    assert kl is not None
    assert matches(selector, kl) is hit


@pytest.fixture
def no_trace_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declare, "ENTRIES", dict(declare.ENTRIES))


@pytest.mark.usefixtures("no_trace_left")
class TestDeclaring:
    """Mistakes in a rule show when it is imported."""

    def test_a_union_of_events_and_a_second_use(self) -> None:
        @rule("TL998", "some-rule", Severity.INFO, "made up", default=False)
        def some_rule(event: LossCall | LossMade) -> Iterator[Remark]:
            yield Remark("message", "help")

        assert declare.ENTRIES["TL998"].events == (LossCall, LossMade)
        assert declare.ENTRIES["TL998"].rule == Rule("TL998", "some-rule", Severity.INFO, "made up", False)

    @pytest.mark.parametrize(("code", "name"), [("TL101", "new-name"), ("TL998", "kl-div-reduction")])
    def test_taken_codes_and_names(self, code: str, name: str) -> None:
        def judge_loss(event: LossCall) -> Iterator[Remark]:
            yield Remark("message", "help")

        with pytest.raises(ValueError, match="unique"):
            rule(code, name, Severity.INFO, "made up")(judge_loss)

    @pytest.mark.parametrize(("code", "name"), [("X1", "some-rule"), ("TL98", "some-rule"), ("TL998", "Some Rule"), ("TL998", "rule")])
    def test_codes_and_names_have_a_form(self, code: str, name: str) -> None:
        def judge_loss(event: LossCall) -> Iterator[Remark]:
            yield Remark("message", "help")

        with pytest.raises(ValueError, match="is called like"):
            rule(code, name, Severity.INFO, "made up")(judge_loss)

    def test_wrong_signatures(self) -> None:
        def two(event: LossCall, other: LossCall) -> Iterator[Remark]:
            yield Remark("message", "help")

        def bare(event) -> Iterator[Remark]:  # type: ignore[no-untyped-def]
            yield Remark("message", "help")

        def text(event: str) -> Iterator[Remark]:
            yield Remark("message", "help")

        def no_generator(event: LossCall) -> Iterator[Remark]:
            return iter(())

        for function in (two, bare, text, no_generator):
            with pytest.raises(TypeError, match=function.__name__):
                rule("TL998", "some-rule", Severity.INFO, "made up")(function)  # type: ignore[arg-type]
        assert "TL998" not in declare.ENTRIES


@pytest.mark.parametrize("module", ["torchlint.rules.registry", "torchlint.rules.kl"])
def test_importing_rules_is_cheap_and_complete(module: str) -> None:
    code = f"import sys, {module}, torchlint.rules.registry as r; print('libcst' in sys.modules, 'torch' in sys.modules, len(r.ALL))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", str(len(ALL))]
