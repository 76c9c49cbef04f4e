"""Where do the two witnesses disagree for good reasons, and what remains to be said otherwise?

    problems("bad/ignite_trainer", wanted, ran, stage, {"TL103": "..."})      # [] where they agree but for TL103

A reason that explains nothing any more is a problem as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

from support.fixtures import Mark
from support.staging import Ran, Stage

ANOTHER_NAME = "which variable a value is read through is not visible in a running program: only the in-place operation is"
CONSTRUCTION = "torch itself raises where nn.Sequential is built"
SAVED = "what autograd has saved is not looked at: torch itself raises in backward"
LIBRARY = "a library computes the loss; the user's own line is the one that starts it, not the one that hands network and loss over"
NOT_BUILT = "nothing in the block builds an object of the class"
OTHER_PROGRAM = "the loss that takes the same scores is computed by another program"
NO_HOOK = "a loop that keeps what each layer gives registers no hook"
RAISED_BEFORE = "torch raises at an earlier line of the same kind"
NO_PROGRAM = "the file is no Python"

DIFFERENT: dict[str, dict[str, str]] = {
    "bad/dense_concat_leaky": {"TL402": ANOTHER_NAME},
    "bad/functional_in_sequential": {"TL604": CONSTRUCTION},
    "bad/ignite_trainer": {"TL103": LIBRARY},
    "bad/preact_identity_alias": {"TL402": ANOTHER_NAME},
    "bad/relu_output_iadd": {"TL403": SAVED},
    "bad/reparameterize_inplace": {"TL403": SAVED},
    "bad/skorch_classifier": {"TL101": LIBRARY},
    "bad/threshold_in_metrics_file": {"TL205": OTHER_PROGRAM},
    "bad/vqvae_residual_stack": {"TL402": ANOTHER_NAME},
    "TL203 bad in one expression": {"TL203": RAISED_BEFORE},
    "TL203 bad across files": {"TL203": RAISED_BEFORE},
    "TL205 bad across files": {"TL205": OTHER_PROGRAM},
    "TL303 bad through an attribute": {"TL303": NOT_BUILT},
    "TL401 bad in a loop": {"TL401": NO_HOOK},
    "TL402 bad in one expression": {"TL402": ANOTHER_NAME},
    "TL402 bad through an attribute": {"TL402": ANOTHER_NAME},
    "TL402 bad through Sequential": {"TL402": ANOTHER_NAME},
    "TL403 bad in one expression": {"TL403": SAVED},
    "TL403 bad through an attribute": {"TL403": SAVED},
    "TL403 bad in a method": {"TL403": SAVED},
    "TL604 bad in one expression": {"TL604": CONSTRUCTION},
    "TL604 bad through an attribute": {"TL604": CONSTRUCTION},
    "TL902 bad in one expression": {"TL902": NO_PROGRAM},
    "TL902 bad in one expression 2": {"TL902": NO_PROGRAM},
}
"""Project or block -> code -> why the findings of this code differ there."""


def problems(name: str, wanted: Set[Mark], ran: Ran, stage: Stage, listed: Mapping[str, str]) -> list[str]:
    """What is wrong with a run, one line each. wanted: what the static side finds; listed: the codes that may differ."""
    return [f"{name}: {problem}" for problem in (*_places(wanted, ran, listed), *_endings(ran, stage))]


def _places(wanted: Set[Mark], ran: Ran, listed: Mapping[str, str]) -> Iterator[str]:
    missing, more = wanted - ran.marks.keys(), ran.marks.keys() - wanted
    for mark in sorted(missing, key=lambda mark: mark.sort_key):
        if mark.code not in listed:
            yield f"- {mark}: found by the static side only"
    for mark in sorted(more, key=lambda mark: mark.sort_key):
        if mark.code not in listed:
            yield f"+ {mark}: found by the runtime mode only: {ran.marks[mark]}"
    for code in listed.keys() - {mark.code for mark in missing | more}:
        yield f"{code} is listed as different ({listed[code]}), and is not"


def _endings(ran: Ran, stage: Stage) -> Iterator[str]:
    if ran.programs != len(stage.run):
        yield f"{ran.programs} of {len(stage.run)} programs came to an end"
    for error in ran.errors:
        if not stage.lenient and not any(words in error for words in stage.raises):
            yield f"ended by {error}"
    for words in stage.raises:
        if not any(words in error for error in ran.errors):
            yield f"no program ended by an error that says {words!r}"
    for failure in ran.failures:
        yield f"a mistake of torchlint's own: {failure}"
