"""How long does a cold run take, beside the bare parse of the same files and beside TorchFix?

    python benchmarks/static.py --download                                    # fetches the three default packages
    python benchmarks/static.py --corpus smp=PATH --corpus mine=PATH --rounds 5 --torchfix "torchfix --select ALL"
    python benchmarks/static.py --download --write                            # puts the table into benchmarks/README.md

Every command is a process of its own, and the commands alternate within each round, so that a busy machine slows all of them.
"""

from __future__ import annotations

import argparse
import datetime
import platform
import re
import shlex
import sys
import tempfile
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path

from corpora import DEFAULT, Corpus, download
from measure import Cost, cost, machine, middle

from torchlint import __version__

HERE = Path(__file__).resolve().parent
README = HERE / "README.md"
MARKED = re.compile(r"(<!-- figures -->\n).*(<!-- end of figures -->)", re.DOTALL)
LINT, ALL, TORCH, FIX = "torchlint", "parse of all files", "parse of torch files", "torchfix"
ENDS_WELL = {LINT: (0, 1)}  # 1: findings


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", action="append", default=[], metavar="NAME=PATH", help="measure on this folder; may be given several times")
    parser.add_argument("--download", nargs="*", metavar="PACKAGE", help=f"fetch wheels with pip and measure on them (default: {' '.join(DEFAULT)})")
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="where wheels are kept (default: benchmarks/.cache)")
    parser.add_argument("--rounds", type=int, default=3, help="the median of so many rounds is reported (default: 3)")
    parser.add_argument("--torchfix", metavar="COMMAND", help="how TorchFix is called, without the path; left out where not given")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    chosen = parser.parse_args()
    if chosen.rounds < 1 or not all("=" in each for each in chosen.corpus):
        parser.error("--corpus takes NAME=PATH, and --rounds a number from 1 on")
    if not chosen.corpus and chosen.download is None:
        parser.error("name a folder with --corpus NAME=PATH, or fetch packages with --download")
    return chosen


def commands(corpus: Corpus, torchfix: str | None, lists: Path) -> dict[str, list[str]]:
    """What is measured on one corpus."""
    run = {LINT: [sys.executable, "-m", "torchlint", "--isolated", "--no-progress", corpus.path]}
    for name, files in ((ALL, corpus.files), (TORCH, corpus.torch_files)):
        listing = lists / f"{name}.txt"
        listing.write_text("\n".join(files), encoding="utf-8")
        run[name] = [sys.executable, str(HERE / "bare_parse.py"), str(listing)]
    if torchfix:
        run[FIX] = [*shlex.split(torchfix), corpus.path]
    return run


def measured(corpus: Corpus, torchfix: str | None, rounds: int) -> dict[str, Cost]:
    """The median cost of each command; the one that begins is another in each round."""
    costs: dict[str, list[Cost]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        run = commands(corpus, torchfix, Path(folder))
        names = list(run)
        for number in range(rounds):
            first = number % len(names)
            for name in names[first:] + names[:first]:
                costs[name].append(spent := cost(run[name]))
                print(f"{corpus.name}, round {number + 1}: {name}: {spent.cpu:.2f} s CPU, {spent.wall:.2f} s wall", file=sys.stderr)
                if spent.code not in ENDS_WELL.get(name, (0,)):
                    raise SystemExit(f"{name} ended with exit code {spent.code} on {corpus.name}")
    return {name: middle(each) for name, each in costs.items()}


def table(corpora: dict[str, Corpus], results: dict[str, dict[str, Cost]]) -> str:
    """One row for each command on each corpus, as Markdown."""
    lines = [
        "| corpus | command | files | MB | CPU s | wall s | peak MB | torchlint / this, CPU |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name, result in results.items():
        corpus = corpora[name]
        for command, spent in result.items():
            files, size = (corpus.torch_files, corpus.torch_size) if command == TORCH else (corpus.files, corpus.size)
            ratio = f"{result[LINT].cpu / spent.cpu:.2f}" if command != LINT else ""
            lines.append(
                f"| {corpus.name} | {command} | {len(files)} | {size / 1e6:.2f} | {spent.cpu:.2f} | {spent.wall:.2f} | {spent.peak:.0f} | {ratio} |"
            )
    return "\n".join(lines)


def setting(rounds: int, torchfix: str | None) -> str:
    """When and with what the figures were taken."""
    with_torchfix = f", TorchFix as `{Path(shlex.split(torchfix)[0]).name} {' '.join(shlex.split(torchfix)[1:])}`" if torchfix else ""
    return (
        f"{datetime.date.today().isoformat()}, {machine()}, Python {platform.python_version()}, LibCST {version('libcst')}, "
        f"torchlint {__version__}{with_torchfix}; median of {rounds} round{'s' if rounds > 1 else ''}."
    )


def main() -> None:
    """Measure, print, and write where that is asked for."""
    chosen = arguments()
    folders = dict(each.split("=", 1) for each in chosen.corpus)
    for package in DEFAULT if chosen.download == [] else chosen.download or ():
        folders[package] = str(download(package, chosen.cache))
    corpora = {name: Corpus.at(name, path) for name, path in folders.items()}
    results = {name: measured(corpus, chosen.torchfix, chosen.rounds) for name, corpus in corpora.items()}
    report = f"{setting(chosen.rounds, chosen.torchfix)}\n\n{table(corpora, results)}\n"
    print(report)
    if chosen.write:
        README.write_text(MARKED.sub(lambda match: f"{match[1]}{report}{match[2]}", README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
