"""Does `pytest --torchlint` fail the tests in which losses get what they do not take, and no others?"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from types import ModuleType

import pytest
import torch  # noqa: F401

import torchlint.pytest_plugin
import torchlint.runtime.summary  # noqa: F401

pytest_plugins = ["pytester"]

HEAD = """
import unittest
import pytest
import torch
import torch.nn.functional as F
from torch import nn

LABELS = torch.tensor([0, 1, 2, 1])

def logits():
    return nn.Linear(4, 3)(torch.linspace(-1, 1, 16).reshape(4, 4))

def wrong():
    return F.cross_entropy(logits().softmax(1), LABELS)

def redundant():
    return F.cross_entropy(logits().log_softmax(1), LABELS)
"""
INSTALLED = bool(entry_points(group="pytest11", name="torchlint"))
PLUGIN = () if INSTALLED else ("-p", "torchlint.pytest_plugin")


class Loaded:
    """What a run in this process imports is forgotten at its end, and torch cannot be imported twice: it is put back."""

    def __init__(self) -> None:
        self.modules: dict[str, ModuleType] = {}

    def pytest_unconfigure(self) -> None:
        self.modules.update(sys.modules)

    def put_back(self) -> None:
        for name, module in self.modules.items():
            if not name.startswith(("test_", "conftest")):
                sys.modules.setdefault(name, module)


LOADED = Loaded()


@pytest.fixture
def loaded() -> Iterator[None]:
    """Ends after pytester, which forgets modules once more."""
    yield
    LOADED.put_back()


@pytest.fixture
def inner(loaded: None, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder with an ini file; the plugin is loaded whether or not torchlint is installed as a package."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makeini("[pytest]\naddopts = --strict-markers --strict-config -p no:cacheprovider\n")
    return pytester


def run(inner: pytest.Pytester, source: str, *options: str) -> pytest.RunResult:
    """Run one test file in this process."""
    inner.makepyfile(HEAD + source)
    try:
        return inner.runpytest_inprocess(*PLUGIN, *options, plugins=[LOADED])
    finally:
        LOADED.put_back()


def test_a_test_with_a_finding_fails_with_its_report(inner: pytest.Pytester) -> None:
    source = "def test_wrong():\n    wrong()\n\ndef test_right():\n    F.cross_entropy(logits(), LABELS)\n"
    run(inner, source).assert_outcomes(passed=2)
    result = run(inner, source, "--torchlint")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "torchlint: each test is watched",
            "*test_wrong*",
            "torchlint: 1 finding in this test",
            "*.py:13:12: error[[]TL101[]] softmax-before-cross-entropy*",
            "*return F.cross_entropy(logits().softmax(1), LABELS)",
            "  How the value gets here:",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_the_settings_of_pytest(inner: pytest.Pytester) -> None:
    source = "def test_wrong():\n    wrong()\n"
    inner.makeini("[pytest]\ntorchlint = true\n")
    run(inner, source).assert_outcomes(failed=1)
    inner.makeini("[pytest]\ntorchlint = true\ntorchlint_ignore = TL2 softmax-before-cross-entropy\n")
    run(inner, source).assert_outcomes(passed=1)
    inner.makeini("[pytest]\ntorchlint_select = TL2, TL3\n")
    run(inner, source, "--torchlint").assert_outcomes(passed=1)
    inner.makeini("[pytest]\ntorchlint_select = tl101\n")
    run(inner, source, "--torchlint").assert_outcomes(failed=1)
    inner.makeini("[pytest]\ntorchlint_ignore = sofmax-before-cross-entropy\n")
    result = run(inner, source, "--torchlint")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*torchlint_ignore*did you mean `softmax-before-cross-entropy`?"])


def test_the_settings_of_the_project(inner: pytest.Pytester) -> None:
    source = "def test_wrong():\n    wrong()\n"
    (inner.path / "torchlint.toml").write_text('per-file-ignores = { "test_*.py" = ["TL101"] }\n')
    run(inner, source, "--torchlint").assert_outcomes(passed=1)
    (inner.path / "torchlint.toml").write_text("selekt = []\n")
    result = run(inner, source, "--torchlint")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*unknown setting `selekt`; did you mean `select`?"])


@pytest.mark.parametrize(
    ("marker", "body", "outcome"),
    [
        ('expect="TL101"', "wrong()", "passed"),
        ('expect="softmax-before-cross-entropy"', "wrong()", "passed"),
        ('expect="TL1"', "wrong()", "passed"),
        ('expect=["TL101", "TL102"]', "wrong(), redundant()", "passed"),
        ('expect="TL101, TL102"', "wrong()", "failed"),
        ('expect="TL101"', "logits()", "failed"),
        ('expect="TL201"', "wrong()", "failed"),
        ('ignore="TL101"', "wrong()", "passed"),
        ('ignore="ALL"', "wrong()", "passed"),
        ('ignore="TL2"', "wrong()", "failed"),
    ],
)
def test_markers(inner: pytest.Pytester, marker: str, body: str, outcome: str) -> None:
    source = f"@pytest.mark.torchlint({marker})\ndef test_it():\n    {body}\n"
    run(inner, source).assert_outcomes(passed=1)
    run(inner, source, "--torchlint").assert_outcomes(**{outcome: 1})


def test_what_was_expected_and_did_not_come_is_named(inner: pytest.Pytester) -> None:
    result = run(inner, '@pytest.mark.torchlint(expect="TL101")\ndef test_it():\n    redundant()\n', "--torchlint")
    result.stdout.fnmatch_lines(["torchlint: TL101 softmax-before-cross-entropy was expected in this test and not found"])


def test_markers_add_up(inner: pytest.Pytester) -> None:
    source = """
@pytest.mark.torchlint(ignore="TL102")
class TestAll:
    @pytest.mark.torchlint(ignore="TL101")
    def test_both(self):
        wrong(), redundant()
"""
    result = run(inner, source, "--torchlint")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*TL102*")


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ('expect="TL01"', "*`TL01` is neither*did you mean `TL*`?"),
        ('ignore="softmax-before-crossentropy"', "*did you mean `softmax-before-cross-entropy`?"),
        ('expects="TL101"', "*no keyword `expects`; did you mean `expect`?"),
        ('"TL101"', "*keywords only*"),
        ("expect=101", "*not 101"),
    ],
)
def test_a_marker_that_is_not_understood_is_an_error_of_its_test(inner: pytest.Pytester, marker: str, said: str) -> None:
    result = run(inner, f"@pytest.mark.torchlint({marker})\ndef test_it():\n    pass\n\ndef test_other():\n    pass\n", "--torchlint")
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines([said])


def test_info_only_shows(inner: pytest.Pytester) -> None:
    result = run(inner, "@pytest.mark.parametrize('n', [1, 2])\ndef test_it(n):\n    redundant()\n", "--torchlint")
    result.assert_outcomes(passed=2)
    assert [line for line in result.outlines if "info[TL102]" in line] == [line for line in result.outlines if ".py:16:12: info[TL102]" in line]
    assert sum("info[TL102]" in line for line in result.outlines) == 1


def test_a_test_that_fails_by_itself_keeps_its_report(inner: pytest.Pytester) -> None:
    result = run(inner, "def test_it():\n    assert wrong() < 0\n", "--torchlint")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *assert*", "*torchlint*", "torchlint: 1 finding in this test"])
    result = run(inner, '@pytest.mark.torchlint(expect="TL101")\ndef test_it():\n    assert False\n', "--torchlint")
    result.stdout.no_fnmatch_line("*was expected*")


def test_the_traceback_of_an_error_is_that_of_the_program(inner: pytest.Pytester) -> None:
    source = "def test_seen():\n    F.cross_entropy(logits(), LABELS[:2])\n\ndef test_passed_on():\n    logits().kthvalue(100)\n"
    result = run(inner, source, "--torchlint")
    result.assert_outcomes(failed=2)
    result.stdout.no_fnmatch_line("*torchlint/runtime/mode.py*")


def test_skipping_and_failures_that_are_expected(inner: pytest.Pytester) -> None:
    source = """
def test_skipped():
    wrong()
    pytest.skip("no")

@pytest.mark.xfail(strict=True)
def test_xfail():
    wrong()
"""
    run(inner, source, "--torchlint").assert_outcomes(skipped=1, xfailed=1)


def test_unittest(inner: pytest.Pytester) -> None:
    source = """
class Tests(unittest.TestCase):
    def test_wrong(self):
        wrong()

    def test_right(self):
        F.cross_entropy(logits(), LABELS)

    def test_both(self):
        self.assertEqual(wrong().item(), -1)

    @pytest.mark.torchlint(expect="TL101")
    def test_expected(self):
        wrong()
"""
    result = run(inner, source, "--torchlint")
    result.assert_outcomes(failed=2, passed=2)
    result.stdout.fnmatch_lines(["*test_both*", "E *AssertionError*", "*torchlint*", "torchlint: 1 finding in this test"])


def test_fixtures_that_build_the_model(inner: pytest.Pytester) -> None:
    source = """
@pytest.fixture(scope="module")
def training():
    return nn.Sequential(nn.Linear(4, 3), nn.Softmax(1)), nn.CrossEntropyLoss()

@pytest.mark.parametrize("n", [1, 2])
def test_step(training, n):
    net, criterion = training
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    for _ in range(3):
        criterion(net(torch.ones(4, 4)), LABELS).backward()
        optimizer.step()
"""
    result = run(inner, source, "--torchlint")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*(seen 3 times)*"])


def test_nothing_is_left_on(inner: pytest.Pytester) -> None:
    source = """
from torch.overrides import _get_current_function_mode_stack as modes

def teardown_function():
    assert not modes()

@pytest.mark.parametrize("how", ["passes", "raises", "interrupted", "wrong"])
def test_it(how):
    assert len(modes()) == 1
    if how == "raises":
        raise ValueError
    if how == "interrupted":
        pytest.fail("a BaseException")
    if how == "wrong":
        wrong()
"""
    run(inner, source, "--torchlint").assert_outcomes(passed=1, failed=3)


def test_values_of_one_test_do_not_speak_in_another(inner: pytest.Pytester) -> None:
    """Three batches must agree before values alone are evidence, and these are three tests."""
    source = """
@pytest.mark.parametrize("n", range(3))
def test_it(n):
    with torch.no_grad():
        probs = torch.full((4, 3), 1 / 3)
    F.nll_loss(probs, LABELS)
"""
    run(inner, source, "--torchlint").assert_outcomes(passed=3)


@pytest.mark.slow
def test_xdist(inner: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    inner.makepyfile(HEAD + "def test_wrong():\n    wrong()\n\ndef test_info():\n    redundant()\n")
    result = inner.runpytest_subprocess(*PLUGIN, "-n", "1", "--torchlint", timeout=60)
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["torchlint: 1 finding in this test", "*test_xdist.py:13:12: error[[]TL101[]]*", "*info[[]TL102[]]*"])


def test_without_torch(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchlint.pytest_plugin.find_spec", lambda name: None)
    result = run(inner, "", "--torchlint")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*torch is not installed*pip install torchlint[[]runtime[]]"])
    run(inner, "def test_it():\n    pass\n").assert_outcomes(passed=1)


def test_loading_the_plugin_imports_nothing() -> None:
    program = "import sys, pytest; old = set(sys.modules); import torchlint.pytest_plugin; print(*sorted(set(sys.modules) - old))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["torchlint", "torchlint.pytest_plugin"]
