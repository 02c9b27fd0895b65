"""What is to be run: the targets asked for, with their tests and baselines, all checked before the first test runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import baseline, catalogue, notes, targets
from .baseline import Baseline
from .catalogue import Catalogue
from .errors import IpckError
from .notes import Notes
from .results import Fault, TargetRun
from .targets import Target, Test
from .tree import BASELINES, BUILD, REQUIREMENTS


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the inputs lie."""

    requirements: Path = REQUIREMENTS
    baselines: Path = BASELINES
    build: Path = BUILD


@dataclass(frozen=True, slots=True)
class Ready:
    """A target that can run here."""

    target: Target
    build: Path
    tests: Mapping[str, Test]
    baseline: Baseline


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that was asked for; `absent` holds the targets that cannot run, and why."""

    catalogue: Catalogue = Catalogue()
    notes: Notes = Notes()
    ready: tuple[Ready, ...] = ()
    absent: tuple[TargetRun, ...] = ()
    order: tuple[str, ...] = ()  # of all these targets
    missed: tuple[Fault, ...] = ()  # one for each absent target that was asked for by name


def make(names: Sequence[str] = (), folders: Folders = Folders()) -> Plan:
    """The plan for what NAMES say as values of --target, or for the usual targets without names.

    IpckError for whatever is wrong with the catalogue, the notes, a program or a baseline, and when no target can run.
    """
    chosen = targets.choose(names)
    rows = catalogue.load(folders.requirements)
    said = notes.load(rows, folders.requirements)
    ready: list[Ready] = []
    absent: list[TargetRun] = []
    faults: list[str] = []
    judged: set[tuple[str, ...]] = set()
    missed: list[Fault] = []
    for target, by_name in ((choice.target, choice.by_name) for choice in chosen):
        try:
            ready.append(_prepare(target, rows, folders, judged))
        except targets.Unavailable as error:
            argv = target.argv(folders.build)
            absent.append(TargetRun(target.name, target.description, argv, target.kind, unavailable=str(error)))
            if by_name:
                missed.append(Fault(target.name, str(error)))
        except IpckError as error:
            faults += [message for message in error.messages if message not in faults]
    if faults:
        raise IpckError(*faults)
    if not ready:
        raise IpckError(*(f"target {run.target} is unavailable: {run.unavailable}" for run in absent))
    order = tuple(choice.target.name for choice in chosen)
    return Plan(rows, said, tuple(ready), tuple(absent), order, tuple(missed))


def by_requirement(tests: Iterable[Test]) -> dict[str, list[Test]]:
    """TESTS by the requirements that they verify."""
    by: dict[str, list[Test]] = {}
    for test in tests:
        for requirement in test.requirements:
            by.setdefault(requirement, []).append(test)
    return by


def _prepare(target: Target, rows: Catalogue, folders: Folders, judged: set[tuple[str, ...]]) -> Ready:
    """TARGET without the tests whose subjects targets before it have JUDGED; its own are added to them."""
    tests = targets.list_tests(target, rows, folders.build)
    known = baseline.load(baseline.stem_of(target, folders.baselines), rows, tests, folders.baselines)
    subjects = {test.id: targets.subject(target, test.id) for test in tests if target.judges(test.id)}
    chosen = {test.id: test for test in tests if test.id in subjects and subjects[test.id] not in judged}
    judged.update(subjects.values())
    return Ready(target, folders.build, chosen, known)
