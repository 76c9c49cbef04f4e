"""What can be asked on the command line?

    torchlint [PATHS]            check files, folders and notebooks (the same as `torchlint check`)
    torchlint explain TL101      read about a rule
    torchlint rules              list the rules
    torchlint completion bash    a script for the shell

Exit codes: 0 nothing found, 1 findings, 2 the tool could not do its work, 130 interrupted. Everything but click is imported when it is
needed, so that `torchlint --version` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from torchlint import __version__
from torchlint.default_command import DefaultGroup

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from torchlint.config import Output, Settings
    from torchlint.model import Rule
    from torchlint.session import Outcome

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
STDIN = "-"

HELP = """Follow what the numbers in PyTorch tensors mean (logits, probabilities, log-probabilities, class indices)
through a whole project, and report where a value reaches a loss, an activation or a distribution that means something else.

PATHS are files, folders or notebooks; without any, the current folder is checked, and `-` reads standard input. Folders are walked
without what .gitignore names. `torchlint PATHS` is the same as `torchlint check PATHS`. The name of a command wins over a path of that
name: write `torchlint ./rules` for a folder that is called "rules".

\b
Examples:
  torchlint                                the current folder
  torchlint src train.py notebooks/a.ipynb
  torchlint --select TL1,TL303 src         only these rules: codes, prefixes, names
  torchlint --output-format json src       for programs; also --output-format json=report.json, several at once
  torchlint --output-format sarif src      for code scanning services and editors
  torchlint explain TL101                  why a finding is one, and what to write instead
  eval "$(torchlint completion bash)"      completion for this shell; bash, zsh and fish
"""

EPILOG = """\b
Exit codes:
  0  nothing found (notes of severity info are shown and do not count, see --fail-on)
  1  findings
  2  the work could not be done: wrong usage or settings, a path that is missing, nothing could be read
\b
Settings: [tool.torchlint] in pyproject.toml, or torchlint.toml. A comment `# torchlint: ignore[TL101]` silences a line.
"""


def _selectors(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...] | None:
    """`--select TL1,TL2 --select TL3` as one tuple; None where the option was not given."""
    items = tuple(item.strip() for value in values for item in value.split(",") if item.strip())
    if values and not items:
        raise click.BadParameter("names no rule")
    return items or None


def _patterns(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...] | None:
    return tuple(item.strip() for value in values for item in value.split(",") if item.strip()) or None


def _complete_rule(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from torchlint.rules.registry import ALL

    done, comma, word = incomplete.rpartition(",")
    prefix = done + comma
    wanted = [(value, rule.summary) for rule in ALL for value in (rule.code, rule.name) if value.lower().startswith(word.lower())]
    return [CompletionItem(prefix + value, help=summary) for value, summary in wanted if word or value.startswith("TL")]


def _rule_option(name: str, text: str) -> Callable[[Any], Any]:
    return click.option(name, multiple=True, metavar="RULES", callback=_selectors, shell_complete=_complete_rule, help=text)


def _pattern_option(name: str, text: str) -> Callable[[Any], Any]:
    return click.option(name, multiple=True, metavar="PATTERNS", callback=_patterns, help=text)


@click.group(cls=DefaultGroup, default="check", context_settings=CONTEXT, help=HELP, epilog=EPILOG)
@click.version_option(__version__, prog_name="torchlint", message="%(prog)s %(version)s")
def main() -> None:
    """The root of all commands; see HELP."""


@main.command(epilog=EPILOG)
@click.argument("paths", nargs=-1, type=click.Path())
@_rule_option("--select", "Run these rules only: codes, prefixes or names, comma-separated; ALL for every rule. Replaces what the settings select.")
@_rule_option("--extend-select", "Run these rules besides those selected.")
@_rule_option("--ignore", "Leave these rules out, besides those that the settings leave out.")
@_pattern_option("--exclude", "Leave out what these patterns (as in .gitignore) name, instead of the default ones.")
@_pattern_option("--extend-exclude", "Leave out these patterns too.")
@click.option("--force-exclude", is_flag=True, help="Apply the exclude patterns to PATHS as well (for pre-commit).")
@click.option("--respect-gitignore/--no-respect-gitignore", default=None, help="Leave out what .gitignore names (default: yes).")
@click.option("--show-possible/--no-show-possible", default=None, help="Show findings that hold only where an unknown flag goes one way.")
@click.option("--fail-on", type=click.Choice(["error", "warning", "info", "never"]), help="Least severity that gives exit code 1 (default: warning).")
@click.option("--exit-zero", is_flag=True, help="Give exit code 0 in spite of findings.")
@click.option(
    "--output-format",
    "formats",
    multiple=True,
    metavar="full|concise|json|sarif[=FILE]",
    help="How to report (default: full). May be given several times, with files: --output-format full --output-format json=report.json",
)
@click.option("-o", "--output-file", type=click.Path(dir_okay=False), help="Write the report there instead of to standard output.")
@click.option("--statistics", is_flag=True, help="Add how often each rule was broken.")
@click.option("-q", "--quiet", is_flag=True, help="Print findings only: no summary, no progress, no warnings.")
@click.option("--no-progress", is_flag=True, help="Show no progress bar on long runs.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour (auto: on a terminal, unless NO_COLOR is set).")
@click.option("--config", "config_file", type=click.Path(), help="Read the settings from this file.")
@click.option("--isolated", is_flag=True, help="Read no settings file.")
@click.option("--stdin-filename", type=click.Path(), help="The name of what `-` reads: imports resolve from its folder.")
@click.pass_context
def check(ctx: click.Context, /, paths: tuple[str, ...], **options: Any) -> None:
    """Check files, folders and notebooks (what `torchlint PATHS` does)."""
    paths = paths or (".",)
    _refuse_empty(paths)
    settings = _settings(paths, options)
    outcome = _run(paths, settings, options)
    if not options["quiet"]:
        _warn(paths, outcome)
    _complain_of_missing(ctx, outcome)
    if outcome.targets or not outcome.missing:
        _report(outcome, settings, options)
    code = outcome.exit_code(settings.fail_on)
    ctx.exit(0 if code == 1 and options["exit_zero"] else code)


def _refuse_empty(paths: tuple[str, ...]) -> None:
    """An empty path comes from a variable that is not set: it is not taken for the folder one is in."""
    from torchlint.errors import UsageError

    if "" in paths:
        raise UsageError("one of the paths is empty (to check the folder you are in, give `.`)")


def _settings(paths: tuple[str, ...], options: dict[str, Any]) -> Settings:
    """The settings file with the options on top."""
    from dataclasses import replace

    from torchlint import config
    from torchlint.errors import UsageError

    if options["isolated"] and options["config_file"]:
        raise UsageError("--isolated and --config exclude each other")
    start = (options["stdin_filename"] or ".") if STDIN in paths else paths[0]
    settings = config.override(
        config.load(start, options["config_file"], options["isolated"]),
        select=options["select"],
        extend_select=options["extend_select"] or (),
        ignore=options["ignore"] or (),
        exclude=options["exclude"],
        extend_exclude=options["extend_exclude"],
        show_possible=options["show_possible"],
        fail_on=options["fail_on"],
        respect_gitignore=options["respect_gitignore"],
        outputs=config.parse_outputs(options["formats"], "--output-format") if options["formats"] else None,
    )
    if options["output_file"]:
        here = [output for output in settings.outputs if output.file is None]
        if len(here) != 1:
            raise UsageError("--output-file needs exactly one --output-format without a file of its own")
        settings = replace(settings, outputs=tuple(replace(o, file=o.file or options["output_file"]) for o in settings.outputs))
    return settings


def _run(paths: tuple[str, ...], settings: Settings, options: dict[str, Any]) -> Outcome:
    from torchlint import session
    from torchlint.errors import UsageError
    from torchlint.progress import bar
    from torchlint.terminal import is_terminal

    if STDIN in paths:
        if len(paths) > 1:
            raise UsageError("`-` (standard input) cannot be combined with other paths")
        return session.run_text(sys.stdin.buffer.read(), options["stdin_filename"] or "<stdin>", settings)
    wanted = is_terminal(sys.stderr) and not options["no_progress"] and not options["quiet"]
    with bar(wanted) as progress:
        return session.run(paths, settings, force_exclude=options["force_exclude"], progress=progress)


def _complain_of_missing(ctx: click.Context, outcome: Outcome) -> None:
    from torchlint.spelling import did_you_mean
    from torchlint.terminal import complain

    group = ctx.parent.command if ctx.parent else None
    commands = list(group.commands) if isinstance(group, click.Group) else []
    for path, problem in outcome.missing:
        bare = os.sep not in path and "." not in path
        complain(f"error: {path}: {problem}{did_you_mean(path, commands) if bare else ''}")


def _warn(paths: tuple[str, ...], outcome: Outcome) -> None:
    from torchlint.terminal import complain

    if not outcome.targets and not outcome.missing:
        complain(f"warning: there is no Python file or notebook to check in {', '.join(paths)}")


def _report(outcome: Outcome, settings: Settings, options: dict[str, Any]) -> None:
    """Write every report that was asked for, then the statistics."""
    from torchlint.errors import UsageError
    from torchlint.reporters import full
    from torchlint.terminal import write

    for output in settings.outputs:
        content = _rendered(outcome, output, options)
        if output.file is None:
            write(content)
            continue
        try:
            with open(output.file, "wb") as stream:
                stream.write(content.encode("utf-8", "replace") if isinstance(content, str) else content)
        except OSError as error:
            raise UsageError(f"{output.file}: the report cannot be written: {error.strerror or error}") from None
    if options["statistics"]:
        table = full.statistics(outcome.result)
        if any(output.format in ("json", "sarif") and output.file is None for output in settings.outputs):
            click.echo(table, err=True, nl=False)
        else:
            write(table)


def _rendered(outcome: Outcome, output: Output, options: dict[str, Any]) -> str | bytes:
    from torchlint.reporters import concise, full, json_, sarif
    from torchlint.reporters.text import Paint
    from torchlint.terminal import WIDTH_WITHOUT_TERMINAL, use_color, width

    if output.format == "json":
        return json_.render(outcome.result)
    if output.format == "sarif":
        return sarif.render(outcome.result, outcome.missing, successful=outcome.exit_code("never") != 2)
    to_file = output.file is not None
    paint = Paint(options["color"] == "always" if to_file else use_color(options["color"], sys.stdout))
    if output.format == "concise":
        return concise.render(outcome.result, paint=paint)
    columns = WIDTH_WITHOUT_TERMINAL if to_file else width()
    return full.render(outcome.result, outcome.sources, paint=paint, width=columns, summary=not options["quiet"])


@main.command(
    "run",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    options_metavar="[OPTIONS] SCRIPT|-m MODULE [ARGS]...",
)
@click.option("-m", "as_module", is_flag=True, help="Run a module, as `python -m` does. What comes after its name is for the module.")
@_rule_option("--select", "Judge by these rules only.")
@_rule_option("--extend-select", "Judge by these rules besides those selected.")
@_rule_option("--ignore", "Leave these rules out.")
@click.option("--every", type=click.IntRange(1), default=50, show_default=True, help="Look at each N-th step of the optimizer; 1 looks at all.")
@click.option("--warmup", type=click.IntRange(0), default=20, show_default=True, help="Look at all of the first N steps.")
@click.option("--raise", "raises", is_flag=True, help="Raise an exception at the first finding, where it happens.")
@click.option("--fail", is_flag=True, help="Give exit code 1 where there were findings, whatever the program gives.")
@click.option("--fail-on", type=click.Choice(["error", "warning", "info", "never"]), help="Least severity that counts for --fail (default: warning).")
@click.option("--output-format", "formats", multiple=True, metavar="full|concise|json|sarif[=FILE]", help="How to report (default: full).")
@click.option("-o", "--output-file", type=click.Path(dir_okay=False), help="Write the report there instead of to standard error.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing while the program runs, and nothing at its end if nothing was found.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour (auto: on a terminal, unless NO_COLOR is set).")
@click.option("--config", "config_file", type=click.Path(), help="Read this settings file instead of the nearest one.")
@click.option("--isolated", is_flag=True, help="Read no settings file.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="")
@click.pass_context
def run_(ctx: click.Context, /, as_module: bool, words: tuple[str, ...], **options: Any) -> None:
    """Run a program and look at its real tensors.

    The program runs as it would by itself, in all its processes, and ends with its own exit code. At the end, also after an exception or Ctrl-C, what
    was found is reported on standard error. Needs torch.

    \b
    torchlint run train.py --epochs 3
    torchlint run -m package.train
    torchlint run --every 1 --output-format sarif=runtime.sarif train.py
    """
    from torchlint import running

    module, arguments = (words[0], words[1:]) if as_module and words else (None, words)
    ctx.exit(running.run(module, arguments, options))


@main.command()
@click.argument("rule", metavar="CODE|NAME", shell_complete=_complete_rule)
def explain(rule: str) -> None:
    """Show what a rule says, why, and what to write instead."""
    from torchlint.pages import explanation
    from torchlint.terminal import is_terminal, use_color, width, write

    text = explanation(_find_rule(rule))
    if not is_terminal(sys.stdout) and not use_color("auto", sys.stdout):
        write(text)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(width=min(width(), 110), no_color=not use_color("auto", sys.stdout), force_terminal=True)
    with console.capture() as rendered:
        console.print(Markdown(text, code_theme="ansi_dark"))
    write(rendered.get())


def _find_rule(code_or_name: str) -> Rule:
    from torchlint.errors import UsageError
    from torchlint.rules.registry import ALL, by_code
    from torchlint.spelling import did_you_mean

    found = by_code(code_or_name)
    if found is None:
        guess = did_you_mean(code_or_name, [word for rule in ALL for word in (rule.code, rule.name)])
        raise UsageError(f"there is no rule `{code_or_name}`{guess}\n`torchlint rules` lists them.")
    return found


@main.command()
@click.option("--output-format", type=click.Choice(["full", "json"]), default="full", help="A table for people, or JSON.")
def rules(output_format: str) -> None:
    """List the rules."""
    from torchlint.rules.registry import ALL
    from torchlint.terminal import write

    if output_format == "json":
        import msgspec

        rows = [{"code": r.code, "name": r.name, "severity": r.severity.value, "default": r.default, "summary": r.summary, "url": r.url} for r in ALL]
        write(msgspec.json.format(msgspec.json.encode(rows), indent=1) + b"\n")
        return
    widest = max(len(rule.name) for rule in ALL)
    for rule in ALL:
        state = "" if rule.default else " (opt-in)"
        write(f"{rule.code}  {rule.name:<{widest}}  {rule.severity.value:<7}  {rule.summary}{state}\n")


@main.group(hidden=True)
def debug() -> None:
    """For those who work on torchlint."""


@debug.command()
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--output-format", type=click.Choice(["full", "json"]), default="full", help="Lines for people, or JSON.")
@click.pass_context
def kinds(ctx: click.Context, paths: tuple[str, ...], output_format: str) -> None:
    """Show, for each loss call, what is known of its arguments and where the rest was lost."""
    from torchlint import config, session
    from torchlint.reporters import kinds as report
    from torchlint.terminal import complain, write

    paths = paths or (".",)
    _refuse_empty(paths)
    known, missing = session.survey(paths, config.load(paths[0], None, False))
    for path, problem in missing:
        complain(f"error: {path}: {problem}")
    write(report.render_json(known) if output_format == "json" else report.render(known))
    ctx.exit(2 if missing else 0)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that completes commands, options and rules.

    \b
    bash:  eval "$(torchlint completion bash)"       in ~/.bashrc
    zsh:   eval "$(torchlint completion zsh)"        in ~/.zshrc
    fish:  torchlint completion fish | source        in ~/.config/fish/config.fish
    """
    from click.shell_completion import get_completion_class

    from torchlint.terminal import write

    found = get_completion_class(shell)
    if found is not None:
        write(found(main, {}, "torchlint", "_TORCHLINT_COMPLETE").source() + "\n")
