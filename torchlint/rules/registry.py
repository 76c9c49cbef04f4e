"""Which rules are there, and what do they say of an event?

    by_code("TL303").name                    # "kl-div-reduction"
    matches("TL3", by_code("TL303"))         # True: a prefix; so are "TL303" and "kl-div-reduction"
    list(judge(LossMade(callee="nn.KLDivLoss", ...)))   # [Report(rule=TL303, ...)]

Every module of this package is imported here, so a new family needs no list to be kept. None of them needs more than the
shared words of torchlint: importing the registry is cheap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

from torchlint.contracts.schema import LossFamily
from torchlint.events import Event, LossCall, LossMade
from torchlint.model import Report, Rule, Severity
from torchlint.rules import __path__ as _family_path
from torchlint.rules.declare import ENTRIES, Entry, announce, rule

__all__ = ["ALL", "UNREADABLE_FILE", "by_code", "judge", "matches", "rule"]

UNREADABLE_FILE = announce(Rule("TL902", "unreadable-file", Severity.ERROR, "a file cannot be read, decoded or parsed, so nothing in it is checked"))

for _module in iter_modules(_family_path):
    if _module.name != "registry":
        import_module(f"torchlint.rules.{_module.name}")

ALL: tuple[Rule, ...] = tuple(ENTRIES[code].rule for code in sorted(ENTRIES))
"""Every rule, by code."""

_NAMES = {word.casefold(): rule for rule in ALL for word in (rule.code, rule.name)}
_PREFIX = re.compile(r"TL\d{0,3}", re.IGNORECASE)
_DISPATCH: dict[tuple[type[Event], LossFamily | None], tuple[Entry, ...]] = {}


def by_code(code_or_name: str) -> Rule | None:
    """The rule of this code or name, in any case; None where there is none."""
    return _NAMES.get(code_or_name.casefold())


def matches(selector: str, rule: Rule) -> bool:
    """Whether a selector means this rule: its code, its name, or a prefix of its code from "TL" on."""
    if selector.casefold() == rule.name:
        return True
    return _PREFIX.fullmatch(selector) is not None and rule.code.startswith(selector.upper())


def judge(event: Event) -> Iterator[Report]:
    """What the rules say of one event, in the order of their codes. Whether a rule is selected is for the caller to ask."""
    for entry in _entries_for(type(event), event.call.loss if isinstance(event, (LossCall, LossMade)) else None):
        for remark in entry.judge(event):
            yield Report(entry.rule, event.place, remark.message, remark.help, remark.steps, remark.severity, remark.cause, remark.evidence)


def _entries_for(event: type[Event], loss: LossFamily | None) -> tuple[Entry, ...]:
    known = _DISPATCH.get((event, loss))
    if known is None:
        entries = (ENTRIES[rule.code] for rule in ALL)
        known = tuple(entry for entry in entries if issubclass(event, entry.events) and (not entry.losses or loss in entry.losses))
        _DISPATCH[event, loss] = known
    return known
