"""Turns the runtime mode on in every Python process below `torchlint run`: Python imports a module of this name when it starts.

The `sitecustomize` that the environment has of its own is run as well.
"""

import importlib.machinery
import importlib.util
import os
import sys


def _run_the_other() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    path = [each for each in sys.path if os.path.abspath(each) != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", path)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


if os.environ.get("TORCHLINT_RUN") and os.environ.get("TORCHLINT_PREFIX") == sys.prefix:  # another Python has another torchlint, or none
    try:
        from torchlint.runtime.child import activate

        activate(os.environ["TORCHLINT_RUN"])
    except Exception as error:  # the program runs all the same
        print(f"torchlint: this process is not watched: {error}", file=sys.stderr)
_run_the_other()
