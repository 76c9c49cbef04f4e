"""Which programs are there, and what is wrong with each of them?

A small training script is put together from four choices: how the model is built, what its last activation is, how its output gets to
the loss, and how the loss is bound. From the activation and the loss follows the code that torchlint has to say:

    program = Program(MODELS["sequential"], "softmax", (CHAINS["view"],), BINDINGS["attribute"], "cross_entropy")
    program.expected          # "TL101"
    program.script()          # the text of the script

Other layouts that mean the same are made in support.layouts.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import strategies as st

from support.flow import ROOT, MemoryFiles
from torchlint.check import check
from torchlint.collecting import Result
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
        "",
        ("the_model = nn.Sequential()", "the_model.add_module('fc', nn.Linear(8, 3))\nthe_model.add_module('act', {module})"),
        "the_model(the_input)",
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
    "head": Part(
        "",
        ("from torchvision import models\nthe_model = models.resnet18()", "the_model.fc = nn.Sequential(nn.Linear(512, 3), {module})"),
        "the_model(the_input)",
    ),
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
    "registry": Part(
        """\
        REGISTRY = {{}}


        def register(cls):
            REGISTRY[cls.__name__] = cls
            return cls


        @register
        class Net(nn.Module):
            def forward(self, batch):
                return {functional:nn.Linear(8, 3)(batch)}


        def build(name):
            return REGISTRY[name]()
        """,
        ("the_model = build('Net')",),
        "the_model(the_input)",
    ),
    "registry_by_unknown_name": Part(
        """\
        class Net(nn.Module):
            def forward(self, batch):
                return {functional:nn.Linear(8, 3)(batch)}


        class Other(nn.Module):
            def forward(self, batch):
                return torch.cumsum(batch, 0)


        REGISTRY = dict(net=Net, other=Other)


        def build(name):
            return REGISTRY[name]()
        """,
        ("the_model = build(torch.load('name'))",),
        "the_model(the_input)",
    ),
    "hook": Part(
        "",
        ("the_model = nn.Linear(8, 3)", "the_model.register_forward_hook(lambda module, inputs, scores: {functional:scores})"),
        "the_model(the_input)",
    ),
    "heads_by_name": Part(
        """\
        class Net(nn.Module):
            def __init__(self, names):
                super().__init__()
                self.heads = nn.ModuleDict({{name: nn.Sequential(nn.Linear(8, 3), {module}) for name in names}})

            def forward(self, batch):
                return {{name: head(batch) for name, head in self.heads.items()}}
        """,
        ("the_model = Net(torch.load('names'))",),
        "the_model(the_input)['main']",
    ),
    "closure": Part(
        """\
        def finisher(scale):
            def finish(scores):
                return {functional:scores}

            return finish
        """,
        ("the_model = finisher(2)",),
        "the_model(nn.Linear(8, 3)(the_input))",
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
        """\
        class Holder:
            def __init__(self, value):
                self._value = value

            @property
            def value(self):
                return self._value
        """,
        ("the_output = Holder(the_output).value",),
    ),
    "generator": Part("def stream(value):\n    yield value\n", ("for the_output in stream(the_output):\n    pass",)),
    "try": Part("", ("try:\n    the_output = the_output.clone()\nexcept RuntimeError:\n    raise",)),
    "buffer": Part(
        "", ("the_buffer = torch.zeros(5, 4, 3)\nfor step in range(5):\n    the_buffer[step] = the_output", "the_output = the_buffer[1:]")
    ),
    "numpy": Part("", ("the_output = torch.from_numpy(the_output.detach().cpu().numpy())",)),
    "namespace": Part("", ("from types import SimpleNamespace\nthe_bag = SimpleNamespace(scores=the_output)", "the_output = the_bag.scores")),
    "text": Part("def kept(value):\n    return value\n", ("print(f'{torch.load(1)} {kept(the_output).shape}')",)),
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
    "own_module": Part(
        """\
        class OwnLoss(nn.Module):
            def forward(self, prediction, truth):
                return 2 * F.{function}(prediction, truth)
        """,
        ("the_criterion = OwnLoss()",),
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


def checked(contents: Mapping[str, bytes]) -> Result:
    """What torchlint says of a project that lies in memory."""
    files = MemoryFiles(contents)
    return check(files, list(files.contents), [ROOT], Settings())


def summary(result: Result) -> list[tuple[str, str, str]]:
    """What must not change with the layout: codes, evidence and messages."""
    assert not result.errors, result.errors
    return sorted((finding.code, str(finding.evidence), finding.message) for finding in result.findings)
