"""What counters say of the lines of a kernel or a C library, and which test alone says it."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import files
from ..errors import IpckError
from ..tree import shown
from . import reasons
from .campaign import Ran
from .objects import Objects, view
from .reasons import Table
from .results import SCHEMA, Alone, Counts, Data, Kernel
from .tally import Tally, Values, alone
from .view import File, View, tracefile, united

GENHTML = "genhtml"
TRACEFILE = "coverage.info"


@dataclass(frozen=True, slots=True)
class Counted:
    """What a kernel or a library counted. Several are of one source, and their tallies of the same tests."""

    objects: Objects
    tally: Tally

    def view(self, values: Mapping[str, Values], table: Table) -> View:
        """What VALUES of its counters say of what is of interest, of other files of the parts that TABLE names."""
        with tempfile.TemporaryDirectory(prefix="ipck-coverage-") as folder:
            counters = self.objects.lay_out(Path(folder), self.tally.layouts, values)
            all_ = view(self.objects, counters)
        parts = table.parts.items()
        return self._whole(all_) | {name: all_[name].only(functions) for name, functions in parts if name in all_}

    def seen(self, table: Table) -> View:
        """What was executed of them."""
        return self.view(self.tally.total, table)

    def sum(self, seen: View) -> Counts:
        """The counts of all files in SEEN of which more than parts are of interest."""
        return sum(map(_counts, self._whole(seen).values()), Counts())

    def _whole(self, seen: View) -> View:
        return {name: file for name, file in seen.items() if self.objects.whole(name)}


def reached_alone(kernels: Sequence[Counted], table: Table) -> tuple[Alone, ...]:
    """Of each test that reaches lines which no other test reaches, these lines."""
    by: dict[str, list[tuple[str, int]]] = {}
    for line, test in alone(_halves(kernels, table), kernels[0].tally.tests).items():
        by.setdefault(test, []).append(line)
    return tuple(Alone(test, tuple(f"{name}:{line}" for name, line in sorted(by[test]))) for test in sorted(by))


def _halves(kernels: Sequence[Counted], table: Table) -> Iterator[tuple[int, int, Iterable[tuple[str, int]]]]:
    for halves in zip(*(kernel.tally.halves() for kernel in kernels)):
        seen = united(kernel.view(values, table) for kernel, (_, _, values) in zip(kernels, halves))
        bit, value, _ = halves[0]
        yield bit, value, [(name, line) for name, file in seen.items() for line in file.reached()]


def gather(kernels: Sequence[Counted], table: Table, programs: Sequence[Ran], commit: str) -> tuple[Data, View]:
    """All that is said of what KERNELS counted while PROGRAMS ran, and what it is said of."""
    views = [kernel.seen(table) for kernel in kernels]
    seen, objects = united(views), kernels[0].objects
    judged = reasons.judge(seen, {name: _text(objects.source / name) for name in seen}, table)
    counts = {name: _counts(file) for name, file in sorted(seen.items())}
    each = tuple(
        Kernel(kernel.objects.release(), kernel.objects.machine(), kernel.sum(view))
        for kernel, view in zip(kernels, views) if not kernel.objects.library()
    )  # fmt: skip
    data = Data(
        SCHEMA, objects.release(), objects.flags(), commit, kernels[0].sum(seen), counts, judged.unexplained,
        judged.explained, judged.stale, reached_alone(kernels, table), tuple(programs),
        round(sum(ran.seconds for ran in programs), 3), each, objects.library(),
    )  # fmt: skip
    return data, seen


def _counts(file: File) -> Counts:
    return Counts(*file.counts())


def _text(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").splitlines()
    except OSError as error:
        raise IpckError(f"{shown(path)}: the source cannot be read: {error.strerror}") from None


def check_tools() -> None:
    """IpckError unless what makes pages and lines of counters is installed."""
    for tool, package in ((GENHTML, "lcov"), ("gcov", "gcc")):
        if not shutil.which(tool):
            raise IpckError(f"{tool} is not installed: apt-get install {package}")


def write_pages(seen: Mapping[str, File], source: Path, folder: Path) -> Path:
    """Let lcov make pages with the source text in FOLDER; returns the first of them."""
    trace = folder / TRACEFILE
    shutil.rmtree(folder, ignore_errors=True)
    files.write(trace, tracefile(seen, str(source)))
    command = (
        GENHTML, "--quiet", "--branch-coverage", "--function-coverage", "--legend", "--title", "ipck",
        "--prefix", str(source), "--output-directory", str(folder), str(trace),
    )  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise IpckError(f"{GENHTML} made no pages of {shown(trace)}: {done.stderr.strip()[-500:]}")
    return folder / "index.html"
