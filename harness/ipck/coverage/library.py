"""A C library that counts: objects that are linked with the tests before the library's own."""

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import IpckError
from ..targets import Target
from ..tree import BUILD, ROOT, shown
from .objects import Objects

LIBRARIES = ("musl",)
"""Those that scripts/build-NAME compiles so."""
_OBJECT = "counted.o"


@dataclass(frozen=True, slots=True)
class LibraryObjects(Objects):
    """Those of the library."""

    called: str = ""

    def whole(self, name: str) -> bool:
        """Whether it is one of the files that were compiled, not a header."""
        return name.startswith("src/") and name.endswith(".c")

    def flags(self) -> str:
        """How they were optimized."""
        return self._text(self.folder / "flags")

    def library(self) -> str:
        """Its name and version."""
        return f"{self.called} {self._text(self.source / 'VERSION')}"

    def machine(self) -> str:
        """What they were compiled for."""
        return platform.machine()

    def release(self) -> str:
        """The version of the kernel that carries out the calls."""
        return platform.release()

    @staticmethod
    def _text(path: Path) -> str:
        try:
            return path.read_text("utf-8").strip()
        except OSError as error:
            raise IpckError(f"{shown(path)}: cannot be read: {error.strerror}") from None


def target(name: str) -> Target:
    """The tests with the library NAME, of which all that is compiled so counts; they send its counters."""
    return Target(
        "coverage", f"{name}-coverage", f"this kernel, {name} that counts its lines",
        prefix=("env", "ipck_counters=*"), baseline=f"host-{name}", judges_tools=False,
    )  # fmt: skip


def built(name: str, source: Path | None, build: Path, programs: Sequence[str]) -> LibraryObjects:
    """Have PROGRAMS linked with the library NAME of the tree SOURCE, or Debian's; IpckError when it cannot be done."""
    folder = target(name).program(build).parent / "libc"
    if build.absolute() == BUILD:
        _make(name, source, programs)
    if not (folder / _OBJECT).exists():
        raise IpckError(f"{shown(folder / _OBJECT)} is not built: see scripts/build-{name}")
    return LibraryObjects(folder, (folder / "source").resolve(), name)


def _make(name: str, source: Path | None, programs: Sequence[str]) -> None:
    if not (ROOT / "Makefile").exists():
        raise IpckError(f"the tests are linked with {name} in the source tree of ipck: run it there")
    goals = [shown(replace(target(name), tool=program).program()) for program in programs]
    settings = [f"{name.upper()}={source.absolute()}"] if source else []
    command = ("make", "--no-print-directory", f"-j{len(os.sched_getaffinity(0))}", *goals, *settings)
    print(f"ipck: building {' and '.join(goals)}", file=sys.stderr, flush=True)
    if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=2, check=False).returncode:
        raise IpckError(f"there is no {name} to measure: the lines above say why")
