"""Does torch do what the rules and their pages say? Each number and each error of a message is observed here on the installed torch."""

from __future__ import annotations

import doctest
import math
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.mdtest import Block, Case, parse_page

from torchlint.model import Kind
from torchlint.rules.mismatches import MISMATCHES, cross_entropy_floor
from torchlint.rules.targets import TORCH_NAMES

if TYPE_CHECKING:
    from torch import Tensor

torch = pytest.importorskip("torch")
nn, F, distributions = torch.nn, torch.nn.functional, torch.distributions

PAGES = [parse_page(path.read_text(encoding="utf-8")) for path in sorted((Path(__file__).parents[1] / "rules").glob("*.md"))]
EXAMPLES = [(page.code, block) for page in PAGES for block in page.others if block.language == "pycon"]
SINGLE = [case for page in PAGES for case in page.cases if len(case.files) == 1 and page.code != "TL902"]
GOOD = [case for case in SINGLE if case.section == "Good"]
LOUD = ("TL110", "TL203", "TL403", "TL506", "TL603", "TL604")
DEPENDS = ("TL202", "TL207")  # on the values, and on which loss it is
SILENT_BAD = [case for case in SINGLE if case.section == "Bad" and case.code not in (*LOUD, *DEPENDS) and "backward hook" not in case.heading]
LOUD_BAD = [case for case in SINGLE if case.section == "Bad" and (case.code in LOUD or "backward hook" in case.heading)]


@pytest.fixture(autouse=True)
def _quiet_and_repeatable() -> Iterator[None]:
    torch.manual_seed(0)
    torch.distributions.Distribution.set_default_validate_args(True)  # torch.compile turns it off for the whole process
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def near(value: float, wanted: float, places: int = 3) -> bool:
    return math.isclose(value, wanted, rel_tol=0, abs_tol=0.5 / 10**places)


def gradient(function: Callable[..., object], *values: float) -> list[float]:
    """The gradient of a scalar function of one vector."""
    x = torch.tensor(values, requires_grad=True)
    function(x).backward()  # type: ignore[attr-defined]
    return [float(g) for g in x.grad]


# --- the pages themselves


def names(case: Case) -> str:
    return case.name.replace(" ", "-")


@pytest.mark.parametrize(("code", "block"), EXAMPLES, ids=[f"{code}-{block.line}" for code, block in EXAMPLES])
def test_sessions_in_the_pages_print_what_they_show(code: str, block: Block) -> None:
    test = doctest.DocTestParser().get_doctest(block.text, {}, code, f"rules/{code}.md", block.line)
    assert test.examples
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE).run(test, out=said.append)
    assert not said, "".join(said)


def run(case: Case) -> None:
    ((path, text),) = case.files
    exec(compile(text, path, "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("case", GOOD, ids=names)
def test_good_blocks_run(case: Case) -> None:
    run(case)


@pytest.mark.parametrize("case", SILENT_BAD, ids=names)
def test_mistakes_that_are_called_silent_raise_nothing(case: Case) -> None:
    run(case)


@pytest.mark.parametrize("case", LOUD_BAD, ids=names)
def test_mistakes_that_are_said_to_raise_do(case: Case) -> None:
    with pytest.raises((RuntimeError, TypeError, IndexError)):
        run(case)


# --- TL101, TL102, TL103


@pytest.mark.parametrize("classes", [2, 10, 100, 1000])
def test_the_floor_of_cross_entropy_on_probabilities(classes: int) -> None:
    perfect, target = torch.eye(classes), torch.arange(classes)
    floor = float(F.cross_entropy(perfect, target))
    assert near(floor, cross_entropy_floor(classes))
    assert near(floor, math.log(math.e + classes - 1) - 1)
    noisy = torch.rand(classes, classes)
    assert float(F.cross_entropy(noisy, target)) > floor


def test_confident_mistakes_get_almost_no_gradient_from_softmax_twice() -> None:
    target = torch.tensor([1])
    twice = gradient(lambda x: F.cross_entropy(x.softmax(0)[None], target), 10.0, 0.0)
    once = gradient(lambda x: F.cross_entropy(x[None], target), 10.0, 0.0)
    assert near(twice[0], 0.00007, 5)
    assert near(once[0], 1.0)


def test_log_softmax_is_idempotent() -> None:
    z, y = torch.randn(16, 7) * 10, torch.randint(0, 7, (16,))
    assert torch.allclose(z.log_softmax(1).log_softmax(1), z.log_softmax(1))
    assert torch.allclose(F.cross_entropy(z.log_softmax(1), y), F.cross_entropy(z, y))
    assert not torch.allclose(F.cross_entropy(F.logsigmoid(z), y), F.cross_entropy(z, y))


def test_nll_of_logits_has_no_lower_bound() -> None:
    assert float(F.nll_loss(torch.tensor([[100.0, 0.0]]), torch.tensor([0]))) == -100


def test_nll_of_probabilities_hardly_corrects_a_confident_mistake() -> None:
    logits = (math.log(0.001), math.log(0.999))
    target = torch.tensor([0])
    assert near(-gradient(lambda x: F.nll_loss(x.softmax(0)[None], target), *logits)[0], 0.001)
    assert near(-gradient(lambda x: F.nll_loss(x.log_softmax(0)[None], target), *logits)[0], 0.999)


# --- TL104


def first_failure(function: Callable[[float], bool]) -> float:
    return next(x / 10 for x in range(1, 1200) if not function(x / 10))


def finite(value: Tensor) -> bool:
    return bool(torch.isfinite(value).all())


def test_where_the_logarithm_of_softmax_breaks() -> None:
    def value(x: float) -> bool:
        return finite(torch.tensor([0.0, -x]).softmax(0).log())

    def slope(x: float) -> bool:
        return all(map(math.isfinite, gradient(lambda z: z.softmax(0).log()[1], 0.0, -x)))

    assert 103 < first_failure(value) <= 104
    assert 88 < first_failure(slope) <= 89
    half = first_failure(lambda x: finite(torch.tensor([0.0, -x], dtype=torch.float16).softmax(0).log()))
    assert 17 < half <= 17.5
    assert finite(torch.tensor([0.0, -1000.0]).log_softmax(0))


def test_where_the_logarithm_of_sigmoid_breaks() -> None:
    assert 88 < first_failure(lambda x: finite(torch.tensor(-x).sigmoid().log())) <= 89
    assert 88 < first_failure(lambda x: math.isfinite(gradient(lambda z: z.sigmoid().log().sum(), -x)[0])) <= 89
    assert finite(F.logsigmoid(torch.tensor(-1000.0)))
    x = torch.randn(50)
    assert torch.allclose((1 - x.sigmoid()).log(), F.logsigmoid(-x), atol=1e-5)


# --- TL105


def test_a_clipped_true_class_gets_no_gradient() -> None:
    scores, target = [-1.0, *[0.0] * 9], torch.tensor([0])
    assert gradient(lambda x: F.cross_entropy(x.relu()[None], target), *scores)[0] == 0
    assert near(gradient(lambda x: F.cross_entropy(x[None], target), *scores)[0], -0.96, 2)


def test_a_sample_with_negative_scores_only_is_dead() -> None:
    scores, target = [-1.0 - i for i in range(10)], torch.tensor([3])
    assert near(float(F.cross_entropy(torch.tensor([scores]).relu(), target)), 2.30, 2)
    assert not any(gradient(lambda x: F.cross_entropy(x.relu()[None], target), *scores))


def test_half_of_the_scores_of_a_fresh_layer_are_negative() -> None:
    scores = nn.Linear(64, 10)(torch.randn(20_000, 64))
    assert 0.4 < float((scores < 0).float().mean()) < 0.6


# --- TL205


def test_what_half_means_on_logits() -> None:
    assert near(float(torch.sigmoid(torch.tensor(0.5))), 0.62, 2)
    assert near(float(torch.sigmoid(torch.tensor(1.5))), 0.82, 2)
    assert torch.tensor([0.49, 0.5, 0.51, 1.49, 1.5, 4.0, -0.6]).round().tolist() == [0, 0, 1, 1, 2, 4, -1]
    scores = torch.randn(100_000)
    assert near(float(((scores.sigmoid() > 0.5) & (scores <= 0.5)).float().mean()), 0.191, 2)
    assert torch.equal(scores > 0, scores.sigmoid() > 0.5)


# --- TL801


def test_logits_as_probabilities() -> None:
    scores = torch.tensor([1.0, 3.0])
    assert torch.allclose(distributions.Categorical(scores).probs, torch.tensor([0.25, 0.75]))
    assert torch.allclose(distributions.Categorical(logits=scores).probs, torch.tensor([0.12, 0.88]), atol=0.005)
    one, temperature = torch.tensor([-1.0, 3.0]), torch.tensor(0.5)
    for function in (distributions.Categorical, distributions.OneHotCategorical, distributions.Bernoulli, distributions.Geometric):
        with pytest.raises(ValueError, match="to satisfy the constraint"):
            function(one)
    for function in (distributions.RelaxedBernoulli, distributions.RelaxedOneHotCategorical):
        with pytest.raises(ValueError, match="to satisfy the constraint"):
            function(temperature, probs=one)
    for function in (distributions.Binomial, distributions.Multinomial):
        with pytest.raises(ValueError, match="to satisfy the constraint"):
            function(3, one)
    for draw in (lambda x: torch.multinomial(x, 1), torch.bernoulli):
        with pytest.raises(RuntimeError):
            draw(one)
    assert torch.bernoulli(one, 0.5).shape == one.shape  # only the shape counts then


def test_log_probabilities_as_probabilities_are_exchanged() -> None:
    logs = torch.tensor([0.9, 0.1]).log()
    assert torch.allclose(distributions.Categorical(logs).probs, torch.tensor([0.04, 0.96]), atol=0.005)
    assert torch.allclose(distributions.Categorical(logits=logs).probs, torch.tensor([0.9, 0.1]))
    assert near(float(distributions.Bernoulli(logits=logs).probs[0]), 0.47, 2)
    with pytest.raises(RuntimeError, match="element < 0"):
        torch.multinomial(logs, 1)
    with pytest.raises(ValueError, match="to satisfy the constraint"):
        distributions.Bernoulli(logs)


@pytest.mark.parametrize(("classes", "share"), [(2, 0.73), (10, 0.23)])
def test_probabilities_as_logits_are_flattened(classes: int, share: float) -> None:
    sure = torch.eye(classes)[0]
    assert near(float(distributions.Categorical(logits=sure).probs[0]), share, 2)
    drawn = F.gumbel_softmax(sure.expand(50_000, classes), hard=True).mean(0)
    assert abs(float(drawn[0]) - share) < 0.02
    assert float(distributions.Bernoulli(logits=torch.rand(100)).probs.min()) >= 0.5
    assert float(distributions.Bernoulli(logits=torch.ones(1)).probs) <= 0.7311


# --- TL201, TL202, TL203


def test_sigmoid_twice() -> None:
    p, positive, negative = torch.rand(1000), torch.ones(1000), torch.zeros(1000)
    assert 0.5 <= float(p.sigmoid().min()) <= float(p.sigmoid().max()) <= 0.7311
    assert float(F.binary_cross_entropy_with_logits(p, negative, reduction="none").min()) >= math.log(2)
    assert float(F.binary_cross_entropy_with_logits(p, positive, reduction="none").min()) >= 0.313
    assert near(float(F.binary_cross_entropy_with_logits(torch.tensor(1.0), torch.tensor(1.0))), 0.313)
    wrong = gradient(lambda x: F.binary_cross_entropy_with_logits(x.sigmoid(), torch.zeros(1)), 6.0)
    right = gradient(lambda x: F.binary_cross_entropy_with_logits(x, torch.zeros(1)), 6.0)
    assert near(wrong[0], 0.002)
    assert near(right[0], 0.998)


@pytest.mark.parametrize("loss", [F.soft_margin_loss, F.multilabel_soft_margin_loss])
def test_soft_margin_losses_have_the_same_floors_and_take_integers(loss: Callable[..., Tensor]) -> None:
    low = -1 if loss is F.soft_margin_loss else 0
    for score, target, floor in ((0.0, low, 0.693), (1.0, 1, 0.313)):
        assert near(float(loss(torch.tensor([[score]]), torch.tensor([[target]]))), floor)


@pytest.mark.parametrize("value", [1.5, -0.5])
def test_bce_refuses_what_lies_outside_of_the_unit_interval(value: float) -> None:
    with pytest.raises(RuntimeError, match="all elements of input should be between 0 and 1"):
        F.binary_cross_entropy(torch.tensor([value]), torch.tensor([1.0]))


def test_two_thirds_of_standard_normal_logits_lie_outside() -> None:
    x = torch.randn(100_000)
    assert near(float(((x < 0) | (x > 1)).float().mean()), 0.66, 2)


@pytest.mark.parametrize("dtype", TORCH_NAMES)
def test_binary_cross_entropy_refuses_integer_targets(dtype: str) -> None:
    target = torch.tensor([1, 0]).to(getattr(torch, dtype))
    x = torch.tensor([0.7, 0.2])
    with pytest.raises(RuntimeError, match=f"Found dtype {TORCH_NAMES[dtype]} but expected Float"):
        F.binary_cross_entropy(x, target)
    refusal = "Subtraction, the `-` operator, with two bool tensors is not supported" if dtype == "bool" else f"output type {TORCH_NAMES[dtype]}"
    with pytest.raises(RuntimeError, match=refusal):
        F.binary_cross_entropy_with_logits(x, target)


def test_binary_cross_entropy_refuses_class_indices_of_another_shape() -> None:
    with pytest.raises(ValueError, match="must be the same as input size"):
        F.binary_cross_entropy_with_logits(torch.randn(4, 3), torch.tensor([0.0, 1.0, 2.0, 0.0]))


def test_full_takes_its_dtype_from_the_fill_value() -> None:
    assert torch.full((2,), 1).dtype is torch.int64
    assert torch.full((2,), 1).fill_(0.5).dtype is torch.int64
    assert torch.full((2,), 1.0).dtype is torch.float32


# --- TL301 to TL304

UNIFORM = torch.full((1, 10), 0.1)


def kl(*arguments: Tensor, **settings: object) -> float:
    return float(F.kl_div(*arguments, reduction="batchmean", **settings))


def test_kl_of_probabilities_and_of_logits() -> None:
    assert near(kl(UNIFORM, UNIFORM), -2.40, 2)
    assert near(kl(UNIFORM.log(), UNIFORM), 0)
    logits, target = torch.randn(1, 10), torch.randn(1, 10).softmax(1)
    assert near(kl(logits, target) - kl(logits + 10, target), 10)


def test_kl_with_a_target_of_the_other_domain() -> None:
    assert math.isnan(kl(UNIFORM.log(), UNIFORM.log()))
    assert near(kl(UNIFORM.log(), UNIFORM, log_target=True), 26.55, 2)
    assert near(kl(UNIFORM.log(), UNIFORM.log(), log_target=True), 0)


def test_kl_exchanged() -> None:
    assert math.isnan(kl(UNIFORM, UNIFORM.log()))


@pytest.mark.parametrize("classes", [10, 1000])
def test_kl_mean_is_too_small_by_the_number_of_classes(classes: int) -> None:
    log_p, q = torch.randn(8, classes).log_softmax(1), torch.randn(8, classes).softmax(1)
    definition = (q * (q.log() - log_p)).sum(1).mean()
    assert torch.allclose(F.kl_div(log_p, q, reduction="batchmean"), definition, rtol=1e-4)
    assert torch.allclose(F.kl_div(log_p, q) * classes, definition, rtol=1e-4)
    assert torch.allclose(F.kl_div(log_p, q, size_average=True, reduction="sum"), F.kl_div(log_p, q))
    assert torch.allclose(F.kl_div(log_p, q, size_average=False), F.kl_div(log_p, q, reduction="sum"))


def test_the_numbers_that_torch_kl_div_takes_for_a_reduction() -> None:
    log_p, q = torch.randn(8, 5).log_softmax(1), torch.randn(8, 5).softmax(1)
    assert torch.allclose(torch.kl_div(log_p, q, reduction=1), F.kl_div(log_p, q))
    assert torch.kl_div(log_p, q).shape == q.shape  # without one it does not reduce at all


# --- TL401

KEEPERS: list[tuple[str, Callable[[Tensor], object], bool]] = [
    ("the tensor", lambda o: o, False),
    ("detach", lambda o: o.detach(), False),
    ("data", lambda o: o.data, False),
    ("cpu", lambda o: o.detach().cpu(), False),
    ("view", lambda o: o.view(-1), False),
    ("contiguous", lambda o: o.contiguous(), False),
    ("float", lambda o: o.float(), False),
    ("numpy", lambda o: o.detach().numpy(), False),
    ("clone", lambda o: o.clone(), True),
    ("detach and clone", lambda o: o.detach().clone(), True),
    ("double", lambda o: o.double(), True),
    ("mean", lambda o: o.mean(), True),
]


@pytest.mark.parametrize(("keep", "intact"), [(keep, intact) for _, keep, intact in KEEPERS], ids=[name for name, _, _ in KEEPERS])
def test_what_a_forward_hook_keeps(keep: Callable[[Tensor], object], intact: bool) -> None:
    if find_spec("numpy") is None and "numpy" in keep.__code__.co_names:
        pytest.skip("needs numpy")
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True))
    kept: list[object] = []
    before: list[Tensor] = []
    net[0].register_forward_hook(lambda module, args, output: kept.append(keep(output)))
    net[0].register_forward_hook(lambda module, args, output: before.append(torch.as_tensor(keep(output.detach().clone()))))
    net(torch.randn(2, 3, 8, 8))
    assert torch.equal(torch.as_tensor(kept[0]).detach(), before[0].detach()) is intact
    if not intact:
        assert float(torch.as_tensor(kept[0]).min()) == 0


@pytest.mark.parametrize(
    ("layers", "training", "intact"),
    [
        ((nn.ReLU(),), True, True),
        ((nn.Identity(), nn.ReLU(True)), True, False),
        ((nn.Dropout(), nn.ReLU(True)), False, False),
        ((nn.Dropout(), nn.ReLU(True)), True, True),
        ((nn.BatchNorm2d(8), nn.ReLU(True)), True, True),
        ((nn.MaxPool2d(2), nn.ReLU(True)), True, True),
        ((), True, True),
    ],
)
def test_what_stands_between_the_hooked_module_and_the_activation(layers: tuple[object, ...], training: bool, intact: bool) -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), *layers).train(training)
    kept: list[Tensor] = []
    net[0].register_forward_hook(lambda module, args, output: kept.append(output))
    net(torch.randn(2, 3, 8, 8))
    assert (float(kept[0].min()) < 0) is intact


def test_a_capture_loop_keeps_the_values_after_the_activation() -> None:
    x, kept = torch.randn(2, 3, 8, 8), []
    for layer in nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(True), nn.Conv2d(8, 8, 3)):
        x = layer(x)
        kept.append(x)
    assert float(kept[0].min()) == 0
    assert float(kept[2].min()) < 0


@pytest.mark.parametrize(
    ("layers", "hooked", "raises"),
    [
        ((nn.ReLU(True),), 0, True),
        ((nn.ReLU(True),), 1, True),
        ((nn.Sequential(nn.ReLU(True), nn.Conv2d(8, 8, 3)),), 1, True),
        ((nn.ReLU(),), 0, False),
        ((nn.BatchNorm2d(8), nn.ReLU(True)), 0, False),
        ((nn.Sequential(nn.Conv2d(8, 8, 3), nn.ReLU(True)), nn.MaxPool2d(2)), 1, False),
    ],
)
def test_full_backward_hooks(layers: tuple[object, ...], hooked: int, raises: bool) -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), *layers)
    handle = net[hooked].register_full_backward_hook(lambda module, grad_input, grad_output: None)
    x = torch.randn(2, 3, 8, 8)
    try:
        if raises:
            with pytest.raises(RuntimeError, match="Output 0 of BackwardHookFunction is a view and is being modified inplace"):
                net(x)
        else:
            net(x).sum().backward()
        with torch.no_grad():
            net(x)
    finally:
        handle.remove()


def test_legacy_backward_hooks_do_not_raise() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(True))
    net[0].register_backward_hook(lambda module, grad_input, grad_output: None)
    net(torch.randn(2, 3, 8, 8)).sum().backward()


# --- TL402, TL403


def test_an_inplace_block_clobbers_the_shortcut_in_silence() -> None:
    quiet = nn.Sequential(nn.ReLU(), nn.Linear(6, 6))
    inplace = nn.Sequential(nn.ReLU(True), quiet[1])
    start = torch.randn(4, 6, requires_grad=True)
    x, y = start * 1, start * 1
    wrong, right = x + inplace(x), y + quiet(y)
    assert torch.allclose(wrong - right, start.relu() - start, atol=1e-6)
    wrong.sum().backward()


SAVES_OUTPUT = [torch.relu, torch.relu_, torch.sigmoid, torch.tanh, torch.exp, lambda x: x.softmax(1), lambda x: (x.abs() + 1).sqrt()]
SAVES_NO_OUTPUT = [nn.Linear(6, 6), nn.LayerNorm(6), F.elu, F.gelu, F.silu, F.leaky_relu, F.softplus, torch.abs, lambda x: x * 2, F.dropout]
SAVES_INPUT = [nn.Linear(6, 6), nn.Conv1d(4, 4, 1), nn.LayerNorm(6), F.gelu, lambda x: x.pow(2), lambda x: F.max_pool1d(x, 2)]
SAVES_NO_INPUT = [torch.relu, torch.sigmoid, lambda x: x + 1]
MODIFIED = "one of the variables needed for gradient computation has been modified by an inplace operation"


def backward_after(function: Callable[[Tensor], Tensor], write: str) -> None:
    x = torch.randn(4, 6, requires_grad=True) * 1
    y = function(x)
    (y if write == "output" else x).add_(1)
    torch.autograd.backward(y.sum())


@pytest.mark.parametrize(("function", "write"), [(f, "output") for f in SAVES_OUTPUT] + [(f, "input") for f in SAVES_INPUT])
def test_writing_what_backward_needs_raises(function: Callable[[Tensor], Tensor], write: str) -> None:
    with pytest.raises(RuntimeError, match=MODIFIED):
        backward_after(function, write)


@pytest.mark.parametrize(("function", "write"), [(f, "output") for f in SAVES_NO_OUTPUT] + [(f, "input") for f in SAVES_NO_INPUT])
def test_writing_what_backward_does_not_need_is_fine(function: Callable[[Tensor], Tensor], write: str) -> None:
    backward_after(function, write)


def test_dropout_that_drops_nothing_writes_nothing() -> None:
    for p, training, raises in ((0.5, True, True), (0.0, True, False), (0.5, False, False)):
        y = nn.Sequential(nn.Linear(6, 6), nn.ReLU(True), nn.Dropout(p, inplace=True)).train(training)(torch.randn(2, 6))
        if raises:
            with pytest.raises(RuntimeError, match=MODIFIED):
                y.sum().backward()
        else:
            y.sum().backward()


# --- TL601, TL603, TL604


@pytest.mark.parametrize("module", [nn.Softmax, nn.Softmin, nn.LogSoftmax])
@pytest.mark.parametrize(("rank", "axis"), [(1, 0), (2, 1), (3, 0), (4, 1), (5, 1)])
def test_the_axis_that_torch_guesses(module: type, rank: int, axis: int) -> None:
    x = torch.randn([3] * rank)
    assert torch.equal(module()(x), module(dim=axis)(x))


def test_softmax_functions_that_do_not_guess() -> None:
    for function in (torch.softmax, torch.log_softmax):
        with pytest.raises(TypeError):
            function(torch.randn(3))


@pytest.mark.parametrize("module", [nn.CrossEntropyLoss, nn.MSELoss, nn.L1Loss, nn.BCELoss, nn.BCEWithLogitsLoss, nn.NLLLoss, nn.KLDivLoss])
def test_losses_built_with_two_tensors_raise(module: type) -> None:
    with pytest.raises(RuntimeError, match="Boolean value of Tensor with more than one value is ambiguous"):
        module(torch.randn(4, 3), torch.randn(4, 3))


def test_activations_built_with_a_tensor_raise_late_or_never() -> None:
    x = torch.randn(4, 3)
    with pytest.raises(TypeError):
        nn.Sigmoid(x)
    for module in (nn.ReLU, nn.Softmax, nn.LogSoftmax, nn.GELU, nn.LeakyReLU):
        built = module(x)
        with pytest.raises((RuntimeError, TypeError)):
            built(x)


@pytest.mark.parametrize("function", [F.relu, torch.sigmoid])
def test_sequential_refuses_functions(function: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(TypeError, match="is not a Module subclass"):
        nn.Sequential(nn.Linear(3, 3), function)


# --- the table as a whole

RANGES: dict[Kind, Callable[[Tensor], Tensor]] = {
    Kind.LOGITS: lambda x: x,
    Kind.PROBABILITIES: lambda x: x.softmax(1),
    Kind.UNIT_INTERVAL: torch.sigmoid,
    Kind.NONNEGATIVE: torch.relu,
    Kind.SIGNED_UNIT: torch.tanh,
    Kind.ONE_HOT: lambda x: F.one_hot(x.argmax(1), x.size(1)).float(),
    Kind.LOG_PROBABILITIES: lambda x: x.log_softmax(1),
    Kind.FLAT_LOG_PROBABILITIES: lambda x: x.softmax(1).log_softmax(1),
    Kind.LOG_UNIT_INTERVAL: F.logsigmoid,
}


@pytest.mark.parametrize("kind", [kind for family, kind in MISMATCHES if family == "bce"])
def test_each_kind_that_bce_is_said_to_refuse_is_refused(kind: Kind) -> None:
    with pytest.raises(RuntimeError, match="between 0 and 1"):
        F.binary_cross_entropy(RANGES[kind](torch.randn(64, 5) * 3), torch.ones(64, 5))


@pytest.mark.parametrize("kind", [kind for (family, kind), mismatch in MISMATCHES.items() if family == "nll" and mismatch.code == "TL103"])
def test_each_kind_that_nll_is_said_to_refuse_gives_a_loss_that_no_likelihood_has(kind: Kind) -> None:
    x = RANGES[kind](torch.randn(64, 5) * 3)
    assert float(F.nll_loss(x, x.argmax(1))) < 0


@pytest.mark.parametrize("kind", [kind for (family, kind), mismatch in MISMATCHES.items() if family == "cross_entropy" and mismatch.code == "TL101"])
def test_each_kind_that_cross_entropy_is_said_to_refuse_has_the_floor(kind: Kind) -> None:
    x = RANGES[kind](torch.randn(64, 5) * 100)
    assert float(F.cross_entropy(x, x.argmax(1), reduction="none").min()) > cross_entropy_floor(5) - 1e-6
