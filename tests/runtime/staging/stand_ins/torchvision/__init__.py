from torchvision import datasets, io, transforms, utils

__all__ = ["datasets", "io", "transforms", "utils"]
