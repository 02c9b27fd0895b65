"""results.jsonl: every line whole and on its way to the disk as it comes, so that a crash loses nothing; and back.

The lines: `run` (a target, what it is and the session it belongs to), `test` (a judged result), `error` (a fault of the
run), `end` (a target, or one part of its run, is through).
"""

import fcntl
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from .errors import IpckError
from .files import unwritable
from .records import clean, decode, encode, names, parse
from .results import RED, Fault, RunInfo, RunResults, TargetRun, TestResult
from .stream import Lines
from .targets import TARGETS
from .tree import shown

SCHEMA = 1

_SESSION = names(RunResults) - {"targets"}
_OfTarget = TypeVar("_OfTarget", TestResult, Fault, TargetRun)


class Journal:
    """A file that takes whole lines. When it takes no more, `problem` says why and the lines so far stay."""

    def __init__(self, path: Path) -> None:
        self.problem: IpckError | None = None
        self._path = path
        self._size = 0
        self._file = -1
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
            if path.is_file():
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.ftruncate(self._file, 0)
        except BlockingIOError:
            self.problem = IpckError(f"{shown(path)}: another run is writing to it: wait, or choose another --out")
        except OSError as error:
            self.problem = unwritable(path, error)

    def write(self, data: dict[str, Any]) -> None:
        """Append DATA as a line."""
        if self.problem:
            return
        line = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        try:
            written = 0
            while written < len(line):
                written += os.write(self._file, line[written:])
            self._size += written
        except OSError as error:
            self.problem = unwritable(self._path, error)
            try:
                os.ftruncate(self._file, self._size)  # not half a line
            except OSError:
                pass

    def close(self) -> None:
        """No more lines."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


@dataclass(slots=True)
class _Target:
    """A target's results while they come in."""

    run: TargetRun
    tests: dict[str, TestResult] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    red: int = 0
    announced: bool = False
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a target is."""

    target: str
    done: int
    red: int
    ended: bool  # or a part of it, where it runs in parts


class Recorder:
    """Collects the results of a run, in memory and in a journal. Safe to use from several threads."""

    def __init__(self, session: RunResults = RunResults(), journal: Journal | None = None) -> None:
        """SESSION says whose results they are."""
        self._session = session
        self._journal = journal
        self._targets: dict[str, _Target] = {}
        self._lock = Lock()

    def begin(self, run: TargetRun) -> None:
        """A target, or another part of its run, begins."""
        with self._lock:
            target = self._targets.setdefault(run.target, _Target(run))
            if run.unavailable:
                self._announce(target)

    def knows(self, name: str) -> bool:
        """Whether the target has begun."""
        return name in self._targets

    def inform(self, name: str, info: RunInfo) -> None:
        """What the target's program said about itself; the first word counts."""
        with self._lock:
            target = self._targets[name]
            if target.run.info == RunInfo():
                target.run = replace(target.run, info=info)
            self._announce(target)

    def add(self, event: TestResult | Fault) -> None:
        """A result or a fault of a target that has begun."""
        with self._lock:
            target = self._targets[event.target]
            if isinstance(event, TestResult):
                target.tests[event.test] = event
                target.red += event.outcome in RED
                self._write(target, {"type": "test", **encode(event)})
            else:
                target.faults.append(event)
                target.red += 1
                self._write(target, {"type": "error", **encode(event)})

    def end(self, name: str, seconds: float, complete: bool) -> None:
        """The target, or one part of its run, is through."""
        with self._lock:
            target = self._targets[name]
            run = target.run
            target.ended = True
            target.run = replace(run, seconds=run.seconds + seconds, complete=run.complete and complete)
            self._write(target, {"type": "end", "target": name, "seconds": round(seconds, 6), "complete": complete})

    def find(self, name: str, test: str) -> TestResult | None:
        """The result of one test if it came already."""
        return self._targets[name].tests.get(test)

    def progress(self) -> list[Progress]:
        """How far the targets are that can run."""
        targets = list(self._targets.items())
        return [Progress(name, len(one.tests), one.red, one.ended) for name, one in targets if not one.run.unavailable]

    def run(self, name: str) -> TargetRun:
        """What came of one target so far, in an order that no seed changes."""
        with self._lock:
            target = self._targets[name]
            tests = sorted(target.tests.values(), key=lambda test: (test.file, test.line, test.test))
            return replace(target.run, tests=tuple(tests), faults=tuple(target.faults))

    def results(self) -> RunResults:
        """What came so far; the targets in the order in which they were chosen, if that is known."""
        chosen = [share.target for share in self._session.chosen]
        order = {name: number for number, name in enumerate(chosen or TARGETS)}
        names = sorted(self._targets, key=lambda name: order.get(name, len(order)))
        return replace(self._session, targets=tuple(self.run(name) for name in names))

    def _announce(self, target: _Target) -> None:
        """Write the target's `run` line, as late as possible, for what the program says belongs into it."""
        if not target.announced:
            target.announced = True
            run = replace(target.run, seconds=0.0, complete=True)  # which the `end` lines tell
            self._write(target, {"type": "run", "schema": SCHEMA, **encode(self._session), **encode(run)})

    def _write(self, target: _Target, data: dict[str, Any]) -> None:
        if self._journal:
            self._announce(target)
            self._journal.write(data)


def load(paths: Iterable[Path]) -> RunResults:
    """The results in journals, put together; a line that cannot be read becomes a fault of the target it follows."""
    reader = _Reader()
    for path in paths:
        try:
            reader.read(path, path.read_bytes())
        except OSError as error:
            raise IpckError(f"{shown(path)}: cannot be read: {error.strerror}") from None
    if not reader.recorder:
        raise IpckError("no results to read")
    return reader.recorder.results()


def save(run: RunResults, path: Path) -> None:
    """Write RUN to PATH as a journal; IpckError when that cannot be."""
    journal = Journal(path)
    recorder = Recorder(replace(run, targets=()), journal)
    for target in run.targets:
        replay(target, recorder)
    journal.close()
    if journal.problem:
        raise journal.problem


def replay(run: TargetRun, recorder: Recorder) -> None:
    """Tell RECORDER what came of a target, or of a part of its run."""
    recorder.begin(replace(run, info=RunInfo(), seconds=0.0, complete=True, tests=(), faults=()))
    recorder.inform(run.target, run.info)
    for test in run.tests:
        recorder.add(test)
    for fault in run.faults:
        recorder.add(fault)
    if not run.unavailable:
        recorder.end(run.target, run.seconds, run.complete)


class _Reader:
    """Plays journals back into a recorder."""

    def __init__(self) -> None:
        self.recorder: Recorder | None = None
        self._open: dict[str, None] = {}  # targets of this file that have begun and not ended
        self._target = ""

    def read(self, path: Path, content: bytes) -> None:
        """Play one file; IpckError when it is no journal at all."""
        self._open, self._target = {}, ""
        lines = Lines()
        pieces = lines.feed(content)
        if lines.rest() != b"":
            pieces.append(lines.rest())
        for number, line in enumerate(pieces, 1):
            try:
                self._play(_parse(line))
            except ValueError as error:
                self._complain(f"{shown(path)}:{number}: {error}", number)
        for target in self._open:
            self._target = target
            self._complain(f"{shown(path)}: the results of {target} are cut short", 0)
        if not self.recorder:
            raise IpckError(f"{shown(path)}: holds no results")

    def _play(self, data: dict[str, Any]) -> None:
        kind = data.pop("type", None)
        if kind == "run":
            self._begin(data)
        elif not self.recorder or not self._target:
            raise ValueError("is no run line, which must come first: is this a results.jsonl?")
        elif kind == "test":
            self.recorder.add(self._known(decode(TestResult, data)))
        elif kind == "error":
            self.recorder.add(self._known(decode(Fault, data)))
        elif kind == "end":
            run = self._known(decode(TargetRun, data))
            self.recorder.end(run.target, run.seconds, run.complete)
            self._open.pop(run.target, None)
        else:
            raise ValueError(f"has the unknown type {clean(str(kind))[:60]!r}")

    def _begin(self, data: dict[str, Any]) -> None:
        if data.pop("schema", None) != SCHEMA:
            raise ValueError(f"has another schema than {SCHEMA}")
        session = decode(RunResults, {key: data.pop(key) for key in _SESSION & data.keys()})
        run = decode(TargetRun, data)
        self.recorder = self.recorder or Recorder(session)
        self.recorder.begin(run)
        self._target = run.target
        if not run.unavailable:
            self._open[run.target] = None

    def _known(self, record: _OfTarget) -> _OfTarget:
        if not self.recorder or not self.recorder.knows(record.target):
            raise ValueError(f"is about the target {record.target[:100]!r}, which has no run line")
        return record

    def _complain(self, problem: str, line: int) -> None:
        if not self.recorder or not self._target:
            raise IpckError(problem)
        self.recorder.add(Fault(self._target, problem, line))


def _parse(line: bytes | None) -> dict[str, Any]:
    if line is None:
        raise ValueError("is too long")
    try:
        return parse(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None
