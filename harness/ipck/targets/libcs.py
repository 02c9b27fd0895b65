"""This machine's kernel with C libraries that are not installed: those of other Debian suites, any by its folder."""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .. import sysroot
from ..tree import BUILD, ROOT, shown
from .model import Target, Unavailable

_BASELINES = {
    "glibc": {"2.31": "glibc-2.31", "2.36": "host-glibc", "2.41": "glibc-2.41", "2.43": "glibc-2.43"},
    "musl": {"1.2.3": "host-musl", "1.2.5": "musl-1.2.5", "1.2.6": "musl-1.2.6"},
}
"""Which releases we have looked at. One in between is expected to do as the one before it."""


@dataclass(frozen=True, slots=True)
class LibraryInFolder(Target):
    """A C library as it lies in a folder; the tests are built for it when it is chosen, and again when it changed."""

    folder: Path = Path()

    def check(self, build: Path = BUILD) -> None:
        """Build the program, as far as something changed."""
        if build.absolute() == BUILD:
            self._make()
        Target.check(self, build)

    def _make(self) -> None:
        program = shown(self.program())
        if not (ROOT / "Makefile").exists():
            raise Unavailable(f"{program} is built in the source tree of ipck: run it there")
        print(f"ipck: building {program} for {self.folder}", file=sys.stderr, flush=True)
        command = ("make", "--no-print-directory", f"-j{len(os.sched_getaffinity(0))}", program, f"LIBC={self.folder}")
        if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=2, check=False).returncode:
            raise Unavailable(f"the tests cannot be built for {self.folder}: {' '.join(command)} says why")


def _by_folder(argument: str) -> Target:
    """`libc:DIR`."""
    folder = Path(argument).absolute()
    library = sysroot.find(folder)
    plain = re.sub(r"[^A-Za-z0-9]+", "-", folder.name).strip("-")
    name = f"libc-{plain}-{hashlib.sha256(bytes(folder)).hexdigest()[:4]}"
    return LibraryInFolder(
        name, name, f"this kernel, {library.title} in {folder}",
        kind="libcs", baseline=_baseline(library), folder=folder,
    )  # fmt: skip


def _baseline(library: sysroot.Library) -> str:
    """Of the newest release we know that is not newer than LIBRARY."""
    known = {sysroot.number(version): stem for version, stem in _BASELINES[library.name].items()}
    own = sysroot.number(library.version) or max(known)
    return known[max((version for version in known if version <= own), default=min(known))]


def _debian(library: str, version: str, suite: str) -> Target:
    name = f"{library}-{version}"
    return Target(name, name, f"this kernel, {library} {version} of Debian's {suite}", kind="libcs")


TARGETS = (
    _debian("glibc", "2.31", "bullseye"),
    _debian("glibc", "2.41", "trixie"),
    _debian("glibc", "2.43", "sid"),
    _debian("musl", "1.2.5", "trixie"),
    _debian("musl", "1.2.6", "sid"),
)
KINDS: dict[str, Callable[[str], Target]] = {"libc": _by_folder}
