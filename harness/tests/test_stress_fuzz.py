"""The sequential fuzz: its choices follow from the seed, a broken implementation is found, and what it did is shrunk to
a test in C that compiles and tells the broken implementation from the right one."""

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ipck import baseline, catalogue
from ipck.tree import BUILD, REQUIREMENTS, ROOT

STRESS = BUILD / "glibc" / "ipck-stress"
MUTANTS = BUILD / "glibc" / "ipck-mutants.so"
FAMILIES = ("sem", "msg", "shm", "posix_sem", "mq")

# One of each family, and what it violates.
BROKEN = {
    "sem": ("semctl_setval_eperm", "semctl.setval.eacces"),
    "msg": ("msgrcv_negative_takes_the_first_in_reach", "msgrcv.sel.negative-lowest"),
    "shm": ("shmat_einval_is_enoent", "shmat.einval.badid"),
    "posix_sem": ("sem_trywait_eagain_as_ebusy", "sem_trywait.eagain"),
    "mq": ("mq_send_equals_reversed", "mq_receive.oldest-highest"),
}


@cache
def waivers() -> tuple[str, ...]:
    """Options for what this machine is known not to meet."""
    listed = baseline.load("host-glibc", catalogue.load(REQUIREMENTS), None).deviations
    return tuple(option for _, requirement in listed for option in ("--waive", requirement))


def fuzz(*arguments: str, more: Mapping[str, str] | None = None, status: int = 0) -> list[dict[str, Any]]:
    """The records of a run of ipck-stress."""
    if not STRESS.exists():
        pytest.skip("make build/glibc/ipck-stress")
    environment = {**os.environ, **(more or {})}
    program: list[str | Path] = [STRESS, *waivers(), *arguments]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def one(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The results of the one workload."""
    (found,) = (record for record in records if record["type"] == "workload")
    return found


def breaks(mutant: str) -> dict[str, str]:
    """What makes a run one of the broken implementation."""
    return {"LD_PRELOAD": str(MUTANTS), "IPCK_MUTANT": mutant}


def calls(family: str, seed: int) -> list[dict[str, Any]]:
    """The calls of a short run and their results."""
    records = fuzz(f"fuzz.{family}", f"--seed={seed}", "--operations=2000", "--trace")
    return [record for record in records if record["type"] == "operation"]


@pytest.mark.parametrize("family", FAMILIES)
def test_seed_decides_all_calls_and_their_results(family: str) -> None:
    first = calls(family, 5)
    assert len(first) >= 1500
    assert first == calls(family, 5)
    assert first != calls(family, 6)


@pytest.mark.parametrize("family", FAMILIES)
def test_this_machine_is_as_the_model_says(family: str) -> None:
    found = one(fuzz(f"fuzz.{family}", "--seed=7", "--operations=20000"))
    assert found["violations"] == [] and "error" not in found
    assert found["operations"] >= 20000
    assert set(found["measured"]) == {"checked_per_second", "unchecked_per_second", "speed_beside_unchecked"}


def program(folder: Path, details: str) -> Path:
    """What stands in DETAILS as a program of tests."""
    source = folder / "found.c"
    source.write_text(details)
    makefile = (ROOT / "Makefile").read_text()
    found = re.search(r"^warnings := (.*)$", makefile, re.MULTILINE)
    assert found
    subprocess.run(
        ["gcc", "-std=gnu11", "-D_GNU_SOURCE", *found[1].split(), "-I", ROOT / "conformance" / "include", "-I", BUILD,
         "-I", BUILD / "glibc", "-pthread", "-o", folder / "found", source, BUILD / "glibc" / "libipck.a", "-lrt"],
        check=True,
    )  # fmt: skip
    return folder / "found"


def verdicts(tests: Path, requirement: str, more: Mapping[str, str] | None = None) -> set[str]:
    """What the tests of the program say of the requirement."""
    environment = {**os.environ, **(more or {})}
    options = ("--json", "-", "--deadline", "3")
    done = subprocess.run([tests, *options], env=environment, capture_output=True, text=True, check=False)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    return {
        verdict["verdict"]
        for record in records
        if record["type"] == "test"
        for verdict in record["requirements"]
        if verdict["id"] == requirement
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_broken_implementation_is_found_and_shrunk_to_a_test(family: str, tmp_path: Path) -> None:
    mutant, requirement = BROKEN[family]
    found = one(fuzz(f"fuzz.{family}", "--seed=1", "--operations=20000", more=breaks(mutant), status=1))
    violations = {violation["requirement"]: violation for violation in found["violations"]}
    assert requirement in violations, sorted(violations)
    details = violations[requirement]["details"]
    assert details.count("\n * ") <= 12, details
    tests = program(tmp_path, details)
    assert "fail" in verdicts(tests, requirement, breaks(mutant))
    assert verdicts(tests, requirement) == {"pass"}


def test_call_that_waits_is_found(tmp_path: Path) -> None:
    found = one(fuzz("fuzz.sem", "--operations=1", more=breaks("semop_nowait_ignored"), status=1))
    (violation,) = found["violations"]
    assert violation["requirement"].startswith("semop.eagain.") and "waiting" in violation["text"]
    assert program(tmp_path, violation["details"]).exists()


def test_waived_requirement_is_no_violation() -> None:
    mutant, requirement = BROKEN["posix_sem"]
    found = one(fuzz("fuzz.posix_sem", "--operations=5000", "--waive", requirement, more=breaks(mutant)))
    assert found["violations"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fuzz.nothing",), "no workload is named 'fuzz.nothing'"),
        (("fuzz.sem", "--waive", "semop.nothing"), "the catalogue has no requirement 'semop.nothing'"),
        (("fuzz.sem", "--seed", "x"), "--seed: 'x' is not a whole number"),
        (("fuzz.sem", "--seconds", "0"), "--seconds: '0' is not a number above 0"),
        ((), "usage: "),
    ],
)
def test_bad_arguments_are_told(arguments: tuple[str, ...], message: str) -> None:
    done = subprocess.run([STRESS, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and message in done.stderr
