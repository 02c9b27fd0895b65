"""What a run counted: as a whole, and for each test so much as tells what it alone reaches.

Counters are sums, and what gcov makes of them is linear. So gcov need not be run once for each test: the tests have
numbers, and for each bit of these the counters of the tests that have it are added up, and those of the tests that do
not. A line is reached by one test alone when of each of these pairs of sums just one reaches it, and which one spells
the test's number. The sums of one counter are the digits of one integer: adding to them all is one multiplication.
"""

from array import array
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from threading import Lock
from typing import TypeVar

from .gcda import Broken, Layout

BOOT = "boot"
"""Where the first line of a machine's start stands: its counters begin anew."""
_DIGIT = 64
_MASK = (1 << _DIGIT) - 1

Values = dict[int, int]
"""By number of the counter, those that are not 0."""


class Tally:
    """Adds up what machines counted that run one kernel. Safe to use from several threads."""

    def __init__(self, tests: Sequence[str]) -> None:
        """Of TESTS it is to be known what each reaches alone."""
        self.tests = tuple(tests)
        self.total: dict[str, Values] = {}
        self.layouts: dict[str, Layout] = {}
        self._bits = max(1, (len(tests) - 1).bit_length())
        self._marks = {test: self._mark(number) for number, test in enumerate(tests)}
        self._sums: dict[str, Values] = {}
        self._lock = Lock()

    def machine(self) -> "Machine":
        """What takes the lines of one machine."""
        return Machine(self)

    def layout(self, path: str, words: "array[int]") -> Layout:
        """That of the counters PATH, of which WORDS are the first that were seen."""
        with self._lock:
            return self.layouts.setdefault(path, self.layouts.get(path) or Layout(words))

    def count(self, at: str, path: str, changes: Iterable[tuple[int, int]]) -> None:
        """Add CHANGES, numbers of counters and how much they grew, to what was counted at the test AT."""
        mark = self._marks.get(at, 0)
        with self._lock:
            total = self.total.setdefault(path, {})
            sums = self._sums.setdefault(path, {})
            for number, more in changes:
                total[number] = total.get(number, 0) + more
                if mark:
                    sums[number] = sums.get(number, 0) + more * mark

    def halves(self) -> Iterator[tuple[int, int, dict[str, Values]]]:
        """For each bit and each of its values the sums of the tests whose numbers have it so."""
        for bit in range(self._bits):
            for value in (0, 1):
                shift = _DIGIT * (2 * bit + value)
                yield bit, value, {
                    path: {number: one for number, all_ in sums.items() if (one := all_ >> shift & _MASK)}
                    for path, sums in self._sums.items()
                }

    def _mark(self, number: int) -> int:
        return sum(1 << _DIGIT * (2 * bit + (number >> bit & 1)) for bit in range(self._bits))


class Machine:
    """The counters of a machine that may start again and again, as its lines tell them."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._words: dict[str, "array[int]"] = {}
        self._values: dict[str, Values] = {}

    def add(self, at: str, files: Mapping[str, Sequence[int]]) -> None:
        """What changed in FILES up to AT, as conformance/lib/counters.h describes it; Broken when it cannot be."""
        if at == BOOT:
            self._words.clear()
            self._values.clear()
        for path, row in files.items():
            self._tally.count(at, path, self._changes(path, row))

    def _changes(self, path: str, row: Sequence[int]) -> list[tuple[int, int]]:
        """The counters that grew, and by how much."""
        size, places, new = (row[0] if row else 0), row[1::2], row[2::2]
        words = self._words.setdefault(path, array("I", bytes(4 * size)))
        if len(words) != size or len(places) != len(new) or max(places, default=0) >= size:
            raise Broken(f"{path}: a line with counters does not fit the one before it")
        for place, word in zip(places, new):
            words[place] = word
        layout, values = self._tally.layout(path, words), self._values.setdefault(path, {})
        grown = []
        for number in {layout.counter[place] for place in places if place in layout.counter}:
            now = layout.value(words, number)
            if (more := now - values.get(number, 0)) > 0:
                grown.append((number, more))
            values[number] = now
        return grown


Thing = TypeVar("Thing", bound=Hashable)


def alone(halves: Iterable[tuple[int, int, Iterable[Thing]]], tests: Sequence[str]) -> dict[Thing, str]:
    """The test that alone reaches a thing, by thing; HALVES have what each half of the tests reaches."""
    number: dict[Thing, int] = {}
    seen: dict[Thing, int] = {}
    several: set[Thing] = set()
    for bit, value, things in halves:
        for thing in things:
            if seen.get(thing, 0) >> bit & 1:
                several.add(thing)
            seen[thing] = seen.get(thing, 0) | 1 << bit
            number[thing] = number.get(thing, 0) | value << bit
    return {thing: tests[one] for thing, one in number.items() if thing not in several}
