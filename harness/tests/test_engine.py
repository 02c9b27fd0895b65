"""The engine against programs that misbehave: every selected test gets one result, and each oddity one fault."""

import json
import os
import time
from pathlib import Path
from threading import Timer

import pytest

from ipck.engine import Ended, Engine, Event, Options
from ipck.errors import IpckError
from ipck.results import NO_RESULT, Fault, RunInfo, TestResult
from ipck.stream import LONGEST_LINE, Lines
from ipck.targets import DEFAULT, TARGETS, Target, Test, Unavailable, choose, list_tests
from stubs import ADDS, ADDS_RAW, CATALOGUE, MAKES, TESTS, WAITS, World, end, result, run_line, short, start, whole

TARGET = Target("host-glibc", "glibc", "a stub")


class Run:
    """What came out of a run, sorted by kind."""

    def __init__(self, events: list[Event]) -> None:
        self.events = events
        self.info = [event for event in events if isinstance(event, RunInfo)]
        self.results = {event.test: event for event in events if isinstance(event, TestResult)}
        self.faults = [event.message for event in events if isinstance(event, Fault)]
        assert len(self.results) == len([event for event in events if isinstance(event, TestResult)]), "a result twice"
        ended = events[-1]
        assert isinstance(ended, Ended)
        self.complete = ended.complete

    @property
    def lost(self) -> list[str]:
        """Tests without a result of their own."""
        return [name for name, result in self.results.items() if result.status in NO_RESULT]


def run(world: World, tests: tuple[Test, ...] = TESTS, options: Options = Options(seed=7, grace=0.3)) -> Run:
    """Run the world's program."""
    return Run(list(Engine(TARGET, tests, options, world.build).events()))


def with_line(line: str | bytes, place: int = 3) -> list[str | bytes]:
    """A good run with one line more."""
    lines: list[str | bytes] = list(whole())
    return [*lines[:place], line, *lines[place:]]


def test_good_run(world: World) -> None:
    world.program(whole())
    done = run(world)
    assert list(done.results) == [test.id for test in TESTS] and not done.faults and done.complete
    assert done.info[0].libc == "stub 1"
    waits = done.results[WAITS.id]
    assert (waits.target, waits.outcome, waits.file, waits.line) == ("host-glibc", "pass", WAITS.file, 9)
    assert [(one.requirement, one.outcome, one.checks) for one in waits.verdicts] == [
        ("semop.eidrm", "pass", 1),
        ("semop.eintr", "pass", 1),
    ]


def test_program_gets_its_options_and_the_selection(world: World) -> None:
    world.program(whole([WAITS]), shell='echo "$@" >"$here/argv"; cat >"$here/select"')
    target = Target("t", "glibc", "", time_scale=2.0)
    options = Options(seed=99, jobs=3, time_scale=1.5, deadline=8.0, exact=True)
    list(Engine(target, [WAITS], options, world.build).events())
    argv = (world.build / "glibc/argv").read_text().split()
    assert argv == (
        "--json - --shuffle --seed 99 --jobs 3 --deadline 8 --time-scale 3 --exact-scale --select -".split()
    )
    assert (world.build / "glibc/select").read_text() == f"{WAITS.id}\n"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("garbage", "is not JSON: Expecting value, column 1"),
        ("", "is not JSON: Expecting value, column 1"),
        (result(MAKES)[:-20], "is not JSON: "),
        ("[1, 2]", "is not a JSON object"),
        ('{"type":"test"}\x00', "has a NUL byte"),
        (b'{"type":"start","test":"\xff\xfe"}', "is not UTF-8"),
        ('{"type":"party\x1b[31m"}', "is not JSON: Invalid control character at, column 15"),
        ('{"type":"par\\u001bty"}', "has the unknown type 'par\\\\x1bty'"),
        ('{"a":' * 100_000, "is nested too deeply"),
        ("1" * 5000, "xceeds the limit"),
        ('{"type":"start"}', "key 'test' is missing"),
        (start(Test("sysv.gone", "", 0, ())), "is about the test 'sysv.gone', which was not asked for"),
        (result(Test("sysv.gone", "", 0, ())), "is about the test 'sysv.gone', which was not asked for"),
        (result(ADDS), f"is about {ADDS.id}, which has a result already"),
        (start(ADDS), f"is about {ADDS.id}, which has a result already"),
        (result(MAKES, status="good"), "key 'status' must be one of: pass, fail, error, timeout, skip"),
        (
            result(MAKES, verdict="maybe", status="pass"),
            "key 'verdict' must be one of: pass, fail, unresolved, missing, ",
        ),
        (result(MAKES, requirements=3), "key 'requirements' must be a list of objects"),
        (result(MAKES, requirements=[3]), "key 'requirements' must be a list of objects"),
        (result(MAKES, requirements=[{"verdict": "pass"}]), "key 'verdicts' key 'requirement' must be a string"),
        (result(MAKES, requirements=[{"verdict": []}]), "key 'verdict' must be one of"),
        (result(MAKES, seconds="long"), "key 'seconds' must be a number"),
        (result(MAKES, line=-(2**70)), "key 'line' must be an integer"),
        (json.dumps({"type": "run", "schema": 2}), "has another schema than 1: rebuild the program"),
    ],
    ids=short,
)
def test_bad_line_is_one_fault_and_costs_nothing_else(line: str | bytes, problem: str, world: World) -> None:
    world.program(with_line(line))
    done = run(world)
    (fault,) = done.faults
    assert fault.startswith("line 4 of the output ") and problem in fault
    assert not done.lost and done.complete and len(fault) < 400


def test_second_start_of_a_running_test(world: World) -> None:
    world.program(with_line(start(WAITS), 6))
    done = run(world)
    assert done.faults == [f"line 7 of the output starts {WAITS.id} a second time"] and not done.lost


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (result(ADDS, colour="red", smell=1), ["has the unknown key 'colour'", "has the unknown key 'smell'"]),
        (
            result(ADDS, outcome="pass", verdicts=[]),
            ["has the unknown key 'outcome'", "has the unknown key 'verdicts'"],
        ),
        (
            result(ADDS, requirements=[{"id": "semop.adds", "verdict": "pass", "deviation": 1}]),
            ["has the unknown key 'deviation'"],
        ),
        (
            result(Test(ADDS.id, "", 0, ("semop.adds", "semop.adds"))),
            [f"has two verdicts of {ADDS.id} about one requirement"],
        ),
        (
            result(Test(ADDS.id, "", 0, ("semop.adds", "semget.new"))),
            [f"judges 'semget.new', which {ADDS.id} does not declare"],
        ),
    ],
    ids=short,
)
def test_odd_result_is_a_fault_and_still_counts(line: str, problem: list[str], world: World) -> None:
    lines = whole()
    world.program([*lines[:2], line, *lines[3:]])
    done = run(world)
    assert done.faults == [f"line 3 of the output {one}" for one in problem]
    assert done.results[ADDS.id].outcome == "pass" and not done.lost
    assert {one.requirement for one in done.results[ADDS.id].verdicts} == {"semop.adds"}


def test_unknown_key_of_a_line_without_a_result(world: World) -> None:
    begun = json.dumps({"type": "start", "test": ADDS.id, "why": 1})
    world.program([run_line(mood="good"), begun, *whole()[2:-1], json.dumps({"type": "end", "tests": 4, "x": 1})])
    done = run(world)
    assert done.faults == [
        "line 1 of the output has the unknown key 'mood'",
        "line 2 of the output has the unknown key 'why'",
        "line 10 of the output has the unknown key 'x'",
    ]
    assert done.info and done.complete


@pytest.mark.parametrize(("length", "whole_run"), [(LONGEST_LINE - 400, True), (LONGEST_LINE + 1, False)])
def test_line_that_is_too_long(length: int, whole_run: bool, world: World) -> None:
    lines = whole()
    world.program([*lines[:6], result(WAITS, output="x" * length), *lines[7:]])
    done = run(world)
    assert done.lost == ([] if whole_run else [WAITS.id])
    assert done.faults[:1] == ([] if whole_run else ["line 7 of the output is longer than 4 MiB"])


def test_lines_are_cut_right_whatever_the_pieces() -> None:
    data = b"one\n\ntwo" + b"x" * 10 + b"\n" + b"y" * 30
    for size in range(1, len(data)):
        lines = Lines()
        pieces = [data[at:][:size] for at in range(0, len(data), size)]
        out = [line for piece in pieces for line in lines.feed(piece)]
        assert out == [b"one", b"", b"two" + b"x" * 10] and lines.rest() == b"y" * 30


def test_endless_line_needs_no_endless_memory() -> None:
    lines = Lines()
    for _ in range(200):
        assert not lines.feed(b"x" * (LONGEST_LINE // 64))
    assert lines.rest() is None
    assert lines.feed(b"\nnext\n") == [None, b"next"] and lines.rest() == b""


def test_program_that_dies_names_the_culprit_and_the_rest_still_runs(world: World) -> None:
    # The second start gets a selection without the tests that are done or were running.
    rest = "\n".join([run_line(), start(MAKES), result(MAKES), end(1)])
    (world.root / "rest").write_text(rest + "\n")
    world.program(
        [run_line(), start(ADDS), result(ADDS), start(WAITS), start(ADDS_RAW), result(ADDS_RAW)],
        shell=f'if [ -e "$here/again" ]; then cat >"$here/select"; cat {world.root}/rest\n'
        'else : >"$here/again"; cat "$lines"; echo "assertion failed" >&2; kill -SEGV $$; fi',
    )
    done = run(world)
    assert done.lost == [WAITS.id] and done.complete
    why = "the program was killed by SIGSEGV before its last line"
    assert done.results[WAITS.id].reason == f"no result: {why} while this test was running"
    assert [one.verdict for one in done.results[WAITS.id].verdicts] == ["missing", "missing"]
    assert done.results[WAITS.id].status == "crashed" and done.faults == [f"{why}: assertion failed"]
    assert (world.build / "glibc/select").read_text() == f"{MAKES.id}\n"


def test_of_several_tests_in_flight_the_culprit_is_found(world: World) -> None:
    # First all three are in flight; then the two that had no result come alone, and WAITS kills the program again.
    world.program(
        shell='n=$(cat "$here"/select* 2>/dev/null | grep -c .); cat >"$here/select.$n"; '
        'echo "$@" >"$here/argv.$n"; cat "$here/out.$n"'
    )
    outs = {
        0: [run_line(), start(ADDS), start(WAITS), start(MAKES), result(ADDS)],
        4: [run_line(), start(WAITS), result(WAITS), start(MAKES)],
        6: [run_line(), start(ADDS_RAW), result(ADDS_RAW), end(1)],
    }
    folder = world.build / "glibc"
    for number, lines in outs.items():
        (folder / f"out.{number}").write_text("\n".join(lines) + "\n")
    done = run(world)
    assert done.lost == [MAKES.id] and len(done.results) == 4 and done.complete
    assert {path.name: path.read_text().split() for path in folder.glob("select.*")} == {
        "select.0": [test.id for test in TESTS],
        "select.4": [WAITS.id, MAKES.id],
        "select.6": [ADDS_RAW.id],
    }
    jobs = {number: "--jobs 1" in (folder / f"argv.{number}").read_text() for number in outs}
    assert jobs == {0: False, 4: True, 6: False}


def test_suspects_that_kill_together_again_are_all_lost(world: World) -> None:
    world.program([run_line(), start(ADDS), start(WAITS)], shell='echo x >>"$here/starts"; exit 3')
    done = run(world, (ADDS, WAITS))
    assert done.lost == [ADDS.id, WAITS.id] and (world.build / "glibc/starts").read_text() == "x\nx\n"
    assert all(result.reason.endswith("while this test was running") for result in done.results.values())


def test_program_that_always_dies_is_not_started_for_ever(world: World) -> None:
    world.program([], shell='echo x >>"$here/starts"; kill -9 $$')
    done = run(world)
    assert sorted(done.lost) == sorted(test.id for test in TESTS) and not done.complete
    assert (world.build / "glibc/starts").read_text() == "x\n"
    assert done.results[ADDS.id].reason.endswith("killed by SIGKILL before its last line before this test began")


def test_program_that_dies_now_and_then_is_started_as_often_as_it_takes(world: World) -> None:
    tests = tuple(Test(f"sysv.t{number}", "", 0, ("semop.adds",)) for number in range(40))
    good = '{"type":"start","test":"%s"}\\n{"type":"test","test":"%s","status":"pass","requirements":[]}\\n'
    shell = (
        f"read -r first; read -r second; printf '{good}' $first $first; echo x >>\"$here/starts\"\n"
        '[ -z "$second" ] || printf \'{"type":"start","test":"%s"}\\n\' $second; exit 3'
    )
    world.program([run_line()], shell)
    done = run(world, tests)
    assert len((world.build / "glibc/starts").read_text().split()) == 20 and len(done.lost) == 20


def test_program_that_dies_in_each_test_gets_few_starts(world: World) -> None:
    tests = tuple(Test(f"sysv.t{number}", "", 0, ("semop.adds",)) for number in range(20))
    shell = 'read -r first; printf \'{"type":"start","test":"%s"}\\n\' $first; echo x >>"$here/starts"; exit 3'
    world.program([run_line()], shell)
    done = run(world, tests)
    assert len((world.build / "glibc/starts").read_text().split()) == 8 and len(done.lost) == 20
    assert done.faults == ["the program exited with status 3 before its last line"] * 8


@pytest.mark.parametrize("cut", range(0, 900, 53))
def test_output_cut_anywhere_gives_every_test_one_result(cut: int, world: World) -> None:
    world.program([], shell=f'[ -e "$here/again" ] && exit 2; : >"$here/again"; head -c {cut} "$lines"')
    (world.build / "glibc/lines").write_text("\n".join(whole()) + "\n")
    done = run(world)
    assert len(done.results) == 4 and done.faults


def test_torn_last_line_is_a_fault_of_its_own(world: World) -> None:
    world.program(whole()[:-1], shell="printf '{\"type\":\"en'")
    done = run(world)
    assert done.faults == ["line 10 of the output is cut short", "the program ended before its last line"]
    assert not done.lost and not done.complete


def test_silent_program_is_killed_and_what_came_is_kept(world: World) -> None:
    world.program([run_line(), start(ADDS), result(ADDS), start(WAITS)], shell="sleep 60")
    began = time.monotonic()
    done = run(world, (ADDS, WAITS))
    assert time.monotonic() - began < 5
    assert done.lost == [WAITS.id] and done.results[ADDS.id].outcome == "pass"
    why = "the program gave no usable line for 0.4 s and was killed"
    assert done.results[WAITS.id].reason == f"no result: {why} while this test was running"
    assert done.faults == [why]


def test_noise_does_not_pass_for_life(world: World) -> None:
    world.program([run_line(), start(WAITS)], shell="while :; do echo noise; sleep 0.02; done")
    done = run(world, (WAITS,))
    assert done.lost == [WAITS.id] and "gave no usable line" in done.faults[-1]


def test_flood_of_bad_lines_is_cut_to_a_few_faults(world: World) -> None:
    lines = whole()
    world.program([*lines[:-1], *["noise"] * 5000, lines[-1]])
    done = run(world)
    assert len(done.faults) == 50 and done.faults[-1] == "more such faults, not shown"
    assert not done.lost and done.complete


def test_program_that_ignores_the_request_to_end_is_killed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ipck.process._TO_CLEAN_UP", 0.2)
    world.program([run_line()], shell='trap "" TERM; echo $$ >"$here/pid"; while :; do sleep 0.05; done')
    done = run(world, (WAITS,))
    assert done.lost == [WAITS.id]
    with pytest.raises(ProcessLookupError):
        os.kill(int((world.build / "glibc/pid").read_text()), 0)


def test_program_that_is_to_end_gets_the_time_to_clean_up(world: World) -> None:
    tidy = 'trap "sleep 0.2; echo done >\\"$here/tidied\\"; exit 1" TERM; cat "$lines"; while :; do sleep 0.01; done'
    world.program([run_line()], tidy)
    run(world, (WAITS,))
    assert (world.build / "glibc/tidied").exists()


def test_program_that_closes_its_output_and_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ipck.process._TO_EXIT", 0.2)
    world.program(whole(), shell="exec >&- 2>&-; sleep 60")
    done = run(world)
    assert done.faults == ["the program closed its output and did not end after its last line"] and not done.lost


def test_child_that_keeps_the_output_open_is_not_waited_for(world: World) -> None:
    world.program(whole(), shell='sleep 60 & echo $! >"$here/pid"')
    began = time.monotonic()
    done = run(world)
    assert time.monotonic() - began < 5 and not done.faults and not done.lost
    pid = (world.build / "glibc/pid").read_text().strip()
    until = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z":
        assert time.monotonic() < until, "what the program left behind is still there"


def test_death_after_the_last_line_is_told(world: World) -> None:
    world.program(whole(), shell="kill -ABRT $$")
    assert run(world).faults == ["the program was killed by SIGABRT after its last line"]


@pytest.mark.parametrize(("status", "faults"), [(0, 0), (1, 0), (2, 0), (3, 1), (127, 1)])
def test_exit_status(status: int, faults: int, world: World) -> None:
    world.program(whole(), shell=f"exit {status}")
    assert len(run(world).faults) == faults


def test_line_after_the_last_line(world: World) -> None:
    world.program([*whole(), start(ADDS)])
    assert run(world).faults == ["line 11 of the output comes after the last line"]


def test_last_line_that_counts_wrong(world: World) -> None:
    world.program([*whole()[:-1], end(5)])
    assert run(world).faults == ["line 10 of the output counts 5 tests, but 4 gave a result"]


def test_test_that_is_left_out_is_lost(world: World) -> None:
    world.program(whole([ADDS, WAITS, MAKES]))
    done = run(world)
    assert done.lost == [ADDS_RAW.id] and done.results[ADDS_RAW.id].status == "lost"
    assert done.results[ADDS_RAW.id].reason == "no result: the program ended before this test began"


def test_much_on_stderr_does_not_block(world: World) -> None:
    world.program(whole()[:-1], shell="head -c 1000000 /dev/zero | tr '\\0' x >&2; echo the end >&2; exit 2")
    (fault,) = run(world).faults
    assert fault.startswith("the program ended before its last line: xxx") and fault.endswith("the end")
    assert len(fault) < 5000


def test_stderr_cannot_steer_the_terminal(world: World) -> None:
    world.program([], shell="printf '\\033[2J\\377' >&2; exit 2")
    assert run(world).faults == ["the program ended before its last line: \\x1b[2J\\xff"]


def test_output_of_a_test_cannot_steer_the_terminal(world: World) -> None:
    world.program([*whole()[:2], result(ADDS, output="\x1b[2J\0\ud800"), *whole()[3:]])
    assert run(world).results[ADDS.id].output == "\\x1b[2J\\x00\\ud800"


def test_program_that_vanishes(world: World) -> None:
    done = run(world)
    assert done.faults == ["the program cannot be executed (No such file or directory)"] and len(done.lost) == 4


def test_run_can_be_stopped_and_loses_no_result(world: World) -> None:
    world.program([run_line(), start(ADDS), result(ADDS), start(WAITS)], shell="sleep 60")
    engine = Engine(TARGET, TESTS, Options(), world.build)
    events: list[Event] = []
    began = time.monotonic()
    for event in engine.events():
        events.append(event)
        if isinstance(event, TestResult):
            engine.stop()
    done = Run(events)
    assert time.monotonic() - began < 5 and not done.complete
    assert list(done.results) == [ADDS.id] and done.faults == ["the run was stopped"]


def test_job_whose_processes_are_all_ended_loses_no_result(world: World) -> None:
    """A batch system sends the signal to the program, which is quicker, and to us."""
    world.program([run_line(), start(ADDS), result(ADDS), start(WAITS)], shell="kill -TERM $$")
    engine = Engine(TARGET, TESTS, Options(), world.build)
    stopper = Timer(0.3, engine.stop)
    events = []
    for event in engine.events():
        events.append(event)
        if isinstance(event, TestResult):
            stopper.start()
    done = Run(events)
    assert list(done.results) == [ADDS.id] and done.faults == ["the run was stopped"]


def test_run_that_nobody_reads_to_its_end_leaves_no_program(world: World) -> None:
    world.program([run_line()], shell='echo $$ >"$here/pid"; cat "$lines"; exec sleep 60')
    events = Engine(TARGET, TESTS, Options(), world.build).events()
    assert isinstance(next(events), RunInfo)
    events.close()  # type: ignore[attr-defined]
    with pytest.raises(ProcessLookupError):
        os.kill(int((world.build / "glibc/pid").read_text()), 0)


# What the program says it holds


def listed(world: World, text: bytes) -> list[str]:
    """The messages about a program that answers --list with TEXT."""
    world.program()
    (world.build / "glibc/list").write_bytes(text)
    with pytest.raises(IpckError) as caught:
        list_tests(TARGET, CATALOGUE, world.build)
    return list(caught.value.messages)


def test_tests_are_listed(world: World) -> None:
    world.program()
    assert tuple(list_tests(TARGET, CATALOGUE, world.build)) == TESTS


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"sem.a\ta.c:1\tsemop.gone\n", "test sem.a (a.c:1) names the unknown requirement 'semop.gone': add it to"),
        (
            b"sem.a\ta.c:1\tsemop.adds\nsem.a\ta.c:2\tsemop.adds\n",
            "line 2 of --list: test sem.a is listed twice: rebuild",
        ),
        (b"sem.a a.c:1 semop.adds\n", "line 1 of --list: is not ID<TAB>FILE:LINE<TAB>REQUIREMENTS"),
        (b"sem a\ta.c:1\tsemop.adds\n", "line 1 of --list: is not ID"),
        (b"sem.a\ta.c\tsemop.adds\n", "line 1 of --list: is not ID"),
        (b"\nsem.a\ta.c:1\tsemop.adds\tx\n", "line 2 of --list: is not ID"),
        (b"sem.\xff\ta.c:1\tsemop.adds\n", "line 1 of --list: is not ID"),
        (b"sem.a\t\x1b[2J:1\tsemop.adds\n", "line 1 of --list: is not ID"),
        (b"", "holds no tests: rebuild it"),
    ],
    ids=short,
)
def test_bad_list_is_named_with_its_line(text: bytes, problem: str, world: World) -> None:
    (message,) = listed(world, text)
    assert message.startswith("target host-glibc: ") and problem in message


def unavailable(world: World, target: Target = TARGET) -> str:
    """Why the target cannot run."""
    with pytest.raises(Unavailable) as caught:
        list_tests(target, CATALOGUE, world.build)
    return str(caught.value)


def test_program_that_is_not_built(world: World) -> None:
    program = world.build / "glibc/ipck-tests"
    assert unavailable(world) == f"{program} is not built: run make {program}"


def test_program_that_is_not_executable(world: World) -> None:
    world.program().chmod(0o644)
    assert unavailable(world).endswith("ipck-tests is not executable: rebuild it with make")


def test_program_of_another_machine(world: World) -> None:
    world.program().write_bytes(b"\x7fELF nonsense")
    assert "cannot be executed here (Exec format error)" in unavailable(world)


def test_program_whose_loader_is_missing(world: World) -> None:
    world.program().write_text("#!/lib/no-such-loader\n")
    assert "cannot be executed here (No such file or directory)" in unavailable(world)


def test_prefix_that_is_missing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(world.root))  # a folder of PATH that may not be searched would be another error
    world.program()
    assert unavailable(world, Target("t", "glibc", "", prefix=("no-such-emulator",))) == (
        "no-such-emulator: No such file or directory: install it"
    )


def test_program_that_refuses_to_list(world: World) -> None:
    world.program().write_text("#!/bin/sh\necho 'no \033[31mnamespaces' >&2; exit 2\n")
    assert unavailable(world).endswith("ipck-tests --list failed: no \\x1b[31mnamespaces")


def test_unknown_target_is_told_with_the_known_ones() -> None:
    with pytest.raises(IpckError, match="unknown target 'host-vax'; known targets: default, matrix, all, host-"):
        choose(["host-glibc", "host-vax"])
    chosen = choose(["host-musl", "host-glibc,host-musl"])
    assert [(one.target.name, one.by_name) for one in chosen] == [("host-musl", True), ("host-glibc", True)]


def test_groups_stand_for_their_targets_of_which_none_need_be_there() -> None:
    chosen = choose(["host-musl", "default"])
    assert [one.target.name for one in chosen if one.by_name] == ["host-musl"]
    assert {one.target.name for one in chosen} == set(DEFAULT) and choose([]) == choose(["default"])
    assert {one.target.name for one in choose(["all"])} == set(TARGETS)
    assert {one.target.name for one in choose(["matrix"])} == {one.name for one in TARGETS.values() if one.usual}


def test_targets_of_one_name_are_refused() -> None:
    with pytest.raises(IpckError, match="two targets would be called kernel-bzImage: run them one after the other"):
        choose(["kernel:a/bzImage", "kernel:b/bzImage"])
    assert len(choose(["kernel:a/bzImage", "kernel:a/bzImage"])) == 1
