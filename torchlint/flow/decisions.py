"""Which branches belong together?

A decision is a test whose outcome is unknown, named by what it asks: `args.loss == "bce"` is ("==", <the unknown args.loss>, "bce").
Values that two branches left behind carry the decisions that lead to them, so that a model and a criterion chosen by the same
question are never mixed:

    criterion = BCELoss() if args.loss == "bce" else BCEWithLogitsLoss()   # Alternatives with conditions
    if args.loss == "bce":
        out = torch.sigmoid(out)
    criterion(out, y)                                                     # only the two consistent pairs are looked at
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeGuard

from torchlint.flow.store import ABSENT
from torchlint.flow.values import NONE, OBJECTS, Alternatives, ApiObject, Condition, Const, Option, Tensor, Unknown, Value

ORDERS: dict[str, Callable[[Any, Any], Any]] = {
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEqual": operator.le,
    "GreaterThanEqual": operator.ge,
}
TEXTS: dict[str, Callable[[Any, Any], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": lambda text, part: isinstance(part, str) and part in text,
}
"""What may be asked of a text."""
MOST_OPTIONS = 8
"""How many alternatives a value may have; more of them are cut, which can only lose findings."""
MOST_OBJECTS = 16
"""... of networks and losses: a script that trains any of fifteen networks is not rare."""
MOST_CONDITIONS = 24
"""How many conditions an alternative keeps. A count that every round of a loop may raise would carry all of them; of one that lost some it is not
sure any more that it arises."""


def contradicts(key: Hashable, outcome: bool, other: Hashable, other_outcome: bool) -> bool:
    """Whether two decided conditions cannot hold together."""
    if key == other:
        return outcome is not other_outcome
    if not _is_test(key) or not _is_test(other) or root_of(key[1]) != root_of(other[1]):
        return False
    for one, holds, two, wanted in ((key, outcome, other, other_outcome), (other, other_outcome, key, outcome)):
        if one[0] == "==" and holds:
            answer = _answer(two, {one[1]: one[2]})
            if answer is not None:
                return answer is not wanted
    return False


def _is_test(key: Any) -> TypeGuard[tuple[str, Hashable, Any]]:
    """Whether a key asks one thing about an unknown, as ("==", <unknown>, "bce") does."""
    return isinstance(key, tuple) and len(key) == 3


def root_of(symbol: Any) -> Hashable:
    """The unknown that a text was made of: of args.net.lower()[:3], args.net."""
    while isinstance(symbol, tuple) and len(symbol) == 3 and symbol[0] in ("text", "slice"):
        symbol = symbol[1]
    return symbol  # type: ignore[no-any-return]


def joined(symbol: Hashable) -> tuple[str, Hashable, str] | None:
    """Of a text such as f"models.{args.net}_net": what stands before the unknown, the unknown, and what behind it."""
    return symbol[1:] if isinstance(symbol, tuple) and len(symbol) == 4 and symbol[0] == "joined" else None


def _answer(key: Any, known: Mapping[Hashable, Any]) -> bool | None:
    """What a test gives where the values of some unknowns are known; None where it asks about something else."""
    subject = _default_of(key[1], known)
    if subject is ABSENT:
        return None
    sign, asked = key[0], key[2]
    if sign == "==":
        return bool(subject == asked)
    if sign == "in":
        return isinstance(subject, Hashable) and subject in asked
    if sign in TEXTS:
        return bool(TEXTS[sign](subject, asked)) if isinstance(subject, str) and isinstance(asked, (str, tuple)) else None
    return _ordered(sign, subject, asked)


def _ordered(sign: str, left: object, right: object) -> bool | None:
    """Whether two constants stand in an order; None where that cannot be told."""
    try:
        return bool(ORDERS[sign](left, right)) if sign in ORDERS else None
    except TypeError:
        return None


def consistent(first: Sequence[Condition], second: Sequence[Condition]) -> bool:
    """Whether two sets of conditions can hold in one run."""
    if not first or not second:
        return True
    outcomes = dict(first)
    if any(outcomes.get(key, outcome) is not outcome for key, outcome in second):
        return False
    return not _excludes(first, second) and not _excludes(second, first)


def _excludes(settled: Sequence[Condition], others: Sequence[Condition]) -> bool:
    """Whether something that equals a constant by the one makes a test of the others come out otherwise."""
    equal: dict[Hashable, list[Hashable]] = {}
    for key, outcome in settled:
        if outcome and _is_test(key) and key[0] == "==":
            equal.setdefault(root_of(key[1]), []).append(key)
    return bool(equal) and any(
        contradicts(one, True, other, outcome) for other, outcome in others if _is_test(other) for one in equal.get(root_of(other[1]), ())
    )


def usual(conditions: Iterable[Condition], defaults: Mapping[Hashable, Any]) -> bool:
    """Whether conditions hold where every setting that they ask about has its default, and ask about nothing else."""
    return all(_outcome(key, defaults) is outcome for key, outcome in conditions)


def expected(conditions: Iterable[Condition], defaults: Mapping[Hashable, Any]) -> bool:
    """Whether conditions ask about settings that have defaults, and all of these hold with the defaults."""
    outcomes = [(known, outcome) for key, outcome in conditions if (known := _outcome(key, defaults)) is not None]
    return bool(outcomes) and all(known is outcome for known, outcome in outcomes)


def _outcome(key: Hashable, defaults: Mapping[Hashable, Any]) -> bool | None:
    """What a test gives with the defaults; None where it asks about something else."""
    value = _default_of(key, defaults)
    if value is not ABSENT:
        return bool(value)
    if not isinstance(key, tuple) or not key:
        return None
    if key[0] == "not":
        inner = _outcome(key[1], defaults)
        return None if inner is None else not inner
    if key[0] in ("and", "or"):
        sides = {_together(side, defaults) for side in key[1:]}
        settles = key[0] == "or"
        return settles if settles in sides else None if None in sides else not settles
    return _answer(key, defaults) if len(key) == 3 else None


def _together(conditions: Iterable[Condition], defaults: Mapping[Hashable, Any]) -> bool | None:
    """Whether all conditions hold with the defaults; None where that hangs on something else."""
    held = {None if (known := _outcome(key, defaults)) is None else known is outcome for key, outcome in conditions}
    return False if False in held else None if None in held else True


def _default_of(symbol: Hashable, defaults: Mapping[Hashable, Any]) -> Any:
    """The default of an unknown, or of a text made of it; ABSENT where there is none."""
    if symbol in defaults:
        return defaults[symbol]
    if isinstance(symbol, tuple) and len(symbol) == 3 and symbol[0] == "text":
        inner = _default_of(symbol[1], defaults)
        return getattr(inner, symbol[2])() if isinstance(inner, str) else ABSENT
    if isinstance(symbol, tuple) and len(symbol) == 3 and symbol[0] == "slice":
        inner = _default_of(symbol[1], defaults)
        return inner[slice(*symbol[2])] if isinstance(inner, str) else ABSENT
    return ABSENT


class Assumptions:
    """The conditions in force on the path that is being followed, findable by key and by what they ask about."""

    __slots__ = ("_by_subject", "_outcomes", "conditions")

    def __init__(self) -> None:
        self.conditions: list[Condition] = []
        self._outcomes: dict[Hashable, bool] = {}
        self._by_subject: dict[Hashable, list[Condition]] = {}

    def push(self, conditions: Iterable[Condition]) -> int:
        """Assume more; returns the mark to give to `pop`."""
        mark = len(self.conditions)
        for condition in conditions:
            key, outcome = condition
            if key in self._outcomes:
                continue
            self.conditions.append(condition)
            self._outcomes[key] = outcome
            if isinstance(key, tuple) and len(key) == 3:
                self._by_subject.setdefault(root_of(key[1]), []).append(condition)
        return mark

    def pop(self, mark: int) -> None:
        """Drop what was assumed since `mark`."""
        while len(self.conditions) > mark:
            key, _ = self.conditions.pop()
            del self._outcomes[key]
            if isinstance(key, tuple) and len(key) == 3:
                self._by_subject[root_of(key[1])].pop()

    def since(self, mark: int) -> tuple[Condition, ...]:
        """What has been assumed since `mark`."""
        return tuple(self.conditions[mark:])

    def decide(self, key: Hashable) -> bool | None:
        """The outcome of a test that the assumptions settle, else None."""
        known = self._outcomes.get(key)
        if known is not None or not (isinstance(key, tuple) and len(key) == 3):
            return known
        for other, outcome in self._by_subject.get(root_of(key[1]), ()):
            if contradicts(key, True, other, outcome):
                return False
            if contradicts(key, False, other, outcome):
                return True
        return None

    def allow(self, conditions: Iterable[Condition]) -> bool:
        """Whether the conditions can hold on this path."""
        if not self.conditions:
            return True
        given = tuple(conditions)
        if not all(self.decide(key) is not (not outcome) for key, outcome in given):
            return False
        return not any(
            outcome and key[0] == "in" and self._excluded(key, given) for key, outcome in self.conditions if isinstance(key, tuple) and len(key) == 3
        )

    def _excluded(self, membership: tuple[Hashable, ...], given: Sequence[Condition]) -> bool:
        """Whether `x in (a, b)` cannot hold because x is neither a nor b."""
        _, subject, members = membership
        assert isinstance(members, frozenset)
        return all((("==", subject, member), False) in given or self._outcomes.get(("==", subject, member)) is False for member in members)

    def muddled(self, conditions: Iterable[Condition]) -> bool:
        """Whether conditions ask about the same thing as the path does, but otherwise: `n > 1` here, `n == 1` there. Which of them
        go together cannot be told, so that nothing is sure where both play a part."""
        for key, _ in conditions:
            if isinstance(key, tuple) and len(key) == 3:
                for other, _ in self._by_subject.get(root_of(key[1]), ()):
                    if other != key and (key[0] in ORDERS or (isinstance(other, tuple) and other[0] in ORDERS)):
                        return True
        return False

    def narrow(self, value: Alternatives) -> Value:
        """The alternatives that can be there on this path."""
        if not self.conditions:
            return value
        kept = [option for option in value.options if self.allow(option.conditions)]
        if len(kept) == len(value.options) or not kept:
            return value
        return kept[0].value if len(kept) == 1 else Alternatives(kept)


def alike(first: Value, second: Value) -> bool:
    """Whether two values need not be told apart."""
    if first is second:
        return True
    if isinstance(first, Unknown):
        return isinstance(second, Unknown)
    if isinstance(first, Const) and isinstance(second, Const):
        return type(first.value) is type(second.value) and bool(first.value == second.value)
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        one, two = first.facts, second.facts
        return (
            one.kind is two.kind and one.dtype == two.dtype and one.exact == two.exact and one.source == two.source and first.stale is second.stale
            and first.storage is second.storage
        )  # fmt: skip
    if isinstance(first, ApiObject) and isinstance(second, ApiObject):
        # two Softmax modules built the same way need no choice between them, wherever they stand
        return (
            first.name == second.name and not first.attributes and not second.attributes and first.arguments.keys() == second.arguments.keys()
            and all(alike(value, second.arguments[key]) for key, value in first.arguments.items())
        )  # fmt: skip
    return False


def join(options: Iterable[Option], most: int = MOST_OPTIONS) -> Value:
    """One value for several that may be there; equal ones are folded, nested alternatives flattened."""
    folded = _folded(_flat(list(options)), alike)
    if len(folded) == 1:
        return folded[0].value
    if len(folded) > most:
        if all(isinstance(option.value, (*OBJECTS, Unknown)) or alike(option.value, NONE) for option in folded):
            most = MOST_OBJECTS  # or what there is for a name that was not foreseen
        else:
            folded = _folded([_without_memory(option) for option in folded], _mean_the_same)
    return folded[0].value if len(folded) == 1 else Alternatives(folded[:most])


def _flat(options: Sequence[Option]) -> list[Option]:
    """The options with the alternatives among them taken apart. What each option may mean is sure, whichever of them is there."""
    flat: list[Option] = []
    sources: dict[Hashable, set[int]] = {}
    for index, option in enumerate(options):
        inner = option.value.options if isinstance(option.value, Alternatives) else (Option(option.value),)
        for each in inner:
            if consistent(each.conditions, option.conditions):
                conditions = tuple(dict.fromkeys(option.conditions + each.conditions))
                flat.append(Option(each.value, conditions[:MOST_CONDITIONS], option.certain and each.certain and len(conditions) <= MOST_CONDITIONS))
                if each.certain:
                    sources.setdefault(_meaning(each.value), set()).add(index)
    everywhere = {meaning for meaning, found in sources.items() if len(found) == len(options) > 1}
    return [each if each.certain or _meaning(each.value) not in everywhere else Option(each.value, each.conditions) for each in flat]


def _meaning(value: Value) -> Hashable:
    """What a tensor means, whatever memory it has; other values are themselves."""
    return (value.facts.kind, value.facts.dtype) if isinstance(value, Tensor) else id(value)


def _folded(options: Iterable[Option], same: Callable[[Value, Value], bool]) -> list[Option]:
    """The options, of those that need not be told apart only the first, under the conditions that they share."""
    folded: list[Option] = []
    for option in options:
        for position, seen in enumerate(folded):
            if same(seen.value, option.value):
                common = tuple(condition for condition in seen.conditions if condition in option.conditions)
                folded[position] = Option(seen.value, common, seen.certain or option.certain)
                break
        else:
            folded.append(option)
    return folded


def _without_memory(option: Option) -> Option:
    """A tensor about whose memory nothing is said any more."""
    value = option.value
    return Option(Tensor(value.facts, grad=value.grad), option.conditions, option.certain) if isinstance(value, Tensor) else option


def _mean_the_same(first: Value, second: Value) -> bool:
    """Where there are many tensors: whether their kinds and dtypes agree, wherever these come from."""
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        return first.facts.kind is second.facts.kind and first.facts.dtype == second.facts.dtype and first.facts.exact == second.facts.exact
    return alike(first, second)
