"""Draw docs/finding.svg: what `torchlint examples/blobs/train.py` shows on a terminal.

    python docs/make_picture.py

The picture is made from the real coloured output, so run this again when messages change (a test says when). It loads no fonts from elsewhere.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import CONSOLE_SVG_FORMAT, Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "finding.svg"
COLUMNS = 100
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
PATHS = ("examples/blobs/train.py",)


def torchlint(*arguments: str) -> str:
    """What torchlint prints for these arguments, run in the root of the repository on a terminal of COLUMNS columns."""
    command = [sys.executable, "-m", "torchlint", *arguments]
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "PYTHONIOENCODING": "utf-8"}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)
    if run.returncode not in (0, 1):
        raise SystemExit(run.stderr)
    return run.stdout


def shown(color: str) -> str:
    """The text of the picture: the command and its output."""
    return f"$ torchlint {' '.join(PATHS)}\n{torchlint('--color', color, *PATHS)}"


def picture() -> str:
    """The SVG."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), color_system="truecolor", force_terminal=True)
    console.print(Text.from_ansi(shown("always").rstrip("\n")), soft_wrap=True)
    form = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    form = form.replace("Fira Code, monospace", FONTS)
    return console.export_svg(title="torchlint", code_format=form, unique_id="torchlint")


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
    print(f"wrote {PICTURE.relative_to(ROOT)}")
