"""What do functions of the standard library, and their like elsewhere, do to the values?

For example:

    functools.partial(F.cross_entropy, reduction="sum");  OrderedDict([("fc", nn.Linear(8, 3))])
    for client in random.sample(clients, 3): ...
    for model, loader in itertools.product(models, loaders): ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchlint.events import Cases, KindRevealed
from torchlint.flow import memory
from torchlint.flow.arguments import Arguments
from torchlint.flow.builtins import FUNCTIONS, for_each, import_module, is_one_of
from torchlint.flow.containers import Handler, make_dict
from torchlint.flow.data_files import joined_path
from torchlint.flow.iteration import MOST_UNROLLED, as_sequence, element_of
from torchlint.flow.subscripts import subscript
from torchlint.flow.values import Api, Builtin, Const, Mapping, Partial, Sequence, Stream, Tensor, Unknown, Value, options_of
from torchlint.model import Facts

if TYPE_CHECKING:
    import libcst as cst

    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope


def call_library(machine: Machine, name: str, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """A function or class of the standard library that hands values on; anything else is unknown."""
    handler = LIBRARY.get(name)
    return handler(machine, None, arguments, node, scope) if handler is not None else Unknown()


def _partial(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    first = arguments.first()
    return Partial(first, tuple(arguments.positional[1:]), dict(arguments.keywords)) if first is not None else Unknown()


def _folded(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """functools.reduce(lambda x, layer: layer(x), layers, x)"""
    from torchlint.flow.calls import call  # mutual recursion: calls leads here

    known = as_sequence(machine, arguments.positional[1]) if len(arguments.positional) > 1 else None
    if known is None or known.open or len(known.items) > MOST_UNROLLED:
        return Unknown()
    items = [*arguments.positional[2:3], *known.items]
    result = items[0] if items else Unknown()
    for item in items[1:]:
        result = call(machine, arguments.positional[0], Arguments([result, item]), node, scope)
    return result


def _namedtuple(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    names = arguments.get(1, "field_names")
    if isinstance(names, Const) and isinstance(names.value, str):
        return Partial(Builtin("#namedtuple"), (Sequence([Const(name) for name in names.value.replace(",", " ").split()]),), {})
    return Partial(Builtin("#namedtuple"), (names,), {}) if isinstance(names, Sequence) else Unknown()


def _join_path(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """os.path.join("configs", args.config)"""
    return Unknown() if arguments.open else joined_path(arguments.positional)


def _is_tensor(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    first = arguments.first()
    return machine.project_value(first, lambda each: is_one_of(each, [Api("torch.Tensor")])) if first is not None else Unknown()


def _reveal(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """torchlint.reveal_kind(x): tell what is known, and hand x back."""
    first = arguments.first() or Unknown()
    options = options_of(first)
    cases = Cases(len(options))
    for option in options:
        facts = memory.current(option.value) if isinstance(option.value, Tensor) else Facts()
        machine.emit(KindRevealed(place=machine.place(node, scope), facts=facts, certain=option.certain, cases=cases))
    return first


def _from_hub(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """torch.hub.load("pytorch/vision:v0.10.0", "resnet18", num_classes=10): what that repository calls so."""
    from torchlint.flow.calls import call_api  # mutual recursion: calls leads here

    repository, model = arguments.get(0, "repo_or_dir"), arguments.get(1, "model")
    if not isinstance(repository, Const) or not isinstance(model, Const):
        return Unknown()
    rest = {name: value for name, value in arguments.keywords.items() if name not in ("repo_or_dir", "model")}
    return call_api(
        machine, f"torch.hub:{str(repository.value).partition(':')[0]}.{model.value}", Arguments(arguments.positional[2:], rest), node, scope
    )


# --- entries, chosen and lined up -------------------------------------------------------------------------------------------


def _chosen(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """random.choice(x): an entry; several of them, where it is said how many."""
    entry = subscript(machine, arguments.first() or Unknown(), Unknown(), node, scope)
    several = arguments.get(1, "size")
    return entry if several is None or (isinstance(several, Const) and several.value is None) else Stream(entry)


def _sampled(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """random.sample(x, k): a list of entries."""
    return Sequence([subscript(machine, arguments.first() or Unknown(), Unknown(), node, scope)], True, True)


def _listed(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """collections.deque(x)"""
    return FUNCTIONS["list"](machine, None, Arguments(arguments.positional[:1]), node, scope)


def _first_entries(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """itertools.islice(x, n): how many is left open."""
    first = arguments.first() or Unknown()
    known = as_sequence(machine, first)
    return Sequence(known.items, open_=True) if known is not None else Stream(element_of(machine, first))


def _repeated(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """itertools.repeat(x)"""
    return Stream(arguments.first() or Unknown())


def _rows(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """itertools.product(a, b), zip_longest(a, b): any entry of the one beside any of the other."""
    columns = [
        subscript(machine, each, Unknown(), node, scope) if as_sequence(machine, each) else element_of(machine, each) for each in arguments.positional
    ]
    return Stream(Sequence(columns, open_=arguments.open))


def _chained(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """itertools.chain(a, b): the entries of the one, then those of the other."""
    items: list[Value] = []
    open_ = arguments.open
    for each in arguments.positional:
        known = as_sequence(machine, each)
        items += known.items if known is not None else [element_of(machine, each)]
        open_ = open_ or known is None or known.open
    return Sequence(items, open_=open_)


def _chained_lists(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """itertools.chain.from_iterable(lists)"""
    lists = as_sequence(machine, arguments.first() or Unknown())
    return _chained(machine, None, Arguments(list(lists.items), open=lists.open), node, scope) if lists is not None else Unknown()


LIBRARY: dict[str, Handler] = {
    "torchlint.reveal_kind": _reveal,
    "torch.is_tensor": _is_tensor, "sys.exit": FUNCTIONS["exit"], "os._exit": FUNCTIONS["exit"],
    "functools.partial": _partial, "functools.reduce": _folded, "collections.OrderedDict": make_dict, "collections.namedtuple": _namedtuple,
    "copy.deepcopy": FUNCTIONS["iter"], "copy.copy": FUNCTIONS["iter"],
    "tqdm.tqdm": FUNCTIONS["iter"], "tqdm.auto.tqdm": FUNCTIONS["iter"], "tqdm.notebook.tqdm": FUNCTIONS["iter"], "tqdm.trange": FUNCTIONS["range"],
    "collections.defaultdict": lambda machine, receiver, arguments, node, scope: Mapping({}, open_=True), "collections.deque": _listed,
    "importlib.import_module": for_each(import_module, 0), "os.path.join": _join_path, "io.open": FUNCTIONS["open"], "codecs.open": FUNCTIONS["open"],
    "functools.lru_cache": FUNCTIONS["iter"], "functools.wraps": lambda machine, receiver, arguments, node, scope: Builtin("#identity"),
    "typing.cast": lambda machine, receiver, arguments, node, scope: arguments.get(1, "val") or Unknown(),
    "torch.hub.load": for_each(_from_hub, 0, 1),
    "random.choice": for_each(_chosen, 0), "numpy.random.choice": for_each(_chosen, 0), "random.sample": _sampled, "random.choices": _sampled,
    "itertools.chain": _chained, "itertools.chain.from_iterable": _chained_lists, "itertools.cycle": FUNCTIONS["iter"], "itertools.repeat": _repeated,
    "itertools.islice": _first_entries, "itertools.product": _rows, "itertools.zip_longest": _rows,
}  # fmt: skip
