"""The lecture notes: what they say, whether that is so, and the requirements, tests and programs that show it."""

import fnmatch
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import tomlfile
from .catalogue import Catalogue
from .errors import IpckError
from .targets import without_variant
from .tree import CLIENTS, NOTES_FILE, REQUIREMENTS, shown

TRUTHS = ("true", "outdated", "wrong", "implementation-defined")


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that a document says, in our words. `why` is empty only where `truth` is "true"."""

    id: str
    document: str
    statement: str
    truth: str
    why: str = ""
    requirements: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()  # ids without the route, or shell patterns
    clients: tuple[str, ...] = ()
    untestable: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """One of the documents, in the order of its statements."""

    file: str
    title: str
    language: str
    statements: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Notes:
    """All documents."""

    documents: tuple[Document, ...] = ()

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The statements of all documents."""
        return tuple(statement for document in self.documents for statement in document.statements)


def load(catalogue: Catalogue, folder: Path = REQUIREMENTS, clients: Path = CLIENTS) -> Notes:
    """The notes in FOLDER, none where it has no such file; IpckError with all faults when there are any."""
    path = folder / NOTES_FILE
    if not path.exists() and not path.is_symlink():
        return Notes()
    document = tomlfile.read(path)
    if faults := _check_form(document):
        raise IpckError(*faults)
    files = [row["file"] for row in document.data["document"]]
    programs = {source.stem for source in clients.glob("*.c")}
    faults = _check_unique(document, "document", "file") + _check_unique(document, "statement", "id")
    for index, row in enumerate(document.data["statement"]):
        faults += _check_statement(document, index, row, files, catalogue, programs)
    if faults:
        raise IpckError(*faults)
    return _notes(document)


def unknown_tests(notes: Notes, tests: Iterable[str]) -> list[str]:
    """A message for each test of the notes that is none of TESTS, which are ids with or without the route."""
    known = {name for test in tests for name in (test, without_variant(test))}
    return [
        f"{statement.id} names the unknown test {pattern!r}"
        for statement in notes.statements
        for pattern in statement.tests
        if not fnmatch.filter(known, pattern)
    ]


def _notes(document: tomlfile.Document) -> Notes:
    statements: dict[str, list[Statement]] = {}
    for row in document.data["statement"]:
        lists = {key: tuple(row.get(key, ())) for key in _LISTS}
        statements.setdefault(row["document"], []).append(Statement(**{**row, **lists}))
    rows = document.data["document"]
    return Notes(tuple(Document(**row, statements=tuple(statements.get(row["file"], ()))) for row in rows))


def _check_form(document: tomlfile.Document) -> list[str]:
    """Each key by itself."""
    faults = tomlfile.check(document, document.data, _TOP, frozenset())
    for table, schema, optional in (("document", _DOCUMENT, frozenset[str]()), ("statement", _STATEMENT, _OPTIONAL)):
        rows = document.data.get(table)
        if not faults and isinstance(rows, list):
            for index, row in enumerate(rows):
                faults += tomlfile.check(document, row, schema, optional, table, index)
    return faults


def _check_unique(document: tomlfile.Document, table: str, key: str) -> list[str]:
    first: dict[str, int] = {}
    faults = []
    for index, row in enumerate(document.data[table]):
        earlier = first.setdefault(row[key], index)
        if earlier != index:
            line = document.line(table, earlier, key)
            faults.append(document.message(f"is taken already in line {line}", table, index, key, row[key]))
    return faults


def _check_statement(
    document: tomlfile.Document,
    index: int,
    row: Mapping[str, Any],
    files: Collection[str],
    catalogue: Catalogue,
    programs: Collection[str],
) -> list[str]:
    """What the keys of a statement mean together, and whether all that they name is there."""
    faults = []
    if row["document"] not in files:
        faults.append(("document", f"{row['document']!r} is no [[document]] of this file"))
    if row["truth"] != "true" and "why" not in row:
        faults.append(("why", f"is missing: say why the statement is {row['truth']}"))
    evidence = any(row.get(key) for key in _LISTS)
    if not evidence and "untestable" not in row:
        faults.append(("", f"has no evidence: give {', '.join(_LISTS)}, or the reason as untestable"))
    if evidence and "untestable" in row:
        faults.append(("untestable", "contradicts the evidence: remove one of the two"))
    faults += [
        ("requirements", f"{name!r} is not in the catalogue")
        for name in row.get("requirements", ())
        if name not in catalogue
    ]
    faults += [
        ("clients", f"{name!r} is no program of {shown(CLIENTS)}")
        for name in row.get("clients", ())
        if name not in programs
    ]
    return [document.message(problem, "statement", index, key, row["id"]) for key, problem in faults]


def _tables(name: str) -> tomlfile.Check:
    def said(value: object) -> str:
        is_tables = isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)
        return "" if is_tables else f"must be one or more [[{name}]] tables"

    return said


def _names(value: object) -> str:
    if not isinstance(value, list) or not value or not all(isinstance(name, str) and name.strip() for name in value):
        return "must be a list of non-empty strings, and is left out where there is none"
    return "" if len(set(value)) == len(value) else "names one thing twice"


_LISTS = ("requirements", "tests", "clients")
_TOP: dict[str, tomlfile.Check] = {"document": _tables("document"), "statement": _tables("statement")}
_DOCUMENT: dict[str, tomlfile.Check] = {"file": tomlfile.text, "title": tomlfile.text, "language": tomlfile.text}
_OPTIONAL = frozenset({"why", "untestable", *_LISTS})
_STATEMENT: dict[str, tomlfile.Check] = {
    "id": tomlfile.text,
    "document": tomlfile.text,
    "statement": tomlfile.text,
    "truth": tomlfile.one_of(TRUTHS),
    "why": tomlfile.text,
    "requirements": _names,
    "tests": _names,
    "clients": _names,
    "untestable": tomlfile.text,
}
