"""The tests can fail: of each call three mutants are tried, of all that `make mutants` runs, and the tests turn red."""

import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from ipck import catalogue, mutants
from ipck.tree import BUILD, REQUIREMENTS, ROOT

PROGRAM = BUILD / "glibc" / "ipck-tests"
CALLS = re.findall(r"^(?:CALL|VARIADIC)\((\w+)", (ROOT / "fault/calls.def").read_text("utf-8"), re.MULTILINE)
MEANS = ("tools.", "notes.")  # to tests of programs the calls are but the means
NO_LIBRARY = (".raw", ".mux")


@cache
def table() -> tuple[mutants.Mutant, ...]:
    return mutants.load(catalogue.load(REQUIREMENTS), BUILD).mutants


@cache
def about_each() -> dict[str, list[str]]:
    """The tests of each requirement, but for those that call the kernel directly or by programs."""
    lines = subprocess.run([PROGRAM, "--list"], check=True, capture_output=True, text=True).stdout.splitlines()
    by: dict[str, list[str]] = {}
    for test, _, requirements in (line.split("\t") for line in lines):
        if not test.startswith(MEANS) and not test.endswith(NO_LIBRARY):
            for requirement in requirements.split(","):
                by.setdefault(requirement, []).append(test)
    return by


def start(mutant: mutants.Mutant, out: Path) -> "subprocess.Popen[str]":
    """Run the tests of what MUTANT violates."""
    tests = {test for name in mutant.violates for test in about_each().get(name, ())}
    # A broken call leaves many tests waiting: little patience, a deadline of a second.
    process = subprocess.Popen(
        [PROGRAM, "--json", out, "--deadline", "10", "--time-scale", "0.1", "--jobs", "8", "--select", "-"],
        env=os.environ | {"LD_PRELOAD": str(mutants.preload()), "IPCK_MUTANT": mutant.name},
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
    runs = {name: start(mutant, tmp_path / name) for name, mutant in tried.items()}
    found = {name: failed(process, tmp_path / name) for name, process in runs.items()}
    assert not [name for name in tried if not found[name].intersection(tried[name].violates)]
