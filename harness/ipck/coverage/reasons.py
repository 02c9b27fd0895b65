"""Why lines are not executed: conformance/coverage/NAME.toml, reviewed by people, strict both ways.

    [[part]]                        of a file only these functions count; without it all
    file, functions, reason

    [[missed]]
    file, function                  where
    lines                           their text; without it the function, which is not executed at all. Several lines in
                                    one string stand below one another in the source, so that a line can be told from
                                    its equals by those around it
    kind                            one of KINDS
    reason                          why, in words

Lines are named by their text, so that a table holds for more than one version of the source.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import tomlfile
from ..errors import IpckError
from ..tomlfile import Document
from .view import File, View

KINDS = {
    "configuration": "dead in this configuration or on this architecture",
    "unreachable": "nothing leads there: a guard against what cannot be",
    "outside": "asked for by other parts of the kernel than IPC",
    "boot": "only when the machine starts, and something fails then",
    "fault": "only when an allocation, a copy or a system call inside fails: the campaigns of faults",
    "race": "only in a window of few instructions",
    "smp": "only with a second processor",
    "compat": "only for 32-bit programs",
    "32-bit": "only in a 32-bit kernel",
    "hugetlb": "only with huge pages",
    "resources": "only with more memory, objects or time than a test may take",
}
"""Why a line is not executed."""

ELSEWHERE = frozenset({"fault", "race", "smp", "compat", "32-bit", "hugetlb"})
"""Kinds that another campaign or another kernel executes: such a line may be executed as well."""

_FOLDER = "coverage"


@dataclass(frozen=True, slots=True)
class Missed:
    """Lines of a function that are not executed, and why."""

    file: str
    function: str
    kind: str
    reason: str
    lines: tuple[str, ...]  # blocks of text; none: the whole function
    where: str  # it stands in the table


@dataclass(frozen=True, slots=True)
class Table:
    """The reviewed table."""

    parts: Mapping[str, tuple[str, ...]]  # functions, by file
    missed: tuple[Missed, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line that was not executed."""

    file: str
    line: int
    function: str
    text: str
    kind: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """The lines that were not executed, and what the table says that is not so."""

    explained: tuple[Line, ...]
    unexplained: tuple[Line, ...]
    stale: tuple[str, ...]


def load(path: Path) -> Table:
    """The table at PATH; IpckError with file and line for all that is wrong with it."""
    document = tomlfile.read(path)
    problems = [
        f"{path.name}: the table [[{name}]] is unknown: known are [[part]] and [[missed]]"
        for name in document.data if name not in ("part", "missed")
    ]  # fmt: skip
    parts, missed = _rows(document, "part"), _rows(document, "missed")
    for table, schema, rows in (("part", _PART, parts), ("missed", _MISSED, missed)):
        for index, row in enumerate(rows):
            problems += tomlfile.check(document, row, schema, frozenset({"lines"}), table, index)
    if problems:
        raise IpckError(*problems)
    return Table(
        {row["file"]: tuple(row["functions"]) for row in parts},
        tuple(_missed(document, index, row) for index, row in enumerate(missed)),
    )


def _rows(document: Document, table: str) -> list[dict[str, Any]]:
    rows = document.data.get(table, [])
    if not isinstance(rows, list):
        raise IpckError(document.message(f"write [[{table}]], not [{table}]"))
    return rows


def _missed(document: Document, index: int, row: Mapping[str, Any]) -> Missed:
    where = f"{document.path.name}:{document.line('missed', index)}"
    blocks = tuple(map(_block, row.get("lines", ())))
    return Missed(row["file"], row["function"], row["kind"], " ".join(row["reason"].split()), blocks, where)


def _texts(value: object) -> str:
    good = isinstance(value, list) and value and all(isinstance(one, str) and one.strip() for one in value)
    return "" if good else "must be a list of strings"


_PART: Mapping[str, tomlfile.Check] = {"file": tomlfile.text, "functions": _texts, "reason": tomlfile.text}
_MISSED: Mapping[str, tomlfile.Check] = {
    "file": tomlfile.text, "function": tomlfile.text, "lines": _texts, "kind": tomlfile.one_of(tuple(KINDS)),
    "reason": tomlfile.text,
}  # fmt: skip


def _block(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


def judge(view: View, sources: Mapping[str, list[str]], table: Table) -> Judged:
    """What TABLE says of the lines in VIEW that were not executed; SOURCES have the text of the files."""
    by_function: dict[tuple[str, str], list[Missed]] = {}
    for one in table.missed:
        by_function.setdefault((one.file, one.function), []).append(one)
    explained: list[Line] = []
    unexplained: list[Line] = []
    used: set[tuple[str, str]] = set()
    for name, file in view.items():
        text = ["", *(" ".join(line.split()) for line in sources.get(name, []))]
        for function, lines in _missed_lines(file).items():
            entered = file.functions.get(function, (0, 0))[1] > 0
            reasons = {
                number: found
                for one in by_function.get((name, function), ()) if one.lines or not entered
                for number, found in _where(one, text, lines)
            }  # fmt: skip
            for number in lines:
                line = Line(name, number, function, text[number] if number < len(text) else "")
                if found := reasons.get(number):
                    one, block = found
                    used.add((one.where, block))
                    explained.append(Line(name, number, function, line.text, one.kind, one.reason))
                else:
                    unexplained.append(line)
    return Judged(tuple(explained), tuple(unexplained), tuple(_stale(table, view, used)))


def _missed_lines(file: File) -> dict[str, list[int]]:
    missed: dict[str, list[int]] = {}
    for line in file.missed():
        missed.setdefault(file.function[line], []).append(line)
    return missed


def _where(one: Missed, text: list[str], lines: list[int]) -> Iterator[tuple[int, tuple[Missed, str]]]:
    """The numbers of those of LINES that an entry of the table means, each with the block of text that does."""
    if not one.lines:
        yield from ((number, (one, "")) for number in lines)
    for block in one.lines:
        wanted = block.split("\n")
        for number in lines:
            for first in range(number - len(wanted) + 1, number + 1):
                if first > 0 and text[first:first + len(wanted)] == wanted:
                    yield number, (one, block)


def _stale(table: Table, view: View, used: set[tuple[str, str]]) -> Iterator[str]:
    """What nothing bears out: executed, or not there."""
    for one in table.missed:
        if one.kind in ELSEWHERE or one.file not in view:
            continue
        if one.function not in view[one.file].functions:
            continue
        for block in one.lines or ("",):
            if (one.where, block) not in used:
                what = repr(block.split("\n")[0]) if block else "the function"
                yield f"{one.where}: {one.file}, {one.function}(): {what} is executed, or not there: remove the entry"
