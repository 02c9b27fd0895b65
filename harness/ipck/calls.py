"""The calls of fault/calls.def: points of failure, what each may report, and how that agrees with the catalogue."""

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from .catalogue import Catalogue
from .errors import IpckError
from .tree import BUILD, shown

TABLE = "fault/calls.def"
_PROGRAM = Path("glibc") / "ipck-points"
_ERROR = re.compile(r"\bE[A-Z0-9]{2,}\b")


@dataclass(frozen=True, slots=True)
class Call:
    """One row of the table."""

    name: str
    point: str  # as libfiu names it: sysv/sem/semop
    type: str
    parameters: str
    failure: str  # what it returns then, in C
    waits: bool
    variadic: bool
    interfaces: tuple[str, ...]  # of the catalogue
    errors: dict[str, int]
    aliases: tuple[str, ...]

    @property
    def prototype(self) -> str:
        """Its declaration in C."""
        return f"{self.type} {self.name}{self.parameters}"


def load(build: Path = BUILD) -> tuple[Call, ...]:
    """The table, in its own order."""
    output = dump(build, "--json")
    try:
        rows = json.loads(output)["calls"]
        return tuple(Call(**{key: tuple(v) if isinstance(v, list) else v for key, v in row.items()}) for row in rows)
    except (ValueError, KeyError, TypeError) as error:
        raise IpckError(f"{shown(build / _PROGRAM)}: prints no table of calls: {error}") from None


def choose(calls: Sequence[Call], patterns: Sequence[str]) -> tuple[Call, ...]:
    """The calls that PATTERNS mean: points, names or shell patterns of either; IpckError when one means none."""
    chosen: dict[str, Call] = {}
    for pattern in patterns:
        found = [call for call in calls if fnmatchcase(call.point, pattern) or fnmatchcase(call.name, pattern)]
        if not found:
            raise IpckError(f"there is no point {pattern!r}: ipck points lists them")
        chosen.update((call.point, call) for call in found)
    return tuple(call for call in calls if call.point in chosen)


def disagreements(calls: Sequence[Call], catalogue: Catalogue) -> list[str]:
    """Where the errors of the table are not those of the catalogue's rows, in either direction."""
    found = []
    promised: dict[str, dict[str, str]] = {}
    for row in catalogue:
        if row.kind == "errno":
            for error in _ERROR.findall(row.statement):
                promised.setdefault(row.interface, {}).setdefault(error, row.id)
    known = {interface.name for interface in catalogue.interfaces}
    for call in calls:
        if unknown := [name for name in call.interfaces if name not in known]:
            found.append(f"{TABLE}: {call.name}: the catalogue has no interface {unknown[0]!r}")
        rows = {error for interface in call.interfaces for error in promised.get(interface, ())}
        for error in sorted(set(call.errors) - rows):
            where = " or ".join(call.interfaces)
            found.append(f"{TABLE}: {call.name}: {error}: no row of kind errno of {where} says so")
    for interface in sorted({interface for call in calls for interface in call.interfaces}):
        listed = {error for call in calls if interface in call.interfaces for error in call.errors}
        for error, identifier in sorted(promised.get(interface, {}).items()):
            if error not in listed:
                found.append(f"{identifier}: {error}: no call of {interface} has it in {TABLE}")
    return found


def dump(build: Path, form: str) -> str:
    """What the table's own program prints: FORM is --json or --markdown."""
    program = build / _PROGRAM
    try:
        return subprocess.run((program.absolute(), form), capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        raise IpckError(f"{shown(program)} cannot be run: run make {shown(program)}") from None
