"""Does everything that torch can do to a call go on as it does without checks?"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from torchlint.runtime import checks
from torchlint.runtime.mode import CallMode
from torchlint.runtime.stack import modes

Y = torch.arange(6) % 4


def logits() -> Tensor:
    return torch.linspace(-2, 3, 24).view(6, 4).requires_grad_()


def wrong(x: Tensor, y: Tensor = Y) -> Tensor:
    return F.cross_entropy(x.softmax(1), y)


def codes(run: checks) -> list[str]:
    assert not run._failed
    return [finding.code for finding in run.result().findings]


@pytest.fixture
def run() -> Iterator[checks]:
    """Checks, after which nothing is left behind."""
    before = modes()
    with checks("collect") as run:
        yield run
        assert not run._failed
    assert modes() == before


def test_without_gradients(run: checks) -> None:
    with torch.no_grad():
        wrong(logits())
    with torch.inference_mode():
        wrong(logits())
    assert codes(run) == ["TL101"]  # one place


def test_meta_and_fake_tensors(run: checks) -> None:
    assert wrong(torch.empty(6, 4, device="meta"), Y.to("meta")).is_meta
    with FakeTensorMode(allow_non_fake_inputs=True) as fake:
        x = torch.empty(6, 4)
        assert type(wrong(x, torch.zeros(6, dtype=torch.long))) is type(x) is type(fake.from_tensor(Y))
        wrong(logits())  # a real one among the fake
    assert codes(run) == ["TL101"]


def test_functional_transforms(run: checks) -> None:
    x = logits().detach()
    each = torch.vmap(lambda row, y: wrong(row[None], y[None]))(x, Y)
    slope = torch.func.grad(wrong)(x)
    both = torch.vmap(torch.func.grad(lambda row: wrong(row[None], Y[:1])))(x)
    net = nn.Linear(4, 4)
    out = torch.func.functional_call(net, dict(net.named_parameters()), (x,))
    twice = torch.func.jacrev(torch.func.jacfwd(lambda row: row.softmax(0).log().sum()))(x[0])
    run.close()
    assert torch.equal(each, torch.vmap(lambda row, y: wrong(row[None], y[None]))(x, Y))
    assert torch.equal(slope, torch.func.grad(wrong)(x))
    assert torch.equal(both, torch.vmap(torch.func.grad(lambda row: wrong(row[None], Y[:1])))(x))
    assert torch.equal(out, net(x))
    assert torch.equal(twice, torch.func.jacrev(torch.func.jacfwd(lambda row: row.softmax(0).log().sum()))(x[0]))
    assert "TL101" in codes(run)


class Training(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Linear(4, 4)
        self.criterion = nn.CrossEntropyLoss()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.criterion(self.net(x).softmax(1), y)  # type: ignore[no-any-return]


@pytest.mark.filterwarnings("ignore:.*torch.jit.:DeprecationWarning")
def test_scripts_traces_and_graphs() -> None:
    module = Training()
    inputs = (logits(), Y)

    def graphs() -> list[str]:
        found = [
            str(torch.jit.script(module).graph),
            str(torch.jit.script(nn.TransformerEncoderLayer(8, 2)).graph)[:4000],
            str(torch.jit.trace(module, inputs).inlined_graph),  # type: ignore[no-untyped-call]
            str(torch.fx.symbolic_trace(module).graph),
            str(make_fx(lambda x, y: wrong(x, y))(*inputs).graph),
            str(make_fx(lambda x, y: wrong(x, y), tracing_mode="fake")(*inputs).graph),
        ]
        # Under any mode, comments of traced graphs name the line of its handler.
        return [re.sub(r"___torch_mangle_\d+\.| # \S+:\d+:\d+$", "", each, flags=re.MULTILINE) for each in found]

    plain = graphs()
    with checks("collect", births=True) as run:
        assert graphs() == plain
        scripted = torch.jit.script(module)
        for _ in range(3):
            scripted(*inputs)
    assert graphs() == plain  # and nothing is left behind
    assert not run._failed


class Counted(TorchFunctionMode):
    """A mode of the user's."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        self.seen.append(func)
        return func(*args, **(kwargs or {}))


class Dispatched(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A mode of the user's that sees each operation."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        self.seen.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("make", [Counted, Dispatched])
def test_modes_of_the_users_see_what_they_saw(make: Callable[[], Any], run: checks) -> None:
    with make() as looked_at:
        wrong(logits())
    run.close()
    with make() as plain:
        wrong(logits())
    assert looked_at.seen == plain.seen
    (finding,) = run.result().findings
    assert finding.location.path.endswith("test_contexts.py")
    assert finding.location.line == wrong.__code__.co_firstlineno + 1  # not the line in the mode's handler


def stepping() -> Callable[[], None]:
    net = nn.Linear(4, 4)
    opt = torch.optim.SGD(net.parameters(), 0.1)

    def step() -> None:
        opt.zero_grad()
        wrong(net(logits())).backward()  # type: ignore[no-untyped-call]
        opt.step()

    return step


@pytest.mark.parametrize("make", [Counted, lambda: torch.device("cpu")])
def test_modes_entered_below_above_and_across_our_steps(make: Callable[[], Any]) -> None:
    step = stepping()
    before = modes()

    def ours() -> int:
        return sum(isinstance(mode, CallMode) for mode in modes())

    with make():
        below = modes()
        with checks("collect", every=2, warmup=1) as run:
            assert ours() == 1
            step()
            assert ours() == 0
            theirs = make()
            theirs.__enter__()  # opened while nobody looks
            step()
            assert ours() == 1
            theirs.__exit__(None, None, None)  # and closed while somebody does
            assert ours() == 1
            theirs = make()
            theirs.__enter__()
            step()
            assert ours() == 0
            theirs.__exit__(None, None, None)
            assert modes() == below
        assert modes() == below
    assert modes() == before
    assert codes(run) == ["TL101"]


@pytest.mark.parametrize("make", [Counted, lambda: torch.device("cpu")])
def test_modes_that_overlap_with_ours(make: Callable[[], Any]) -> None:
    before = modes()
    run = checks("collect").__enter__()
    with make():
        run.close()
    assert modes() == before
    with make():
        run.__enter__()
    (ours,) = modes()
    assert isinstance(ours, CallMode)
    run.close()
    assert modes() == before


def test_default_devices_are_kept(run: checks) -> None:
    torch.set_default_device("meta")
    try:
        with torch.device("cpu"):
            assert torch.empty(1).device.type == "cpu"
        assert torch.empty(1).is_meta
    finally:
        torch.set_default_device(None)
    assert torch.empty(1).device.type == "cpu"


class Handled(Tensor):
    """A subclass that counts the calls of its handler."""

    seen: list[Any] = []  # noqa: RUF012

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        cls.seen.append(func)
        return super().__torch_function__(func, types, args, kwargs or {})  # type: ignore[no-untyped-call]


def test_subclasses_handle_as_often(run: checks) -> None:
    def handled() -> tuple[list[Any], type, bytes]:
        Handled.seen = []
        loss = wrong(logits().detach().as_subclass(Handled))
        return Handled.seen, type(loss), loss.as_subclass(Tensor).numpy().tobytes()

    looked_at = handled()
    run.close()
    assert looked_at == handled()
    assert looked_at[0].count(F.cross_entropy) == 1
    assert codes(run) == ["TL101"]


def test_threads_run_their_own_way(run: checks) -> None:
    """As in DataParallel, replicas run in threads: nothing of them is looked at, and nothing goes wrong there."""
    errors: list[BaseException] = []
    stacks: list[int] = []

    def replica() -> None:
        try:
            step = stepping()
            for _ in range(10):
                step()
            stacks.append(len(modes()))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=replica) for _ in range(4)]
    for each in threads:
        each.start()
    step = stepping()
    for _ in range(10):
        step()
    for each in threads:
        each.join()
    assert errors == []
    assert stacks == [0] * 4
    assert run.sampler.steps == 10
    assert [finding.times for finding in run.result().findings] == [10]
    assert any("other threads, with 40 optimizer steps" in note for note in run.notes())


def test_one_object_in_several_threads() -> None:
    both = checks("collect", every=1)
    gate = threading.Barrier(2)
    found: list[list[Any]] = []

    def replica() -> None:
        with both:
            gate.wait(20)
            step = stepping()
            for _ in range(10):
                step()
            gate.wait(20)
        found.append(modes())

    threads = [threading.Thread(target=replica) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert found == [[], []]
    assert both.sampler.steps == 20
    assert [finding.times for finding in both.result().findings] == [20]
    assert not both._failed
