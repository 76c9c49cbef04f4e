"""How do checks begin, pause, nest and end, and what becomes of errors?"""

from __future__ import annotations

import copy
import io
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torchlint.runtime import TorchlintWarning, Violation, checks, disable, enable, values, watching
from torchlint.runtime.mode import CallMode
from torchlint.runtime.stack import modes

Y = torch.arange(6) % 4
optimizer = sys.modules["torch.optim.optimizer"]


def wrong(x: Tensor) -> Tensor:
    return F.cross_entropy(x.softmax(1), Y)


def logits() -> Tensor:
    return torch.linspace(-2, 3, 24).view(6, 4).requires_grad_()


def looking() -> bool:
    return any(isinstance(mode, CallMode) for mode in modes())


def training() -> Callable[[], Tensor]:
    net = nn.Linear(4, 4)
    opt = torch.optim.SGD(net.parameters(), 0.1)

    def step() -> Tensor:
        opt.zero_grad()
        loss = wrong(net(torch.randn(6, 4)))
        loss.backward()  # type: ignore[no-untyped-call]
        opt.step()
        return loss.detach()

    return step


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    init, register = nn.Module.__init__, nn.Module.register_forward_hook
    yield
    disable()
    assert modes() == []
    assert nn.Module.__init__ is init
    assert nn.Module.register_forward_hook is register
    assert "__call__" not in vars(nn.TransformerEncoder)
    assert not optimizer._global_optimizer_pre_hooks
    assert not optimizer._global_optimizer_post_hooks


def test_on_in_the_sampled_steps_and_off_between() -> None:
    step = training()
    looked = []
    with checks("collect", every=5, warmup=3) as run:
        for _ in range(12):
            looked.append(looking())
            step()
        assert looked == [True, True, True, False, False, True, False, False, False, False, True, False]
    assert (run.sampler.steps, run.sampler.looked_at) == (12, 5)
    assert [finding.times for finding in run.result().findings] == [5]


def test_no_waiting_for_the_device_outside_of_sampled_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU the host waits for the device where a value is read, and `values._read` is the only place where one is. The rest that is looked at,
    dtypes, shapes, versions and names of graph nodes, is known to the host. So a step that is not looked at waits for nothing, and one that is waits
    a few times for each loss.
    """
    counts: list[int] = []
    scalars: list[int] = []
    read = values._read

    def counting(*parts: Tensor) -> list[float]:
        counts[-1] += 1
        scalars.append(len(parts))
        return read(*parts)

    monkeypatch.setattr(values, "_read", counting)
    for name in ("item", "tolist", "__bool__", "__float__", "__int__", "cpu", "numpy"):
        original = getattr(Tensor, name)

        def inside(self: Tensor, *args: Any, _original: Any = original, **kwargs: Any) -> Any:
            waited.append(self)
            return _original(self, *args, **kwargs)

        monkeypatch.setattr(Tensor, name, inside)
    waited: list[Tensor] = []
    step = training()
    with checks("collect", every=4, warmup=1):
        for _ in range(9):
            counts.append(0)
            step()
    assert [bool(each) for each in counts] == [True, False, False, False, True, False, False, False, True]
    assert max(counts) <= 8
    assert len(waited) <= sum(scalars)  # one by one here, where there is no device


def test_a_program_that_does_not_train_is_left_alone_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LONGEST", 40)
    step = training()
    with checks("collect") as run:
        for _ in range(100):
            wrong(logits())
        seen = sum(finding.times or 0 for finding in run.result().findings)
        assert 10 < seen <= 20
        for _ in range(3):
            step()
        assert sum(finding.times or 0 for finding in run.result().findings) == seen + 2
    with checks("collect", every=1) as always:
        for _ in range(100):
            wrong(logits())
    assert [finding.times for finding in always.result().findings] == [100]


def test_nested_and_entered_again() -> None:
    inner = checks("collect", every=1)
    with checks("collect", every=1) as outer:
        with inner, inner:
            wrong(logits())
            with inner:
                wrong(logits())
            wrong(logits())
        wrong(logits())
    with inner:
        wrong(logits())
    assert [finding.times for finding in outer.result().findings] == [4]
    assert [finding.times for finding in inner.result().findings] == [4]


def test_as_a_decorator_sampling_goes_on_from_call_to_call() -> None:
    run = checks("collect", every=5, warmup=2)
    step = run(training())
    for _ in range(11):
        step()
    assert (run.sampler.steps, run.sampler.looked_at) == (11, 4)

    @run
    def recursive(depth: int) -> bool:
        assert looking()
        return recursive(depth - 1) if depth else looking()

    run.sampler.steps = 0
    assert recursive(3)


def test_enable_twice_and_disable() -> None:
    disable()
    run = enable("collect")
    assert enable("raise") is run
    wrong(logits())
    disable()
    disable()
    wrong(logits())
    assert [finding.times for finding in run.result().findings] == [1]
    again = enable("collect")
    assert again is not run
    other = threading.Thread(target=disable)  # it cannot take the mode off the stack of this thread, but nothing is looked at any more
    other.start()
    other.join()
    wrong(logits())
    assert again.result().findings == []
    again.sampler._close()


def broken(*args: Any, **kwargs: Any) -> Any:
    raise RuntimeError(f"broken {broken.count}")  # type: ignore[attr-defined]


@pytest.mark.parametrize("where", ["before", "after", "subject"])
def test_errors_of_ours_are_told_once(where: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    step = training()
    with checks("collect", every=1) as run:
        monkeypatch.setattr(run.witness, where, broken)
        for broken.count in range(3):  # type: ignore[attr-defined]
            step()
    assert [each.getMessage() for each in caplog.records] == ["an error inside of torchlint, which goes on: RuntimeError: broken 0"]
    assert any("errors inside of torchlint" in note and "broken 0" in note for note in run.notes())


def test_errors_around_steps_modules_and_hooks_are_told_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    broken.count = 0  # type: ignore[attr-defined]
    run = enable("raise", every=1)
    for owner, name in ((run.witness.hooks, "settle"), (run._made, "_note"), (run.witness.hooks, "compare"), (run.witness.thresholds, "settle")):
        monkeypatch.setattr(owner, name, broken)
    net = nn.Linear(4, 4)
    net.register_forward_hook(lambda module, inputs, output: output + 0)
    opt = torch.optim.SGD(net.parameters(), 0.1)
    kept: list[Tensor] = []
    net.register_forward_hook(lambda module, inputs, output: kept.append(output))
    net(torch.randn(2, 4)).sum().backward()
    opt.step()
    disable()
    assert len(kept) == 1
    assert {each.getMessage() for each in caplog.records} == {"an error inside of torchlint, which goes on: RuntimeError: broken 0"}
    assert len(caplog.records) == 1


class InBackward(torch.autograd.Function):
    """Computes a wrong loss in its backward."""

    finished = False

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        with torch.enable_grad(), checks("raise") as inner:
            wrong(logits())
            wrong(logits())
        assert inner.result().findings
        InBackward.finished = True
        return grad


def test_nothing_is_raised_inside_of_backward() -> None:
    InBackward.finished = False
    x = logits()
    out: Tensor = InBackward.apply(x)  # type: ignore[no-untyped-call]
    out.sum().backward()  # type: ignore[no-untyped-call]
    assert InBackward.finished
    assert x.grad is not None


def test_what_was_found_in_backward_is_raised_later() -> None:
    run = checks("raise")

    def compute(grad: Tensor) -> None:
        run._mode.__enter__()  # type: ignore[no-untyped-call]
        wrong(logits())
        run._mode.__exit__(None, None, None)  # type: ignore[no-untyped-call]

    x = logits()
    x.register_hook(compute)  # type: ignore[no-untyped-call]
    reached = []

    def program(goes_on: bool) -> None:
        x.grad = None
        with run:
            x.sum().backward()  # type: ignore[no-untyped-call]
            reached.append(x.grad is not None)
            if goes_on:
                F.softmax(x, 1)  # the next call that is looked at
            reached.append(x.grad is not None)

    with pytest.raises(Violation, match="TL101"):
        program(True)
    assert reached == [True]
    run = checks("raise")
    with pytest.raises(Violation, match="TL101"):
        program(False)  # and where no other follows, at the end
    assert reached == [True] * 3


def test_an_exception_of_the_users_is_not_replaced() -> None:
    run = checks("raise", births=True)

    def program(error: Exception | None) -> None:
        with run:
            scores = F.linear(logits(), torch.ones(1, 4))
            F.binary_cross_entropy_with_logits(scores, torch.ones_like(scores))
            scores > 0.5  # noqa: B015  # judged at the end, when all is known
            if error is not None:
                raise error

    with pytest.raises(KeyError):
        program(KeyError())
    assert [finding.code for finding in run.result().findings] == ["TL205"]
    run = checks("raise", births=True)
    with pytest.raises(Violation, match="TL205"):
        program(None)


def test_warnings_are_the_users_to_decide() -> None:
    @checks("warn")
    def program() -> None:
        wrong(logits())
        wrong(logits())

    with pytest.warns(TorchlintWarning, match="TL101") as told:
        program()
    assert [(each.filename.rpartition("/")[2], each.lineno) for each in told] == [("test_checks.py", wrong.__code__.co_firstlineno + 1)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TorchlintWarning):
            checks("warn")(wrong)(logits())


def keep(module: nn.Module, inputs: Any, output: Tensor) -> None:
    """A hook of the user's."""


def test_modules_with_hooks_are_copied_and_saved_as_they_are() -> None:
    run = enable("collect")
    net = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    handles = [net[0].register_forward_hook(keep), net[1].register_full_backward_hook(lambda module, ins, outs: None)]
    assert len(net[0]._forward_hooks) == 1
    twin = copy.deepcopy(net)
    assert list(twin[0]._forward_hooks.values()) == [keep]
    net[1]._backward_hooks.clear()
    stream = io.BytesIO()
    torch.save(net, stream)
    stream.seek(0)
    for each in (net, twin, torch.load(stream, weights_only=False)):
        each(logits()).sum().backward()
    for handle in handles:
        handle.remove()
    net(logits())
    assert [len(module._forward_hooks) for module in net] == [0, 0]
    disable()
    assert not run._failed


def test_a_hook_before_steps_is_there_only_while_something_is_looked_at() -> None:
    first, second = (nn.Linear(4, 3) for _ in range(2))
    one, other = (torch.optim.SGD(net.parameters(), 0.1) for net in (first, second))
    seen = []

    def step(net: nn.Module, opt: torch.optim.Optimizer) -> None:
        opt.zero_grad()
        nn.CrossEntropyLoss()(net(torch.randn(6, 4)), torch.randint(3, (6,))).backward()
        opt.step()
        seen.append((bool(optimizer._global_optimizer_pre_hooks), bool(one._optimizer_step_pre_hooks)))  # type: ignore[attr-defined]

    with checks("collect", every=4, warmup=0):
        for _ in range(10):
            step(first, one)
        for _ in range(2):
            step(first, one)
            step(second, other)
    assert seen[:10] == [(False, number % 4 == 3) for number in range(10)]  # the step after the fourth one is looked at
    assert seen[-1] == (True, False)
    assert not one._optimizer_step_pre_hooks  # type: ignore[attr-defined]
