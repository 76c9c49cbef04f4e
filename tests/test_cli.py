"""Does the command do what its help says: options, reports, exit codes, and no traceback whatever happens?

Most tests put a small stand-in for the analysis under the command line: it finds one mistake in each file that holds the word BUG.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from torchlint import __version__, pages, progress, session, terminal
from torchlint.cli import main
from torchlint.config import Settings
from torchlint.errors import UnreadableFile
from torchlint.model import Evidence, Finding, Location, Severity, TraceStep
from torchlint.rules.registry import ALL

PYTHON = [sys.executable, "-m", "torchlint"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}  # works without an installation, from any folder


@dataclass
class FakeResult:
    findings: list[Finding] = field(default_factory=list)
    errors: list[UnreadableFile] = field(default_factory=list)
    files: int = 0


@dataclass
class FakeCheck:
    """What the stand-in was asked, and what it shall do besides."""

    severity: Severity = Severity.ERROR
    calls: list[tuple[list[str], list[str], Settings]] = field(default_factory=list)
    then: Callable[[], object] | None = None
    elsewhere: list[Finding] = field(default_factory=list)

    def __call__(self, files: Any, targets: Sequence[str], roots: Sequence[str], settings: Settings, progress: Any = None) -> FakeResult:
        self.calls.append((list(targets), list(roots), settings))
        result = FakeResult(files=len(targets), findings=list(self.elsewhere))
        if self.then is not None:
            self.then()
        for target in targets:
            data = files.read(target)
            shown = files.shown(target)
            if data is not None and b"BROKEN" in data:
                result.errors.append(UnreadableFile(shown, "invalid syntax", 2, 5))
            for number, line in enumerate((data or b"").decode().splitlines(), start=1):
                if "BUG" in line:
                    result.findings.append(made(shown, number, self.severity))
        return result


def made(path: str, line: int, severity: Severity = Severity.ERROR, *trace: str) -> Finding:
    location = Location(path, None, line, 1, line, 4)
    steps = tuple(TraceStep("from here", Location(step, None, 1, 1, 1, 2)) for step in trace)
    return Finding("TL101", "softmax-before-cross-entropy", severity, Evidence.PROVEN, "That is wrong.", "Do it right.", "https://x", location, steps)


@pytest.fixture
def analysis(monkeypatch: pytest.MonkeyPatch) -> FakeCheck:
    fake = FakeCheck()
    module = ModuleType("torchlint.check")
    module.__dict__.update(check=fake, Result=FakeResult)
    monkeypatch.setitem(sys.modules, "torchlint.check", module)
    return fake


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "good.py").write_text("x = 1\n")
    (tmp_path / "bad.py").write_text("x = 1\nBUG\n")
    (tmp_path / "pyproject.toml").write_text("[tool.torchlint]\n")
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TORCHLINT_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(*args: str, **options: Any) -> Result:
    return CliRunner().invoke(main, list(args), prog_name="torchlint", **options)


@pytest.mark.usefixtures("analysis")
class TestCheck:
    @pytest.mark.parametrize(
        ("args", "code"),
        [
            (["good.py"], 0),
            (["bad.py"], 1),
            ([], 1),
            (["."], 1),
            (["check", "."], 1),
            (["good.py", "bad.py"], 1),
            (["nope.py"], 2),
            (["nope.py", "bad.py"], 2),
            (["--exit-zero", "bad.py"], 0),
            (["--exit-zero", "nope.py", "bad.py"], 2),
            (["--fail-on", "never", "bad.py"], 0),
            (["--fail-on", "error", "bad.py"], 1),
            (["--no-such-option"], 2),
            (["--isolated", "bad.py"], 1),
            (["--isolated", "--config", "pyproject.toml", "bad.py"], 2),
            (["--config", "nope.toml", "bad.py"], 2),
            (["--select", "TL999", "bad.py"], 2),
            (["--select", ",", "bad.py"], 2),
            (["--output-format", "xml", "bad.py"], 2),
            (["--output-file", "no/such/folder/x", "bad.py"], 2),
            (["-", "bad.py"], 2),
            (["--", "bad.py"], 1),
        ],
    )
    def test_exit_codes(self, project: Path, args: list[str], code: int) -> None:
        outcome = run(*args)
        assert outcome.exit_code == code, outcome.output
        assert "Traceback" not in outcome.output
        assert outcome.exception is None or isinstance(outcome.exception, SystemExit)

    @pytest.mark.parametrize(
        ("severity", "fail_on", "code"),
        [
            (Severity.INFO, "warning", 0),
            (Severity.INFO, "info", 1),
            (Severity.WARNING, "warning", 1),
            (Severity.WARNING, "error", 0),
            (Severity.ERROR, "error", 1),
            (Severity.ERROR, "never", 0),
        ],
    )
    def test_fail_on(self, project: Path, analysis: FakeCheck, severity: Severity, fail_on: str, code: int) -> None:
        analysis.severity = severity
        outcome = run("--fail-on", fail_on, "bad.py")
        assert outcome.exit_code == code
        assert "That is wrong." in outcome.stdout

    def test_info_is_shown_and_does_not_fail(self, project: Path, analysis: FakeCheck) -> None:
        analysis.severity = Severity.INFO
        outcome = run("bad.py")
        assert outcome.exit_code == 0
        assert "bad.py:2:1: info[TL101]" in outcome.stdout

    def test_the_full_report(self, project: Path) -> None:
        outcome = run(".")
        assert outcome.stdout.splitlines()[0] == "bad.py:2:1: error[TL101] softmax-before-cross-entropy"
        assert "    2 | BUG\n      | ^^^\n" in outcome.stdout
        assert outcome.stdout.endswith("Found 1 error in 2 files.\n")
        assert run("good.py").stdout == "All clear: 1 file checked.\n"

    def test_the_concise_report(self, project: Path) -> None:
        assert run("--output-format", "concise", ".").stdout == "bad.py:2:1: TL101 That is wrong.\n"

    def test_the_json_report(self, project: Path) -> None:
        document = json.loads(run("--output-format", "json", ".").stdout)
        assert document["version"] == 1
        assert document["torchlint"] == __version__
        assert [finding["location"]["path"] for finding in document["findings"]] == ["bad.py"]

    def test_several_reports_at_once(self, project: Path) -> None:
        outcome = run("--output-format", "concise", "--output-format", "json=report.json", ".")
        assert outcome.stdout == "bad.py:2:1: TL101 That is wrong.\n"
        assert len(json.loads((project / "report.json").read_bytes())["findings"]) == 1
        assert run("--output-format", "json", "--output-format", "full", ".").exit_code == 2

    def test_a_report_in_a_file(self, project: Path) -> None:
        outcome = run("-o", "report.txt", "--output-format", "full", ".", env={"FORCE_COLOR": "1"})
        assert (outcome.exit_code, outcome.stdout) == (1, "")
        assert (project / "report.txt").read_text().startswith("bad.py:2:1: error[TL101]")

    def test_statistics(self, project: Path) -> None:
        assert run("--statistics", ".").stdout.endswith("1  TL101  softmax-before-cross-entropy\n")
        outcome = run("--statistics", "--output-format", "json", ".")
        json.loads(outcome.stdout)
        assert outcome.stderr == "1  TL101  softmax-before-cross-entropy\n"

    def test_quiet(self, project: Path) -> None:
        assert run("-q", "good.py").stdout == ""
        assert "Found" not in run("-q", "bad.py").stdout
        assert "BUG" in run("-q", "bad.py").stdout

    def test_missing_paths_are_told_and_the_rest_is_checked(self, project: Path) -> None:
        outcome = run("nope.py", "bad.py")
        assert outcome.stderr == "torchlint: error: nope.py: no such file or folder\n"
        assert "bad.py:2:1" in outcome.stdout
        assert run("nope.py").stdout == ""

    def test_a_misspelt_command(self, project: Path) -> None:
        assert "explian: no such file or folder; did you mean `explain`?" in run("explian").stderr

    def test_nothing_to_check(self, project: Path) -> None:
        (project / "empty").mkdir()
        outcome = run("empty")
        assert outcome.exit_code == 0
        assert outcome.stderr == "torchlint: warning: there is no Python file or notebook to check in empty\n"
        assert run("-q", "empty").output == ""

    def test_a_file_that_cannot_be_parsed(self, project: Path) -> None:
        (project / "broken.py").write_text("x = 1\nyy= BROKEN\n")
        outcome = run("--output-format", "json", ".")
        document = json.loads(outcome.stdout)
        assert outcome.exit_code == 1
        assert [finding["code"] for finding in document["findings"]] == ["TL101", "TL902"]
        assert document["findings"][1]["location"] == {"path": "broken.py", "cell": None, "line": 2, "column": 5, "end_line": 2, "end_column": 6}
        assert document["errors"] == [{"path": "broken.py", "message": "2:5: invalid syntax"}]
        assert "    2 | yy= BROKEN" in run("broken.py").stdout

    def test_nothing_could_be_read(self, project: Path) -> None:
        (project / "broken.py").write_text("BROKEN\n")
        outcome = run("broken.py")
        assert outcome.exit_code == 2
        assert "error[TL902] unreadable-file" in outcome.stdout
        assert run("broken.py", "good.py").exit_code == 1
        assert run("--ignore", "TL902", "broken.py", "good.py").exit_code == 0

    def test_a_file_that_cannot_be_opened(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        real = open

        def locked(file: Any, *args: Any, **kwargs: Any) -> Any:
            if str(file).endswith("good.py"):
                raise PermissionError(13, "Permission denied")
            return real(file, *args, **kwargs)

        monkeypatch.setattr("builtins.open", locked)
        outcome = run("good.py", "bad.py")
        assert outcome.exit_code == 1
        assert "not checked: cannot be read: Permission denied" in outcome.stdout

    def test_a_giant_is_not_read(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(session, "LARGEST_FILE", 3)
        assert "more than the 0 MB that are read" in run("good.py").stdout

    def test_a_finding_needs_to_touch_what_was_named(self, project: Path, analysis: FakeCheck) -> None:
        analysis.elsewhere = [made("good.py", 1), made("good.py", 1, Severity.WARNING, "bad.py")]
        document = json.loads(run("--output-format", "json", "bad.py").stdout)
        assert sorted((f["location"]["path"], f["severity"]) for f in document["findings"]) == [("bad.py", "error"), ("good.py", "warning")]

    def test_per_file_ignores(self, project: Path) -> None:
        (project / "pyproject.toml").write_text('[tool.torchlint]\nper-file-ignores = { "bad.py" = ["TL1"] }\n')
        assert run(".").exit_code == 0

    def test_options_reach_the_analysis(self, project: Path, analysis: FakeCheck) -> None:
        (project / "pyproject.toml").write_text('[tool.torchlint]\nignore = ["TL104"]\nfail-on = "error"\n')
        run("--extend-select", "TL3,tl401", "--extend-select", "TL6", "--ignore", "TL601", "--show-possible", ".")
        (targets, roots, settings) = analysis.calls[0]
        assert targets == [str(project / "bad.py"), str(project / "good.py")]
        assert roots == [str(project)]
        assert settings.extend_select == ("TL3", "TL401", "TL6")
        assert settings.ignore == ("TL104", "TL601")
        assert settings.show_possible is True
        assert settings.fail_on == "error"
        assert settings.file == "pyproject.toml"

    def test_exclude_options(self, project: Path) -> None:
        assert run("--exclude", "bad.py", ".").exit_code == 0
        assert run("--extend-exclude", "x,bad.py", ".").exit_code == 0
        assert run("--extend-exclude", "bad.py", "bad.py").exit_code == 1
        assert run("--extend-exclude", "bad.py", "--force-exclude", "bad.py").exit_code == 0

    def test_gitignore(self, project: Path) -> None:
        (project / ".git").mkdir()
        (project / ".gitignore").write_text("bad.py\n")
        assert run(".").exit_code == 0
        assert run("--no-respect-gitignore", ".").exit_code == 1

    def test_standard_input(self, project: Path, analysis: FakeCheck) -> None:
        outcome = run("-", input="x\nBUG\n")
        assert outcome.exit_code == 1, outcome.output
        assert outcome.stdout.startswith("<stdin>:2:1: error[TL101]")
        assert "    2 | BUG\n" in outcome.stdout
        (project / "pkg").mkdir()
        assert run("--stdin-filename", "pkg/new.py", "-", input="BUG\n").stdout.startswith("pkg/new.py:1:1:")
        assert analysis.calls[-1][:2] == ([str(project / "pkg" / "new.py")], [str(project / "pkg"), str(project)])
        assert run("-", input="").exit_code == 0

    def test_folders_that_are_called_like_commands(self, project: Path, analysis: FakeCheck) -> None:
        for name in ("rules", "check"):
            (project / name).mkdir()
            (project / name / "x.py").write_text("BUG\n")
            assert run(f"./{name}").stdout.startswith(f"{name}/x.py:1:1")
        assert run("rules").stdout.startswith("TL101")
        assert run("check", "check").stdout.startswith("check/x.py:1:1")

    @pytest.mark.parametrize(
        ("args", "env", "coloured"),
        [
            ([], {}, False),
            (["--color", "always"], {}, True),
            (["--color", "always"], {"NO_COLOR": "1"}, True),
            (["--color", "never"], {"FORCE_COLOR": "1"}, False),
            ([], {"FORCE_COLOR": "1"}, True),
            ([], {"FORCE_COLOR": "0"}, False),
            ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ],
    )
    def test_colour(self, project: Path, args: list[str], env: dict[str, str], coloured: bool) -> None:
        assert ("\x1b[" in run(*args, "bad.py", env=env, color=True).stdout) is coloured

    def test_colour_on_a_terminal(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(terminal, "is_terminal", lambda stream: True)
        assert "\x1b[" in run("bad.py", color=True, env={"TERM": "xterm"}).stdout
        assert "\x1b[" not in run("bad.py", color=True, env={"TERM": "dumb"}).stdout
        assert "\x1b[" not in run("bad.py", color=True, env={"TERM": "xterm", "NO_COLOR": "1"}).stdout

    def test_an_interrupt(self, project: Path, analysis: FakeCheck) -> None:
        analysis.then = interrupt
        outcome = run(".")
        assert outcome.exit_code == 130
        assert "Traceback" not in outcome.output

    def test_a_mistake_of_ours(self, project: Path, analysis: FakeCheck) -> None:
        analysis.then = lambda: 1 // 0
        outcome = run(".")
        assert outcome.exit_code == 2
        assert "internal error: ZeroDivisionError" in outcome.stderr
        assert "Please report it" in outcome.stderr
        assert "Traceback" not in outcome.output
        assert "Traceback" in run(".", env={"TORCHLINT_DEBUG": "1"}).stderr

    def test_a_terminal_that_knows_only_ascii(self, project: Path) -> None:
        (project / "bad.py").write_text("x = 'é'  # BUG\n", encoding="utf-8")
        outcome = CliRunner(charset="ascii").invoke(main, ["bad.py"])
        assert outcome.exit_code == 1
        assert "x = '?'" in outcome.stdout


def interrupt() -> None:
    raise KeyboardInterrupt


class TestOtherCommands:
    def test_rules(self) -> None:
        lines = run("rules").stdout.splitlines()
        assert [line.split()[0] for line in lines] == [rule.code for rule in ALL]
        rows = json.loads(run("rules", "--output-format", "json").stdout)
        assert [row["name"] for row in rows] == [rule.name for rule in ALL]
        assert set(rows[0]) == {"code", "name", "severity", "default", "summary", "url"}

    @pytest.mark.parametrize("word", ["TL101", "tl101", "softmax-before-cross-entropy", "Softmax-Before-Cross-Entropy"])
    def test_explain(self, word: str) -> None:
        outcome = run("explain", word)
        assert outcome.exit_code == 0
        assert outcome.stdout.startswith("# TL101")

    def test_explain_is_rendered_on_a_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(terminal, "is_terminal", lambda stream: True)
        outcome = run("explain", "TL101", color=True, env={"TERM": "xterm", "NO_COLOR": "", "FORCE_COLOR": ""})
        assert "# TL101" not in outcome.stdout
        assert "TL101" in outcome.stdout
        assert "\x1b[" in outcome.stdout

    def test_explain_what_is_not_there(self) -> None:
        outcome = run("explain", "softmax-before-crossentropy")
        assert outcome.exit_code == 2
        assert "did you mean `softmax-before-cross-entropy`?" in outcome.stderr

    def test_pages_come_from_the_package_or_from_the_checkout(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        package = tmp_path / "torchlint"
        (package / "_rules").mkdir(parents=True)
        (tmp_path / "rules").mkdir()
        (tmp_path / "rules" / "TL101.md").write_text("beside", encoding="utf-8")
        monkeypatch.setattr("torchlint.pages.resources.files", lambda name: package)
        monkeypatch.setattr(pages, "__file__", str(package / "pages.py"))
        assert pages.page("TL101") == "beside"
        (package / "_rules" / "TL101.md").write_text("inside", encoding="utf-8")
        assert pages.page("TL101") == "inside"
        assert pages.page("TL999") is None
        assert pages.explanation(ALL[1]).startswith(f"# {ALL[1].code} {ALL[1].name}\n")

    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_completion_script(self, shell: str) -> None:
        outcome = run("completion", shell)
        assert outcome.exit_code == 0
        assert "_TORCHLINT_COMPLETE" in outcome.stdout

    @pytest.mark.parametrize(
        ("words", "expected", "kind"),
        [
            ("torchlint ", "explain", "plain"),
            ("torchlint exp", "explain", "plain"),
            ("torchlint sr", "sr", "file"),
            ("torchlint --sel", "--select", "plain"),
            ("torchlint --ver", "--version", "plain"),
            ("torchlint --select TL60", "TL601", "plain"),
            ("torchlint --select TL101,nll", "TL101,nll-loss-without-log-softmax", "plain"),
            ("torchlint explain TL60", "TL601", "plain"),
            ("torchlint check --fail-on w", "warning", "plain"),
            ("torchlint src sr", "sr", "file"),
        ],
    )
    def test_completion(self, words: str, expected: str, kind: str) -> None:
        parts = words.split(" ")
        env = {"_TORCHLINT_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(parts) - 1)}
        outcome = run(env=env)
        assert f"{kind},{expected}" in outcome.stdout.splitlines()

    def test_help(self) -> None:
        text = run("--help").stdout
        assert text == run("-h").stdout
        for part in ("Examples:", "Exit codes:", "--select", "explain", "torchlint ./rules", "completion bash", "NO_COLOR"):
            assert part in text
        for name, command in main.commands.items():
            assert run(name, "-h").exit_code == 0
            assert command.get_short_help_str()

    def test_every_option_of_a_check_stands_in_the_help(self) -> None:
        text = run("--help").stdout
        options = [option for param in main.commands["check"].params if isinstance(param, click.Option) for option in param.opts]
        assert [option for option in options if option not in text] == []


def shell(*args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PYTHON, *args], capture_output=True, text=True, timeout=120, check=False, env=ENVIRONMENT, **options)


class TestProcess:
    def test_version(self) -> None:
        done = shell("--version")
        assert (done.returncode, done.stdout) == (0, f"torchlint {__version__}\n")

    def test_usage_errors(self, tmp_path: Path) -> None:
        done = shell("--fail-on", "x")
        assert done.returncode == 2
        assert "Usage: torchlint check" in done.stderr
        assert shell("nope.py", cwd=tmp_path).returncode == 2

    def test_a_reader_that_goes_away(self) -> None:
        command = f"{sys.executable} -m torchlint rules | true; exit ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120, check=False, env=ENVIRONMENT)
        assert (done.returncode, done.stderr) == (0, "")

    def test_ctrl_c(self, tmp_path: Path) -> None:
        """The signal comes while the analysis is at work."""
        code = """
import os, signal, sys, types
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that runs the tests in the background has it ignored
module = types.ModuleType("torchlint.check")
module.check = lambda *args: os.kill(os.getpid(), signal.SIGINT)
sys.modules["torchlint.check"] = module
from torchlint.cli import main
main(["."], prog_name="torchlint")
"""
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False, env=ENVIRONMENT)
        assert done.returncode == 130
        assert "Traceback" not in done.stderr


def imported_by(*args: str, before: str = "") -> set[str]:
    """The top-level packages that a run of the command imports."""
    code = f"""
import json, sys
{before}
from torchlint.cli import main
try:
    main({list(args)!r}, prog_name="torchlint")
except SystemExit:
    pass
print("\\n" + json.dumps(sorted({{name.split(".")[0] for name in sys.modules}})))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True, env=ENVIRONMENT)
    return set(json.loads(done.stdout.splitlines()[-1]))


class TestImports:
    @pytest.mark.parametrize("args", [["--version"], ["--help"], ["rules"], ["explain", "TL101"]])
    def test_simple_questions_do_not_import_the_parser(self, args: list[str]) -> None:
        assert imported_by(*args).isdisjoint({"libcst", "rich", "pathspec", "torch"})

    def test_a_check_does_not_import_torch(self, tmp_path: Path) -> None:
        file = tmp_path / "train.py"
        file.write_text("import torch\nfrom torch import nn\nloss = nn.CrossEntropyLoss()(nn.Softmax(1)(nn.Linear(2, 3)(x)), y)\n")
        found = imported_by(str(file))
        assert "libcst" in found
        assert found.isdisjoint({"torch", "numpy"})

    def test_the_import_check_can_fail(self) -> None:
        made_up = "import sys, types; sys.modules['torch'] = types.ModuleType('torch')"
        assert "torch" in imported_by("--version", before=made_up)


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two files with one mistake across them."""
    (tmp_path / "net.py").write_text(
        "import torch.nn as nn\nimport torch.nn.functional as F\n\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.fc = nn.Linear(4, 3)\n\n    def forward(self, x):\n        return F.softmax(self.fc(x), dim=1)\n"
    )
    (tmp_path / "train.py").write_text(
        "import torch.nn as nn\nfrom net import Net\n\nmodel = Net()\ncriterion = nn.CrossEntropyLoss()\n\n\ndef step(x, y):\n"
        "    return criterion(model(x), y)\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestWhole:
    """The command with the real analysis."""

    def test_a_mistake_across_two_files(self, real: Path) -> None:
        done = shell("--output-format", "json", ".", cwd=real)
        assert done.returncode == 1, done.stderr
        (finding,) = json.loads(done.stdout)["findings"]
        assert (finding["code"], finding["location"]["path"], finding["location"]["line"]) == ("TL101", "train.py", 9)
        assert {step["location"]["path"] for step in finding["trace"]} >= {"net.py"}

    def test_only_the_changed_file_is_given(self, real: Path) -> None:
        (real / "pyproject.toml").write_text("")
        (real / "scripts").mkdir()
        (real / "train.py").rename(real / "scripts" / "train.py")
        assert shell("scripts/train.py", cwd=real).returncode == 1
        assert shell("net.py", cwd=real).returncode == 0

    def test_rules_can_be_switched_off(self, real: Path) -> None:
        assert shell("--ignore", "TL1", ".", cwd=real).returncode == 0
        assert shell("--select", "TL3", ".", cwd=real).returncode == 0

    def test_files_that_are_no_programs(self, real: Path) -> None:
        (real / "empty.py").write_bytes(b"")
        (real / "binary.py").write_bytes(b"import torch; torch.softmax" + bytes(range(256)))
        (real / "python2.py").write_text("import torch\nprint torch.softmax(x, 1)\n")
        (real / "nb.ipynb").write_text('{"cells": ["import torch", "torch.softmax(')
        done = shell("--output-format", "json", ".", cwd=real)
        assert done.returncode == 1, done.stderr
        document = json.loads(done.stdout)
        assert {error["path"] for error in document["errors"]} == {"binary.py", "python2.py", "nb.ipynb"}
        assert [f["location"]["path"] for f in document["findings"] if f["code"] == "TL902"] == ["binary.py", "nb.ipynb", "python2.py"]


class TestProgress:
    def test_no_bar_on_short_runs(self, capfd: pytest.CaptureFixture[str]) -> None:
        with progress.bar(True, delay=60) as update:
            assert update is not None
            update(1, 2, "a.py")
        assert capfd.readouterr() == ("", "")

    def test_a_bar_on_long_runs(self) -> None:
        code = "from torchlint.progress import bar\nwith bar(True, delay=0) as update:\n    for i in range(3): update(i, 3, f'm/[bold]{i}.py')\n"
        env = {**ENVIRONMENT, "FORCE_COLOR": "1", "COLUMNS": "80", "TERM": "xterm"}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=60, check=True)
        assert done.stdout == ""
        assert "3/3" in done.stderr or "2/3" in done.stderr

    def test_none_at_all(self) -> None:
        with progress.bar(False) as update:
            assert update is None
