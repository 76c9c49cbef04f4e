"""Does torch.compile go on as it would without checks: as many graphs, no breaks, no recompiling, the same numbers?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch._dynamo
import torch.nn.functional as F
from torch import Tensor, nn
from torch._dynamo.utils import counters

from torchlint.runtime import checks, disable, enable
from torchlint.runtime.stance import EAGER

NOTE = "compiled functions ran eagerly"
Y = torch.arange(6) % 4


@pytest.fixture(autouse=True)
def nothing_compiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a program that has compiled nothing yet."""
    torch._dynamo.reset()
    counters.clear()
    monkeypatch.setattr(EAGER, "compiles", False)
    yield
    assert not EAGER.held
    assert torch._dynamo.eval_frame._stance.stance == "default"


class Counting:
    """A compiler that counts the graphs that it is given. aot: whether the backward is compiled as well."""

    def __init__(self, aot: bool = False) -> None:
        self.graphs = 0
        self._then: Any = torch._dynamo.lookup_backend("aot_eager" if aot else "eager")

    def __call__(self, graph: torch.fx.GraphModule, inputs: list[Tensor]) -> Callable[..., Any]:
        self.graphs += 1
        return self._then(graph, inputs)  # type: ignore[no-any-return]


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4), nn.Softmax(1))


def compiled_network(backend: Counting) -> Callable[[], list[Tensor]]:
    """The network is compiled, the loss is not."""
    net = network()
    opt = torch.optim.SGD(net.parameters(), 0.1)
    forward = torch.compile(net, backend=backend, fullgraph=True)

    def step() -> list[Tensor]:
        opt.zero_grad()
        loss = F.cross_entropy(forward(torch.randn(6, 8)), Y)
        loss.backward()  # type: ignore[no-untyped-call]
        opt.step()
        return [loss.detach(), *(parameter.detach().clone() for parameter in net.parameters())]

    return step


def compiled_loss(backend: Counting) -> Callable[[], list[Tensor]]:
    """All up to the loss is compiled."""
    net = network()
    opt = torch.optim.Adam(net.parameters(), 0.1)

    @torch.compile(backend=backend, fullgraph=True)
    def forward(x: Tensor) -> Tensor:
        return F.cross_entropy(net(x), Y)

    def step() -> list[Tensor]:
        opt.zero_grad()
        loss = forward(torch.randn(6, 8))
        loss.backward()  # type: ignore[no-untyped-call]
        opt.step()
        return [loss.detach(), *(parameter.detach().clone() for parameter in net.parameters())]

    return step


def compiled_step(backend: Counting) -> Callable[[], list[Tensor]]:
    """The whole step is compiled, with a break at backward, the optimizer inside."""
    net = network()
    opt = torch.optim.SGD(net.parameters(), 0.1)

    @torch.compile(backend=backend)
    def step() -> Tensor:
        opt.zero_grad()
        loss = F.cross_entropy(net(torch.randn(6, 8)), Y)
        loss.backward()  # type: ignore[no-untyped-call]
        opt.step()
        return loss.detach()

    return lambda: [step(), *(parameter.detach().clone() for parameter in net.parameters())]


def compiled_encoder(backend: Counting) -> Callable[[], list[Tensor]]:
    """The network is one of those that are wrapped while anybody looks now and then."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True)
    net = nn.Sequential(nn.TransformerEncoder(layer, 1, enable_nested_tensor=False), nn.Softmax(2))
    opt = torch.optim.SGD(net.parameters(), 0.1)
    forward = torch.compile(net, backend=backend, fullgraph=True)

    def step() -> list[Tensor]:
        opt.zero_grad()
        loss = F.cross_entropy(forward(torch.randn(6, 3, 8)).mean(1), Y)
        loss.backward()  # type: ignore[no-untyped-call]
        opt.step()
        return [loss.detach(), *(parameter.detach().clone() for parameter in net.parameters())]

    return step


def compiled_optimizer(backend: Counting) -> Callable[[], list[Tensor]]:
    net = network()
    opt = torch.optim.SGD(net.parameters(), 0.1)
    update = torch.compile(opt.step, backend=backend)

    def step() -> list[Tensor]:
        opt.zero_grad()
        loss = F.cross_entropy(net(torch.randn(6, 8)), Y)
        loss.backward()  # type: ignore[no-untyped-call]
        update()
        return [loss.detach(), *(parameter.detach().clone() for parameter in net.parameters())]

    return step


PROGRAMS = [compiled_network, compiled_loss, compiled_step, compiled_encoder, compiled_optimizer]


def ran(program: Callable[[Counting], Callable[[], list[Tensor]]], aot: bool) -> tuple[int, dict[str, int], list[list[Tensor]]]:
    """How many graphs were compiled, why graphs broke, and what was computed."""
    torch._dynamo.reset()
    counters.clear()
    torch.manual_seed(0)
    backend = Counting(aot)
    step = program(backend)
    computed = [step() for _ in range(8)]
    return backend.graphs, dict(counters["graph_break"]), computed


@pytest.mark.parametrize("aot", [False, True], ids=["eager", "aot_eager"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_as_many_graphs_and_the_same_numbers(program: Callable[[Counting], Callable[[], list[Tensor]]], aot: bool) -> None:
    plain = ran(program, aot)
    with checks("collect", every=3, warmup=2) as run:
        looked_at = ran(program, aot)
    assert looked_at[:2] == plain[:2]
    assert plain[0] >= 1
    for one, other in zip(plain[2], looked_at[2], strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    assert [finding.code for finding in run.result().findings] == ["TL101"]  # seen in the steps that ran eagerly
    assert sum(NOTE in note for note in run.notes()) == 1
    assert not run._failed


def test_what_was_compiled_lives_on_before_and_after() -> None:
    torch._dynamo.reset()
    backend = Counting()
    step = compiled_encoder(backend)
    step()
    graphs = backend.graphs
    with checks("collect", every=3, warmup=2):
        for _ in range(8):
            step()
    step()
    assert backend.graphs == graphs


def test_enabled_from_the_start_and_compiled_later() -> None:
    """The mode lies on the stack already when the program comes to compile, and when nothing of it has been called yet."""
    plain = ran(compiled_loss, False)
    torch._dynamo.reset()
    EAGER.compiles = False
    run = enable("collect", every=3, warmup=2)
    try:
        looked_at = ran(compiled_loss, False)
    finally:
        disable()
    assert looked_at[:2] == plain[:2]
    assert [finding.code for finding in run.result().findings] == ["TL101"]


def test_always_looked_at_is_never_compiled() -> None:
    with checks("collect", every=1) as run:
        graphs, breaks, _ = ran(compiled_loss, False)
    assert (graphs, breaks) == (0, {})
    assert run.sampler.eager_steps == run.sampler.looked_at == 8


def test_nothing_is_said_of_compiling_where_nothing_is_compiled() -> None:
    assert torch._dynamo is not None  # it is loaded, as optimizers do
    net = network()
    opt = torch.optim.SGD(net.parameters(), 0.1)
    with checks("collect") as run:
        F.cross_entropy(net(torch.randn(6, 8)), Y).backward()  # type: ignore[no-untyped-call]
        opt.step()
        F.cross_entropy(net(torch.randn(6, 8)), Y)
        assert torch._dynamo.explain(network())(torch.randn(6, 8)).graph_count == 1  # it finds no graphs where everything runs eagerly
    assert len(run.result().findings) == 2
    assert run.notes() == []


def test_a_stance_of_the_users_survives() -> None:
    net = network()
    opt = torch.optim.SGD(net.parameters(), 0.1)
    backend = Counting()
    forward = torch.compile(net, backend=backend)

    def step() -> None:
        forward(torch.randn(6, 8)).sum().backward()
        opt.step()

    def stance() -> str:
        return torch._dynamo.eval_frame._stance.stance

    with checks("collect", every=4, warmup=1):
        assert stance() == "force_eager"
        theirs = torch.compiler.set_stance("eager_on_recompile")
        step()
        assert stance() == "eager_on_recompile"
        theirs.__exit__(None, None, None)  # puts back ours, whose time is over
        step()
        assert stance() == "default"
        with torch.compiler.set_stance("fail_on_recompile"):
            pass
        step()
        assert stance() == "default"
        step()
        assert stance() == "force_eager"
    assert backend.graphs == 1


def test_compiled_modules_do_not_warn_of_our_hooks(recwarn: pytest.WarningsRecorder) -> None:
    net = network()
    opt = torch.optim.SGD(net.parameters(), 0.1)
    with checks("collect", every=1):
        forward = torch.compile(net, backend="eager")
        for _ in range(2):
            forward(torch.randn(6, 8)).sum().backward()
            opt.step()
    assert [str(each.message) for each in recwarn if "hook" in str(each.message)] == []


def test_the_input_of_a_loss_from_compiled_code() -> None:
    """Looking begins with a tensor that compiled code has made: what it means was not seen, and the summary says so."""
    net = torch.compile(network(), backend="aot_eager")
    out = net(torch.randn(6, 8))
    with checks("collect") as run:
        F.cross_entropy(out, Y)
    assert run.result().findings == []
    assert any("came out of compiled code" in note for note in run.notes())


@pytest.mark.parametrize("strict", [True, False])
def test_export(strict: bool) -> None:
    def exported() -> str:
        return str(torch.export.export(network(), (torch.randn(6, 8),), strict=strict).graph)

    plain = exported()
    with checks("collect") as run:
        assert exported() == plain
    assert not run._failed
