"""What is known: pairs that cannot fire (fault/explained.toml), and what clients do wrong (fault/known.toml)."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ... import tomlfile
from ...calls import Call
from ...errors import IpckError
from ...tree import ROOT, shown

EXPLAINED = ROOT / "fault" / "explained.toml"
KNOWN = ROOT / "fault" / "known.toml"


@dataclass(frozen=True, slots=True)
class Pair:
    """A point and what can be done to its call: errno=NAME, interrupt, delay."""

    point: str
    fault: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a pair cannot fire in any client."""

    point: str
    fault: str
    reason: str

    def covers(self, pair: Pair) -> bool:
        """Whether it speaks of PAIR."""
        return self.point == pair.point and fnmatchcase(pair.fault, self.fault)


@dataclass(frozen=True, slots=True)
class Known:
    """What a client is known to do wrong."""

    client: str  # shell patterns, these three
    point: str
    fault: str
    kind: str
    reason: str
    reference: str
    since: str
    intermittent: bool = False
    where: str = ""

    def covers(self, client: str, pair: Pair, kind: str) -> bool:
        """Whether it is of that kind, and speaks of these."""
        named = ((client, self.client), (pair.point, self.point), (pair.fault, self.fault))
        return kind == self.kind and all(fnmatchcase(name, pattern) for name, pattern in named)


def pairs(table: Sequence[Call]) -> tuple[Pair, ...]:
    """All that there are: each call with each error that it may report, a signal while it waits, and a delay."""
    return tuple(
        Pair(call.point, fault)
        for call in table
        for fault in (*(f"errno={name}" for name in call.errors), *["interrupt"] * call.waits, "delay")
    )


def explanations(path: Path = EXPLAINED) -> tuple[Explanation, ...]:
    """The pairs of the file at PATH."""
    return tuple(Explanation(**row) for _, row in _rows(path, "explained", _EXPLAINED_ROW))


def known(path: Path = KNOWN) -> tuple[Known, ...]:
    """The deviations of the file at PATH."""
    return tuple(Known(**row, where=where) for where, row in _rows(path, "known", _KNOWN_ROW))


def _rows(path: Path, table: str, schema: dict[str, tomlfile.Check]) -> list[tuple[str, dict[str, Any]]]:
    document = tomlfile.read(path)
    rows = document.data.get(table, [])
    if set(document.data) - {table} or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise IpckError(document.message(f"must have [[{table}]] tables and nothing else"))
    optional = frozenset({"intermittent"})
    faults = [said for index, row in enumerate(rows) for said in
              tomlfile.check(document, row, schema, optional, table, index)]  # fmt: skip
    if faults:
        raise IpckError(*faults)
    return [(f"{shown(path)}:{document.line(table, index)}", row) for index, row in enumerate(rows)]


KINDS = ("hang", "signal", "status", "silent", "output", "objects", "process", "leak")
_EXPLAINED_ROW: dict[str, tomlfile.Check] = {
    "point": tomlfile.text,
    "fault": tomlfile.text,
    "reason": tomlfile.filled_in("why no client can meet it"),
}
_KNOWN_ROW: dict[str, tomlfile.Check] = {
    "client": tomlfile.text,
    "point": tomlfile.text,
    "fault": tomlfile.text,
    "kind": tomlfile.one_of(KINDS),
    "reason": tomlfile.filled_in("what the program does, and why"),
    "reference": tomlfile.filled_in("a line of its source, a finding"),
    "since": tomlfile.filled_in("the first version that does it, or those that were seen to"),
    "intermittent": tomlfile.flag,
}
