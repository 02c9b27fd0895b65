"""Runs selected tests of a target into a recorder: at once, or in a thread while somebody waits for single results."""

from collections.abc import Callable, Sequence
from threading import Event, Semaphore, Thread

from .engine import Ended, Engine, Options
from .judge import excused, judge
from .plan import Ready
from .results import Fault, RunInfo, TargetRun, TestResult
from .store import Recorder
from .targets import Test

_POLL = 0.05


def run(ready: Ready, engine: Engine, recorder: Recorder) -> None:
    """Run ENGINE to its end; every result goes judged into RECORDER."""
    name = ready.target.name
    ends = _Ends(recorder)
    for event in engine.events():
        if isinstance(event, TestResult):
            result = judge(event, ready.tests[event.test], ready.baseline)
            recorder.add(result)
            ends.explain(result)
        elif isinstance(event, Fault):
            ends.add(event)
        elif isinstance(event, RunInfo):
            recorder.inform(name, event)
        elif isinstance(event, Ended):
            ends.close()
            recorder.end(name, event.seconds, event.complete or ends.explained)


class _Ends:
    """The faults of a run on their way to a recorder: the target's end is none where it is known of the culprit.

    Of several tests that were running the culprit is found only later; what comes meanwhile waits for its turn.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.explained = False  # the latest end
        self._recorder = recorder
        self._open: list[Fault] = []
        self._judged: set[str] = set()

    def add(self, fault: Fault) -> None:
        """FAULT is recorded as soon as it is known that no culprit excuses it."""
        self.explained = False
        self._open.append(fault)
        self._settle()

    def explain(self, result: TestResult) -> None:
        """Forget the ends that the judged RESULT explains."""
        self._judged.add(result.test)
        if excused(result):
            self._open = [fault for fault in self._open if result.test not in fault.tests]
            self.explained = not self._open
        self._settle()

    def close(self) -> None:
        """Record what nothing explains."""
        for fault in self._open:
            self._recorder.add(fault)

    def _settle(self) -> None:
        while self._open and self._judged.issuperset(self._open[0].tests):
            self._recorder.add(self._open.pop(0))


def run_part(ready: Ready, tests: Sequence[Test], options: Options) -> TargetRun:
    """The results of some tests of a target, run now."""
    recorder = Recorder()
    engine = begin(ready, tests, options, recorder)
    run(ready, engine, recorder)
    return recorder.results().targets[0]


def record(ready: Ready, argv: tuple[str, ...]) -> TargetRun:
    """What is known of a target before it runs by the command line ARGV."""
    target = ready.target
    return TargetRun(target.name, target.description, argv, target.kind, ready.baseline.stem)


def begin(ready: Ready, tests: Sequence[Test], options: Options, recorder: Recorder) -> Engine:
    """An engine for TESTS, and its target made known to RECORDER."""
    engine = Engine(ready.target, tests, options, ready.build)
    recorder.begin(record(ready, engine.argv))
    return engine


class Stream(Thread):
    """One target's run in the background."""

    def __init__(
        self, ready: Ready, tests: Sequence[Test], options: Options, recorder: Recorder, slots: Semaphore
    ) -> None:
        """It runs while it holds one of SLOTS."""
        super().__init__(name=f"ipck {ready.target.name}", daemon=True)
        self._ready = ready
        self._recorder = recorder
        self._slots = slots
        self._engine = begin(ready, tests, options, recorder)
        self._error: BaseException | None = None
        self._ended = Event()  # Thread.join() takes a thread for ended when a signal interrupts it (Python 3.11)

    def run(self) -> None:
        """The thread's work."""
        try:
            with self._slots:
                run(self._ready, self._engine, self._recorder)
        except BaseException as error:  # handed to the thread that waits for results
            self._error = error
        finally:
            self._ended.set()

    def result(self, test: str, waiting: Callable[[], None]) -> TestResult:
        """The result of TEST, waited for if need be; WAITING is called now and then meanwhile."""
        while True:
            ended = self._ended.is_set()
            if result := self._recorder.find(self._ready.target.name, test):
                return result
            if ended:
                raise self._error or RuntimeError(f"the run ended without a result of {test}")
            self._ended.wait(_POLL)
            waiting()

    def stop(self) -> None:
        """Kill the program; what came so far stays in the recorder."""
        self._engine.stop()

    def finish(self) -> None:
        """Wait for the end of the run."""
        self._ended.wait()
        if self._error:
            raise self._error
