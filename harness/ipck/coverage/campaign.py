"""Runs programs on a kernel or with a library that counts, and gathers what it counted."""

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from .. import runner, stream
from ..engine import Engine, Event, Options
from ..errors import IpckError
from ..faults import inside
from ..plan import Ready
from ..records import clean
from ..results import RED, TargetRun
from ..store import Recorder
from ..targets import VARIANTS, Target, Test, without_variant
from ..targets.kernels import QemuKernel
from ..targets.uml import Uml
from ..tree import shown
from .gcda import Broken
from .tally import Machine, Tally

_SEED = 1
_POLL = 0.1
_PATIENCE = 1800.0
_WORDS = 2000
_TOLD = 20


@dataclass(frozen=True, slots=True)
class Program:
    """What is run: one that gives results of tests, or one of which only the counters are of interest."""

    tool: str
    arguments: tuple[str, ...] = ()
    tests: bool = False
    optional: bool = True  # left out where it was not built
    boot: str = ""  # more words for the kernel's command line
    only: tuple[str, ...] = ("*",)  # of its tests, as shell patterns
    flavour: str = ""  # of a program of 32 bits on a kernel of 64; User-Mode Linux runs none
    baseline: str = ""  # whose deviations are expected then
    apart: bool = False  # it is to have namespaces of its own, and makes none
    doubles: tuple[str, ...] = ("libc",)  # tests whose calls are made so are left out where others are the same

    @property
    def name(self) -> str:
        """What people know it by."""
        tool = f"{self.tool} of {self.flavour}" if self.flavour else self.tool
        return f"{tool}, started with {self.boot}" if self.boot else tool

    def on(self, target: Target) -> Target | None:
        """TARGET, set up to run it; None where it cannot."""
        if not isinstance(target, Uml | QemuKernel):
            return replace(target, tool=self.tool, prefix=(*target.prefix, *(inside.apart() if self.apart else ())))
        if self.flavour and isinstance(target, Uml):
            return None
        flavour, append = self.flavour or target.flavour, f"{target.append} {self.boot}"
        return replace(target, tool=self.tool, flavour=flavour, append=append)


PROGRAMS = (
    Program("ipck-tests", tests=True, optional=False),
    Program("ipck-tests", tests=True, boot="ipcmni_extend", only=("common.limits_*", "sysv.msg.msgctl_info.*")),
    Program("ipck-tests", tests=True, flavour="i386-static", baseline="kernel-i386"),
    Program("crash-tests", tests=True),
    Program("ipck-stress", ("--seed", "1", "--seconds", "0.5", "*")),
    Program("ipck-failnth", ("--own-clock",)),
)
"""On a kernel, in this order."""

LIBRARY_PROGRAMS = (
    Program("ipck-tests", tests=True, optional=False, doubles=("raw", "mux")),
    Program(inside.PROGRAM, apart=True),
)
"""With a C library."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of a program."""

    program: str
    seconds: float
    machine: str = ""  # of the kernel
    tests: int = 0
    unexpected: tuple[str, ...] = ()  # tests that did not come out as the baseline says
    faults: tuple[str, ...] = ()  # what went wrong with the run itself: counters may lack


def choose(program: Program, tests: Sequence[Test]) -> list[Test]:
    """What PROGRAM runs of its TESTS: of those that differ only in who makes the calls, one."""
    names = {test.id for test in tests}
    others = [variant for variant in VARIANTS if variant not in program.doubles]
    return [
        test
        for test in tests
        if any(fnmatchcase(test.id, pattern) for pattern in program.only)
        if test.id.rpartition(".")[2] not in program.doubles
        or not any(f"{without_variant(test.id)}.{other}" in names for other in others)
    ]


def words(ran: Ran) -> Iterator[str]:
    """What became of a program, for people."""
    where = f" on {ran.machine}" if ran.machine else ""
    tests = f"{ran.tests} tests, {len(ran.unexpected)} not as the baseline says, " if ran.tests else ""
    yield f"{ran.program}{where}: {tests}{ran.seconds:.1f} s"
    yield from (f"    {test}" for test in ran.unexpected[:_TOLD])
    yield from (f"    {fault}" for fault in ran.faults)


class _Counted(Engine):
    """A run of tests whose counters go apart."""

    def __init__(self, target: Target, tests: Sequence[Test], machine: Machine, build: Path) -> None:
        """The counters go to MACHINE."""
        super().__init__(target, tests, Options(_SEED, jobs=1), build)
        self._machine = machine

    def events(self) -> Iterator[Event]:
        """Everything but the counters."""
        for event in super().events():
            if isinstance(event, stream.Counters):
                _add(self._machine, event)
            else:
                yield event


def run(program: Program, ready: Ready, tally: Tally) -> Ran:
    """Run a program on the target of READY; what is counted meanwhile goes into TALLY."""
    return _run_tests(program, ready, tally) if program.tests else _run_plain(program, ready, tally)


def _run_tests(program: Program, ready: Ready, tally: Tally) -> Ran:
    """Run the tests of READY, on each machine one after the other, so that it is known which counted what."""
    began = time.monotonic()
    tests = list(ready.tests.values())
    machines = len(os.sched_getaffinity(0))
    parts = [part for first in range(machines) if (part := tests[first::machines])]
    engines = [_Counted(ready.target, part, tally.machine(), ready.build) for part in parts]
    with ThreadPoolExecutor(machines) as pool:
        try:
            runs = [pool.submit(_run_part, ready, engine) for engine in engines]
            results = [run.result() for run in runs]
        except BaseException:
            for engine in engines:
                engine.stop()
            raise
    faults = tuple(fault.message for result in results for fault in result.faults)
    if not tally.total:
        said = "; ".join(faults) or "it has none of what is measured"
        raise IpckError(f"{shown(ready.target.program(ready.build))}: no counters came out of it: {said}")
    done = [test for result in results for test in result.tests]
    red = tuple(f"{test.test}: {test.outcome}" for test in done if test.outcome in RED)
    return Ran(program.name, round(time.monotonic() - began, 3), "", len(done), red, faults)


def _run_part(ready: Ready, engine: _Counted) -> TargetRun:
    """What came of the tests of ENGINE, on a machine of their own."""
    recorder = Recorder()
    recorder.begin(runner.record(ready, engine.argv))
    runner.run(ready, engine, recorder)
    return recorder.run(ready.target.name)


def _run_plain(program: Program, ready: Ready, tally: Tally) -> Ran:
    """Run a program of which the counters alone are of interest."""
    target = ready.target
    machine = tally.machine()
    began = heard = time.monotonic()
    lines = stream.Lines()
    faults: list[str] = []
    carried = isinstance(target, Uml | QemuKernel)  # whoever carries its lines says how it ended
    counted = ended = False
    with target.start(ready.build, program.arguments, "") as process:
        while (piece := process.read(_POLL)) is not None:
            now = time.monotonic()
            heard = now if piece else heard
            for line in lines.feed(piece):
                if line and b'"counters"' in line:
                    _add(machine, _counters(line, target.name))
                    counted = True
                elif line and carried and b'"left"' in line:
                    ended = True
            silent = 0 < process.heartbeat * target.time_scale < now - heard
            if silent or now - began > _PATIENCE:
                faults.append(f"{process.what} was killed after {now - began:.0f} s")
                break
        if not faults and not ended:
            how = process.finish()
            if carried or how or not counted:
                faults.append(f"{process.what} {how or 'ended'}: {clean(process.last_words())[:_WORDS]}")
    return Ran(program.name, round(time.monotonic() - began, 3), faults=tuple(faults))


def _counters(line: bytes, target: str) -> stream.Counters:
    try:
        record, _ = stream.read(line, target)
    except ValueError as error:
        raise IpckError(f"the counters cannot be read: {error}") from None
    return record if isinstance(record, stream.Counters) else stream.Counters("", {})


def _add(machine: Machine, counters: stream.Counters) -> None:
    try:
        machine.add(counters.at, counters.files)
    except Broken as error:
        raise IpckError(f"the counters cannot be read: {error}") from None
