"""Histories: the text that ipck-stress prints of one, as data, and as a picture of time lines.

    before: set 0, mode 0600, uid 0, cuid 0: [0] 3 (pid 1)
      worker 3       0.000 .. 15.201      semop(0, {{0, -1, 0}}, 1) = 0
    > worker 1      14.876 .. never       semop(0, {{0, -2, 0}}, 1)  (seen waiting)

A history in stress.json is {"before": TEXT, "operations": [..]}, each operation {"worker": N, "called": N,
"returned": N or null, "operation": TEXT, "outcome": TEXT ("" where it has not returned), "remark": TEXT,
"blamed": BOOL}; times are in microseconds since the first call. Worker 0 is the process that watches.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

_BEFORE = "before: "
_LINE = re.compile(
    r"(?P<blamed>[> ]) worker (?P<worker>\d+) +(?P<called>\d+\.\d+) \.\. (?P<returned>\d+\.\d+|never) +"
    r"(?P<operation>.+?)(?: = (?P<outcome>.+?))?(?: +\((?P<remark>[^()]+)\))?$"
)
_NAMES, _WIDTH, _HEIGHT, _LANE, _LETTER = 90, 1100, 22, 26, 6.2


@dataclass(frozen=True, slots=True)
class Operation:
    """A call of a worker, between its moments."""

    worker: int
    called: float
    returned: float | None  # None: it has not returned
    operation: str
    outcome: str
    remark: str
    blamed: bool


@dataclass(frozen=True, slots=True)
class History:
    """What is left of a history with a violation, and the state of the object before it."""

    before: str
    operations: tuple[Operation, ...]


def parse(text: str) -> History:
    """The history that TEXT tells; ValueError with the line that is none."""
    first, *rest = text.splitlines() or [""]
    if not first.startswith(_BEFORE):
        raise ValueError(f"a history begins with {_BEFORE!r}, not with {first!r}")
    return History(first.removeprefix(_BEFORE), tuple(_operation(line) for line in rest))


def _operation(line: str) -> Operation:
    found = _LINE.match(line)
    if not found:
        raise ValueError(f"no operation of a history: {line!r}")
    returned = found["returned"]
    return Operation(
        int(found["worker"]), float(found["called"]), None if returned == "never" else float(returned),
        found["operation"], found["outcome"] or "", found["remark"] or "", found["blamed"] == ">",
    )  # fmt: skip


def as_data(history: History) -> dict[str, Any]:
    """The history as it stands in stress.json."""
    return {"before": history.before, "operations": [asdict(one) for one in history.operations]}


def from_data(data: Mapping[str, Any]) -> History:
    """.. and back."""
    return History(data["before"], tuple(Operation(**one) for one in data["operations"]))


def svg(history: History) -> str:
    """The history as an inline picture: a line for each worker, a bar from call to return for each operation."""
    operations = history.operations
    if not operations:
        return ""
    workers = sorted({one.worker for one in operations})
    end = max(one.called if one.returned is None else one.returned for one in operations) or 1.0
    lanes = {worker: _rows([one for one in operations if one.worker == worker], end) for worker in workers}
    tops, top = {}, 0
    for worker in workers:
        tops[worker] = top
        top += _LANE * (1 + max(lanes[worker].values()))
    drawn = [_lane(worker, tops[worker]) for worker in workers]
    drawn += [
        _bar(one, tops[worker] + _LANE * row, end) for worker in workers for one, row in lanes[worker].items()
    ]
    label = f"{len(operations)} operations of {len(workers)} workers in {end:.1f} microseconds"
    return (
        f'<svg class="timeline" viewBox="0 0 {_NAMES + _WIDTH} {top + 4}" width="{_NAMES + _WIDTH}" height="{top + 4}" '
        f'role="img" aria-label="{label}">{"".join(drawn)}</svg>'
    )


def _x(time: float, end: float) -> float:
    return _NAMES + time / end * (_WIDTH - 60)


def _label(one: Operation) -> str:
    return f"{one.operation} = {one.outcome}" if one.outcome else one.operation


def _before(one: Operation, end: float) -> bool:
    """Whether the text has no room behind the beginning of the bar, and stands before it."""
    return _x(one.called, end) + len(_label(one)) * _LETTER > _NAMES + _WIDTH


def _rows(operations: Sequence[Operation], end: float) -> dict[Operation, int]:
    """Below one another where the texts beside the bars would lie upon each other."""
    free: list[float] = []
    rows = {}
    for one in operations:
        start, length = _x(one.called, end), len(_label(one)) * _LETTER
        left, right = (start - length, start) if _before(one, end) else (start, start + length)
        row = next((i for i, x in enumerate(free) if x <= left), len(free))
        bar_end = _NAMES + _WIDTH if one.returned is None else _x(one.returned, end)
        free[row:row + 1] = [max(bar_end, right) + 8]
        rows[one] = row
    return rows


def _lane(worker: int, top: int) -> str:
    name = "watcher" if worker == 0 else f"worker {worker}"
    return f'<text x="0" y="{top + 15}" fill="currentColor" font-size="12">{name}</text>'


def _bar(one: Operation, top: int, end: float) -> str:
    start = _x(one.called, end)
    stop = _NAMES + _WIDTH - 2 if one.returned is None else max(_x(one.returned, end), start + 2)
    look = "f" if one.blamed else "n"
    moments = f"{one.called:.3f} .. " + ("never" if one.returned is None else f"{one.returned:.3f}")
    title = escape(f"{moments}  {_label(one)}" + (f" ({one.remark})" if one.remark else ""))
    place = f'x="{start - 4:.1f}" text-anchor="end"' if _before(one, end) else f'x="{start + 3:.1f}"'
    open_end = ' stroke-dasharray="4 3"' if one.returned is None else ""
    return (
        f'<g class="{look}"><title>{title}</title><rect x="{start:.1f}" y="{top + 2}" width="{stop - start:.1f}" '
        f'height="{_HEIGHT - 4}" rx="2" fill="currentColor" fill-opacity="0.18" stroke="currentColor"{open_end}/>'
        f'<text {place} y="{top + 15}" fill="currentColor" font-size="11">{escape(_label(one))}</text></g>'
    )
