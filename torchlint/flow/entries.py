"""Where does a program begin?

    1. the body of every file, in which a script or notebook does its work
    2. the blocks under `if __name__ == "__main__":`
    3. functions and methods that nothing evaluated so far has called: those named nowhere else first, as the ends of the call graph.
       Methods are those of an object that the program builds, where only a library can be the one that calls them
    4. networks that were built but never called (`def resnet(): return ResNet(Block)`): their forward

Arguments that are not known are unknown, except that defaults count and that the parameters of a forward are tensors.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import libcst as cst

import torchlint.flow.statements  # noqa: F401  (fills the dispatch tables)
from torchlint.flow.arguments import Arguments
from torchlint.flow.attributes import class_attribute
from torchlint.flow.calls import call_instance
from torchlint.flow.classes import construct
from torchlint.flow.functions import FORWARD, call_function
from torchlint.flow.handovers import run_steps
from torchlint.flow.hot import Hot
from torchlint.flow.machine import Exhausted
from torchlint.flow.modes import all_train
from torchlint.flow.networks import call_object
from torchlint.flow.places import NodePlace
from torchlint.flow.roots import definitions, main_blocks, methods
from torchlint.flow.samples import forward_argument, unknown_arguments, ways_to_call
from torchlint.flow.scope import ModuleScope
from torchlint.flow.values import ApiObject, Class, Function, Instance, Value

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine

ENTRY_WORK = 15_000
"""How many nodes may be evaluated for one function that nobody calls."""
MAIN_WORK = 250_000
"""... for the main block of a script, from which the whole program hangs."""
LONG_MAIN_WORK = 750_000
"""... and for one that this does not suffice for, once all others have had their turn."""
LEAST_LONG_WORK = 400_000
LONG_MAIN_POOL = 1_500_000
"""... and for all of these together."""
MAIN_POOL = 6_000_000
"""... and for all main blocks together,"""
USUAL_MAIN_WORK = 60_000
"""... but at least so much for each of them: in a collection of many programs, the last ones have their turn too."""
FILE_WORK = 500_000
"""... and for all entry points of one file together: a few seconds."""
LEAST_FILE_WORK = 20_000
LEAST_WORK = 2_500_000
WORK_PER_CHARACTER = 0.05
"""How much the whole run may take: about as long as parsing, for a large project."""
MOST_NETWORKS = 4
"""How many networks of one class, built but not called, are tried."""


class Entries:
    """Runs all entry points of the given modules."""

    def __init__(
        self,
        machine: Machine,
        modules: Sequence[ModuleScope],
        progress: Callable[[ModuleScope], None] | None = None,
        networks: frozenset[str] = frozenset(),
    ) -> None:
        self.machine = machine
        self.modules = modules
        self.progress = progress
        self._hot = machine.hot = Hot(modules, machine.table, networks)
        self._pool = 0
        self._left: dict[int, int] = {}
        self._objects: dict[int, list[Class]] = {}  # by the id of a main block: the classes of the objects that it builds
        self._builders: dict[str, list[tuple[ModuleScope, Function]]] = defaultdict(list)  # by name of a class: the functions that name it
        self._skipped: Counter[str] = Counter()  # in how many branches that the programs do not take, as they are set up, a word stands
        self._branches = 0  # how many of these were looked at
        self._tried: Counter[int] = Counter()  # how often networks of a class were called at the end of an entry point

    def run(self) -> None:
        """All entry points, in the order given above."""
        blocks = [(module, block) for module in self.modules for block in main_blocks(module)]
        self._pool = max(MAIN_POOL, USUAL_MAIN_WORK * len(blocks))
        self._left = {id(module): MAIN_WORK + LONG_MAIN_WORK for module in self.modules}
        for module in self.modules:
            self._networks(module)
        long = [(module, block) for module, block in blocks if not self._try(module, partial(self._main, block, module), MAIN_WORK)]
        self._pool = min(self._pool, LONG_MAIN_POOL)
        for left, (module, block) in zip(range(len(long), 0, -1), long, strict=True):
            share = max(LEAST_LONG_WORK, self._pool // left)  # what one does not need is there for those behind it
            self._try(module, partial(self._main, block, module), min(LONG_MAIN_WORK, share))
        for module, block in blocks:
            if any(self._idle(cls) for cls in self._objects.get(id(block), ())):
                self._try(module, partial(self._main_again, block, module), MAIN_WORK)
        self._share_out()
        self._list_builders()
        for roots_only in (True, False):
            for module in self.modules:
                for cls, functions in definitions(module):
                    if cls is not None and cls.name in self._builders and any(self._wanted(each, cls, roots_only) for each in functions):
                        self._makers(cls)
                    wanted = [each for each in functions if self._wanted(each, cls, roots_only)]
                    if wanted and cls is not None:
                        self._try(module, partial(self._methods, module, cls, wanted))
                    for function in wanted if cls is None else ():
                        for arguments in ways_to_call(function, 0):
                            self._try(module, partial(self._function, module, function, arguments))
                if self.progress is not None and not roots_only:
                    self.progress(module)
        for event in self.machine.thresholds.settled():
            self.machine.emit(event)

    def _share_out(self) -> None:
        """Divide the work for functions that nobody calls among the files; those that name a loss or a softmax get more."""
        sources = [(id(module), module.source.text) for module in self.modules if module.source is not None]
        self._pool = max(LEAST_WORK, int(sum(len(text) for _, text in sources) * WORK_PER_CHARACTER))
        tokens = [token.decode() for token in self.machine.table.tokens]
        telling = {key for key, text in sources if any(token in text for token in tokens)}
        share = 3 * self._pool // max(1, 2 * len(telling))
        self._left = {id(module): min(FILE_WORK, max(LEAST_FILE_WORK, share if id(module) in telling else share // 4)) for module in self.modules}

    def _wanted(self, function: Function, cls: Class | None, roots_only: bool) -> bool:
        """Whether a function is still to be tried: nobody has called it, and something can come of it."""
        inherited = cls is not None and cls is not function.owner
        if inherited and cls is not None and self._hot.is_part(cls.name):
            return False
        if roots_only and (inherited or self._hot.mentions[function.name] > 1):
            return False
        return (inherited or id(function.node) not in self.machine.reached) and self._hot.is_hot(function.node)

    def _try(self, module: ModuleScope, run: Callable[[], object], work: int = ENTRY_WORK) -> bool:
        """Run one entry point within its share of work, and take back what it changed. Whether the work sufficed."""
        machine = self.machine
        left = min(self._left[id(module)], self._pool)
        if left <= 0:
            return False
        outer = machine.work
        machine.work = share = min(work, left)
        mark, reached, pending = machine.store.mark(), len(machine.reached), len(machine.pending)
        objects = dict(machine.objects)
        try:
            run()
        except (Exhausted, RecursionError):
            while len(machine.reached) > reached:  # what was cut short is tried by itself
                machine.reached.popitem()
            del machine.pending[pending:]  # and what was built by then is taken apart again
        except Exception as error:
            machine.failed(error)
        finally:
            machine.frames.clear()
            machine.paths.pop(0)
            machine.no_grad = machine.layer_loops = machine.unsure = 0
            machine.choosing.clear()
            machine.watch = None
            machine.store.undo(mark)
            machine.memo.clear()
            machine.objects = objects
            used = share - max(machine.work, 0)
            self._left[id(module)] -= used
            self._pool -= used
            sufficed, machine.work = machine.work >= 0, outer
        return sufficed

    def _main(self, block: cst.If, module: ModuleScope) -> None:
        before = dict(self.machine.objects)
        self.machine.run(block.body.body, module)
        self._objects[id(block)] = [each.cls for each in self._built_since(before)]
        self._networks(module)

    def _main_again(self, block: cst.If, module: ModuleScope) -> None:
        """What is left of the objects that a main block builds, once all others had the chance to call their methods."""
        before = dict(self.machine.objects)
        self.machine.run(block.body.body, module)
        self._use(before)

    def _function(self, module: ModuleScope, function: Function, arguments: Arguments) -> None:
        before = dict(self.machine.objects)
        all_train(self.machine)
        call_function(self.machine, function, arguments)
        self._networks(module)
        self._use(before)

    def _list_builders(self) -> None:
        known = [(module, cls, functions) for module in self.modules for cls, functions in definitions(module)]
        classes = {cls.name for _, cls, _ in known if cls is not None}
        for module, cls, functions in known:
            for function in functions if cls is None else ():
                for name in classes & self._hot.words(function.node):
                    self._builders[name].append((module, function))

    def _makers(self, cls: Class) -> None:
        """The functions that build objects of a class, and that nobody calls: what they build is better than an object from unknown arguments."""
        for module, function in self._builders.pop(cls.name, ()):
            if self._wanted(function, None, False):
                self._try(module, partial(self._function, module, function, ways_to_call(function, 0)[0]))

    def _built_since(self, before: dict[int, Instance]) -> list[Instance]:
        return [each for key, each in self.machine.objects.items() if before.get(key) is not each]

    def _idle(self, cls: Class) -> list[Function]:
        """Methods of a class that nobody has called. What the program calls by name, but not as it is set up, is not for this object to do."""
        if id(cls.scope.module) not in self._left:
            return []
        return [each for each in methods(cls) if self._hot.left_to_others(each.name) and self._wanted(each, cls, False)]

    def _use(self, before: dict[int, Instance]) -> None:
        """Call the methods of the objects that were built and left idle: a library calls them, or whoever is yet to write a program."""
        for built in self._built_since(before):
            for function in self._idle(built.cls):
                self._each_way(built.cls.scope.module, function, built.cls, built)

    def _methods(self, module: ModuleScope, cls: Class, functions: Sequence[Function]) -> None:
        """Methods of one object, each from the state that its constructor leaves; of one that a module builds, where a library calls them."""
        sample, built = self.sample(cls), self.machine.objects.get(id(cls.node))
        for function in functions:
            if self._leads_elsewhere(function):
                self._try(module, partial(self._otherwise, module, cls, function))
                continue
            self._each_way(module, function, cls, built if built is not None and self._hot.left_to_others(function.name) else sample)

    def _each_way(self, module: ModuleScope, function: Function, cls: Class, receiver: Value) -> None:
        first: list[Value] = [] if function.role == "static" else [cls if function.role == "class" else receiver]
        for arguments in ways_to_call(function, len(first)) if function.name != "__init__" else ():
            self._try(module, partial(self._method, module, function, first, arguments))

    def _leads_elsewhere(self, function: Function) -> bool:
        """Whether a method is named only where the programs do not go, as they are set up."""
        branches = list(self.machine.skipped.values())[self._branches :] if len(self.machine.skipped) > self._branches else ()
        self._branches += len(branches)
        for branch in branches:
            self._skipped.update(self._hot.words(branch))
        return self._skipped[function.name] > 0 and self._hot.left_to_others(function.name, self._skipped[function.name])

    def _otherwise(self, module: ModuleScope, cls: Class, function: Function) -> None:
        """A method that only other settings lead to: no setting has its default here."""
        defaults, self.machine.defaults = self.machine.defaults, {}
        try:
            self._each_way(module, function, cls, self.sample(cls, unset=True))
        finally:
            self.machine.defaults = defaults

    def _method(self, module: ModuleScope, function: Function, first: list[Value], arguments: Arguments) -> None:
        all_train(self.machine)
        call_function(self.machine, function, Arguments([*first, *arguments.positional]), first[0] if first else None)
        self._networks(module)

    def sample(self, cls: Class, unset: bool = False) -> Value:
        """An object of a class as its constructor makes it from unknown arguments and defaults. unset: without those."""
        init = next((each.attributes["__init__"] for each in cls.mro if isinstance(each, Class) and "__init__" in each.attributes), None)
        arguments = unknown_arguments(init, 1, unset=unset) if isinstance(init, Function) else Arguments()
        built = construct(self.machine, cls, arguments, cls.node, cls.scope)
        if self.machine.pending and self.machine.pending[-1] is built:
            self.machine.pending.pop()
        return built

    def _networks(self, module: ModuleScope) -> None:
        """Call the networks that were built and not called: what happens inside them can be judged whoever calls them."""
        pending = self.machine.pending
        while pending:
            network = pending.pop()
            key = id(network.cls.node) if isinstance(network, Instance) else hash(getattr(network, "name", ""))
            self._tried[key] += 1
            if self._tried[key] <= MOST_NETWORKS:
                home = network.cls.module if isinstance(network, Instance) else module
                self._try(home if id(home) in self._left else module, partial(self._network, network))

    def _network(self, network: Value) -> None:
        machine = self.machine
        all_train(machine)
        if isinstance(network, Instance) and self._hot.is_hot(network.cls.node):
            forward = class_attribute(network.cls, FORWARD)
            ways = ways_to_call(forward, 1) if isinstance(forward, Function) else [Arguments([forward_argument()])]
            for arguments in ways if id(network) not in machine.called else ():
                call_instance(machine, network, arguments, network.cls.node, network.cls.scope)
            run_steps(machine, network)
        elif isinstance(network, ApiObject) and network.attributes and network.made is not None and id(network.made) not in machine.taken_apart:
            place = network.made.place
            if isinstance(place, NodePlace):
                call_object(machine, network, Arguments([forward_argument()]), place.node, self.modules[0])
