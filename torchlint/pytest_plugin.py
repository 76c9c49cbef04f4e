"""How do tests run under the runtime mode?

    $ pytest --torchlint              # a test in which a loss gets what it does not take fails, with the finding

    @pytest.mark.torchlint(expect="TL101")     # this one fails if the finding does not come
    @pytest.mark.torchlint(ignore="TL601")     # this one does not fail because of it

pytest loads this module wherever torchlint is installed, so it imports nothing: all else is in `pytest_session`, and torch is imported only where
the option is given.
"""

from __future__ import annotations

from importlib.util import find_spec

import pytest

MARKER = "torchlint(expect=..., ignore=...): codes, prefixes or names of torchlint's rules that must be found in this test, or do not matter in it"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--torchlint`, and the settings of the same name."""
    group = parser.getgroup("torchlint")
    group.addoption("--torchlint", action="store_true", help="fail tests in which torchlint finds something on the live tensors")
    parser.addini("torchlint", "run all tests under torchlint, as --torchlint does", type="bool", default=False)
    parser.addini("torchlint_select", "codes, prefixes or names of torchlint's rules: these instead of the default ones", type="args", default=[])
    parser.addini("torchlint_ignore", "codes, prefixes or names of torchlint's rules that do not matter", type="args", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and begin where that was asked for."""
    config.addinivalue_line("markers", MARKER)
    if not (config.getoption("torchlint") or config.getini("torchlint")):
        return
    if find_spec("torch") is None:
        raise pytest.UsageError("--torchlint: torch is not installed, so there is nothing to look at: pip install torchlint[runtime]")
    from torchlint.errors import ConfigError
    from torchlint.pytest_session import Session

    try:
        config.pluginmanager.register(Session(config), "torchlint-session")
    except ConfigError as error:
        raise pytest.UsageError(str(error)) from None
