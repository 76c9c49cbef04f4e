"""How does text become a LibCST tree without ever taking the process down?"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from torchlint.errors import UnreadableFile

if TYPE_CHECKING:
    import libcst


def parse(path: str, text: str) -> libcst.Module:
    """Parse a program. Raises UnreadableFile."""
    import libcst

    collecting = gc.isenabled()
    gc.disable()
    try:
        return libcst.parse_module(text)
    except libcst.ParserSyntaxError as error:
        raise UnreadableFile(path, f"syntax error: {error.message}", error.raw_line, error.raw_column + 1) from None
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise UnreadableFile(path, f"cannot be parsed: {error}") from None
    finally:
        if collecting:
            gc.enable()
