"""The page of the workloads, made of stress.json."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from ..plot import Axis, Dot, height
from . import timeline

if TYPE_CHECKING:
    from ..rows import Row

LOOKS = {"ok": "p", "violated": "f", "known": "k", "undecided": "e", "skipped": "s"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A workload on a target."""

    target: str
    look: str  # a key of LOOKS; empty where it did not run
    operations: int
    rate: float  # operations a second
    histories: int
    said: str  # why it was skipped, or nothing can be said


@dataclass(frozen=True, slots=True)
class Line:
    """A workload on all targets."""

    name: str
    cells: tuple[Cell, ...]
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """What the page shows; `data` is stress.json."""

    data: Mapping[str, Any]
    targets: tuple[str, ...]
    lines: tuple[Line, ...]
    axis: Axis  # of operations a second
    new: Sequence[Mapping[str, Any]]
    known: Sequence[Mapping[str, Any]]
    anchors: Mapping[str, str]  # of the requirements' rows in the report

    @property
    def looks(self) -> Mapping[str, str]:
        """How each outcome is drawn."""
        return LOOKS

    @property
    def height(self) -> int:
        """Of a line's plot."""
        return height(len(self.targets))

    @property
    def operations(self) -> int:
        """Of all workloads and targets."""
        return sum(one["operations"] for one in self.data["workloads"].values())

    @property
    def faults(self) -> Sequence[tuple[str, str]]:
        """What went wrong with targets, and what grew on them."""
        targets = self.data["targets"].items()
        return [
            (name, said) for name, one in targets
            for said in (*one.get("faults", ()), *one.get("growing", ()), *filter(None, [one.get("unavailable")]))
        ]  # fmt: skip


def page_of(data: Mapping[str, Any], rows: Mapping[str, "Row"]) -> Page:
    """What the page shows of DATA; ROWS are the report's, by requirement."""
    ran = {name: one["workloads"] for name, one in data["targets"].items() if "workloads" in one}
    violations = [
        {**violation, "picture": _picture(violation)}
        for one in data["workloads"].values()
        for violation in one["violations"]
    ]
    cells = {name: tuple(_cell(target, ran[target].get(name)) for target in ran) for name in data["workloads"]}
    axis = Axis((cell.rate for some in cells.values() for cell in some), "{:,.0f}".format)
    return Page(
        data,
        tuple(ran),
        tuple(Line(name, some, tuple(_dots(some, axis))) for name, some in cells.items()),
        axis,
        [violation for violation in violations if not violation["known"]],
        [violation for violation in violations if violation["known"]],
        {name: row.anchor for name, row in rows.items()},
    )


def _dots(cells: Sequence[Cell], axis: Axis) -> Iterator[Dot]:
    """The speed on each target."""
    for number, cell in enumerate(cells):
        if cell.rate:
            says = f"{cell.target}: {cell.rate:,.0f} operations a second"
            yield axis.dot(number, cell.rate, cell.rate, cell.rate, says)


def _picture(violation: Mapping[str, Any]) -> str:
    """The time lines of the processes, where the violation has a history: SVG."""
    history = violation.get("history")
    return Markup(timeline.svg(timeline.from_data(history))) if history else ""


def _cell(target: str, workload: Mapping[str, Any] | None) -> Cell:
    if not workload:
        return Cell(target, "", 0, 0.0, 0, "")
    seconds = workload["seconds"]
    rate = workload["operations"] / seconds if seconds > 0 else 0.0
    return Cell(
        target, _look(workload), workload["operations"], rate, workload["histories"],
        workload["skipped"] or workload["error"],
    )  # fmt: skip


def _look(workload: Mapping[str, Any]) -> str:
    violations = workload["violations"]
    if any(not violation["known"] for violation in violations):
        return "violated"
    if workload["error"]:
        return "undecided"
    if workload["skipped"]:
        return "skipped"
    return "known" if violations else "ok"
