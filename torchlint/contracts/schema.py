"""What may be said of a callable, and in which words?

Contracts are data. This module is their grammar; torchlint/contracts/*.toml are the sentences, and a user's
`[[tool.torchlint.call]]` tables in pyproject.toml are read by the same grammar:

    [[call]]
    name = ["torch.softmax", "torch.nn.functional.softmax", "torch.Tensor.softmax"]
    params = ["input", "dim", "dtype"]
    gives = "probabilities"
    needs = ["dim"]
    saves = ["output"]

    [[module]]
    name = "torch.nn.Softmax"
    params = ["dim"]
    call = "torch.nn.functional.softmax"

Anything that would need code is a rule or belongs to the flow, not here.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from torchlint.model import Kind

Constant = bool | int | float | str | None
"""A default value, as TOML can write it; the string "none" stands for None."""

Saved = Literal["input", "output"]
"""What autograd may keep of a call for its backward pass."""

Domain = Literal[
    "unit_interval",  # each in [0, 1]
    "signs",  # -1 or 1
    "class_index",  # whole numbers from 0 to one less than the classes of the input, or the ignore_index
    "distribution",  # rows that are not negative and sum to 1 (where they are floating)
    "row_index",  # whole numbers that number the rows of another parameter
]
"""Which values a parameter takes, as the runtime mode can see; broken by values, not by meaning."""

Effect = Literal[
    "add_child",  # Module.add_module(name, module)
    "append",  # ModuleList.append
    "extend",  # ModuleList.extend
    "insert",  # ModuleList.insert
    "children",  # iterates over the modules inside
    "named_children",  # ... with their names
    "modules",  # iterates over the module and all inside, at any depth
    "named_modules",
    "forward_hook",  # register_forward_hook(hook)
    "forward_pre_hook",
    "backward_hook",  # the legacy register_backward_hook
    "full_backward_hook",  # register_full_backward_hook and its _pre_ sister
    "call_first",  # calls its first parameter with the rest (checkpoint)
    "call_with",  # calls its first parameter with its second, a tuple of which is spread (data_parallel)
    "functional_call",  # the same, with weights of its own in between
    "no_grad",  # a context or decorator under which nothing needs backward
    "evaluate",  # Module.eval()
    "train",  # Module.train(mode=True)
    "namespace",  # makes an object whose attributes are the entries of a dict, or keyword arguments
    "hydra_main",  # decorates the function that gets the configuration of some YAML files
    "instantiate",  # builds what a configuration names by `_target_`
    "load_yaml",
    "read_data",  # reads a YAML or JSON file that is open
    "save",  # keeps its first parameter under the name that is its second
    "load",  # gives what was kept under a name, where that was a module
    "parser",  # makes a parser of command-line options
    "add_option",
    "set_options",  # sets defaults of options
    "commands",  # gives what holds the sub-commands of a parser
    "add_command",  # adds a sub-command, whose parser it gives
    "parsed",  # gives an object whose attributes are the options
    "parsed_known",  # ... in a pair
    "same_parser",  # gives the parser itself
]
"""What a call does to the program rather than to a tensor; the flow has one handler for each word."""

LossFamily = Literal[
    "cross_entropy",  # input logits (N, C, ...), target class indices or probabilities
    "nll",  # input log-probabilities (N, C, ...), target class indices
    "bce",  # input in [0, 1], target of the same shape, floating
    "bce_with_logits",  # input logits, target of the same shape, floating
    "sigmoid_inside",  # input logits, to which the loss applies sigmoid itself; says nothing of the target (focal, dice ...)
    "softmax_inside",  # input logits, to which the loss applies softmax itself; says nothing of the target
    "soft_margin",  # input logits, computes with integer targets too
    "ctc",  # input log-probabilities of each frame, target sequences of class indices
    "kl_div",  # input log-probabilities, target probabilities (or log-probabilities with log_target)
    "distance",  # two tensors of one shape: mse, l1, huber ...
    "other",
]


class Takes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one parameter accepts. kinds: right kinds, empty for any. dtype: "floating", "int64", ...; empty for any.

    unless: a parameter with which the values do not matter when it is given (bernoulli(input, p): only the shape of the input counts)
    domain: which values
    of: the parameter whose classes or rows an index numbers; along: the parameter that says along which axis (default: the first)
    """

    kinds: tuple[Kind, ...] = ()
    dtype: tuple[str, ...] = ()
    unless: str | None = None
    domain: tuple[Domain, ...] = ()
    of: str | None = None
    along: str | None = None


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The family that a loss belongs to where its settings have these values: DiceLoss(sigmoid=True) takes logits."""

    when: dict[str, Constant]
    loss: LossFamily


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One callable, under all its names. Parameters are named as in its signature; a method's `self` is its first parameter.

    params      parameter names in positional order; a trailing "*" marks the rest as keyword-only. Positional arguments beyond them belong
                to a variadic parameter, the last before the "*" (zeros(2, 3): ["size", "*", "dtype"])
    defaults    the constant defaults that matter (reduction = "mean")
    takes       per parameter: what it accepts
    gives       kind of the result; "same" = kind of parameter `of`; "self" = the object itself (methods of modules and lists);
                absent = a tensor of unknown kind
    of          the parameter whose facts pass on with "same", "converts", dtype "same" and view storage; default: the first
    converts    result kind by the kind of `of` (log: probabilities -> log_probabilities); a kind that is not listed, and unknown, falls to
                `gives` (exp: gives nonnegative), or to unknown where there is no `gives`
    mixes       the parameter whose rows a matrix product mixes: probabilities times rows of probabilities are probabilities, a product with a
                learnable weight or with raw scores gives raw scores (bmm: "mat2")
    returns     the call gives a tuple; the kind of each entry ("same", a kind or "unknown")
    returns_if  ... only when this parameter is given (torch.max with dim)
    dtype       dtype of the result: a name ("int64", "bool", "float32"), "same", or "of:<parameter>" = the dtype of that parameter's value
                (torch.full: "of:fill_value")
    casts       an argument that is a dtype, a tensor type name, or another tensor's dtype sets the dtype of the result (.to, .type, dtype=)
    storage     "fresh" (default), "view" (may share storage with `of`), "inplace" (writes `of` and returns it), "perhaps" (shares it or not by what
                nothing is known of here, as the strides of the tensor)
    inplace     the parameter that makes it write in place when true (F.relu(x, inplace=True))
    idempotent  applying it to its own result changes nothing (relu)
    keeps_positive  positive numbers pass unchanged and negative ones do not become positive, so that a ReLU behind it undoes it (leaky_relu)
    saves       what its backward needs: "input", "output"
    saves_inplace  ... when `inplace` makes it write in place; absent = the same as `saves`
    parameters  it owns learnable weights: its result requires grad
    metadata    it reads shape, dtype or device only, never values
    needs       parameters that must be written though they have a deprecated default (dim)
    threshold   the number at which it divides its input in two (round: 0.5), or the parameter that holds that number (gt: "other")
    numpy       the result leaves torch but shares memory (numpy())
    loss        the family of a loss; then `takes` speaks of "input" and "target"
    cases       ... where settings decide the family: the first case whose settings are all known and equal; none: `loss`
    roles       ... which parameters are its "input" and "target", where they are called otherwise
    alike       parameters whose tensors must have one shape, because others are broadcast in silence
    class_axis  the axis of a loss's input that holds the classes; an input with one axis holds nothing else
    over        the parameter that names the axis over which it normalises (softmax: "dim")
    blank       what it makes means nothing until it is written (zeros, empty): it takes the kind of what is put into it
    fills       the parameter that is written into a blank tensor: where it is the number 1, the result is one-hot (scatter)
    module      the nn module that does the same, as to be written in nn.Sequential: "nn.ReLU()"
    effect      what it does to the program (register a hook, add a child module, call its first parameter)
    like        behaves as the contract of that name (for user contracts); other fields override
    source      documentation page
    """

    name: str | tuple[str, ...]
    params: tuple[str, ...] = ()
    defaults: dict[str, Constant] = msgspec.field(default_factory=dict)
    takes: dict[str, Takes] = msgspec.field(default_factory=dict)
    gives: str | None = None
    of: str | None = None
    converts: dict[Kind, Kind] = msgspec.field(default_factory=dict)
    mixes: str | None = None
    returns: tuple[str, ...] = ()
    returns_if: str | None = None
    dtype: str | None = None
    casts: bool = False
    storage: Literal["fresh", "view", "inplace", "perhaps"] = "fresh"
    inplace: str | None = None
    idempotent: bool = False
    keeps_positive: bool = False
    saves: tuple[Saved, ...] = ()
    saves_inplace: tuple[Saved, ...] | None = None
    parameters: bool = False
    metadata: bool = False
    needs: tuple[str, ...] = ()
    threshold: float | str | None = None
    numpy: bool = False
    loss: LossFamily | None = None
    cases: tuple[Case, ...] = ()
    roles: dict[Literal["input", "target"], str] = msgspec.field(default_factory=dict)
    alike: tuple[str, ...] = ()
    class_axis: int = 1
    over: str | None = None
    blank: bool = False
    fills: str | None = None
    module: str | None = None
    effect: Effect | None = None
    like: str | None = None
    source: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,) if isinstance(self.name, str) else self.name

    @property
    def passes_on(self) -> str:
        """The parameter whose facts the result inherits."""
        return self.of or (self.params[0] if self.params else "input")

    def saved(self, inplace: bool) -> tuple[Saved, ...]:
        """What backward needs, by whether the call wrote in place."""
        return self.saves if not inplace or self.saves_inplace is None else self.saves_inplace

    @property
    def short_name(self) -> str:
        """How a message names it: "softmax", "cross_entropy"."""
        return self.names[0].rsplit(".", 1)[-1]


class Forward(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a module's forward does, where no functional of torch does the same (Linear, Conv2d, LSTM). Fields as in Call."""

    params: tuple[str, ...] = ("input",)
    takes: dict[str, Takes] = msgspec.field(default_factory=dict)
    gives: str | None = None
    converts: dict[Kind, Kind] = msgspec.field(default_factory=dict)
    returns: tuple[str, ...] = ()
    storage: Literal["fresh", "view", "inplace"] = "fresh"
    dtype: str | None = None
    saves: tuple[Saved, ...] = ()
    parameters: bool = False
    loss: LossFamily | None = None
    cases: tuple[Case, ...] = ()
    roles: dict[Literal["input", "target"], str] = msgspec.field(default_factory=dict)


class Module(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A class whose instances are called.

    params     constructor parameters in positional order; defaults as in Call
    call       name of the function its forward equals; constructor arguments reach the function's parameters of the same name
    forward    ... or what its forward does, inline
    container  "sequential", "list" or "dict" of modules
    wraps      the constructor parameter that holds the module which calls pass on to (DataParallel: "module")
    tensors    constructor parameters that may rightly be tensors (weight, pos_weight)
    """

    name: str | tuple[str, ...]
    params: tuple[str, ...] = ()
    defaults: dict[str, Constant] = msgspec.field(default_factory=dict)
    call: str | None = None
    forward: Forward | None = None
    container: Literal["sequential", "list", "dict"] | None = None
    wraps: str | None = None
    tensors: tuple[str, ...] = ()
    like: str | None = None
    source: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,) if isinstance(self.name, str) else self.name


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Functions or classes of a library that build a whole network.

    params    constructor parameters in positional order
    gives     kind of the network's output as built
    gives_by  ... where a constructor argument decides it: parameter -> value (written as text, "none" for None or absent) -> kind
    fields    attributes of the output, where that is an object with the kinds of its parts (logits)
    keys      ... the same for an output that is a dict
    heads     attributes whose replacement decides the output ("fc", "classifier"); the last element of a Sequential head decides
    layers    for a network whose layers are looked at one by one: attribute -> element types in order, such as
              layers.features = ["Conv2d", "ReLU(inplace=True)", "MaxPool2d", ...]; "norm5=BatchNorm2d" gives the child's name, Module is any
    then      what runs in place right after an attribute's output: then.features = "torch.nn.functional.relu_"
    """

    name: str | tuple[str, ...]
    params: tuple[str, ...] = ()
    gives: Kind | None = None
    gives_by: dict[str, dict[str, Kind]] = msgspec.field(default_factory=dict)
    fields: dict[str, Kind] = msgspec.field(default_factory=dict)
    keys: dict[str, Kind] = msgspec.field(default_factory=dict)
    heads: tuple[str, ...] = ()
    layers: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    then: dict[str, str] = msgspec.field(default_factory=dict)
    source: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,) if isinstance(self.name, str) else self.name


class Wrapper(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A function or method that hands back what it was given (torch.compile, accelerator.prepare).

    passes: the parameter it hands back, several for a tuple of them, or "all" for a tuple of all. params leave a method's `self` out.
    """

    name: str | tuple[str, ...]
    params: tuple[str, ...] = ()
    passes: str | tuple[str, ...] = "all"
    source: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,) if isinstance(self.name, str) else self.name


class Handover(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A function, class or method of a library that is given a network, and a loss or methods of the user's, and runs them out of sight.

    Or one that is given a function of the user's.

    params   parameters in positional order; a method's `self` is left out
    model    the parameter that holds the network; a class is built first; None: a base class of networks whose methods the library calls
    loss     the parameter that holds the loss, called with the network's output and a target
    default  ... the loss where none is given
    applies  what the library applies to the output before a loss of that class: {"torch.nn.NLLLoss" = "torch.log"}
    methods  methods that the library calls with arguments of its own: of the project's class that derives from this one, which get the network
             too, or (with `model` in a method of the library) of the network itself
    ends     ... method -> the methods that are called behind it, at the end of an epoch, with a list of what it gave where they ask for that
    runs     the parameter that holds a function of the user's, which is called (threads, processes)
    args     ... the parameter with the tuple of its arguments, or "*" where they stand behind the function in the call itself
    kwargs   ... the parameter with the dict of its keyword arguments
    each     ... the parameter with an iterable, of which each entry is the one argument
    own      ... how many arguments the library puts before them (the rank of a process)
    source   documentation page
    """

    name: str | tuple[str, ...]
    params: tuple[str, ...] = ()
    model: str | None = None
    loss: str | None = None
    default: str | None = None
    applies: dict[str, str] = msgspec.field(default_factory=dict)
    methods: tuple[str, ...] = ()
    ends: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    runs: str | None = None
    args: str | None = None
    kwargs: str | None = None
    each: str | None = None
    own: int = 0
    source: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,) if isinstance(self.name, str) else self.name


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One contract file. aliases: name prefix -> canonical prefix. dtypes: qualified name -> dtype. constants: qualified name -> its value.

    nodes: node of the autograd graph -> the function that it is the backward of
    axes: ... -> the axis along which the values that it made belong together: a number, the attribute of the node that holds it, "same" for the
    axis of what it was made from, "last" where only a last axis stays what it is
    """

    schema: Literal[1]
    aliases: dict[str, str] = msgspec.field(default_factory=dict)
    dtypes: dict[str, str] = msgspec.field(default_factory=dict)
    constants: dict[str, bool | int | float | str] = msgspec.field(default_factory=dict)
    nodes: dict[str, str] = msgspec.field(default_factory=dict)
    axes: dict[str, int | str] = msgspec.field(default_factory=dict)
    call: tuple[Call, ...] = ()
    module: tuple[Module, ...] = ()
    model: tuple[Model, ...] = ()
    wrapper: tuple[Wrapper, ...] = ()
    handover: tuple[Handover, ...] = ()
