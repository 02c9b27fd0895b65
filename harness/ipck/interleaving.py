"""Races in every order: interleave.json, schema 1, and the lines and the page that are made of it.

    preemptions             schedules with at most so many were run
    targets                 [{target, description, kernel, faults, scenarios}]
    scenarios               [{scenario, what, roles, run, left, beyond, violations, undecided, reason, lacks, seconds,
                            found}]: run and left are the schedules that were run, and that were known and not run, by
                            the number of their preemptions; beyond: known with more than are allowed, so that nothing
                            left and nothing beyond means that all orders there are were run
    found                   [{schedule, preemptions, requirement, said, calls, known}]: of each kind of violation the
                            schedule with the fewest preemptions; known: the reason in the target's baseline
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import datafile
from . import tool as tools
from .errors import IpckError
from .records import clean, decode, names
from .targets import Target
from .tool import Tool

if TYPE_CHECKING:
    from .rows import Row

NAME = "interleave.json"
SCHEMA = 1
TOOL = "ipck-interleave"


@dataclass(frozen=True, slots=True)
class Found:
    """A schedule in which something does not hold."""

    schedule: str
    preemptions: int
    requirement: str = ""
    said: str = ""
    calls: str = ""
    known: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Two or three processes, and what came of their orders."""

    scenario: str
    what: str = ""
    roles: int = 0
    run: tuple[int, ...] = ()
    left: tuple[int, ...] = ()
    beyond: int = 0
    violations: int = 0
    undecided: int = 0
    reason: str = ""
    lacks: str = ""
    seconds: float = 0.0
    found: tuple[Found, ...] = ()

    @property
    def covered(self) -> str:
        """What of it was run, in words."""
        if self.lacks:
            return f"lacks {self.lacks}"
        if not self.run:
            return "not run"
        if not self.beyond and not any(self.left):
            return f"all {sum(self.run)} orders"
        whole = next((number for number, left in enumerate(self.left) if left), len(self.run))
        most = f"all with up to {whole - 1} preemptions" if whole else "not even all without preemption"
        return f"{sum(self.run)} orders, {most}"

    @property
    def bad(self) -> bool:
        """Whether something is violated that is not known."""
        return any(not found.known for found in self.found)


@dataclass(frozen=True, slots=True)
class TargetScenarios:
    """What came of a target."""

    target: str
    description: str = ""
    kernel: str = ""
    faults: tuple[str, ...] = ()
    scenarios: tuple[Scenario, ...] = ()


@dataclass(frozen=True, slots=True)
class Data:
    """The content of interleave.json."""

    schema: int
    preemptions: int
    targets: tuple[TargetScenarios, ...]

    @property
    def bad(self) -> bool:
        """Whether something is violated that is not known."""
        return any(scenario.bad for one in self.targets for scenario in one.scenarios)

    @property
    def problems(self) -> list[str]:
        """What could not be decided."""
        found = []
        for one in self.targets:
            found += [f"{one.target}: {fault}" for fault in one.faults]
            for scenario in one.scenarios:
                if not scenario.run and not scenario.lacks:
                    found.append(f"{one.target}: {scenario.scenario}: no result")
                if scenario.undecided:
                    count = f"{scenario.undecided} orders could not be decided"
                    found.append(f"{one.target}: {scenario.scenario}: {count}: {scenario.reason}")
        return found


def scenarios(target: Target, patterns: Sequence[str], build: Path) -> list[Scenario]:
    """The scenarios that PATTERNS choose; IpckError where there is none, or the program is broken."""
    rows = tools.listed(target, TOOL, patterns, build, columns=3)
    return [Scenario(name, what, int(roles)) for name, roles, what in rows if roles.isdigit()]


@dataclass(frozen=True, slots=True)
class Replayed:
    """One schedule, made again."""

    ending: str = ""  # "as it should be", "violated", "lacks", "undecided", "unfit"
    schedule: str = ""
    preemptions: int = 0
    requirement: str = ""
    said: str = ""
    calls: str = ""


@dataclass(slots=True)
class _Taken:
    """What the program said."""

    kernel: str = ""
    covered: dict[str, Scenario] = field(default_factory=dict)
    found: dict[str, list[Found]] = field(default_factory=dict)
    replayed: Replayed | None = None

    def take(self, data: dict[str, Any]) -> None:
        """Keep a line."""
        kind, name = data.get("type"), str(data.get("scenario"))
        if kind == "run":
            if data.get("schema") != SCHEMA:
                raise ValueError(f"has another schema than {SCHEMA}: build the program again")
            self.kernel = clean(str(data.get("kernel", "")))
        elif kind == "covered":
            self.covered[name] = decode(Scenario, _only(data, Scenario))
        elif kind == "violation":
            self.found.setdefault(name, []).append(decode(Found, _only(data, Found)))
        elif kind == "replayed":
            self.replayed = decode(Replayed, _only(data, Replayed))
        else:
            raise ValueError(f"has the unknown type {str(kind)[:60]!r}")


def _only(data: dict[str, Any], kind: type) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key in names(kind)}


def explore(
    program: Tool, target: Target, chosen: Sequence[Scenario], options: Sequence[str], known: Mapping[str, str]
) -> TargetScenarios:
    """Let PROGRAM run all orders of the CHOSEN; KNOWN are the reasons of the target's baseline, by requirement."""
    taken = _Taken()
    why = program.run(options, taken.take)
    results = []
    for one in chosen:
        covered = taken.covered.get(one.scenario, one)
        found = (replace(item, known=known.get(item.requirement, "")) for item in taken.found.get(one.scenario, ()))
        results.append(replace(covered, what=one.what, roles=one.roles, found=tuple(found)))
    faults = (*program.faults, *([why] if why else []))
    return TargetScenarios(target.name, target.description, taken.kernel, faults, tuple(results))


def replay(program: Tool, options: Sequence[str]) -> Replayed:
    """Let PROGRAM make one schedule again, which OPTIONS say."""
    taken = _Taken()
    why = program.run(options, taken.take)
    if why or program.faults or not taken.replayed:
        raise IpckError(*([why] if why else []), *program.faults, *([] if why else ["it was not made"]))
    return taken.replayed


# ---- for people


def lines(one: TargetScenarios) -> Iterator[str]:
    """What came of a target."""
    width = max((len(scenario.scenario) for scenario in one.scenarios), default=0)
    for scenario in one.scenarios:
        yield f"{scenario.scenario:<{width}}  {scenario.covered}" + (
            f", {scenario.violations} of them violate something" if scenario.violations else ""
        )
        for found in scenario.found:
            yield from explanation(found)


def explanation(found: Found) -> Iterator[str]:
    """A schedule, and its calls."""
    head = f"known ({found.known})" if found.known else "VIOLATION"
    yield f"    {head}: {found.requirement and f'{found.requirement}: '}{found.said}"
    yield f"      --schedule {found.schedule}  ({found.preemptions} preemptions)"
    yield from (f"        {line}" for line in found.calls.splitlines())


@dataclass(frozen=True, slots=True)
class Page:
    """What the page shows."""

    data: Data
    scenarios: tuple[Scenario, ...]  # for their names
    by: Mapping[str, Mapping[str, Scenario]]  # results, by scenario and target
    anchors: Mapping[str, str]  # of the requirements' rows in the report


def page_of(data: Data, rows: Mapping[str, "Row"]) -> Page:
    """What the page shows of DATA."""
    every: dict[str, Scenario] = {}
    by: dict[str, dict[str, Scenario]] = {}
    for one in data.targets:
        for scenario in one.scenarios:
            every.setdefault(scenario.scenario, scenario)
            by.setdefault(scenario.scenario, {})[one.target] = scenario
    return Page(data, tuple(every.values()), by, {name: row.anchor for name, row in rows.items()})


def write(out: Path, data: Data) -> None:
    """Write interleave.json into the folder OUT."""
    datafile.write(out / NAME, data)


def read(out: Path) -> Data | None:
    """What stands in the folder OUT, None where there is none; IpckError when it is something else."""
    return datafile.read(out / NAME, Data, SCHEMA, "ipck interleave")
