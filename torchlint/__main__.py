"""How is torchlint run where its console script is not on the PATH?

For example:

    $ python -m torchlint train.py
"""

from __future__ import annotations

from torchlint.cli import main

if __name__ == "__main__":
    main(prog_name="torchlint")
