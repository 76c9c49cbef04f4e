# mypy: ignore-errors
"""Pictures that nobody drew."""

import torch


def read_image(path):
    return torch.randint(256, (1, 16, 16), dtype=torch.uint8)


def write_png(image, path):
    pass
