"""Runs the tests against each mutant, and judges them by that: what they must find violated, and what they must not.

A first run with the library in place, but no mutant chosen, shows that the library disturbs nobody, and notes which
tests reach which mutant. Each mutant is then run with these tests alone, some mutants at a time. What does not come out
as the mutant's row says is asked a second time, with more patience.
"""

import os
import tempfile
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from threading import Lock

from . import mutants, runner, text
from .engine import Engine, Options
from .errors import IpckError
from .judge import undecided
from .mutants import Mutant, Table
from .plan import Ready
from .results import RED, TargetRun, TestResult
from .store import Recorder
from .targets import VARIANTS, Target, Test

_SEED = 1
_JOBS = 4
"""Tests that a program runs at a time, besides those that mostly wait."""
_PLENTY = 20.0
"""Seconds that a test may take."""
_DEADLINE = 8.0
"""The same where a call is wrong, at first."""
_HASTE, _PATIENCE = 0.5, 1.0
"""Scale patience and deadline where most of what is waited for never comes: at first, and of tests asked again."""
_ABOVE = ("tools.", "notes.")
"""Tests that judge programs: to them the calls are but the means."""


@dataclass(frozen=True, slots=True)
class Found:
    """A requirement that a test found violated."""

    mutant: str
    requirement: str
    test: str
    where: str
    said: str


@dataclass(frozen=True, slots=True)
class Disturbed:
    """A test that could not decide, and can without the mutant."""

    mutant: str
    test: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What the tests said of a mutant."""

    mutant: Mutant
    tests: int  # that reach it
    found: tuple[Found, ...] = ()
    disturbed: tuple[Disturbed, ...] = ()
    seconds: float = 0.0

    @property
    def missed(self) -> tuple[str, ...]:
        """Requirements that it violates, and that no test found violated."""
        found = {one.requirement for one in self.found}
        return tuple(name for name in self.mutant.violates if name not in found)

    @property
    def wrong(self) -> tuple[Found, ...]:
        """What was found violated although it is not."""
        return tuple(one for one in self.found if one.requirement not in self.mutant.violates)

    @property
    def verdict(self) -> str:
        """killed, survives or equivalent."""
        return "equivalent" if self.mutant.equivalent else "survives" if self.missed else "killed"


@dataclass(frozen=True, slots=True)
class Base:
    """The run without a mutant."""

    ready: Ready
    results: Mapping[str, TestResult]
    reached: Mapping[str, set[str]]  # tests by mutant
    scale: float  # of time, as the program has measured it
    seconds: float


def prepare(ready: Ready, patterns: Sequence[str]) -> Ready:
    """READY with the tests that a broken call can reach and that PATTERNS choose; IpckError when one chooses none."""
    tests = {name: test for name, test in ready.tests.items() if _can_reach(name, ready.tests)}
    chosen: dict[str, Test] = {}
    for pattern in patterns or ["*"]:
        found = {name: test for name, test in tests.items() if _matches(name, pattern)}
        if not found:
            raise IpckError(f"no test of calls of the C library matches {pattern!r}: ipck list shows all tests")
        chosen.update(found)
    return replace(ready, tests={name: test for name, test in tests.items() if name in chosen})


def base(ready: Ready, table: Table) -> Base:
    """Run all tests of READY without a mutant; IpckError unless all is as the baseline says."""
    library = mutants.preload(ready.build)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ipck-mutants-") as folder:
        path = Path(folder) / "map"
        path.touch()
        os.chmod(folder, 0o711)  # tests run as other users, and so do the programs that they start
        os.chmod(path, 0o666)
        place = _broken(ready, library, f"IPCK_MUTANT_MAP={path}")
        run = _run(place, list(place.tests.values()), Options(_SEED, deadline=_PLENTY))
        scale = max(run.info.deadline / _PLENTY, 1.0)
        results = {result.test: result for result in run.tests}
        if again := [place.tests[name] for name, result in results.items() if result.outcome in RED]:
            run = _run(place, again, Options(_SEED, 1, deadline=_PLENTY))
            results.update((result.test, result) for result in run.tests)
        try:
            reached = mutants.reached(path.read_bytes(), table)
        except ValueError as error:
            raise IpckError(f"{library.name}: what it noted about tests {error}: run make") from None
    wrong = [result for result in results.values() if result.outcome in RED]
    if wrong:
        raise IpckError(
            *(f"without a mutant {result.test} is not as expected: {text.brief(result)}" for result in wrong[:5]),
            f"no mutant was run: {len(wrong)} tests have to be put right first (ipck run --target {ready.target.name})",
        )
    return Base(ready, results, reached, scale, time.monotonic() - began)


class Runs:
    """The runs of several mutants; iterate over it once."""

    def __init__(self, ground: Base, chosen: Sequence[Mutant], jobs: int) -> None:
        """JOBS mutants are run at a time."""
        self._ground = ground
        self._chosen = chosen
        self._jobs = jobs
        self._library = mutants.preload(ground.ready.build)
        self._engines: list[Engine] = []
        self._stopped = False
        self._lock = Lock()
        self.faults: list[str] = []
        """What went wrong with runs themselves."""

    def __iter__(self) -> Iterator[Judged]:
        """Each mutant's judgement, as they come; those with most tests begin."""
        reached = self._ground.reached
        order = sorted(self._chosen, key=lambda mutant: -len(reached.get(mutant.name, ())))
        pool = ThreadPoolExecutor(self._jobs, "ipck-mutant")
        try:
            for future in as_completed([pool.submit(self._judge, mutant) for mutant in order]):
                yield future.result()
        except BaseException:
            with self._lock:
                self._stopped = True
                for engine in self._engines:
                    engine.stop()
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def _judge(self, mutant: Mutant) -> Judged:
        began = time.monotonic()
        ready = self._ground.ready
        tests = [ready.tests[name] for name in sorted(self._ground.reached.get(mutant.name, ())) if name in ready.tests]
        judged = judge(mutant, len(tests), self._results(mutant, tests, self._options(_HASTE, _DEADLINE)))
        if doubtful := _doubtful(judged, tests):
            again = self._results(mutant, doubtful, self._options(_PATIENCE, _PLENTY))
            judged = second(judged, judge(mutant, len(tests), again))
        return replace(judged, seconds=time.monotonic() - began)

    def _options(self, patience: float, deadline: float) -> Options:
        """The scale is not measured again: the runs of other mutants would make the machine look slow."""
        return Options(_SEED, _JOBS, patience * self._ground.scale, deadline=deadline, exact=True)

    def _results(self, mutant: Mutant, tests: Sequence[Test], options: Options) -> Sequence[TestResult]:
        if not tests:
            return ()
        place = _broken(self._ground.ready, self._library, f"IPCK_MUTANT={mutant.name}")
        run = _run(place, tests, options, self._begin)
        with self._lock:
            self.faults += [f"mutant {mutant.name}: {fault.message}" for fault in run.faults]
        return [result for result in run.tests if self._ground.results[result.test].outcome not in RED]

    def _begin(self, engine: Engine) -> None:
        with self._lock:
            self._engines.append(engine)
            if self._stopped:
                engine.stop()


def judge(mutant: Mutant, tests: int, results: Iterable[TestResult]) -> Judged:
    """What RESULTS, judged against the baseline, say of MUTANT, which TESTS reach."""
    found: list[Found] = []
    disturbed: list[Disturbed] = []
    for result in results:
        red = [verdict for verdict in result.verdicts if verdict.outcome == "fail"]
        found += [
            Found(mutant.name, one.requirement, result.test, one.where, text.evidence(one)) for one in red
        ]  # fmt: skip
        if not red and result.outcome == "error":
            disturbed.append(Disturbed(mutant.name, result.test, result.status, text.brief(result)))
    return Judged(mutant, tests, tuple(found), tuple(disturbed))


def second(first: Judged, again: Judged) -> Judged:
    """What two runs come to: a violation counts when one found it, a wrong accusation only when both made it."""
    accused = {(one.test, one.requirement) for one in again.wrong}
    found = [one for one in first.found if one not in first.wrong or (one.test, one.requirement) in accused]
    known = {(one.test, one.requirement) for one in found}
    found += [
        one for one in again.found if one not in again.wrong and (one.test, one.requirement) not in known
    ]  # fmt: skip
    return replace(first, found=tuple(found))


def _doubtful(judged: Judged, tests: Sequence[Test]) -> list[Test]:
    """The tests to ask again."""
    missed, accusers = set(judged.missed), {one.test for one in judged.wrong}
    return [test for test in tests if test.id in accusers or missed.intersection(test.requirements)]


def _can_reach(test: str, others: Container[str]) -> bool:
    """Whether TEST is one to judge by: of the variants of a test, OTHERS among them, the library's calls are enough."""
    stem, _, variant = test.rpartition(".")
    return not test.startswith(_ABOVE) and (variant not in VARIANTS[1:] or f"{stem}.{VARIANTS[0]}" not in others)


def _matches(test: str, pattern: str) -> bool:
    """Whether PATTERN is a shell pattern of the test, or of a part of its id that ends before a dot."""
    parts = test.split(".")
    return any(fnmatchcase(".".join(parts[:count]), pattern) for count in range(1, len(parts) + 1))


def _broken(ready: Ready, library: Path, setting: str) -> Ready:
    """READY with the library that breaks calls in place."""
    target = ready.target
    # Names are bound when the program starts, and not once more in each process of each test.
    prefix = ("env", f"LD_PRELOAD={library}", "LD_BIND_NOW=1", setting, *target.prefix)
    place = Target(target.name, target.flavour, "calls broken on purpose", prefix, baseline=target.baseline)
    return replace(ready, target=place)


def _run(
    ready: Ready, tests: Sequence[Test], options: Options, begun: Callable[[Engine], None] = lambda _: None
) -> TargetRun:
    """The results of TESTS; IpckError when the machine lets none run."""
    recorder = Recorder()
    engine = runner.begin(ready, tests, options, recorder)
    begun(engine)
    runner.run(ready, engine, recorder)
    run = recorder.results().targets[0]
    if nothing := undecided(run):
        raise IpckError(nothing.message)
    return run
