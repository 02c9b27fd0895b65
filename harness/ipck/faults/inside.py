"""`ipck fault-libc`: each system call inside a call of a C library fails in turn; the call is judged."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from .. import calls, tomlfile
from ..calls import Call
from ..errors import IpckError
from ..targets import Target, choose
from ..tree import BUILD, ROOT, shown

KNOWN = ROOT / "fault/inside/known.toml"
PROGRAM = "ipck-inside"
_SECONDS = 600
_KINDS = ("errno", "state", "crash", "hang")


@dataclass(frozen=True, slots=True)
class Row:
    """One fault inside one call of one library."""

    libc: str  # "glibc 2.36"
    target: str
    call: str  # "sem_open"
    probe: str  # "sem_open.create"
    syscall: str
    n: int  # which call of that system call, from 1
    fault: str  # what it failed with; empty: it does not fail
    lasts: bool  # so did all later calls of that system call
    outcome: str  # pass, fail, skip (it does not fail), error
    kind: str  # of a failure: errno, state, crash, hang
    got: str
    known: str  # the reference of the deviation that is listed; empty when it is new, or none


@dataclass(frozen=True, slots=True)
class Known:
    """A deviation that was looked at."""

    libc: str  # this is a shell pattern, the next three are several, apart by spaces
    probe: str
    syscall: str
    fault: str
    kind: str
    reason: str
    reference: str
    since: str

    def covers(self, row: Row) -> bool:
        """Whether the failure ROW is this one."""
        pairs = ((row.probe, self.probe), (row.syscall, self.syscall), (row.fault, self.fault))
        return (
            row.kind == self.kind
            and fnmatchcase(row.libc, self.libc)
            and all(any(fnmatchcase(value, word) for word in words.split()) for value, words in pairs)
        )


_SCHEMA: dict[str, tomlfile.Check] = {
    "libc": tomlfile.text,
    "probe": tomlfile.text,
    "syscall": tomlfile.text,
    "fault": tomlfile.text,
    "kind": tomlfile.one_of(_KINDS),
    "reason": tomlfile.filled_in("what the library does, and why"),
    "reference": tomlfile.filled_in("a line of its source, a manual page, a finding"),
    "since": tomlfile.filled_in("the first version that does it, or those that were seen to"),
}


def load_known(path: Path = KNOWN) -> dict[Known, str]:
    """The listed deviations, each with its file and line."""
    return {Known(**row): where for row, where in tomlfile.tables(path, "deviation", _SCHEMA)}


def torture(
    names: Sequence[str],
    probes: Sequence[str],
    say: Callable[[str], None],
    build: Path = BUILD,
    known: Path = KNOWN,
) -> tuple[int, tuple[Row, ...]]:
    """Judge the libraries of the targets NAMES; the exit status, and all rows."""
    table = {call.name: call for call in calls.load(build)}
    listed = load_known(known)
    rows: list[Row] = []
    gone: list[str] = []
    for choice in choose(names or ["host-glibc,host-glibc-static,host-musl,host-i386"]):
        began = time.monotonic()
        found = tuple(judge(_run(choice.target, probes, build), choice.target.name, table, tuple(listed)))
        rows += found
        if not probes:
            gone += missing(found, listed)
        for line in summary(found, time.monotonic() - began):
            say(line)
    for line in gone:
        say(line)
    if any(row.outcome == "error" for row in rows):
        return 2, tuple(rows)
    return int(bool(gone) or any(row.outcome == "fail" and not row.known for row in rows)), tuple(rows)


def missing(rows: Sequence[Row], listed: dict[Known, str]) -> list[str]:
    """A message for each listed deviation of the library of ROWS that is gone."""
    libc = rows[0].libc
    return [
        f"FIXED {libc}: {where}: {one.probe} no longer does it: remove the entry"
        for one, where in listed.items()
        if fnmatchcase(libc, one.libc) and not any(row.known and one.covers(row) for row in rows)
    ]


def judge(
    lines: Iterable[dict[str, object]], target: str, table: dict[str, Call], listed: Sequence[Known]
) -> Iterator[Row]:
    """A row for each line of the program."""
    libc = ""
    for line in lines:
        if "libc" in line:
            libc = str(line["libc"])
            continue
        call = str(line["probe"]).partition(".")[0]
        row = Row(
            libc, target, call, str(line["probe"]), str(line["syscall"]), int(str(line["n"])), str(line["fault"]),
            bool(line["lasts"]), *_verdict(line, table[call]), "",
        )  # fmt: skip
        reference = next((one.reference for one in listed if row.outcome == "fail" and one.covers(row)), "")
        yield replace(row, known=reference)


def _verdict(line: dict[str, object], call: Call) -> tuple[str, str, str]:
    """Outcome, kind and what was seen."""
    outcome, error, problem = str(line["outcome"]), str(line["error"]), str(line["problem"])
    left = line["left"]
    assert isinstance(left, list)
    got = f"{outcome} {error}".rstrip()
    if outcome == "unknown" or not line["syscall"]:
        return "error", "", f"{got}: {problem}"
    if not line["fault"]:
        return "skip", "", problem
    if outcome in ("crashed", "hung"):
        return "fail", "crash" if outcome == "crashed" else "hang", got
    if problem or left:
        return "fail", "state", "; ".join(filter(None, (got, ", ".join(left), problem)))
    if outcome == "failed" and line["fault"] == "short" and error != "ENOSPC":
        return "fail", "errno", f"{got}, which is left from before: a short write sets none"
    if outcome == "failed" and error not in call.errors:
        return "fail", "errno", f"{got}, which {call.name}() may not report"
    return "pass", "", got


def summary(rows: Sequence[Row], seconds: float) -> list[str]:
    """New failures in full, and the counts."""
    lines = [
        f"{'FAIL' if row.outcome == 'fail' else 'ERROR'} {row.libc} ({row.target}): {row.probe}:"
        f" {row.syscall} {row.n}{'+' * row.lasts} {row.fault}: {row.got}"
        for row in rows
        if row.outcome == "error" or (row.outcome == "fail" and not row.known)
    ]  # fmt: skip
    count = {kind: sum(row.outcome == kind for row in rows) for kind in ("pass", "fail", "skip", "error")}
    known = sum(bool(row.known) for row in rows)
    probes = len({row.probe for row in rows})
    lines.append(
        f"{rows[0].libc} ({rows[0].target}): {probes} calls, {count['pass'] + count['fail']} faults:"
        f" {count['pass']} passed, {count['fail'] - known} failed, {known} known, {count['error']} errors;"
        f" {seconds:.1f} s"
    )
    return lines


def apart() -> tuple[str, ...]:
    """What the program is started by: it needs IPC and mount namespaces of its own."""
    return ("unshare", "--ipc", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",)))


def _run(target: Target, probes: Sequence[str], build: Path) -> list[dict[str, object]]:
    """What the program of TARGET's library says."""
    if target.kind not in ("host", "libcs") or target.prefix:
        raise IpckError(f"{target.name}: is no C library on this kernel: ipck targets shows those")
    program = build.absolute() / target.flavour / PROGRAM
    _make(target, program, build)
    before = apart()
    try:
        done = subprocess.run(
            (*before, str(program), *probes),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise IpckError(f"{shown(program)} does not end") from None
    except OSError as error:
        raise IpckError(f"{before[0]}: cannot be executed: {error.strerror}") from None
    if done.returncode != 0:
        raise IpckError(*(done.stderr.splitlines() or [f"{shown(program)}: ended with {done.returncode}"]))
    try:
        lines = [json.loads(line) for line in done.stdout.splitlines()]
    except ValueError as error:
        raise IpckError(f"{shown(program)}: prints what is no JSON: {error}") from None
    if len(lines) < 2:
        raise IpckError(f"{shown(program)}: prints no results")
    return lines


def _make(target: Target, program: Path, build: Path) -> None:
    if build.absolute() != BUILD or not (ROOT / "Makefile").exists():
        if not program.exists():
            raise IpckError(f"{target.name}: {shown(program)} is built in the source tree of ipck: run it there")
        return
    folder = getattr(target, "folder", None)
    command = ["make", "--no-print-directory", "-s", shown(program), *([f"LIBC={folder}"] if folder else [])]
    try:
        if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode:
            raise IpckError(f"{target.name}: {' '.join(command)} says why it cannot be built")
    except OSError as error:
        raise IpckError(f"make: cannot be executed: {error.strerror}") from None
