"""What does a finding look like on one line, for editors and grep?

For example:

    train.py:12:17: TL101 CrossEntropyLoss gets probabilities ...
    nb.ipynb:cell 4:12:3: TL104 log of softmax ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchlint.reporters.text import Paint, harmless, place

if TYPE_CHECKING:
    from torchlint.collecting import Result


def render(result: Result, *, paint: Paint | None = None) -> str:
    """One line a finding, nothing else."""
    paint = paint or Paint()
    return "".join(
        f"{paint(place(finding.location), 'bold')}: {paint(finding.code, 'bold', 'red')} {harmless(' '.join(finding.message.split()))}\n"
        for finding in result.findings
    )
