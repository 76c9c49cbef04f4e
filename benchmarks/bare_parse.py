"""What does it cost to read these files and parse them with LibCST, and nothing else?

    python benchmarks/bare_parse.py LIST      # LIST: a text file with one path a line

The floor that torchlint is measured against. Garbage collection is off, as it is in torchlint; trees are dropped as soon as they are made.
"""

from __future__ import annotations

import gc
import sys

import libcst


def main(listing: str) -> None:
    """Parse every file of the list; what LibCST refuses is passed over."""
    gc.disable()
    with open(listing, encoding="utf-8") as stream:
        paths = stream.read().splitlines()
    for path in paths:
        with open(path, "rb") as stream:
            data = stream.read()
        try:
            libcst.parse_module(data)
        except Exception as error:
            print(f"{path}: {type(error).__name__}", file=sys.stderr)


if __name__ == "__main__":
    sys.setrecursionlimit(20_000)
    main(sys.argv[1])
