"""Commands between the program and the kernel: what becomes of their words, their faults and their remains."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipck import targets
from ipck.engine import Ended, Engine, Options
from ipck.errors import IpckError
from ipck.results import Fault, TestResult
from ipck.targets import TARGETS, Target, Unavailable, choose, list_tests
from ipck.targets.wrapped import fill
from stubs import ADDS, ADDS_RAW, CATALOGUE, TESTS, WAITS, World, result, run_line, short, start, whole

KILLED_PROGRAM = "the program was killed by signal 9 before its last line"
PROMPTLY = Options(seed=7, grace=0.5)


def wrap(command: str) -> Target:
    """The target of `--wrap COMMAND`."""
    (choice,) = choose([f"wrap:{command}"])
    return choice.target


def outcome(world: World, target: Target, options: Options = PROMPTLY) -> tuple[dict[str, str], list[str], bool]:
    """The status of each test, the faults, and whether the run was complete."""
    events = list(Engine(target, TESTS, options, world.build).events())
    results = {event.test: event.status for event in events if isinstance(event, TestResult)}
    faults = [event.message for event in events if isinstance(event, Fault)]
    ended = events[-1]
    assert isinstance(ended, Ended) and len(results) == len(TESTS)
    return results, faults, ended.complete


# The words of a command


@pytest.mark.parametrize(
    ("command", "filled"),
    [
        (["nice"], ["nice", "a program", "--list"]),
        (["nice", "{}"], ["nice", "a program", "--list"]),
        (["env", "{}", "--more"], ["env", "a program", "--list", "--more"]),
        (["sh", "-c", "exec {} 2>&1"], ["sh", "-c", "exec 'a program' --list 2>&1"]),
    ],
    ids=short,
)
def test_braces_stand_for_the_program(command: list[str], filled: list[str]) -> None:
    assert fill(command, ["a program", "--list"]) == tuple(filled)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("proot {}", "wrap-proot"),
        ("/usr/bin/setarch -R", "wrap-setarch-R"),
        ("faketime '2040-01-01 00:00' {}", "wrap-faketime-2040-01-01-00-00"),
        ("sh -c 'exec {}'", "wrap-sh-c"),
        ("env " + 50 * "A=1 ", "wrap-env-A-1-A-1-A-1-A-1-A-1-A-1-A-1-A-1-A-1-A-1-A-1-A-1-A-1"[:60].rstrip("-")),
    ],
    ids=short,
)
def test_name_is_made_from_the_command(command: str, name: str) -> None:
    assert wrap(command).name == name


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("", "wrap:: names no command: write for example 'wrap:proot -0 {}'"),
        ("{} -x", "wrap:{} -x: names no command"),
        ("sh -c 'exec {}", "wrap:sh -c 'exec {}: No closing quotation: quote it as for a shell"),
    ],
    ids=short,
)
def test_bad_command_is_refused(command: str, problem: str) -> None:
    with pytest.raises(IpckError) as caught:
        wrap(command)
    assert str(caught.value).startswith(problem)


def test_command_that_is_not_there_is_named(world: World) -> None:
    world.program()
    with pytest.raises(Unavailable, match="^no-such-wrapper: there is no such command: install it, or correct"):
        list_tests(wrap("no-such-wrapper -x {}"), CATALOGUE, world.build)


def test_program_is_listed_without_the_command(world: World) -> None:
    world.program()
    assert tuple(list_tests(wrap("false {}"), CATALOGUE, world.build)) == TESTS


# Commands that do more or less than they should


def test_command_runs_the_program_with_its_options(world: World) -> None:
    world.program(whole(), shell='echo "$@" >"$here/argv"; cat "$lines"')
    results, faults, complete = outcome(world, wrap("env -u NOTHING sh -c 'exec {}'"))
    assert set(results.values()) == {"pass"} and not faults and complete
    assert (world.build / "glibc/argv").read_text() == "--json - --shuffle --seed 7 --time-scale 1 --select -\n"


def test_command_that_eats_the_output(world: World) -> None:
    world.program(whole())
    results, faults, complete = outcome(world, wrap("sh -c '{} >/dev/null'"))
    assert set(results.values()) == {"lost"} and not complete
    assert faults[0] == "the program ended before its last line"


def test_command_that_says_why_it_does_not_start(world: World) -> None:
    world.program(whole())
    results, faults, _ = outcome(world, wrap("sh -c 'echo no room for {} >&2; exit 125'"))
    assert set(results.values()) == {"lost"}
    assert faults[0].startswith("the program exited with status 125 before its last line: no room for ")


def test_command_that_changes_the_output(world: World) -> None:
    world.program(whole())
    results, faults, _ = outcome(world, wrap("sh -c '{} | tr t T'"))
    assert set(results.values()) == {"lost"}
    assert "key 'type' " in faults[0] or "has the unknown type" in faults[0] or "is not" in faults[0]


def test_command_that_adds_to_the_output(world: World) -> None:
    world.program(whole())
    results, faults, complete = outcome(world, wrap("sh -c 'echo Welcome; exec {}'"))
    assert set(results.values()) == {"pass"} and complete
    assert faults == ["line 1 of the output is not JSON: Expecting value, column 1"]


def test_command_that_exits_early_names_the_test_that_ran(world: World) -> None:
    world.program([run_line(), start(ADDS), result(ADDS), start(WAITS), "", "", ""])
    results, _, complete = outcome(world, wrap("sh -c '{} | head -n 4; exit 3'"))
    assert results[ADDS.id] == "pass" and results[WAITS.id] == "crashed" and not complete


def test_wrapper_may_have_a_baseline_of_its_own(world: World) -> None:
    world.program(whole())
    known = '[[deviation]]\ntest = "sysv.sem.semop.adds"\nrequirement = "semop.adds"\nverdict = "fail"\n'
    world.baseline(f'{known}reason = "all"\nreference = "none"\nsince = "ever"\n', "wrap")
    assert world.ipck("run", "--wrap", "env {}").returncode == 1  # it passes, and is listed
    world.baseline("", "wrap-env")
    assert world.ipck("run", "--wrap", "env {}").returncode == 0


# gVisor, as far as a stub can tell

RUNSC = """#!/bin/sh
if [ "$1" = --version ]; then echo "runsc version 0.0~$RELEASE.0"; exit; fi
while [ "$1" != do ]; do shift; done
shift
%s
"""


@pytest.fixture
def runsc(tmp_path: Path) -> Path:
    """A stub that runs the program on this machine."""
    return stub(tmp_path, 'exec "$@"')


def stub(folder: Path, does: str) -> Path:
    """A stub of runsc."""
    path = folder / "runsc"
    path.write_text(RUNSC % does)
    path.chmod(0o755)
    return path


def sandbox(path: Path) -> Target:
    """The target of `--runsc PATH`."""
    (choice,) = choose([f"runsc:{path}"])
    return choice.target


def test_sandbox_runs_the_program(world: World, runsc: Path) -> None:
    world.program(whole(), shell='echo "$@" >"$here/argv"; cat "$lines"', flavour="glibc-static")
    results, faults, complete = outcome(world, sandbox(runsc), Options(seed=7, grace=0.5, jobs=3))
    assert set(results.values()) == {"pass"} and not faults and complete
    argv = (world.build / "glibc-static/argv").read_text()
    assert argv == "--shared-mounts --jobs 16 --json - --shuffle --seed 7 --jobs 3 --time-scale 0.5 --select -\n"


def test_program_that_dies_is_told_from_its_sandbox(world: World, runsc: Path) -> None:
    world.program([run_line(), start(WAITS)], shell="kill -9 $$", flavour="glibc-static")
    results, faults, _ = outcome(world, sandbox(runsc))
    assert faults[0] == f"{KILLED_PROGRAM}: Killed" and results[WAITS.id] == "crashed"


def test_program_with_a_status_of_its_own(world: World, runsc: Path) -> None:
    world.program([run_line()], shell="exit 70", flavour="glibc-static")
    _, faults, _ = outcome(world, sandbox(runsc))
    assert faults[0] == "the program exited with status 70 before its last line"


def test_sandbox_that_dies_is_told_from_the_program(world: World, tmp_path: Path) -> None:
    runs = f': >"{tmp_path}/running"; exec sleep 60'
    world.program([run_line(), start(WAITS)], shell=f'cat "$lines"; {runs}', flavour="glibc-static")
    dies = stub(tmp_path, f'"$@" & until [ -e "{tmp_path}/running" ]; do :; done; echo panic: nil >&2; exit 128')
    results, faults, _ = outcome(world, sandbox(dies))
    assert faults[0] == "the sandbox exited with status 128 before its last line: panic: nil"
    assert results[WAITS.id] == "crashed"


def test_sandbox_that_does_not_start(world: World, tmp_path: Path) -> None:
    world.program(whole(), flavour="glibc-static")
    refuses = stub(tmp_path, "echo cannot create sandbox: EPERM >&2; exit 128")
    results, faults, _ = outcome(world, sandbox(refuses))
    assert faults[0] == "the sandbox exited with status 128 before its last line: cannot create sandbox: EPERM"
    assert set(results.values()) == {"lost"}


def test_runsc_that_is_not_there(world: World) -> None:
    world.program(flavour="glibc-static")
    with pytest.raises(Unavailable, match="^/no/such/runsc is not here$"):
        list_tests(sandbox(Path("/no/such/runsc")), CATALOGUE, world.build)


def test_runsc_of_another_release_is_not_taken(world: World, runsc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.program(flavour="glibc-static")
    monkeypatch.setenv("PATH", f"{runsc.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(targets.wrapped, "fetched", lambda suite, package: runsc.parent / "nothing")
    target = TARGETS["gvisor-2024"]
    monkeypatch.setenv("RELEASE", "20240729")
    target.check(world.build)
    monkeypatch.setenv("RELEASE", "20221219")
    with pytest.raises(Unavailable, match="^runsc 20240729 is not here: run scripts/get-debian trixie runsc$"):
        target.check(world.build)


KILLED = """
import sys
from pathlib import Path
from ipck.engine import Engine, Options
from ipck.targets import choose
from stubs import TESTS
target = choose([sys.argv[1]])[0].target
for event in Engine(target, TESTS, Options(), Path(sys.argv[2])).events():
    print(event, flush=True)
"""


@pytest.fixture
def harness(world: World) -> Iterator[list["subprocess.Popen[str]"]]:
    """Harnesses to kill."""
    started: list["subprocess.Popen[str]"] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def kill_the_harness(world: World, target: str, started: list["subprocess.Popen[str]"]) -> None:
    """Kill -9 a harness as soon as its program has said something."""
    environment = world.environment()
    environment["PYTHONPATH"] += f":{Path(__file__).parent}"
    command = (sys.executable, "-c", KILLED, target, str(world.build))
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    started.append(process)
    assert process.stdout and "RunInfo" in process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()


def free_soon(path: Path) -> bool:
    """Whether no process has the lock any more, within some seconds."""
    with path.open() as file:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                time.sleep(0.01)
    return False


def test_nothing_outlives_a_harness_that_was_killed(
    world: World, runsc: Path, harness: list["subprocess.Popen[str]"]
) -> None:
    holds = 'exec 9>"$here/lock"; flock 9; cat "$lines"; setsid sleep 600 & sleep 600'
    world.program([run_line()], shell=holds, flavour="glibc-static")
    kill_the_harness(world, f"runsc:{runsc}", harness)
    assert free_soon(world.build / "glibc-static/lock")


# gVisor itself, where it is


def real(world: World) -> Target:
    """The newest that is here."""
    for name in ("gvisor-2024", "gvisor-2022"):
        try:
            world.program(flavour="glibc-static")
            TARGETS[name].check(world.build)
            return TARGETS[name]
        except Unavailable:
            pass
    pytest.skip("no runsc is here: scripts/get-debian trixie runsc fetches one")


def commands_with(word: str) -> list[str]:
    """The command lines of this machine's processes in which WORD occurs."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if word in command:
            found.append(command)
    return found


def test_gvisor_runs_a_program_and_keeps_the_machine_as_it_is(world: World) -> None:
    target = real(world)
    canary = world.root / "canary"
    canary.write_text("kept")
    writes = f'echo spoilt >"{canary}"; rm "$here/list"; echo new >"{world.root}/new"; cat "{canary}" >&2'
    world.program(whole(), shell=f'cat "$lines"; {writes}', flavour="glibc-static")
    results, faults, complete = outcome(world, target)
    assert set(results.values()) == {"pass"} and not faults and complete
    assert canary.read_text() == "kept" and not (world.root / "new").exists()
    assert (world.build / "glibc-static/list").exists()


def test_gvisor_tells_how_a_program_ended(world: World) -> None:
    target = real(world)
    world.program([run_line(), start(ADDS_RAW)], shell="kill -9 $$", flavour="glibc-static")
    _, faults, _ = outcome(world, target)
    assert faults[0] == f"{KILLED_PROGRAM}: Killed"


def test_gvisor_leaves_nothing_when_the_harness_is_killed(
    world: World, harness: list["subprocess.Popen[str]"]
) -> None:
    target = real(world)
    world.program([run_line()], shell='cat "$lines"; exec sleep 600', flavour="glibc-static")
    before = sorted(path.name for path in Path("/run").iterdir())
    kill_the_harness(world, target.name, harness)
    until = time.monotonic() + 20
    while commands_with(str(world.build)) and time.monotonic() < until:
        time.sleep(0.01)
    assert not commands_with(str(world.build))
    assert sorted(path.name for path in Path("/run").iterdir()) == before
    assert str(world.root) not in Path("/proc/mounts").read_text()
