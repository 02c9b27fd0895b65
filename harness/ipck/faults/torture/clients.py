"""fault/clients.toml: the programs whose calls are made to fail, and what may become of them then."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from ... import tomlfile
from ...errors import IpckError
from ...tree import ROOT, shown

FILE = ROOT / "fault" / "clients.toml"
_FLAVOUR = "glibc"
_STATUSES = (*range(1, 125), *range(193, 256))


@dataclass(frozen=True, slots=True)
class Client:
    """A program and the scripts around it; fault/clients.toml says what each is."""

    name: str
    program: str
    run: str
    prepare: str = ""
    before: str = ""
    after: str = ""
    package: str = ""
    status: tuple[int, ...] = (1,)
    keeps: str = "objects"
    excuse: str = ""
    varies: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    most: int = 0
    seconds: float = 10.0
    user: bool = False

    @property
    def ours(self) -> bool:
        """Whether it is one of our own programs."""
        return "/" in self.program and not self.program.startswith("/")

    def meets(self, point: str) -> bool:
        """Whether its calls of POINT are to fail."""
        return not self.points or any(fnmatchcase(point, pattern) for pattern in self.points)

    def lacks(self, build: Path) -> str:
        """What is not there, and how to get it; empty when all is."""
        if self.ours:
            path = build / _FLAVOUR / self.program
            return "" if path.exists() else f"{shown(path)} does not exist: run make {shown(path)}"
        if shutil.which(self.program) or Path(self.program).exists():
            return ""
        return f"there is no {self.program}: apt-get install {self.package}"


def load(path: Path = FILE) -> tuple[Client, ...]:
    """The clients of the file at PATH; IpckError with file and line for each row that cannot be."""
    document = tomlfile.read(path)
    rows = document.data.get("client", [])
    faults = [document.message("must be [[client]] tables", key=key) for key in document.data if key != "client"]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows) or not rows:
        raise IpckError(*faults, document.message("has no [[client]] tables"))
    seen: set[str] = set()
    for index, row in enumerate(rows):
        faults += tomlfile.check(document, row, _ROW, _OPTIONAL, "client", index)
        name = row.get("name")
        if isinstance(name, str) and name in seen:
            faults.append(document.message("is there already", "client", index, "name", name))
        seen.add(str(name))
        if not row.get("package") and isinstance(row.get("program"), str) and not re.match(r"\w+/", row["program"]):
            faults.append(document.message("is missing: which package has it?", "client", index, "package", str(name)))
    if faults:
        raise IpckError(*faults)
    return tuple(
        Client(**{key: tuple(value) if isinstance(value, list) else value for key, value in row.items()})
        for row in rows
    )


def choose(clients: Sequence[Client], names: Sequence[str]) -> tuple[Client, ...]:
    """Those that NAMES mean: names, programs before the '/', or shell patterns; all without names."""
    chosen: dict[str, Client] = {}
    for name in names:
        found = [one for one in clients if fnmatchcase(one.name, name) or fnmatchcase(one.name.partition("/")[0], name)]
        if not found:
            raise IpckError(f"there is no client {name!r}: ipck fault --list shows them")
        chosen.update((one.name, one) for one in found)
    return tuple(one for one in clients if not names or one.name in chosen)


def _expression(value: object) -> str:
    if not isinstance(value, str):
        return "must be a regular expression"
    try:
        re.compile(value)
    except re.error as error:
        return f"is no regular expression: {error}"
    return ""


def _expressions(value: object) -> str:
    if not isinstance(value, list):
        return "must be a list of regular expressions"
    return next((said for one in value if (said := _expression(one))), "")


def _points(value: object) -> str:
    good = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return "" if good else "must be a list of points (shell patterns)"


def _statuses(value: object) -> str:
    good = isinstance(value, list) and all(one in _STATUSES for one in value)
    return "" if good else "must be a list of exit statuses: 1 to 124, 193 to 255 (others are no program's own)"


def _number(value: object) -> str:
    return "" if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0 else "must be above 0"


def _whole(value: object) -> str:
    return "" if isinstance(value, int) and not isinstance(value, bool) and value > 0 else "must be 1 or more"


_ROW: dict[str, tomlfile.Check] = {
    "name": tomlfile.text,
    "program": tomlfile.text,
    "run": tomlfile.text,
    "prepare": tomlfile.text,
    "before": tomlfile.text,
    "after": tomlfile.text,
    "package": tomlfile.text,
    "status": _statuses,
    "keeps": tomlfile.one_of(("objects", "units")),
    "excuse": _expression,
    "varies": _expressions,
    "points": _points,
    "most": _whole,
    "seconds": _number,
    "user": tomlfile.flag,
}
_OPTIONAL = frozenset(_ROW) - {"name", "program", "run"}
