"""Which workloads find which wrong implementations (fault/mutants), and how soon: without the conformance tests.

A first run with the library in place, but no mutant chosen, notes which workloads reach how many mutants of a mechanism
(sysv/sem, posix/shm ..). Each mutant then runs with the workloads that make calls of its mechanism, those that reach
most first: each for a second, then for longer, until one finds a violation or the time for a mutant is over.
"""

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .. import calls, mutants
from ..catalogue import Catalogue
from ..errors import IpckError
from ..mutants import Mutant, Table
from ..targets import Target
from . import run
from .results import Workload
from .run import Options

CONCURRENCY = "concurrency"
"""Stands for the mutants that concern concurrency."""

_KINDS = ("atomicity", "wakeup")
_UNDO = ("semop.undo.", "exit.semadj", "fork.semadj", "exec.semadj", "ipcns.setns-undo")
"""Requirements of one of these kinds, or of what SEM_UNDO leaves, concern concurrency."""
_TURNS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds that each workload may take, turn by turn, each with a seed of its own."""
_LOOK = 0.4
_PREFIX = "stress."
"""What a workload's name as a test begins with."""


@dataclass(frozen=True, slots=True)
class Found:
    """What became of a mutant."""

    mutant: Mutant
    tried: tuple[str, ...]  # workloads
    workload: str = ""  # that found a violation; "": none did
    requirement: str = ""
    seconds: float = 0.0  # that this workload took
    spent: float = 0.0  # .. and those before it
    errors: tuple[str, ...] = ()  # of workloads that could not decide

    def told(self) -> str:
        """In a line."""
        if not self.workload:
            why = "; ".join(self.errors) or f"by {', '.join(self.tried) or 'none, as none makes such calls'}"
            return f"NOT FOUND {self.mutant.name}: {self.mutant.what} ({why}; {self.spent:.1f} s)"
        aside = "" if self.requirement in self.mutant.violates else ", a consequence"
        times = f"{self.seconds:.1f} s, {self.spent:.1f} s in all"
        return f"{self.mutant.name}: {self.workload} {times} ({self.requirement}{aside})"


def choose(table: Table, patterns: Sequence[str], catalogue: Catalogue) -> tuple[Mutant, ...]:
    """The mutants of PATTERNS that can be found, CONCURRENCY among them; IpckError for a pattern that means none."""
    concerning = [one.name for one in table.mutants if _concerns(one, catalogue)]
    names = [name for pattern in patterns for name in (concerning if pattern == CONCURRENCY else [pattern])]
    return tuple(one for one in mutants.choose(table, names) if not one.equivalent)


def _concerns(mutant: Mutant, catalogue: Catalogue) -> bool:
    return any(catalogue.by_id[name].kind in _KINDS or name.startswith(_UNDO) for name in mutant.violates)


class Search:
    """The runs of some workloads with mutants in place."""

    def __init__(self, target: Target, names: Sequence[str], options: Options, build: Path) -> None:
        """OPTIONS.seconds are what is spent on a mutant; TARGET is as run.place() makes it."""
        if target.flavour != mutants.FLAVOUR:
            raise IpckError(f"target {target.name}: only calls of the flavour {mutants.FLAVOUR} can be broken")
        self._target, self._names, self._options, self._build = target, names, options, build
        self._library = mutants.preload(build)
        self._points = {call.name: call.point for call in calls.load(build)}

    def each(self, chosen: Sequence[Mutant], table: Table, say: Callable[[str], None]) -> list[Found]:
        """What becomes of each of CHOSEN, told as it comes."""
        callers = self._callers(table)
        found = []
        for mutant in chosen:
            found.append(self._one(mutant, callers.get(self._mechanism(mutant), ())))
            say(found[-1].told())
        return found

    def _mechanism(self, mutant: Mutant) -> str:
        """Calls that are not of the table are made on what shm_open() opens."""
        return self._points.get(mutant.call, "posix/shm/").rpartition("/")[0]

    def _one(self, mutant: Mutant, names: Sequence[str]) -> Found:
        result = Found(mutant, tuple(names))
        began = time.monotonic()
        errors: list[str] = []
        for turn, seconds in enumerate(_TURNS):
            for name in names:
                left = self._options.seconds - (time.monotonic() - began)
                if left <= 0:
                    break
                one = self._run(name, f"IPCK_MUTANT={mutant.name}", min(seconds, left), turn)
                if one.violations:
                    best = [each.requirement for each in one.violations if each.requirement in mutant.violates]
                    requirement = (best or [one.violations[0].requirement])[0]
                    spent = time.monotonic() - began
                    return replace(result, workload=name, requirement=requirement, seconds=one.seconds, spent=spent)
                if one.error:
                    errors.append(f"{name}: {one.error}")
        return replace(result, spent=time.monotonic() - began, errors=tuple(dict.fromkeys(errors)))

    def _callers(self, table: Table) -> Mapping[str, Sequence[str]]:
        """The workloads that make calls of each mechanism, those first that reach most of its mutants.

        The library asks after the state of many objects then, which is no affair of the workloads: what they find
        violated is passed over.
        """
        with tempfile.TemporaryDirectory(prefix="ipck-mutants-") as folder:
            path = Path(folder) / "map"
            path.touch()
            os.chmod(folder, 0o711)
            os.chmod(path, 0o666)
            for name in self._names:
                one = self._run(name, f"IPCK_MUTANT_MAP={path}", _LOOK)
                if one.error:
                    raise IpckError(f"without a mutant {name} cannot decide: {one.error}")
            try:
                tests = mutants.reached(path.read_bytes(), table)
            except ValueError as error:
                raise IpckError(f"{self._library.name}: what it noted about workloads {error}: run make") from None
        reached: dict[str, Counter[str]] = {}
        for mutant in table.mutants:
            names = (test.removeprefix(_PREFIX) for test in tests.get(mutant.name, ()))
            reached.setdefault(self._mechanism(mutant), Counter()).update(names)
        return {mechanism: [name for name, _ in count.most_common()] for mechanism, count in reached.items()}

    def _run(self, name: str, setting: str, seconds: float, turn: int = 0) -> Workload:
        prefix = ("env", f"LD_PRELOAD={self._library}", setting, *self._target.prefix)
        options = replace(self._options, seconds=seconds, seed=self._options.seed + turn)
        engine = run.Run(replace(self._target, prefix=prefix), [name], options, self._build)
        return _result(engine.events(), name)


def _result(events: Iterator[run.Event], name: str) -> Workload:
    for event in events:
        if isinstance(event, Workload):
            return event
        if isinstance(event, str):
            return Workload(name, error=event)
    return Workload(name, error="no result")
