"""What does `torchlint debug kinds` print?

train.py:12:12 nn.CrossEntropyLoss  input: logits | unknown  target: unknown
    lost at net.py:9:16 `attention @ v`: arithmetic: MatrixMultiply
1 of 1 loss calls have an input of known kind (100 %)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from torchlint.kinds import Lost, Site, Survey
from torchlint.reporters.text import harmless, place


def render(survey: Survey) -> str:
    """Each loss call, then the resolution rate and the most frequent reasons."""
    lines = [line for site in survey.sites for line in _site(site)]
    rate = f" ({100 * survey.resolved / survey.all:.0f} %)" if survey.all else ""
    lines.append(f"{survey.resolved} of {survey.all} loss calls have an input of known kind{rate}")
    reasons = Counter(reason for site in survey.sites if not site.resolved for reason in dict.fromkeys(lost.reason for lost in site.lost))
    lines += [f"{count:6}  {harmless(reason)}" for reason, count in reasons.most_common()]
    return "".join(f"{line}\n" for line in lines)


def _site(site: Site) -> Iterator[str]:
    words = [f"{place(site.location)} {site.callee}"]
    for role, kinds in (("input", site.inputs), ("target", site.targets)):
        if kinds:
            words.append(f"{role}: {' | '.join(kinds)}")
    yield "  ".join(words)
    for lost in site.lost:
        yield f"    {_lost(lost)}"


def _lost(lost: Lost) -> str:
    where = f"lost at {place(lost.location)} `{harmless(lost.code)}`: " if lost.location is not None else ""
    return where + harmless(lost.reason)


def render_json(survey: Survey) -> bytes:
    """The same for programs: {"resolved": n, "all": n, "sites": [...]}."""
    return msgspec.json.format(msgspec.json.encode({"resolved": survey.resolved, "all": survey.all, "sites": survey.sites}), indent=1) + b"\n"
