"""What a run found out: plain records, and their JSON lines in results.jsonl."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["pass", "fail", "error", "skip", "known", "fixed"]
"""A judged verdict: `known` is a listed deviation that still deviates, `fixed` one that passes now (and is red)."""

OUTCOMES: tuple[Outcome, ...] = ("pass", "fail", "error", "skip", "known", "fixed")
RED: frozenset[Outcome] = frozenset({"fail", "error", "fixed"})

NO_RESULT = frozenset({"lost", "crashed"})
"""The statuses of tests that gave no result."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """A known deviation, as a target's baseline lists it."""

    test: str
    requirement: str
    verdict: str  # fail, error, or `crash`: the program or its kernel does not get over the test
    reason: str
    reference: str
    since: str
    intermittent: bool = False  # a race: it does not show every time, so a pass is no news


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one test says about one requirement."""

    requirement: str
    outcome: Outcome
    verdict: str = ""  # the program's own word: pass fail unresolved missing skip
    checks: int = 0
    where: str = ""  # FILE:LINE of the deciding check
    expression: str = ""
    wanted: str = ""
    got: str = ""
    row: str = ""  # the named row of a table test
    observed: str = ""  # implementation-defined behaviour that the test recorded
    reason: str = ""  # why unresolved, skipped or missing
    deviation: Deviation | None = None  # for known and fixed


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test on one target, judged."""

    __test__ = False  # not for pytest to collect

    target: str
    test: str
    outcome: Outcome
    status: str
    """The program's own word: pass fail error timeout skip. `crashed` when the program or its kernel did not get over
    the test, `lost` when no result came for another reason."""
    file: str = ""
    line: int = 0
    seconds: float = 0.0
    reason: str = ""  # for error, timeout, skip and no result; after a timeout the state of the hung processes
    output: str = ""  # what the test printed
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a run itself: an unreadable line, a program that died. Counts as an error."""

    target: str
    message: str
    line: int = 0  # of the program's output, 0 when it is not about a line
    tests: tuple[str, ...] = ()  # that were running when the program or its kernel came to its end


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What the program said about itself and the machine (the `run` line)."""

    program: str = ""
    flavour: str = ""
    compiler: str = ""
    libc: str = ""
    kernel: str = ""
    machine: str = ""
    uid: int = -1
    user: str = ""
    isolation: str = ""  # "namespaces", "user namespace" or "none: REASON"
    missing_capabilities: tuple[str, ...] = ()
    limits: tuple[tuple[str, str], ...] = ()  # name and value, sorted, as those below
    facts: tuple[tuple[str, str], ...] = ()  # what else may explain results: page size, clocks, calls missing ..
    config: tuple[tuple[str, str], ...] = ()  # of the kernel, as far as IPC goes; empty where it cannot be read
    seed: int = 0
    jobs: int = 0
    deadline: float = 0.0
    tests: int = 0


@dataclass(frozen=True, slots=True)
class TargetRun:
    """Everything one target said."""

    target: str
    description: str = ""
    argv: tuple[str, ...] = ()
    kind: str = ""  # what stands under one heading
    baseline: str = ""  # stem of the file that it was judged by
    info: RunInfo = RunInfo()
    seconds: float = 0.0
    complete: bool = True  # False: the program died or was killed before its last line
    unavailable: str = ""  # the reason why the target could not run at all
    tests: tuple[TestResult, ...] = ()
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """What was chosen of a target, and how much of it fell to this shard."""

    target: str
    tests: int = 0
    here: int = 0


@dataclass(frozen=True, slots=True)
class RunResults:
    """One run over one or more targets: what reports are made of."""

    command: str = ""
    commit: str = ""
    seed: int = 0
    started: str = ""  # ISO 8601, UTC
    targets: tuple[TargetRun, ...] = ()
    shard: str = ""  # "2/5" when it is a part of a run
    inputs: tuple[tuple[str, str], ...] = ()  # what else decides what runs and how it is judged: name and digest
    chosen: tuple[Share, ...] = ()  # in the order in which the targets are reported


def worst(outcomes: "list[Outcome] | tuple[Outcome, ...]") -> Outcome:
    """The outcome that speaks for several: fail, fixed, error, known, skip, pass in this order."""
    return max(outcomes, key=_WEIGHT.__getitem__, default="pass")


_WEIGHT: dict[Outcome, int] = {"pass": 0, "skip": 1, "known": 2, "error": 3, "fixed": 4, "fail": 5}
