"""What the mutants showed: mutants.json, and the page of the report that is made of it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import datafile
from .catalogue import Catalogue
from .mutants import Mutant, unreachable, untargeted
from .mutation import Disturbed, Found, Judged
from .records import encode

if TYPE_CHECKING:
    from .rows import Row

SCHEMA = 1
LOOKS = {"killed": "p", "survives": "f", "equivalent": "s"}
_MOST = 400


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that the tests do not notice, or not in all that it breaks."""

    mutant: str
    requirements: tuple[str, ...]  # that it violates, and no test found violated


@dataclass(frozen=True, slots=True)
class Line:
    """A mutant, and what became of it: killed, survives, equivalent."""

    name: str
    call: str
    what: str
    verdict: str
    violates: tuple[str, ...]
    tests: int  # that reach it
    seconds: float


@dataclass(frozen=True, slots=True)
class Data:
    """The content of mutants.json, schema 1.

    total: the mutants that were run, each in one of killed (each requirement that it violates was found violated by a
    test), equivalent (it violates none) and survivors. wrong_reason: requirements that a test found violated although
    the mutant keeps them. disturbed: tests that could not decide under a mutant: neither good nor bad.
    untargeted_requirements: testable rows of the catalogue that no mutant of all violates; unreachable_requirements,
    those that no broken call can violate, are not among them.
    """

    schema: int
    commit: str
    total: int
    killed: int
    equivalent: int
    survivors: tuple[Survivor, ...]
    wrong_reason: tuple[Found, ...]
    disturbed: tuple[Disturbed, ...]
    untargeted_requirements: tuple[str, ...]
    unreachable_requirements: tuple[str, ...]
    mutants: tuple[Line, ...]
    seconds: float

    @property
    def status(self) -> int:
        """The exit status: 1 when a mutant survives. What is red for a wrong reason is told, and not judged."""
        return 1 if self.survivors else 0


def gather(
    judged: Sequence[Judged], table: Iterable[Mutant], catalogue: Catalogue, commit: str, seconds: float
) -> Data:
    """The data of a run; TABLE has all mutants, also those that were not run."""
    everything = tuple(table)
    place = {mutant.name: number for number, mutant in enumerate(everything)}
    judged = sorted(judged, key=lambda one: place[one.mutant.name])
    excused = unreachable(catalogue, everything)
    return Data(
        SCHEMA,
        commit,
        len(judged),
        sum(one.verdict == "killed" for one in judged),
        sum(one.verdict == "equivalent" for one in judged),
        tuple(Survivor(one.mutant.name, one.missed) for one in judged if one.verdict == "survives"),
        tuple(found for one in judged for found in one.wrong),
        tuple(test for one in judged for test in one.disturbed),
        tuple(untargeted(catalogue, everything, excused)),
        tuple(excused),
        tuple(map(_line, judged)),
        round(seconds, 3),
    )


def as_json(data: Data) -> str:
    """The text of mutants.json."""
    return json.dumps(encode(data), indent=1) + "\n"


def read(path: Path) -> Data | None:
    """What stands in mutants.json, None where there is none; IpckError when it is something else."""
    return datafile.read(path, Data, SCHEMA, "ipck mutants")


def lines(judged: Judged) -> list[str]:
    """What is to be said of a mutant in the terminal: nothing when all is as it should be."""
    said = []
    if judged.missed:
        said.append(f"SURVIVES {judged.mutant.name}: {judged.mutant.what}")
        said += [f"    {name}: no test of {judged.tests} that reach it found it violated" for name in judged.missed]
    if judged.wrong:
        said.append(f"WRONG REASON {judged.mutant.name}: {judged.mutant.what}")
    by: dict[str, list[Found]] = {}
    for found in judged.wrong:
        by.setdefault(found.requirement, []).append(found)
    for name, found_by in by.items():
        first = found_by[0]
        more = f" and {len(found_by) - 1} more" if len(found_by) > 1 else ""
        said += [f"    {name}: {first.said}", f"        {first.test} ({first.where}){more}"]
    return said


def closing(data: Data) -> list[str]:
    """What it all comes to."""
    alive, wrong = len(data.survivors), len({one.mutant for one in data.wrong_reason})
    equal = f", {data.equivalent} equivalent" if data.equivalent else ""
    return [
        f"{data.total} mutants in {data.seconds:.0f} s: {data.killed} killed{equal}, {alive} survive; "
        f"{wrong} red for a wrong reason",
        f"requirements that no mutant violates: {len(data.untargeted_requirements)} "
        f"(ipck trace --untargeted), {len(data.unreachable_requirements)} out of reach",
    ]


@dataclass(frozen=True, slots=True)
class Group:
    """The mutants of one call."""

    call: str
    mutants: tuple[Line, ...]

    def count(self, verdict: str) -> int:
        """How many of them came out so."""
        return sum(line.verdict == verdict for line in self.mutants)


@dataclass(frozen=True, slots=True)
class Page:
    """What the page shows."""

    data: Data
    groups: tuple[Group, ...]
    what: Mapping[str, str]  # is wrong with each mutant
    wrong: Mapping[str, Mapping[str, tuple[Found, ...]]]  # reasons, by mutant and requirement
    disturbed: Mapping[str, int]  # tests that could not decide, by mutant
    anchors: Mapping[str, str]  # of the requirements' rows in the report

    @property
    def looks(self) -> Mapping[str, str]:
        """How each verdict is drawn."""
        return LOOKS

    @property
    def untargeted(self) -> tuple[str, ...]:
        """The first of the requirements without a mutant."""
        return self.data.untargeted_requirements[:_MOST]


def page_of(data: Data, rows: Mapping[str, "Row"]) -> Page:
    """What the page shows of DATA; ROWS are the report's, by requirement."""
    by_call: dict[str, list[Line]] = {}
    for line in data.mutants:
        by_call.setdefault(line.call, []).append(line)
    wrong: dict[str, dict[str, tuple[Found, ...]]] = {}
    for found in data.wrong_reason:
        by = wrong.setdefault(found.mutant, {})
        by[found.requirement] = (*by.get(found.requirement, ()), found)
    disturbed: dict[str, int] = {}
    for one in data.disturbed:
        disturbed[one.mutant] = disturbed.get(one.mutant, 0) + 1
    return Page(
        data,
        tuple(Group(call, tuple(members)) for call, members in by_call.items()),
        {line.name: line.what for line in data.mutants},
        wrong,
        disturbed,
        {name: row.anchor for name, row in rows.items()},
    )


def _line(judged: Judged) -> Line:
    mutant = judged.mutant
    return Line(
        mutant.name, mutant.call, mutant.what, judged.verdict, mutant.violates, judged.tests, round(judged.seconds, 3)
    )
