"""The tests can fail: of each call three mutants are tried, of all that `make mutants` runs, and the tests turn red."""

import json
import os
import re
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

from ipck import catalogue, mutants
from ipck.tree import BUILD, REQUIREMENTS, ROOT

PROGRAM = BUILD / "glibc" / "ipck-tests"
CRASHES = BUILD / "glibc" / "crash-tests"
CALLS = re.findall(r"^(?:CALL|VARIADIC)\((\w+)", (ROOT / "fault/calls.def").read_text("utf-8"), re.MULTILINE)
MEANS = ("tools.", "notes.")  # to tests of programs the calls are but the means
NO_LIBRARY = (".raw", ".mux")


@cache
def table() -> tuple[mutants.Mutant, ...]:
    return mutants.load(catalogue.load(REQUIREMENTS), BUILD).mutants


@cache
def about_each(program: Path) -> dict[str, list[str]]:
    """The tests of each requirement, but for those that call the kernel directly or by programs."""
    lines = subprocess.run([program, "--list"], check=True, capture_output=True, text=True).stdout.splitlines()
    by: dict[str, list[str]] = {}
    for test, _, requirements in (line.split("\t") for line in lines):
        if not test.startswith(MEANS) and not test.endswith(NO_LIBRARY):
            for requirement in requirements.split(","):
                by.setdefault(requirement, []).append(test)
    return by


def start(mutant: str, requirements: Iterable[str], out: Path, program: Path = PROGRAM) -> "subprocess.Popen[str]":
    """Run the tests of REQUIREMENTS against MUTANT."""
    tests = {test for name in requirements for test in about_each(program).get(name, ())}
    # A broken call leaves many tests waiting: little patience, a deadline of a second.
    process = subprocess.Popen(
        [program, "--json", out, "--deadline", "10", "--time-scale", "0.1", "--jobs", "8", "--select", "-"],
        env=os.environ | {"LD_PRELOAD": str(mutants.preload()), "IPCK_MUTANT": mutant},
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdin
    process.stdin.write("".join(f"{test}\n" for test in sorted(tests)))
    process.stdin.close()
    return process


def failed(process: "subprocess.Popen[str]", out: Path) -> set[str]:
    """The requirements that a test found violated."""
    process.wait(timeout=300)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert lines[-1]["type"] == "end"
    rows = [row for line in lines if line["type"] == "test" for row in line["requirements"]]
    return {row["id"] for row in rows if row["verdict"] == "fail"}


@pytest.mark.parametrize("call", CALLS)
def test_broken_call_is_noticed(call: str, tmp_path: Path) -> None:
    every = [mutant for mutant in table() if mutant.call == call]
    tried = {mutant.name: mutant for mutant in (every[0], every[len(every) // 2], every[-1])}
    runs = {name: start(name, mutant.violates, tmp_path / name) for name, mutant in tried.items()}
    found = {name: failed(process, tmp_path / name) for name, process in runs.items()}
    assert not [name for name in tried if not found[name].intersection(tried[name].violates)]


@pytest.mark.parametrize(
    ("mutant", "requirement"),
    [
        ("semop_undo_at_normal_end_only", "exit.semadj-sigkill"),
        ("semctl_getpid_forgets_the_dead", "semctl.getpid.undo"),
        ("semctl_setval_wakes_nobody", "semop.wake.by-undo"),
        ("shmctl_stat_processes_exchanged", "exit.shm-dtime-lpid"),
        ("shmctl_einval_is_eidrm", "exit.rmid-shm-destroyed"),
        ("msgrcv_never_waits", "msgsnd.wake.matching-receiver"),
        ("msgctl_stat_bytes_include_types", "exit.blocked-msgsnd-kill"),
        ("sem_post_returns_waiters", "sem_open.exit.closed"),
        ("shm_open_enoent_as_einval", "shm_unlink.open-after-enoent"),
        ("mq_send_last_byte_lost", "mq_send.conserved"),
    ],
)
def test_broken_call_is_noticed_beside_the_dead(mutant: str, requirement: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert requirement in failed(start(mutant, [requirement], out, CRASHES), out)
