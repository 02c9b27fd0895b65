"""Baselines: the deviations of a target that are known, strict both ways."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import tomlfile
from .catalogue import Catalogue
from .errors import IpckError
from .results import Deviation
from .targets import Target, Test, without_variant
from .tree import BASELINES, shown


@dataclass(frozen=True, slots=True)
class Baseline:
    """The known deviations of one target, looked up by test and requirement."""

    deviations: Mapping[tuple[str, str], Deviation] = field(default_factory=dict)
    stem: str = ""  # of its file

    def find(self, test: str, requirement: str) -> Deviation | None:
        """The deviation listed for TEST itself or for all its variants."""
        return self.deviations.get((test, requirement)) or self.deviations.get((without_variant(test), requirement))


@dataclass(frozen=True, slots=True)
class _Entry:
    """A deviation and where it stands."""

    deviation: Deviation
    document: tomlfile.Document
    index: int

    def message(self, problem: str, key: str) -> str:
        return self.document.message(problem, "deviation", self.index, key, f"number {self.index + 1}")

    @property
    def where(self) -> str:
        return f"{shown(self.document.path)}:{self.document.line('deviation', self.index)}"

    @property
    def key(self) -> tuple[str, str]:
        return self.deviation.test, self.deviation.requirement


def stem_of(target: Target, folder: Path = BASELINES) -> str:
    """Whose file lists the deviations of TARGET: its own if there is one, else that for targets of its kind."""
    own = (folder / f"{target.name}.toml").exists()
    return target.name if own or not target.baseline else target.baseline


def load(stem: str, catalogue: Catalogue, tests: Sequence[Test] | None, folder: Path = BASELINES) -> Baseline:
    """The baseline file STEM.toml with what it inherits; none known when there is no such file.

    IpckError when a file is bad or lists what no test of TESTS can produce; with None nobody knows the tests.
    """
    entries = _all(stem, folder)
    faults = _check_names(entries, catalogue, tests) + _check_duplicates(entries)
    if faults:
        raise IpckError(*faults)
    return Baseline({entry.key: entry.deviation for entry in entries}, stem)


def places(stem: str, folder: Path = BASELINES) -> dict[tuple[str, str], str]:
    """Where the entries of STEM.toml and of what it inherits stand, by test and requirement."""
    return {entry.key: entry.where for entry in _all(stem, folder)}


def _all(stem: str, folder: Path) -> list[_Entry]:
    path = folder / f"{stem}.toml"
    return _entries(path, ()) if path.exists() or path.is_symlink() else []


def _entries(path: Path, inheritors: tuple[Path, ...]) -> list[_Entry]:
    """The entries of the file at PATH and, before them, those it inherits."""
    document = tomlfile.read(path)
    data = document.data
    faults = tomlfile.check(document, data, _TOP, frozenset(_TOP))
    rows = data.get("deviation", [])
    if not faults:
        for index, row in enumerate(rows):
            faults += tomlfile.check(document, row, _ROW, _OPTIONAL, "deviation", index)
    if faults:
        raise IpckError(*faults)
    entries: list[_Entry] = []
    for stem in data.get("inherits", []):
        parent = path.with_name(f"{stem}.toml")
        if parent in (*inheritors, path):
            faults.append(document.message(f"{stem!r} inherits from itself", key="inherits"))
        elif not parent.exists():
            faults.append(document.message(f"{stem!r}: there is no {shown(parent)}", key="inherits"))
        else:
            entries += _entries(parent, (*inheritors, path))
    if faults:
        raise IpckError(*faults)
    return entries + [_Entry(Deviation(**row), document, index) for index, row in enumerate(rows)]


def _check_names(entries: list[_Entry], catalogue: Catalogue, tests: Sequence[Test] | None) -> list[str]:
    """Each entry names a requirement of the catalogue and a test that declares it."""
    declared: dict[str, set[str]] = {}
    for test in tests or ():
        declared.setdefault(test.id, set()).update(test.requirements)
        declared.setdefault(without_variant(test.id), set()).update(test.requirements)
    faults = []
    for entry in entries:
        name, requirement = entry.key
        if requirement not in catalogue:
            faults.append(entry.message(f"{requirement!r} is not in the catalogue", "requirement"))
        elif tests is None:
            continue
        elif name not in declared:
            faults.append(entry.message(f"{name!r} is no test of this target: remove the entry or correct it", "test"))
        elif requirement not in declared[name]:
            problem = f"{name} does not verify {requirement}: remove the entry or correct it"
            faults.append(entry.message(problem, "requirement"))
    return faults


def _check_duplicates(entries: list[_Entry]) -> list[str]:
    """No two entries speak of the same test and requirement, not even one with and one without the variant."""
    first: dict[tuple[str, str], _Entry] = {}
    faults = []
    for entry in entries:
        if entry is not first.setdefault(entry.key, entry):
            faults.append(entry.message(f"is listed already at {first[entry.key].where}", "test"))
    for (test, requirement), entry in first.items():
        general = first.get((without_variant(test), requirement))
        if general and general is not entry:
            faults.append(entry.message(f"is covered already by the entry for all variants at {general.where}", "test"))
    return faults


def _stems(value: object) -> str:
    is_stems = isinstance(value, list) and all(isinstance(stem, str) and stem and "/" not in stem for stem in value)
    return "" if is_stems else "must be a list of names of files in the same folder, without .toml"


def _tables(value: object) -> str:
    is_tables = isinstance(value, list) and all(isinstance(row, dict) for row in value)
    return "" if is_tables else "must be [[deviation]] tables"


_OPTIONAL = frozenset({"intermittent"})
_TOP: dict[str, tomlfile.Check] = {"inherits": _stems, "deviation": _tables}
_ROW: dict[str, tomlfile.Check] = {
    "test": tomlfile.text,
    "requirement": tomlfile.text,
    "verdict": tomlfile.one_of(("fail", "error", "crash")),
    "reason": tomlfile.filled_in("what the implementation does, and why"),
    "reference": tomlfile.filled_in("a line of its source, a manual page, a report of the bug"),
    "since": tomlfile.filled_in("the first version that does it, or those that were seen to"),
    "intermittent": tomlfile.flag,
}
