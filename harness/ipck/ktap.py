"""KTAP version 1, nested: an outer line for each test, inner lines for its requirements. Written and read.

https://docs.kernel.org/dev-tools/ktap.html
"""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from .baseline import Baseline
from .catalogue import Catalogue
from .errors import IpckError
from .judge import judge, lost
from .records import clean
from .results import Fault, Outcome, RunInfo, TargetRun, TestResult, Verdict, worst
from .targets import Test
from .tree import shown

_VERSION = "KTAP version 1"
_MOST_FAULTS = 50
_LONGEST_LINE = 1 << 16


def render(run: TargetRun) -> str:
    """The target's results as KTAP; known deviations are `ok` with XFAIL."""
    lines = [_VERSION, f"# {_one_line(f'{run.target}: {run.info.libc}, {run.info.kernel} {run.info.machine}')}"]
    lines.append(f"1..{len(run.tests)}")
    for number, test in enumerate(run.tests, 1):
        lines += [f"  {_VERSION}", f"  # Subtest: {test.test}", f"  1..{len(test.verdicts)}"]
        for inner, verdict in enumerate(test.verdicts, 1):
            lines.append(f"  {_result(verdict.outcome, inner, verdict.requirement)}{_why(verdict, test)}")
        if test.outcome not in ("pass", "skip"):
            text = "\n".join(part for part in (test.reason, test.output) if part)
            lines += [f"  # {line}" for line in text.splitlines()]
        lines.append(_result(test.outcome, number, test.test) + _test_directive(test))
    lines += [f"# fault: {_one_line(fault.message)}" for fault in run.faults]
    return "\n".join(lines) + "\n"


def _result(outcome: Outcome, number: int, name: str) -> str:
    return f"{'ok' if outcome in ('pass', 'skip', 'known') else 'not ok'} {number} {name}"


def _test_directive(test: TestResult) -> str:
    if test.status == "timeout" and test.outcome == "error":
        return " # TIMEOUT"
    directive = {"skip": "SKIP", "error": "ERROR", "known": "XFAIL"}.get(test.outcome)
    return f" # {directive} {_one_line(test.reason)}".rstrip() if directive else ""


def _why(verdict: Verdict, test: TestResult) -> str:
    if verdict.outcome == "pass":
        return f" # observed: {_one_line(verdict.observed)}" if verdict.observed else ""
    if verdict.outcome == "fail":
        row = f"[{_one_line(verdict.row)}] " if verdict.row else ""
        said = f"{_one_line(verdict.expression)}: want {_one_line(verdict.wanted)}, got {_one_line(verdict.got)}"
        return f" # {_one_line(verdict.where)} {row}{said}"
    if verdict.outcome == "skip":
        return f" # SKIP {_one_line(verdict.reason)}"
    if verdict.outcome == "known":
        return f" # XFAIL {_one_line(verdict.deviation.reason if verdict.deviation else '')}"
    if verdict.outcome == "fixed":
        return " # passes now: remove it from the baseline"
    return " # TIMEOUT" if test.status == "timeout" else f" # ERROR {_one_line(verdict.reason)}"


def _one_line(text: str) -> str:
    return text.replace("\n", " | ").replace("#", "\\#")


_LINE = re.compile(
    r"(?P<indent>[ \t]*)(?:"
    r"(?P<version>KTAP version .*)|1\.\.(?P<plan>\d{1,7})|"
    r"(?P<result>ok|not ok) (?P<number>\d{1,7})(?: - | )(?P<name>[A-Za-z0-9_.-]+)"
    r"(?: # (?P<directive>SKIP|TIMEOUT|ERROR|XFAIL)?(?P<rest>.*))?"
    r")[ \t]*"
)
_ALMOST = re.compile(r"\s*(?:(?:not )?ok\b|1\.\.\d|KTAP version|Bail out!)")
_SUBTEST = re.compile(r"  # Subtest: ([A-Za-z0-9_.-]+)")
_HEAD = re.compile(
    r"# (?P<flavour>\S+): (?P<libc>[^,]+), (?P<kernel>\S+ \S+) (?P<machine>\S+), user (?P<uid>\d{1,9}), "
    r"isolation: (?P<isolation>.+)"
)
_SEED = re.compile(r"# seed (\d{1,19})")
_MOST_NOTES = 1000  # lines kept for one test


@dataclass(slots=True)
class _Block:
    """A plan and the results under it: all tests, or the requirements of one."""

    version: bool = False
    plan: int = -1
    results: int = 0
    name: str = ""  # from `# Subtest:`
    verdicts: list[Verdict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def requirements(self) -> tuple[str, ...]:
        return tuple(verdict.requirement for verdict in self.verdicts)


def parse(path: Path, target: str, catalogue: Catalogue, baseline: Baseline) -> TargetRun:
    """The results in the KTAP log at PATH, judged.

    A log that breaks the rules or stops in the middle gives what it holds, and a fault with file and line for each
    thing wrong. IpckError when it cannot be read or is no KTAP.
    """
    try:
        text = path.read_bytes().decode("utf-8", "backslashreplace")
    except OSError as error:
        raise IpckError(f"{shown(path)}: cannot be read: {error.strerror}") from None
    parser = _Parser(path, target, catalogue, baseline)
    parser.read(text)
    return parser.run()


class _Parser:
    """Goes through a log line by line."""

    def __init__(self, path: Path, target: str, catalogue: Catalogue, baseline: Baseline) -> None:
        self._path = path
        self._target = target
        self._catalogue = catalogue
        self._baseline = baseline
        self._outer = _Block()
        self._inner: _Block | None = None
        self._tests: dict[str, TestResult] = {}
        self._faults: list[Fault] = []
        self._info = RunInfo()
        self._line = 0

    def run(self) -> TargetRun:
        """What was read."""
        return TargetRun(
            self._target,
            f"KTAP log {self._path.name}",
            kind="logs",
            info=self._info,
            complete=self._outer.results == self._outer.plan,
            tests=tuple(self._tests.values()),
            faults=tuple(self._faults),
        )

    def read(self, text: str) -> None:
        """Take all lines of TEXT."""
        if not re.search(rf"^{_VERSION}\s*$", text, re.MULTILINE):
            raise IpckError(f"{shown(self._path)}:1: no line '{_VERSION}': is this a KTAP log?")
        whole, _, torn = text.rpartition("\n")
        for line in whole.split("\n"):
            self._line += 1
            self._take(line.removesuffix("\r"))
        if torn:
            self._line += 1
            self._fault("the last line is cut short")
        if self._inner:
            self._fault(f"the results of {self._inner.name or 'a test'} are cut short")
            self._lose(self._inner)
        if self._outer.results != self._outer.plan:
            self._fault(f"the log is cut short: {self._outer.results} of {max(self._outer.plan, 0)} tests")

    def _take(self, line: str) -> None:
        found = _LINE.fullmatch(line) if len(line) <= _LONGEST_LINE else None
        if not found:
            self._note(line)
            return
        if found["indent"] not in ("", "  "):
            self._fault(f"is indented by {len(found['indent'])} characters, which must be 0 or 2 spaces")
            return
        if found["indent"] and not self._inner:
            self._inner = _Block()
        block = self._inner if found["indent"] and self._inner else self._outer
        if found["version"]:
            self._version(block, found["version"])
        elif found["plan"]:
            self._plan(block, int(found["plan"]))
        else:
            self._result(block, found)

    def _version(self, block: _Block, version: str) -> None:
        if version.strip() != _VERSION:
            self._fault(f"has the unknown {version[:40]!r}")
        if block.version:
            self._fault("begins anew before the results are complete")
        block.version = True

    def _plan(self, block: _Block, plan: int) -> None:
        if not block.version or block.plan >= 0 or block.results:
            self._fault("has a plan where none may stand")
        if block.plan < 0:
            block.plan = plan

    def _result(self, block: _Block, found: re.Match[str]) -> None:
        block.results += 1
        if int(found["number"]) != block.results:
            self._fault(f"has the number {found['number']}, expected {block.results}")
            block.results = int(found["number"])
        if block.plan < 0 or block.results > block.plan:
            self._fault("is a result beyond the plan")
        if block is self._outer:
            self._test(found)
        else:
            self._verdict(block, found)

    def _verdict(self, block: _Block, found: re.Match[str]) -> None:
        name = found["name"]
        if name not in self._catalogue:
            self._fault(f"names the unknown requirement {name[:100]!r}")
        elif name in block.requirements:
            self._fault(f"judges {name} a second time")
        else:
            block.verdicts.append(_read_verdict(found))

    def _test(self, found: re.Match[str]) -> None:
        name = found["name"]
        block, self._inner = self._inner or _Block(plan=0), None
        if name in self._tests:
            self._fault(f"is a second result of {name}")
            return
        if block.name and block.name != name:
            self._fault(f"is the result of {name}, but its requirements stand under {block.name}")
        if block.results != block.plan:
            self._fault(f"is the result of {name}, which gives {block.results} of {max(block.plan, 0)} verdicts")
        status = _status(found)
        verdicts = tuple(block.verdicts)
        outcome = worst([verdict.outcome for verdict in verdicts])
        if status in ("pass", "skip") and outcome in ("fail", "error"):
            self._fault(f"calls {name} ok, but not all of its requirements are")
        notes = "" if status == "pass" else "\n".join(block.notes) or _plain(found["rest"])
        result = TestResult(self._target, name, outcome, status, reason=notes, verdicts=verdicts)
        self._tests[name] = judge(result, Test(name, "", 0, block.requirements), self._baseline)

    def _lose(self, block: _Block) -> None:
        """Keep the verdicts of a test whose own result never came."""
        if block.name and block.name not in self._tests:
            test = lost(self._target, Test(block.name, "", 0, ()), "the log ends before the result of this test")
            self._tests[test.test] = replace(test, verdicts=tuple(block.verdicts))

    def _note(self, line: str) -> None:
        """A comment, a kernel message, or a result that somebody broke."""
        if len(line) > _LONGEST_LINE:
            self._fault("is too long")
        elif _ALMOST.match(line):
            self._fault(f"is no whole KTAP line: {clean(line.strip())[:80]!r}")
        elif found := _SUBTEST.fullmatch(line):
            self._inner = self._inner or _Block()
            self._inner.name = found[1]
        elif self._inner and len(self._inner.notes) < _MOST_NOTES:
            self._inner.notes.append(clean(line.strip().removeprefix("# ")))
        elif found := _HEAD.fullmatch(line):
            texts = {name: clean(text) for name, text in found.groupdict().items() if name != "uid"}
            self._info = replace(self._info, uid=int(found["uid"]), **texts)
        elif found := _SEED.fullmatch(line):
            self._info = replace(self._info, seed=int(found[1]))

    def _fault(self, problem: str) -> None:
        if len(self._faults) < _MOST_FAULTS:
            self._faults.append(Fault(self._target, f"{shown(self._path)}:{self._line}: {problem}", self._line))


_NO_DIRECTIVE = {"ok": "pass", "not ok": "fail"}
_STATUS = {"SKIP": "skip", "TIMEOUT": "timeout", "ERROR": "error", "XFAIL": "fail"}
_VERDICT: dict[str, tuple[Outcome, str]] = {
    "pass": ("pass", "pass"),
    "fail": ("fail", "fail"),
    "skip": ("skip", "skip"),
    "timeout": ("error", "missing"),
    "error": ("error", "unresolved"),
}


def _status(found: re.Match[str]) -> str:
    """The program's word for a result line. XFAIL is a failure that somebody expected, which is for us to judge."""
    return _STATUS.get(found["directive"] or "", _NO_DIRECTIVE[found["result"]])


def _read_verdict(found: re.Match[str]) -> Verdict:
    outcome, word = _VERDICT[_status(found)]
    verdict = Verdict(found["name"], outcome, word)
    rest = _plain(found["rest"])
    if outcome == "pass":
        return replace(verdict, observed=rest.removeprefix("observed: "))
    before, wants, values = rest.partition(": want ")
    where, _, expression = before.partition(" ")
    if outcome != "fail" or not wants or ":" not in where:
        return replace(verdict, reason=rest)
    row = ""
    if expression.startswith("["):
        row, _, expression = expression[1:].partition("] ")
    wanted, _, got = values.partition(", got ")
    return replace(verdict, where=where, row=row, expression=expression, wanted=wanted, got=got)


def _plain(text: str | None) -> str:
    return clean((text or "").strip().replace("\\#", "#"))
