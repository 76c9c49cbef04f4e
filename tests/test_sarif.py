"""Is the SARIF report what the standard asks for, and does it say what the findings say?

The schema in tests/data is the one that OASIS publishes (errata 01), unchanged. What it cannot check is checked here: that a region cuts the
marked text out of the file, that a URI leads back to the file's name, that a result points to its rule.
"""

from __future__ import annotations

import json
import os
import re
from copy import deepcopy
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import jsonschema  # type: ignore[import-untyped]
import pytest
from click.testing import CliRunner

from torchlint import __version__
from torchlint.cli import main
from torchlint.errors import UnreadableFile
from torchlint.model import Evidence, Finding, Location, Severity, TraceStep
from torchlint.reporters import sarif
from torchlint.rules.registry import ALL, by_code

SCHEMA = Path(__file__).parent / "data" / "sarif-schema-2.1.0.json"
URI = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-F]{2})+")  # RFC 3986, without query and fragment
TRACE = (
    TraceStep("softmax makes probabilities", Location("net.py", None, 5, 16, 5, 44)),
    TraceStep("returned by `Net.forward`", Location("net.py", None, 5, 9, 5, 44)),
)


def finding(code: str = "TL101", at: Location | None = None, **changes: Any) -> Finding:
    rule = by_code(code)
    assert rule is not None
    told: dict[str, Any] = {
        "severity": rule.severity,
        "evidence": Evidence.PROVEN,
        "message": f"{rule.name} is wrong.",
        "help": "do it right",
        "location": at or Location("train.py", None, 5, 9, 6, 29),
        **changes,
    }
    return Finding(code=code, rule=rule.name, url=rule.url, **told)


@cache
def validator() -> Any:
    schema = json.loads(SCHEMA.read_bytes())
    jsonschema.Draft4Validator.check_schema(schema)
    return jsonschema.Draft4Validator(schema)


def problems(document: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator().iter_errors(document)]


def read(data: bytes | str) -> Any:
    """The only run of a report, which must be valid."""
    document = json.loads(data)
    assert problems(document) == []
    assert document["$schema"] == validator().schema["id"]
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    for uri in uris(document):
        assert URI.fullmatch(uri), uri
    return run


def uris(document: Any) -> list[str]:
    """Every `uri` in a document, however deep."""
    if isinstance(document, list):
        return [uri for each in document for uri in uris(each)]
    if isinstance(document, dict):
        return [value for key, value in document.items() if key == "uri"] + [uri for value in document.values() for uri in uris(value)]
    return []


def rendered(*findings: Finding, errors: tuple[UnreadableFile, ...] = (), missing: tuple[tuple[str, str], ...] = (), successful: bool = True) -> Any:
    result: Any = SimpleNamespace(findings=list(findings), errors=list(errors), files=2)
    return read(sarif.render(result, missing, successful=successful))


def only(*findings: Finding) -> Any:
    (result,) = rendered(*findings)["results"]
    return result


def artifact(result: Any) -> Any:
    return result["locations"][0]["physicalLocation"]["artifactLocation"]


# --- results


def test_nothing_found() -> None:
    run = rendered()
    assert run["results"] == []  # a run without results would say that nothing was checked
    assert run["tool"]["driver"] == {"name": "torchlint", "semanticVersion": __version__, "rules": []}
    assert run["invocations"] == [{"executionSuccessful": True, "toolExecutionNotifications": []}]


def test_a_finding() -> None:
    region = {"startLine": 5, "startColumn": 9, "endLine": 6, "endColumn": 29}
    place = {"physicalLocation": {"artifactLocation": {"uri": "train.py", "uriBaseId": "%SRCROOT%"}, "region": region}}
    assert only(finding()) == {
        "ruleId": "TL101",
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": "softmax-before-cross-entropy is wrong.\nhelp: do it right"},
        "locations": [place],
        "properties": {"evidence": "proven"},
    }
    assert only(finding(help=""))["message"] == {"text": "softmax-before-cross-entropy is wrong."}
    assert rendered(finding())["columnKind"] == "unicodeCodePoints"


@pytest.mark.parametrize(("severity", "level"), [(Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "note")])
def test_levels(severity: Severity, level: str) -> None:
    run = rendered(finding(severity=severity))
    assert run["results"][0]["level"] == level
    assert run["tool"]["driver"]["rules"][0]["defaultConfiguration"] == {"level": "error"}  # of the rule, whatever the finding


def test_each_rule_that_appears_is_told_once() -> None:
    run = rendered(finding("TL303"), finding("TL101"), finding("TL303"), finding("TL102"))
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["TL101", "TL102", "TL303"]
    assert [result["ruleIndex"] for result in run["results"]] == [2, 0, 2, 1]
    rule = by_code("TL102")
    assert rule is not None
    assert rules[1] == {
        "id": "TL102",
        "name": rule.name,
        "helpUri": rule.url,
        "shortDescription": {"text": rule.summary},
        "defaultConfiguration": {"level": "note"},
    }


def test_all_rules_can_be_told() -> None:
    assert len(rendered(*(finding(rule.code) for rule in ALL))["tool"]["driver"]["rules"]) == len(ALL)


def stations(result: Any) -> list[tuple[str, int, str]]:
    (flow,) = result["codeFlows"]
    (thread,) = flow["threadFlows"]
    told = [station["location"] for station in thread["locations"]]
    places = [each["physicalLocation"] for each in told]
    texts = [each["message"]["text"] for each in told]
    return [(place["artifactLocation"]["uri"], place["region"]["startLine"], text) for place, text in zip(places, texts, strict=True)]


def test_the_trace_ends_where_the_finding_is() -> None:
    way = [("net.py", 5, "softmax makes probabilities"), ("net.py", 5, "returned by `Net.forward`")]
    assert stations(only(finding(trace=TRACE))) == [*way, ("train.py", 5, "softmax-before-cross-entropy is wrong.")]
    arrived = finding(at=TRACE[-1].location, trace=TRACE)
    assert stations(only(arrived)) == way
    assert "codeFlows" not in only(finding())


def test_what_sarif_has_no_words_for_is_among_the_properties() -> None:
    properties = only(finding(evidence=Evidence.POSSIBLE, cause=TRACE[0].location))["properties"]
    assert properties["evidence"] == "possible"
    assert properties["cause"]["physicalLocation"]["artifactLocation"]["uri"] == "net.py"
    assert properties["cause"]["physicalLocation"]["region"] == {"startLine": 5, "startColumn": 16, "endLine": 5, "endColumn": 44}


def test_a_place_in_a_notebook_names_its_cell() -> None:
    step = TraceStep("softmax makes probabilities", Location("nb.ipynb", 2, 1, 9, 1, 28))
    result = only(finding(at=Location("nb.ipynb", 4, 2, 8, 5, 2), trace=(step, *TRACE)))
    assert result["properties"]["cell"] == 4
    assert result["locations"][0]["logicalLocations"] == [{"name": "cell 4"}]
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 2
    steps = [station["location"].get("logicalLocations") for station in result["codeFlows"][0]["threadFlows"][0]["locations"]]
    assert steps == [[{"name": "cell 2"}], None, None, [{"name": "cell 4"}]]
    assert "cell" not in only(finding())["properties"]


def test_braces_are_no_placeholders() -> None:
    assert only(finding(message="unexpected `}` in {0}", help=""))["message"] == {"text": "unexpected `}}` in {{0}}"}


def test_a_message_that_is_no_text() -> None:
    assert only(finding(message="caf\udce9 \ud800 😀", help=""))["message"] == {"text": "caf\ufffd \ufffd 😀"}


# --- names of files

NAMES = ["my net.py", "größe/損失.py", "a:b.py", "100%.py", "a#b?c.py", "back\\slash.py", "sub/[x]&y.py", "<stdin>", "é\u0301😀.py"]


@pytest.mark.parametrize("name", NAMES)
def test_a_uri_leads_back_to_the_name(name: str) -> None:
    told = artifact(only(finding(at=Location(name, None, 1, 1, 1, 2))))
    assert told["uriBaseId"] == "%SRCROOT%"
    assert urlsplit(told["uri"]).scheme == ""
    assert urlsplit(told["uri"]).path == told["uri"]
    assert os.fsdecode(unquote_to_bytes(told["uri"])) == name


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX only")
def test_a_name_that_is_no_text() -> None:
    told = artifact(only(finding(at=Location(os.fsdecode(b"d\xc3\xa9/caf\xe9.py"), None, 1, 1, 1, 2))))
    assert told["uri"] == "d%C3%A9/caf%E9.py"


@pytest.mark.parametrize("name", ["\ud800.py", "/\ud800.py"])
def test_a_name_that_no_file_can_have_does_no_harm(name: str) -> None:
    assert artifact(only(finding(at=Location(name, None, 1, 1, 1, 2))))["uri"].endswith(".py")


def test_a_file_outside_of_the_working_directory(tmp_path: Path) -> None:
    outside = tmp_path / "größe" / "a b.py"
    told = artifact(only(finding(at=Location(outside.as_posix(), None, 1, 1, 1, 2))))
    assert told == {"uri": outside.as_uri()}
    assert told["uri"].startswith("file:///")


# --- what could not be read


def test_an_unreadable_file_is_a_notification() -> None:
    errors = (
        UnreadableFile("old one.py", "syntax error: unexpected `}`", 3, 7),
        UnreadableFile("nb.ipynb", "syntax error", 2, cell=4),
        UnreadableFile("gone.py", "cannot be read"),
    )
    (invocation,) = rendered(errors=errors)["invocations"]
    assert invocation["executionSuccessful"] is True
    told = invocation["toolExecutionNotifications"]
    assert {each["level"] for each in told} == {"error"}
    assert told[0]["message"] == {"text": "syntax error: unexpected `}}`"}
    places = [each["locations"][0]["physicalLocation"] for each in told]
    assert [place["artifactLocation"]["uri"] for place in places] == ["old%20one.py", "nb.ipynb", "gone.py"]
    assert [place.get("region") for place in places] == [{"startLine": 3, "startColumn": 7}, {"startLine": 2}, None]
    assert told[1]["locations"][0]["logicalLocations"] == [{"name": "cell 4"}]


def test_a_missing_path_is_a_notification() -> None:
    (invocation,) = rendered(missing=(("no\udce9.py", "no such file or folder"),), successful=False)["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"] == [{"level": "error", "message": {"text": "no\ufffd.py: no such file or folder"}}]


# --- the command

NET = """import torch.nn as nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)
    def forward(self, x):
        '😀'; return self.fc(x).softmax(dim=1)
"""
TRAIN = """import torch.nn as nn
from net import Net
model, criterion = Net(), nn.CrossEntropyLoss()
def step(x, y):
    '損失 😀'; return criterion(
        model(x), y)
"""
CELLS = ["%matplotlib inline\nimport torch.nn.functional as F\n", "def step(x, y):\n    return F.nll_loss(F.softmax(x, dim=1), y)\n"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.torchlint]\n")
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    (tmp_path / "my größe.py").write_text(TRAIN, encoding="utf-8")
    cells: list[dict[str, Any]] = [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": text} for text in CELLS]
    cells.insert(1, {"cell_type": "markdown", "metadata": {}, "source": "# text"})
    (tmp_path / "nb.ipynb").write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*args: str) -> tuple[int, Any]:
    done = CliRunner().invoke(main, ["--output-format", "sarif", *args], prog_name="torchlint")
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, read(done.stdout)


def marked(location: Any) -> str:
    """The text that a location cuts out of its file."""
    physical = location["physicalLocation"]
    name = unquote_to_bytes(physical["artifactLocation"]["uri"]).decode()
    cell = location.get("logicalLocations")
    text = CELLS[int(cell[0]["name"].removeprefix("cell ")) - 1] if cell else Path(name).read_text(encoding="utf-8")
    region = physical["region"]
    lines = text.split("\n")[region["startLine"] - 1 : region["endLine"]]
    lines[-1] = lines[-1][: region["endColumn"] - 1]
    lines[0] = lines[0][region["startColumn"] - 1 :]
    return "\n".join(lines)


def test_regions_cut_out_the_text_that_is_meant(project: Path) -> None:
    code, told = run(".")
    assert code == 1
    across, notebook = told["results"]
    assert (across["ruleId"], notebook["ruleId"]) == ("TL101", "TL103")
    assert marked(across["locations"][0]) == "criterion(\n        model(x), y)"
    assert marked(notebook["locations"][0]) == "F.nll_loss(F.softmax(x, dim=1), y)"
    assert notebook["properties"]["cell"] == 2
    steps = [station["location"] for station in across["codeFlows"][0]["threadFlows"][0]["locations"]]
    assert [marked(step) for step in steps] == [
        "nn.CrossEntropyLoss()",
        "self.fc(x).softmax(dim=1)",
        "return self.fc(x).softmax(dim=1)",
        "criterion(\n        model(x), y)",
    ]
    assert marked(across["properties"]["cause"]) == "self.fc(x).softmax(dim=1)"


def test_the_exit_code_decides_whether_the_run_was_successful(project: Path) -> None:
    (project / "broken.py").write_text("def f(:\n")
    code, told = run(".")
    (invocation,) = told["invocations"]
    assert (code, invocation["executionSuccessful"]) == (1, True)
    assert len(invocation["toolExecutionNotifications"]) == 1
    assert "TL902" in {result["ruleId"] for result in told["results"]}  # a viewer of results alone shall see it too
    code, told = run("broken.py")
    assert (code, told["invocations"][0]["executionSuccessful"]) == (2, False)
    code, told = run("net.py", "gone.py")
    assert (code, told["invocations"][0]["executionSuccessful"]) == (2, False)
    code, told = run("net.py")
    assert (code, told["invocations"][0]["executionSuccessful"], told["results"]) == (0, True, [])


def test_the_report_goes_to_a_file_beside_others(project: Path) -> None:
    done = CliRunner().invoke(main, ["--output-format", "concise", "--output-format", "sarif=report.sarif", "."], prog_name="torchlint")
    assert len(done.stdout.splitlines()) == 2
    assert len(read((project / "report.sarif").read_bytes())["results"]) == 2


def test_statistics_do_not_get_into_the_report(project: Path) -> None:
    done = CliRunner().invoke(main, ["--statistics", "--output-format", "sarif", "."], prog_name="torchlint")
    read(done.stdout)
    assert "TL101" in done.stderr


def test_the_settings_file_may_ask_for_it(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.torchlint]\noutput-format = "sarif"\n')
    done = CliRunner().invoke(main, ["."], prog_name="torchlint")
    assert len(read(done.stdout)["results"]) == 2


# --- the tests themselves


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), "2.0.0"),
        (("runs", 0, "tool", "driver", "name"), None),
        (("runs", 0, "columnKind"), "bytes"),
        (("runs", 0, "invocations", 0, "executionSuccessful"), "yes"),
        (("runs", 0, "results", 0, "level"), "info"),
        (("runs", 0, "results", 0, "cell"), 4),
        (("runs", 0, "results", 0, "locations", 0, "physicalLocation", "region", "startLine"), 0),
        (("runs", 0, "results", 0, "codeFlows", 0, "threadFlows", 0, "locations"), []),
    ],
)
def test_the_schema_check_can_fail(path: tuple[str | int, ...], value: object) -> None:
    result: Any = SimpleNamespace(findings=[finding(trace=TRACE)], errors=[], files=1)
    document = json.loads(sarif.render(result))
    assert problems(document) == []
    wrong = deepcopy(document)
    inner = wrong
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    assert problems(wrong)
