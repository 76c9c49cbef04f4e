"""Is a module built where a function was meant, or a function put where a module belongs?

For example:

    hidden = nn.ReLU(x)                          # TL603: builds a module, with x for its `inplace`
    net = nn.Sequential(nn.Linear(4, 4), F.relu) # TL604: raises
"""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.events import ModuleMade, SequentialMade
from torchlint.model import Severity
from torchlint.rules.declare import Remark, chosen, rule


@rule("TL603", "module-constructed-with-tensor", Severity.ERROR, "a tensor given to the constructor of a module instead of to the module")
def module_constructed_with_tensor(event: ModuleMade) -> Iterator[Remark]:
    """The settings of a module are no place for its input."""
    if not event.tensors:
        return
    names = " and ".join(name for name in event.tensors if name.isidentifier())
    where = f" for {names}" if names else ""
    result = "no loss is computed" if event.is_loss else "nothing is applied to it"
    message = (
        f"the constructor of {event.callee} gets a tensor{where}{chosen(event)}: it takes settings only, so {result}, "
        "and torch raises here or when the module is first used"
    )
    call = "(output, target)" if event.is_loss else "(x)"
    yield Remark(message, f"build the module first and call it then: {event.callee}(){call}")


@rule("TL604", "functional-in-sequential", Severity.ERROR, "a plain function among the elements of nn.Sequential")
def functional_in_sequential(event: SequentialMade) -> Iterator[Remark]:
    """nn.Sequential takes modules."""
    message = f'nn.Sequential gets the function {event.element}{chosen(event)}: it takes modules only, and torch raises "is not a Module subclass"'
    help = f"write {event.module}" if event.module else "wrap the function in an nn.Module, or call it in forward"
    yield Remark(message, help)
