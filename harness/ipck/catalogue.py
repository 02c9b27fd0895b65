"""The catalogue: what an implementation promises, one requirement a row, one file an interface."""

import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import tomlfile
from .errors import IpckError
from .tree import NOTES_FILE, REQUIREMENTS, shown

KINDS = ("state", "errno", "field", "permission", "lifecycle", "flag", "limit", "wakeup", "atomicity", "header")
LEVELS = ("posix-shall", "posix-may", "linux")
NEEDS = ("root", "two-users", "namespace", "processes", "threads", "32-bit", "fault-injection", "big-memory")

AREAS = (
    "System V message queues", "System V semaphores", "System V shared memory", "System V in common", "Processes",
    "POSIX shared memory", "POSIX semaphores", "POSIX message queues", "Tools", "Programs", "Kernel",
)  # fmt: skip

_ID = re.compile(r"[A-Za-z0-9_.-]+")
_COUNT = "IPCK_REQUIREMENTS"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One promise. `untestable` is the reason why no test can judge it, empty when one can."""

    id: str
    interface: str
    kind: str
    level: str
    statement: str
    source: str
    needs: tuple[str, ...] = ()
    untestable: str = ""

    @property
    def enumerator(self) -> str:
        """The requirement's name in C."""
        return re.sub(r"[.-]", "_", self.id)


@dataclass(frozen=True, slots=True)
class Interface:
    """A call, header or file system with the promises about it, in the order of its file; `area` is one of AREAS."""

    name: str
    title: str
    requirements: tuple[Requirement, ...] = ()
    area: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All interfaces, sorted by name; iterate over it for the requirements."""

    interfaces: tuple[Interface, ...] = ()
    by_id: Mapping[str, Requirement] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rows = {row.id: row for interface in self.interfaces for row in interface.requirements}
        object.__setattr__(self, "by_id", rows)

    def __iter__(self) -> Iterator[Requirement]:
        return iter(self.by_id.values())

    def __len__(self) -> int:
        return len(self.by_id)

    def __contains__(self, identifier: str) -> bool:
        return identifier in self.by_id

    def __getitem__(self, identifier: str) -> Requirement:
        return self.by_id[identifier]


def load(folder: Path = REQUIREMENTS) -> Catalogue:
    """The catalogue in FOLDER; IpckError with the faults of all files when there are any."""
    paths = sorted(path for path in folder.glob("*.toml") if path.name != NOTES_FILE)
    if not paths:
        raise IpckError(f"{shown(folder)}: no catalogue files (*.toml): run from a complete clone")
    faults: list[str] = []
    interfaces: list[Interface] = []
    names: dict[str, tuple[str, Path]] = {}
    for path in paths:
        try:
            document = tomlfile.read(path)
        except IpckError as error:
            faults.extend(error.messages)
            continue
        found = _check_top(document) + _check_rows(document)
        if not found:
            interface = _interface(document)
            found = _check_names(document, interface, names)
            interfaces.append(interface)
        faults.extend(found)
    if faults:
        raise IpckError(*faults)
    return Catalogue(tuple(interfaces))


def choose(catalogue: Catalogue, patterns: Sequence[str]) -> list[str]:
    """The ids that PATTERNS, shell patterns, mean, all without; IpckError when one means none."""
    if unknown := [pattern for pattern in patterns if not fnmatch.filter(catalogue.by_id, pattern)]:
        raise IpckError(f"the catalogue has no requirement {unknown[0]!r}")
    return [name for name in catalogue.by_id if not patterns or any(fnmatch.fnmatchcase(name, one) for one in patterns)]


def emit_c(catalogue: Catalogue, folder: Path) -> list[Path]:
    """Write reqs.h and reqs.c for the test programs; returns the files whose content changed."""
    rows = list(catalogue.by_id.values())
    notice = "/* Generated from conformance/requirements by ipck catalogue --emit-c. */\n"
    header = [notice, "#ifndef IPCK_REQS_H\n#define IPCK_REQS_H\n\nenum ipck_requirement {\n"]
    header += [f"\t{row.enumerator},\n" for row in rows]
    header += [f"\t{_COUNT}\n}};\n\nextern const char *const ipck_requirement_ids[{_COUNT}];\n\n#endif\n"]
    source = [notice, f'#include "reqs.h"\n\nconst char *const ipck_requirement_ids[{_COUNT}] = {{\n']
    source += [f'\t"{row.id}",\n' for row in rows] + ["};\n"]
    wanted = {folder / "reqs.h": "".join(header), folder / "reqs.c": "".join(source)}
    folder.mkdir(parents=True, exist_ok=True)
    return [path for path, content in wanted.items() if _update(path, content)]


def _update(path: Path, content: str) -> bool:
    """Write CONTENT unless PATH has it already, so that make rebuilds nothing in vain."""
    if path.is_file() and path.read_text() == content:
        return False
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(content)
    temporary.replace(path)
    return True


def _check_top(document: tomlfile.Document) -> list[str]:
    faults = tomlfile.check(document, document.data, _TOP, frozenset())
    name = document.data.get("interface")
    if isinstance(name, str) and name and document.path.name != f"{name}.toml":
        faults.append(document.message(f"is {name!r}, so the file must be {name}.toml", key="interface"))
    return faults


def _check_rows(document: tomlfile.Document) -> list[str]:
    rows = document.data.get("requirement")
    if not isinstance(rows, list):
        return []
    faults: list[str] = []
    for index, row in enumerate(rows):
        if isinstance(row, dict):
            faults += tomlfile.check(document, row, _ROW, _OPTIONAL, "requirement", index)
    return faults


def _check_names(document: tomlfile.Document, interface: Interface, names: dict[str, tuple[str, Path]]) -> list[str]:
    """Ids and their C names are unique over all files; NAMES collects where each was seen."""
    faults = []
    for index, row in enumerate(interface.requirements):
        if earlier := names.get(row.enumerator):
            identifier, path = earlier
            problem = f"the C name {row.enumerator} is taken by {identifier} in {shown(path)}: choose another id"
            faults.append(document.message(problem, "requirement", index, "id", row.id))
        else:
            names[row.enumerator] = (row.id, document.path)
    return faults


def _interface(document: tomlfile.Document) -> Interface:
    data = document.data
    rows = (dict(row, needs=tuple(row["needs"])) for row in data["requirement"])
    requirements = tuple(Requirement(interface=data["interface"], **row) for row in rows)
    return Interface(data["interface"], data["title"], requirements, data["area"])


def _identifier(value: object) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        return "must be made of letters, digits, '_', '.' and '-'"
    if value[0] in "0123456789.-":
        return "must not begin with a digit, '.' or '-', for it becomes a name in C"
    return f"is {_COUNT}, which the generated code needs itself" if re.sub(r"[.-]", "_", value) == _COUNT else ""


def _tables(value: object) -> str:
    is_tables = isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)
    return "" if is_tables else "must be one or more [[requirement]] tables"


_TOP: dict[str, tomlfile.Check] = {
    "interface": tomlfile.text,
    "title": tomlfile.text,
    "area": tomlfile.one_of(AREAS),
    "requirement": _tables,
}
_OPTIONAL = frozenset({"untestable"})
_ROW: dict[str, tomlfile.Check] = {
    "id": _identifier,
    "kind": tomlfile.one_of(KINDS),
    "level": tomlfile.one_of(LEVELS),
    "statement": tomlfile.text,
    "source": tomlfile.text,
    "needs": tomlfile.list_of(NEEDS),
    "untestable": tomlfile.text,
}
