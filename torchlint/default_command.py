"""How can `torchlint src` and `torchlint explain TL101` both work?

A group with a default command: what does not begin with the name of a command belongs to the default one.

    torchlint src             ->  torchlint check src
    torchlint --select TL1 .  ->  torchlint check --select TL1 .
    torchlint rules           ->  the command `rules`; the folder is `./rules`

The group also turns every way of ending (a wrong option, an error of ours, Ctrl-C, a mistake in torchlint itself) into a message and an
exit code, never into a traceback.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from torchlint.errors import TorchlintError
from torchlint.terminal import complain

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

OWN_FLAGS = ("--help", "-h", "--version")
INTERRUPTED = 130  # as shells have it: 128 + SIGINT


class DefaultGroup(click.Group):
    """A group that falls back to one of its commands."""

    def __init__(self, *args: Any, default: str, **kwargs: Any) -> None:
        kwargs.setdefault("subcommand_metavar", "[PATHS]... | COMMAND [ARGS]...")
        super().__init__(*args, **kwargs)
        self.default = default
        self.no_args_is_help = False

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = bool(args) and (args[0] in self.commands or args[0] in OWN_FLAGS)
        completing_first_word = ctx.resilient_parsing and not args
        if not named and not completing_first_word:
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the options of the default command too: they may be given without its name."""
        command = self.commands[self.default]
        with click.Context(command, parent=ctx, info_name=self.default) as inner:
            rows = [row for row in (param.get_help_record(inner) for param in command.get_params(inner) if isinstance(param, click.Option)) if row]
        own = [row for row in (param.get_help_record(ctx) for param in self.get_params(ctx)) if row]
        names = {name for name, _ in own}
        with formatter.section("Options"):
            formatter.write_dl([row for row in rows if row[0] not in names] + own)
        self.format_commands(ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands and paths for the first word, or the options of the default command."""
        from click.shell_completion import CompletionItem

        found = super().shell_complete(ctx, incomplete)
        if not incomplete.startswith("-"):
            return [CompletionItem(incomplete, type="file"), *found]
        command = self.commands[self.default]
        inner = click.Context(command, parent=ctx, info_name=self.default, resilient_parsing=True)
        known = {item.value for item in found}
        return found + [item for item in command.shell_complete(inner, incomplete) if item.value not in known]

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, standalone_mode: bool = True, **extra: Any) -> Any:  # type: ignore[override]
        """Run, and end with an exit code whatever happens."""
        if not standalone_mode:
            return super().main(args, prog_name, standalone_mode=False, **extra)
        sys.exit(self._exit_code(args, prog_name, **extra))

    def _exit_code(self, args: Sequence[str] | None, prog_name: str | None, **extra: Any) -> int:
        try:
            result = super().main(args, prog_name, standalone_mode=False, **extra)
            return result if isinstance(result, int) else 0
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except TorchlintError as error:
            complain(f"error: {error}")
            return error.exit_code
        except (click.Abort, KeyboardInterrupt):
            return INTERRUPTED
        except Exception as error:
            return _internal_error(error)


def _internal_error(error: Exception) -> int:
    """The last resort: say that it is our mistake, and how to report it."""
    if os.environ.get("TORCHLINT_DEBUG"):
        traceback.print_exc()
    what = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    complain(f"internal error: {what}\nThis is a mistake in torchlint. Please report it, with what TORCHLINT_DEBUG=1 torchlint ... prints.")
    return 2
