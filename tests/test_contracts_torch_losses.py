"""Can the mistakes that `takes` rules out be seen in torch itself: an error, a negative loss, or a loss that cannot reach zero?"""

from __future__ import annotations

import pytest

from torchlint.contracts.schema import Takes
from torchlint.model import Kind

torch = pytest.importorskip("torch")
from support.tensors import CONTRACTS, resolve, tensor_of  # noqa: E402

F = torch.nn.functional
pytestmark = pytest.mark.filterwarnings("ignore")


X = torch.randn(64, 5) * 2
Y = X.argmax(1)
MULTI = (torch.rand(64, 5) > 0.5).float()


def losses_of(family: str) -> list[str]:
    return [name for name, call in CONTRACTS.calls.items() if call.loss == family and name.startswith("torch.nn.functional.")]


def accepted(name: str, role: str) -> Takes:
    return CONTRACTS.calls[name].takes[role]


@pytest.mark.parametrize("name", losses_of("cross_entropy"))
def test_cross_entropy_of_probabilities_is_another_number(name: str) -> None:
    function = resolve(name)
    assert Kind.PROBABILITIES not in accepted(name, "input").kinds
    good, bad, redundant = function(X * 9, Y), function((X * 9).softmax(1), Y), function((X * 9).log_softmax(1), Y)
    assert good < 0.1
    assert bad > 0.9  # softmax twice: not below 0.90 for 5 classes, however good the network
    assert torch.allclose(good, redundant)
    for kind in (Kind.PROBABILITIES, Kind.ONE_HOT):
        assert kind in accepted(name, "target").kinds
        function(X, tensor_of(kind, (64, 5), torch.float32))
    with pytest.raises(RuntimeError):
        function(X, Y.float())
    with pytest.raises(RuntimeError):
        function(X, F.one_hot(Y, 5))


@pytest.mark.parametrize("name", losses_of("nll"))
def test_nll_without_logarithms_is_negative(name: str) -> None:
    function = resolve(name)
    assert accepted(name, "input").kinds == (Kind.LOG_PROBABILITIES,)
    assert function(X.log_softmax(1), Y) >= 0
    assert function(X, Y) < 0
    assert function(X.softmax(1), Y) < 0
    with pytest.raises(RuntimeError):
        function(X.log_softmax(1), Y.float())


@pytest.mark.parametrize("name", losses_of("bce"))
def test_bce_refuses_logits_and_integers(name: str) -> None:
    function = resolve(name)
    for kind in accepted(name, "input").kinds:
        function(tensor_of(kind, (64, 5), torch.float32), MULTI)
    with pytest.raises(RuntimeError):
        function(X, MULTI)
    with pytest.raises(RuntimeError):
        function(X.sigmoid(), MULTI.long())


@pytest.mark.parametrize("name", losses_of("bce_with_logits"))
def test_bce_with_logits_of_a_sigmoid_does_not_reach_zero(name: str) -> None:
    function = resolve(name)
    assert accepted(name, "input").kinds == (Kind.LOGITS,)
    perfect = (MULTI * 2 - 1) * 20
    assert function(perfect, MULTI) < 1e-6
    assert function(perfect.sigmoid(), MULTI) > 0.31
    with pytest.raises(RuntimeError):
        function(X, MULTI.long())
    with pytest.raises(RuntimeError):
        function(X, MULTI.bool())


@pytest.mark.parametrize("name", losses_of("soft_margin"))
def test_soft_margin_losses_compute_with_integers(name: str) -> None:
    function = resolve(name)
    assert not function(X, MULTI.long()).isnan()
    assert torch.allclose(function(X, MULTI.long()), function(X, MULTI))


@pytest.mark.parametrize("name", losses_of("kl_div"))
def test_kl_div_of_anything_but_logarithms_is_negative(name: str) -> None:
    function, p = resolve(name), X.softmax(1)
    assert Kind.LOG_PROBABILITIES in accepted(name, "input").kinds
    assert abs(function(p.log(), p, reduction="batchmean")) < 1e-6
    assert function(p, p, reduction="batchmean") < 0
    assert function((X + 30), p, reduction="batchmean") < 0
    assert abs(function(p.log(), p.log(), reduction="batchmean")) > 1e-3 or function(p.log(), p.log(), reduction="batchmean").isnan()


@pytest.mark.parametrize("name", losses_of("distance"))
def test_distances(name: str) -> None:
    assert resolve(name)(X, X) == 0


def test_multinomial_refuses_logits() -> None:
    with pytest.raises(RuntimeError):
        torch.multinomial(-X.abs(), 1)


@pytest.mark.parametrize("name", [name for name in CONTRACTS.calls if name.startswith("torch.distributions.")])
def test_distributions_take_what_they_say(name: str) -> None:
    call, first = CONTRACTS.calls[name], {"total_count": 1, "temperature": torch.tensor(0.5)}
    given = {parameter: value for parameter, value in first.items() if parameter in call.params}
    for parameter, takes in call.takes.items():
        for kind in takes.kinds:
            x = tensor_of(kind, (64, 5), torch.float32)
            if kind in (Kind.NONNEGATIVE, Kind.ONE_HOT):
                x = x + 1e-3 if kind is Kind.NONNEGATIVE else x.clamp(1e-6, 1 - 1e-6)
            resolve(name)(**given, **{parameter: x})
