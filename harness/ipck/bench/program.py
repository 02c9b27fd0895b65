"""The program that measures, stress/bench, on a target: whatever it or the target does, what came is kept."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import tool as tools
from ..records import clean, decode, names
from ..targets import Target

TOOL = "ipck-bench"
SCHEMA = 1
_GRACE = 30.0  # seconds without a line, beyond what one batch may take
_BATCH = 10.0  # which the program itself ends after so many seconds, before any time scale
_MOST_STARTS = 4


@dataclass(frozen=True, slots=True)
class Bench:
    """A benchmark, as the program lists it."""

    name: str
    unit: str  # of what its times are: call, cycle, round trip, message
    bytes: int
    what: str


@dataclass(frozen=True, slots=True)
class Info:
    """What the program says of the target in its first line, as far as it is kept."""

    kernel: str = ""
    libc: str = ""
    machine: str = ""
    processors: int = 0
    bound: bool = False
    clock_ns: float = 0.0


@dataclass(slots=True)
class Measured:
    """What came from one target."""

    info: Info | None = None
    operations: dict[str, int] = field(default_factory=dict)  # of a batch, by benchmark
    samples: dict[str, list[float]] = field(default_factory=dict)  # nanoseconds of a unit, a batch each
    skipped: dict[str, str] = field(default_factory=dict)  # reasons
    failed: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)  # of the target or its output, beyond single benchmarks
    seconds: float = 0.0

    def waiting(self, chosen: Sequence[str]) -> list[str]:
        """Those of CHOSEN of which nothing is known."""
        return [name for name in chosen if name not in {*self.operations, *self.skipped, *self.failed}]


def benches(target: Target, patterns: Sequence[str], build: Path) -> list[Bench]:
    """The benchmarks that PATTERNS choose; IpckError where there is none, or the program is broken."""
    rows = tools.listed(target, TOOL, patterns, build, columns=4)
    return [Bench(name, unit, int(size), what) for name, unit, size, what in rows if size.isdigit()]


class Run:
    """One measurement of some benchmarks on one target."""

    def __init__(
        self, target: Target, chosen: Sequence[str], seconds: float, build: Path, grace: float = _GRACE
    ) -> None:
        """SECONDS of measuring, apart from what its preparation takes."""
        self._tool = tools.on(target, TOOL, build, _BATCH + grace)
        self._names = chosen
        self._options = ("--seconds", f"{seconds:g}", "--time-scale", f"{target.time_scale:g}")
        self._found = Measured()

    def measure(self) -> Measured:
        """Do it. A benchmark that takes the target down while it is prepared is left out, and the others go on."""
        began = time.monotonic()
        for _ in range(_MOST_STARTS):
            left = [name for name in self._names if name not in {*self._found.skipped, *self._found.failed}]
            self._found.operations.clear()
            why = self._tool.run((*self._options, *left), self._take)
            if not why:
                break
            self._found.faults.append(why)
            culprits = self._found.waiting(left)
            if not culprits or self._found.samples or not self._found.info:
                break
            self._found.failed[culprits[0]] = f"{why} while this was prepared"
        self._found.faults += self._tool.faults
        self._found.seconds = time.monotonic() - began
        return self._found

    def _take(self, data: dict[str, Any]) -> None:
        kind, name = str(data.get("type")), data.get("bench")
        if kind == "run":
            if data.get("schema") != SCHEMA:
                raise ValueError(f"has another schema than {SCHEMA}: build the program again")
            self._found.info = decode(Info, {key: value for key, value in data.items() if key in names(Info)})
        elif not isinstance(name, str) or name not in self._names:
            raise ValueError(f"is about the benchmark {str(name)[:60]!r}, which was not asked for")
        elif kind == "ready" and type(data.get("operations")) is int:
            self._found.operations[name] = data["operations"]
        elif kind == "samples" and _are_times(data.get("ns")):
            self._found.samples.setdefault(name, []).extend(map(float, data["ns"]))
        elif kind in ("skip", "error") and isinstance(data.get("reason"), str):
            (self._found.skipped if kind == "skip" else self._found.failed)[name] = clean(data["reason"])
        else:
            raise ValueError(f"of the type {kind[:60]!r} is not understood")


def _are_times(values: object) -> bool:
    return isinstance(values, list) and all(type(value) in (int, float) and 0 < value < 1e15 for value in values)
