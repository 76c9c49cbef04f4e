"""Does the flow read the YAML files from which a program builds its objects, as Hydra and OmegaConf do?"""

from __future__ import annotations

import pytest
from support.flow import run, words

from torchlint.events import Event, KindRevealed

NETS = """\
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, act="none", inner=None, sizes=()):
        super().__init__()
        self.act, self.inner, self.sizes = act, inner, sizes

    @classmethod
    def soft(cls):
        return cls("softmax")

    def forward(self, x):
        if self.inner is not None:
            x = self.inner(x)
        if self.act == "softmax":
            return torch.softmax(x, 1)
        return torch.log_softmax(x, 1) if self.act == "log" else x
"""
HEAD = "import hydra\nimport torch\nfrom omegaconf import OmegaConf\nfrom torchlint import reveal_kind\nx = torch.load('x.pt')\n"
MAIN = (
    HEAD
    + """
@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg):
    reveal_kind(hydra.utils.instantiate(cfg.model)(x))

main()
"""
)


def revealed(**files: str) -> list[str]:
    """What the program says of its values; file names with `__` for folders and `_yaml` or `_py` at the end."""
    contents = {name.replace("__", "/").replace("_yaml", ".yaml").replace("_py", ".py"): text.encode() for name, text in files.items()}
    told: list[str] = []

    def emit(event: Event) -> None:
        if isinstance(event, KindRevealed):
            told.append(words(event.facts))

    machine = run({path: data for path, data in contents.items() if path.endswith(".py")}, emit, others=contents)
    assert not machine.failures
    return sorted(set(told))


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ("model:\n  _target_: nets.Net\n  act: softmax\n", "probabilities"),
        ("model:\n  _target_: nets.Net\n  act: log\n", "log_probabilities"),
        ("act: softmax\nmodel:\n  _target_: nets.Net\n  act: ${act}\n", "probabilities"),
        ("model:\n  _target_: nets.Net.soft\n", "probabilities"),
        ("model:\n  class: nets.Net\n  params:\n    act: softmax\n", "probabilities"),
        ("model:\n  _target_: nets.Net\n  inner:\n    _target_: torch.nn.Softmax\n    dim: 1\n", "probabilities"),
        ("model:\n  _target_: torch.nn.Sequential\n  _args_: []\n", "unknown"),
        ("model:\n  _target_: ${oc.env:TARGET}\n", "unknown"),
        ("model: 3\n", "unknown"),
        ("model: [\n", "unknown"),
        ("- a\n- list\n", "unknown"),
    ],
)
def test_an_object_is_built_as_its_entry_says(config: str, kind: str) -> None:
    assert revealed(nets_py=NETS, main_py=MAIN, conf__config_yaml=config) == [kind]


def test_the_files_of_the_defaults_list_are_put_in() -> None:
    config = "defaults:\n  - model: soft\n  - _self_\n"
    soft, log = "_target_: nets.Net\nact: softmax\n", "_target_: nets.Net\nact: log\n"
    assert revealed(nets_py=NETS, main_py=MAIN, conf__config_yaml=config, conf__model__soft_yaml=soft, conf__model__log_yaml=log) == [
        "log_probabilities",  # the other file of the group may be chosen on the command line
        "probabilities",
    ]


def test_own_entries_lie_over_those_of_the_defaults_list() -> None:
    config = "defaults:\n  - model: soft\nmodel:\n  act: log\n"
    assert revealed(nets_py=NETS, main_py=MAIN, conf__config_yaml=config, conf__model__soft_yaml="_target_: nets.Net\nact: softmax\n") == [
        "log_probabilities"
    ]


def test_packages_and_overrides() -> None:
    config = "defaults:\n  - override /net@model: soft\n  - experiment: first\n"
    files = {
        "conf__net__soft_yaml": "_target_: nets.Net\nact: softmax\n",
        "conf__experiment__first_yaml": "# @package _global_\nmodel:\n  act: log\n",
    }
    assert revealed(nets_py=NETS, main_py=MAIN, conf__config_yaml=config, **files) == ["log_probabilities"]


def test_a_circle_of_files_ends() -> None:
    assert revealed(nets_py=NETS, main_py=MAIN, conf__config_yaml="defaults:\n  - config\nmodel:\n  _target_: nets.Net\n  act: ${model.act}\n")


def test_partial_and_arguments_of_the_call() -> None:
    program = f"""{HEAD}
cfg = OmegaConf.load('c.yaml')
reveal_kind(hydra.utils.instantiate(cfg.model, act='log')(x))
reveal_kind(hydra.utils.instantiate(cfg.part)()(x))
"""
    config = "model:\n  _target_: nets.Net\n  act: softmax\npart:\n  _target_: nets.Net\n  _partial_: true\n  act: softmax\n"
    assert revealed(nets_py=NETS, main_py=program, c_yaml=config) == ["log_probabilities", "probabilities"]


def test_a_path_that_names_the_file() -> None:
    program = MAIN.replace('version_base=None, config_path="conf", config_name="config"', 'config_path="conf/config.yaml"')
    assert revealed(nets_py=NETS, main_py=program, conf__config_yaml="model:\n  _target_: nets.Net\n  act: log\n") == ["log_probabilities"]


# --- files that a program reads itself -----------------------------------------------------------------------------------------

READ = "import argparse, json, os, yaml\nimport torch\nfrom omegaconf import OmegaConf\nfrom torchlint import reveal_kind\nfrom nets import Net\n"
READ += "from easydict import EasyDict\nx = torch.load('x.pt')\nparser = argparse.ArgumentParser()\n"
BOTH = ["log_probabilities", "probabilities"]
ANY = [*BOTH, "unknown"]
SOFT, LOG = "model:\n  act: softmax\n", "model:\n  act: log\n"


@pytest.mark.parametrize(
    ("reading", "kinds"),
    [
        ("config = yaml.safe_load(open('conf/soft.yaml'))", ["probabilities"]),
        ("config = yaml.load(open(os.path.join('conf', 'soft.yaml')), Loader=yaml.FullLoader)", ["probabilities"]),
        ("config = yaml.safe_load(open(os.path.join(os.path.dirname(__file__), 'conf', 'soft.yaml')).read())", ["probabilities"]),
        ("with open('conf/soft.json') as file:\n    config = json.load(file)", ["probabilities"]),
        ("config = OmegaConf.load('conf/soft.yaml')", ["probabilities"]),
        ("parser.add_argument('--c', default='conf/soft.yaml')\nconfig = yaml.safe_load(open(parser.parse_args().c))", BOTH),
        ("parser.add_argument('--c', default='soft')\nconfig = yaml.safe_load(open(f'conf/{parser.parse_args().c}.yaml'))", BOTH),
        ("parser.add_argument('--c', required=True)\nconfig = yaml.safe_load(open(parser.parse_args().c))", BOTH),
        ("parser.add_argument('--c')\nconfig = OmegaConf.load(os.path.join('conf', parser.parse_args().c))", BOTH),
        ("parser.add_argument('--c')\nconfig = EasyDict(yaml.safe_load(open(parser.parse_args().c)))", BOTH),
        ("parser.add_argument('--c', default='none.yaml')\nconfig = yaml.safe_load(open(parser.parse_args().c))", ANY),
        ("config = yaml.safe_load(open('/conf/soft.yaml'))", ANY),
        ("config = yaml.safe_load(open('conf/broken.txt'))", ANY),
    ],
)  # fmt: skip
def test_files_that_a_program_reads(reading: str, kinds: list[str]) -> None:
    main = f"{READ}{reading}\nreveal_kind(Net(**config['model'])(x))\n"
    files = {"conf__soft_yaml": SOFT, "conf__log_yaml": LOG, "conf/soft.json": '{"model": {"act": "softmax"}}', "conf/broken.txt": "a: [b"}
    assert revealed(main_py=main, nets_py=NETS, **files) == kinds


def test_each_file_goes_with_its_own_name() -> None:
    asked = "if name == 'soft':\n    reveal_kind(Net(**config['model'])(x))\n"
    reading = "parser.add_argument('--c', default='soft')\nname = parser.parse_args().c\nconfig = yaml.safe_load(open(f'conf/{name}.yaml'))\n"
    assert revealed(main_py=READ + reading + asked, nets_py=NETS, conf__soft_yaml=SOFT, conf__log_yaml=LOG) == ["probabilities"]


def test_of_many_files_only_the_default_is_looked_at() -> None:
    others = {f"conf__log{number}_yaml": LOG for number in range(8)}
    reading = "parser.add_argument('--c', default='conf/soft.yaml')\nconfig = yaml.safe_load(open(parser.parse_args().c))\n"
    main = READ + reading + "reveal_kind(Net(**config['model'])(x))\n"
    assert revealed(main_py=main, nets_py=NETS, conf__soft_yaml=SOFT, **others) == ["probabilities"]
