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
    near = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f"; did you mean `{by_lower[near[0]]}`?" if near else ""
