"""The checker of concurrent histories, on some that are written down; and that it finds what is broken on purpose."""

import json
import os
import random
import resource
import subprocess
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import pytest

from ipck.stress import timeline
from ipck.tree import ROOT

CHECK = ROOT / "build/glibc/check-history"
STRESS, MUTANTS = ROOT / "build/glibc/ipck-stress", ROOT / "build/glibc/ipck-mutants.so"
NEEDS_STRESS = pytest.mark.skipif(not (STRESS.exists() and MUTANTS.exists()), reason="make programs")
NEEDS_CHECK = pytest.mark.skipif(not CHECK.exists(), reason="make build/glibc/check-history")


@dataclass(frozen=True)
class Judgment:
    """What the checker says of a history."""

    finding: str
    places: int
    blamed: str  # "REQUIREMENT: LINE" or "in vain: LINE", "" where there is none
    left: tuple[str, ...]


def judge(history: str) -> Judgment:
    done = subprocess.run([CHECK], input=history, capture_output=True, text=True, check=True)
    first, *rest = done.stdout.splitlines()
    finding, places = first.split()
    left = tuple(line.removeprefix("left: ") for line in rest[1:])
    return Judgment(finding, int(places), rest[0] if rest else "", left)


def text(*lines: str) -> str:
    return "\n".join(lines) + "\n"


@NEEDS_CHECK
@pytest.mark.parametrize(
    "history",
    [
        pytest.param(text("values 1", "1 0 10 op 0:-1 = 0", "2 20 30 get 0 = 0"), id="one after the other"),
        pytest.param(text("values 1", "1 0 10 op 0:-1 = 0", "2 5 8 get 0 = 1"), id="overlapping, seen before"),
        pytest.param(text("values 1", "1 0 10 op 0:-1 = 0", "2 5 8 get 0 = 0"), id="overlapping, seen behind"),
        pytest.param(text("values 1", "1 0 10 op 0:-1 = 0", "2 10 20 get 0 = 1"), id="the same moment is no order"),
        pytest.param(text("values 0", "1 0 30 op 0:-1 = 0", "2 10 20 op 0:1 = 0"), id="waited"),
        pytest.param(text("values 0", "at rest", "1 0 - op 0:-1"), id="waits for good reason"),
        pytest.param(
            text("values 1", "1 0 - op 0:-1", "2 5 10 get 0 = 0"), id="not back yet, but it took effect"
        ),
        pytest.param(text("values 1", "1 0 x op 0:-1", "2 5 10 get 0 = 0"), id="killed, and it took effect"),
        pytest.param(text("values 1", "1 0 x op 0:-1", "2 5 10 get 0 = 1"), id="killed, and it did not"),
        pytest.param(
            text("values 2", "1 0 5 op 0:-1u = 0", "2 6 9 end 1 = 0", "3 10 20 get 0 = 2"), id="taken back at the end"
        ),
        pytest.param(
            text("values 1 1", "1 0 40 op 0:-1,1:-1 = 0", "2 0 30 op 1:-1 = 0", "3 10 20 op 1:1 = 0"),
            id="an array that waits for another's unit",
        ),
        pytest.param(
            text("values 0", "1 0 9 op 0:1 = 0", "2 0 9 op 0:2 = 0", "3 0 5 get 0 = 2", "3 6 9 get 0 = 3"),
            id="the order that was seen",
        ),
        pytest.param(text("values 0", "1 0 9 op 0:-1? = EAGAIN", "2 3 5 op 0:1 = 0"), id="timeout just before"),
    ],
)
def test_good_history(history: str) -> None:
    assert judge(history).finding == "linearizable"


@NEEDS_CHECK
@pytest.mark.parametrize(
    ("history", "blamed"),
    [
        pytest.param(
            text("values 1", "1 0 10 op 0:-1 = 0", "2 11 20 get 0 = 1"),
            "semctl.getval: 2 11 20 get 0 = 1",
            id="seen too late",
        ),
        pytest.param(
            text("values 1", "1 0 10 op 0:-1 = 0", "2 0 10 op 0:-1 = 0"),
            "semop.ncnt.inc: 2 0 10 op 0:-1 = 0",
            id="one unit for two",
        ),
        pytest.param(
            text("values 0", "at rest", "1 0 - op 0:-1", "2 5 10 op 0:1 = 0"),
            "in vain: 1 0 - op 0:-1",
            id="lost wake-up",
        ),
        pytest.param(
            text("values 1", "at rest", "1 0 - op 0:-1", "2 5 10 get 0 = 0"),
            "semctl.getval: 2 5 10 get 0 = 0",
            id="took effect and does not come back",
        ),
        pytest.param(
            text("values 1 0", "1 0 10 op 0:-1,1:1 = 0", "2 0 5 get 0 = 0", "2 6 9 get 1 = 0"),
            "semctl.getval: 2 6 9 get 1 = 0",
            id="half of an array",
        ),
        pytest.param(
            text("values 1 0", "1 0 10 op 0:-1,1:1 = 0", "2 0 9 all = 0 0"),
            "semctl.getall: 2 0 9 all = 0 0",
            id="no snapshot",
        ),
        pytest.param(
            text("values 0", "1 0 9 op 0:1 = 0", "2 0 9 op 0:2 = 0", "3 0 5 get 0 = 2", "4 0 5 get 0 = 1"),
            "semctl.getval: 4 0 5 get 0 = 1",
            id="two readers who see two orders",
        ),
        pytest.param(
            text("values 2", "1 0 5 op 0:-1u = 0", "2 6 9 end 1 = 0", "3 10 20 get 0 = 1"),
            "semctl.getval: 3 10 20 get 0 = 1",
            id="undo lost",
        ),
        pytest.param(
            text("values 1", "1 0 8 op 0:-1u", "1 9 x op 0:-1", "2 6 20 end 1 = 0", "3 30 40 get 0 = 3"),
            "semctl.getval: 3 30 40 get 0 = 3",
            id="killed, and a unit more",
        ),
        pytest.param(
            text("values 0", "1 0 90 op 0:-1 = 0 asleep 10", "2 20 60 op 0:-1 = 0 asleep 30", "3 40 50 op 0:1 = 0",
                 "3 70 80 op 0:1 = 0"),
            "semop.wake.fifo: 2 20 60 op 0:-1 = 0 asleep 30",
            id="the second in the queue is first",
        ),
    ],
)
def test_bad_history(history: str, blamed: str) -> None:
    judgment = judge(history)
    assert (judgment.finding, judgment.blamed) == ("violated", blamed)


@NEEDS_CHECK
def test_zero_that_did_not_last_ends_a_wait() -> None:
    """One that was seen waiting goes on at the first moment at which it can, before others come."""
    passes = text("values 1", "1 0 90 op 0:0 = 0 asleep 10", "2 20 30 set 0 0 = 0", "3 40 50 op 0:1 = 0")
    assert judge(passes).finding == "linearizable"
    later = passes + text("4 60 70 set 0 0 = 0", "5 80 85 get 0 = 0")
    assert judge(later).finding == "linearizable"


@NEEDS_CHECK
def test_what_is_not_needed_is_left_out() -> None:
    """The state takes the place of what came before, and only what contradicts is left."""
    noise = [
        f"{worker} {at} {at + 5} op 1:{op} = 0"
        for worker in (4, 5)
        for at, op in zip(range(0, 400, 10), (1, -1) * 20, strict=True)
    ]
    late = ["2 500 510 get 0 = 1", "3 495 520 get 1 = 5", "6 1000 1010 get 0 = 7"]
    judgment = judge(text("values 1 5", "1 0 10 op 0:-1 = 0", *noise, *late))
    assert judgment.blamed == "semctl.getval: 2 500 510 get 0 = 1"
    assert judgment.left == ("2 500 510 get 0 = 1",)


def recorded(operations: int, workers: int, seed: int, longest: int = 60) -> list[str]:
    """A history as a right implementation would leave it: operations overlap, effects are in one order."""
    choice = random.Random(seed)
    values = [3, 3]
    free = [0] * workers
    lines: list[list[str]] = [[] for _ in range(workers)]
    now = 0
    for _ in range(operations):
        worker = min(range(workers), key=lambda w: (free[w], choice.random()))
        now = max(now, free[worker]) + choice.randrange(1, 8)
        called = now - choice.randrange(0, min(now - free[worker], longest) + 1)
        free[worker] = returned = now + choice.randrange(1, longest)
        number, op = choice.randrange(2), choice.choice((1, 1, -1, -1, -2, 2))
        if choice.random() < 0.2:
            lines[worker].append(f"{worker} {called} {returned} get {number} = {values[number]}")
        elif values[number] + op < 0:
            lines[worker].append(f"{worker} {called} {returned} op {number}:{op}n = EAGAIN")
        else:
            values[number] += op
            lines[worker].append(f"{worker} {called} {returned} op {number}:{op} = 0")
    return [line for own in lines for line in own]


@NEEDS_CHECK
@pytest.mark.parametrize("workers", [4, 16, 32])
def test_thousand_operations_take_less_than_a_second(workers: int) -> None:
    history = text("values 3 3", *recorded(1000, workers, 7))
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    judgment = judge(history)
    assert judgment.finding == "linearizable"
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 1


@NEEDS_CHECK
@pytest.mark.parametrize("seed", range(5))
def test_one_wrong_result_among_many_is_found(seed: int) -> None:
    lines = recorded(300, 4, seed, longest=12)
    wrong = next(i for i in range(150, 300) if " get " in lines[i])
    lines[wrong] = lines[wrong].split(" = ")[0] + " = 99"
    judgment = judge(text("values 3 3", *lines))
    assert judgment.finding == "violated" and judgment.blamed == f"semctl.getval: {lines[wrong]}"
    assert judgment.left == (lines[wrong],)


@NEEDS_CHECK
def test_line_that_is_no_operation_is_refused() -> None:
    done = subprocess.run([CHECK], input="values 1\n1 0 10 jump 3\n", capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr == "no history: 1 0 10 jump 3\n"


TOLD = """\
before: set 0, mode 0600, uid 0, cuid 0: [0] 3 (pid 1)
  worker 0       0.000 .. 2.500       semctl(0, 0, SETVAL, 3) = 0
  worker 3       1.000 .. 15.201      semop(0, {{0, -1, IPC_NOWAIT | SEM_UNDO}}, 1) = -1 EAGAIN
  worker 12      3.000 .. 9.000       shmat(0, NULL, SHM_RDONLY) = -1 EINVAL (EIDRM: removed meanwhile)
> worker 1      14.876 .. never       semop(0, {{0, -2, 0}}, 1)  (seen waiting)
"""


def test_text_of_a_history_is_data() -> None:
    history = timeline.parse(TOLD)
    assert history.before == "set 0, mode 0600, uid 0, cuid 0: [0] 3 (pid 1)"
    assert [
        (one.worker, one.called, one.returned, one.outcome, one.remark, one.blamed) for one in history.operations
    ] == [
        (0, 0.0, 2.5, "0", "", False),
        (3, 1.0, 15.201, "-1 EAGAIN", "", False),
        (12, 3.0, 9.0, "-1 EINVAL", "EIDRM: removed meanwhile", False),
        (1, 14.876, None, "", "seen waiting", True),
    ]
    assert history.operations[3].operation == "semop(0, {{0, -2, 0}}, 1)"
    assert timeline.from_data(json.loads(json.dumps(timeline.as_data(history)))) == history


@pytest.mark.parametrize(
    "told", ["", "worker 1 0.000 .. 1.000 f() = 0\n", "before: x\n  worker one 0.0 .. 1.0  f() = 0\n"]
)
def test_text_that_is_no_history_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match="history"):
        timeline.parse(told)


def test_picture_is_well_formed_and_has_no_inline_style() -> None:
    picture = timeline.svg(timeline.parse(TOLD.replace("SETVAL, 3", "SETVAL, <3> & 'x'")))
    root = ElementTree.fromstring(picture)
    assert root.tag == "svg" and len(root.findall(".//rect")) == 4
    assert [g.get("class") for g in root.findall("g")].count("f") == 1
    assert "style=" not in picture
    texts = [one.text for one in root.findall("text")]
    assert texts == ["watcher", "worker 1", "worker 3", "worker 12"]


def run_stress(workload: str, *, mutant: str = "", until: str = "--seconds=20") -> tuple[int, list[dict[str, Any]]]:
    """What ipck-stress finds; the mutant is one of fault/mutants."""
    environment = dict(os.environ)
    if mutant:
        environment |= {"LD_PRELOAD": str(MUTANTS), "IPCK_MUTANT": mutant, "IPCK_TEST": workload}
    done = subprocess.run(
        [STRESS, until, workload], capture_output=True, text=True, env=environment, timeout=120
    )
    if done.returncode == 2:
        pytest.skip(done.stderr.strip() or done.stdout)
    workloads = [one for one in map(json.loads, done.stdout.splitlines()) if one["type"] == "workload"]
    for one in workloads:
        if "skipped" in one:
            pytest.skip(one["skipped"])
    return done.returncode, workloads


@NEEDS_STRESS
@pytest.mark.parametrize(
    ("workload", "mutant"),
    [
        ("history.sem", "semop_wakes_one"),
        ("history.sem", "semop_entry_by_entry"),
        ("history.undo", "semop_undo_of_waiters_lost"),
        ("history.msg", "msgrcv_message_is_for_all_who_wait"),
        ("history.mq", "mq_receive_lost_beside_others"),
        ("history.posix_sem", "sem_post_releases_two"),
        ("history.posix_sem", "sem_post_wakes_at_0_alone"),
        ("history.undo", "semop_last_comes_first"),
    ],
)
def test_broken_implementation_is_found(workload: str, mutant: str) -> None:
    status, (found,) = run_stress(workload, mutant=mutant)
    assert status == 1 and found["violations"] and "error" not in found, "nobody stays in a round that comes to no end"
    for violation in found["violations"]:
        history = timeline.parse(violation["details"])
        assert any(one.blamed for one in history.operations)
        assert ElementTree.fromstring(timeline.svg(history)).tag == "svg"


@NEEDS_STRESS
@pytest.mark.parametrize("workload", ["sem", "undo", "msg", "shm", "posix_sem", "mq"])
def test_right_implementation_passes(workload: str) -> None:
    status, (found,) = run_stress(f"history.{workload}", until="--operations=5000")
    assert status == 0 and found["operations"] > 0 and found["violations"] == []
    assert found["measured"]["undecided_histories"] == 0
