"""What does torchlint know of `torch.nn.functional.softmax`, by whatever name it is called?

All contract files become one table, and a user's own contracts are laid over it:

    table = load([{"name": "ours.focal", "like": "torch.nn.functional.cross_entropy"}])
    table.call("ours.focal").loss                                   # "cross_entropy"
    table.module("torch.nn.modules.activation.Softmax").call        # "torch.nn.functional.softmax"
    table.forward(table.module("torch.nn.Linear")).gives            # "logits"

The table is plain look-up: it decides nothing about programs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from torchlint.contracts.reading import Contracts, builtin, canonical, with_user
from torchlint.contracts.schema import Call, Handover, Model, Module, Wrapper

SOFTMAX_FAMILY = ("softmax", "log_softmax", "softmin", "gumbel_softmax", "Softmax", "LogSoftmax", "Softmin", "Softmax2d")
"""Names that are worth a look even where no loss is in sight."""


class Table:
    """All contracts by name. Build one with `load`."""

    def __init__(self, contracts: Contracts) -> None:
        self._aliases = contracts.aliases
        self._dtypes = contracts.dtypes
        self._constants = contracts.constants
        self._nodes = contracts.nodes
        self._axes = contracts.axes
        self._calls = contracts.calls
        self._modules = contracts.modules
        self._models = contracts.models
        self._wrappers = contracts.wrappers
        self._handovers = contracts.handovers
        self._canonical: dict[str, str] = {}
        self._on_the_way = {prefix for alias in contracts.aliases for prefix in _packages(alias)}
        self._forwards: dict[str, Call | None] = {}
        self._leaves = (self._models, self._wrappers, self._handovers, self._dtypes, self._constants)
        self._children = _children(self._calls, self._modules, *self._leaves, self._aliases)
        self.tokens: tuple[bytes, ...] = _tokens(self._calls, self._modules)
        self.networks: frozenset[str] = frozenset(_word_of(name) for name in self._models)
        self.activations: tuple[str, ...] = tuple(name for name, module in self._modules.items() if module.call is not None)

    def canonical(self, name: str) -> str:
        """The name under which contracts are kept: torch.nn.modules.loss.NLLLoss -> torch.nn.NLLLoss."""
        known = self._canonical.get(name)
        if known is None:
            known = self._canonical[name] = canonical(name, self._aliases)
        return known

    def member(self, name: str) -> str:
        """What an attribute of a library's package is called; torch.nn.modules stays as it is, since an alias may begin with it."""
        return name if name in self._on_the_way else self.canonical(name)

    def call(self, name: str) -> Call | None:
        """The contract of a function, method or tensor constructor by its qualified name."""
        return self._calls.get(self.canonical(name))

    def calls(self) -> Iterable[tuple[str, Call]]:
        """All of them, by name."""
        return self._calls.items()

    def module(self, name: str) -> Module | None:
        """The contract of a class whose instances are called."""
        return self._modules.get(self.canonical(name))

    def model(self, name: str) -> Model | None:
        """The contract of a function or class that builds a whole network."""
        return self._models.get(self.canonical(name))

    def wrapper(self, name: str) -> Wrapper | None:
        """The contract of a function that hands back what it was given."""
        return self._wrappers.get(self.canonical(name))

    def handover(self, name: str) -> Handover | None:
        """The contract of a callable that runs a network and a loss out of sight."""
        return self._handovers.get(self.canonical(name))

    def forward(self, module: Module) -> Call | None:
        """The call that a module's forward equals; None for containers, wrappers and modules of which nothing is known."""
        key = module.names[0]
        if key not in self._forwards:
            self._forwards[key] = self._forward(module)
        return self._forwards[key]

    def _forward(self, module: Module) -> Call | None:
        if module.call is not None:
            return self.call(module.call)
        given = module.forward
        if given is None:
            return None
        return Call(
            name=module.name,
            params=given.params,
            defaults=module.defaults,
            takes=given.takes,
            gives=given.gives,
            converts=given.converts,
            returns=given.returns,
            dtype=given.dtype,
            storage=given.storage,
            saves=given.saves,
            parameters=given.parameters,
            loss=given.loss,
            cases=given.cases,
            roles=given.roles,
            source=module.source,
        )

    def dtype(self, name: str) -> str | None:
        """The dtype that a name stands for: torch.long, torch.cuda.FloatTensor, numpy.float32 ... -> "int64", "float32"."""
        return self._dtypes.get(name) or self._dtypes.get(self.canonical(name))

    def constant(self, name: str) -> bool | int | float | str | None:
        """The value of a library's constant, None where it is not known."""
        return self._constants.get(self.canonical(name))

    def tensor_method(self, name: str) -> Call | None:
        """The contract of a method or attribute of tensors: "softmax", "view", "T"."""
        return self._calls.get(f"torch.Tensor.{name}")

    def nodes(self) -> Iterable[tuple[str, str]]:
        """The nodes of the autograd graph, each with the function that it is the backward of."""
        return self._nodes.items()

    def axes(self) -> Mapping[str, int | str]:
        """Along which axis the values that a node of the autograd graph made belong together, as the schema words it."""
        return self._axes

    def known(self, name: str) -> bool:
        """Is a contract called that, or a module that holds some (torch.nn)?"""
        name = self.canonical(name)
        return name in self._calls or name in self._modules or name in self._children or self._is_leaf(name)

    def _is_leaf(self, name: str) -> bool:
        return any(name in table for table in self._leaves)

    def names_in(self, module: str) -> Iterable[str]:
        """The public names right under a module, as a star-import would bring: "torch.nn" -> "Linear", "functional", ..."""
        return self._children.get(self.canonical(module), frozenset())


def _packages(name: str) -> Iterable[str]:
    """a.b.c -> a, a.b"""
    parts = name.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts)))


def _children(*tables: Mapping[str, object]) -> dict[str, frozenset[str]]:
    """Every prefix of every name -> the public names right under it."""
    found: dict[str, set[str]] = {}
    for table in tables:
        for name in table:
            parent, _, last = name.rpartition(".")
            while parent:
                under = found.get(parent)
                if under is not None:
                    under.add(last)
                    break
                found[parent] = {last}
                parent, _, last = parent.rpartition(".")
    return {parent: frozenset(name for name in names if not name.startswith("_")) for parent, names in found.items()}


def _tokens(calls: Mapping[str, Call], modules: Mapping[str, Module]) -> tuple[bytes, ...]:
    """The words of which at least one stands in every file that computes a loss or a softmax, or draws from a distribution."""
    words = set(SOFTMAX_FAMILY)
    words.update(name.rpartition(".")[2] for name, call in calls.items() if any(takes.kinds for takes in call.takes.values()))
    losses = {name for name, call in calls.items() if call.loss is not None}
    words.update(name.rpartition(".")[2] for name in losses)
    for name, module in modules.items():
        if module.call in losses or (module.forward is not None and module.forward.loss is not None):
            words.add(name.rpartition(".")[2])
    return tuple(sorted(word.encode() for word in words))


def _word_of(name: str) -> str:
    """The word by which a program names a network: the class, where a method of it builds one."""
    owner, _, last = name.rpartition(".")
    before = owner.rpartition(".")[2]
    return before if before[:1].isupper() else last


@cache
def _default() -> Table:
    return Table(builtin())


def load(user: Sequence[Mapping[str, Any]] = (), user_modules: Sequence[Mapping[str, Any]] = ()) -> Table:
    """The table, with a user's `[[call]]` and `[[module]]` tables over it; without any it is made once. Wrong ones raise ConfigError."""
    if not user and not user_modules:
        return _default()
    return Table(with_user(builtin(), user, user_modules))
