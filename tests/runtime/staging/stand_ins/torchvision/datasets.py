# mypy: ignore-errors
"""Data sets of a few random images."""

import torch
from torch.utils.data import Dataset


class _Images(Dataset):
    count = 12
    shape = (1, 28, 28)
    labels = 10

    def __init__(self, root, split=None, train=True, download=False, transform=None, target_transform=None):
        self.images = torch.rand(self.count, *self.shape)
        self.targets = torch.arange(self.count) % self.labels
        self.classes = [str(number) for number in range(self.labels)]
        self.transform, self.target_transform = transform, target_transform

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        image, label = self.images[index], int(self.targets[index])
        image = self.transform(image) if self.transform is not None else image
        return image, self.target_transform(label) if self.target_transform is not None else label


class MNIST(_Images):
    pass


class FashionMNIST(_Images):
    pass


class KMNIST(_Images):
    pass


class EMNIST(_Images):
    """The letters are numbered from 1."""

    count = 24
    labels = 26

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.targets = self.targets + 1


class CIFAR10(_Images):
    shape = (3, 32, 32)


class GTSRB(_Images):
    shape = (3, 40, 40)
    labels = 43


class ImageFolder(_Images):
    shape = (3, 80, 80)
    labels = 2
