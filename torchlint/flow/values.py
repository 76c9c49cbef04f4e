"""Which values does the abstract interpreter compute with?

    criterion = nn.CrossEntropyLoss()    ApiObject of torch.nn.CrossEntropyLoss
    model = Net(10)                      Instance of the project's class Net, with the attributes its __init__ set
    out, feats = model(x)                Sequence of two Tensors
    loss = criterion(out, y)             Tensor
    model = A() if args.a else B()       Alternatives of two Instances

Values that Python can change in place (attributes, lists, dicts) keep their contents in plain dicts, which only `Store` writes,
so that a branch can be tried and taken back. Everything that is not understood is `Unknown`, and unknown never reports.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from collections.abc import Sequence as Seq
from typing import TYPE_CHECKING, Any

from torchlint.model import Facts, Kind, Place, Step, Trace

if TYPE_CHECKING:
    import libcst as cst

    from torchlint.contracts.schema import Model, Module
    from torchlint.flow.scope import ModuleScope, Scope


class Value:
    """The base of all abstract values."""

    __slots__ = ()


class Unknown(Value):
    """Something about which nothing is known but its identity: `args.loss` read twice is the same unknown."""

    __slots__ = ("symbol",)

    def __init__(self, symbol: Hashable = None) -> None:
        self.symbol: Hashable = self if symbol is None else symbol

    def __repr__(self) -> str:
        return "Unknown"


NEVER = Unknown()
"""What a call gives that ends the program."""


class Asked(Unknown):
    """The unknown answer of a comparison: where tensors were compared, a bool tensor."""

    __slots__ = ("place",)

    def __init__(self, symbol: Hashable, place: Place) -> None:
        super().__init__(symbol)
        self.place = place


class Settings(Unknown):
    """What a command line was parsed to: unknown but for the objects that the program itself has set, by name."""

    __slots__ = ("attributes",)

    def __init__(self, symbol: Hashable, attributes: dict[str, Value]) -> None:
        super().__init__(symbol)
        self.attributes = attributes


class Const(Value):
    """A Python constant: number, string, bytes, bool, None or Ellipsis."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Const({self.value!r})"


LONGEST_TEXT = 2_000
LARGEST_NUMBER_BITS = 256
MOST_ITEMS = 1_000
"""Constants and lists longer than this are not computed: a program can double a string sixty times."""


def constant(value: Any) -> Value:
    """A computed constant, or unknown when it has grown too large."""
    if isinstance(value, (str, bytes)) and len(value) > LONGEST_TEXT:
        return Unknown()
    if isinstance(value, int) and value.bit_length() > LARGEST_NUMBER_BITS:
        return Unknown()
    return Const(value)


NONE = Const(None)
TRUE = Const(True)
FALSE = Const(False)


FORWARD_ARGUMENT = "argument of forward"
"""The source of tensors that a forward is tried with."""


class Storage:
    """The memory behind one or more tensors. `state` holds: version, writer, savers, keepers (see flow.memory)."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state: dict[str, Any] = {"version": 0, "savers": (), "keepers": (), "guard": None, "told": None}


class Tensor(Value):
    """A tensor. version: how often its storage had been written when this value arose; grad: it depends on learnable weights;
    stale: the overwriting that this value, or what it was put together from, has suffered and nobody has read yet."""

    __slots__ = ("facts", "grad", "part", "stale", "storage", "version")

    def __init__(self, facts: Facts, storage: Storage | None = None, version: int = 0, grad: bool = False, stale: Any = None) -> None:
        self.facts = facts
        self.storage = storage
        self.version = version
        self.grad = grad
        self.stale = stale
        self.part = False  # some elements of a larger tensor

    @property
    def sure(self) -> bool:
        """Whether this is a tensor beyond doubt, and not a number that came out of one."""
        return bool(self.facts.source) or self.grad

    def with_step(self, message: str, place: Place) -> Tensor:
        """The same tensor one station further on its way; facts without a trace stay as they are."""
        facts = self.facts
        if facts.trace is None and facts.dtype_trace is None:
            return self
        step = Step(message, place)
        moved = Facts(
            facts.kind,
            facts.dtype,
            facts.source,
            facts.exact,
            Trace(step, facts.trace) if facts.trace else None,
            Trace(step, facts.dtype_trace) if facts.dtype_trace else None,
            facts.shape,
        )
        if self.storage is None:
            self.storage = Storage()  # both values are the same tensor
        return Tensor(moved, self.storage, self.version, self.grad, self.stale)

    def __repr__(self) -> str:
        return f"Tensor({self.facts.kind}, {self.facts.dtype})"


class Sequence(Value):
    """A tuple or list. state: `items` (tuple of values) and `open` (True when more or fewer entries than these may be there)."""

    __slots__ = ("fields", "mutable", "state")

    def __init__(self, items: Iterable[Value] = (), mutable: bool = False, open_: bool = False, fields: tuple[str, ...] = ()) -> None:
        kept = tuple(items)
        self.state: dict[str, Any] = {"items": kept[:MOST_ITEMS], "open": open_ or len(kept) > MOST_ITEMS}
        self.mutable = mutable
        self.fields = fields  # names of the entries of a named tuple

    @property
    def items(self) -> tuple[Value, ...]:
        items: tuple[Value, ...] = self.state["items"]
        return items

    @property
    def open(self) -> bool:
        return bool(self.state["open"])

    def __repr__(self) -> str:
        return f"Sequence({', '.join(map(repr, self.items))}{', ...' if self.open else ''})"


class Mapping(Value):
    """A dict. entries: by constant key; in state: `open` when other keys may be there too, `rest` what is known of their values."""

    __slots__ = ("entries", "state")

    def __init__(self, entries: dict[Any, Value] | None = None, open_: bool = False, rest: Value | None = None) -> None:
        self.entries: dict[Hashable, Any] = entries or {}
        self.state: dict[str, Any] = {"open": open_}
        if rest is not None:
            self.state["rest"] = rest

    @property
    def open(self) -> bool:
        return bool(self.state["open"])

    @property
    def rest(self) -> Value | None:
        rest: Value | None = self.state.get("rest")
        return rest


class Attributes(Mapping):
    """`x.__dict__`: what is written here becomes an attribute."""

    __slots__ = ()

    def __init__(self, attributes: dict[Any, Value]) -> None:
        super().__init__(open_=True)
        self.entries = attributes


class Stream(Value):
    """Something to iterate over whose elements are alike: a generator, a map, a data loader of the project."""

    __slots__ = ("element",)

    def __init__(self, element: Value) -> None:
        self.element = element


class Function(Value):
    """A def or lambda of the project. owner: the class it was defined in; wraps: how a decorator changed it (property, static, class)."""

    __slots__ = ("defaults", "name", "no_grad", "node", "owner", "role", "scope")

    def __init__(self, node: cst.FunctionDef | cst.Lambda, scope: Scope, name: str, defaults: dict[str, Value], owner: Class | None = None) -> None:
        self.node = node
        self.scope = scope
        self.name = name
        self.defaults = defaults
        self.owner = owner
        self.role = ""  # "", "property", "static" or "class"
        self.no_grad = False  # decorated with torch.no_grad

    @property
    def title(self) -> str:
        return f"{self.owner.name}.{self.name}" if self.owner is not None else self.name


class Bound(Value):
    """A function together with its first argument."""

    __slots__ = ("function", "receiver")

    def __init__(self, function: Value, receiver: Value) -> None:
        self.function = function
        self.receiver = receiver


class Class(Value):
    """A class of the project. bases: Class or Api values, unknown bases left out (then `partial`)."""

    __slots__ = ("attributes", "bases", "dataclass", "fields", "mro", "name", "node", "partial", "scope")

    def __init__(self, node: cst.ClassDef, scope: Scope, name: str, bases: Seq[Value]) -> None:
        self.node = node
        self.scope = scope
        self.name = name
        self.attributes: dict[str, Value] = {}
        self.bases = [base for base in bases if isinstance(base, (Class, Api))]
        self.partial = len(self.bases) != len(bases)
        self.dataclass = False
        self.fields: list[tuple[str, Value | None]] = []
        self.mro: tuple[Class | Api, ...] = tuple(linearise(self))

    @property
    def module(self) -> ModuleScope:
        return self.scope.module


def linearise(cls: Class) -> Iterator[Class | Api]:
    """A method resolution order: depth first, each base once, kept behind all that derive from it."""
    order: dict[int, Class | Api] = {id(cls): cls}
    for base in cls.bases:
        for each in base.mro if isinstance(base, Class) else (base,):
            order.pop(id(each), None)
            order[id(each)] = each
    return iter(order.values())


class Instance(Value):
    """An object of a project's class. attributes are flow-sensitive; made: where it was constructed."""

    __slots__ = ("attributes", "cls", "made")

    def __init__(self, cls: Class, made: Step | None = None) -> None:
        self.cls = cls
        self.attributes: dict[str, Any] = {}
        self.made = made


class Api(Value):
    """A name outside the project: a package, class, function or constant of torch or another library."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"Api({self.name})"


class ApiObject(Value):
    """An object of a library's class: `nn.Softmax(dim=1)`, `resnet18()`. arguments: what its constructor got, by parameter."""

    __slots__ = ("arguments", "attributes", "made", "model", "module", "name")

    def __init__(self, name: str, module: Module | None, arguments: dict[str, Value], made: Step | None = None, model: Model | None = None) -> None:
        self.name = name
        self.module = module
        self.model = model
        self.arguments = arguments
        self.attributes: dict[str, Any] = {}
        self.made = made

    def __repr__(self) -> str:
        return f"ApiObject({self.name})"


class Partial(Value):
    """functools.partial: a callable with some arguments given already."""

    __slots__ = ("arguments", "function", "keywords")

    def __init__(self, function: Value, arguments: tuple[Value, ...], keywords: dict[str, Value]) -> None:
        self.function = function
        self.arguments = arguments
        self.keywords = keywords


class Builtin(Value):
    """A Python builtin, or a method of a list, dict or string, by its name."""

    __slots__ = ("name", "receiver")

    def __init__(self, name: str, receiver: Value | None = None) -> None:
        self.name = name
        self.receiver = receiver


class ModuleValue(Value):
    """A Python module of the project."""

    __slots__ = ("scope",)

    def __init__(self, scope: ModuleScope) -> None:
        self.scope = scope


class Import(Value):
    """A name that an import brought in, not looked up yet. item: what `from module import item` asks for; dots: of a relative import."""

    __slots__ = ("dots", "importer", "item", "module")

    def __init__(self, module: str, dots: int, item: str | None, importer: str) -> None:
        self.module = module
        self.dots = dots
        self.item = item
        self.importer = importer


class Super(Value):
    """`super()` in a method of `cls` on `instance`: looks further along the instance's order of classes."""

    __slots__ = ("cls", "instance")

    def __init__(self, cls: Class, instance: Value) -> None:
        self.cls = cls
        self.instance = instance


Condition = tuple[Hashable, bool]
"""A decision and its outcome, such as (("==", args.loss, "bce"), True)."""


class Option:
    """One alternative: a value, the decisions that lead to it, and whether it surely arises for some setting of the program."""

    __slots__ = ("certain", "conditions", "value")

    def __init__(self, value: Value, conditions: tuple[Condition, ...] = (), certain: bool = True) -> None:
        self.value = value
        self.conditions = conditions
        self.certain = certain


class Alternatives(Value):
    """A small set of values, one of which is there."""

    __slots__ = ("options",)

    def __init__(self, options: Seq[Option]) -> None:
        self.options = tuple(options)

    def __repr__(self) -> str:
        return f"Alternatives({', '.join(repr(option.value) for option in self.options)})"


def options_of(value: Value) -> tuple[Option, ...]:
    """The alternatives of a value; a plain value is its own only one."""
    return value.options if isinstance(value, Alternatives) else (Option(value),)


NAMESPACE = "types.SimpleNamespace"
"""The name of an object whose attributes are the entries of a dict."""
OBJECTS = (Instance, ApiObject, Function, Class, Api, Bound, Partial, ModuleValue)
"""Values of which "either this or that" is a choice of objects: each choice is reported by itself."""


def plain_tensor(kind: Kind = Kind.UNKNOWN, dtype: str | None = None) -> Tensor:
    """A tensor of a kind, with no history."""
    return Tensor(Facts(kind, dtype))
