"""How rows are put together: where targets differ, what deviates everywhere, what is left open; then by interface."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from .catalogue import AREAS, Interface
from .columns import Columns
from .differences import reasons
from .findings import ATTENTION, LOOKS, SEVERITY, Heard, Outputs, gravest
from .rows import Row, cells, row_of

OPEN_ROWS = 150  # more rows than these are opened where they are red
_LONGEST_NAME = 90
_RED = ("fail", "fixed", "error")


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows of one kind; `label` is empty for those that are shown without asking."""

    label: str
    rows: tuple[Row, ...]


class Counted:
    """What has counts: an interface, an area, all of it."""

    name: str
    counts: Counter[str]

    @property
    def bar(self) -> Markup:
        """The shares as a picture."""
        return draw_bar(self.counts, list(LOOKS))

    @property
    def total(self) -> int:
        """All requirements."""
        return self.counts.total()

    @property
    def tested(self) -> int:
        """Requirements for which a test ran."""
        return self.total - self.counts["untested"] - self.counts["untestable"]

    @property
    def anchor(self) -> str:
        """The fragment; the colon keeps it apart from the requirements'."""
        return "group:" + re.sub(r"[^A-Za-z0-9_.-]", "-", self.name)

    @property
    def digest(self) -> str:
        """The counts in a few words."""
        said = [f"{self.counts[key]} {_DIGEST[key]}" for key in _DIGEST if self.counts[key]]
        return ", ".join(said)


@dataclass(frozen=True)
class Block(Counted):
    """Rows that tell the same story: the same targets deviate."""

    name: str
    title: str
    number: int
    counts: Counter[str]
    rows: tuple[Row, ...]
    cells: Markup
    open: bool
    answered: bool  # the rows show what was observed

    @property
    def anchor(self) -> str:
        """The fragment."""
        return f"block:{self.number}"


@dataclass(frozen=True)
class Section:
    """Blocks under one heading, which `note` explains."""

    title: str
    note: str
    blocks: tuple[Block, ...]

    @property
    def total(self) -> int:
        """All its rows."""
        return sum(len(block.rows) for block in self.blocks)


@dataclass(frozen=True)
class Group(Counted):
    """An interface with its rows; those of the sections stand there, and are only named here."""

    name: str
    title: str
    area: str
    counts: Counter[str]
    rows: tuple[Row, ...]
    marks: Markup  # a cell for each target
    above: tuple[Row, ...] = field(default=())
    folds: tuple[Fold, ...] = field(default=())

    @property
    def cells(self) -> Markup:
        """The cells, one wide cell when no target has anything to say."""
        if self.tested:
            return self.marks
        return Markup(f'<i class="n w">{LOOKS["untested"].sign} untested</i>')

    @property
    def words(self) -> str:
        """The title without the name that stands before it."""
        for head in (f"{self.name}(): ", f"{self.name}: "):
            if self.title.startswith(head):
                return self.title[len(head):]
        return "" if self.title == self.name else self.title


@dataclass(frozen=True)
class Area(Counted):
    """Interfaces that belong together."""

    name: str
    interfaces: tuple[Group, ...]
    counts: Counter[str]
    marks: Markup


def group_of(interface: Interface, columns: Columns, heard: dict[str, list[Heard]], outputs: Outputs) -> Group:
    """An interface and its rows."""
    rows = tuple(row_of(item, columns, heard.get(item.id, ()), outputs) for item in interface.requirements)
    counts = Counter(row.standing for row in rows)
    shown = {id(row) for row in rows if _place(row)}
    folds = []
    for key, label in _FOLDS.items():
        if chosen := tuple(row for row in rows if row.standing == key and id(row) not in shown):
            where = " on every target that judged them" if key == "pass" and len(columns.runs) > 1 else ""
            folds.append(Fold(f"{len(chosen)} {label}{where}", chosen))
    above = tuple(row for row in rows if id(row) in shown)
    marks = marks_of(rows, columns)
    return Group(interface.name, interface.title, interface.area or "Other", counts, rows, marks, above, tuple(folds))


def areas_of(groups: Sequence[Group], columns: Columns) -> list[Area]:
    """The groups by area, in the catalogue's order of areas."""
    found = {group.area for group in groups}
    ordered = [area for area in (*AREAS, "Other") if area in found]
    return [area_of(area, [group for group in groups if group.area == area], columns) for area in ordered]


def area_of(name: str, groups: Sequence[Group], columns: Columns) -> Area:
    """Some groups under a name."""
    counts: Counter[str] = Counter()
    for group in groups:
        counts.update(group.counts)
    return Area(name, tuple(groups), counts, marks_of([row for group in groups for row in group.rows], columns))


def sections_of(rows: Sequence[Row], columns: Columns) -> list[Section]:
    """What is worth reading first, each row in one place."""
    by_place: dict[str, list[Row]] = {}
    for row in rows:
        if place := _place(row):
            by_place.setdefault(place, []).append(row)
    everything_open = sum(len(by_place.get(place, ())) for place in ("differ", "everywhere", "observed")) <= OPEN_ROWS
    sections = []
    number = 0
    for place, (title, note) in _SECTIONS.items():
        if not (chosen := by_place.get(place)):
            continue
        if len(columns.runs) == 1:
            title, note = _ALONE.get(place, title), ""
        blocks = []
        for name, about, members in _blocks(place, chosen, columns):
            counts = Counter(row.standing for row in members)
            unfolded = everything_open or any(counts[key] for key in _RED)
            number += 1
            marks = marks_of(members, columns)
            blocks.append(Block(name, about, number, counts, tuple(members), marks, unfolded, place == "observed"))
        sections.append(Section(title, note, tuple(blocks)))
    return sections


def marks_of(rows: Sequence[Row], columns: Columns) -> Markup:
    """One cell a target for all the rows: the worst outcome, with the count where there is room for it."""
    outcomes, texts = [], []
    for column in range(len(columns.runs)):
        counts = Counter(row.outcomes[column] for row in rows)
        key = gravest(counts)
        number = str(counts[key]) if key in ATTENTION and not columns.many else ""
        outcomes.append(key)
        texts.append(f"{LOOKS[key].sign}{number}")
    return cells(outcomes, columns, texts=texts)


def draw_bar(counts: Counter[str], keys: Sequence[str]) -> Markup:
    """A bar of the shares; the numbers beside it say the same."""
    total = sum(counts[key] for key in keys)
    position, parts = 0.0, []
    for key in keys:
        if counts[key]:
            width = 100 * counts[key] / total
            parts.append(f'<rect class="{LOOKS[key].css}" x="{position:.2f}" width="{width:.2f}" height="1"/>')
            position += width
    svg = '<svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">'
    return Markup(f"{svg}{''.join(parts)}</svg>")


def urgency(group: Counted) -> tuple[int, int]:
    """What has the most failures first, what has no test last, else the catalogue's order."""
    place = next((place for place, key in enumerate(SEVERITY) if group.counts[key]), len(SEVERITY))
    return place, -group.counts[SEVERITY[place]] if place < len(ATTENTION) else 0


def _place(row: Row) -> str:
    """The section that a row stands in; empty for its interface."""
    if row.differs:
        return "differ"
    if row.sides.deviating:
        return "everywhere"
    if row.standing in ATTENTION:
        return "fixed" if row.standing == "fixed" else "undecided"
    return "observed" if row.observed_differ else ""


def _blocks(place: str, rows: Sequence[Row], columns: Columns) -> list[tuple[str, str, list[Row]]]:
    """Name, explanation and rows of each block, the most telling first.

    Of two with the same gravest outcome, that comes first whose targets have something in common, then the larger one.
    """
    if place != "differ":
        by_area: dict[str, list[Row]] = {}
        for row in rows:
            by_area.setdefault(row.requirement.interface or "unknown", []).append(row)
        return [(name, "", _gravest_first(members)) for name, members in by_area.items()]
    found: dict[tuple[bool, frozenset[int]], list[Row]] = {}
    for row in rows:
        found.setdefault((row.sides.differ, row.sides.deviating), []).append(row)
    blocks = []
    for (differ, deviating), members in found.items():
        holding = frozenset[int]().union(*(row.sides.holding for row in members))
        if differ:
            name = columns.say(deviating, deviating | holding)
            alone = reasons(columns.runs, deviating, holding)
            rest = reasons(columns.runs, holding, deviating) if not alone else []
            about = f"alone with {', '.join(alone)}" if alone else f"all others have {', '.join(rest)}" if rest else ""
            explained = bool(about)
            if len(name) > _LONGEST_NAME:
                name, about = f"{len(deviating)} targets", "; ".join(filter(None, (about, name)))
        else:
            name, about = columns.say(deviating, range(len(columns.runs))), "each in its own way"
            explained = False
        first = min(SEVERITY.index(row.standing) for row in members)
        blocks.append(((first, not explained, -len(members), min(deviating)), name, about, _gravest_first(members)))
    return [(name, about, members) for _, name, about, members in sorted(blocks, key=lambda block: block[0])]


def _gravest_first(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: SEVERITY.index(row.standing))


_SECTIONS = {
    "differ": (
        "Where targets differ",
        "By the targets that deviate; a row holds on the others that judged it. What those alone have in common stands "
        "beside them: no proof of a cause, but where to look.",
    ),
    "everywhere": ("Deviates wherever it was judged", "No target of this run holds these."),
    "fixed": ("Holds now, although listed as a deviation", "Remove it from the target's baseline."),
    "undecided": ("Could not be decided", "Nothing deviates where a verdict was reached."),
    "observed": ("Left open, and answered differently", "Every answer is allowed."),
}
_ALONE = {"everywhere": "Deviations"}
_FOLDS = {
    "pass": "hold",
    "skip": "unsupported",
    "untested": "untested",
    "untestable": "untestable",
}
_DIGEST = {
    "fail": "fail", "fixed": "fixed", "error": "undecided", "known": "known", "pass": "hold", "skip": "unsupported",
    "untested": "untested", "untestable": "untestable",
}  # fmt: skip
