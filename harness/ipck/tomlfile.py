"""TOML files with messages that name file, line and key: tomllib parses, this module finds the lines."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import IpckError
from .tree import shown

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""|' r"'''.*?'''|" r'"(?:\\.|[^"\\\n])*"|' r"'[^'\n]*'|#[^\n]*|[\[\]{}]|\n", re.DOTALL
)
_HEADER = re.compile(r"[ \t]*\[\[?[ \t]*([\w.-]+)[ \t]*\]\]?")
_KEY = re.compile(r"""[ \t]*["']?([\w-]+)["']?[ \t]*=""")
_AT_LINE = re.compile(r"^(.*) \(at line (\d+), column \d+\)$", re.DOTALL)

Check = Callable[[object], str]


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file that still knows where its keys stand."""

    path: Path
    text: str
    data: dict[str, Any]

    def line(self, table: str = "", index: int = 0, key: str = "") -> int:
        """Line of KEY in the INDEX-th [[TABLE]] (its header when the key is absent; 1 at the top level)."""
        lines = _lines(self.text)
        return lines.get((table, index, key)) or lines.get((table, index, "")) or 1

    def message(self, problem: str, table: str = "", index: int = 0, key: str = "", name: str = "") -> str:
        """`FILE:LINE: TABLE NAME: key 'KEY': PROBLEM`, leaving out what does not apply."""
        parts = [f"{shown(self.path)}:{self.line(table, index, key)}"]
        if table:
            parts.append(f"{table} {name}".rstrip())
        if key:
            parts.append(f"key '{key}'")
        return ": ".join([*parts, problem])


def read(path: Path) -> Document:
    """The file at PATH; IpckError with file and line when it cannot be read or is not TOML."""
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise IpckError(f"{shown(path)}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise IpckError(f"{shown(path)}:{line}: is not UTF-8: save it as UTF-8") from None
    try:
        return Document(path, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.match(str(error))
        problem, line = (found[1], int(found[2])) if found else (str(error), text.count("\n") + 1)
        raise IpckError(f"{shown(path)}:{line}: {problem}") from None
    except RecursionError:
        raise IpckError(f"{shown(path)}:1: nested too deeply") from None


def check(
    document: Document,
    row: Mapping[str, object],
    schema: Mapping[str, Check],
    optional: frozenset[str],
    table: str = "",
    index: int = 0,
) -> list[str]:
    """Messages for each key of ROW that is missing, unknown, or refused by its check of SCHEMA."""
    name = row.get("id", "")
    label = name if isinstance(name, str) and name else f"number {index + 1}" if table else ""
    problems = [(key, "is missing") for key in schema if key not in row and key not in optional]
    problems += [(key, "is unknown; known: " + ", ".join(schema)) for key in row if key not in schema]
    problems += [(key, said) for key, value in row.items() if key in schema and (said := schema[key](value))]
    return [document.message(problem, table, index, key, label) for key, problem in problems]


def tables(path: Path, table: str, schema: Mapping[str, Check]) -> list[tuple[dict[str, Any], str]]:
    """The [[TABLE]]s of a file that holds nothing else, each with its file and line; IpckError where one is wrong."""
    document = read(path)
    rows = document.data.get(table, [])
    are_tables = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    said = "" if are_tables else f"must be [[{table}]] tables"
    faults = check(document, document.data, {table: lambda _: said}, frozenset({table}))
    for index, row in enumerate(rows if not faults else ()):
        faults += check(document, row, schema, frozenset(), table, index)
    if faults:
        raise IpckError(*faults)
    return [(row, f"{shown(path)}:{document.line(table, index)}") for index, row in enumerate(rows)]


def text(value: object) -> str:
    """Check: a string with something in it."""
    return "" if isinstance(value, str) and value.strip() else "must be a non-empty string"


def filled_in(what: str) -> Check:
    """Check: a string with something in it; WHAT says what people write there."""
    return lambda value: text(value) and f"is not filled in: {what}"


def flag(value: object) -> str:
    """Check: true or false."""
    return "" if isinstance(value, bool) else "must be true or false"


def one_of(words: tuple[str, ...]) -> Check:
    """Check: one of WORDS."""
    return lambda value: "" if value in words else f"is {value!r}, must be one of: {', '.join(words)}"


def list_of(words: tuple[str, ...]) -> Check:
    """Check: a list of some of WORDS, none twice."""

    def said(value: object) -> str:
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            return f"must be a list of strings out of: {', '.join(words)}"
        if bad := [word for word in value if word not in words]:
            return f"has {bad[0]!r}, must be out of: {', '.join(words)}"
        return "" if len(set(value)) == len(value) else "names one thing twice"

    return said


def _lines(source: str) -> dict[tuple[str, int, str], int]:
    """Line numbers by (table, index, key); the key '' stands for the table's header."""
    lines: dict[tuple[str, int, str], int] = {}
    table, index, seen = "", 0, {"": 0}
    position = number = 0
    while position < len(source):
        start = number = number + 1
        if header := _HEADER.match(source, position):
            table = header[1]
            index = seen[table] = seen.get(table, -1) + 1
            lines[table, index, ""] = start
        elif key := _KEY.match(source, position):
            lines.setdefault((table, index, key[1]), start)
        depth = 0
        for token in _TOKEN.finditer(source, position):
            if token[0] == "\n":
                if depth <= 0:
                    break
                number += 1
            elif token[0] in "[{":
                depth += 1
            elif token[0] in "]}":
                depth -= 1
            else:
                number += token[0].count("\n")
        else:
            break
        position = token.end()
    return lines
