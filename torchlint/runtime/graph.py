"""What does the autograd graph show of a tensor that nobody watched?

    probs = net(x).softmax(1).view(-1, 10)      # grad_fn: ViewBackward0 <- SoftmaxBackward0 <- ...
    Graph(table).facts(probs)                   # probabilities, from softmax

Which function of torch a node is the backward of stands in contracts/graph.toml; what that function gives, keeps or converts is said by its
contract, as everywhere.
"""

from __future__ import annotations

from typing import Any

import torch

from torchlint.contracts.table import Table
from torchlint.meaning import joined
from torchlint.model import Facts, Kind

DEEPEST = 32
_UNKNOWN = Facts()


class Graph:
    """Walks backward from a tensor to what made it."""

    def __init__(self, table: Table) -> None:
        self._calls = {node: (name, call) for node, name in table.nodes() if (call := table.call(name)) is not None}
        self._logarithms = frozenset(
            node for node, (_, call) in self._calls.items() if call.gives == Kind.LOG_PROBABILITIES or Kind.PROBABILITIES in call.converts
        )

    def facts(self, tensor: torch.Tensor) -> Facts:
        """The kind and its source; unknown for a tensor without a graph."""
        node = tensor.grad_fn
        return self._of_node(node, DEEPEST) if node is not None else _UNKNOWN

    def comes_of_logarithm(self, tensor: torch.Tensor) -> bool:
        """Whether a logarithm of probabilities lies anywhere near behind a tensor, arithmetic in between or not."""
        waiting: list[Any] = [tensor.grad_fn]
        for _ in range(4 * DEEPEST):
            if not waiting:
                return False
            node = waiting.pop()
            if node is None:
                continue
            if node.name() in self._logarithms:
                return True
            waiting.extend(before for before, _ in node.next_functions)
        return False

    def compiled(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor comes straight out of compiled code, inside which nothing was seen."""
        node = tensor.grad_fn
        return node is not None and node.name().startswith("CompiledFunction")

    def _of_node(self, node: Any, depth: int) -> Facts:
        known = self._calls.get(node.name()) if node is not None and depth else None
        if known is None:
            return _UNKNOWN
        name, call = known
        if call.gives == "same" or call.converts:
            parts = [self._of_node(before, depth - 1) for before, _ in node.next_functions if before is not None] or [_UNKNOWN]
            facts = joined(parts)
            if facts.kind in call.converts:
                return Facts(call.converts[facts.kind], source=name)
            if call.gives == "same":
                return Facts(facts.kind, source=facts.source, exact=facts.exact)
        return Facts(Kind(call.gives), source=name) if call.gives is not None and call.gives not in ("same", "self") else _UNKNOWN
