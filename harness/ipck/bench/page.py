"""The results of benchmarks for people: lines in the terminal, and what the page shows."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..plot import Axis, Dot, height
from .program import Bench
from .results import Data, Result, TargetResults

if TYPE_CHECKING:
    from ..rows import Row

_GROUPS = {
    "reference": "To compare with",
    "sysv.sem": "System V semaphores",
    "sysv.msg": "System V message queues",
    "sysv.shm": "System V shared memory",
    "posix.sem": "POSIX semaphores",
    "posix.shm": "POSIX shared memory",
    "posix.mq": "POSIX message queues",
}


def amount(nanoseconds: float) -> str:
    """A time with three digits: 5.42 µs."""
    for unit, size in (("ns", 1.0), ("µs", 1e3), ("ms", 1e6)):
        if nanoseconds < 999.5 * size:
            break
    else:
        unit, size = "s", 1e9
    value = nanoseconds / size
    return f"{value:.{max(0, 2 - int(math.log10(value))) if value >= 1 else 2}f} {unit}"


def factor(ratio: float) -> str:
    """A ratio with as many digits as mean something."""
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.1f}" if ratio < 100 else f"{ratio:.0f}"


# ---- the terminal


def table(data: Data) -> Iterator[str]:
    """A line for each benchmark: what the reference takes, and how many times that the others do."""
    first, *others = data.targets
    width = max((len(bench.name) for bench in data.benchmarks), default=0)
    columns = [max(len(one.target), 16) for one in others]
    heads = "".join(f"  {one.target:>{size}}" for one, size in zip(others, columns))
    yield f"{'':<{width}}  {first.target:>18}{heads}"
    for bench in data.benchmarks:
        cells = "".join(f"  {_ratio(one.of(bench.name)):>{size}}" for one, size in zip(others, columns))
        yield f"{bench.name:<{width}}  {_time(first.of(bench.name)):>18}{cells}"


def _time(result: Result | None) -> str:
    if not result or not result.median_ns:
        return _why(result)
    return f"{amount(result.median_ns)} {f'±{result.spread * 50:.0f}%':>6}"


def _ratio(result: Result | None) -> str:
    if not result or not result.ratio:
        return amount(result.median_ns) if result and result.median_ns else _why(result)
    return f"×{factor(result.ratio)} {f'±{_half(result) * 100:.0f}%':>6}"


def _half(result: Result) -> float:
    return (result.ratio_high - result.ratio_low) / 2 / result.ratio


def _why(result: Result | None) -> str:
    return "skipped" if result and result.skipped else "failed" if result and result.failed else "-"


def closing(data: Data) -> Iterator[str]:
    """What the table does not say."""
    first = data.targets[0]
    yield f"medians ± half the distance of the quartiles; × is to {first.target}, that measured first and last"
    yield f"{first.target} took {factor(data.drift)} times as long at the end as at the beginning"
    for one in data.targets:
        if not one.bound:
            yield f"{one.target}: processes cannot be bound to a processor"


# ---- the page


@dataclass(frozen=True, slots=True)
class Line:
    """A benchmark."""

    bench: Bench
    time: str  # of the reference
    rate: str  # what that carries in a second, where it carries something
    ratios: tuple[tuple[str, str], ...]  # of the others: text, and what more there is to say
    dots: tuple[Dot, ...]
    height: int


@dataclass(frozen=True, slots=True)
class Group:
    """The benchmarks of one interface."""

    name: str
    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """What the page shows."""

    data: Data
    groups: tuple[Group, ...]
    axis: Axis
    names: tuple[str, ...]  # of the targets
    clocks: tuple[str, ...]


def page_of(data: Data, _rows: Mapping[str, "Row"]) -> Page:
    """What the page shows of DATA."""
    results = (result for one in data.targets for result in one.results)
    axis = Axis((time for result in results for time in (result.q1_ns, result.q3_ns)), _power)
    by_group: dict[str, list[Line]] = {}
    for bench in data.benchmarks:
        parts = bench.name.split(".")
        name = parts[0] if parts[0] == "reference" else ".".join(parts[:2])
        by_group.setdefault(name, []).append(_line(bench, data, axis))
    groups = (Group(name, _GROUPS.get(name, name), tuple(lines)) for name, lines in by_group.items())
    names = tuple(one.target for one in data.targets)
    return Page(data, tuple(groups), axis, names, tuple(amount(t.clock_ns) for t in data.targets))


def _line(bench: Bench, data: Data, axis: Axis) -> Line:
    first, *others = ((one, one.of(bench.name)) for one in data.targets)
    dots = (
        _dot(number, one, result, bench, axis)
        for number, one in enumerate(data.targets)
        if (result := one.of(bench.name)) and result.median_ns
    )
    base = first[1]
    rate = ""
    if base and base.median_ns and bench.unit == "message":
        rate = f"{bench.bytes / base.median_ns * 1e3:.0f} MB/s"
    ratios = tuple((_ratio(result), _more(result)) for _, result in others)
    return Line(bench, _time(base), rate, ratios, tuple(dots), height(len(data.targets)))


def _dot(number: int, one: TargetResults, result: Result, bench: Bench, axis: Axis) -> Dot:
    says = (
        f"{one.target}: {amount(result.median_ns)} a {bench.unit}, half of the batches between {amount(result.q1_ns)} "
        f"and {amount(result.q3_ns)}; {result.batches} batches of {result.operations}"
    )
    return axis.dot(number, result.q1_ns, result.median_ns, result.q3_ns, says)


def _power(time: float) -> str:
    return amount(time).replace(".00", "").replace(".0", "")


def _more(result: Result | None) -> str:
    if not result:
        return ""
    if result.ratio:
        return f"{amount(result.median_ns)}; ×{factor(result.ratio_low)} to ×{factor(result.ratio_high)}"
    return result.failed or (f"lacks {result.skipped}" if result.skipped else "")
