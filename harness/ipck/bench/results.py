"""bench.json: what the IPC of several targets costs, schema 1.

    started, seconds        when; for how long each target measured
    reference               the name of the target that the ratios are to. It measured first and again at the end
    drift                   by what factor its second times were the first ones, the median over all benchmarks: how
                            much the machine changed while it measured
    benchmarks              [{name, unit, bytes, what}]; unit: call, cycle (several calls, as `what` says), round trip
                            (from a process to another and back), message; bytes: that each carries
    targets                 [{target, description, kernel, libc, machine, processors, bound, clock_ns, seconds, faults,
                            results}], the reference first. bound: whether processes could be bound to a processor;
                            clock_ns: what two readings of the clock lose, a batch takes at least 500 times that
    results                 [{bench, median_ns, q1_ns, q3_ns, batches, operations, ratio, ratio_low, ratio_high}], or
                            {bench, skipped: REASON}, or with failed: REASON; the time of a unit over all batches:
                            median and quartiles. operations: in a batch; ratio: of the medians; ratio_low, ratio_high:
                            of the quartiles that are furthest apart

A member that is 0, false or empty is left out.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import datafile
from ..records import decode, encode
from ..targets import Target
from .program import Bench, Info, Measured

NAME = "bench.json"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Result:
    """What a benchmark took on a target."""

    bench: str
    median_ns: float = 0.0
    q1_ns: float = 0.0
    q3_ns: float = 0.0
    batches: int = 0
    operations: int = 0
    ratio: float = 0.0
    ratio_low: float = 0.0
    ratio_high: float = 0.0
    skipped: str = ""
    failed: str = ""

    @property
    def spread(self) -> float:
        """The distance of the quartiles as part of the median."""
        return (self.q3_ns - self.q1_ns) / self.median_ns if self.median_ns else 0.0


@dataclass(frozen=True, slots=True)
class TargetResults:
    """What a target took for all."""

    target: str
    description: str = ""
    kernel: str = ""
    libc: str = ""
    machine: str = ""
    processors: int = 0
    bound: bool = False
    clock_ns: float = 0.0
    seconds: float = 0.0
    faults: tuple[str, ...] = ()
    results: tuple[Result, ...] = ()

    def of(self, bench: str) -> Result | None:
        """The result of a benchmark."""
        return next((result for result in self.results if result.bench == bench), None)


@dataclass(frozen=True, slots=True)
class Data:
    """The content of bench.json."""

    schema: int
    started: str
    seconds: float
    reference: str
    drift: float
    benchmarks: tuple[Bench, ...]
    targets: tuple[TargetResults, ...]

    @property
    def problems(self) -> list[str]:
        """What could not be measured although it should have been."""
        found = []
        for one in self.targets:
            found += [f"{one.target}: {fault}" for fault in one.faults]
            found += [f"{one.target}: {result.bench}: {result.failed}" for result in one.results if result.failed]
        return found


def merge(first: Measured, second: Measured) -> tuple[Measured, float]:
    """One measurement of two of the same target, and by what factor the times of the second are those of the first."""
    both = [name for name in first.samples if name in second.samples]
    factors = [statistics.median(second.samples[name]) / statistics.median(first.samples[name]) for name in both]
    names = {**first.samples, **second.samples}
    merged = Measured(
        first.info or second.info,
        {**first.operations, **second.operations},
        {name: first.samples.get(name, []) + second.samples.get(name, []) for name in names},
        {**first.skipped, **second.skipped},
        {**first.failed, **second.failed},
        first.faults + second.faults,
        first.seconds + second.seconds,
    )
    return merged, statistics.median(factors) if factors else 1.0


def summarize(
    target: Target, measured: Measured, benches: Sequence[Bench], reference: TargetResults | None
) -> TargetResults:
    """What TARGET took; with ratios to REFERENCE, or to itself where there is none."""
    info = measured.info or Info()
    own = {bench.name: _times(bench.name, measured) for bench in benches}
    base = {result.bench: result for result in reference.results} if reference else own
    return TargetResults(
        target.name,
        target.description,
        *(info.kernel, info.libc, info.machine, info.processors, info.bound, info.clock_ns),
        round(measured.seconds, 3),
        tuple(measured.faults),
        tuple(_compared(result, base.get(name)) for name, result in own.items()),
    )


def _times(name: str, measured: Measured) -> Result:
    samples = measured.samples.get(name, [])
    skipped, failed = measured.skipped.get(name, ""), measured.failed.get(name, "")
    if len(samples) < 2:
        lost = "no result" if not skipped and not failed else failed
        return Result(name, skipped=skipped, failed=lost)
    q1, median, q3 = statistics.quantiles(samples, n=4, method="inclusive")
    median, q1, q3 = (round(time, 3) for time in (median, q1, q3))
    return Result(name, median, q1, q3, len(samples), measured.operations.get(name, 0), failed=failed)


def _compared(result: Result, base: Result | None) -> Result:
    if not base or not base.median_ns or not result.median_ns:
        return result
    values = encode(result) | {
        "ratio": round(result.median_ns / base.median_ns, 4),
        "ratio_low": round(result.q1_ns / base.q3_ns, 4),
        "ratio_high": round(result.q3_ns / base.q1_ns, 4),
    }
    return decode(Result, values)


def write(out: Path, data: Data) -> None:
    """Write bench.json into the folder OUT."""
    datafile.write(out / NAME, data)


def read(out: Path) -> Data | None:
    """What stands in the folder OUT, None where there is none; IpckError when it is something else."""
    return datafile.read(out / NAME, Data, SCHEMA, "ipck bench-ipc")
