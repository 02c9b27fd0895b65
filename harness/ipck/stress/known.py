"""What is known to be violated: stress/known.toml, and what the baseline of the target lists already."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from .. import baseline, tomlfile
from ..catalogue import Catalogue
from ..errors import IpckError
from ..targets import Target
from ..tree import ROOT
from .results import TargetResults, Violation

KNOWN = ROOT / "stress" / "known.toml"


@dataclass(frozen=True, slots=True)
class Known:
    """A requirement that workloads find violated on a target."""

    target: str  # the name of its baseline, or a shell pattern
    workload: str  # a shell pattern
    requirement: str
    reason: str
    reference: str
    since: str
    always: bool = False  # whenever the workload runs: its absence is news
    where: str = ""

    def covers(self, names: Iterable[str], violation: Violation) -> bool:
        """Whether it speaks of VIOLATION on a target of these NAMES."""
        return (
            self.requirement == violation.requirement
            and fnmatchcase(violation.workload, self.workload)
            and self.speaks_of(names)
        )

    def speaks_of(self, names: Iterable[str]) -> bool:
        """Whether it speaks of a target of these NAMES."""
        return any(fnmatchcase(name, self.target) for name in names)


def load(catalogue: Catalogue, path: Path = KNOWN) -> tuple[Known, ...]:
    """The entries of the file at PATH, none where there is no such file; IpckError when it is bad."""
    if not path.exists():
        return ()
    document = tomlfile.read(path)
    rows = document.data.get("known", [])
    faults = tomlfile.check(document, document.data, {"known": _tables}, frozenset({"known"}))
    if not faults:
        for index, row in enumerate(rows):
            faults += tomlfile.check(document, row, _ROW, frozenset({"always"}), "known", index)
            if (name := row.get("requirement")) not in catalogue:
                problem = f"{name!r} is not in the catalogue"
                faults.append(document.message(problem, "known", index, "requirement", f"number {index + 1}"))
    if faults:
        raise IpckError(*faults)
    return tuple(Known(**row, where=f"{path.name}:{document.line('known', i)}") for i, row in enumerate(rows))


class Expected:
    """What is expected of one target."""

    def __init__(self, target: Target, entries: Sequence[Known], catalogue: Catalogue, baselines: Path) -> None:
        stem = baseline.stem_of(target, baselines)
        listed = baseline.load(stem, catalogue, None, baselines).deviations
        self._names = (target.name, stem)
        self._entries = [entry for entry in entries if entry.speaks_of(self._names)]
        self._baseline = {requirement: deviation.reason for (_, requirement), deviation in listed.items()}

    @property
    def waived(self) -> tuple[str, ...]:
        """Requirements that the target is known not to meet, by its baseline."""
        return tuple(self._baseline)

    def judge(self, violation: Violation) -> Violation:
        """VIOLATION with the reason why it is expected, if it is."""
        for entry in self._entries:
            if entry.covers(self._names, violation):
                return replace(violation, known=entry.reason)
        return replace(violation, known=self._baseline.get(violation.requirement, ""))

    def gone(self, results: TargetResults) -> list[str]:
        """What should have been seen on each run and was not."""
        said = []
        for entry in self._entries:
            ran = [
                one for name, one in results.workloads.items()
                if fnmatchcase(name, entry.workload) and not one.skipped and not one.error
            ]  # fmt: skip
            seen = any(entry.covers(self._names, violation) for one in ran for violation in one.violations)
            if entry.always and ran and not seen:
                said.append(f"{entry.where}: {entry.requirement} is not violated any more: remove the entry")
        return said


def _tables(value: object) -> str:
    is_tables = isinstance(value, list) and all(isinstance(row, dict) for row in value)
    return "" if is_tables else "must be [[known]] tables"


_ROW: dict[str, tomlfile.Check] = {
    "target": tomlfile.text,
    "workload": tomlfile.text,
    "requirement": tomlfile.text,
    "reason": tomlfile.filled_in("what the implementation does, and why"),
    "reference": tomlfile.filled_in("a line of its source, a manual page, a report of the bug"),
    "since": tomlfile.filled_in("the first version that does it, or those that were seen to"),
    "always": tomlfile.flag,
}
