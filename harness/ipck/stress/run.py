"""Runs workloads on a target, whatever the program and the target do.

A program that dies or falls silent takes the workload along that was running; it is started again for those behind it.
At the end every workload has a result.
"""

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event as Flag

from ..errors import IpckError
from ..process import Process
from ..records import clean
from ..stream import Left
from ..targets import STRESS, Target, Unavailable
from ..tree import BUILD
from ..watch import Watch
from . import lines
from .results import Resources, Workload

_MOST_FAULTS = 50
_LONGEST_DEADLINE = 7200.0
_LISTING = 60.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the user may say about how workloads run."""

    seed: int = 1
    seconds: float = 2.0  # that each may take
    soak: float = 0.0  # seconds; 0: each runs once
    time_scale: float = 1.0
    waived: tuple[str, ...] = ()  # requirements that are not demanded
    grace: float = 30.0  # seconds beyond the program's own deadline before it is killed


Event = lines.Head | Workload | Resources | lines.Operation | str
"""What comes out of a run; a string is a fault."""


def place(target: Target) -> Target:
    """TARGET as it runs workloads."""
    return replace(target, tool=STRESS)


def list_workloads(target: Target, build: Path = BUILD) -> dict[str, str]:
    """What each workload of the program does; Unavailable when it cannot run here, IpckError when it says nonsense."""
    target.check(build)
    try:
        with target.ask(build) as process:
            watch = Watch(process, target.time_scale, _LISTING, Flag())
            said = [line or b"" for line in watch.lines()]
            how = watch.why or process.finish()
    except OSError as error:
        raise Unavailable(f"{target.program(build)} cannot be executed ({error.strerror})") from None
    found: dict[str, str] = {}
    for line in said:
        name, place_of, what = (line.decode("utf-8", "replace").split("\t") + ["", ""])[:3]
        if not name or not place_of:
            raise IpckError(f"target {target.name}: --list prints {clean(name)[:100]!r}, which is no workload")
        found[name] = clean(what)
    if how or not found:
        raise IpckError(f"target {target.name}: --list: the program {how or 'has no workloads'}")
    return found


class Run:
    """One run of some workloads on one target; iterate over events() once."""

    def __init__(self, target: Target, names: Sequence[str], options: Options, build: Path = BUILD) -> None:
        """NAMES are workloads of the program in BUILD, in the program's order; TARGET is as place() makes it."""
        self._target = target
        self._names = list(names)
        self._options = options
        self._build = build
        self._scale = target.time_scale * options.time_scale
        self._stopped = Flag()
        self._running = ""
        self._began = 0.0
        self._done: set[str] = set()
        self._complete = False
        self._left_by: Left | None = None
        self._faults = 0
        self._line = 0
        self._deadline = 60.0
        self._seed = options.seed  # of the latest cycle

    def stop(self) -> None:
        """Kill the program; events() comes to its end soon. Safe to call from another thread."""
        self._stopped.set()

    def events(self, *more: str) -> Iterator[Event]:
        """Everything that comes out of the run; MORE are further options of the program."""
        until = time.monotonic() + self._options.soak
        left = self._names
        while left and not self._stopped.is_set():
            soak = max(0.0, until - time.monotonic())
            why, words = "", ""
            try:
                arguments = (*self._arguments(min(soak, self._target.portion or soak)), *more, *left)
                with self._target.start(self._build, arguments, "") as process:
                    why = yield from self._read(process)
                    words = clean(process.last_words())
            except OSError as error:
                why = f"the program cannot be executed ({error.strerror})"
            if self._stopped.is_set():
                return
            if self._running:
                yield self._lost(f"{why or 'no result'} while this workload ran: {words}".rstrip(": "))
                self._done.add(self._running)
            elif why:
                yield from self._fault(f"{why}: {words}" if words else why)
            if self._complete and not why and until - time.monotonic() >= 1:
                self._seed += 1  # of the next portion
                continue
            before, left = left, [name for name in left if name not in self._done]
            if left == before or (why and not self._running and not self._complete):
                break
            self._running = ""
        for name in self._names:
            if name not in self._done:
                yield Workload(name, self._seed, error="no result: the program ended before it began")

    def _arguments(self, soak: float) -> tuple[str, ...]:
        options = self._options
        waived = tuple(word for name in options.waived for word in ("--waive", name))
        return (
            "--seed", str(self._seed), "--seconds", f"{options.seconds:g}", "--time-scale", f"{self._scale:g}",
            *(("--soak", f"{soak:.0f}") if soak >= 1 else ()), *waived,
        )  # fmt: skip

    def _read(self, process: Process) -> Generator[Event, None, str]:
        """All lines of one start; returns what is wrong with how they ended."""
        self._complete, self._left_by, self._running = False, None, ""
        watch = Watch(process, self._scale, self._deadline + self._options.grace, self._stopped)
        for line in watch.lines():
            self._line += 1
            try:
                record = lines.read(line)
            except ValueError as error:
                yield from self._fault(f"line {self._line} of the output {error}")
                continue
            watch.patience = self._deadline + self._options.grace
            yield from self._take(record, watch)
        if watch.torn:
            yield from self._fault(f"line {self._line + 1} of the output is cut short")
        return watch.end(self._complete, self._left_by)

    def _take(self, record: lines.Line, watch: Watch) -> Iterator[Event]:
        if isinstance(record, Left):
            self._left_by = record
        elif isinstance(record, lines.End):
            self._complete = True
        elif isinstance(record, lines.Start):
            self._running, self._began = record.workload, time.monotonic()
            watch.renew()
        elif isinstance(record, Workload):
            if record.name not in self._names:
                yield from self._fault(f"line {self._line} is about {record.name[:100]!r}, which was not asked for")
                return
            self._running = ""
            self._done.add(record.name)
            watch.renew()
            self._seed = record.seed or self._seed
            yield replace(record, violations=tuple(map(lines.shortened, record.violations)))
        elif isinstance(record, lines.Head):
            self._deadline = min(record.deadline, _LONGEST_DEADLINE)
            yield record
        elif isinstance(record, (Resources, lines.Operation)):
            watch.renew()
            yield record

    def _lost(self, why: str) -> Workload:
        return Workload(
            self._running, self._seed, seconds=round(time.monotonic() - self._began, 3), error=why
        )

    def _fault(self, message: str) -> Iterator[str]:
        self._faults += 1
        if self._faults == _MOST_FAULTS:
            yield "more such faults, not shown"
        elif self._faults < _MOST_FAULTS:
            yield message
