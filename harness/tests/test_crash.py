"""Tests that the program or its kernel does not get over: excused where the baseline lists it, and only there."""

import pytest

from ipck.targets import Test
from stubs import ADDS, ADDS_RAW, MAKES, TESTS, WAITS, World, end, result, run_line, start, whole

ONE = "--target=host-glibc"
DIES = "echo 'Kernel panic - not syncing' >&2; kill -SEGV $$"
PANIC = "the program was killed by SIGSEGV before its last line: Kernel panic - not syncing"


def crash(*requirements: str, verdict: str = "crash", more: str = "") -> str:
    """Entries for the test that waits."""
    return "".join(
        f'[[deviation]]\ntest = "{WAITS.id}"\nrequirement = "{name}"\nverdict = "{verdict}"\n'
        f'reason = "the kernel panics"\nreference = "commit 1"\nsince = "6.12"\n{more}\n'
        for name in requirements
    )


LISTED = crash(*WAITS.requirements)


def dies_in_waits(world: World, running: tuple[Test, ...] = (WAITS,)) -> None:
    """A program that dies while RUNNING, and then while it runs WAITS after the others of them; the rest passes."""
    others = [test for test in running if test is not WAITS]
    alone = [line for test in others for line in (start(test), result(test))]
    scripts = {
        TESTS: [run_line(), start(ADDS), result(ADDS), *map(start, running)],
        running: [run_line(), *alone, start(WAITS)],
        (ADDS_RAW, MAKES): whole([ADDS_RAW, MAKES]),
        (MAKES,): whole([MAKES]),
    }
    for tests, lines in scripts.items():
        (world.root / " ".join(test.id for test in tests)).write_text("\n".join(lines) + "\n")
    world.program(
        shell=f'lines="{world.root}/$(cat | xargs)"; cat "$lines"; grep -q \'"end"\' "$lines" || {{ {DIES}; }}'
    )


def test_listed_crash_is_a_known_deviation_and_no_fault(world: World) -> None:
    dies_in_waits(world)
    world.baseline(LISTED)
    done = world.ipck("run", ONE)
    assert done.returncode == 0, done.stdout
    assert world.outcomes() == {test.id: "known" if test is WAITS else "pass" for test in TESTS}
    assert not world.lines("error") and "ERROR" not in done.stdout
    assert world.lines("end")[0]["complete"]


def test_listed_crash_is_excused_where_others_were_running(world: World) -> None:
    dies_in_waits(world, (ADDS_RAW, WAITS))
    world.baseline(LISTED)
    done = world.ipck("run", ONE)
    assert done.returncode == 0, done.stdout
    assert world.outcomes()[WAITS.id] == "known" and world.outcomes()[ADDS_RAW.id] == "pass"
    assert not world.lines("error")


def test_listed_crash_in_the_last_test_cuts_no_run_short(world: World) -> None:
    world.program([run_line(), start(WAITS)], shell=DIES, tests=[WAITS])
    world.baseline(LISTED)
    assert world.ipck("run", ONE).returncode == 0
    assert world.lines("end")[0]["complete"] and not world.lines("error")
    assert "cut short" not in (world.out / "index.html").read_text()


@pytest.mark.parametrize(
    "listed",
    ["", crash("semop.eidrm"), crash(*WAITS.requirements, verdict="error"), crash(*WAITS.requirements, verdict="fail")],
    ids=["nothing", "one of two", "error", "fail"],
)
def test_other_crash_is_a_fault(listed: str, world: World) -> None:
    dies_in_waits(world)
    world.baseline(listed)
    done = world.ipck("run", ONE)
    assert done.returncode == 2
    assert world.outcomes()[WAITS.id] == "error"
    (fault,) = world.lines("error")
    assert (fault["message"], fault["tests"]) == (PANIC, [WAITS.id])


def test_end_that_the_listed_test_did_not_cause_is_a_fault(world: World) -> None:
    # The program dies between two tests, and then in the one that is listed.
    world.program(
        [run_line(), start(ADDS), result(ADDS)],
        shell='if [ -e "$here/again" ]; then cat "$here/waits"; else : >"$here/again"; cat "$lines"; fi\n' + DIES,
        tests=[ADDS, WAITS],
    )
    (world.build / "glibc/waits").write_text(f"{run_line()}\n{start(WAITS)}\n")
    world.baseline(LISTED)
    done = world.ipck("run", ONE)
    assert done.returncode == 2
    assert [fault["message"] for fault in world.lines("error")] == [PANIC]


def test_listed_crash_that_happens_no_more_is_red(world: World) -> None:
    world.program(whole())
    world.baseline(LISTED)
    done = world.ipck("run", ONE)
    assert done.returncode == 1
    assert world.outcomes()[WAITS.id] == "fixed"
    assert "FIXED" in done.stdout


@pytest.mark.parametrize(("verdict", "status"), [("fail", 1), ("unresolved", 2)])
def test_listed_crash_excuses_nothing_else(verdict: str, status: int, world: World) -> None:
    lines = [run_line(), *(result(test, verdict if test is WAITS else "pass") for test in TESTS), end(4)]
    world.program(lines)
    world.baseline(LISTED)
    assert world.ipck("run", ONE).returncode == status
    assert world.outcomes()[WAITS.id] in ("fail", "error")


def test_listed_crash_of_a_race_may_stay_away(world: World) -> None:
    world.program(whole())
    world.baseline(crash(*WAITS.requirements, more="intermittent = true\n"))
    assert world.ipck("run", ONE).returncode == 0


def test_test_that_was_not_reached_is_not_excused(world: World) -> None:
    world.program([run_line()], shell=DIES)
    world.baseline(LISTED)
    assert world.ipck("run", ONE).returncode == 2
    assert world.outcomes()[WAITS.id] == "error"
