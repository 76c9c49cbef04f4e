# mypy: ignore-errors
from . import datasets, io, transforms, utils

__all__ = ["datasets", "io", "transforms", "utils"]
