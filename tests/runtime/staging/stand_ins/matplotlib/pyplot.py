# mypy: ignore-errors
"""Plots that nobody sees."""

import numpy as np


class _Nothing:
    def __call__(self, *args, **kwargs):
        return self

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self


def subplots(rows=1, columns=1, **kwargs):
    axes = np.empty((rows, columns), dtype=object)
    axes[:] = _Nothing()
    return _Nothing(), axes if rows > 1 else axes[0]


def __getattr__(name):
    return _Nothing()
