"""`ipck interleave`: the gates on programs with races on purpose, on mutants, on the scenarios; and stub programs."""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from ipck import interleaving
from stubs import HARNESS, World

TREE = HARNESS.parent
BUILD = TREE / "build"
PROGRAM = BUILD / "glibc/ipck-interleave"
GATES = BUILD / "glibc/ipck-gates.so"

pytestmark = pytest.mark.skipif(
    not (PROGRAM.exists() and GATES.exists()), reason=f"{PROGRAM} and {GATES} are not built: run make interleaved"
)


@pytest.fixture(name="unprotected", scope="module")
def _unprotected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that adds 1 to a semaphore by reading and setting its value."""
    program = tmp_path_factory.mktemp("programs") / "unprotected"
    source = HARNESS / "tests/programs/unprotected.c"
    subprocess.run(["gcc", "-O1", "-pthread", "-o", program, source], check=True)
    return program


def said(*arguments: str | Path) -> list[dict[str, Any]]:
    """The lines of the program itself."""
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=True, timeout=120)
    return [json.loads(line) for line in done.stdout.splitlines()]


def of_type(kind: str, lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of LINES."""
    return [line for line in lines if line["type"] == kind]


def two(program: Path, how: str = "") -> list[str]:
    """Options that let two of PROGRAM race."""
    run = f"{program} {how}".strip()
    around = ["--before", f"{program} new", "--after", f"{program} is 2"]
    return ["--preload", str(GATES), "--run", run, "--run", run, *around]


def ipck(world: World, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command with the real programs."""
    return world.ipck("interleave", f"--build={BUILD}", f"--out={world.out}", *arguments)


# ---- the gates


def test_unprotected_change_is_found_with_one_preemption(unprotected: Path) -> None:
    lines = said(*two(unprotected), "--preemptions", "1")
    (found,) = of_type("violation", lines)
    assert (found["schedule"], found["preemptions"]) == ("AABBBBAA", 1)
    assert found["said"] == "the command after it ended with status 1"
    assert "A semctl(0, 0, GETVAL) = 0\nB semget(77, 1, 0) = 0\n" in found["calls"]
    (covered,) = of_type("covered", lines)
    assert covered["run"] == [2, 6] and covered["undecided"] == 0


def test_without_preemption_it_is_not_found(unprotected: Path) -> None:
    lines = said(*two(unprotected), "--preemptions", "0")
    assert not of_type("violation", lines)
    (covered,) = of_type("covered", lines)
    assert covered["run"] == [2] and covered["beyond"] > 0


@pytest.mark.parametrize("how", ["thread", "child"])
def test_threads_and_children_have_gates_of_their_own(unprotected: Path, how: str) -> None:
    lines = said(*two(unprotected, how), "--preemptions", "1")
    found = of_type("violation", lines)
    assert [one["preemptions"] for one in found] == [1]
    assert "C semctl(0, 0, GETVAL) = 0\nD semctl(0, 0, GETVAL) = 0\n" in found[0]["calls"]


def test_schedule_is_replayed_exactly(unprotected: Path) -> None:
    wanted = {"AABBBBAA": "violated", "AAAABBBB": "as it should be"}
    for schedule, ending in wanted.items():
        for _ in range(3):
            (line,) = of_type("replayed", said(*two(unprotected), "--schedule", schedule))
            assert (line["schedule"], line["ending"]) == (schedule, ending)
            assert [call[0] for call in line["calls"].splitlines()] == list(schedule)


def test_all_orders_are_run_once() -> None:
    """Three processes of two steps each: 6! / (2! 2! 2!) orders."""
    lines = said("sem_create", "--preemptions", "8")
    (covered,) = of_type("covered", lines)
    assert sum(covered["run"]) == 90 and covered["beyond"] == 0 and not any(covered["left"])


def test_blocked_process_counts_as_switched_away_from() -> None:
    (line,) = of_type("replayed", said("sem_rmid_wait", "--schedule", "ACABB"))
    assert line["ending"] == "as it should be"
    assert "A semop(0, {0, -100}, 1) waits\nC semctl(0, 0, IPC_RMID) = 0\n" in line["calls"]
    assert "A goes on: semop(0, {0, -100}, 1) = -1 EIDRM\n" in line["calls"]
    (line,) = of_type("replayed", said("sem_rmid_wait", "--schedule", "CA"))
    assert "A semop(0, {0, -100}, 1) = -1 EINVAL\n" in line["calls"]


def test_scenarios_hold_here() -> None:
    lines = said("--preemptions", "1")
    assert not of_type("violation", lines)
    covered = of_type("covered", lines)
    assert len(covered) > 30
    assert not [one for one in covered if one["undecided"]]
    listed = subprocess.run([PROGRAM, "--list"], capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.split("\t")[0] for line in listed] == [one["scenario"] for one in covered]


def test_process_that_waits_for_ever_is_told(unprotected: Path) -> None:
    run = ["--run", f"{unprotected} wait", "--run", "true"]
    lines = said("--preload", GATES, "--before", f"{unprotected} new", *run, "--schedules", "1")
    (found,) = of_type("violation", lines)
    assert found["said"] == "A waits for ever: semop(0, {0, -1}, 1)"


def test_failing_and_killed_programs_are_told() -> None:
    for command, says in (("false", "A ended with status 1"), ("sh -c \"kill -9 $$\"", "A was killed by signal 9")):
        lines = said("--preload", GATES, "--run", command, "--run", "true", "--schedules", "1")
        (found,) = of_type("violation", lines)
        assert found["said"].startswith(says)


# ---- the command


def test_command_tells_the_race_and_replays_it(world: World, unprotected: Path) -> None:
    words = two(unprotected)[2:]
    done = ipck(world, *words)
    assert done.returncode == 1 and "--schedule AABBBBAA" in done.stdout
    done = ipck(world, *words, "--schedule", "AABBBBAA")
    assert done.returncode == 1 and "AABBBBAA: violated" in done.stdout
    done = ipck(world, *words, "--schedule", "AAAABBBB")
    assert done.returncode == 0 and "AAAABBBB: as it should be" in done.stdout


def test_schedule_that_does_not_fit_is_one_message(world: World, unprotected: Path) -> None:
    words = two(unprotected)[2:]
    for schedule, says in (
        ("AABBBBBAA", "step 7: B has ended"), ("AC", "step 2: C does not exist"), ("ab", "'a' is no process"),
    ):  # fmt: skip
        done = ipck(world, *words, "--schedule", schedule)
        assert done.returncode == 2 and says in done.stderr, schedule
    done = ipck(world, "sem_rmid_wait", "--schedule", "AA")
    assert done.returncode == 2 and "step 2: A waits in a call" in done.stderr


@pytest.mark.parametrize(
    ("mutant", "scenario", "requirement"),
    [
        ("msgget_excl_looks_first", "msg_create", "msgget.atomic.creat-excl"),
        ("mq_open_excl_not_atomic", "mq_create", "mq_open.excl.atomic"),
    ],
)
def test_mutant_is_found(world: World, mutant: str, scenario: str, requirement: str) -> None:
    for name in ("ipck-mutants.so", "ipck-interleave-shared"):
        if not (BUILD / "glibc" / name).exists():
            pytest.skip(f"{name} is not built")
    done = ipck(world, scenario, "--mutant", mutant, "--preemptions", "1")
    assert done.returncode == 1 and f"VIOLATION: {requirement}: " in done.stdout


def test_bad_command_line_is_one_message(world: World) -> None:
    for arguments, says in (
        (["semm"], "no scenario matches 'semm'"),
        (["--schedule", "AB"], "--schedule needs one scenario"),
        (["--before", "true"], "--run"),
        (["--run", "true"], "one command alone"),
        (["--run", "true", "--run", "true", "--target", "host-musl"], "commands run here"),
        (["--target", "nobody"], "unknown target"),
        (["--preemptions", "9"], "at most 8"),
    ):
        done = ipck(world, *arguments)
        assert done.returncode == 2 and says in done.stderr, (arguments, done)
        assert "Traceback" not in done.stderr


# ---- what a target may say


def stub(world: World, lines: Iterable[dict[str, Any]], shell: str = "") -> None:
    """A program with one scenario that says LINES."""
    folder = world.build / "glibc"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lines").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    program = folder / "ipck-interleave"
    listed = "race\\t2\\ttwo of them\\n"
    program.write_text(f"#!/bin/sh\n[ \"$1\" = --list ] && exec printf '{listed}'\ncat {folder}/lines\n{shell}\n")
    program.chmod(0o755)


RUN = {"type": "run", "schema": 1, "kernel": "Linux 1"}
COVERED = {"type": "covered", "scenario": "race", "run": [2, 6], "left": [0, 0], "beyond": 3, "violations": 0}
VIOLATION = {"type": "violation", "scenario": "race", "schedule": "AB", "preemptions": 0, "requirement": "semop.eidrm",
             "said": "does not hold: 1 == 2", "calls": "A semop() = 0\nB its end\n"}  # fmt: skip
END = {"type": "end"}


def test_results_are_stored_and_shown(world: World) -> None:
    stub(world, [RUN, VIOLATION, COVERED | {"violations": 2}, END])
    done = world.ipck("interleave", f"--out={world.out}")
    assert done.returncode == 1 and "VIOLATION: semop.eidrm: does not hold: 1 == 2" in done.stdout
    data = interleaving.read(world.out)
    assert data and data.targets[0].scenarios[0].found[0].schedule == "AB"
    html = (world.out / "interleave.html").read_text()
    assert "--schedule AB" in html and "A semop() = 0" in html


def test_what_the_baseline_lists_is_known(world: World) -> None:
    world.baseline(
        '[[deviation]]\ntest = "sysv.sem.semop.waits"\nrequirement = "semop.eidrm"\nverdict = "fail"\n'
        'reason = "it is so"\nreference = "there"\nsince = "1"\n'
    )
    stub(world, [RUN, VIOLATION, COVERED | {"violations": 2}, END])
    done = world.ipck("interleave", f"--out={world.out}")
    assert done.returncode == 0 and "known (it is so): semop.eidrm" in done.stdout, done


def test_target_that_dies_keeps_what_came(world: World) -> None:
    stub(world, [RUN, COVERED], "kill -9 $$")
    done = world.ipck("interleave", f"--out={world.out}")
    assert done.returncode == 2 and "was killed by SIGKILL before its last line" in done.stderr
    data = interleaving.read(world.out)
    assert data and data.targets[0].scenarios[0].run == (2, 6)


def test_undecided_orders_are_no_pass(world: World) -> None:
    stub(world, [RUN, COVERED | {"undecided": 1, "reason": "fork: EAGAIN"}, END])
    done = world.ipck("interleave", f"--out={world.out}")
    assert done.returncode == 2 and "race: 1 orders could not be decided: fork: EAGAIN" in done.stderr


def test_coverage_in_words() -> None:
    def covered(**more: Any) -> str:
        return interleaving.Scenario("race", **more).covered

    assert covered(run=(2, 6), left=(0, 0)) == "all 8 orders"
    assert covered(run=(2, 6), left=(0, 0), beyond=1) == "8 orders, all with up to 1 preemptions"
    assert covered(run=(2, 6), left=(0, 3), beyond=1) == "8 orders, all with up to 0 preemptions"
    assert covered(lacks="mq_open()") == "lacks mq_open()"
