"""What does every part of the interpreter share?

The Machine holds the state of a run (undo log, assumptions, running frames, remaining work) and the two dispatch tables, by node type,
that flow.expressions and flow.statements fill. Evaluating `criterion(model(x), y)` goes

    evaluate(Call) -> expressions.call -> calls.call(Instance Net) -> statements of Net.forward -> ... -> apply(contract) -> emit(LossCall)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable
from collections.abc import Sequence as Seq
from enum import Enum
from typing import TYPE_CHECKING, Any

import libcst as cst

from torchlint.contracts.table import Table
from torchlint.events import Event
from torchlint.flow.decisions import Assumptions, join, usual
from torchlint.flow.merging import Branch, chosen, merge
from torchlint.flow.places import NodePlace
from torchlint.flow.scope import Frame, ModuleScope, Scope
from torchlint.flow.store import Store
from torchlint.flow.thresholds import Thresholds
from torchlint.flow.values import Alternatives, Condition, Function, Instance, Option, Sequence, Tensor, Unknown, Value

if TYPE_CHECKING:
    from torchlint.flow.hooks import Watch
    from torchlint.flow.hot import Hot
    from torchlint.flow.project import Project

MOST_FRAMES = 40
"""How deep calls are followed."""

MOST_STEPS_OF_TRACE = 24


class Exhausted(Exception):
    """The work allowed for one entry point is used up; what is not known by then stays unknown."""


class Status(Enum):
    """How a block ended."""

    NORMAL = "normal"
    RETURN = "return"
    RAISE = "raise"
    BREAK = "break"
    CONTINUE = "continue"


Evaluator = Callable[["Machine", "cst.CSTNode", Scope], Value]
Executor = Callable[["Machine", "cst.CSTNode", Scope], Status]
EVALUATORS: dict[type, Evaluator] = {}
EXECUTORS: dict[type, Executor] = {}


class Machine:
    """One run of the interpreter over a project."""

    def __init__(self, table: Table, emit: Callable[[Event], None]) -> None:
        self.table = table
        self._emit = emit
        self.store = Store()
        self.paths = Assumptions()
        self.frames: list[Frame] = []
        self.work = 0  # nodes that may still be evaluated for this entry point
        self.no_grad = 0  # depth of torch.no_grad() blocks
        self.reached: dict[int, None] = {}  # ids of the definitions that some call has entered
        self.memo: dict[Hashable, tuple[int, Value]] = {}
        self.watch: Watch | None = None  # the tensor whose keeping a running hook is watched for
        self.breaks: list[dict[str, Any]] = []  # the variables at each place where a branch left a loop that another went on with
        self.unsure = 0  # depth of alternatives of which only one will be there
        self.choosing: list[NodePlace] = []  # the calls under way of one among several alternatives
        self.layer_loops = 0  # depth of loops over the layers of a network
        self.pending: list[Value] = []  # networks that were built; those never called are tried at the end
        self.objects: dict[int, Instance] = {}  # by the id of its class: the last object that was built, networks aside
        self.called: dict[int, Instance] = {}  # by id: objects of the project that the program calls
        self.taken_apart: set[int] = set()  # ids of the steps that built ready-made networks of which the program calls parts
        self.skipped: dict[int, cst.CSTNode] = {}  # by id: branches that were not taken, as the program is set up
        self.hot: Hot | None = None  # known once the bodies of all files have been run
        self.thresholds = Thresholds()
        self.failures: list[Exception] = []
        self.defaults: dict[Hashable, Any] = {}  # what settings that a user may give are when nobody gives them
        self.evaluated: dict[int, Instance] = {}  # by id: networks that were told to evaluate, at any time
        self.kept: dict[Hashable, Any] = {}  # networks that were saved as a whole, by the name of the file
        self.project: Project

    def spend(self) -> None:
        """One more piece of work."""
        self.work -= 1
        if self.work < 0:
            raise Exhausted

    def failed(self, error: Exception) -> None:
        """A mistake in torchlint itself ends one entry point, not the run; TORCHLINT_DEBUG=1 shows it."""
        if os.environ.get("TORCHLINT_DEBUG"):
            raise error
        self.failures.append(error)

    def emit(self, event: Event) -> None:
        """Tell the rules."""
        self._emit(event)

    def evaluate(self, node: cst.CSTNode, scope: Scope) -> Value:
        """The value of an expression."""
        self.work -= 1
        if self.work < 0:
            raise Exhausted
        evaluator = EVALUATORS.get(type(node))
        return evaluator(self, node, scope) if evaluator is not None else Unknown()

    def run(self, statements: Iterable[cst.CSTNode], scope: Scope) -> Status:
        """Execute statements in order until one leaves the block."""
        for statement in statements:
            executor = EXECUTORS.get(type(statement))
            if executor is not None:
                status = executor(self, statement, scope)
                if status is not Status.NORMAL:
                    return status
        return Status.NORMAL

    def attempt(self, work: int, run: Callable[[], Value]) -> Value | None:
        """run() with no more than this much work; None, and nothing changed, when that does not suffice."""
        outer, mark, frames = self.work, self.store.mark(), len(self.frames)
        self.work = share = min(work, outer)
        try:
            return run()
        except Exhausted:
            self.store.undo(mark)
            del self.frames[frames:]
            return None
        finally:
            self.work = outer - (share - max(self.work, 0))

    def place(self, node: cst.CSTNode, scope: Scope) -> NodePlace:
        """Where a node is."""
        module: ModuleScope = scope.module
        assert module.source is not None
        return NodePlace(module.source, node)

    def lift(self, value: Value, function: Callable[[Value], Value]) -> Value:
        """function(value), for each alternative by itself; `function` may change the state."""
        if type(value) is not Alternatives:
            return function(value)
        cases = [option for option in value.options if self.paths.allow(option.conditions)]
        if not cases:
            return Unknown()
        if len(cases) == 1:
            return function(cases[0].value)
        results: list[Option] = []

        def case(option: Option) -> Callable[[], Status]:
            certain = option.certain and not self.paths.muddled(option.conditions)

            def run() -> Status:
                self.unsure += not certain
                results.append(Option(function(option.value), option.conditions, certain))
                self.unsure -= not certain
                return Status.NORMAL

            return run

        self.branch([(option.conditions, case(option)) for option in cases], sure=[option.certain for option in cases])
        return join(results)

    def lift_choice(self, value: Value, function: Callable[[Value], Value], place: NodePlace) -> Value:
        """As `lift`, for what is called at a place: which alternative it is, is a choice of the program."""
        if type(value) is not Alternatives or len(value.options) == 1:
            return self.lift(value, function)
        self.choosing.append(place)
        try:
            return self.lift(value, function)
        finally:
            self.choosing.pop()

    def project_value(self, value: Value, function: Callable[[Value], Value]) -> Value:
        """As `lift`, for a function that changes nothing."""
        if type(value) is not Alternatives:
            return function(value)
        results: list[Option] = []
        for option in value.options:
            self.unsure += not option.certain
            results.append(Option(function(option.value), option.conditions, option.certain))
            self.unsure -= not option.certain
        return join(results)

    def certain(self, value: Value, conditions: Iterable[Condition]) -> bool:
        """Whether a value surely arises for some setting that people use: a choice of objects, or what defaults lead to."""
        return chosen(value) or usual(conditions, self.defaults)

    def branch(
        self, cases: Seq[tuple[tuple[Condition, ...], Callable[[], Status]]], variables: dict[str, Any] | None = None, sure: Seq[bool] = ()
    ) -> Status:
        """Try each case from the same state and merge what they leave. variables: the dict of the running function's own names;
        sure: which of the cases surely arise, where that is known otherwise than by the conditions."""
        branches: list[Branch] = []
        statuses: list[Status] = []
        for index, (conditions, run) in enumerate(cases):
            mark, assumed = self.store.mark(), self.paths.push(conditions)
            try:
                status = run()
            finally:
                kept = self.paths.since(assumed)
                self.paths.pop(assumed)
            changes = self.store.undo(mark)
            self.work -= len(changes) // 4  # putting branches together takes time too
            by_default = sure[index] if sure else bool(kept) and usual(kept, self.defaults)
            branches.append(Branch(kept, changes, status is not Status.RAISE, status in (Status.RETURN, Status.RAISE), by_default))
            statuses.append(status)
        self.work -= merge(self.store, branches, variables) // 2
        if variables is not None and Status.BREAK in statuses and Status.NORMAL in statuses:
            self.breaks.append(dict(variables))
        going_on = [index for index, status in enumerate(statuses) if status is Status.NORMAL]
        if not going_on:
            return statuses[0] if len(set(statuses)) == 1 else (Status.RETURN if Status.RETURN in statuses else statuses[0])
        if (
            len(going_on) == 1
            and len(branches) > 1
            and all(status in (Status.RETURN, Status.RAISE) for status in statuses if status is not Status.NORMAL)
        ):
            self.paths.push(branches[going_on[0]].conditions)  # the rest of the function runs only on this path
        return Status.NORMAL

    def on_the_way(self, value: Value, message: str, place: NodePlace) -> Value:
        """The value with one more step in the trace of every tensor in it."""
        if isinstance(value, Tensor):
            trace = value.facts.trace
            if trace is not None and trace.step.place == place:
                return value
            return value.with_step(message, place) if trace is None or len(trace) < MOST_STEPS_OF_TRACE else value
        if isinstance(value, Sequence) and not value.mutable:
            if not any(isinstance(item, (Tensor, Alternatives)) for item in value.items):
                return value
            items = (self.on_the_way(item, f"{message} as element {index} of a tuple", place) for index, item in enumerate(value.items, 1))
            return Sequence(items, fields=value.fields, open_=value.open)
        if type(value) is Alternatives:
            return Alternatives(
                [Option(self.on_the_way(option.value, message, place), option.conditions, option.certain) for option in value.options]
            )
        return value

    @property
    def frame(self) -> Frame | None:
        return self.frames[-1] if self.frames else None

    def inside_forward(self) -> bool:
        """Whether the forward of some module is running."""
        return any(frame.forward for frame in self.frames)

    def running(self, function: Function) -> int:
        """How many calls of this definition are under way."""
        return sum(1 for frame in self.frames if frame.function is not None and frame.function.node is function.node)
