"""Which programs are there, and what is wrong with each of them?

A small training script is put together from four choices: how the model is built, what its last activation is, how its output gets to
the loss, and how the loss is bound. From the activation and the loss follows the code that torchlint has to say:

    program = Program(MODELS["sequential"], "softmax", (CHAINS["view"],), BINDINGS["attribute"], "cross_entropy")
    program.expected          # "TL101"
    program.script()          # the text of the script

The same program can be laid out in other ways that mean the same; `variants` makes them.
"""

from __future__ import annotations

import ast
import io
import re
import textwrap
import tokenize
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hypothesis import strategies as st
from support.flow import MemoryFiles, ROOT
from support.mdtest import notebook

from torchlint.check import Result, check
from torchlint.config import Settings

IMPORTS = """\
import argparse
from collections import OrderedDict
from functools import partial
import torch
from torch import nn
import torch.nn.functional as F
"""
SETTING_UP = "the_input, the_target = torch.load('batch.pt')"
NAMES = ("the_model", "the_output", "the_loss", "the_target", "the_input", "the_criterion", "the_layers", "the_pieces", "the_losses", "the_trainer")
"""The local variables that a program may use; none of these words stands anywhere else in it."""

FUNCTIONAL = {
    "none": "{}",
    "softmax": "F.softmax({}, dim=1)",
    "log_softmax": "F.log_softmax({}, dim=1)",
    "sigmoid": "torch.sigmoid({})",
}
MODULE = {"none": "nn.Identity()", "softmax": "nn.Softmax(dim=1)", "log_softmax": "nn.LogSoftmax(dim=1)", "sigmoid": "nn.Sigmoid()"}
LOSSES = {
    "cross_entropy": "nn.CrossEntropyLoss()",
    "nll_loss": "nn.NLLLoss()",
    "binary_cross_entropy": "nn.BCELoss()",
    "binary_cross_entropy_with_logits": "nn.BCEWithLogitsLoss()",
}
EXPECTED = {
    ("cross_entropy", "none"): "",
    ("cross_entropy", "softmax"): "TL101",
    ("cross_entropy", "log_softmax"): "TL102",
    ("cross_entropy", "sigmoid"): "TL101",
    ("nll_loss", "none"): "TL103",
    ("nll_loss", "softmax"): "TL103",
    ("nll_loss", "log_softmax"): "",
    ("binary_cross_entropy", "none"): "TL202",
    ("binary_cross_entropy", "sigmoid"): "",
    ("binary_cross_entropy_with_logits", "none"): "",
    ("binary_cross_entropy_with_logits", "softmax"): "TL201",
    ("binary_cross_entropy_with_logits", "sigmoid"): "TL201",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a program. Definitions can be moved to another file; statements are in order, each can be a cell of a notebook.

    In the text, {module} and {functional(...)} stand for the activation, {loss} and {function} for the loss; `result` is an expression.
    """

    definitions: str = ""
    statements: tuple[str, ...] = ()
    result: str = ""


MODELS: dict[str, Part] = {
    "sequential": Part("", ("the_model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3), {module})",), "the_model(the_input)"),
    "list": Part(
        "",
        (
            "the_layers = [nn.Linear(8, 8), nn.ReLU()]\nthe_layers += [nn.Linear(8, 3)]",
            "the_layers.append({module})",
            "the_model = nn.Sequential(*the_layers)",
        ),
        "the_model(the_input)",
    ),
    "ordered_dict": Part("", ("the_model = nn.Sequential(OrderedDict([('fc', nn.Linear(8, 3)), ('act', {module})]))",), "the_model(the_input)"),
    "add_module": Part(
        "", ("the_model = nn.Sequential()", "the_model.add_module('fc', nn.Linear(8, 3))\nthe_model.add_module('act', {module})"), "the_model(the_input)"
    ),
    "forward": Part(
        """\
        class Net(nn.Module):
            def __init__(self, hidden=8):
                super().__init__()
                self.first = nn.Linear(8, hidden)
                self.last = nn.Linear(hidden, 3)

            def forward(self, batch):
                batch = F.relu(self.first(batch))
                return {functional:self.last(batch)}
        """,
        ("the_model = Net().cuda()",),
        "the_model(the_input)",
    ),
    "attribute": Part(
        """\
        class Net(nn.Module):
            def __init__(self, act):
                super(Net, self).__init__()
                self.fc = nn.Linear(8, 3)
                self.act = act

            def forward(self, batch):
                return self.act(self.fc(batch))
        """,
        ("the_model = Net(act={module})",),
        "the_model(the_input)",
    ),
    "flag": Part(
        """\
        class Net(nn.Module):
            def __init__(self, finish=False):
                super().__init__()
                self.finish = finish
                self.fc = nn.Linear(8, 3)

            def forward(self, batch):
                scores = self.fc(batch)
                if self.finish:
                    scores = {functional:scores}
                return scores
        """,
        ("the_model = Net(finish=True)",),
        "the_model(the_input)",
    ),
    "inheritance": Part(
        """\
        class Base(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(8, 3)

            def forward(self, batch):
                return self.finish(self.fc(batch))

            def finish(self, scores):
                return torch.tanh(scores)


        class Net(Base):
            def finish(self, scores):
                return {functional:scores}
        """,
        ("the_model = nn.DataParallel(Net())",),
        "the_model(the_input)",
    ),
    "super": Part(
        """\
        class Base(nn.Module):
            def forward(self, batch):
                return nn.Linear(8, 3)(batch)


        class Net(Base):
            def forward(self, batch):
                return {functional:super().forward(batch)}
        """,
        ("the_model = Net()",),
        "the_model.forward(the_input)",
    ),
    "head": Part("", ("from torchvision import models\nthe_model = models.resnet18()", "the_model.fc = nn.Sequential(nn.Linear(512, 3), {module})"), "the_model(the_input)"),
    "outside": Part("", ("the_model = nn.Linear(8, 3)",), "{functional:the_model(the_input)}"),
    "module_list": Part(
        """\
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layers = nn.ModuleList([nn.Linear(8, 8), nn.Linear(8, 3), {module}])

            def forward(self, batch):
                for layer in self.layers:
                    batch = layer(batch)
                return batch
        """,
        ("the_model = Net()",),
        "the_model(the_input)",
    ),
    "tuple": Part(
        """\
        class Net(nn.Module):
            def forward(self, batch):
                scores = nn.Linear(8, 3)(batch)
                return {functional:scores}, torch.tanh(scores)
        """,
        ("the_model = Net()",),
        "the_model(the_input)[0]",
    ),
    "dict": Part(
        """\
        class Net(nn.Module):
            def forward(self, batch):
                scores = nn.Linear(8, 3)(batch)
                return dict(hidden=torch.tanh(scores), out={functional:scores})
        """,
        ("the_model = Net()",),
        "the_model(the_input)['out']",
    ),
    "factory": Part(
        """\
        def build(name, classes=3):
            if name == 'net':
                return nn.Sequential(nn.Linear(8, classes), {module})
            elif name == 'other':
                return nn.Tanh()
            raise ValueError(name)
        """,
        ("the_model = build('net')",),
        "the_model(the_input)",
    ),
}

CHAINS: dict[str, Part] = {
    "view": Part("", ("the_output = the_output.view(-1, 3)",)),
    "methods": Part("", ("the_output = the_output.contiguous().squeeze(1).cuda()",)),
    "index": Part("", ("the_output = the_output[:, :3]",)),
    "mask": Part("", ("the_output = the_output[the_target > 0]",)),
    "function": Part("def handed_on(value):\n    return value\n", ("the_output = handed_on(the_output)",)),
    "tuple": Part("", ("the_pieces = (the_input, the_output)", "_, the_output = the_pieces")),
    "dict": Part("", ("the_pieces = {{'input': the_input, 'output': the_output}}", "the_output = the_pieces['output']")),
    "cat": Part("", ("the_pieces = []\nfor _ in range(4):\n    the_pieces.append(the_output)", "the_output = torch.cat(the_pieces)")),
    "lambda": Part("", ("the_output = (lambda value, *rest: value)(the_output, 1)",)),
    "object": Part(
        "class Holder:\n    def __init__(self, value):\n        self._value = value\n\n    @property\n    def value(self):\n        return self._value\n",
        ("the_output = Holder(the_output).value",),
    ),
    "generator": Part("def stream(value):\n    yield value\n", ("for the_output in stream(the_output):\n    pass",)),
    "try": Part("", ("try:\n    the_output = the_output.clone()\nexcept RuntimeError:\n    raise",)),
    "with": Part("", ("with torch.autocast('cuda'):\n    the_output = the_output.reshape(-1, 3)",)),
}

BINDINGS: dict[str, Part] = {
    "object": Part("", ("the_criterion = {loss}",), "the_criterion(the_output, the_target)"),
    "keywords": Part("", ("the_criterion = {loss}",), "the_criterion(target=the_target, input=the_output)"),
    "at_once": Part("", (), "{loss}(the_output, the_target)"),
    "functional": Part("", (), "F.{function}(the_output, the_target)"),
    "alias": Part("", ("the_criterion = F.{function}",), "the_criterion(the_output, the_target)"),
    "parameter": Part(
        "def compute(criterion, prediction, truth):\n    return criterion(prediction, truth)\n", (), "compute({loss}, the_output, the_target)"
    ),
    "default": Part(
        "def compute(prediction, truth, criterion=F.{function}):\n    return criterion(prediction, truth)\n", (), "compute(the_output, the_target)"
    ),
    "attribute": Part(
        """\
        class Trainer:
            def __init__(self):
                self.criterion = {loss}

            def step(self, prediction, truth):
                return self.criterion(prediction, truth)
        """,
        ("the_trainer = Trainer()",),
        "the_trainer.step(the_output, the_target)",
    ),
    "base_class": Part(
        """\
        class BaseTrainer:
            def step(self, prediction, truth):
                return self.criterion(prediction, truth)


        class Trainer(BaseTrainer):
            criterion = {loss}
        """,
        (),
        "Trainer().step(the_output, the_target)",
    ),
    "table": Part("", ("the_losses = {{'main': {loss}, 'other': None}}",), "the_losses['main'](the_output, the_target)"),
    "by_name": Part(
        "def make(name):\n    if name == 'l1':\n        return nn.L1Loss()\n    return {loss}\n",
        ("the_criterion = make('main')",),
        "the_criterion(the_output, the_target)",
    ),
    "partial": Part("", ("the_criterion = partial(F.{function}, reduction='sum')",), "the_criterion(the_output, the_target)"),
    "lambda": Part("", ("the_criterion = lambda a, b: F.{function}(a, b)",), "the_criterion(the_output, the_target)"),
    "wrapped": Part(
        """\
        class Wrapped(nn.Module):
            def __init__(self, inner, weight=1.0):
                super().__init__()
                self.inner = inner
                self.weight = weight

            def forward(self, prediction, truth):
                return self.weight * self.inner(prediction, truth)
        """,
        ("the_criterion = Wrapped({loss}).cuda()",),
        "the_criterion(the_output, the_target)",
    ),
    "stars": Part("def call(function, *args, **kwargs):\n    return function(*args, **kwargs)\n", (), "call({loss}, the_output, target=the_target)"),
}


@dataclass(frozen=True, slots=True)
class Program:
    """A training script by its four choices."""

    model: Part
    activation: str
    chains: tuple[Part, ...]
    binding: Part
    loss: str

    @property
    def expected(self) -> str:
        """The code that has to be said of it, or nothing."""
        return EXPECTED[self.loss, self.activation]

    def definitions(self) -> str:
        """Its classes and functions, each part's once."""
        texts = dict.fromkeys(part.definitions for part in (self.model, *self.chains, self.binding) if part.definitions)
        return "\n\n".join(self._filled(textwrap.dedent(text)) for text in texts)

    def groups(self) -> list[str]:
        """Its statements, in the groups that may become cells."""
        parts = [SETTING_UP, *self.model.statements, f"the_output = {self.model.result}"]
        parts += [statement for chain in self.chains for statement in chain.statements]
        parts += [*self.binding.statements, f"the_loss = {self.binding.result}", "the_loss.backward()"]
        return [self._filled(part) for part in parts]

    def script(self) -> str:
        """The whole program as one file."""
        return f"{IMPORTS}\n\n{self.definitions()}\n\n" + "\n".join(self.groups()) + "\n"

    def _filled(self, text: str) -> str:
        text = re.sub(r"\{functional:((?:[^{}])*)\}", lambda match: FUNCTIONAL[self.activation].format(match[1]), text)
        return (
            text.replace("{module}", MODULE[self.activation])
            .replace("{loss}", LOSSES[self.loss])
            .replace("{function}", self.loss)
            .replace("{{", "{")
            .replace("}}", "}")
        )


def programs() -> st.SearchStrategy[Program]:
    """Any of them."""
    return st.builds(
        lambda model, chains, binding, pair: Program(model, pair[1], tuple(chains), binding, pair[0]),
        st.sampled_from(list(MODELS.values())),
        st.lists(st.sampled_from(list(CHAINS.values())), max_size=3),
        st.sampled_from(list(BINDINGS.values())),
        st.sampled_from(list(EXPECTED)),
    )


# --- other layouts of the same program -------------------------------------------------------------------------------------


def renamed(program: Program, names: Mapping[str, str]) -> dict[str, bytes]:
    """With other names for its local variables."""
    pattern = re.compile(r"\b(?:" + "|".join(names) + r")\b")
    return {"train.py": pattern.sub(lambda match: names[match[0]], program.script()).encode()}


def in_a_function(program: Program) -> dict[str, bytes]:
    """With the body in a function main()."""
    body = textwrap.indent("\n".join(program.groups()), "    ")
    text = f"{IMPORTS}\n\n{program.definitions()}\n\ndef main():\n{body}\n\n\nif __name__ == '__main__':\n    main()\n"
    return {"train.py": text.encode()}


def in_a_function_that_nobody_calls(program: Program) -> dict[str, bytes]:
    """With the body in a function with a parameter."""
    body = textwrap.indent("\n".join(program.groups()), "    ")
    return {"train.py": f"{IMPORTS}\n\n{program.definitions()}\n\ndef train(args):\n{body}\n    return the_loss\n".encode()}


def _wrapped(program: Program, opening: str, closing: str = "") -> dict[str, bytes]:
    """With the body inside of a compound statement."""
    depth = "    " * (opening.count("\n") + 1)
    text = f"{IMPORTS}\n\n{program.definitions()}\n\n{opening}\n" + textwrap.indent("\n".join(program.groups()), depth) + f"\n{closing}"
    return {"train.py": text.encode()}


def in_a_method(program: Program) -> dict[str, bytes]:
    """With the body in a method of a class."""
    return _wrapped(program, "class Experiment:\n    def run(self, args, epochs=3):")


def in_a_nested_function(program: Program) -> dict[str, bytes]:
    """With the body in a function inside of a function."""
    return _wrapped(program, "def outer(args):\n    def inner():", "    return inner()\n")


def in_a_loop(program: Program) -> dict[str, bytes]:
    """With the body in a loop of unknown length inside of one of known length."""
    return _wrapped(program, "for epoch in range(3):\n    for batch in torch.load('batches.pt'):")


def under_a_flag(program: Program) -> dict[str, bytes]:
    """With the body under a flag: it may not run, but what it does is certain."""
    return _wrapped(program, "if torch.cuda.is_available():")


def in_a_try(program: Program) -> dict[str, bytes]:
    """With the body under try."""
    return _wrapped(program, "try:", "except KeyboardInterrupt:\n    pass\n")


def in_a_with(program: Program) -> dict[str, bytes]:
    """With the body under with."""
    return _wrapped(program, "with torch.autograd.set_detect_anomaly(True), open('log') as log:")


def in_two_files(program: Program) -> dict[str, bytes]:
    """With the classes and functions in a file of their own."""
    definitions = program.definitions()
    names = [node.name for node in ast.parse(definitions).body if isinstance(node, (ast.ClassDef, ast.FunctionDef))]
    bring = f"from parts import {', '.join(names)}\n" if names else ""
    return {
        "parts.py": f"{IMPORTS}\n\n{definitions}\n".encode(),
        "train.py": (IMPORTS + bring + "\n\n" + "\n".join(program.groups()) + "\n").encode(),
    }


def in_a_package(program: Program) -> dict[str, bytes]:
    """With the classes and functions in a package, brought in by a star."""
    return {
        "lib/__init__.py": b"from .parts import *\n",
        "lib/parts.py": f"{IMPORTS}\n\n{program.definitions()}\n".encode(),
        "scripts/train.py": (IMPORTS + "from lib import *\n\n\n" + "\n".join(program.groups()) + "\n").encode(),
    }


def in_a_notebook(program: Program) -> dict[str, bytes]:
    """With each group of statements in a cell."""
    cells = [IMPORTS, program.definitions(), *program.groups()]
    return {"train.ipynb": notebook("\n# %%\n".join(cell for cell in cells if cell.strip())).encode()}


def reformatted(program: Program) -> dict[str, bytes]:
    """With a line break wherever brackets allow one, and blank lines and comments between statements."""
    return {"train.py": spread(program.script()).encode()}


def with_windows_line_ends(program: Program) -> dict[str, bytes]:
    """With CRLF and a byte order mark."""
    return {"train.py": b"\xef\xbb\xbf" + program.script().replace("\n", "\r\n").encode()}


LAYOUTS: dict[str, Callable[[Program], dict[str, bytes]]] = {
    layout.__name__: layout
    for layout in (
        in_a_function, in_a_function_that_nobody_calls, in_a_method, in_a_nested_function, in_a_loop, under_a_flag, in_a_try, in_a_with,
        in_two_files, in_a_package, in_a_notebook, reformatted, with_windows_line_ends,
    )
}  # fmt: skip


def spread(text: str) -> str:
    """Break lines after each opening bracket and comma inside brackets; put a comment before each statement at the left margin."""
    pieces: list[str] = []
    depth, last = 0, (1, 0)
    lines = text.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.start[0] > last[0]:
            last = (token.start[0], 0)
        pieces.append(lines[token.start[0] - 1][last[1] : token.start[1]] if token.start[0] <= len(lines) else "")
        pieces.append(token.string)
        last = token.end
        if token.type == tokenize.OP:
            depth += (token.string in "([{") - (token.string in ")]}")
            if depth and token.string in "([{,":
                pieces.append("  # why not\n" + "    " * depth)
    return re.sub(r"^(?=(?!else|except)\w)", "\n# as before\n", "".join(pieces), flags=re.MULTILINE)


def checked(contents: Mapping[str, bytes]) -> Result:
    """What torchlint says of a project that lies in memory."""
    files = MemoryFiles(contents)
    return check(files, list(files.contents), [ROOT], Settings())


def summary(result: Result) -> list[tuple[str, str, str]]:
    """What must not change with the layout: codes, evidence and messages."""
    assert not result.errors, result.errors
    return sorted((finding.code, str(finding.evidence), finding.message) for finding in result.findings)
