"""What does `torchlint run` do with its options, and how does it end?

    torchlint run --every 1 --fail train.py --epochs 3

The program has standard output to itself: reports go to standard error unless they are given a file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from torchlint import config
from torchlint.config import Output, Settings
from torchlint.errors import UsageError
from torchlint.launch import Ran, command_of, launch
from torchlint.model import Severity
from torchlint.orders import Order
from torchlint.reporters import concise, full, json_, sarif
from torchlint.reporters.text import Paint
from torchlint.session import RANK, DiskFiles, Sources
from torchlint.terminal import WIDTH_WITHOUT_TERMINAL, use_color, width


def run(module: str | None, words: Sequence[str], options: dict[str, Any]) -> int:
    """Run a script or a module; the exit code to end with."""
    _refuse(module, words)
    settings = _settings(options)
    ran = launch(command_of(module, words), _order(settings, options))
    _report(ran, settings, options)
    failed = options["fail"] and _counts(ran, settings)
    return 1 if failed and ran.code == 0 else ran.code


def _refuse(module: str | None, words: Sequence[str]) -> None:
    if module is None and not words:
        raise UsageError("name the script to run, or a module: torchlint run train.py, torchlint run -m package.train")
    if module is None and words[0] != "-" and not os.path.exists(words[0]):
        raise UsageError(f"{words[0]}: no such file")
    if find_spec("torch") is None:
        raise UsageError("torch is not installed beside torchlint, and a program without it has nothing to look at: pip install torchlint[runtime]")


def _settings(options: dict[str, Any]) -> Settings:
    if options["isolated"] and options["config_file"]:
        raise UsageError("--isolated and --config exclude each other")
    settings = config.override(
        config.load(".", options["config_file"], options["isolated"]),
        select=options["select"],
        extend_select=options["extend_select"] or (),
        ignore=options["ignore"] or (),
        fail_on=options["fail_on"],
        outputs=config.parse_outputs(options["formats"], "--output-format") if options["formats"] else (Output(),),
    )
    if options["output_file"]:
        if sum(output.file is None for output in settings.outputs) != 1:
            raise UsageError("--output-file needs exactly one --output-format without a file of its own")
        settings = replace(settings, outputs=tuple(replace(each, file=each.file or options["output_file"]) for each in settings.outputs))
    return settings


def _order(settings: Settings, options: dict[str, Any]) -> Order:
    return Order(
        folder="",
        start=os.getcwd(),
        every=options["every"],
        warmup=options["warmup"],
        live=not options["quiet"],
        action="raise" if options["raises"] else "collect",
        select=settings.select,
        extend_select=settings.extend_select,
        ignore=settings.ignore,
        calls=tuple(dict(each) for each in settings.calls),
        modules=tuple(dict(each) for each in settings.modules),
        per_file_ignores=settings.per_file_ignores,
        base=settings.base,
    )


def _counts(ran: Ran, settings: Settings) -> bool:
    """Whether there are findings that count as a failure."""
    if settings.fail_on == "never":
        return False
    return any(RANK[finding.severity] >= RANK[Severity(settings.fail_on)] for finding in ran.result.findings)


def _report(ran: Ran, settings: Settings, options: dict[str, Any]) -> None:
    for output in settings.outputs:
        content = _rendered(ran, output, options)
        data = content.encode("utf-8", "replace") if isinstance(content, str) else content
        if output.file is None:
            sys.stderr.flush()
            sys.stderr.buffer.write(data)
            sys.stderr.buffer.flush()
            continue
        try:
            with open(output.file, "wb") as stream:
                stream.write(data)
        except OSError as error:
            raise UsageError(f"{output.file}: the report cannot be written: {error.strerror or error}") from None


def _rendered(ran: Ran, output: Output, options: dict[str, Any]) -> str | bytes:
    result = ran.result
    if output.format == "json":
        return json_.render(result)
    if output.format == "sarif":
        return sarif.render(result)
    to_file = output.file is not None
    paint = Paint(options["color"] == "always" if to_file else use_color(options["color"], sys.stderr))
    if output.format == "concise":
        return concise.render(result, paint=paint)
    columns = WIDTH_WITHOUT_TERMINAL if to_file else width()
    text = full.render(result, Sources(DiskFiles()), paint=paint, width=columns, summary=False)
    if options["quiet"] and not result.findings:
        return text
    return (f"\n{text}\n" if text else "") + "".join(f"torchlint: {line}\n" for line in _summary(ran))


def _summary(ran: Ran) -> list[str]:
    if not ran.processes:
        return ["the program did not import torch: there was nothing to look at"]
    count = len(ran.result.findings)
    steps = f"{ran.looked_at} of {ran.steps} optimizer steps" if ran.steps else "a program without optimizer steps"
    processes = f" in {ran.processes} processes" if ran.processes > 1 else ""
    found = "nothing found" if not count else "1 finding" if count == 1 else f"{count} findings"
    return [f"{found}; looked at {steps}{processes}", *ran.notes]
