"""What holds of all programs: the same findings in every layout, no crash on any text; and the laws of joining and undoing."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.fixtures import projects, sources
from support.layouts import LAYOUTS, renamed
from support.programs import BINDINGS, CHAINS, EXPECTED, MODELS, NAMES, Program, checked, programs, summary

from torchlint.flow.decisions import MOST_OPTIONS, alike, consistent, join
from torchlint.flow.store import ABSENT, Store
from torchlint.flow.values import Alternatives, Const, Option, Tensor, Unknown, Value, options_of
from torchlint.model import Facts, Kind

quickly = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
thoroughly = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def _mistakes_of_ours_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHLINT_DEBUG", "1")


# --- programs ----------------------------------------------------------------------------------------------------------------


def said(program: Program) -> list[str]:
    return [finding.code for finding in checked({"train.py": program.script().encode()}).findings]


def wanted(program: Program) -> list[str]:
    return [program.expected] if program.expected else []


@pytest.mark.parametrize("pair", EXPECTED, ids="-".join)
@pytest.mark.parametrize("model", MODELS)
def test_every_model_with_every_pair_of_activation_and_loss(model: str, pair: tuple[str, str]) -> None:
    program = Program(MODELS[model], pair[1], (), BINDINGS["object"], pair[0])
    assert said(program) == wanted(program), program.script()


@pytest.mark.parametrize("pair", EXPECTED, ids="-".join)
@pytest.mark.parametrize("binding", BINDINGS)
def test_every_way_of_binding_a_loss(binding: str, pair: tuple[str, str]) -> None:
    program = Program(MODELS["sequential"], pair[1], (), BINDINGS[binding], pair[0])
    assert said(program) == wanted(program), program.script()


@pytest.mark.parametrize("chain", CHAINS)
def test_every_way_from_the_model_to_the_loss(chain: str) -> None:
    for loss, activation in EXPECTED:
        program = Program(MODELS["forward"], activation, (CHAINS[chain],), BINDINGS["functional"], loss)
        assert said(program) == wanted(program), program.script()


@given(programs())
@thoroughly
def test_any_combination_of_them(program: Program) -> None:
    assert said(program) == wanted(program), program.script()


@pytest.mark.parametrize("layout", LAYOUTS)
@given(program=programs())
@quickly
def test_the_layout_does_not_matter(layout: str, program: Program) -> None:
    before = summary(checked({"train.py": program.script().encode()}))
    files = LAYOUTS[layout](program)
    assert summary(checked(files)) == before, "\n".join(f"--- {path}\n{data.decode()}" for path, data in files.items())


@given(programs(), st.permutations(["logits", "probs", "softmax", "nll", "targets", "criterion", "sigmoid_out", "a", "b", "é"]))
@quickly
def test_names_do_not_matter(program: Program, names: list[str]) -> None:
    before = summary(checked({"train.py": program.script().encode()}))
    assert summary(checked(renamed(program, dict(zip(NAMES, names, strict=True))))) == before


@given(programs(), programs())
@quickly
def test_two_files_that_have_nothing_to_do_with_each_other(first: Program, second: Program) -> None:
    """What is said of a file does not depend on what else is checked."""
    alone = summary(checked({"a.py": first.script().encode()})) + summary(checked({"b.py": second.script().encode()}))
    assert summary(checked({"a.py": first.script().encode(), "b.py": second.script().encode()})) == sorted(alone)


@given(programs())
@quickly
def test_running_again_says_the_same(program: Program) -> None:
    files = LAYOUTS["in_two_files"](program)
    assert checked(files).findings == checked(files).findings
    assert checked(dict(reversed(files.items()))).findings == checked(files).findings


# --- any text ----------------------------------------------------------------------------------------------------------------

REAL = [text for group in ("bad", "good") for folder in projects(group) for _, cell, text in sources(folder) if text.strip() and not cell]
WORDS = st.sampled_from(
    [
        *(
            "import torch\n",
            "from torch import nn\n",
            "nn.Softmax",
            "F.softmax(",
            "def f(x):\n    ",
            "class A(",
            ":\n    ",
            "return ",
            "yield ",
            "await ",
        ),
        *(
            "x",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ",",
            "=",
            ":=",
            "->",
            ".",
            "*",
            "**",
            "@",
            "\n",
            "\t",
            "    ",
            "\\",
            "#",
            "'",
            '"',
            "'''",
            "\r",
            "\0",
            "é",
        ),
        *("lambda x: ", "for ", "in ", "if ", "else", "while ", "try:\n    ", "except:\n    ", "with ", "as ", "async ", "del ", "global x\n"),
        *("match x:\n    case ", "0x", "1e9999", "1", "None", "f'{", "}'", "type ", "...", "not ", "or ", "is "),
    ]
)


def survives(contents: dict[str, bytes]) -> None:
    """Anything may be found or complained of, but nothing may go wrong."""
    result = checked(contents)
    assert result.files == len(contents)


@given(st.text(max_size=300))
@thoroughly
def test_any_text(text: str) -> None:
    survives({"a.py": f"import torch\nnn.Softmax\n{text}".encode("utf-8", "replace")})


@given(st.binary(max_size=300))
@thoroughly
def test_any_bytes(data: bytes) -> None:
    survives({"a.py": data, "b.ipynb": data, "c.py": b"import torch.nn.Softmax as s\n" + data})


@given(st.lists(WORDS, max_size=60))
@thoroughly
def test_any_sequence_of_words(words: list[str]) -> None:
    survives({"a.py": ("import torch\nfrom torch import nn\nnn.Softmax\n" + "".join(words)).encode()})


@given(st.sampled_from(REAL), st.randoms(use_true_random=False))
@thoroughly
def test_real_programs_with_lines_missing_doubled_and_exchanged(text: str, chance: random.Random) -> None:
    lines = text.splitlines()
    for _ in range(chance.randint(1, 8)):
        CHANGES[chance.randrange(len(CHANGES))](lines, chance)
    survives({"a.py": "\n".join(lines).encode()})


@given(st.sampled_from(REAL), st.randoms(use_true_random=False))
@quickly
def test_real_programs_with_other_names(text: str, chance: random.Random) -> None:
    """Words that are exchanged keep the syntax and break everything else."""
    words = sorted(set(re.findall(r"\b[a-zA-Z_]\w*\b", text)))
    for _ in range(4):
        old, new = chance.choice(words), chance.choice(words)
        text = re.sub(rf"\b{old}\b", new, text)
    survives({"a.py": text.encode()})


def _delete(lines: list[str], chance: random.Random) -> None:
    if lines:
        del lines[chance.randrange(len(lines))]


def _double(lines: list[str], chance: random.Random) -> None:
    if lines:
        at = chance.randrange(len(lines))
        lines.insert(chance.randrange(len(lines) + 1), lines[at])


def _exchange(lines: list[str], chance: random.Random) -> None:
    if lines:
        one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
        lines[one], lines[two] = lines[two], lines[one]


def _exchange_like(lines: list[str], chance: random.Random) -> None:
    """Two lines of one depth: the result often parses."""
    if lines:
        one = chance.randrange(len(lines))
        depth = len(lines[one]) - len(lines[one].lstrip())
        peers = [index for index, line in enumerate(lines) if len(line) - len(line.lstrip()) == depth]
        two = chance.choice(peers)
        lines[one], lines[two] = lines[two], lines[one]


CHANGES: list[Callable[[list[str], random.Random], None]] = [_delete, _double, _exchange, _exchange_like, _exchange_like]


# --- joining -----------------------------------------------------------------------------------------------------------------

TENSORS = [Tensor(Facts(kind, dtype)) for kind in (Kind.LOGITS, Kind.PROBABILITIES, Kind.UNKNOWN) for dtype in (None, "int64")]
VALUES: list[Value] = [*TENSORS, Unknown("a"), Unknown("b"), Const(1), Const(1.0), Const(True), Const("x"), Const(None)]
conditions = st.lists(
    st.tuples(st.sampled_from(["p", "q", ("==", "s", 1), ("==", "s", 2)]), st.booleans()), max_size=2, unique_by=lambda c: c[0]
).map(tuple)
options = st.builds(Option, st.sampled_from(VALUES), conditions, st.booleans())
few = st.lists(options, min_size=1, max_size=4)


def same(first: Value, second: Value) -> bool:
    """The same set of values, each with the same conditions, whatever their order."""
    left, right = options_of(first), options_of(second)
    return len(left) == len(right) and all(any(_same_option(one, two) for two in right) for one in left)


def _same_option(one: Option, two: Option) -> bool:
    return alike(one.value, two.value) and set(one.conditions) == set(two.conditions) and one.certain == two.certain


@given(few)
@thoroughly
def test_joining_a_value_with_itself_gives_the_value(each: list[Option]) -> None:
    joined = join(each)
    again = join([Option(joined), Option(joined)])
    assert same_values(again, joined)


@given(few)
@thoroughly
def test_the_order_of_joining_does_not_matter(each: list[Option]) -> None:
    joined = join(each)
    assert all(same(join(order), joined) for order in permutations(each))


@given(few, few, few)
@thoroughly
def test_joining_in_steps_gives_the_same_values(one: list[Option], two: list[Option], three: list[Option]) -> None:
    plain = [[Option(option.value) for option in each] for each in (one, two, three)]
    left = join([Option(join([Option(join(plain[0])), Option(join(plain[1]))])), Option(join(plain[2]))])
    right = join([Option(join(plain[0])), Option(join([Option(join(plain[1])), Option(join(plain[2]))]))])
    if len(options_of(left)) < MOST_OPTIONS:
        assert same_values(left, right)
        assert same_values(left, join([option for each in plain for option in each]))


def same_values(first: Value, second: Value) -> bool:
    left, right = [option.value for option in options_of(first)], [option.value for option in options_of(second)]
    return all(any(alike(a, b) for b in right) for a in left) and all(any(alike(a, b) for a in left) for b in right)


@given(few)
@thoroughly
def test_a_joined_value_has_no_two_like_options_and_no_nested_ones(each: list[Option]) -> None:
    joined = options_of(join(each))
    assert not any(alike(one.value, two.value) for index, one in enumerate(joined) for two in joined[index + 1 :])
    assert not any(isinstance(option.value, Alternatives) for option in joined)
    assert len(joined) <= MOST_OPTIONS


@given(few)
@thoroughly
def test_nothing_that_may_be_there_gets_lost(each: list[Option]) -> None:
    """Whatever one of the options holds, an option of the joined value holds under conditions that are no stronger."""
    joined = options_of(join(each))
    for option in each:
        assert any(alike(kept.value, option.value) and set(kept.conditions) <= set(option.conditions) for kept in joined)


@given(few, conditions)
@thoroughly
def test_alternatives_inside_alternatives_keep_both_conditions(each: list[Option], outer: tuple[Any, ...]) -> None:
    inner = join(each)
    joined = options_of(join([Option(inner, outer), Option(Const("other"), ())]))
    for option in options_of(inner):
        if isinstance(inner, Alternatives) and consistent(option.conditions, outer):
            assert any(alike(kept.value, option.value) and set(kept.conditions) <= {*outer, *option.conditions} for kept in joined)


@given(st.sampled_from(VALUES), st.sampled_from(VALUES), st.sampled_from(VALUES))
def test_being_alike_is_an_equivalence(a: Value, b: Value, c: Value) -> None:
    assert alike(a, a)
    assert alike(a, b) == alike(b, a)
    if alike(a, b) and alike(b, c):
        assert alike(a, c)


# --- undoing -----------------------------------------------------------------------------------------------------------------

writes = st.lists(st.tuples(st.integers(0, 2), st.sampled_from("abc"), st.one_of(st.none(), st.integers()), st.booleans()), max_size=20)


def carry_out(store: Store, dicts: list[dict[str, Any]], changes: list[tuple[int, str, int | None, bool]]) -> None:
    """None deletes; the last flag chooses the write for local variables."""
    for index, key, value, local in changes:
        if value is None:
            store.delete(dicts[index], key)
        elif local:
            store.write_local(dicts[index], key, value)
        else:
            store.write(dicts[index], key, value)


@given(writes, writes)
@thoroughly
def test_undo_restores_exactly_and_tells_what_was_there(first: list[Any], second: list[Any]) -> None:
    store, dicts = Store(), [dict[str, Any](), {"a": 1}, {"b": 2, "c": 3}]
    carry_out(store, dicts, first)
    before = [dict(each) for each in dicts]
    mark = store.mark()
    carry_out(store, dicts, second)
    after = [dict(each) for each in dicts]
    changed = store.changed_since(mark)
    changes = store.undo(mark)
    assert dicts == before
    assert changes.keys() == changed.keys()
    for (_, key), (contents, value) in changes.items():
        index = next(number for number, each in enumerate(dicts) if each is contents)
        assert after[index].get(key, ABSENT) == value
        assert changed[id(contents), key][1] == before[index].get(key, ABSENT)
    untouched = [(i, key) for i, each in enumerate(before) for key in each if (id(dicts[i]), key) not in changes]
    assert all(after[i][key] == before[i][key] for i, key in untouched)


@given(writes, writes, writes)
@thoroughly
def test_marks_nest(first: list[Any], second: list[Any], third: list[Any]) -> None:
    store, dicts = Store(), [dict[str, Any](), dict[str, Any](), dict[str, Any]()]
    carry_out(store, dicts, first)
    before, outer = [dict(each) for each in dicts], store.mark()
    carry_out(store, dicts, second)
    middle, inner = [dict(each) for each in dicts], store.mark()
    carry_out(store, dicts, third)
    store.undo(inner)
    assert dicts == middle
    store.undo(outer)
    assert dicts == before


@given(writes)
@thoroughly
def test_the_epoch_moves_whenever_shared_contents_change(changes: list[Any]) -> None:
    store, dicts = Store(), [dict[str, Any](), dict[str, Any](), dict[str, Any]()]
    for change in changes:
        before, epoch = [dict(each) for each in dicts], store.epoch
        carry_out(store, dicts, [change])
        if dicts != before and not (change[3] and change[2] is not None):
            assert store.epoch > epoch


@given(writes, writes)
@thoroughly
def test_what_is_kept_for_good_stays(first: list[Any], second: list[Any]) -> None:
    store, dicts = Store(), [dict[str, Any](), dict[str, Any](), dict[str, Any]()]
    mark = store.mark()
    carry_out(store, dicts, first)
    store.forget(mark)
    kept = [dict(each) for each in dicts]
    carry_out(store, dicts, second)
    store.undo(mark)
    assert dicts == kept
