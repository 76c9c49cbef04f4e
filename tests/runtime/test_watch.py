"""Does `watch` see the calls of its module in any thread, and leave everything else as it was?"""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack

from torchlint.runtime import TorchlintWarning, Violation, watch

LABELS = torch.tensor([0, 1, 2, 1])


class Net(nn.Module):
    """One layer; its output as probabilities or as logits."""

    def __init__(self, softmax: bool) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.softmax = softmax

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(x)
        return out.softmax(1) if self.softmax else out


class Training(nn.Module):
    """A network with its loss inside. fault: raised after the loss."""

    def __init__(self, softmax: bool = True, fault: BaseException | None = None) -> None:
        super().__init__()
        self.net = Net(softmax)
        self.fault = fault

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        loss = F.cross_entropy(self.net(x), labels)
        if self.fault is not None:
            raise self.fault
        return loss


class Foreign(TorchFunctionMode):
    """A mode of the user's."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


def modes() -> list[Any]:
    return list(_get_current_function_mode_stack())  # type: ignore[no-untyped-call]


def codes(handle: Any) -> list[str]:
    return [finding.code for finding in handle.result().findings]


def batch() -> Tensor:
    return torch.linspace(-1, 1, 16).reshape(4, 4)


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    assert modes() == []


@pytest.mark.parametrize("softmax", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_the_graph_tells_what_a_criterion_gets(softmax: bool, named: bool) -> None:
    criterion = nn.CrossEntropyLoss()
    out = Net(softmax)(batch())
    with watch(criterion, "collect") as handle:
        loss = criterion(input=out, target=LABELS) if named else criterion(out, LABELS)
    assert torch.equal(loss, F.cross_entropy(out, LABELS))
    found = handle.result().findings
    assert [finding.code for finding in found] == (["TL101"] if softmax else [])
    for finding in found:
        assert finding.location.path.endswith("test_watch.py")
        with open(__file__) as file:
            assert "criterion(input=out" in file.read().splitlines()[finding.location.line - 1]


def test_calls_outside_of_the_module_are_not_looked_at() -> None:
    criterion = nn.CrossEntropyLoss()
    with watch(criterion, "collect") as handle:
        F.cross_entropy(Net(True)(batch()), LABELS)
        nn.CrossEntropyLoss()(Net(True)(batch()), LABELS)
    assert codes(handle) == []


def test_a_loss_inside_of_the_module_has_the_whole_way() -> None:
    training = Training()
    with watch(training, "collect") as handle:
        training(batch(), labels=LABELS)
    (finding,) = handle.result().findings
    assert finding.code == "TL101"
    assert ["softmax" in step.message for step in finding.trace] == [True]


def test_actions() -> None:
    criterion, out = nn.CrossEntropyLoss(), Net(True)(batch())
    with watch(criterion), pytest.warns(TorchlintWarning, match="TL101"):
        criterion(out, LABELS)
    with watch(criterion, "raise"), pytest.raises(Violation, match="TL101"):
        criterion(out, LABELS)
    with pytest.raises(ValueError, match="action is one of"):
        watch(criterion, "explode")  # type: ignore[arg-type]


def test_after_remove_nothing_is_looked_at() -> None:
    criterion = nn.CrossEntropyLoss()
    before = dict(criterion.__dict__)
    handle = watch(criterion, "raise")
    handle.remove()
    handle.remove()
    criterion(Net(True)(batch()), LABELS)
    assert codes(handle) == []
    assert not criterion._forward_hooks
    assert not criterion._forward_pre_hooks
    assert criterion.__dict__ == before


def test_any_thread() -> None:
    criterion = nn.CrossEntropyLoss()
    with watch(criterion, "collect", every=1) as handle:
        outs = [Net(True)(batch()) for _ in range(4)]
        threads = [threading.Thread(target=criterion, args=(out, LABELS)) for out in outs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    (finding,) = handle.result().findings
    assert finding.times == 4


def test_replicas_of_data_parallel() -> None:
    training = Training()
    with watch(training, "collect") as handle:
        replica = training._replicate_for_data_parallel()  # type: ignore[no-untyped-call]
        replica.net = training.net
        thread = threading.Thread(target=replica, args=(batch(), LABELS))
        thread.start()
        thread.join()
    assert codes(handle) == ["TL101"]


@pytest.mark.parametrize("fault", [ValueError("no"), KeyboardInterrupt()])
def test_an_exception_leaves_nothing_behind(fault: BaseException) -> None:
    training = Training(fault=fault)
    handle = watch(training, "collect", every=1)
    for _ in range(2):
        with pytest.raises(type(fault)):
            training(batch(), LABELS)
    training.fault = None
    training(batch(), LABELS)
    assert modes() == []
    assert handle.result().findings[0].times == 3
    handle.remove()


def test_remove_after_an_interrupt() -> None:
    training = Training(fault=KeyboardInterrupt())
    handle = watch(training, "collect")
    with pytest.raises(KeyboardInterrupt):
        training(batch(), LABELS)
    handle.remove()
    assert modes() == []


def test_a_hook_before_ours_that_raises() -> None:
    training = Training()
    with watch(training, "collect") as handle:
        refusing = training.register_forward_pre_hook(lambda module, args: 1 / 0, prepend=True)
        with pytest.raises(ZeroDivisionError):
            training(batch(), LABELS)
        refusing.remove()
        training(batch(), LABELS)
    assert codes(handle) == ["TL101"]


def test_nesting() -> None:
    class Again(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.criterion = nn.CrossEntropyLoss()

        def forward(self, out: Tensor, times: int) -> Tensor:
            loss: Tensor = self(out, times - 1) if times else self.criterion(out, LABELS)
            assert len(modes()) == 1
            return loss

    again = Again()
    with watch(again, "collect") as outer, watch(again.criterion, "collect") as inner:
        again(Net(True)(batch()), 3)
    assert [finding.times for finding in outer.result().findings] == [1]
    assert [finding.times for finding in inner.result().findings] == [1]


def test_a_mode_of_the_user_is_never_taken_off() -> None:
    left = Foreign()

    class Leaving(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            left.__enter__()  # type: ignore[no-untyped-call]
            return x

    with watch(Leaving(), "collect") as handle:
        handle._module(batch())
        assert modes()[-1] is left
        left.__exit__(None, None, None)
    assert modes() == []


def test_sampling() -> None:
    criterion, out = nn.CrossEntropyLoss(), Net(True)(batch())
    with watch(criterion, "collect", every=4, warmup=2) as handle:
        for _ in range(10):
            criterion(out, LABELS)
    assert handle.result().findings[0].times == 4  # calls 0, 1, 4, 8


def test_results_gradients_and_random_numbers_stay() -> None:
    def trained(watched: bool) -> tuple[Tensor, list[Tensor], Tensor]:
        torch.manual_seed(0)
        training = Training()
        handle = watch(training, "collect") if watched else None
        loss = training(F.dropout(batch()), LABELS)
        loss.backward()
        if handle is not None:
            handle.remove()
        return loss, [each.grad for each in training.parameters() if each.grad is not None], torch.rand(1)

    plain, seen = trained(False), trained(True)
    assert torch.equal(plain[0], seen[0])
    assert all(torch.equal(one, other) for one, other in zip(plain[1], seen[1], strict=True))
    assert torch.equal(plain[2], seen[2])


def test_copies_and_pickles_work_and_are_not_watched() -> None:
    training = Training()
    keys = list(training.state_dict())
    with watch(training, "collect") as handle:
        assert list(training.state_dict()) == keys
        for other in (copy.deepcopy(training), pickle.loads(pickle.dumps(training))):
            other(batch(), LABELS)
            assert codes(handle) == []
            assert list(other.state_dict()) == keys
            pickle.dumps(other)
        training(batch(), LABELS)
    assert codes(handle) == ["TL101"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tracing_goes_on() -> None:
    net = Net(True)
    with watch(net, "collect"):
        traced = torch.jit.trace(net, batch())  # type: ignore[no-untyped-call]
        assert torch.equal(traced(batch()), net(batch()))


def test_compiling_goes_on() -> None:
    torch._dynamo.reset()
    graphs: list[Any] = []

    def backend(graph: Any, inputs: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    training = Training()
    with watch(training, "collect", every=4, warmup=1) as handle:
        compiled = torch.compile(training, backend=backend, fullgraph=True)
        for _ in range(3):
            compiled(batch(), LABELS)
        assert codes(handle) == []  # inside of compiled code nothing is seen
    assert len(graphs) == 1
    with watch(compiled, "collect", every=3, warmup=1) as handle:  # type: ignore[arg-type]
        for _ in range(6):
            compiled(batch(), LABELS)
    assert len(graphs) <= 2  # the watched calls ran eagerly; the others are compiled once
    assert handle.result().findings[0].times == 2


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_scripted_modules_and_functions_are_refused() -> None:
    scripted = torch.jit.script(nn.CrossEntropyLoss())
    with pytest.raises(ValueError, match="scripted"):
        watch(scripted)
    criterion = nn.CrossEntropyLoss()
    with watch(criterion), pytest.raises(TypeError, match="call remove"):
        torch.jit.script(criterion)
    torch.jit.script(criterion)
    with pytest.raises(TypeError, match="checks"):
        watch(F.cross_entropy)  # type: ignore[arg-type]
