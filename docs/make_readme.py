"""Fill in the parts of README.md that the program itself can tell: real output, the rules, the JSON form.

    python docs/make_readme.py

The parts stand between `<!-- NAME: made by docs/make_readme.py -->` and `<!-- end -->`. A test says when they are out of date.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from make_picture import ROOT, torchlint

from torchlint.rules.registry import ALL

README = ROOT / "README.md"
PART = re.compile(r"(<!-- (\w+): made by docs/make_readme\.py -->\n).*?(<!-- end -->)", re.DOTALL)
NOTEBOOK = "examples/blobs/tags.ipynb"
EXAMPLE = "examples/blobs/train.py"


def notebook() -> str:
    """What torchlint says of the example notebook."""
    return f"```console\n$ torchlint {NOTEBOOK}\n{torchlint('--color', 'never', NOTEBOOK)}```\n"


def runtime() -> str:
    """What `torchlint run` says of the example."""
    command = [sys.executable, "-m", "torchlint", "run", "--isolated", "--color", "never", EXAMPLE]
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8", check=True)
    return f"```console\n$ torchlint run {EXAMPLE} > log.txt\n{ran.stderr}```\n"


def rules() -> str:
    """All rules, each with its page."""
    rows = ["| rule | name | severity | says |", "|---|---|---|---|"]
    for rule in ALL:
        name = rule.name if rule.default else f"{rule.name} (opt-in)"
        rows.append(f"| [{rule.code}](rules/{rule.code}.md) | {name} | {rule.severity} | {rule.summary} |")
    return "\n".join(rows) + "\n"


def as_json() -> str:
    """The JSON of one finding, places on one line each, with the first step of the trace only."""
    report = json.loads(torchlint("--output-format", "json", EXAMPLE))
    (finding,) = report["findings"]
    finding["trace"] = finding["trace"][:1]
    places: list[str] = []

    def folded(value: Any) -> Any:
        if isinstance(value, list):
            return [folded(each) for each in value]
        if not isinstance(value, dict):
            return value
        if "end_column" in value:
            places.append(json.dumps(value))
            return f"@{len(places) - 1}@"
        return {key: folded(each) for key, each in value.items()}

    text = json.dumps(folded(report), indent=1, ensure_ascii=False)
    text = re.sub('"@([0-9]+)@"', lambda match: places[int(match[1])], text)
    return f"```json\n{text}\n```\n"


PARTS: dict[str, Callable[[], str]] = {"notebook": notebook, "runtime": runtime, "rules": rules, "json": as_json}


def filled(text: str) -> str:
    """The README with every part made anew."""
    return PART.sub(lambda match: match[1] + PARTS[match[2]]() + match[3], text)


def main(readme: Path = README) -> None:
    """Write it."""
    readme.write_text(filled(readme.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
