"""Programs without an end: that go round, that no parser can take, that would take for ever to follow. Each must be over soon, and in silence.

Each test puts one of them beside train.py, and one mistake into it: both have to be found. The command runs in a process of its own,
with a limit of memory, because such programs can end the process or never end.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command import HEAD, MISTAKE, check_apart, prepare, put


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return prepare(tmp_path, monkeypatch)


# --- programs that go round ------------------------------------------------------------------------------------------------------

ROUND: dict[str, dict[str, str]] = {
    "imports": {"a.py": HEAD + "from b import f\ndef g(): return f()\n" + MISTAKE, "b.py": HEAD + "from a import g\ndef f(): return g()\nf()\n"},
    "imports of itself": {"a.py": HEAD + "import a\nfrom a import *\nfrom a import missing\n" + MISTAKE},
    "star imports": {
        "a.py": HEAD + "from b import *\nnothing(1)\n" + MISTAKE,
        "b.py": "from c import *\n",
        "c.py": "from a import *\nfrom b import *\n",
    },
    "re-exports": {"a.py": HEAD + "from b import x\nx(1)\n" + MISTAKE, "b.py": "from c import x\n", "c.py": "from b import x\n"},
    "packages": {"a/__init__.py": "from .b import x\n", "a/b.py": HEAD + "from . import x\nfrom .. import a\nimport a.b\n" + MISTAKE},
    "relative beyond the top": {"a.py": HEAD + "from ......... import x\nfrom .. import y\nx(y)\n" + MISTAKE},
    "a class from itself": {"a.py": HEAD + "class A(A):\n    def forward(self, x): return super().forward(x)\nA()(1)\n" + MISTAKE},
    "classes from each other": {
        "a.py": HEAD + "class A: pass\nclass B(A): pass\nclass A(B): pass\nclass B(A):\n    def f(self): return super().f()\nB().f()\n" + MISTAKE
    },
    "classes across files": {
        "a.py": HEAD + "from b import B\nclass A(B): pass\nA()(1)\n" + MISTAKE,
        "b.py": HEAD + "from a import A\nclass B(A): pass\nB()(1)\n",
    },
    "bases twice": {"a.py": HEAD + "class A(object, object, nn.Module, nn.Module): pass\nclass B(A, A): pass\nB()(1)\n" + MISTAKE},
    "no order of bases": {"a.py": HEAD + "class X: pass\nclass A(X): pass\nclass B(X, A): pass\nB().f()\n" + MISTAKE},
    "functions": {"a.py": HEAD + "def f(x): return g(x)\ndef g(x): return h(f(x), g(x))\ndef h(*a): return f(h(*a))\nf(1)\n" + MISTAKE},
    "forward": {
        "a.py": HEAD
        + "class A(nn.Module):\n    def __init__(self): self.a = A()\n    def forward(self, x): return self.a(self(self.forward(x)))\nA()(1)\n"
        + MISTAKE
    },
    "modules in each other": {
        "a.py": HEAD
        + "class A(nn.Module):\n    def forward(self, x): return self.other(x)\na, b = A(), A()\na.other, b.other = b, a\na.other.other = a\na(1)\n"
        + MISTAKE
    },
    "a Sequential in itself": {
        "a.py": HEAD + "net = nn.Sequential(nn.Linear(1, 1))\nnet.append(net)\nnet.add_module('me', net)\nnet(1)\nlist(net.modules())\n" + MISTAKE
    },
    "a list in itself": {
        "a.py": HEAD + "x = []\nx.append(x)\nx += x\nx.extend(x)\ntorch.cat(x)\nprint(x[0][0][0])\n[*x, *x]\nd = {}\nd['d'] = d\n" + MISTAKE
    },
    "an object that holds itself": {"a.py": HEAD + "class A: pass\na = A()\na.a = a\na.a.a.a.b = a\n" + MISTAKE},
    "a generator of itself": {"a.py": HEAD + "def f():\n    yield from f()\n    for x in f(): yield x\nfor y in f(): pass\n" + MISTAKE},
    "lambdas": {
        "a.py": HEAD
        + "f = lambda x: f(f(x))\nf(1)\nY = lambda g: (lambda x: g(lambda v: x(x)(v)))(lambda x: g(lambda v: x(x)(v)))\nY(Y)(Y)\n"
        + MISTAKE
    },
    "properties": {
        "a.py": HEAD
        + "class A:\n    @property\n    def a(self): return self.a\n    def __getattr__(self, n): return getattr(self, n + n)\nA().a\nA().b\n"
        + MISTAKE
    },
    "__call__ and __getitem__": {
        "a.py": HEAD
        + "class A:\n    def __call__(self, x): return self(x)\n    def __getitem__(self, i): return self[i]\n"
        + "    def __iter__(self): return iter(self)\nA()(1)\nA()[0]\nfor x in A(): pass\n"
        + MISTAKE
    },
    "__init__ that builds itself": {
        "a.py": HEAD
        + "class A(nn.Module):\n    def __init__(self, d=0):\n        self.c = A(d + 1)\n        self.e = [A(i) for i in range(9)]\nA()\n"
        + MISTAKE
    },
    "decorators": {"a.py": HEAD + "def d(f): return d(f)\n@d\n@d\ndef g(x): return g(x)\ng(1)\n" + MISTAKE},
    "partial of itself": {"a.py": HEAD + "from functools import partial\nf = partial(f, f)\nf = partial(f, f)\nf(f)\n" + MISTAKE},
    "hooks": {
        "a.py": HEAD
        + "net = nn.Linear(1, 1)\ndef hook(m, i, o):\n    m.register_forward_hook(hook)\n    return m(o)\nnet.register_forward_hook(hook)\nnet(1)\n"
        + MISTAKE
    },
    "a global that grows": {"a.py": HEAD + "x = ()\nwhile torch.rand(1) > x:\n    x = (x, x)\n    y = {**y, 'a': x}\n    z = [z, *z]\n" + MISTAKE},
}


@pytest.mark.parametrize("case", ROUND)
def test_programs_that_go_round(folder: Path, case: str) -> None:
    for name, text in ROUND[case].items():
        put(folder, name, text)
    result = check_apart()
    assert result.said("train.py") == ["TL101"]
    wrong = next(name for name, text in ROUND[case].items() if MISTAKE in text)
    assert result.said(wrong) == ["TL101"], result.output
    assert result.exit_code == 1


# --- programs that are too much --------------------------------------------------------------------------------------------------

TOO_MUCH = {
    "brackets": "x = " + "(" * 1_000 + ")" * 1_000,
    "lists": "x = " + "[" * 1_000 + "]" * 1_000,
    "open brackets": "x = " + "(" * 2_000,
    "closing brackets": "x = 1" + ")" * 2_000,
    "calls": "x = " + "f(" * 1_000 + "1" + ")" * 1_000,
    "patterns": "match x:\n    case " + "(" * 200 + "a" + ")" * 200 + ":\n        pass",
    "f-strings": "x = " + "f'{" * 100 + "1" + "}'" * 100,
    "a long chain of additions": "x = " + " + ".join(["1"] * 20_000),
    "a long chain of attributes": "x = a" + ".b" * 20_000,
    "a long chain of calls": "x = a" + ".b()" * 5_000,
    "a long chain of indices": "x = a" + "[0]" * 5_000,
    "a long elif": "if a:\n    pass\n" + "elif b:\n    pass\n" * 5_000,
    "nots": "x = " + "not " * 5_000 + "1",
    "minuses": "x = " + "-" * 5_000 + "1",
    "lambdas": "x = " + "lambda: " * 2_000 + "1",
    "conditional expressions": "x = " + "1 if a else " * 3_000 + "2",
    "nested blocks": "".join("    " * depth + "if a:\n" for depth in range(99)) + "    " * 99 + "pass",
    "more nested blocks": "".join(" " * depth + "if a:\n" for depth in range(1_000)) + " " * 1_000 + "pass",
    "one long line": "x = '" + "a" * 1_900_000 + "'",
    "many names": "\n".join(f"x{number} = nn.Softmax(dim=1)" for number in range(20_000)),
    "a long list": "x = [" + "1, " * 100_000 + "]",
}
READ = {
    "patterns",
    "nested blocks",
    "one long line",
    "f-strings",
    "many names",
    "a long list",
    "more nested blocks",
    "a long elif",
    "lambdas",
    "nots",
    "minuses",
}
"""Which of them may also be read instead of refused."""


@pytest.mark.parametrize("case", TOO_MUCH)
def test_programs_that_are_too_much(folder: Path, case: str) -> None:
    put(folder, "odd.py", HEAD + MISTAKE + TOO_MUCH[case] + "\n")
    result = check_apart()
    assert result.said("train.py") == ["TL101"]
    assert result.said("odd.py") in ([["TL902"]] if case not in READ else [["TL902"], ["TL101"]]), result.output
    assert result.exit_code == 1


COUNTS = """\
def score(rows, said):
    total = 0
    for i in range(rows.size):
        row, hits, extra, lost = rows[i], 0, 0, 0
        for n in range(30):
            if row[n] == 1 and said[i][n] == 1:
                hits += 1
            elif row[n] == 0 and said[i][n] == 1:
                extra += 1
            elif row[n] == 1 and said[i][n] == 0:
                lost += 1
        first = 1 if hits + extra == 0 else hits / (hits + extra)
        second = 1 if hits + lost == 0 else hits / (hits + lost)
        if first + second == 0:
            total += 0
        else:
            total += 2 * first * second / (first + second)
    return total
running = 0
for epoch in range(8):
    for batch in a:
        running += score(batch, x)
"""
EXPLOSIVE = {
    "branches": "\n".join(f"if a.b{number}:\n    x = F.softmax(x, dim=1)\nelse:\n    x = torch.sigmoid(x)" for number in range(40)),
    "choices of objects": "\n".join(f"net{n} = nn.Softmax(dim=1) if a.b{n} else nn.Sigmoid()" for n in range(30))
    + "\n"
    + "x = "
    + "".join(f"net{n}(" for n in range(30))
    + "x"
    + ")" * 30,
    "calls that double": "def f0(x): return x\n" + "\n".join(f"def f{n}(x): return f{n - 1}(f{n - 1}(x))" for n in range(1, 60)) + "\nf59(x)",
    "calls that double with flags": "def f0(x): return x\n"
    + "\n".join(f"def f{n}(x, *, s=None): return f{n - 1}(x) if s.a{n} else f{n - 1}(torch.sigmoid(x))" for n in range(1, 60))
    + "\nf59(x)",
    "loops in loops": "".join("    " * n + f"for i{n} in range(50):\n" for n in range(12)) + "    " * 12 + "x = F.softmax(x, dim=1)",
    "comprehensions in comprehensions": "x = [i" + "".join(f" for i{n} in range(60)" for n in range(12)) + "]",
    "lists that double": "x = [1]\n" + "x = x + x\n" * 60 + "y = [nn.ReLU()] * 10 ** 9\nz = 'a' * 10 ** 10\nw = 10 ** 10 ** 10\nv = 1 << 10 ** 10\n",
    "lists that double in place": "x = [1]\n" + "x += x\nx.extend(x)\n" * 40,
    "dicts that grow": "d = {}\nfor i in range(60):\n    for j in range(60):\n        d[i, j] = d.copy()\n",
    "a wide Sequential": "net = nn.Sequential(*[nn.Sequential(*[nn.Sequential(*[nn.Softmax(1)] * 60)] * 60)] * 60)\nnet(x)\n",
    "methods": "class A:\n"
    + "".join(f"    def m{n}(self): return [{', '.join(f'self.m{m}()' for m in (*range(9), (n * 7 + 1) % 50, (n + 1) % 50))}]\n" for n in range(50))
    + "A().m0()",
    "a long hierarchy": "class A0(nn.Module): pass\n" + "\n".join(f"class A{n}(A{n - 1}): pass" for n in range(1, 800)) + "\nA799()(x)",
    "a wide hierarchy": "class A0(nn.Module): pass\n"
    + "\n".join(f"class A{n}({', '.join(f'A{m}' for m in range(n - 1, -1, -1))}): pass" for n in range(1, 25))
    + "\nA24()(x)",
    "a deep call": "\n".join(f"def f{n}(x): return f{n + 1}(x)" for n in range(3_000)) + "\nf0(x)",
    "strings that double": "x = 'aaaaaaaaaa'\n"
    + "x = x + x\n" * 60
    + "x = x.replace('a', x)\n" * 5
    + "x = '%s%s' % (x, x)\n" * 60
    + "y = x.format(x)\n",
    "numbers that grow": "x = 99999999\n" + "x = x * x\n" * 60,
    "f-strings that double": "x = 'aaaaaaaaaa'\n" + "x = f'{x}{x}'\n" * 60,
    "strings side by side": "x = 'aaaaaaaaaa'\n" + "x = x.replace('a', 'aaaaaaaaaaaa')\n" * 40,
    "long tests": "if "
    + " and ".join(f"a.b{n} == {n}" for n in range(60))
    + ":\n    pass\n"
    + "if not ("
    + " or ".join(f"not (a.b{n} and a.c{n})" for n in range(60))
    + "):\n    pass\n",
    "rounds whose tests hang on one another": "count = 0\nfor n in range(50):\n    count += 1\n    if a.rest[n] not in a.all[-3:] and count > 2:\n"
    + "        count = 0\n",
    "tests that double": "flag = a.x\nfor n in range(60):\n    flag = (flag or a.rest[n]) and (flag or a.y)\nif flag:\n    pass\n",
    "counts that any round may raise": COUNTS,
    "many alternatives in a loss": "\n".join(
        f"if a.b{n}:\n    x{n}, y{n} = F.softmax(x, dim=1), torch.sigmoid(x)\nelse:\n    x{n}, y{n} = x, torch.tanh(x)\nF.cross_entropy(x{n}, y{n})"
        for n in range(30)
    ),
}


@pytest.mark.parametrize("case", EXPLOSIVE)
def test_programs_that_would_take_for_ever_to_follow(folder: Path, case: str) -> None:
    put(folder, "odd.py", HEAD + MISTAKE + "a, x = torch.load('a'), torch.load('x')\n" + EXPLOSIVE[case] + "\n")
    result = check_apart()
    assert result.said("train.py") == ["TL101"]
    assert set(result.said("odd.py")) >= {"TL101"}, result.output
    assert "TL902" not in result.said("odd.py")


@pytest.mark.parametrize("case", ["calls that double", "comprehensions in comprehensions", "a wide Sequential"])
def test_a_statement_that_takes_too_long_hides_nothing_behind_it(folder: Path, case: str) -> None:
    put(
        folder,
        "odd.py",
        HEAD + "a, x = torch.load('a'), torch.load('x')\n" + EXPLOSIVE[case] + "\ndef act(x): return F.softmax(x, dim=1)\n" + MISTAKE,
    )
    result = check_apart()
    assert result.said("odd.py") == ["TL101"]


def test_many_files_that_import_each_other(folder: Path) -> None:
    for number in range(60):
        others = "\n".join(f"from m{other} import *\nimport m{other}" for other in range(60))
        put(folder, f"m{number}.py", f"{HEAD}{others}\nclass C{number}(nn.Module): pass\nundefined{number}(C{number}())\n{MISTAKE}")
    result = check_apart()
    assert len(result.found) == 61


def test_a_long_chain_of_re_exports(folder: Path) -> None:
    put(folder, "m0.py", HEAD + "def act(x): return F.softmax(x, dim=1)\n")
    for number in range(1, 200):
        put(folder, f"m{number}.py", f"from m{number - 1} import act\n")
    put(folder, "user.py", HEAD + "from m199 import act\nact(1)\n" + MISTAKE)
    result = check_apart()
    assert result.said("user.py") == ["TL101"]
