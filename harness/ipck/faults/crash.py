"""What processes leave that die in the middle of a call: build/glibc/crash-tests, judged requirement by requirement."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..errors import IpckError
from ..tree import shown

NAME = "crash"
_PROGRAM = Path("glibc") / "crash-tests"
_FIELDS = ("where", "row", "expression", "wanted", "got", "reason")


def run(build: Path, time_scale: float = 1.0) -> list[dict[str, Any]]:
    """A row for each test and requirement, the key "crash" of faults.json; IpckError where the program cannot say."""
    program = build.absolute() / _PROGRAM
    if not program.exists():
        raise IpckError(f"{shown(program)} does not exist: run make {shown(program)}")
    argv = (program, "--json", "-", "--time-scale", str(time_scale))
    try:
        ended = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError as error:
        raise IpckError(f"{shown(program)}: cannot be run: {error.strerror}") from None
    try:
        lines = [json.loads(line) for line in ended.stdout.splitlines()]
    except ValueError as error:
        raise IpckError(f"{shown(program)}: prints no results: {error}") from None
    if not lines or lines[-1].get("type") != "end":
        said = ended.stderr.strip() or f"exit status {ended.returncode}"
        raise IpckError(f"{shown(program)}: did not come to its end: {said}")
    return [row for line in lines if line["type"] == "test" for row in _rows(line)]


def bad(rows: Iterable[dict[str, Any]]) -> list[str]:
    """A paragraph for each row that is neither passed nor skipped."""
    return [_said(row) for row in rows if row["outcome"] not in ("pass", "skip")]


def summary(rows: Sequence[dict[str, Any]]) -> str:
    """All rows in one line."""
    tests = {row["test"] for row in rows}
    counts = Counter(row["outcome"] for row in rows)
    said = ", ".join(f"{count} {word}" for word, count in counts.items())
    return f"{NAME}: {len(tests)} tests, {len({row['requirement'] for row in rows})} requirements: {said}"


def _rows(line: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for verdict in line["requirements"]:
        yield {
            "test": line["test"],
            "file": line["file"],
            "line": line["line"],
            "requirement": verdict["id"],
            "outcome": {"unresolved": "error", "missing": "error"}.get(verdict["verdict"], verdict["verdict"]),
            **{name: verdict.get(name, "") for name in _FIELDS},
        }


def _said(row: dict[str, Any]) -> str:
    parts = [f"    {name}: {row[name]}" for name in _FIELDS if row[name]]
    return "\n".join([f"{row['outcome'].upper()} {row['test']}: {row['requirement']}", *parts])
