"""The axis of plots in pages: logarithmic, the same for all plots of a page."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

WIDTH = 420  # of a plot, in its own units
_COLOURS = 8  # of targets, in report.css
_LANE = 7  # the height that each target has
_MARGIN = 6
_LEAST = 1e-3


@dataclass(frozen=True, slots=True)
class Tick:
    """A power of ten on the axis."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A target's value in a plot, with a line from the low to the high one."""

    colour: int
    low: float
    middle: float
    high: float
    height: float
    says: str


class Axis:
    """From the power of ten below the least of some values to that above the largest."""

    width = WIDTH

    def __init__(self, values: Iterable[float], words: Callable[[float], str]) -> None:
        """WORDS says a power of ten for people."""
        positive = [value for value in values if value > 0]
        self._first = math.floor(math.log10(min(positive, default=1.0)))
        self._last = max(math.ceil(math.log10(max(positive, default=10.0))), self._first + 1)
        self.ticks = tuple(
            Tick(self.place(10.0**power), words(10.0**power)) for power in range(self._first, self._last + 1)
        )

    def place(self, value: float) -> float:
        """Where a value stands, from the left."""
        part = (math.log10(max(value, _LEAST)) - self._first) / (self._last - self._first)
        return round(_MARGIN + part * (WIDTH - 2 * _MARGIN), 1)

    def dot(self, number: int, low: float, middle: float, high: float, says: str) -> Dot:
        """That of the target NUMBER."""
        low, middle, high = map(self.place, (low, middle, high))
        return Dot(number % _COLOURS, low, middle, high, 6 + number * _LANE, says)


def height(targets: int) -> int:
    """Of a plot with so many."""
    return _LANE * targets + 5
