"""What is there to read about a rule?

Each rule has a Markdown page. In an installed package the pages lie in `torchlint/_rules/`, in a checkout in `rules/` beside the package:

    >>> page("TL101").splitlines()[0]
    '# TL101 softmax-before-cross-entropy'
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from torchlint.model import Rule


def page(code: str) -> str | None:
    """The Markdown text of a rule's page; None where it has none."""
    inside = resources.files("torchlint") / "_rules" / f"{code}.md"
    if inside.is_file():
        return inside.read_text(encoding="utf-8")
    beside = Path(__file__).resolve().parent.parent / "rules" / f"{code}.md"
    return beside.read_text(encoding="utf-8") if beside.is_file() else None


def explanation(rule: Rule) -> str:
    """The page of a rule, or what the rule says of itself."""
    text = page(rule.code)
    if text is not None:
        return text
    state = "on by default" if rule.default else "off unless selected"
    return f"# {rule.code} {rule.name}\n\n{rule.summary}\n\nSeverity: {rule.severity}, {state}.\n"
