"""Which programs are the benchmarks run on?

    Corpus.at("smp", "site-packages/segmentation_models_pytorch")     # a folder that is there
    download("transformers", "~/.cache/...")                         # a wheel from the package index, unpacked

Nothing is fetched unless `download` is called.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from torchlint.config import Settings
from torchlint.walk import walk

DEFAULT = ("segmentation-models-pytorch", "mmdet", "transformers")


@dataclass(frozen=True, slots=True)
class Corpus:
    """A folder of Python files. files: what torchlint checks in it; torch_files: those of them that mention torch; size: bytes of all of them."""

    name: str
    path: str
    files: tuple[str, ...]
    torch_files: tuple[str, ...]
    size: int
    torch_size: int

    @classmethod
    def at(cls, name: str, path: str) -> Corpus:
        """Look at a folder. Reading every file here also brings it into the page cache, for all the commands alike."""
        walked = walk([path], Settings(base=path))
        if walked.missing:
            raise SystemExit(f"{name}: {path}: {walked.missing[0][1]}")
        files = tuple(file for file in walked.files if file.endswith(".py"))
        sizes = {file: len(data) for file in files if b"torch" in (data := Path(file).read_bytes())}
        everything = sum(Path(file).stat().st_size for file in files)
        return cls(_with_version(name, path), path, files, tuple(sizes), everything, sum(sizes.values()))


def _with_version(name: str, path: str) -> str:
    """The name with the version that a *.dist-info folder beside the code tells."""
    wanted = name.replace("-", "_").lower()
    for folder in Path(path).glob("*.dist-info"):
        package, _, version = folder.name.removesuffix(".dist-info").partition("-")
        if package.lower() == wanted:
            return f"{name} {version}"
    return name


def download(package: str, cache: Path) -> Path:
    """The newest wheel of a package, unpacked in a folder of `cache`; taken from there when it is there already."""
    folder = cache / package
    if folder.is_dir():
        return folder
    wheels = cache / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(wheels), package]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    stem = package.replace("-", "_").lower()
    (wheel,) = (each for each in wheels.glob("*.whl") if each.name.lower().startswith(f"{stem}-"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder
