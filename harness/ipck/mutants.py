"""The mutants of fault/mutants: which there are, which tests reach each, which requirements none of them violates."""

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from . import tomlfile
from .catalogue import Catalogue
from .errors import IpckError
from .records import decode
from .tree import BUILD, MUTANTS, shown

FLAVOUR = "glibc"
"""The one whose calls can be broken: a static program, another C library and a direct system call cannot."""
UNREACHABLE = MUTANTS / "unreachable.toml"
_PROGRAM = Path(FLAVOUR) / "ipck-mutants"
_PRELOAD = Path(FLAVOUR) / "ipck-mutants.so"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One wrong implementation of a call."""

    name: str
    call: str
    what: str  # is wrong, in one sentence; of an equivalent one also why nobody can tell
    violates: tuple[str, ...] = ()  # requirements; none of an equivalent one

    @property
    def equivalent(self) -> bool:
        """Whether it keeps all promises."""
        return not self.violates


@dataclass(frozen=True, slots=True)
class Record:
    """How a map is laid out, in bytes: a record, and where the test's name and the bits begin in it."""

    size: int
    test: int
    mutants: int


@dataclass(frozen=True, slots=True)
class Table:
    """All mutants, in the order of their numbers."""

    record: Record
    mutants: tuple[Mutant, ...]


def preload(build: Path = BUILD) -> Path:
    """The library that breaks calls; IpckError where it is not built."""
    path = build.absolute() / _PRELOAD
    if not path.is_file():
        raise IpckError(f"{shown(path)} is not built: run make {shown(path)}")
    return path


def load(catalogue: Catalogue, build: Path = BUILD) -> Table:
    """The table as its own program prints it; every requirement in it is one of the catalogue."""
    program = build.absolute() / _PROGRAM
    try:
        output = subprocess.run((program,), stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        raise IpckError(f"{shown(program)} cannot be run: run make {shown(program)}") from None
    try:
        table = decode(Table, json.loads(output))
    except ValueError as error:
        raise IpckError(f"{shown(program)}: prints no table of mutants: {error}") from None
    names = [mutant.name for mutant in table.mutants]
    if not names or len(set(names)) != len(names) or not _holds(table.record, len(names)):
        raise IpckError(f"{shown(program)}: prints no table of mutants: none, one twice, or a map without room")
    for mutant in table.mutants:
        if unknown := [name for name in mutant.violates if name not in catalogue]:
            raise IpckError(f"mutant {mutant.name}: {unknown[0]!r} is not in the catalogue: run make {shown(program)}")
    return table


def choose(table: Table, patterns: Sequence[str]) -> tuple[Mutant, ...]:
    """The mutants whose name, or call, matches one of PATTERNS; all without; IpckError when one matches none."""
    chosen: set[str] = set()
    for pattern in patterns or ["*"]:
        found = {one.name for one in table.mutants if fnmatchcase(one.name, pattern) or fnmatchcase(one.call, pattern)}
        if not found:
            raise IpckError(f"there is no mutant {pattern!r}: ipck mutants --list shows all")
        chosen |= found
    return tuple(mutant for mutant in table.mutants if mutant.name in chosen)


def reached(data: bytes, table: Table) -> dict[str, set[str]]:
    """The tests that reach each mutant, from the content of a map; ValueError when it is none."""
    size, bits = table.record.size, table.record.mutants
    if len(data) < size or len(data) % size:
        raise ValueError("is no map of these mutants")
    tests: dict[str, set[str]] = {}
    for start in range(0, len(data), size):
        name, nul, rest = data[start + table.record.test:start + bits].partition(b"\0")
        if not name:
            continue
        if not nul or rest.strip(b"\0"):
            raise ValueError("is no map of these mutants")
        words = memoryview(data[start + bits:start + size]).cast("Q")
        for number, mutant in enumerate(table.mutants):
            if words[number // 64] >> number % 64 & 1:
                tests.setdefault(mutant.name, set()).add(name.decode("utf-8", "replace"))
    return tests


def targeted(mutants: Iterable[Mutant]) -> dict[str, list[str]]:
    """The mutants that violate each requirement."""
    by: dict[str, list[str]] = {}
    for mutant in mutants:
        for requirement in mutant.violates:
            by.setdefault(requirement, []).append(mutant.name)
    return by


def unreachable(catalogue: Catalogue, mutants: Iterable[Mutant]) -> dict[str, str]:
    """The testable requirements that no broken call can violate, and why, as people have listed them in UNREACHABLE.

    IpckError for an entry that is about nothing, or about what a mutant violates.
    """
    path = UNREACHABLE
    if not path.exists():
        return {}
    document = tomlfile.read(path)
    faults = tomlfile.check(document, document.data, {"unreachable": _tables}, frozenset())
    rows: list[dict[str, Any]] = [] if faults else document.data["unreachable"]
    for index, row in enumerate(rows):
        faults += tomlfile.check(document, row, _ROW, frozenset(), "unreachable", index)
    if faults:
        raise IpckError(*faults)
    by = targeted(mutants)
    reasons: dict[str, str] = {}
    for index, row in enumerate(rows):
        for pattern in row["requirements"]:
            for problem in _take(pattern, row["reason"], catalogue, by, reasons):
                name = f"number {index + 1}"
                faults.append(document.message(problem, "unreachable", index, "requirements", name))
    if faults:
        raise IpckError(*faults)
    return reasons


def untargeted(catalogue: Catalogue, mutants: Iterable[Mutant], excused: Mapping[str, str]) -> list[str]:
    """The testable requirements that no mutant violates although one could."""
    by = targeted(mutants)
    return [row.id for row in catalogue if not row.untestable and row.id not in by and row.id not in excused]


def _holds(record: Record, mutants: int) -> bool:
    """Whether a record has room for a name, and for a bit of each mutant in whole words."""
    room = record.size - record.mutants
    return 0 <= record.test < record.mutants and room % 8 == 0 and room * 8 >= mutants


def _take(
    pattern: str, reason: str, catalogue: Catalogue, by: Mapping[str, list[str]], reasons: dict[str, str]
) -> list[str]:
    """Add to REASONS the rows that PATTERN means; returns what is wrong with it."""
    meant = [row.id for row in catalogue if not row.untestable and fnmatchcase(row.id, pattern)]
    if not meant:
        return [f"{pattern!r} is no testable requirement of the catalogue: remove it or correct it"]
    faults = [f"{name} is violated by the mutant {by[name][0]}: leave it out" for name in meant if name in by]
    faults += [f"{name} is listed already" for name in meant if name in reasons]
    reasons.update((name, reason) for name in meant)
    return faults


def _tables(value: object) -> str:
    is_tables = isinstance(value, list) and all(isinstance(row, dict) for row in value)
    return "" if is_tables else "must be [[unreachable]] tables"


def _patterns(value: object) -> str:
    is_patterns = isinstance(value, list) and value and all(isinstance(name, str) and name for name in value)
    return "" if is_patterns else "must be a list of requirements, or of shell patterns for them"


_ROW: dict[str, tomlfile.Check] = {
    "requirements": _patterns,
    "reason": tomlfile.filled_in("why no broken call of the C library can violate them"),
}
