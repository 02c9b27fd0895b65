"""The pytest plugin: each (target, test) is an item, and the results become reports.

Without xdist every target is one run of its program, in a thread, and items wait for their results in the order of
collection. With xdist the workers run the tests of one file at a time and send what comes out to the controller.
"""

import os
import secrets
import signal
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Semaphore
from typing import Any

import pytest

from . import distribute, itemreports, options, plan, provenance, runner, shards
from .console import Console
from .engine import Options
from .errors import IpckError
from .judge import judge, lost, undecided
from .kcidb import Submitter, submitter
from .plan import Folders, Plan, Ready
from .publish import clear, journal, publish
from .runner import Stream
from .store import Journal, Recorder
from .summary import exit_status
from .targets import Test

_WHOLE_RUN = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)

MARKER = "conformance.suite"
"""The file in harness/suite that stands for all tests of all targets."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `ipck run`."""
    options.add_run(parser.getgroup("ipck", "conformance of IPC").addoption)


def pytest_configure(config: pytest.Config) -> None:
    """Choose who does the work."""
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(Worker(config), "ipck")
    elif config.option.collectonly:
        config.pluginmanager.register(Front(config), "ipck")
    else:
        config.pluginmanager.register(Controller(config), "ipck")


def pytest_plugin_registered(plugin: object, manager: pytest.PytestPluginManager) -> None:
    """Put our console in the place of pytest's reporter as soon as that is there, before others take hold of it."""
    controller = manager.get_plugin("ipck")
    if isinstance(controller, Controller) and plugin is manager.get_plugin("terminalreporter"):
        if not isinstance(plugin, Console):
            manager.unregister(plugin)
            manager.register(controller.console, "terminalreporter")


class SuiteFile(pytest.File):
    """All tests of all targets."""

    plan: Plan

    def collect(self) -> Iterator["ConformanceItem"]:
        """An item for each (target, test)."""
        for ready in self.plan.ready:
            for test in ready.tests.values():
                name = f"{ready.target.name}::{test.id}"
                yield ConformanceItem.from_parent(self, name=name, nodeid=name, ready=ready, test=test)


class ConformanceItem(pytest.Item):
    """One test on one target."""

    def __init__(self, *, ready: Ready, test: Test, **rest: Any) -> None:
        super().__init__(**rest)
        self.ready = ready
        self.test = test

    def reportinfo(self) -> tuple[str, int, str]:
        """Where the test stands in the sources."""
        return self.test.file, self.test.line, self.name


class Front:
    """What every process does: plan and collect."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.plan = Plan()
        self.seed = 0
        self.selected: list[tuple[Ready, Test]] = []  # of all shards

    def pytest_sessionstart(self) -> None:
        """Check everything before the first test."""
        option = self.config.option
        try:
            self.plan = plan.make(option.target, Folders(option.requirements, option.baselines, option.build))
        except IpckError as error:
            raise pytest.UsageError(*error.messages) from None

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
        """The one file of the suite."""
        if file_path.name != MARKER:
            return None
        suite: SuiteFile = SuiteFile.from_parent(parent, path=file_path)
        suite.plan = self.plan
        return suite

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Of what was selected keep the part that is to run here."""
        suite = [item for item in items if isinstance(item, ConformanceItem)]
        self.selected = [(item.ready, item.test) for item in suite]
        shard: shards.Shard | None = config.option.shard
        if not shard or not suite:
            return
        if len(suite) < shard.of:
            raise pytest.UsageError(f"--shard {shard}: only {len(suite)} tests are selected: take fewer shards")
        numbers = shards.divide([item.ready.target for item in suite], shard.of)
        items[:] = [item for item, number in zip(suite, numbers) if number == shard.number]
        config.hook.pytest_deselected(items=[item for item, number in zip(suite, numbers) if number != shard.number])

    def options(self) -> Options:
        """How programs run."""
        option = self.config.option
        return Options(self.seed, option.jobs, option.time_scale, tuple(option.prepare))


class Worker(Front):
    """A worker of xdist."""

    def __init__(self, config: pytest.Config) -> None:
        super().__init__(config)
        self.seed = vars(config)["workerinput"]["ipck_seed"]
        self._parts: distribute.Parts | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: ConformanceItem) -> bool:
        """Report the item's result, and send it along in a form that the controller can unpack."""
        if not self._parts:
            self._parts = distribute.Parts(self.options(), (other.nodeid for other in item.session.items))
        result, parcel = self._parts.result(item.ready, item.test.id)
        for report in itemreports.of_result(result, self.plan.catalogue):
            if report.when == "teardown":
                vars(report)["ipck_parcel"] = parcel
            item.config.hook.pytest_runtest_logreport(report=report)
        return True


class Controller(Front):
    """The process that the user started: collects results and makes the reports."""

    def __init__(self, config: pytest.Config) -> None:
        super().__init__(config)
        seed = config.option.seed
        self.seed = secrets.randbelow(1 << 32) if seed is None else seed
        self.console = Console(config)
        self._out: Path = config.option.out
        self._recorder = Recorder()
        self._journal: Journal | None = None
        self._streams: dict[str, Stream] = {}
        self._distributed = config.getoption("dist", "no") != "no"
        self._gate: Submitter | None = None
        self._nodeids: list[str] | None = None  # with xdist: what the workers collected

    def pytest_sessionstart(self) -> None:
        """Check everything and open the journal."""
        option = self.config.option
        if option.shard and option.seed is None:
            raise pytest.UsageError(f"--shard {option.shard}: all shards need one seed: give each the same --seed N")
        if option.shard and self._distributed:
            raise pytest.UsageError(f"--shard {option.shard}: without -n: a shard runs tests side by side, see --jobs")
        super().pytest_sessionstart()
        self._gate = self._submitter()
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # programs are stopped and results kept, as for ^C
        self._journal = Journal(journal(self._out))
        try:
            if self._journal.problem:
                raise self._journal.problem
            clear(self._out)
        except IpckError as error:
            raise pytest.UsageError(*error.messages) from None

    def _submitter(self) -> Submitter | None:
        option = self.config.option
        if option.gate and not option.target:
            raise pytest.UsageError("ipck gate: say what is to be judged: --target NAME")
        if not option.gate and (option.kcidb_origin or option.kcidb_build):
            raise pytest.UsageError("--kcidb-origin, --kcidb-build: kcidb.json is written by ipck gate")
        try:
            return submitter(option.kcidb_origin, option.kcidb_build) if option.gate else None
        except IpckError as error:
            raise pytest.UsageError(*error.messages) from None

    def _open(self, here: Sequence[tuple[Ready, Test]]) -> None:
        """Begin to record; HERE is what is to run."""
        session = replace(
            provenance.session(self.seed),
            shard=str(self.config.option.shard or ""),
            inputs=shards.inputs(self.plan, self.options(), self.selected),
            chosen=shards.shares(self.plan, self.selected, here),
        )
        self._recorder = self.console.recorder = Recorder(session, self._journal)
        for run in self.plan.absent:
            self._recorder.begin(run)
        for fault in self.plan.missed:
            self._recorder.add(fault)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Start the targets, some side by side; pytest's own loop then asks for one result after the other."""
        if self._distributed:
            return
        here = [(item.ready, item.test) for item in session.items if isinstance(item, ConformanceItem)]
        self._open(here)
        selected: dict[str, list[Test]] = {}
        for one, test in here:
            selected.setdefault(one.target.name, []).append(test)
        slots = Semaphore(self.config.option.side_by_side or max(2, len(os.sched_getaffinity(0))))
        for ready in self.plan.ready:
            if tests := selected.get(ready.target.name):
                self.console.expected[ready.target.name] = len(tests)
                stream = Stream(ready, tests, self.options(), self._recorder, slots)
                self._streams[ready.target.name] = stream
                stream.start()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: ConformanceItem) -> bool:
        """Report the item's result when it is there."""
        result = self._streams[item.ready.target.name].result(item.test.id, self.console.tick)
        for report in itemreports.of_result(result, self.plan.catalogue):
            self.config.hook.pytest_runtest_logreport(report=report)
        self.console.tick()
        return True

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """What workers cannot know by themselves."""
        node.workerinput["ipck_seed"] = self.seed

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Tests of one file go to one worker."""
        return distribute.scheduler(config, log)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """All workers collect the same; what one collected is what is expected."""
        if self._nodeids is not None:
            return
        self._nodeids = ids
        self.console.expected.update(nodeid.partition("::")[0] for nodeid in ids)
        by_name = {ready.target.name: ready for ready in self.plan.ready}
        names = (nodeid.partition("::") for nodeid in ids)
        self.selected = [(by_name[target], by_name[target].tests[test]) for target, _, test in names]
        self._open(self.selected)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """With xdist the results come along with the reports."""
        if parcel := getattr(report, "ipck_parcel", None):
            distribute.unpack(parcel, self._recorder)
            self.console.tick()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None, Any, None]:
        """End the runs, then make the reports and say what it all comes to."""
        if exitstatus == pytest.ExitCode.USAGE_ERROR:
            yield  # pytest says what is wrong, and nothing has run
            return
        broken = exitstatus not in _WHOLE_RUN
        self._end_runs(early=bool(broken or session.shouldfail or session.shouldstop))
        for target in self._recorder.results().targets:
            if nothing := undecided(target):
                self._recorder.add(nothing)
        for target in self._recorder.results().targets:
            for number, fault in enumerate(target.faults, 1):
                for report in itemreports.of_fault(fault, number):
                    self.config.hook.pytest_runtest_logreport(report=report)
        yield
        problems = self._close()
        results = self._recorder.results()
        self.console.show_results(results, self.plan.catalogue, short=bool(self._gate))
        problems += publish(results, self.plan.catalogue, self._out, self.plan.notes, self._gate)
        session.exitstatus = 2 if broken or problems else exit_status(results)
        self.console.conclude(problems, session.exitstatus, self._out)

    def _end_runs(self, early: bool) -> None:
        """Wait for the targets, or stop them; with xdist name the tests that went down with their worker."""
        for stream in self._streams.values():
            if early:
                stream.stop()
        for stream in self._streams.values():
            stream.finish()
        if self._distributed and not early:
            for ready in self.plan.ready:
                self._add_lost(ready)

    def _add_lost(self, ready: Ready) -> None:
        name = ready.target.name
        for nodeid in self._nodeids or ():
            target, _, test = nodeid.partition("::")
            if target == name:
                self._recorder.begin(runner.record(ready, ready.target.argv(ready.build)))
                if not self._recorder.find(name, test):
                    gone = lost(name, ready.tests[test], "no result: the pytest worker died")
                    self._recorder.add(judge(gone, ready.tests[test], ready.baseline))

    def _close(self) -> list[IpckError]:
        """No more results; returns what went wrong with the journal."""
        if not self._journal:
            return []
        self._journal.close()
        return [self._journal.problem] if self._journal.problem else []
