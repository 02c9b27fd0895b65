"""ipck stress: workloads on stub targets that misbehave in every way, and storms that must find what is wrong."""

import argparse
import json
import os
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from ipck import catalogue, mutants
from ipck.errors import IpckError
from ipck.plot import Axis
from ipck.publish import republish
from ipck.stress import lines, mutated, run, trend
from ipck.stress.results import Resources, Workload, as_data, read
from ipck.stress.run import Options, Run
from ipck.stressusage import duration
from ipck.targets import Target
from ipck.tree import REQUIREMENTS
from stubs import HARNESS, World, short

TREE = HARNESS.parent
PROGRAM = TREE / "build/glibc/ipck-stress"
MUTANTS = TREE / "build/glibc/ipck-mutants.so"
TARGET = run.place(Target("host-glibc", "glibc", "a stub"))
NAMES = ("fuzz.sem", "storm.keys", "storm.undo")
SEED = f"{lines.GENERATION}:7"
AGAIN = "ipck stress storm.keys --target host-glibc"


def head(**more: Any) -> str:
    """The program's first line."""
    first = {"type": "stress", "generation": lines.GENERATION, "seed": 7, "workloads": 3, "deadline": 0.1}
    return json.dumps(first | more)


def start(name: str) -> str:
    """The line of a workload that begins."""
    return json.dumps({"type": "start", "workload": name})


def ended(name: str, *violations: dict[str, Any], **more: Any) -> str:
    """The line of a workload that is over."""
    counts = {"seed": 7, "operations": 100, "seconds": 0.5, "histories": 2, "measured": {"rate": 3.5}}
    return json.dumps({"type": "workload", "name": name, **counts, "violations": violations, **more})


def wrong(requirement: str = "semop.adds", text: str = "5 units of 4") -> dict[str, Any]:
    """A violation."""
    return {"requirement": requirement, "count": 2, "text": text, "details": "round 3"}


def used(cycle: int, **numbers: float) -> str:
    """The line of what is in use after a cycle."""
    return json.dumps({"type": "resources", "cycle": cycle, "seed": 6 + cycle, "used": numbers})


END = json.dumps({"type": "end"})


def whole(*names: str) -> list[str]:
    """The lines of a run in which all is well."""
    return [head(), *(line for name in names or NAMES for line in (start(name), ended(name))), END]


def program(world: World, said: Iterable[str | bytes] = (), shell: str = "", flavour: str = "glibc") -> None:
    """An ipck-stress that prints the lines SAID and goes on with SHELL; the workloads asked for are in $names."""
    folder = world.build / flavour
    folder.mkdir(parents=True, exist_ok=True)
    pieces = [line if isinstance(line, bytes) else line.encode() for line in said]
    (folder / "said").write_bytes(b"".join(piece + b"\n" for piece in pieces))
    listed = "".join(f"{name}\tstress/{name}.c:1\twhat {name} is\n" for name in NAMES)
    (folder / "listed").write_text(listed)
    path = folder / "ipck-stress"
    path.write_text(f'#!/bin/sh\ncd "{folder}"\n[ "$1" = --list ] && exec cat listed\nnames="$*"\ncat said\n{shell}\n')
    path.chmod(0o755)


def results(world: World, names: Iterable[str] = NAMES, **options: Any) -> tuple[dict[str, Workload], list[str]]:
    """What comes out of the world's program: workloads and faults."""
    events = list(Run(TARGET, list(names), Options(7, grace=0.3, **options), world.build).events())
    found = [event for event in events if isinstance(event, Workload)]
    assert len({one.name for one in found}) == len(found) or options.get("soak")
    return {one.name: one for one in found}, [event for event in events if isinstance(event, str)]


def stress(world: World, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command."""
    return world.ipck("stress", f"--out={world.out}", f"--known={world.root}/known.toml", *arguments)


# ---- what a program may do


def test_good_run(world: World) -> None:
    program(world, whole())
    found, faults = results(world)
    assert list(found) == list(NAMES) and not faults
    assert found["storm.undo"] == Workload("storm.undo", 7, 100, 0.5, 2, measured=(("rate", 3.5),))


def test_rest_runs_after_a_death_and_what_came_is_kept(world: World) -> None:
    first = [head(), start("fuzz.sem"), ended("fuzz.sem"), start("storm.keys")]
    shell = 'case $names in *fuzz.sem*) cat first; echo help >&2; kill -KILL $$ ;; esac; cat second'
    program(world, [], shell)
    (world.build / "glibc/first").write_text("".join(f"{line}\n" for line in first))
    (world.build / "glibc/second").write_text("".join(f"{line}\n" for line in whole("storm.undo")))
    found, faults = results(world)
    assert found["fuzz.sem"].operations == found["storm.undo"].operations == 100 and not faults
    assert "SIGKILL" in found["storm.keys"].error and "help" in found["storm.keys"].error


def test_program_that_hangs_is_killed(world: World) -> None:
    program(world, [head(), start("fuzz.sem")], "case $names in *fuzz.sem*) exec sleep 60 ;; esac")
    found, _ = results(world, ["fuzz.sem"])
    assert "gave no usable line for 0.4 s and was killed" in found["fuzz.sem"].error


def test_program_that_ends_early_loses_nothing_silently(world: World) -> None:
    program(world, [head()])
    found, faults = results(world)
    assert set(found) == set(NAMES) and all("no result" in one.error for one in found.values())
    assert "ended before its last line" in faults[0]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"\xff\xfe", "is not UTF-8"),
        ("nonsense", "is not JSON"),
        ('{"type":"party"}', "unknown type 'party'"),
        ('{"type":"workload","name":"fuzz.sem","operations":"many"}', "key 'operations' must be an integer"),
        ('{"type":"workload","name":"fuzz.sem","measured":{"a":"b"}}', "'measured' must be an object of numbers"),
        (ended("storm.unasked"), "was not asked for"),
        ('{"type":"stress","generation":999,"seed":1,"workloads":1}', "rebuild the program"),
        ('{"type":"resources","cycle":"x","seed":1,"used":{}}', "key 'cycle' must be an integer"),
    ],
    ids=short,
)
def test_line_of_no_use_is_a_fault_and_costs_nothing_else(world: World, line: str | bytes, said: str) -> None:
    good: list[str | bytes] = list(whole())
    program(world, [*good[:3], line, *good[3:]])
    found, faults = results(world)
    assert all(one.operations == 100 for one in found.values()) and len(found) == 3
    assert len(faults) == 1 and "line 4" in faults[0] and said in faults[0]


def test_torn_last_line_is_named(world: World) -> None:
    program(world, whole()[:-1], "printf '{\"type\":\"en'")
    found, faults = results(world)
    assert len(found) == 3 and any("is cut short" in fault for fault in faults)


# ---- the command


def test_all_is_well(world: World) -> None:
    program(world, whole())
    done = stress(world, "--seed", "7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"ipck: --seed {SEED}" in done.stdout and "100 operations, 2 histories in 0.5 s (200/s)" in done.stdout
    data = read(world.out)
    assert data["workloads"]["storm.keys"] == {"operations": 100, "seconds": 0.5, "histories": 2, "violations": []}
    assert data["targets"]["host-glibc"]["workloads"]["fuzz.sem"]["measured"] == {"rate": 3.5}
    page = (world.out / "stress.html").read_text()
    assert "storm.keys" in page and "<title>host-glibc: 200 operations a second</title>" in page


def test_violation_is_told_with_how_to_see_it_again(world: World) -> None:
    program(world, [head(), start("storm.keys"), ended("storm.keys", wrong(text="<b>5</b>")), END])
    done = stress(world, "storm.keys", "--seed", "7")
    assert done.returncode == 1
    assert "VIOLATED host-glibc: storm.keys: semop.adds: <b>5</b>" in done.stdout and "    round 3" in done.stdout
    again = f"{AGAIN} --seed {SEED} --seconds 2"
    assert f"again: {again}" in done.stdout
    violation = read(world.out)["workloads"]["storm.keys"]["violations"][0]
    assert violation["replay"] == again and violation["target"] == "host-glibc" and violation["count"] == 2
    page = (world.out / "stress.html").read_text()
    assert "&lt;b&gt;5&lt;/b&gt;" in page and again in page


def test_axis_spans_powers_of_ten() -> None:
    axis = Axis([0, 20, 30, 1999], "{:,.0f}".format)
    assert [tick.text for tick in axis.ticks] == ["10", "100", "1,000", "10,000"]
    places = [tick.place for tick in axis.ticks]
    assert places == sorted(places) and 0 <= places[0] and places[-1] <= axis.width
    dot = axis.dot(9, 10, 100, 1000, "it")
    assert (dot.low, dot.middle, dot.high, dot.colour) == (*places[:3], 1)
    assert len(Axis([], str).ticks) == 2, "a page without values has an axis all the same"


KNOWN = """[[known]]
target = "host-*"
workload = "storm.*"
requirement = "semop.adds"
reason = "units are lost"
reference = "ipc/sem.c"
since = "6.1"
"""


def test_known_violation_is_expected(world: World) -> None:
    (world.root / "known.toml").write_text(KNOWN)
    program(world, [head(), start("storm.keys"), ended("storm.keys", wrong()), END])
    done = stress(world, "storm.keys")
    assert done.returncode == 0 and "known host-glibc: storm.keys: semop.adds" in done.stdout
    assert "units are lost" in (world.out / "stress.html").read_text()
    assert stress(world, "fuzz.sem").returncode == 2  # it says nothing of that one
    program(world, [head(), start("fuzz.sem"), ended("fuzz.sem", wrong()), END])
    assert stress(world, "fuzz.sem").returncode == 1


def test_baseline_lists_what_is_known_and_need_not_be_met(world: World) -> None:
    world.baseline(
        '[[deviation]]\ntest = "a.b"\nrequirement = "semop.adds"\nverdict = "fail"\nreason = "as in the baseline"\n'
        'reference = "r"\nsince = "s"\n'
    )
    program(world, [head(), start("storm.keys"), ended("storm.keys", wrong()), END], 'echo "$names" > asked')
    done = stress(world, "storm.keys")
    assert done.returncode == 0, done.stdout
    assert "--waive semop.adds" in (world.build / "glibc/asked").read_text()


def test_violation_that_always_shows_and_is_gone_is_news(world: World) -> None:
    (world.root / "known.toml").write_text(KNOWN + "always = true\n")
    program(world, whole("storm.keys"))
    done = stress(world, "storm.keys")
    assert done.returncode == 1 and "known.toml:1: semop.adds is not violated any more: remove the entry" in done.stdout
    program(world, [head(), start("storm.keys"), ended("storm.keys", skipped="room"), END])
    assert "remove the entry" not in stress(world, "storm.keys").stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (KNOWN.replace("semop.adds", "semop.party"), "known.toml:4: known number 1: key 'requirement': 'semop.party'"),
        (KNOWN.replace('reason = "units are lost"\n', ""), "key 'reason': is missing"),
        (KNOWN.replace("units are lost", " "), "known.toml:5: known number 1: key 'reason': is not filled in"),
        (KNOWN + "always = 3\n", "must be true or false"),
        ("[[party]]\n", "key 'party': is unknown"),
        ("[[", "known.toml:1: "),
    ],
    ids=short,
)
def test_bad_list_of_what_is_known_is_one_message(world: World, text: str, said: str) -> None:
    (world.root / "known.toml").write_text(text)
    program(world, whole())
    done = stress(world)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


def test_what_cannot_be_decided_is_status_2(world: World) -> None:
    program(world, [head(), start("storm.keys"), ended("storm.keys", error="still running"), END])
    done = stress(world, "storm.keys")
    assert done.returncode == 2 and "UNDECIDED host-glibc: storm.keys: still running" in done.stdout
    assert read(world.out)["targets"]["host-glibc"]["workloads"]["storm.keys"]["error"] == "still running"


def test_unknown_words_are_one_message(world: World) -> None:
    program(world, whole())
    for arguments, said in (
        (("storm.party",), "no workload is named 'storm.party'"),
        (("--target", "nobody"), "unknown target 'nobody'"),
        (("--target", "host-musl"), "host-musl is unavailable"),
        (("--soak", "soon"), "'soon' is no time"),
        (("--seed", "x"), "is not a whole number"),
        (("--seed", f"{lines.GENERATION}:"), "is not a whole number"),
        (("--seed", "1:7"), f"'1:7' is of generation 1; for these programs, of generation {lines.GENERATION}, the"),
    ):
        done = stress(world, *arguments)
        assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr, arguments


def test_targets_run_side_by_side_and_one_that_fails_costs_the_others_nothing(world: World) -> None:
    program(world, whole())
    program(world, [head(), start("fuzz.sem")], "kill -SEGV $$", "musl")
    done = stress(world, "--target", "host-glibc,host-musl")
    data = read(world.out)
    assert done.returncode == 2 and list(data["targets"]) == ["host-glibc", "host-musl"]
    assert data["workloads"]["storm.keys"]["operations"] == 100
    assert "SIGSEGV" in data["targets"]["host-musl"]["workloads"]["fuzz.sem"]["error"]


def test_list(world: World) -> None:
    program(world, whole())
    done = stress(world, "--list", "storm")
    assert done.returncode == 0 and done.stdout == "storm.keys  what storm.keys is\nstorm.undo  what storm.undo is\n"


def operations(*results_of: str) -> list[str]:
    """The lines of a trace."""
    said = [json.dumps({"type": "operation", "call": f"call {n}", "result": said}) for n, said in enumerate(results_of)]
    return [head(), start("fuzz.sem"), *said, ended("fuzz.sem"), END]


def test_compare(world: World) -> None:
    program(world, operations("0", "0", "EINTR"))
    for other, status, said in (
        (("0", "0", "EINTR"), 0, "3 calls have the same results"),
        (("0", "1", "EINTR"), 1, "call 2 differs:\n    call 0 = 0\n  host-glibc: call 1 = 0\n  host-musl: call 1 = 1"),
        (("0", "0"), 1, "host-musl: makes no more calls"),
        ((), 2, "prints no calls"),
    ):
        program(world, operations(*other), flavour="musl")
        done = stress(world, "--compare", "host-glibc", "host-musl")
        assert done.returncode == status and said in done.stdout, done.stdout + done.stderr


def test_broken_data_is_one_message(world: World) -> None:
    world.out.mkdir()
    for text in ("{", '{"schema": 99}', "[]"):
        (world.out / "stress.json").write_text(text)
        with pytest.raises(IpckError, match="stress.json"):
            read(world.out)
    assert as_data([], 1, 2.0)["workloads"] == {}


def test_cut_data_is_one_message_and_stays(world: World) -> None:
    program(world, whole())
    assert stress(world, "--seed", SEED).returncode == 0
    data = world.out / "stress.json"
    cut = data.read_text()[:200]
    data.write_text(cut)
    with pytest.raises(IpckError, match="stress.json: cannot be read, remove it: .*line 14"):
        republish(world.out, catalogue.load(REQUIREMENTS))
    assert data.read_text() == cut


# ---- soak


def test_durations() -> None:
    assert [duration(text) for text in ("90", "90s", "30m", "1.5h")] == [90, 90, 1800, 5400]
    for text in ("", "0", "-3", "1d", "m", "٣"):
        with pytest.raises(argparse.ArgumentTypeError):
            duration(text)


def series(values: Iterable[float], name: str = "memory") -> list[str]:
    """What is said of a soak in which NAME had these values."""
    return list(trend.growing([Resources(n, n, {name: value}) for n, value in enumerate(values, 1)]))


def test_steady_growth_is_told_and_nothing_else() -> None:
    steady = [100000.0 + 2000 * n for n in range(40)]
    assert series(steady) == ["memory grows all the time, from 120000 to 178000"]
    assert not series(steady[:10]), "too few cycles"
    assert not series([100000 + 20000 * (n % 10) for n in range(40)]), "a cache that fills and is emptied"
    assert not series([100000 + 50000 * (n > 15) for n in range(40)]), "a neighbour that came and stayed"
    assert not series([100000 - 2000 * n for n in range(40)])
    assert not series([100000 + 10 * n for n in range(40)]), "less than chance brings"
    assert not series([100000 + min(n, 8) * 20000 for n in range(40)]), "a warm-up"
    assert series([300 + 40 * n for n in range(40)], "slab pid"), "objects of a cache"
    assert series([1, 1, 2], "sets") == ["1 sets are left behind"]
    assert not series([3, 4, 3], "queues") and not series([5], "sets")


def test_soak_ends_with_a_leak(world: World) -> None:
    cycles = [line for n in range(1, 4) for line in (start("storm.keys"), ended("storm.keys"), used(n, sets=n))]
    program(world, [head(), *cycles], "exec sleep 60")
    done = stress(world, "storm.keys", "--soak", "30m")
    assert done.returncode == 1
    assert f"LEAK host-glibc: 1 sets are left behind (2 cycles, --seed {SEED} to 8)" in done.stdout
    one = read(world.out)["targets"]["host-glibc"]
    assert one["growing"] and len(one["resources"]) >= 2 and one["workloads"]["storm.keys"]["cycles"] >= 2


def test_soak_goes_on_in_portions_where_a_target_wants_that(world: World) -> None:
    said = [start("storm.keys"), json.dumps({"type": "workload", "name": "storm.keys", "operations": 1}), END]
    program(world, [], 'echo "$names" >> asked; cat portion; test $(wc -l < asked) -lt 3 || exec sleep 60')
    (world.build / "glibc/portion").write_text("".join(f"{line}\n" for line in (head(), *said)))
    engine = Run(replace(TARGET, portion=40.0), ["storm.keys"], Options(7, soak=100.0, grace=0.3), world.build)
    events = engine.events()
    cycles = [next(event for event in events if isinstance(event, Workload)) for _ in range(2)]
    engine.stop()
    asked = (world.build / "glibc/asked").read_text().splitlines()
    assert len(cycles) == 2 and all("--soak 40" in line for line in asked)
    assert "--seed 7 " in asked[0] and "--seed 8 " in asked[1]


def test_soak_ends_with_the_first_violation(world: World) -> None:
    program(world, [head(), start("storm.keys"), ended("storm.keys", wrong(), seed=12)], "exec sleep 60")
    done = stress(world, "storm.keys", "--soak", "30m")
    assert done.returncode == 1 and f"again: {AGAIN} --seed {lines.GENERATION}:12" in done.stdout


# ---- the storms themselves


def storm(name: str, seconds: str, *more: str, **environment: str) -> dict[str, Any]:
    """What a storm of the real program reports."""
    command = [str(PROGRAM), "--seed", "3", "--seconds", seconds, *more, f"storm.{name}"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, check=False)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["type"] for line in said] == ["stress", "start", "workload", "end"], done.stdout + done.stderr
    return dict(said[2])


STORMS = (
    "adjustments", "attachments", "handover", "keys", "limits", "messages", "names", "namespaces", "queues", "removal",
    "semaphores", "signals", "timeouts", "undo",
)


@pytest.mark.parametrize("name", STORMS)
def test_storm_finds_nothing_here(name: str) -> None:
    result = storm(name, "0.1", "--waive", "sem_timedwait.eintr.sa-restart")
    assert not result["violations"] and "error" not in result
    assert result["operations"] > 0 or "skipped" in result


WRONG = (
    ("adjustments", "semctl_rmid_keeps_adjustments", "semctl.rmid.undo-dropped exit.semadj-rmid-race "
     "exit.semadj-clamp-max exit.semadj-clamp-zero semop.undo.clone-sysvsem"),
    ("adjustments", "semop_undo_lost_with_the_namespace", "ipcns.setns-undo"),
    ("adjustments", "semop_undo_not_shared_by_clone", "semop.undo.clone-sysvsem"),
    ("adjustments", "semop_undo_unshared_in_vain", "semop.undo.unshare-sysvsem"),
    ("attachments", "shmat_failures_are_attached", "shmat.nattch.concurrent"),
    ("handover", "sem_post_first_wakes_own_process", "sem_post.wakes.cross-process"),
    ("handover", "sem_post_looks_again", "sem_destroy.right-after-wait"),
    ("handover", "sem_timedwait_cancel_takes_unit", "sem_timedwait.cancel.no-token-loss"),
    ("keys", "msgget_creat_does_not_look_again", "msgget.atomic.creat-same-id"),
    ("keys", "msgget_identifier_used_again", "xsi-ipc.id.seq-reuse"),
    ("keys", "semget_excl_not_atomic", "semget.atomic.creat-excl"),
    ("limits", "msgget_limit_is_for_ever", "msgget.enospc.frees-on-rmid"),
    ("messages", "msgrcv_wakes_for_any_type", "msgrcv.block.until-type"),
    ("messages", "msgrcv_message_is_for_all_who_wait", "msgrcv.block.exactly-one"),
    ("names", "sem_open_value_late", "sem_open.creat.atomic-init"),
    ("names", "sem_open_name_shared", "sem_open.threads"),
    ("names", "shm_open_excl_not_atomic", "shm_open.flag.excl-atomic"),
    ("names", "shm_open_failure_cuts", "shm_open.fail.no-effect"),
    ("queues", "mq_send_last_byte_lost", "mq_receive.content"),
    ("removal", "semop_removed_with_zero_as_eintr", "semctl.rmid.wakes-all"),
    ("semaphores", "sem_wait_takes_nothing_at_times", "sem_timedwait.value-kept sem_wait.blocks-at-zero"),
    ("signals", "sem_wait_eintr_as_eagain", "sem_wait.eintr"),
    ("timeouts", "sem_timedwait_deadline_before_unit", "sem_timedwait.immediate"),
    ("undo", "semop_undo_of_refused_calls", "semop.wake.no-loss-stress exit.semadj-sigkill exec.semadj-kept"),
)


@pytest.mark.skipif(not MUTANTS.exists(), reason="the mutants are not built")
@pytest.mark.parametrize(("name", "mutant", "requirements"), WRONG)
def test_storm_finds_a_wrong_implementation(name: str, mutant: str, requirements: str) -> None:
    # Which of several consequences shows first is the machine's affair.
    waived = ("--waive", "sem_timedwait.eintr.sa-restart")
    result = storm(name, "15", *waived, LD_PRELOAD=str(MUTANTS), IPCK_MUTANT=mutant)
    assert {violation["requirement"] for violation in result["violations"]} & set(requirements.split()), result
    assert "stress/storms/" in result["violations"][0]["details"]


def find_mutants(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """What workloads find of wrong implementations, with --mutants."""
    command = [str(TREE / "scripts/ipck"), "stress", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.skipif(not MUTANTS.exists(), reason="the mutants are not built")
def test_wrong_implementations_are_found_and_timed() -> None:
    done = find_mutants("storm.adjustments", "storm.keys", "--mutants", "semop_undo_unshared*,msgget_creat_does*")
    assert done.returncode == 0, done.stdout + done.stderr
    first, second, last = done.stdout.splitlines()
    assert first.startswith("semop_undo_unshared_in_vain: storm.adjustments ") and " s in all " in first
    assert second.startswith("msgget_creat_does_not_look_again: storm.keys ")
    assert last == "2 of 2 wrong implementations found by workloads alone"


@pytest.mark.skipif(not MUTANTS.exists(), reason="the mutants are not built")
def test_wrong_implementation_that_is_not_found_is_told() -> None:
    done = find_mutants("storm.keys", "--mutants", "sem_post_looks_again")
    assert done.returncode == 1
    assert "NOT FOUND sem_post_looks_again" in done.stdout and "none makes such calls" in done.stdout


@pytest.mark.skipif(not MUTANTS.exists(), reason="the mutants are not built")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--mutants", "nothing*"), "there is no mutant 'nothing*'"),
        (("--mutants", "concurrency", "--target", "host-musl"), "only calls of the flavour glibc can be broken"),
    ],
)
def test_mutants_that_cannot_be_had(arguments: tuple[str, ...], said: str) -> None:
    done = find_mutants("storm.keys", *arguments)
    assert done.returncode == 2 and said in done.stderr


@pytest.mark.skipif(not MUTANTS.exists(), reason="the mutants are not built")
def test_concurrency_stands_for_what_races_and_sleeps() -> None:
    rows = catalogue.load(REQUIREMENTS)
    chosen = {one.name for one in mutated.choose(mutants.load(rows), [mutated.CONCURRENCY], rows)}
    assert {"semop_wakes_one", "semop_undo_inherited", "sem_post_looks_again", "semget_excl_not_atomic"} <= chosen
    assert not {"semget_private_needs_creat", "shmget_size0_accepted"} & chosen
