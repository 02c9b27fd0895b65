"""Stub test programs, and a small world for them: a catalogue, baselines, a build folder."""

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jinja2  # noqa: F401  # loaded here for all forks of the process
import xdist.scheduler  # noqa: F401

from ipck import cli, front, report  # noqa: F401
from ipck.catalogue import Catalogue, Interface, Requirement
from ipck.targets import Test

HARNESS = Path(__file__).resolve().parents[1]

ROWS = ("semop.adds", "semop.eidrm", "semop.eintr", "semget.new")
CATALOGUE = Catalogue(
    (
        Interface(
            "semget",
            "semget()",
            (Requirement("semget.new", "semget", "state", "posix-shall", "Makes a set", "XSH"),),
            "System V semaphores",
        ),
        Interface(
            "semop",
            "semop()",
            tuple(Requirement(row, "semop", "errno", "linux", f"Statement of {row}", "ipc/sem.c") for row in ROWS[:3]),
            "System V semaphores",
        ),
    )
)

ADDS = Test("sysv.sem.semop.adds.libc", "conformance/sysv/sem/semop.c", 5, ("semop.adds",))
ADDS_RAW = Test("sysv.sem.semop.adds.raw", "conformance/sysv/sem/semop.c", 5, ("semop.adds",))
WAITS = Test("sysv.sem.semop.waits", "conformance/sysv/sem/semop.c", 9, ("semop.eidrm", "semop.eintr"))
MAKES = Test("sysv.sem.semget.makes", "conformance/sysv/sem/semget.c", 3, ("semget.new",))
TESTS = (ADDS, ADDS_RAW, WAITS, MAKES)


def short(value: object) -> str:
    """A parameter's name in the id of a test."""
    return ascii(value)[:40]


def wait_for(condition: object, seconds: float = 20) -> None:
    """Until CONDITION() is true."""
    until = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.01)


def run_line(**more: Any) -> str:
    """The program's first line."""
    return json.dumps({"type": "run", "schema": 1, "program": "stub", "libc": "stub 1", "deadline": 0.1, **more})


def start(test: Test) -> str:
    """The line of a test that begins."""
    return json.dumps({"type": "start", "test": test.id})


def result(test: Test, verdict: str = "pass", status: str = "", **more: Any) -> str:
    """The line of a test that ends with the same verdict about each of its requirements."""
    rows = [{"id": name, "verdict": verdict, "checks": 1} for name in test.requirements]
    status = status or {"unresolved": "error", "missing": "error"}.get(verdict, verdict)
    line = {"type": "test", "test": test.id, "file": test.file, "line": test.line, "status": status, "seconds": 0.001}
    return json.dumps(line | {"requirements": rows} | more)


def end(tests: int) -> str:
    """The program's last line."""
    return json.dumps({"type": "end", "tests": tests, "seconds": 0.01})


def whole(tests: Iterable[Test] = TESTS) -> list[str]:
    """The lines of a run in which everything passes."""
    tests = list(tests)
    lines = [line for test in tests for line in (start(test), result(test))]
    return [run_line(), *lines, end(len(tests))]


class World:
    """Folders under ROOT that a whole run works on."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.requirements, self.baselines, self.build, self.out = (
            root / name for name in ("requirements", "baselines", "build", "out")
        )
        self.requirements.mkdir()
        self.baselines.mkdir()
        for interface in CATALOGUE.interfaces:
            rows = "".join(
                f'\n[[requirement]]\nid = "{row.id}"\nkind = "{row.kind}"\nlevel = "{row.level}"\n'
                f'statement = "{row.statement}"\nsource = "{row.source}"\nneeds = []\n'
                for row in interface.requirements
            )
            text = f'interface = "{interface.name}"\ntitle = "{interface.title}"\narea = "{interface.area}"\n{rows}'
            (self.requirements / f"{interface.name}.toml").write_text(text)

    def program(
        self, lines: Iterable[str | bytes] = (), shell: str = "", tests: Iterable[Test] = TESTS, flavour: str = "glibc"
    ) -> Path:
        """A program that lists TESTS, and prints LINES and runs SHELL when it should run them.

        With `$lines` SHELL stands for the file with the lines, which then are not printed before.
        """
        folder = self.build / flavour
        folder.mkdir(parents=True, exist_ok=True)
        listed = "".join(f"{test.id}\t{test.file}:{test.line}\t{','.join(test.requirements)}\n" for test in tests)
        (folder / "list").write_text(listed)
        pieces = [line if isinstance(line, bytes) else line.encode() for line in lines]
        (folder / "lines").write_bytes(b"".join(piece + b"\n" for piece in pieces))
        body = shell if "$lines" in shell else f'cat "$lines"\n{shell}'
        path = folder / "ipck-tests"
        path.write_text(
            f"#!/bin/sh\nhere='{folder}'\nlines=\"$here/lines\"\n"
            f'[ "$1" = --list ] && exec cat "$here/list"\n{body}\n'
        )
        path.chmod(0o755)
        return path

    def baseline(self, text: str, name: str = "host-glibc") -> Path:
        """A baseline file."""
        path = self.baselines / f"{name}.toml"
        path.write_text(text)
        return path

    @property
    def folders(self) -> list[str]:
        """Options that make a command work on this world."""
        return [f"--{name}={self.root / name}" for name in ("requirements", "baselines", "build")]

    def command(self, *arguments: str) -> list[str]:
        """The command line of `ipck ARGUMENTS` in this world."""
        name, *rest = arguments
        out = [f"--out={self.out}"] if name in ("run", "gate") else []
        return [sys.executable, "-m", "ipck", name, *self.folders, *out, *rest]

    def environment(self) -> dict[str, str]:
        """What a command needs to find the harness."""
        return os.environ | {"PYTHONPATH": str(HARNESS), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "100"}

    def ipck(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run `ipck ARGUMENTS`, in a fork of this process: it has loaded all modules, which takes most of the time."""
        command = self.command(*arguments)
        output, errors = self.root / "stdout", self.root / "stderr"
        child = os.fork()
        if not child:
            signal.alarm(60)
            for number, path in ((1, output), (2, errors)):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
            sys.stdout, sys.stderr = open(1, "w", encoding="utf-8"), open(2, "w", encoding="utf-8")
            sys.modules.pop("conftest", None)  # the suite has its own
            sys.argv = [str(HARNESS / "ipck/__main__.py"), *command[3:]]
            os.environ.update(self.environment())
            status = 70
            try:
                status = cli.main(command[3:])
            except SystemExit as end:
                status = int(end.code or 0)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        _, status = os.waitpid(child, 0)
        return subprocess.CompletedProcess(
            command, os.waitstatus_to_exitcode(status), output.read_text(), errors.read_text()
        )

    def lines(self, kind: str = "") -> list[dict[str, Any]]:
        """The lines of results.jsonl, or those of one type."""
        lines = [json.loads(line) for line in (self.out / "results.jsonl").read_text().splitlines()]
        return [line for line in lines if not kind or line["type"] == kind]

    def outcomes(self) -> dict[str, str]:
        """The outcome of each test in results.jsonl."""
        return {line["test"]: line["outcome"] for line in self.lines("test")}
