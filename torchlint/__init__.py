"""torchlint follows what the numbers in PyTorch tensors mean, and reports where a value reaches a place that means something else.

    $ torchlint train.py
    train.py:12:8: error[TL101] softmax-before-cross-entropy
    ...

The command is the interface: see `torchlint --help`. This package re-exports nothing but its version.
"""

__version__ = "0.1.0"
