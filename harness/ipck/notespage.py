"""The page of the lecture notes: each statement with its truth, and the evidence with what the targets said of it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from .notes import TRUTHS, Document, Notes, Statement

if TYPE_CHECKING:
    from .rows import Row

LOOKS = {"true": "p", "outdated": "k", "wrong": "f", "implementation-defined": "s"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """A requirement that bears a statement out, or contradicts it: its row in the report with its cells."""

    id: str
    anchor: str
    title: str
    cells: Markup
    spoken: str


@dataclass(frozen=True, slots=True)
class Said:
    """A statement as the page shows it."""

    statement: Statement
    look: str
    evidence: tuple[Evidence, ...]

    @property
    def anchor(self) -> str:
        """The statement's fragment."""
        return "note:" + self.statement.id


@dataclass(frozen=True, slots=True)
class Section:
    """A document with its statements; `counts` by truth, `judged` those of which this run judged some evidence."""

    document: Document
    said: tuple[Said, ...]
    counts: Counter[str]
    judged: int
    untestable: int

    @property
    def anchor(self) -> str:
        """The section's fragment."""
        return "document:" + self.document.file

    @property
    def digest(self) -> str:
        """The counts in a few words."""
        return ", ".join(f"{self.counts[truth]} {truth}" for truth in TRUTHS if self.counts[truth])


@dataclass(frozen=True, slots=True)
class Page:
    """All sections, and their sums."""

    sections: tuple[Section, ...]
    total: int
    counts: Counter[str]
    judged: int
    untestable: int


def page_of(notes: Notes, rows: Mapping[str, "Row"]) -> Page:
    """What the page shows of NOTES; ROWS are the report's, by requirement."""
    sections = tuple(_section(document, rows) for document in notes.documents)
    counts = sum((section.counts for section in sections), Counter[str]())
    return Page(
        sections,
        counts.total(),
        counts,
        sum(section.judged for section in sections),
        sum(section.untestable for section in sections),
    )


def _section(document: Document, rows: Mapping[str, "Row"]) -> Section:
    statements = document.statements
    said = tuple(Said(statement, LOOKS[statement.truth], _evidence(statement, rows)) for statement in statements)
    judged = sum(any(_judged(rows[name]) for name in statement.requirements) for statement in statements)
    counts = Counter(statement.truth for statement in statements)
    return Section(document, said, counts, judged, sum(bool(statement.untestable) for statement in statements))


def _evidence(statement: Statement, rows: Mapping[str, "Row"]) -> tuple[Evidence, ...]:
    found = (rows[name] for name in statement.requirements)
    return tuple(
        Evidence(row.requirement.id, row.anchor, row.requirement.statement, row.cells, row.spoken or row.standing)
        for row in found
    )


def _judged(row: "Row") -> bool:
    return row.standing not in ("untested", "untestable", "skip")
