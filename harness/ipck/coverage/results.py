"""coverage.json, coverage-libc.json: which lines of a kernel or a library were executed. The schema is that of Data."""

import json
from dataclasses import dataclass
from pathlib import Path

from ..errors import IpckError
from ..records import decode, encode, parse
from ..tree import shown
from .campaign import Ran
from .reasons import Line

SCHEMA = 1
KERNEL, LIBRARY = "coverage", "coverage-libc"
"""Names of their files without .json. Folders of these names have lcov's pages, and what they are made of."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Two numbers each: how many were executed, and how many there are."""

    lines: tuple[int, ...] = (0, 0)
    functions: tuple[int, ...] = (0, 0)
    branches: tuple[int, ...] = (0, 0)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            _add(self.lines, other.lines), _add(self.functions, other.functions), _add(self.branches, other.branches)
        )


@dataclass(frozen=True, slots=True)
class Alone:
    """A test, and the lines that no other test reaches: FILE:LINE."""

    test: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel on which the programs ran: its version, its machine (um, x86), and what was executed there of ipc/."""

    kernel: str
    machine: str
    total: Counts


@dataclass(frozen=True, slots=True)
class Data:
    """The content of coverage.json and coverage-libc.json, schema 1.

    kernel: its version; libc: empty, or the library that was measured, on this kernel. flags: how the compiler
    optimized what was measured. total: of ipc/ or all of the library that was measured, files: of each source file, of
    mm/shmem.c the part that IPC uses; of several kernels what any of them executed. kernels: each for itself.
    unexplained: lines that were not executed and of which the reviewed table gives no reason: [{file, line, function,
    text}]; explained: those of which it does, with kind and reason; stale: messages, entries of the table that nothing
    bears out. alone: [{test, lines}]. programs: what was run: [{program, machine, seconds, tests, unexpected,
    faults}]; unexpected are tests that did not come out as the baseline says, faults what went wrong with the run
    itself.
    """

    schema: int
    kernel: str
    flags: str
    commit: str
    total: Counts
    files: dict[str, Counts]
    unexplained: tuple[Line, ...]
    explained: tuple[Line, ...]
    stale: tuple[str, ...]
    alone: tuple[Alone, ...]
    programs: tuple[Ran, ...]
    seconds: float
    kernels: tuple[Kernel, ...] = ()
    libc: str = ""

    @property
    def name(self) -> str:
        """Of its files."""
        return LIBRARY if self.libc else KERNEL

    @property
    def measured(self) -> str:
        """What it is about: Linux 6.1.176, musl 1.2.3."""
        return self.libc or f"Linux {self.kernel}"

    @property
    def part(self) -> str:
        """What of it was measured as a whole."""
        return "its IPC calls" if self.libc else "ipc/"

    @property
    def status(self) -> int:
        """The exit status: 2 when a run was cut, 1 when the table does not tell the truth."""
        if any(ran.faults for ran in self.programs):
            return 2
        return 1 if self.unexplained or self.stale else 0


def as_json(data: Data) -> str:
    """The text of coverage.json."""
    return json.dumps(encode(data), indent=1) + "\n"


def file(out: Path, name: str) -> Path:
    """That of one of the NAMEs in the folder OUT."""
    return out / f"{name}.json"


def read(path: Path) -> Data | None:
    """What stands in such a file, None where there is none; IpckError when it is something else."""
    try:
        data = decode(Data, parse(path.read_text("utf-8")))
        if data.schema != SCHEMA:
            raise ValueError(f"has another schema than {SCHEMA}")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise IpckError(f"{shown(path)}: {error}: make it again with ipck coverage, or remove it") from None
    return data


def _add(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(one, other))
