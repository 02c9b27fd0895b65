"""The page of the faults: what clients do when their calls fail, and what the dead leave, from faults.json."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .rows import Row

LOOKS = {"pass": "p", "fail": "f", "error": "e", "skip": "s", "known": "k"}
_MOST = 12
_NOTHING: Mapping[str, Any] = {"runs": 0, "unfired": [], "undecided": [], "stale": [], "explanations": []}


@dataclass(frozen=True, slots=True)
class Violation:
    """What a client does wrong in the same way for several errors or calls."""

    client: str
    point: str
    kind: str
    faults: tuple[str, ...]
    calls: tuple[int, ...]
    detail: str  # of the first
    reproduce: str
    known: str


@dataclass(frozen=True, slots=True)
class Death:
    """A requirement that a test of processes that die has judged."""

    requirement: str
    tests: tuple[str, ...]
    look: str
    outcome: str
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inside:
    """What a call of C libraries does wrong in the same way for several faults inside it."""

    call: str
    kind: str
    libcs: tuple[str, ...]
    faults: tuple[str, ...]
    got: tuple[str, ...]
    known: str


@dataclass(frozen=True, slots=True)
class Library:
    """The counts of one C library."""

    libc: str
    target: str
    calls: int
    outcomes: Mapping[str, int]  # pass, fail, known, skip, error


@dataclass(frozen=True, slots=True)
class Page:
    """What the page shows; `data` is faults.json."""

    data: Mapping[str, Any]
    new: tuple[Violation, ...]
    known: tuple[Violation, ...]
    deaths: tuple[Death, ...]
    anchors: Mapping[str, str]  # of the requirements' rows in the report

    @property
    def clients(self) -> Sequence[Mapping[str, Any]]:
        """Those that were tortured, and those that are not installed."""
        return list(self.data.get("clients", ()))

    @property
    def libraries(self) -> Sequence[Library]:
        """The C libraries whose system calls failed."""
        by: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        for row in self.data.get("libc", ()):
            by.setdefault((row["libc"], row["target"]), []).append(row)
        return [
            Library(libc, target, len({row["probe"] for row in rows}), Counter(map(_outcome, rows)))
            for (libc, target), rows in by.items()
        ]

    @property
    def inside(self) -> Sequence[Inside]:
        """What is not as it should be, the new first."""
        alike: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
        for row in self.data.get("libc", ()):
            if row["outcome"] not in ("pass", "skip"):
                alike.setdefault((row["known"], row["call"], row["kind"] or row["outcome"]), []).append(row)
        return [
            Inside(
                call,
                kind,
                tuple(dict.fromkeys(row["libc"] for row in rows)),
                tuple(dict.fromkeys(f"{row['syscall']} {row['fault']}" for row in rows)),
                tuple(dict.fromkeys(row["got"] for row in rows))[:_MOST],
                known,
            )
            for (known, call, kind), rows in sorted(alike.items(), key=lambda one: bool(one[0][0]))
        ]

    @property
    def headline(self) -> str:
        """All of it in a few words."""
        parts = []
        if "pairs" in self.data:
            parts.append(f"{self.data['fired']} of {self.data['pairs']} pairs of point and fault fired")
            parts.append(f"{len(self.data['violations']) - sum(bool(one['known']) for one in self.data['violations'])} "
                         "violations that are not listed")  # fmt: skip
        if self.deaths:
            good = sum(one.outcome == "pass" for one in self.deaths)
            parts.append(f"{good} of {len(self.deaths)} requirements hold after a death")
        if self.libraries:
            new = sum(one.outcomes["fail"] + one.outcomes["error"] for one in self.libraries)
            parts.append(f"{new} new failures inside {len(self.libraries)} C libraries")
        return ", ".join(parts) or "Nothing was tortured"


def _outcome(row: Mapping[str, Any]) -> str:
    return "known" if row["known"] else str(row["outcome"])


def page_of(data: Mapping[str, Any], rows: Mapping[str, "Row"]) -> Page:
    """What the page shows of DATA; ROWS are the report's, by requirement."""
    violations = _violations(data.get("violations", ()))
    return Page(
        {**_NOTHING, **data},
        tuple(one for one in violations if not one.known),
        tuple(one for one in violations if one.known),
        _deaths(data.get("crash", ())),
        {name: row.anchor for name, row in rows.items()},
    )


def _violations(found: Iterable[Mapping[str, Any]]) -> list[Violation]:
    alike: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for one in found:
        alike.setdefault((one["client"], one["point"], one["kind"], one["known"]), []).append(one)
    return [
        Violation(
            client,
            point,
            kind,
            tuple(dict.fromkeys(one["fault"] for one in members)),
            tuple(sorted({one["n"] for one in members})),
            members[0]["detail"],
            members[0]["reproduce"],
            known,
        )
        for (client, point, kind, known), members in alike.items()
    ]


def _deaths(found: Iterable[Mapping[str, Any]]) -> tuple[Death, ...]:
    by: dict[str, list[Mapping[str, Any]]] = {}
    for one in found:
        by.setdefault(one["requirement"], []).append(one)
    deaths = []
    for requirement, members in by.items():
        worst = min(members, key=lambda one: ("fail", "error", "skip", "pass").index(one["outcome"]))
        said = tuple(f"{one['expression']}: wanted {one['wanted']}, got {one['got']}"
                     for one in members if one["outcome"] == "fail")[:_MOST]  # fmt: skip
        tests = tuple(one["test"].removeprefix("fault.crash.") for one in members)
        deaths.append(Death(requirement, tests, LOOKS[worst["outcome"]], worst["outcome"], said))
    return tuple(sorted(deaths, key=lambda one: (one.outcome == "pass", one.requirement)))
