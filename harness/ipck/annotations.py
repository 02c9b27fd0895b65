"""What is red, as GitHub and GitLab show it beside the lines of a change.

github.txt holds workflow commands, which count when a job prints them; gl-code-quality-report.json is GitLab's
`artifacts: reports: codequality`.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from . import text
from .results import NO_RESULT, RED, Outcome, RunResults, TestResult, Verdict

_SEVERITY = {"fail": "major", "error": "minor", "fixed": "minor"}
_ORDER: tuple[Outcome, ...] = ("fail", "fixed", "error")


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that is red."""

    outcome: Outcome
    file: str
    line: int
    target: str
    title: str
    message: str


def notes(run: RunResults) -> list[Note]:
    """Everything that is red, the worst first."""
    found = [note for target in run.targets for test in target.tests for note in _of_test(test)]
    found += [
        Note("error", "", 0, fault.target, f"{fault.target}: the run", text.first_line(fault.message))
        for target in run.targets
        for fault in target.faults
    ]
    return sorted(found, key=lambda note: _ORDER.index(note.outcome))


def github(run: RunResults) -> str:
    """A workflow command for each."""
    lines = []
    for note in notes(run):
        properties = {"file": note.file, "line": str(note.line or ""), "title": note.title}
        said = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in properties.items() if value)
        lines.append(f"::error {said}::{_escaped(note.message)}\n")
    return "".join(lines)


def gitlab(run: RunResults) -> str:
    """GitLab's list; what has no place in the sources stands at the first line of results.jsonl."""
    rows = [
        {
            "description": f"{note.title}: {note.message}",
            "check_name": "ipck",
            "fingerprint": hashlib.sha256("\0".join((note.target, note.title, note.message)).encode()).hexdigest(),
            "severity": _SEVERITY[note.outcome],
            "location": {"path": note.file or "results.jsonl", "lines": {"begin": note.line or 1}},
        }
        for note in notes(run)
    ]
    return json.dumps(rows, indent=1) + "\n"


def _of_test(test: TestResult) -> Iterator[Note]:
    if test.outcome not in RED:
        return
    red = [verdict for verdict in test.verdicts if verdict.outcome in RED]
    if test.status in NO_RESULT or not red:
        title = f"{test.test} on {test.target}"
        yield Note(test.outcome, test.file, test.line, test.target, title, text.brief(test))
        return
    for verdict in red:
        file, line = _place(verdict, test)
        title = f"{verdict.requirement} on {test.target}"
        yield Note(verdict.outcome, file, line, test.target, title, f"{test.test}: {text.brief_verdict(verdict)}")


def _place(verdict: Verdict, test: TestResult) -> tuple[str, int]:
    file, _, line = verdict.where.rpartition(":")
    return (file, int(line)) if file and line.isascii() and line.isdigit() else (test.file, test.line)


def _escaped(value: str, more: str = "") -> str:
    for letter in "%\r\n" + more:
        value = value.replace(letter, f"%{ord(letter):02X}")
    return value
