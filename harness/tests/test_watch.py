"""The runner's --watch-kernel: what a kernel finds wrong with itself fails the test that was running.

The tests in harness/tests/bad/kernel.c write into files what a kernel would say.
"""

import json
import os
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipck import stream
from ipck.results import TestResult
from ipck.targets import choose
from ipck.tree import BUILD

PREFIX = "harness.tests.bad.kernel."
PROGRAM = BUILD / "glibc/bad-tests"
ROW = "kernel.no-report"
ZERO = "semop.ret.zero"


class Kernel:
    """The files of a kernel, and tests that run on it."""

    def __init__(self, root: Path) -> None:
        self.log, self.leaks = root / "kmsg", root / "kmemleak"
        self.log.write_text("4,1,1,-;WARNING: from before the first test\n")
        self.leaks.write_text("")
        self.address = root / "loser"

    def run(self, *arguments: str, watch: str = "") -> "subprocess.CompletedProcess[str]":
        """Run tests; WATCH is the option's argument."""
        command = [str(PROGRAM), "--json", "-", "--watch-kernel", watch or str(self.log), *arguments]
        more = {"LOG": str(self.log), "LEAKS": str(self.leaks), "LOSER": str(self.address)}
        return subprocess.run(
            command, env=os.environ | more, capture_output=True, text=True, timeout=60, check=False
        )

    def results(self, *names: str, watch: str = "", jobs: str = "4") -> dict[str, dict[str, Any]]:
        """The records of tests by short name, in their order."""
        done = self.run("--jobs", jobs, *(PREFIX + name for name in names), watch=watch)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.stderr == "" and lines[-1] == lines[-1] | {"type": "end", "tests": len(names)}
        return {line["test"].removeprefix(PREFIX): line for line in lines if line["type"] == "test"}

    def listen(self, listener: socket.socket) -> None:
        """Write, of each process that connects, that it lost memory."""
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # shut down
            with connection, self.leaks.open("a") as out:
                pid, *_ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
                out.write(f'unreferenced object 0x{pid:x} (size 64):\n  comm "x", pid {pid}, jiffies 1\n')


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(kernel.address))
        listener.listen()
        thread = threading.Thread(target=kernel.listen, args=(listener,))
        thread.start()
        yield kernel
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def said(record: dict[str, Any]) -> dict[str, str]:
    """The verdicts of a test."""
    return {row["id"]: row["verdict"] for row in record["requirements"]}


def test_report_fails_the_test_that_was_running(kernel: Kernel) -> None:
    results = kernel.results("quiet", "warned")
    assert (results["quiet"]["status"], said(results["quiet"])) == ("pass", {ZERO: "pass", ROW: "pass"})
    assert (results["warned"]["status"], said(results["warned"])) == ("fail", {ZERO: "pass", ROW: "fail"})
    row = results["warned"]["requirements"][-1]
    assert row["got"] == "WARNING: CPU: 0 PID: 5 at ipc/sem.c:77 do_semtimedop+0x1/0x2" and row["wanted"] == "nothing"
    assert row["where"].startswith("harness/tests/bad/kernel.c:")
    assert results["warned"]["output"] == (
        "the kernel's report:\nan older line\n------------[ cut here ]------------\n"
        "WARNING: CPU: 0 PID: 5 at ipc/sem.c:77 do_semtimedop+0x1/0x2\n\nCall Trace:\n\n"
    )


def test_report_stands_beside_what_the_test_found(kernel: Kernel) -> None:
    results = kernel.results("warned_and_wrong", "warned_and_skipped")
    wrong, skipped = results["warned_and_wrong"], results["warned_and_skipped"]
    assert (wrong["status"], said(wrong)) == ("fail", {ZERO: "fail", ROW: "fail"})
    assert (skipped["status"], said(skipped)) == ("fail", {ZERO: "skip", ROW: "fail"})
    assert skipped["requirements"][-1]["got"].startswith("UBSAN: ")


def test_verdict_is_one_as_all_others(kernel: Kernel) -> None:
    done = kernel.run(PREFIX + "warned")
    line = next(line for line in done.stdout.splitlines() if '"type":"test"' in line)
    record, complaints = stream.read(line.encode(), "t")
    assert isinstance(record, TestResult) and not complaints
    assert [(one.requirement, one.outcome) for one in record.verdicts] == [(ZERO, "pass"), (ROW, "fail")]
    assert done.returncode == 1


def test_ktap_holds_the_report(kernel: Kernel) -> None:
    ktap = kernel.run("--ktap", "-", "--json", "/dev/null", PREFIX + "warned").stdout
    assert f"  not ok 2 {ROW} # harness/tests/bad/kernel.c:" in ktap and "  # the kernel's report:" in ktap
    assert "  # WARNING: CPU: 0 PID: 5 at ipc/sem.c:77" in ktap


def test_listed_tests_declare_the_row(kernel: Kernel) -> None:
    listed = kernel.run("--list", PREFIX + "quiet").stdout
    assert listed.endswith(f"\t{ZERO},{ROW}\n")
    assert ROW not in subprocess.run([PROGRAM, "--list"], capture_output=True, text=True, check=True).stdout


def test_log_that_is_not_there(kernel: Kernel) -> None:
    done = kernel.run(PREFIX + "quiet", watch="/nowhere")
    assert (done.returncode, done.stderr) == (2, "bad-tests: --watch-kernel: /nowhere: No such file or directory\n")


def test_leaks_are_those_of_the_test_whose_process_allocated_the_memory(kernel: Kernel) -> None:
    names = ("quiet", "lost_memory", "lost_by_nobody")
    results = kernel.results(*names, watch=f"{kernel.log},{kernel.leaks}")
    assert tuple(results) == names and [one["status"] for one in results.values()] == ["pass", "fail", "fail"]
    assert results["lost_memory"]["requirements"][-1]["got"].startswith("kmemleak: unreferenced object 0x")
    assert results["lost_memory"]["output"].count("unreferenced object") == 1
    assert "allocated by no process of a test, and lost in one of the last 3 tests, from " in (
        results["lost_by_nobody"]["output"]
    )


def test_one_job_tells_each_result_at_once_and_finds_no_leaks(kernel: Kernel) -> None:
    results = kernel.results("lost_memory", watch=f"{kernel.log},{kernel.leaks}", jobs="1")
    assert results["lost_memory"]["status"] == "pass" and kernel.leaks.read_text().startswith("unreferenced")


# The targets that are watched


def test_kernel_of_a_path_is_watched_when_that_is_said() -> None:
    (choice,) = choose(["kernel:bzImage,watch,append=a,b c"])
    assert choice.target.options()[0] == "--watch-kernel"
    words = choice.target.argv()
    assert words[words.index("-append") + 1].endswith(" kasan_multi_shot a,b c")
    (choice,) = choose(["kernel:bzImage"])
    assert choice.target.options() == () and "kasan_multi_shot" not in " ".join(choice.target.argv())


@pytest.mark.parametrize(("option", "watched"), [("CONFIG_KASAN", True), ("CONFIG_UBSAN_TRAP", False)])
def test_kernel_of_user_mode_is_watched_when_it_has_checkers(option: str, watched: bool, tmp_path: Path) -> None:
    binary = tmp_path / "linux"
    binary.write_text(f"#!/bin/sh\necho\necho CONFIG_UML=y\necho {option}=y\n")
    binary.chmod(0o755)
    (choice,) = choose([f"uml:{binary},append=time-travel=inf-cpu quiet"])
    assert bool(choice.target.options()) == watched
    assert choice.target.argv()[-2:] == ("time-travel=inf-cpu", "quiet")
    assert ("kasan_multi_shot" in choice.target.argv()) == watched
