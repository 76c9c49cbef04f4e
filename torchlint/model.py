"""Which words do all parts of torchlint share?

A *kind* says what the numbers of a tensor mean, *facts* are what a witness knows of one tensor, a *step* is one station on the way
a value took, and a *finding* is what a person reads at the end:

    logits = net(x)                 # facts: kind=logits, trace: "Linear gives logits"
    probs = logits.softmax(1)       # facts: kind=probabilities, trace: ... "softmax makes probabilities"
    loss = cross_entropy(probs, y)  # a LossCall event whose `input` has these facts -> a finding of TL101

The static flow and the runtime mode both speak in these words; nothing here knows of syntax or of torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol


class Kind(str, Enum):
    """What the numbers of a tensor mean."""

    LOGITS = "logits"  # any real number: raw scores
    PROBABILITIES = "probabilities"  # in [0, 1], summing to 1 over an axis
    LOG_PROBABILITIES = "log_probabilities"  # logarithm of probabilities
    FLAT_LOG_PROBABILITIES = "flat_log_probabilities"  # log_softmax of what was in [0, 1] already: no class is far above the others
    UNIT_INTERVAL = "unit_interval"  # each in [0, 1] by itself: sigmoid
    LOG_UNIT_INTERVAL = "log_unit_interval"  # logarithm of a unit_interval: logsigmoid
    NONNEGATIVE = "nonnegative"  # in [0, inf): relu
    SIGNED_UNIT = "signed_unit"  # in [-1, 1]: tanh
    ONE_HOT = "one_hot"  # exactly one 1 in each row
    CLASS_INDICES = "class_indices"  # integers that number classes
    UNKNOWN = "unknown"

    def __str__(self) -> str:
        return self.value


class Severity(str, Enum):
    """How bad a finding is; `info` findings do not fail a run."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    def __str__(self) -> str:
        return self.value


class Evidence(str, Enum):
    """How sure the witness is."""

    PROVEN = "proven"  # the flow or the autograd graph shows it
    VIOLATED = "violated"  # a documented precondition is broken by the values
    SUPPORTED = "supported"  # values over several batches agree
    POSSIBLE = "possible"  # only on a branch that an unknown flag decides

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A stretch of source text. Lines and columns count from 1; `end_column` is one past the last character.

    In a notebook `cell` is the 1-based index among code cells and `line` counts inside that cell.
    """

    path: str
    cell: int | None
    line: int
    column: int
    end_line: int
    end_column: int


class Place(Protocol):
    """Somewhere in a program; its location is computed only when a finding needs it."""

    def locate(self) -> Location: ...

    def silences(self, location: Location, code: str, name: str, whole: bool) -> bool:
        """Whether a comment on the first line of its location, or with `whole` on any of its lines, silences a rule."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """One station of a trace: a sentence and where it happened.

    maker: where the module that did it was built, if one did; call: the qualified name of what gave the values, if a contract did.
    """

    message: str
    place: Place
    maker: Place | None = field(default=None, compare=False)
    call: str = field(default="", compare=False)


class Trace:
    """The steps a fact took, as a linked list so that extending it is cheap and shares the past."""

    __slots__ = ("before", "step")

    def __init__(self, step: Step, before: Trace | None = None) -> None:
        self.step = step
        self.before = before

    def steps(self) -> tuple[Step, ...]:
        """All steps, the oldest first."""
        return tuple(reversed([node.step for node in self._backwards()]))

    @property
    def first(self) -> Step:
        """The oldest step."""
        return list(self._backwards())[-1].step

    def __len__(self) -> int:
        return sum(1 for _ in self._backwards())

    def _backwards(self) -> Iterator[Trace]:
        node: Trace | None = self
        while node is not None:
            yield node
            node = node.before


@dataclass(frozen=True, slots=True)
class Observed:
    """What the values of one live tensor are like. The flow never knows.

    lowest, highest  of the finite values; None for an empty tensor
    finite    False where NaN or an infinity is among them
    excess    how far the farthest row is from a distribution: |sum - 1| over the class axis; None where that says nothing
    log_excess  ... from a distribution's logarithm: |logsumexp|
    integral  whether all values are whole numbers
    ignored   how many are equal to the ignore_index of the loss
    counts    how often each class index occurs, the most frequent first, at most ten
    nonfinite  which values are not finite: "nan", "inf", "-inf" (where there is a NaN, infinities beside it are not looked for)
    outside   how many values lie outside of the domain that the contract names
    sums      the least and the greatest sum of a row that is not all zeros, where the contract asks for distributions
    size      how many values there are
    """

    size: int
    lowest: float | None = None
    highest: float | None = None
    finite: bool = True
    excess: float | None = None
    log_excess: float | None = None
    integral: bool = False
    ignored: int = 0
    counts: tuple[tuple[int, int], ...] = ()
    nonfinite: tuple[str, ...] = ()
    outside: int = 0
    sums: tuple[float, float] | None = None


@dataclass(slots=True)
class Facts:
    """What a witness knows of one tensor.

    kind    what its numbers mean; UNKNOWN never reports
    dtype   "int64", "bool", "float32", ...; None where not known
    source  the qualified name of the call that gave the kind, such as "torch.nn.functional.softmax"
    exact   False once arithmetic touched the values since `source` (views, indexing and casts keep it True)
    trace   how the kind came here
    dtype_trace  how the dtype came here
    shape   the sizes that are known, None for an axis of unknown size; None where even the rank is unknown
    observed  what its values are like, where the runtime mode has looked at them
    axis    the axis along which its values belong together, counted from 0: over which a softmax normalised them, or in which a layer put its
            features; None where that is not known or axes were moved since
    """

    kind: Kind = Kind.UNKNOWN
    dtype: str | None = None
    source: str = ""
    exact: bool = True
    trace: Trace | None = None
    dtype_trace: Trace | None = None
    shape: tuple[int | None, ...] | None = None
    observed: Observed | None = None
    axis: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: `TL101 softmax-before-cross-entropy`. Its page is rules/TL101.md; `default` is False for opt-in rules."""

    code: str
    name: str
    severity: Severity
    summary: str
    default: bool = True

    @property
    def url(self) -> str:
        return f"https://torchlint.readthedocs.io/rules/{self.code}"


@dataclass(slots=True)
class Report:
    """What a rule says of one event, before locations are computed.

    `message` says what is wrong and why it hurts, `help` what to write instead, `steps` where the value came from (oldest first).
    `cause` is the step in which the wrong value arose: mending it there mends every place that it reaches.
    """

    rule: Rule
    place: Place
    message: str
    help: str
    steps: tuple[Step, ...] = ()
    severity: Severity | None = None  # where one rule has several: overrides rule.severity
    cause: Step | None = None
    evidence: Evidence | None = None  # where the rule looked at more than kinds: overrides the event's


@dataclass(frozen=True, slots=True)
class TraceStep:
    """A step whose place has been computed."""

    message: str
    location: Location


@dataclass(frozen=True, slots=True)
class Finding:
    """What a person or a program reads; torchlint.reporters.json_ gives its JSON form."""

    code: str
    rule: str
    severity: Severity
    evidence: Evidence
    message: str
    help: str
    url: str
    location: Location
    trace: tuple[TraceStep, ...] = ()
    more: int = 0  # how many further flows reach the same place with the same mistake
    cause: Location | None = None  # where the wrong value arose; findings with the same code and cause are one mistake
    fix: None = field(default=None)
    times: int | None = None  # how often the runtime mode saw it there; None for the static side

    @property
    def sort_key(self) -> tuple[Location, str]:
        return (self.location, self.code)
