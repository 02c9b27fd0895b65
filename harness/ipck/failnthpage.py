"""The page of the faults inside the kernel: what is wrong after a step of a call failed, from failnth.json."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .rows import Row

_MOST = 12


@dataclass(frozen=True, slots=True)
class Group:
    """What is wrong in the same way after several steps."""

    kind: str
    known: str
    path: str
    steps: tuple[str, ...]  # "msgrcv.first:1"
    details: tuple[str, ...]
    reproduce: str


@dataclass(frozen=True, slots=True)
class Line:
    """The counts of one call."""

    call: str
    operations: int
    steps: int
    outcomes: Mapping[str, int]  # of the steps: failed, succeeded, hung ..
    errors: tuple[str, ...]
    new: int
    known: int


@dataclass(frozen=True, slots=True)
class Page:
    """What the page shows; `data` is failnth.json."""

    data: Mapping[str, Any]

    @property
    def headline(self) -> str:
        """All of it in a few words."""
        new = sum(not one["known"] for one in self.data["violations"])
        parts = f"{len(self.data['operations'])} operations, {len(self.data['steps'])} steps failed"
        return f"{parts}: {new} violation{'' if new == 1 else 's'} that {'is' if new == 1 else 'are'} not listed"

    @property
    def new(self) -> Sequence[Group]:
        """What is not listed."""
        return self._groups(False)

    @property
    def known(self) -> Sequence[Group]:
        """What is."""
        return self._groups(True)

    @property
    def calls(self) -> Sequence[Line]:
        """Each call, in the order of the table."""
        operations = self.data["operations"]
        lines = []
        for call in dict.fromkeys(one["call"] for one in operations):
            names = {one["name"] for one in operations if one["call"] == call}
            steps = [step for step in self.data["steps"] if step["operation"] in names]
            wrong = [one for one in self.data["violations"] if one["operation"] in names]
            lines.append(
                Line(
                    call, len(names), len(steps), Counter(step["outcome"] for step in steps),
                    tuple(dict.fromkeys(step["error"] for step in steps if step["outcome"] == "failed")),
                    sum(not one["known"] for one in wrong), sum(bool(one["known"]) for one in wrong),
                )
            )  # fmt: skip
        return lines

    def _groups(self, known: bool) -> Sequence[Group]:
        alike: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
        for one in self.data["violations"]:
            if bool(one["known"]) == known:
                where = "" if known else one["path"]
                alike.setdefault((one["known"] or one["operation"], one["kind"], where), []).append(one)
        return [
            Group(
                kind, members[0]["known"], members[0]["path"],
                tuple(f"{one['operation']}:{one['n']}" for one in members),
                tuple(dict.fromkeys(one["detail"] for one in members))[:_MOST], members[0]["reproduce"],
            )
            for (_, kind, _), members in alike.items()
        ]  # fmt: skip


def page_of(data: Mapping[str, Any], rows: Mapping[str, "Row"]) -> Page:
    """The page that DATA makes; it speaks of no requirements, and so of no ROWS."""
    return Page(data)
