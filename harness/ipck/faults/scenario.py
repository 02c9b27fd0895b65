"""Which call is to go wrong and how: `sysv/sem/semop:errno=EIDRM:nth=2`. fault/preload/scenario.h has the grammar."""

import errno
import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..calls import Call, choose
from ..errors import IpckError

GRAMMAR = (
    "POINT[:errno=NAME|interrupt[=SIGNAL]|kill=entry|blocked|after|step=N][:delay=N(us|ms|s)][:nth=A[..B][+[STEP]]]"
)
_NTH = re.compile(r"(\d+)(?:\.\.(\d+))?(\+(\d*))?")
_DELAY = re.compile(r"(\d+)(us|ms|s)")
_UNITS = {"us": 1000, "ms": 10**6, "s": 10**9}
_MOST_DELAY = 10**6
_MOST_STEP = 2**31 - 1
EVERY = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Scenario:
    """One fault, as the user wrote it and as the engines read it."""

    text: str
    calls: tuple[Call, ...]
    action: str = ""  # "fail", "interrupt", "kill", "step"; empty: only the delay
    error: str = ""  # of "fail"; empty: drawn from what the call may report
    signal: str = ""  # of "interrupt"; empty: one that nobody else uses
    moment: str = ""  # of "kill": entry, blocked, after
    kernel_step: int = 0  # of "step": which of the kernel's own
    delay: int = 0  # nanoseconds
    first: int = 1
    last: int = EVERY
    step: int = 1
    probability: float = 1.0
    count: str = "process"

    @property
    def illegal(self) -> tuple[Call, ...]:
        """The calls that may not report its error."""
        return tuple(call for call in self.calls if self.error and self.error not in call.errors)


def parse(texts: Sequence[str], table: Sequence[Call], force: bool = False) -> tuple[Scenario, ...]:
    """The scenarios of TEXTS; IpckError for the first that cannot be. FORCE allows illegal errors."""
    scenarios = tuple(_parse(text, table) for text in texts)
    for one in scenarios:
        if one.illegal and not force:
            call = one.illegal[0]
            raise IpckError(
                f"{one.text}: {call.name}() may not report {one.error}, only {', '.join(call.errors)}"
                " (--force injects it all the same)"
            )
        if one.action == "interrupt" and (never := [call for call in one.calls if not call.waits]):
            raise IpckError(f"{one.text}: {never[0].name}() never waits, so that no signal can interrupt it")
    return scenarios


def _parse(text: str, table: Sequence[Call]) -> Scenario:
    point, *options = text.split(":")
    scenario = Scenario(text, _points(point, table))
    given: set[str] = set()
    for option in options:
        name, _, value = option.partition("=")
        kind = "action" if name in ("errno", "interrupt", "kill", "step") else name
        if kind in given:
            raise IpckError(f"{text}: one too many: {option}")
        given.add(kind)
        reader = _OPTIONS.get(name)
        if not reader:
            raise IpckError(f"{text}: no such option: {option} (there are {', '.join(_OPTIONS)})")
        read = reader(scenario, value)
        if not read:
            raise IpckError(f"{text}: no such value: {option}")
        scenario = read
    if not scenario.action and not scenario.delay:
        scenario = replace(scenario, action="fail")
    return scenario


def _points(point: str, table: Sequence[Call]) -> tuple[Call, ...]:
    """A point or a beginning of points and a star, as libfiu has it."""
    if point.endswith("*") and "*" not in point[:-1]:
        if found := tuple(call for call in table if call.point.startswith(point[:-1])):
            return found
    elif found := tuple(call for call in table if call.point == point):
        return found
    by_name = [call.point for call in table if call.name == point]
    if by_name:
        raise IpckError(f"there is no point {point!r}; that of {point}() is {by_name[0]}")
    choose(table, [point.replace("*", "[*]")])
    raise IpckError(f"{point}: a '*' can only be the end of a point")


def _errno(scenario: Scenario, value: str) -> Scenario | None:
    return replace(scenario, action="fail", error=value) if hasattr(errno, value) and value[:1] == "E" else None


def _interrupt(scenario: Scenario, value: str) -> Scenario | None:
    name = f"SIG{value.removeprefix('SIG')}" if value else ""
    known = not name or name in signal.Signals.__members__ and name not in ("SIGKILL", "SIGSTOP")
    return replace(scenario, action="interrupt", signal=name) if known else None


def _kill(scenario: Scenario, value: str) -> Scenario | None:
    return replace(scenario, action="kill", moment=value) if value in ("entry", "blocked", "after") else None


def _kernel_step(scenario: Scenario, value: str) -> Scenario | None:
    known = re.fullmatch(r"\d+", value, re.ASCII) and 0 < int(value) <= _MOST_STEP
    return replace(scenario, action="step", kernel_step=int(value)) if known else None


def _delay(scenario: Scenario, value: str) -> Scenario | None:
    match = _DELAY.fullmatch(value)
    if not match or int(match[1]) > _MOST_DELAY:
        return None
    return replace(scenario, delay=int(match[1]) * _UNITS[match[2]])


def _nth(scenario: Scenario, value: str) -> Scenario | None:
    match = _NTH.fullmatch(value)
    if not match:
        return None
    first = int(match[1])
    last = int(match[2]) if match[2] else EVERY if match[3] else first
    step = int(match[4]) if match[4] else 1
    return replace(scenario, first=first, last=last, step=step) if 0 < first <= last <= EVERY and step > 0 else None


def _probability(scenario: Scenario, value: str) -> Scenario | None:
    if not re.fullmatch(r"\d+(\.\d*)?|\.\d+", value) or float(value) > 1:
        return None
    return replace(scenario, probability=float(value))


def _count(scenario: Scenario, value: str) -> Scenario | None:
    return replace(scenario, count=value) if value in ("process", "thread", "tree") else None


_OPTIONS = {
    "errno": _errno,
    "interrupt": _interrupt,
    "kill": _kill,
    "step": _kernel_step,
    "delay": _delay,
    "nth": _nth,
    "probability": _probability,
    "count": _count,
}
