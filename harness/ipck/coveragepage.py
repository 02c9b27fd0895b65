"""What of the implementation was executed: the page that is made of coverage.json."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from .coverage.reasons import KINDS, Line
from .coverage.results import Alone, Counts, Data

if TYPE_CHECKING:
    from .rows import Row


@dataclass(frozen=True, slots=True)
class Reason:
    """Lines of a function that are not executed for one reason."""

    file: str
    function: str
    kind: str
    reason: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """Why lines are not executed, and how many."""

    name: str
    words: str
    lines: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """What the page shows."""

    data: Data
    kinds: tuple[Kind, ...]
    alone: tuple[Alone, ...]  # those with most lines first

    @property
    def files(self) -> Mapping[str, Counts]:
        """All rows of the table of files."""
        return {self.data.part: self.data.total, **self.data.files}

    def percent(self, counted: Sequence[int]) -> str:
        """How many of how many."""
        return percent(counted)


def percent(counted: Sequence[int]) -> str:
    """How many of how many, as people want to read it: never 100 for less than all."""
    hit, all_ = counted
    if not all_:
        return "-"
    return f"{min(100 * hit / all_, 100 if hit == all_ else 99.9):.1f}"


def page_of(data: Data, _: Mapping[str, "Row"]) -> Page:
    """What the page shows of DATA."""
    kinds = []
    for kind, words in KINDS.items():
        lines = [line for line in data.explained if line.kind == kind]
        grouped = groupby(lines, key=lambda line: (line.file, line.function, line.kind, line.reason))
        if lines:
            kinds.append(Kind(kind, words, len(lines), tuple(Reason(*key, tuple(some)) for key, some in grouped)))
    return Page(data, tuple(kinds), tuple(sorted(data.alone, key=lambda one: (-len(one.lines), one.test))))
