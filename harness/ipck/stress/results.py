"""stress.json: what the workloads did on each target, and what they found.

    schema                      1
    generation, seed            of the choices: the same generation and seed mean the same operations
    seconds                     what each may take
    workloads                   {NAME: {operations, seconds, histories, violations}}, of all targets together
    targets                     {NAME: {description, workloads: {NAME: ..}, faults: [message], unavailable: why,
                                resources: [{cycle, seed, used: {NAME: number}}], growing: [message]}}

A workload of a target:

    operations, histories       that were checked
    seconds                     that it took
    seed, cycles                the last seed, and how often it ran (with --soak)
    measured                    {NAME: number}: rates and the like
    violations                  [{requirement, text, details, count, target, workload, seed, replay, known, history}];
                                known is the reason for which it is expected, empty for what is new; replay a command
                                line; history what timeline.py says, of workloads that record histories
    skipped, error              why it did not run; why nothing can be said of it

`growing` says what of the resources grew all the time of a soak.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import files
from ..records import decode, encode
from . import timeline

NAME = "stress.json"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Violation:
    """A requirement that was found violated."""

    requirement: str
    text: str
    details: str = ""
    count: int = 1
    target: str = ""
    workload: str = ""
    seed: int = 0
    replay: str = ""
    known: str = ""


@dataclass(frozen=True, slots=True)
class Workload:
    """One run of a workload."""

    name: str
    seed: int = 0
    operations: int = 0
    seconds: float = 0.0
    histories: int = 0
    violations: tuple[Violation, ...] = ()
    skipped: str = ""
    error: str = ""
    cycles: int = 1
    measured: tuple[tuple[str, float], ...] = ()

    def __add__(self, later: "Workload") -> "Workload":
        """Both runs together; what was said last of whether it could run counts."""
        return Workload(
            self.name, later.seed, self.operations + later.operations, self.seconds + later.seconds,
            self.histories + later.histories, merged((*self.violations, *later.violations)), later.skipped,
            self.error or later.error, self.cycles + later.cycles, later.measured or self.measured,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Resources:
    """What was in use after a cycle."""

    cycle: int
    seed: int
    used: Mapping[str, float]


@dataclass(slots=True)
class TargetResults:
    """All that came from a target."""

    name: str
    description: str = ""
    unavailable: str = ""
    generation: int = 0
    workloads: dict[str, Workload] = field(default_factory=dict)
    resources: list[Resources] = field(default_factory=list)
    growing: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def add(self, workload: Workload) -> None:
        """One more run."""
        before = self.workloads.get(workload.name)
        self.workloads[workload.name] = before + workload if before else workload

    @property
    def violations(self) -> list[Violation]:
        """Of all workloads."""
        return [violation for workload in self.workloads.values() for violation in workload.violations]

    @property
    def new(self) -> list[Violation]:
        """Those that nobody knows of."""
        return [violation for violation in self.violations if not violation.known]


def merged(violations: Iterable[Violation]) -> tuple[Violation, ...]:
    """The first of each requirement, with the count of all."""
    by: dict[tuple[str, str], Violation] = {}
    for one in violations:
        key = (one.workload, one.requirement)
        first = by.get(key)
        by[key] = decode(Violation, encode(first) | {"count": first.count + one.count}) if first else one
    return tuple(by.values())


def as_data(targets: Iterable[TargetResults], seed: int, seconds: float) -> dict[str, Any]:
    """The content of stress.json."""
    targets = list(targets)
    whole: dict[str, dict[str, Any]] = {}
    for target in targets:
        for name, workload in target.workloads.items():
            total = whole.setdefault(name, {"operations": 0, "seconds": 0.0, "histories": 0, "violations": []})
            total["operations"] += workload.operations
            total["seconds"] = round(total["seconds"] + workload.seconds, 3)
            total["histories"] += workload.histories
            total["violations"] += [_violation(one) for one in workload.violations]
    return {
        "schema": SCHEMA,
        "generation": max((target.generation for target in targets), default=0),
        "seed": seed,
        "seconds": seconds,
        "workloads": whole,
        "targets": {target.name: _target(target) for target in targets},
    }


def _violation(violation: Violation) -> dict[str, Any]:
    data = {"details": "", "count": 1, "replay": "", "known": ""} | encode(violation)
    if violation.workload.startswith("history.") and violation.details:
        data["history"] = timeline.as_data(timeline.parse(violation.details))
    return data


def _target(target: TargetResults) -> dict[str, Any]:
    if target.unavailable:
        return {"description": target.description, "unavailable": target.unavailable}
    return {
        "description": target.description,
        "workloads": {name: _workload(workload) for name, workload in target.workloads.items()},
        "resources": [{"cycle": one.cycle, "seed": one.seed, "used": dict(one.used)} for one in target.resources],
        "growing": target.growing,
        "faults": target.faults,
    }


def _workload(workload: Workload) -> dict[str, Any]:
    return {
        "operations": workload.operations,
        "seconds": round(workload.seconds, 3),
        "histories": workload.histories,
        "seed": workload.seed,
        "cycles": workload.cycles,
        "measured": dict(workload.measured),
        "violations": [_violation(one) for one in workload.violations],
        "skipped": workload.skipped,
        "error": workload.error,
    }


def save(out: Path, data: Mapping[str, Any]) -> Path:
    """Write DATA into the folder OUT, and return the file's path."""
    files.write(out / NAME, json.dumps(data, indent=1) + "\n")
    return out / NAME


def read(out: Path) -> dict[str, Any]:
    """What is in the file of the folder OUT; nothing where there is none."""
    return files.read_results(out / NAME, SCHEMA, "ipck stress")
