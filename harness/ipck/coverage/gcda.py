"""The counters of one object, as gcov keeps them in a .gcda file (gcc/gcov-io.h, and kernel/gcov in Linux).

A file is a sequence of words of 32 bits in the order of the machine: "gcda", the version of the compiler, the stamp
that ties it to the .gcno file of the compilation, since gcc 12 a checksum, and then records of a tag, a length and that
much. A record of counters holds 64 bits for each; they are sums, so that those of several runs may be added.
"""

import struct
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path

_MAGIC = 0x67636461
_ARCS = 0x01A10000  # the other kinds of counters do not come with -fprofile-arcs
_STAMP = 2
_LENGTH_IN_BYTES = 12  # gcc since then; in words before
_NOTES = 0x67636E6F


class Broken(ValueError):
    """The words are no such file."""


class Layout:
    """Which words of a file are counters."""

    def __init__(self, words: "array[int]") -> None:
        """WORDS are those of a file, whatever its counters say."""
        if len(words) < 4 or words[0] != _MAGIC:
            raise Broken("these are no counters of gcov")
        self.stamp = words[_STAMP]
        self._rest = array("I", words)
        self._places = [place for first, count in _records(words) for place in range(first, first + 2 * count, 2)]
        for place in self._places:
            self._rest[place] = self._rest[place + 1] = 0
        self.counter = {place + half: number for number, place in enumerate(self._places) for half in (0, 1)}
        """The number of the counter that each word is a half of."""

    def value(self, words: "array[int]", number: int) -> int:
        """The counter with this NUMBER in a file with this layout."""
        place = self._places[number]
        return words[place] | words[place + 1] << 32

    def file(self, values: Mapping[int, int]) -> bytes:
        """A file with these VALUES, by number of the counter; the others are 0."""
        words = array("I", self._rest)
        for number, value in values.items():
            place = self._places[number]
            words[place], words[place + 1] = value & 0xFFFFFFFF, value >> 32 & 0xFFFFFFFF
        return words.tobytes()


def _records(words: "array[int]") -> Iterator[tuple[int, int]]:
    """Where the counters of each function begin, and how many there are."""
    release = _release(words[1])
    place = 4 if release >= _LENGTH_IN_BYTES else 3
    while place + 2 <= len(words) and words[place]:
        tag, length = words[place], words[place + 1]
        place += 2
        negative = length >> 31  # all of them 0, and left out (gcc's own writer; a kernel writes them)
        size = 0 if negative else length // 4 if release >= _LENGTH_IN_BYTES else length
        if place + size > len(words):
            raise Broken("the counters are cut short")
        if tag == _ARCS:
            yield place, size // 2
        place += size


def _release(version: int) -> int:
    """The major release of gcc in the four characters of a VERSION: B22* is 12.2."""
    text = version.to_bytes(4, "big").decode("latin-1")
    return 10 * (ord(text[0]) - ord("A")) + ord(text[1]) - ord("0")


def notes_stamp(path: Path) -> int:
    """The stamp in a .gcno file; Broken when it is none."""
    with path.open("rb") as file:
        head = file.read(12)
    if len(head) < 12 or int.from_bytes(head[:4], "little") != _NOTES:
        raise Broken("these are no notes of gcov")
    return int(struct.unpack_from("<I", head, 4 * _STAMP)[0])
