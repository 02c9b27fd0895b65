"""The engine for what takes no library along: strace(1) makes the system calls of the program fail."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..calls import Call
from ..errors import IpckError
from .draw import drawn_error
from .engine import Order
from .log import Event
from .program import Program
from .scenario import EVERY, Scenario
from .stracelog import Line, read

_LOG = "strace.log"
_MOST_COUNT = 65535
"""strace's counters have 16 bits."""

_OWN = {
    "semop": ("semop", "semtimedop", "semtimedop_time64"),
    "semtimedop": ("semtimedop", "semtimedop_time64"),
    "mq_send": ("mq_timedsend", "mq_timedsend_time64"),
    "mq_timedsend": ("mq_timedsend", "mq_timedsend_time64"),
    "mq_receive": ("mq_timedreceive", "mq_timedreceive_time64"),
    "mq_timedreceive": ("mq_timedreceive", "mq_timedreceive_time64"),
    "mq_getattr": ("mq_getsetattr",),
    "mq_setattr": ("mq_getsetattr",),
    **{name: (name,) for name in ("mq_open", "mq_unlink", "mq_notify", "semget", "semctl")},
    **{f"{kind}{name}": (f"{kind}{name}",) for kind in ("msg", "shm") for name in ("get", "ctl")},
    **{name: (name,) for name in ("msgsnd", "msgrcv", "shmat", "shmdt")},
}
"""The system calls that are made for a call and, but for those that two calls share, for nothing else. strace knows the
sub-calls of ipc(2) by these names as well."""

_SHARED = {
    "semtimedop": ("semop", "semtimedop"),
    "mq_timedsend": ("mq_send", "mq_timedsend"),
    "mq_timedreceive": ("mq_receive", "mq_timedreceive"),
}
"""Which call it is when the last argument, the time to wait, is a null pointer, and which otherwise."""

_STARTS = ("clone", "clone3", "fork", "vfork", "execve", "execveat")


def own(call: Call, program: Program) -> tuple[str, ...]:
    """The system calls that CALL makes in PROGRAM and that tell it apart; none when it has no such."""
    if program.musl and call.name == "semop":
        return ("semop",)
    return _OWN.get(call.name, ())


@dataclass(frozen=True, slots=True)
class _Rule:
    """What strace is told about one system call."""

    scenario: Scenario
    place: int
    error: str


class Strace:
    """Makes the kernel's calls fail, whatever library the program has."""

    name = "strace"

    def refuses(self, program: Program, scenarios: Sequence[Scenario]) -> str:
        """What strace cannot do, or cannot tell apart."""
        if program.privileged:
            return "it gets rights that its caller lacks, but not when it is traced: run it as the user it belongs to"
        return next(filter(None, (_refusal(one, program) for one in scenarios)), _overlap(program, scenarios))

    def lacks(self, order: Order) -> str:
        """strace, and that it may trace."""
        if not shutil.which("strace"):
            return "strace is not installed: apt-get install strace"
        if order.control:
            return "fiu-ctrl reaches libfiu's points only: --control needs --engine libfiu"
        trial = subprocess.run(
            (*_prefix(order, "/dev/null"), "true"), capture_output=True, text=True, check=False
        )  # fmt: skip
        if trial.returncode == 0:
            return ""
        said = next((line for line in trial.stderr.splitlines() if "ermi" in line), trial.stderr.strip())
        return f"tracing is not possible here ({said}): containers, kernel.yama.ptrace_scope, other tracers forbid it"

    def command(self, order: Order) -> tuple[tuple[str, ...], Mapping[str, str]]:
        """strace before the command."""
        return (*_prefix(order, str(order.folder / _LOG)), *order.argv), {}

    def events(self, order: Order) -> tuple[Event, ...]:
        """What the trace says; IpckError where strace's count was not that of the scenario."""
        log = order.folder / _LOG
        return _Judge(order).events(read(log)) if log.exists() else ()


def _refusal(one: Scenario, program: Program) -> str:
    if hidden := [call.name for call in one.calls if not own(call, program)]:
        return f"{one.text}: {hidden[0]}() has no system call that is its own: only libfiu reaches it"
    if one.action == "step":
        return f"{one.text}: strace reaches no step inside the kernel: it takes --engine kernel"
    if one.count == "tree" or one.probability < 1:
        return f"{one.text}: strace knows no {'count=tree' if one.count == 'tree' else 'probability'}: only libfiu does"
    if one.action == "kill" and one.moment != "entry":
        return f"{one.text}: strace can kill at the entry of a call, not kill={one.moment}: only libfiu can"
    if one.action == "interrupt" and not one.signal:
        return f"{one.text}: strace installs no handler: name a signal that the program handles, as in interrupt=USR1"
    if one.first > _MOST_COUNT or _MOST_COUNT < one.last < EVERY or one.step > _MOST_COUNT:
        return f"{one.text}: strace counts to {_MOST_COUNT}"
    if len(one.calls) > 1 and (one.first, one.last, one.step) != (1, EVERY, 1):
        return f"{one.text}: strace counts each system call by itself: name one point"
    return ""


def _overlap(program: Program, scenarios: Sequence[Scenario]) -> str:
    first: dict[str, Scenario] = {}
    for one in scenarios:
        for name in {name for call in one.calls for name in own(call, program)}:
            if first.setdefault(name, one) is not one:
                return f"{one.text}: strace takes one scenario for {name}(2), and {first[name].text} has it"
    return ""


def _rules(order: Order) -> dict[str, _Rule]:
    """By system call."""
    rules: dict[str, _Rule] = {}
    for place, one in enumerate(order.scenarios):
        for call in one.calls:
            error = one.error
            if one.action == "fail" and not error:
                error = drawn_error(call, place, one.first, order.seed)
            for name in own(call, order.program):
                rules.setdefault(name, _Rule(one, place, error))
    return rules


def _prefix(order: Order, log: str) -> tuple[str, ...]:
    rules = _rules(order)
    traced = ",".join(f"?{name}" for name in (*rules, *_STARTS))
    # A signal on entry is one that strace sends from there; it never stops there when a filter stops the program.
    quick = () if any(one.action in ("interrupt", "kill") for one in order.scenarios) else ("--seccomp-bpf",)
    raw = ",".join(f"?{name}" for name in rules)
    arguments = ["strace", "-f", *quick, "-o", log, "-e", f"trace={traced}", "-e", f"raw={raw}", "-e", "signal=none"]
    for name, rule in rules.items():
        arguments += "-e", f"inject=?{name}{_what(rule)}:when={_when(rule.scenario)}"
    return (*arguments, "--")


def _what(rule: _Rule) -> str:
    one = rule.scenario
    what = f":delay_enter={one.delay // 1000}us" if one.delay else ""
    if one.action == "fail":
        return f"{what}:error={rule.error}"
    if one.action:
        return f"{what}:signal={one.signal or 'SIGKILL'}"
    return what


def _when(one: Scenario) -> str:
    if one.last == one.first:
        return str(one.first)
    return f"{one.first}{f'..{one.last}' if one.last < EVERY else ''}+{one.step}"


def _takes(one: Scenario, n: int) -> bool:
    return one.first <= n <= one.last and (n - one.first) % one.step == 0


class _Judge:
    """Counts as the scenarios say, beside strace, which counts by system call and thread, and on across exec."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._rules = _rules(order)
        self._process: dict[int, int] = {}
        self._counted: dict[tuple[int, int], int] = {}
        self._straces: dict[tuple[int, str], int] = {}

    def events(self, lines: Sequence[Line]) -> tuple[Event, ...]:
        """What was made to happen, in order."""
        found = []
        for line in lines:
            if line.call in _STARTS:
                self._start(line)
            elif line.call in self._rules and (event := self._event(line, self._rules[line.call])):
                found.append(event)
        return tuple(found)

    def _start(self, line: Line) -> None:
        process = self._process.get(line.thread, line.thread)
        if line.call.startswith("exec"):
            if line.result == "0":
                for key in [key for key in self._counted if key[0] in (process, line.thread)]:
                    del self._counted[key]
        elif line.result.isdecimal() and "CLONE_THREAD" in line.arguments:
            self._process[int(line.result)] = process

    def _event(self, line: Line, rule: _Rule) -> Event | None:
        one = rule.scenario
        straces = self._count(self._straces, (line.thread, line.call))
        process = self._process.get(line.thread, line.thread)
        call = next((call for call in one.calls if call.name == self._name(line)), None)
        counted = 0
        if call:
            counted = self._count(self._counted, (line.thread if one.count == "thread" else process, rule.place))
        met = _takes(one, straces)
        if met != (counted > 0 and _takes(one, counted)):
            raise IpckError(
                f"{one.text}: strace {'met' if met else 'did not meet'} {self._name(line)}() of process {process},"
                f" call {counted or 'of another point'}: it counts by thread and system call ({straces}),"
                " on across exec; try --engine libfiu, or count=thread"
            )
        if not met or not call:
            return None
        action = one.action if one.action != "kill" else f"kill={one.moment}"
        fired, error = True, None
        if one.action == "fail":
            fired, error = line.injected, line.error or rule.error
        elif one.action == "interrupt":
            fired = line.error == "EINTR" or line.error.startswith("ERESTART")
            error = "EINTR" if fired else None
        elif one.action == "kill":
            fired = line.result == "?"
        return Event(call.point, rule.place, counted, process, line.thread, action or "delay", error, fired)

    def _name(self, line: Line) -> str:
        """The call that a system call was made for."""
        call = line.call.removesuffix("_time64")
        arguments = line.arguments.split(", ")
        if call in _SHARED and not (self._order.program.musl and call == "semtimedop"):
            return _SHARED[call][arguments[-1] not in ("0", "NULL")]
        if call == "mq_getsetattr":
            return "mq_getattr" if arguments[1:2] in (["0"], ["NULL"]) else "mq_setattr"
        return call

    @staticmethod
    def _count(counters: dict, key: tuple) -> int:  # type: ignore[type-arg]
        counters[key] = counters.get(key, 0) + 1
        return int(counters[key])
