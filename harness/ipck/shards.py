"""Shards: parts of one run that are made anywhere and at any time, and put together by `ipck merge`.

Which test falls to which shard depends on nothing but the selected tests and the number of shards.
"""

import hashlib
import heapq
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .catalogue import Catalogue
from .engine import Options
from .plan import Plan, Ready
from .results import Share
from .targets import Target, Test

_TEST_SECONDS = 0.01  # a usual test on a target that is not slowed down


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several parts, counted from 1."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def parse(text: str) -> Shard:
    """The shard that TEXT names, as 2/5; ValueError when it names none."""
    found = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise ValueError(f"{text!r} is no shard: 2/5 is the second of five")
    return Shard(int(found[1]), int(found[2]))


@dataclass(slots=True)
class _Piece:
    """Neighbouring tests of a target that is slow to start: they stay together."""

    target: Target
    places: Sequence[int]

    @property
    def seconds(self) -> float:
        return self.target.start_seconds + self.work

    @property
    def work(self) -> float:
        return len(self.places) * _seconds(self.target)

    def halves(self) -> "tuple[_Piece, _Piece]":
        middle = len(self.places) // 2
        return _Piece(self.target, self.places[:middle]), _Piece(self.target, self.places[middle:])


def divide(selected: Sequence[Target], of: int) -> list[int]:
    """The number of the shard for each selected test, given by its target; OF shards that take about equally long.

    Tests are dealt like cards, but those of a target that is slow to start stay together, unless they are more than a
    shard's part or shards would get none. No shard is empty when there are as many tests as shards.
    """
    members: dict[str, list[int]] = {}
    for place, target in enumerate(selected):
        members.setdefault(target.name, []).append(place)
    pieces = []
    single: list[int] = []
    for places in members.values():
        target = selected[places[0]]
        if target.start_seconds:
            pieces.append(_Piece(target, places))
        else:
            single += places
    part = (sum(piece.seconds for piece in pieces) + sum(_seconds(selected[place]) for place in single)) / of
    while whole := [piece for piece in pieces if len(piece.places) > 1]:
        largest = max(whole, key=lambda piece: piece.work)
        if largest.work <= part and len(pieces) + len(single) >= of:
            break
        pieces.remove(largest)
        pieces += largest.halves()
    loads = [(0.0, number) for number in range(1, of + 1)]
    shards = [0] * len(selected)
    for piece in sorted(pieces, key=lambda piece: (-piece.seconds, piece.places[0])):
        _deal(piece.places, piece.seconds, loads, shards)
    for place in single:
        _deal([place], _seconds(selected[place]), loads, shards)
    return shards


def shares(plan: Plan, selected: Iterable[tuple[Ready, Test]], here: Iterable[tuple[Ready, Test]]) -> tuple[Share, ...]:
    """How many tests of each target of PLAN are SELECTED, and how many of them run HERE."""
    counts = {name: [0, 0] for name in plan.order}
    for column, tests in enumerate((selected, here)):
        for ready, _ in tests:
            counts[ready.target.name][column] += 1
    return tuple(Share(name, *numbers) for name, numbers in counts.items())


def inputs(plan: Plan, options: Options, selected: Iterable[tuple[Ready, Test]]) -> tuple[tuple[str, str], ...]:
    """What decides, besides seed and commit, what a run does and how it is judged; the same for all its shards."""
    return (
        ("baselines", _digest([(one.target.name, sorted(one.baseline.deviations.items())) for one in plan.ready])),
        ("catalogue", of_catalogue(plan.catalogue)),
        ("options", " ".join([f"--time-scale={options.time_scale:g}", *(f"--prepare={it}" for it in options.prepare)])),
        ("selection", _digest([(ready.target.name, test) for ready, test in selected])),
    )


def of_catalogue(catalogue: Catalogue) -> str:
    """The catalogue in short."""
    return _digest(catalogue.interfaces)


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


def _seconds(target: Target) -> float:
    return _TEST_SECONDS * target.time_scale


def _deal(places: Iterable[int], seconds: float, loads: list[tuple[float, int]], shards: list[int]) -> None:
    """Give PLACES to the shard with the smallest load."""
    load, number = loads[0]
    heapq.heapreplace(loads, (load + seconds, number))
    for place in places:
        shards[place] = number
