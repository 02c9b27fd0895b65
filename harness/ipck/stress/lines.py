"""The JSON lines of ipck-stress: each becomes one record or is refused with the reason."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..records import clean, decode
from ..stream import Alive, Left, members
from .results import Resources, Violation, Workload

GENERATION = 3
"""STRESS_GENERATION of stress/stress.h: with another one the same seed means other operations."""
_LONGEST_DETAILS = 1 << 16


def seed_in_words(seed: int) -> str:
    """SEED with the generation in which it means what it did."""
    return f"{GENERATION}:{seed}"


@dataclass(frozen=True, slots=True)
class Head:
    """The first line."""

    generation: int
    seed: int
    workloads: int
    deadline: float = 60.0


@dataclass(frozen=True, slots=True)
class Start:
    """A workload begins."""

    workload: str


@dataclass(frozen=True, slots=True)
class Operation:
    """A call and its result, with --trace."""

    call: str
    result: str


@dataclass(frozen=True, slots=True)
class End:
    """The program is through."""


Line = Head | Start | Workload | Operation | Resources | End | Alive | Left

_KINDS: dict[str, type[Any]] = {
    "stress": Head, "start": Start, "operation": Operation, "end": End, "alive": Alive, "left": Left,
}  # fmt: skip


def read(line: bytes | None) -> Line:
    """The record in LINE; ValueError when it is of no use."""
    data = members(line)
    kind = data.pop("type", None)
    if kind == "workload":
        measured = _numbers(data.pop("measured", {}), "measured")
        return replace(decode(Workload, data), measured=tuple(measured.items()))
    if kind == "resources":
        used = _numbers(data.pop("used", None), "used")
        return Resources(_whole(data, "cycle"), _whole(data, "seed"), used)
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError(f"has the unknown type {clean(str(kind))[:60]!r}")
    record: Line = decode(_KINDS[kind], data)
    if isinstance(record, Head) and record.generation != GENERATION:
        raise ValueError(f"is of generation {record.generation}, not {GENERATION}: rebuild the program")
    return record


def _numbers(value: object, key: str) -> Mapping[str, float]:
    if not isinstance(value, dict) or not all(type(number) in (int, float) for number in value.values()):
        raise ValueError(f"key {key!r} must be an object of numbers")
    return {clean(name): number for name, number in value.items()}


def _whole(data: Mapping[str, Any], key: str) -> int:
    if type(data.get(key)) is not int:
        raise ValueError(f"key {key!r} must be an integer")
    return int(data[key])


def shortened(violation: Violation) -> Violation:
    """VIOLATION with details of a size that can be shown."""
    return replace(violation, details=violation.details[:_LONGEST_DETAILS])
