"""Which functions can lead to a finding at all?

A function that neither names a loss, a softmax, an in-place operation or a hook, nor mentions any class, function or attribute that does
(directly or through others), cannot tell the rules anything when it is tried with unknown arguments. Names are compared as words, which
can only find too many:

    def pad(x): ...                              cold
    def soft(x): return F.softmax(x, dim=1)      hot: it says softmax
    class Net: ... soft(self.fc(x)) ...          hot: it mentions `soft`
    self.criterion = nn.NLLLoss()                makes the attribute `.criterion` hot
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import libcst as cst

from torchlint.flow.walking import statements, walk

if TYPE_CHECKING:
    from torchlint.contracts.table import Table
    from torchlint.flow.scope import ModuleScope

RECEIVERS = frozenset({"self", "cls"})
FORWARD = "forward"
IMPLIED = frozenset({FORWARD, "__init__", "__call__"})
"""Methods that are reached through their class, without being named."""
MEMORY_WORDS = frozenset(
    {
        "inplace",
        "relu_",
        "register_forward_hook",
        "register_full_backward_hook",
        "register_forward_pre_hook",
        "Sequential",
        "reveal_kind",
        "instantiate",
    }
)


BUILT = "#built"
"""Stands for an activation module that is built with something else than a number or a flag, as in nn.ReLU(x)."""


HALVES = ("0.5", ".5", "0.50")
ROUND = "round"
PASSED = "#passed "
"""Stands before a name that is an argument."""
DIVIDED = "#divided"
"""Stands for a comparison with 0.5 or a method that rounds, which may judge a score."""


FEW_WORDS = 24
"""A function of so few different words is entered anyway: it may hand on a setting."""


class Hot:
    """The words that lead to something, for a set of modules. networks: the names of all classes of the project that may be networks."""

    def __init__(self, modules: Iterable[ModuleScope], table: Table, networks: frozenset[str] = frozenset()) -> None:
        self._words: dict[int, tuple[cst.CSTNode, frozenset[str]]] = {}
        self._cold: dict[int, bool] = {}
        self._networks = networks
        self._activations = frozenset(name.rpartition(".")[2] for name in table.activations)
        self._hot: set[str] = {token.decode() for token in table.tokens} | MEMORY_WORDS | {BUILT, DIVIDED}
        self._hot.update(table.networks)
        self.mentions: Counter[str] = Counter()  # in how many functions a word stands, its own definition among them
        self._spoken: Counter[str] = Counter()  # ... or statement outside of functions
        self._defined: Counter[str] = Counter()  # how many functions and methods are called so
        self._parts: set[str] = set()  # what classes mention, and what is handed on as an argument
        uses: dict[str, set[str]] = defaultdict(set)  # word -> the names of definitions that mention it
        for module in modules:
            if module.source is not None:
                self._enter(module.source.tree.body, None, uses)
        waiting = list(self._hot)
        while waiting:
            for name in uses.get(waiting.pop(), ()):
                if name not in self._hot:
                    self._hot.add(name)
                    waiting.append(name)

    def is_hot(self, node: cst.CSTNode) -> bool:
        """Whether a definition mentions anything that leads to something."""
        return not self._hot.isdisjoint(self.words(node))

    def is_part(self, name: str) -> bool:
        """Whether a network is built by other networks: `ResNet(Block, [2, 2])`, `layers.append(Block())`. It is trained as a part of them."""
        return name in self._parts

    def left_to_others(self, name: str, skipped: int = 0) -> bool:
        """Whether nobody in the project says the name of a method but its definitions: a library calls it, or nobody does.
        skipped: how many places that say it do not count"""
        return self._spoken[name] <= self._defined[name] + skipped

    def words(self, node: cst.CSTNode) -> frozenset[str]:
        """All names and attributes in a definition."""
        known = self._words.get(id(node))
        if known is None:
            known = self._words[id(node)] = (node, frozenset(_words_of(node, self._activations)))
        return known[1]

    def is_dead_weight(self, node: cst.CSTNode) -> bool:
        """Whether a definition is long and leads to nothing: with arguments that mean nothing, it need not be entered. A forward always gives
        something that a loss may get, and so does what builds a network."""
        if type(node) is cst.FunctionDef and node.name.value == FORWARD:
            return False
        known = self._cold.get(id(node))
        if known is None:
            words = self.words(node)
            long = sum(not word.startswith(PASSED) for word in words) > FEW_WORDS
            known = self._cold[id(node)] = long and self._hot.isdisjoint(words) and self._networks.isdisjoint(words)
        return known

    def _enter(self, body: Iterable[Any], owner: str | None, uses: dict[str, set[str]]) -> None:
        for statement in body:
            if type(statement) is cst.ClassDef:
                name = statement.name.value
                for base in statement.bases:
                    _add(uses, _words_of(base.value), name)
                if type(statement.body) is cst.IndentedBlock:
                    self._enter(statement.body.body, name, uses)
            elif type(statement) is cst.FunctionDef:
                name = statement.name.value
                words = self.words(statement)
                self.mentions.update(words)
                self._spoken.update(words)
                self._defined[name] += 1
                self._note_passed(words)
                if owner is None:
                    _add(uses, words, name)
                else:
                    _add(uses, words, owner)
                    if name not in IMPLIED:
                        _add(uses, words, "." + name)
                    self._parts.update(word for word in words & self._networks if word != owner)
                _assignments(statement, uses, owner)
            else:
                _assignments(statement, uses, owner)
                words = frozenset(_words_of(statement))
                self._spoken.update(words)
                self._note_passed(words)
                if owner is not None:
                    _add(uses, words, owner)

    def _note_passed(self, words: frozenset[str]) -> None:
        self._parts.update(word.removeprefix(PASSED) for word in words if word.startswith(PASSED))


def _add(uses: dict[str, set[str]], words: Iterable[str], name: str) -> None:
    for word in words:
        uses[word].add(name)


def _assignments(node: cst.CSTNode, uses: dict[str, set[str]], owner: str | None) -> None:
    """`self.criterion = nn.NLLLoss()`: what a word on the right leads to, the attribute or global name on the left leads to."""
    inside = type(node) is cst.FunctionDef
    for each in statements(node):
        if type(each) is not cst.Assign:
            continue
        for target in each.targets:
            if type(target.target) is cst.Attribute:
                _add(uses, _words_of(each.value), "." + target.target.attr.value)
            elif type(target.target) is cst.Name and not inside:
                _add(uses, _words_of(each.value), "." + target.target.value if owner is not None else target.target.value)


def _called(function: cst.BaseExpression) -> str:
    return function.attr.value if type(function) is cst.Attribute else function.value if type(function) is cst.Name else ""


def _words_of(node: cst.CSTNode, activations: frozenset[str] = frozenset()) -> set[str]:
    """Names and attribute names; attributes of the object itself as ".name"; strings, for getattr and registries."""
    words: set[str] = set()
    for each in walk(node):
        kind = type(each)
        if kind is cst.Name:
            words.add(each.value)
        elif kind is cst.Attribute and type(each.value) is cst.Name and each.value.value in RECEIVERS:
            words.add("." + each.attr.value)
        elif kind is cst.Attribute and each.attr.value == ROUND:
            words.add(DIVIDED)
        elif kind is cst.SimpleString:
            words.add(each.value.strip("\"'"))
        elif kind is cst.Call and each.args:
            words.update(PASSED + argument.value.value for argument in each.args if type(argument.value) is cst.Name)
            if type(each.args[0].value) in (cst.Name, cst.Call, cst.Attribute) and _called(each.func) in activations:
                words.add(BUILT)
        elif kind is cst.ComparisonTarget and type(each.comparator) is cst.Float and each.comparator.value in HALVES:
            words.add(DIVIDED)
    return words
