"""Which programs does a block of a rule page consist of?

    programs(case)      # ("train.py", "predict.py"): the files that no other one imports

Its files are laid out as the static tests lay them out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from support.mdtest import Case

ARGUMENTS = {("TL101", "a network chosen by name, a loss module of one's own"): "Shallow"}
"""What the programs of a block are called with."""


def named(cases: Iterable[Case]) -> dict[str, Case]:
    """The blocks by the names under which they are run and listed: "TL101 bad in one expression 2" is the second of its heading."""
    found: dict[str, Case] = {}
    for case in cases:
        name, number = f"{case.code} {case.section.lower()} {case.heading}", 1
        while (key := name if number == 1 else f"{name} {number}") in found:
            number += 1
        found[key] = case
    return found


def programs(case: Case) -> tuple[str, ...]:
    """The command lines of the programs of a block."""
    texts = dict(case.files)
    names = {path: PurePosixPath(path).parts[0].removesuffix(".py") for path in texts}
    imported = {path for path, name in names.items() for other, text in texts.items() if other != path and _imports(text, name)}
    arguments = ARGUMENTS.get((case.code, case.heading), "")
    return tuple(f"{path} {arguments}".strip() for path in texts if path not in imported)


def _imports(text: str, name: str) -> bool:
    return re.search(rf"^(from|import) {re.escape(name)}\b", text, re.MULTILINE) is not None
