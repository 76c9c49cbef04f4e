"""What may the user have meant by a word that torchlint does not know?

For example:

    >>> did_you_mean("ignroe", ["select", "ignore"])
    '; did you mean `ignore`?'
    >>> did_you_mean("zzz", ["select", "ignore"])
    ''
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of an error message: the nearest known word, or nothing."""
    by_lower = {item.lower(): item for item in known}
    near = sorted(difflib.get_close_matches(word.lower(), by_lower, n=5, cutoff=0.6))
    best = max(near, key=lambda item: _likeness(word.lower(), item), default=None)
    return f"; did you mean `{by_lower[best]}`?" if best is not None else ""


def _likeness(word: str, known: str) -> tuple[float, bool, int]:
    """How alike two words are. Between equals: int46 has the letters of int64, and TL1O1 more of them in the places of TL101 than of TL112."""
    ratio = difflib.SequenceMatcher(None, known, word).ratio()
    return ratio, sorted(word) == sorted(known), sum(one == other for one, other in zip(word, known, strict=False))
