"""`ipck fault-kernel`: the kernel fails one step after the other inside IPC calls; calls and kernel are judged.

failnth.json, which the command writes:

    schema              1
    target, kernel      what ran, and its release
    kinds, lacks        the kernel's kinds of faults; the options without which some are missing
    operations          [{name, call, steps, outcome}]: how many steps fired; the outcome without a fault
    steps               [{operation, call, n, kind, path, outcome, error}]: which step of the call failed, in which
                        functions (innermost first, as far as the kernel tells), and what became of the call
    violations          [{operation, n, path, kind, detail, known, reproduce}]; kind is errno, state, leak, again,
                        effect, kernel, exit, hang, panic or end; known the reference of fault/failnth/known.toml
    unfired             operations in which no step can fail
    undecided, stale    messages: what could not be done; entries of known.toml that nothing bears out
    complete            whether all operations were asked for: only then unfired and stale say something
    seconds
"""

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .. import calls, files, stream, tomlfile
from ..errors import IpckError
from ..process import Process
from ..records import clean, parse
from ..targets import Target, Unavailable, choose
from ..tree import BUILD, ROOT, shown

PROGRAM = "ipck-failnth"
KNOWN = ROOT / "fault/failnth/known.toml"
NAME = "failnth.json"
SCHEMA = 1
_MOST_STARTS = 64
_STEP_SECONDS = 5
_GRACE = 40.0
_POLL = 0.2
_WORDS, _TRACE = 600, 3000  # what is shown of a console: its end, or a panic from its beginning
_KINDS = ("errno", "state", "leak", "again", "effect", "kernel", "exit", "hang", "panic", "end")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one operation that was made to fail; n is 0 where none was."""

    operation: str
    call: str
    n: int
    kind: str = ""
    path: str = ""
    outcome: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong after a step failed."""

    operation: str
    n: int
    path: str
    kind: str
    detail: str
    reproduce: str
    known: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A deviation that was looked at."""

    kernel: str  # this is a shell pattern, the next two and kind are several, apart by spaces
    operation: str
    function: str  # one that the path names; a path that the kernel does not tell has none
    kind: str
    detail: str  # what the detail begins with, as a pattern
    reason: str
    reference: str
    since: str

    def covers(self, kernel: str, one: Violation) -> bool:
        """Whether ONE, of a kernel of that release, is this one."""
        functions = one.path.split(" < ") if one.path else [""]
        return (
            fnmatchcase(kernel, self.kernel)
            and one.kind in self.kind.split()
            and fnmatchcase(one.detail, self.detail)
            and any(fnmatchcase(one.operation, word) for word in self.operation.split())
            and (self.function == "*" or any(word in functions for word in self.function.split()))
        )


def _kinds(value: object) -> str:
    words = set(value.split()) if isinstance(value, str) else set()
    known = words and words <= set(_KINDS)
    return "" if known else f"is {value!r}, must be one of: {', '.join(_KINDS)}, or several"


_SCHEMA: dict[str, tomlfile.Check] = {
    "kernel": tomlfile.text,
    "operation": tomlfile.text,
    "function": tomlfile.text,
    "kind": _kinds,
    "detail": tomlfile.text,
    "reason": tomlfile.filled_in("what the kernel does, and why"),
    "reference": tomlfile.filled_in("a line of its source, a manual page, a finding"),
    "since": tomlfile.filled_in("the first version that does it, or those that were seen to"),
}


def load_known(path: Path = KNOWN) -> dict[Known, str]:
    """The listed deviations, each with its file and line."""
    return {Known(**row): where for row, where in tomlfile.tables(path, "deviation", _SCHEMA)}


@dataclass(slots=True)
class Found:
    """What a campaign has found so far."""

    target: str
    kernel: str = ""
    kinds: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    steps: list[Step] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)  # of the operations that are through
    violations: list[Violation] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    seconds: float = 0.0
    complete: bool = False

    @property
    def unfired(self) -> list[str]:
        """Operations in which no step can fail."""
        return [name for name, steps in self.counts.items() if not steps]

    @property
    def new(self) -> list[Violation]:
        """Violations that are not listed."""
        return [one for one in self.violations if not one.known]

    @property
    def status(self) -> int:
        """The exit status."""
        return 2 if self.undecided else int(bool(self.new or self.stale))


class Campaign:
    """Runs the program on a target, again and again until it is through whatever the kernel does."""

    def __init__(
        self, target: Target, operations: Sequence[str], build: Path = BUILD, scale: float = 1.0
    ) -> None:
        """OPERATIONS are NAME or NAME:N, shell patterns; none is all."""
        self._target = replace(target, tool=PROGRAM)
        self._operations = tuple(operations)
        self._build = build
        self._scale = target.time_scale * scale
        self._table = {call.name: call for call in calls.load(build)}
        self._flight: tuple[str, int] | None = None  # started, and nothing was heard of it since
        self._ended = False
        self.found = Found(target.name)

    def run(self) -> Found:
        """Everything; IpckError when nothing can be done."""
        began = time.monotonic()
        after = ""
        for _ in range(_MOST_STARTS):
            self._flight, self._ended = None, False
            why, words = self._start(after)
            if self._ended:
                break
            if not self.found.kernel:
                raise IpckError(*(_own_words(words) or [f"{self._target.name}: {why}: {words}".rstrip(": ")]))
            if self._flight is None:
                self.found.undecided.append(f"{why} between two steps: {words}".rstrip(": "))
                break
            name, n = self._flight
            after = f"{name}:{n + 1}"
            if own := _own_words(words):
                self.found.undecided += [f"{name}:{n}: {line}" for line in own]
            else:
                self._lose(name, n, why, words)
        else:
            self.found.undecided.append(f"the kernel died {_MOST_STARTS} times: the rest was not tried")
        self.found.seconds = time.monotonic() - began
        return self.found

    def _start(self, after: str) -> tuple[str, str]:
        """One start of the program; why it ended, and its last words."""
        booted = () if self._target.kind == "host" else ("--own-clock",)
        deadline = f"--deadline={max(1, round(_STEP_SECONDS * self._scale))}"
        arguments = (*booted, deadline, *([f"--from={after}"] if after else []), *self._operations)
        try:
            with self._target.start(self._build, arguments, "") as process:
                why = self._read(process)
                words = clean(process.last_words())
                return why, words[:_TRACE] if "panicked" in why else words[-_WORDS:]
        except OSError as error:
            raise IpckError(f"{self._target.name}: the program cannot be executed ({error.strerror})") from None

    def _read(self, process: Process) -> str:
        lines = stream.Lines()
        alive = time.monotonic()
        patience = max(_STEP_SECONDS * self._scale + _GRACE, process.heartbeat * self._scale)
        useful = alive
        while (piece := process.read(_POLL)) is not None:
            now = time.monotonic()
            alive = now if piece else alive
            for line in lines.feed(piece):
                useful = now if self._take(line) else useful
            if process.heartbeat and now - alive > process.heartbeat * self._scale:
                return f"{process.what} gave no sign of life for {process.heartbeat * self._scale:g} s"
            if now - useful > patience:
                return f"{process.what} gave no result for {patience:g} s"
        how = process.finish()
        return f"{process.what} {how or 'ended'}"

    def _take(self, line: bytes | None) -> bool:
        """Whether LINE brings the campaign forward."""
        try:
            data = parse((line or b"").decode("utf-8"))
            return self._record(data)
        except (ValueError, KeyError, TypeError) as error:
            shown_line = clean((line or b"").decode("utf-8", "backslashreplace"))[:200]
            self.found.undecided.append(f"{PROGRAM} printed what is no result ({error}): {shown_line}")
            return False

    def _record(self, data: Mapping[str, Any]) -> bool:
        kind = data["type"]
        if kind == "run":
            if data["schema"] != SCHEMA:
                raise ValueError(f"another schema than {SCHEMA}: rebuild the program")
            self.found.kernel = str(data["release"])
            self.found.kinds, self.found.lacks = tuple(data["kinds"]), tuple(data["lacks"])
        elif kind == "start":
            self._flight = str(data["operation"]), int(data["n"])
        elif kind == "step":
            self._flight = None
            self._step(data)
        elif kind == "operation":
            self._flight = None
            self.found.counts[str(data["operation"])] = int(data["steps"])
        elif kind == "end":
            self._ended = True
            for problem in data["problems"]:
                self._violate(Step("all", "", 0), *_split(problem))
        elif kind not in ("alive", "left"):
            raise ValueError(f"unknown type {kind!r}")
        return kind not in ("alive", "left")

    def _step(self, data: Mapping[str, Any]) -> None:
        step = Step(
            **{name: str(data[name]) for name in ("operation", "call", "kind", "path", "outcome", "error")},
            n=int(data["n"]),
        )  # fmt: skip
        if step.outcome == "undecided" or (step.n == 0 and step.outcome not in ("succeeded", "failed")):
            self.found.undecided.append(f"{step.operation}:{step.n}: {step.outcome}: {step.error}")
        if step.outcome in ("hung", "died"):
            self._violate(step, "hang" if step.outcome == "hung" else "end", f"the caller or process 1 {step.outcome}")
        may = (*(self._table[step.call].errors if step.call in self._table else ()), *data["errors"])
        if step.n and step.outcome == "failed" and step.error not in may:
            self._violate(step, "errno", f"{step.error}, which {step.call}() may not report")
        for problem in data["problems"]:
            self._violate(step, *_split(problem))
        self.found.steps.append(step)
        if step.n == 0 and any(":" in one for one in self._operations):
            self.found.counts.setdefault(step.operation, 1)

    def _lose(self, name: str, n: int, why: str, words: str) -> None:
        """The kernel, or the program, did not get over step N."""
        kind = "panic" if "panicked" in why else "hang" if "gave no" in why else "end"
        step = Step(name, name.partition(".")[0], n, outcome={"panic": "panicked", "hang": "hung", "end": "died"}[kind])
        self.found.steps.append(step)
        self._violate(step, kind, f"{why}: {words}".rstrip(": "))

    def _violate(self, step: Step, kind: str, detail: str) -> None:
        reproduce = f"ipck fault-kernel {step.operation}:{step.n}" if step.n else f"ipck fault-kernel {step.operation}"
        self.found.violations.append(Violation(step.operation, step.n, step.path, kind, detail, reproduce))


def _split(problem: str) -> tuple[str, str]:
    kind, _, detail = str(problem).partition(": ")
    return kind, detail


def _own_words(words: str) -> list[str]:
    """What the program itself said on the console, without its name."""
    mark = f"{PROGRAM}: "
    return [line.partition(mark)[2] for line in words.splitlines() if mark in line]


def target(values: Sequence[str]) -> Target:
    """The one target that the VALUES of --target mean; without any, the kernel of scripts/build-kernel."""
    if not values:
        return choose([f"uml:{_built()}"])[0].target
    chosen = choose(values)
    if len(chosen) != 1:
        raise IpckError("one target at a time: its results are one failnth.json")
    return chosen[0].target


def _built() -> str:
    command = (str(ROOT / "scripts/build-kernel"), "--variant", "gcov")
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    except OSError as error:
        raise IpckError(f"{command[0]}: {error.strerror}: name a kernel with --uml or --kernel") from None
    if done.returncode:
        raise IpckError("scripts/build-kernel says why there is no kernel; --uml and --kernel name another")
    return done.stdout.strip()


def names(build: Path = BUILD) -> list[str]:
    """All operations, as the program for the usual target lists them."""
    program = build / "glibc-static" / PROGRAM
    try:
        done = subprocess.run((program, "--list"), stdout=subprocess.PIPE, text=True, check=False)
    except OSError as error:
        raise IpckError(f"{shown(program)}: {error.strerror}: run make {shown(program)}") from None
    return done.stdout.split()


def campaign(
    target: Target,
    operations: Sequence[str],
    say: Callable[[str], None],
    build: Path = BUILD,
    known: Path = KNOWN,
    scale: float = 1.0,
) -> Found:
    """Run OPERATIONS (all without) on TARGET and judge what is found; IpckError where that cannot be done."""
    listed = load_known(known)
    try:
        replace(target, tool=PROGRAM).check(build)
    except Unavailable as error:
        raise IpckError(f"{target.name}: {error}") from None
    found = Campaign(target, operations, build, scale).run()
    found.complete = not operations and not found.undecided
    found.violations = [
        replace(one, known=next((entry.reference for entry in listed if entry.covers(found.kernel, one)), ""))
        for one in found.violations
    ]
    if found.complete:
        found.stale = [
            f"FIXED {found.kernel}: {where}: no longer does it: remove the entry"
            for entry, where in listed.items()
            if fnmatchcase(found.kernel, entry.kernel)
            and not any(entry.covers(found.kernel, one) for one in found.violations)
        ]
    for line in summary(found):
        say(line)
    return found


def summary(found: Found) -> Iterator[str]:
    """New violations in full, what could not be decided, and the counts."""
    for one in found.new:
        yield f"FAIL {one.operation}:{one.n}: {one.kind}: {one.detail}{f' (in {one.path})' if one.path else ''}"
    yield from (f"ERROR {message}" for message in found.undecided)
    yield from found.stale
    if found.lacks:
        yield f"this kernel lacks {', '.join(found.lacks)}: not every step was failed"
    fired = sum(step.n > 0 for step in found.steps)
    known = len(found.violations) - len(found.new)
    yield (
        f"Linux {found.kernel} ({found.target}): {len(found.counts)} operations, {fired} steps failed: "
        f"{len(found.new)} violations, {known} known, {len(found.undecided)} undecided; {found.seconds:.0f} s"
    )


def as_json(found: Found) -> str:
    """failnth.json."""
    first = {step.operation: step for step in reversed(found.steps) if step.n == 0}
    unknown = Step("", "", 0)
    operations = [
        {"name": name, "call": name.partition(".")[0], "steps": n, "outcome": first.get(name, unknown).outcome}
        for name, n in found.counts.items()
    ]
    data = {
        "schema": SCHEMA, "target": found.target, "kernel": found.kernel, "kinds": found.kinds, "lacks": found.lacks,
        "operations": operations, "steps": [asdict(step) for step in found.steps if step.n],
        "violations": [asdict(one) for one in found.violations], "unfired": found.unfired,
        "undecided": found.undecided, "stale": found.stale, "complete": found.complete,
        "seconds": round(found.seconds, 1),
    }  # fmt: skip
    return json.dumps(data, indent=1) + "\n"


def write(out: Path, found: Found) -> None:
    """Write failnth.json into the folder OUT."""
    files.write(out / NAME, as_json(found))


def read(out: Path) -> dict[str, Any]:
    """failnth.json in the folder OUT; nothing where there is none."""
    return files.read_results(out / NAME, SCHEMA, "ipck fault-kernel")
