"""Runs a test program and turns its output into results, whatever the program does.

A program that dies or falls silent is started again for the tests without a result, and so is a kernel or a sandbox
that takes it along. Where several tests were in flight, they come first and with one job, so that the culprit is found
and the innocent get their result. At the end every selected test has exactly one result.
"""

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event as Flag

from . import stream
from .judge import lost
from .process import Process
from .records import clean
from .results import Fault, RunInfo, TestResult
from .targets import Target, Test
from .tree import BUILD
from .watch import Watch

_MOST_FAULTS = 50
_MOST_STARTS = 64
_MOST_BARREN_STARTS = 8
_LONGEST_DEADLINE = 3600.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the user may say about how programs run."""

    seed: int = 0
    jobs: int = 0  # 0: the program decides
    time_scale: float = 1.0
    prepare: tuple[str, ...] = ()  # what to do to each test's namespace, see the program's --help
    deadline: float = 0.0  # seconds that a test may take, before any time scale; 0: the program decides
    grace: float = 30.0  # seconds without a usable line, beyond the program's own deadline, before it is killed
    exact: bool = False  # the time scale holds, however slowly the machine makes processes when the program starts


@dataclass(frozen=True, slots=True)
class Ended:
    """The last event of a run."""

    seconds: float
    complete: bool


Event = RunInfo | TestResult | Fault | Ended | stream.Counters


class Engine:
    """One run of some tests on one target; iterate over events() once."""

    def __init__(self, target: Target, tests: Sequence[Test], options: Options, build: Path = BUILD) -> None:
        """TESTS are what to select of the program in BUILD."""
        self._arguments = _arguments(target, options)
        self.argv = (*target.argv(build), *self._arguments)
        """The first command line."""
        self._place = target
        self._build = build
        self._target = target.name
        self._scale = target.time_scale * options.time_scale
        self._grace = options.grace
        self._tests = {test.id: test for test in tests}
        self._left = dict(self._tests)  # no result yet
        self._in_flight: dict[str, Test] = {}  # started and no result yet
        self._suspects: set[str] = set()  # were in flight with others when the program died
        self._deadline = 10.0 * self._scale
        self._line = 0
        self._results = 0  # of this start of the program
        self._faults = 0
        self._complete = False
        self._left_by: stream.Left | None = None  # what the carrier of this start said of the program's end
        self._words = ""  # the last that this start said on stderr
        self._stopped = Flag()

    def stop(self) -> None:
        """Kill the program; events() comes to its end soon. Safe to call from another thread."""
        self._stopped.set()

    def events(self) -> Iterator[Event]:
        """Everything that comes out of the run, as it comes."""
        began = time.monotonic()
        why = ""
        barren = 0
        for _ in range(_MOST_STARTS):
            if self._stopped.is_set():
                break
            before = len(self._left), len(self._suspects)
            suspects = [test for test in self._left if test in self._suspects]
            batch = suspects or list(self._left)
            why = yield from self._start(batch, ("--jobs", "1") if suspects else ())
            if self._stopped.is_set():
                break
            yield from self._judge_death(why)
            if self._complete:
                yield from self._lose(batch, f"no result: {why} before this test began")
            barren = 0 if self._results else barren + 1
            unchanged = (len(self._left), len(self._suspects)) == before
            if not self._left or unchanged or barren == _MOST_BARREN_STARTS:
                break
        if not self._stopped.is_set():  # then the tests that were not reached are not lost
            yield from self._lose(list(self._left), f"no result: {why} before this test began")
        yield Ended(time.monotonic() - began, self._complete)

    def _judge_death(self, why: str) -> Iterator[Event]:
        """Lose the test that was in flight, or suspect all that were."""
        culprits = [test for test in self._in_flight if test in self._suspects or len(self._in_flight) == 1]
        self._suspects.update(self._in_flight)
        status = "lost" if self._complete else "crashed"
        yield from self._lose(culprits, f"no result: {why} while this test was running", self._words, status)

    def _start(self, tests: Sequence[str], more: tuple[str, ...]) -> Generator[Event, None, str]:
        """Run the program once; returns why there may be tests without a result."""
        self._results = 0
        self._complete = False
        self._left_by = None
        self._words = ""
        self._in_flight.clear()
        try:
            select = "".join(f"{test}\n" for test in tests)
            with self._place.start(self._build, (*self._arguments, *more), select) as process:
                why = yield from self._read(process)
                if not self._complete:
                    self._words = clean(process.last_words())
        except OSError as error:
            why = f"the program cannot be executed ({error.strerror})"
        if why:
            yield from self._fault(f"{why}: {self._words}" if self._words else why, tests=tuple(self._in_flight))
        return why or "the program ended"

    def _read(self, process: Process) -> Generator[Event, None, str]:
        """All records of one start; returns what is wrong with how they ended."""
        watch = Watch(process, self._scale, self._deadline + self._grace, self._stopped)
        for line in watch.lines():
            self._line += 1
            before = self._progress()
            yield from self._record(line)
            watch.patience = self._deadline + self._grace
            if self._progress() != before:
                watch.renew()
        if watch.torn:
            self._line += 1
            yield from self._fault("is cut short", self._line)
        return watch.end(self._complete, self._left_by)

    def _progress(self) -> object:
        """Changes with every record that brings the run forward."""
        return len(self._left), len(self._in_flight), self._complete

    def _record(self, line: bytes | None) -> Iterator[Event]:
        """The events that one line of output brings."""
        try:
            record, complaints = stream.read(line, self._target)
            if isinstance(record, (stream.Alive, stream.Left)):
                if isinstance(record, stream.Left):
                    self._left_by = record
                return
            if isinstance(record, stream.Counters):
                yield record
                return
            if self._complete:
                raise ValueError("comes after the last line")
        except ValueError as error:
            yield from self._fault(str(error), self._line)
            return
        if isinstance(record, RunInfo):
            self._deadline = min(record.deadline, _LONGEST_DEADLINE)
            yield record
        elif isinstance(record, stream.End):
            self._complete = True
            if record.tests != self._results:
                complaints.append(f"counts {record.tests} tests, but {self._results} gave a result")
        elif problem := self._unexpected(record):
            complaints.append(problem)
        elif isinstance(record, stream.Start):
            self._in_flight[record.test] = self._left[record.test]
        else:
            yield self._result(record, complaints)
        for complaint in complaints:
            yield from self._fault(complaint, self._line)

    def _unexpected(self, record: stream.Start | TestResult) -> str:
        """Why RECORD's test should not come now, if so."""
        test = record.test
        if test not in self._tests:
            return f"is about the test {test[:200]!r}, which was not asked for"
        if test not in self._left:
            return f"is about {test}, which has a result already"
        if isinstance(record, stream.Start) and test in self._in_flight:
            return f"starts {test} a second time"
        return ""

    def _result(self, result: TestResult, complaints: list[str]) -> TestResult:
        test = self._left.pop(result.test)
        self._in_flight.pop(test.id, None)
        self._results += 1
        strange = [verdict for verdict in result.verdicts if verdict.requirement not in test.requirements]
        if not strange:
            return result
        complaints += [f"judges {verdict.requirement[:100]!r}, which {test.id} does not declare" for verdict in strange]
        return replace(result, verdicts=tuple(verdict for verdict in result.verdicts if verdict not in strange))

    def _lose(
        self, tests: Sequence[str], reason: str, output: str = "", status: str = "lost"
    ) -> Iterator[TestResult]:
        """Results for those of TESTS that have none."""
        for test in tests:
            if test in self._left:
                yield lost(self._target, self._left.pop(test), reason, output, status)

    def _fault(self, message: str, line: int = 0, tests: tuple[str, ...] = ()) -> Iterator[Fault]:
        """A fault, unless there were too many already."""
        self._faults += 1
        if self._faults == _MOST_FAULTS:
            yield Fault(self._target, "more such faults, not shown", line)
        elif self._faults < _MOST_FAULTS:
            yield Fault(self._target, f"line {line} of the output {message}" if line else message, line, tests)


def _arguments(target: Target, options: Options) -> tuple[str, ...]:
    jobs = ("--jobs", str(options.jobs)) if options.jobs else ()
    scale = f"{target.time_scale * options.time_scale:g}"
    seed = ("--shuffle", "--seed", str(options.seed))
    prepare = tuple(f"--prepare={spec}" for spec in options.prepare)
    deadline = ("--deadline", f"{options.deadline:g}") if options.deadline else ()
    exact = ("--exact-scale",) if options.exact else ()
    return (
        "--json", "-", *target.options(), *seed, *jobs, *deadline, "--time-scale", scale, *exact, *prepare, "--select",
        "-",
    )  # fmt: skip
