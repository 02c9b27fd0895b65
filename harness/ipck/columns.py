"""The targets of a report as columns: in kinds, and said in few words where they are many."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from .results import RunResults, TargetRun

FEW = 6  # as many columns have room for their names
_MANY_NAMES = 4  # more are said by kind, or by those that are missing


@dataclass(frozen=True, slots=True)
class Kind:
    """Neighbouring columns that belong together; `head` is what their names have in common, to be said once."""

    name: str
    first: int
    names: tuple[str, ...]

    @property
    def columns(self) -> range:
        """The numbers of its columns."""
        return range(self.first, self.first + len(self.names))

    @property
    def head(self) -> str:
        """The common beginning of the names, up to a hyphen; empty where they have none."""
        if len(self.names) < _MANY_NAMES:
            return ""
        parts = [name.split("-") for name in self.names]
        most = min(map(len, parts)) - 1
        alike = next((at for at in range(most) if len({part[at] for part in parts}) > 1), most)
        return "".join(part + "-" for part in parts[0][:alike])

    @property
    def tails(self) -> tuple[str, ...]:
        """The rest of the names."""
        return tuple(name.removeprefix(self.head) for name in self.names)


@dataclass(frozen=True)
class Columns:
    """All targets that ran."""

    runs: tuple[TargetRun, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The targets' names."""
        return tuple(run.target for run in self.runs)

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds in the order of the columns."""
        kinds: list[Kind] = []
        for column, run in enumerate(self.runs):
            name = kind_of(run)
            if kinds and kinds[-1].name == name:
                kinds[-1] = replace(kinds[-1], names=(*kinds[-1].names, run.target))
            else:
                kinds.append(Kind(name, column, (run.target,)))
        return tuple(kinds)

    @property
    def many(self) -> bool:
        """Whether the columns are too many for their names."""
        return len(self.runs) > FEW

    def say(self, columns: Collection[int], among: Collection[int]) -> str:
        """The COLUMNS in words, where no others than AMONG come into question."""
        wanted, possible = set(columns), sorted(among)
        if len(wanted) > 1 and wanted == set(possible):
            return "every target"
        others = [column for column in possible if column not in wanted]
        if len(wanted) > _MANY_NAMES and len(others) <= _MANY_NAMES:
            return f"every target but {self._listed(others)}"
        parts: list[str] = []
        for kind in self.kinds:
            mine = [column for column in kind.columns if column in wanted]
            rest = [column for column in kind.columns if column in others]
            if len(mine) >= _MANY_NAMES and not rest:
                parts.append(f"{kind.name} (all {len(mine)})")
            elif len(mine) > _MANY_NAMES and len(rest) <= _MANY_NAMES // 2:
                parts.append(f"{kind.name} ({len(mine)}, not {self._listed(rest)})")
            else:
                parts += [self.names[column] for column in mine]
        return ", ".join(parts)

    def _listed(self, columns: Sequence[int]) -> str:
        return ", ".join(self.names[column] for column in columns)


def columns_of(run: RunResults) -> Columns:
    """The targets of RUN that ran, those of a kind side by side."""
    present = [target for target in run.targets if not target.unavailable]
    order: dict[str, int] = {}
    for target in present:
        order.setdefault(kind_of(target), len(order))
    return Columns(tuple(sorted(present, key=lambda target: order[kind_of(target)])))


def kind_of(run: TargetRun) -> str:
    """What the results say of a target's kind; older ones tell only which program stood before ours."""
    if run.kind:
        return run.kind
    before = run.argv[:1] if run.argv and Path(run.argv[0]).name != "ipck-tests" else ()
    return Path(before[0]).name if before else "host"
