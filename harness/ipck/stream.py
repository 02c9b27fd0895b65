"""The program's JSON lines: each becomes one record or is refused with the reason."""

from dataclasses import dataclass
from typing import Any

from .records import clean, decode, names, parse
from .results import Outcome, RunInfo, TestResult, Verdict, worst

SCHEMA = 1
LONGEST_LINE = 4 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Start:
    """A test began."""

    test: str


@dataclass(frozen=True, slots=True)
class End:
    """The program is through; without it the run was cut."""

    tests: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Alive:
    """Whoever carries the program's lines is there, although it has none to carry."""


@dataclass(frozen=True, slots=True)
class Left:
    """The carrier says how the program ended, empty for an exit status of 0 to 2: what comes later is its own doing."""

    how: str = ""


@dataclass(frozen=True, slots=True)
class Counters:
    """What a kernel or library that counts its lines counted since the record before (conformance/lib/counters.h)."""

    at: str
    files: dict[str, tuple[int, ...]]


Record = RunInfo | Start | TestResult | End | Alive | Left | Counters

_PLAIN_OUTCOME: dict[str, Outcome] = {
    "pass": "pass",
    "fail": "fail",
    "unresolved": "error",
    "missing": "error",
    "skip": "skip",
}
_STATUSES = ("pass", "fail", "error", "timeout", "skip")


class Lines:
    """Cuts a byte stream into lines, whatever the chunks. A line longer than LONGEST_LINE comes out as None."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._skipping = False

    def feed(self, chunk: bytes) -> list[bytes | None]:
        """The lines that CHUNK completes."""
        *whole, rest = chunk.split(b"\n")
        lines: list[bytes | None] = []
        for piece in whole:
            lines.append(self._take(piece))
        self._rest += rest
        if len(self._rest) > LONGEST_LINE:
            self._rest.clear()
            self._skipping = True
        return lines

    def rest(self) -> bytes | None:
        """What stands after the last newline: a torn line."""
        return None if self._skipping else bytes(self._rest)

    def _take(self, piece: bytes) -> bytes | None:
        line = bytes(self._rest) + piece
        too_long = self._skipping or len(line) > LONGEST_LINE
        self._rest.clear()
        self._skipping = False
        return None if too_long else line


def members(line: bytes | None) -> dict[str, Any]:
    """The JSON object in LINE, None for one that was too long; ValueError when it is of no use."""
    if line is None:
        raise ValueError(f"is longer than {LONGEST_LINE >> 20} MiB")
    if b"\0" in line:
        raise ValueError("has a NUL byte")
    try:
        return parse(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None


def read(line: bytes | None, target: str) -> tuple[Record, list[str]]:
    """The record in LINE and complaints about it that cost nothing else; ValueError when it is of no use."""
    data = members(line)
    kind = data.pop("type", None)
    if kind == "test":
        return _test(data, target)
    if kind == "start":
        complaints = _drop_unknown(data, _START)
        return decode(Start, data), complaints
    if kind == "run":
        if data.pop("schema", None) != SCHEMA:
            raise ValueError(f"has another schema than {SCHEMA}: rebuild the program")
        complaints = _drop_unknown(data, _RUN)
        return decode(RunInfo, data), complaints
    if kind == "end":
        complaints = _drop_unknown(data, _END)
        return decode(End, data), complaints
    if kind == "alive":
        return decode(Alive, data), []
    if kind == "left":
        return decode(Left, data), []
    if kind == "counters":
        return decode(Counters, data), []
    raise ValueError(f"has the unknown type {clean(str(kind))[:60]!r}")


_START, _RUN, _END = names(Start), names(RunInfo), names(End)
_TEST = names(TestResult) - {"target", "outcome", "verdicts"}
_VERDICT = names(Verdict) - {"requirement", "outcome", "deviation"} | {"id"}


def _drop_unknown(data: dict[str, Any], known: frozenset[str]) -> list[str]:
    unknown = data.keys() - known
    for key in unknown:
        del data[key]
    return [f"has the unknown key {clean(key)[:60]!r}" for key in sorted(unknown)]


def _test(data: dict[str, Any], target: str) -> tuple[TestResult, list[str]]:
    rows = data.pop("requirements", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("key 'requirements' must be a list of objects")
    if data.get("status") not in _STATUSES:
        raise ValueError(f"key 'status' must be one of: {', '.join(_STATUSES)}")
    complaints = _drop_unknown(data, _TEST)
    outcomes: list[Outcome] = []
    for row in rows:
        complaints += _drop_unknown(row, _VERDICT)
        outcome = _PLAIN_OUTCOME.get(str(row.get("verdict")))
        if outcome is None:
            raise ValueError(f"key 'verdict' must be one of: {', '.join(_PLAIN_OUTCOME)}")
        row["requirement"] = row.pop("id", None)
        row["outcome"] = outcome
        outcomes.append(outcome)
    data |= {"target": target, "outcome": worst(outcomes), "verdicts": rows}
    result = decode(TestResult, data)
    if len({verdict.requirement for verdict in result.verdicts}) != len(rows):
        complaints.append(f"has two verdicts of {result.test[:200]} about one requirement")
    return result, complaints
