"""ipck inject: the library that makes calls fail, and the command around it."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from ipck import calls
from ipck.errors import IpckError
from ipck.faults import program
from ipck.faults.scenario import parse
from ipck.tree import BUILD, ROOT

CALLER = BUILD / "glibc" / "caller"
LIBRARY = BUILD / "glibc" / "ipck-fault.so"
TABLE = calls.load()
UNSHARE = ("unshare", "--user", "--map-root-user", "--ipc", "--mount")
APART = (*UNSHARE, "sh", "-c", 'mount -t tmpfs none /dev/shm; exec "$@"', "-")
UNTOUCHED = "ERANGE"


@dataclass(frozen=True)
class Ran:
    """How the caller ended, what it printed, and what the library logged."""

    status: int
    calls: list[str]
    err: str
    log: list[dict[str, object]]

    @property
    def results(self) -> str:
        """The errors of its calls in order, '-' for each that worked."""
        return " ".join("-" if line.endswith(UNTOUCHED) else line.split()[-1] for line in self.calls)


def run(
    tmp_path: Path,
    scenarios: str,
    words: Sequence[str],
    preload: Sequence[Path] = (LIBRARY,),
    inside: Sequence[str] = (),
    **more: str,
) -> Ran:
    """Let the caller make the calls WORDS under SCENARIOS, apart from all else; INSIDE is a command around it."""
    log = tmp_path / "log"
    log.unlink(missing_ok=True)
    environment = os.environ | {"IPCK_FAULT": scenarios, "IPCK_FAULT_LOG": str(log), **more}
    argv = (*APART, *inside, "env", f"LD_PRELOAD={':'.join(map(str, preload))}", str(CALLER), *words)
    ended = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=30)
    lines = log.read_text().splitlines() if log.exists() else []
    return Ran(ended.returncode, ended.stdout.splitlines(), ended.stderr, [json.loads(line) for line in lines])


# ---- the grammar, in C and in Python ----

GOOD = (
    "sysv/sem/semop",
    "sysv/*",
    "*",
    "sysv/sem/semop:errno=EIDRM",
    "sysv/sem/semop:interrupt",
    "sysv/sem/semop:interrupt=USR1",
    "sysv/sem/semop:interrupt=SIGUSR1",
    "sysv/sem/semop:kill=entry",
    "sysv/sem/semop:kill=blocked",
    "sysv/sem/semop:kill=after",
    "sysv/sem/semop:step=1",
    "sysv/sem/semop:step=2147483647:nth=2",
    "sysv/ftok:delay=3ms",
    "sysv/ftok:delay=7us",
    "sysv/ftok:delay=1000000s",
    "sysv/ftok:nth=3",
    "sysv/ftok:nth=3+",
    "sysv/ftok:nth=3+2",
    "sysv/ftok:nth=3..9",
    "sysv/ftok:nth=3..9+2",
    "sysv/ftok:nth=3..3+",
    "sysv/ftok:probability=0.25",
    "sysv/ftok:probability=.5",
    "sysv/ftok:probability=1",
    "sysv/ftok:probability=0",
    "sysv/ftok:count=thread",
    "sysv/ftok:count=tree",
    "sysv/ftok:count=process:errno=EIO:nth=2:delay=1ms",
)
BAD = (
    "",
    "sysv/sem",
    "semop",
    "sysv/*/semop",
    "sysv/ftok:",
    "sysv/ftok:errno",
    "sysv/ftok:errno=",
    "sysv/ftok:errno=ENOSUCH",
    "sysv/ftok:errno=5",
    "sysv/sem/semop:interrupt=KILL",
    "sysv/sem/semop:interrupt=NOSUCH",
    "sysv/ftok:kill",
    "sysv/ftok:kill=now",
    "sysv/ftok:step",
    "sysv/ftok:step=0",
    "sysv/ftok:step=x",
    "sysv/ftok:step=1+",
    "sysv/ftok:step=2147483648",
    "sysv/ftok:step=1:errno=EIO",
    "sysv/ftok:delay=3",
    "sysv/ftok:delay=ms",
    "sysv/ftok:delay=1000001s",
    "sysv/ftok:nth=0",
    "sysv/ftok:nth=",
    "sysv/ftok:nth=+",
    "sysv/ftok:nth=5..3",
    "sysv/ftok:nth=3..",
    "sysv/ftok:nth=3+0",
    "sysv/ftok:nth=3x",
    "sysv/ftok:nth=18446744073709551616",
    "sysv/ftok:probability=1.5",
    "sysv/ftok:probability=x",
    "sysv/ftok:probability=",
    "sysv/ftok:probability=.",
    "sysv/ftok:count=all",
    "sysv/ftok:nth=1:nth=2",
    "sysv/ftok:errno=EIO:kill=entry",
    "sysv/ftok:hurry",
)


def in_c(text: str) -> tuple[int, str]:
    """The exit status of the library's parser, and how it reads TEXT."""
    ended = subprocess.run((BUILD / "glibc" / "scenarios", text), capture_output=True, text=True)
    return ended.returncode, ended.stdout.rstrip("\n")


@pytest.mark.parametrize("text", GOOD)
def test_library_and_command_read_a_scenario_alike(text: str) -> None:
    (one,) = parse([text], TABLE, force=True)
    fields = (
        " ".join(call.point for call in one.calls), f"{one.action} {one.moment}".strip(), one.error, one.signal,
        one.delay, one.first, one.last, one.step, f"{one.probability:g}", one.count, one.kernel_step,
    )  # fmt: skip
    assert in_c(text) == (0, ",".join(map(str, fields)))


@pytest.mark.parametrize("text", [text for text in BAD if text])
def test_library_and_command_refuse_alike(text: str) -> None:
    with pytest.raises(IpckError):
        parse([text], TABLE, force=True)
    status, said = in_c(text)
    assert status == 1 and said


def test_library_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    ran = run(tmp_path, "sysv/ftok:nth=x", ["ftok"])
    assert (ran.status, ran.calls, ran.err) == (125, [], "ipck: IPCK_FAULT: no such value: 'nth=x'\n")


# ---- which calls ----


@pytest.mark.parametrize(
    ("options", "failing"),
    [
        ("", "1 2 3 4 5 6 7 8"),
        (":nth=3", "3"),
        (":nth=7+", "7 8"),
        (":nth=2+3", "2 5 8"),
        (":nth=2..5", "2 3 4 5"),
        (":nth=2..6+2", "2 4 6"),
        (":probability=0", ""),
    ],
)
def test_the_calls_that_were_asked_for_fail(tmp_path: Path, options: str, failing: str) -> None:
    ran = run(tmp_path, f"sysv/ftok:errno=EIO{options}", ["ftok"] * 8)
    assert ran.results.split() == ["EIO" if str(n) in failing.split() else "-" for n in range(1, 9)]
    fired = [(line["n"], line["errno"], line["fired"]) for line in ran.log]
    assert fired == [(int(n), "EIO", True) for n in failing.split()]


def test_chance_is_a_function_of_the_seed(tmp_path: Path) -> None:
    def draw(seed: int) -> str:
        return run(tmp_path, "sysv/ftok:errno=EIO:probability=0.5", ["ftok"] * 64, IPCK_FAULT_SEED=str(seed)).results

    first, again, other = draw(1), draw(1), draw(2)
    assert first == again != other
    assert 16 < first.count("EIO") < 48


def test_an_error_that_is_drawn_is_one_that_the_call_may_report(tmp_path: Path) -> None:
    ran = run(tmp_path, "sysv/ftok", ["ftok"] * 64)
    legal = next(call for call in TABLE if call.name == "ftok").errors
    assert set(ran.results.split()) == set(legal)


@pytest.mark.parametrize(
    ("count", "words", "results"),
    [
        ("process", "ftok thread:ftok ftok", "- EIO -"),
        ("thread", "ftok thread:ftok ftok thread:ftok ftok", "- - EIO - -"),
        ("process", "ftok fork:ftok ftok", "- - EIO"),
        ("tree", "ftok fork:ftok ftok", "- EIO -"),
    ],
)
def test_calls_are_counted_for_each(tmp_path: Path, count: str, words: str, results: str) -> None:
    tree = tmp_path / "tree"
    ran = run(tmp_path, f"sysv/ftok:errno=EIO:nth=2:count={count}", words.split(), IPCK_FAULT_TREE=str(tree))
    assert ran.results == results


# ---- what becomes of a call ----


def test_calls_that_are_let_alone_are_as_they_were(tmp_path: Path) -> None:
    words = (
        "ftok semget semop_up getval mode setval getval rmid msgget msgsnd msgrcv sem_open sem_unlink mq_open "
        "mq_open_2 mq_unlink thread:ftok fork:ftok signal:ftok"
    ).split()
    without = run(tmp_path, "", words, preload=())
    ran = run(tmp_path, "*:errno=EIO:nth=1000", words)
    assert ran.calls == without.calls and ran.log == []
    assert "sem_open 7416 ERANGE" in ran.calls and "mq_open 3 ERANGE" in ran.calls and "mode 384 ERANGE" in ran.calls


@pytest.mark.parametrize(
    ("scenario", "words", "results"),
    [
        ("sysv/sem/semctl:errno=EPERM:nth=2", "semget setval setval getval", "- - EPERM -"),
        ("posix/sem/sem_open:errno=EMFILE:nth=1", "sem_open sem_open", "EMFILE -"),
        ("posix/mq/mq_open:errno=ENFILE:nth=2", "mq_open mq_open_2 mq_open_2 mq_unlink", "- ENFILE - -"),
        ("sysv/msg/msgrcv:errno=ENOMSG:nth=1", "msgget msgsnd msgrcv msgrcv", "- - ENOMSG -"),
        ("sysv/sem/semop:errno=EIDRM:nth=1 sysv/sem/*:errno=EINVAL:nth=2", "semget semop_up getval", "- EIDRM -"),
        ("sysv/ftok:errno=EIO", "signal:ftok fork:ftok thread:ftok", "EIO EIO EIO"),
    ],
)
def test_a_call_that_fails_has_no_effect(tmp_path: Path, scenario: str, words: str, results: str) -> None:
    assert run(tmp_path, scenario, words.split()).results == results


def test_the_fortified_name_of_a_call_is_met() -> None:
    symbols = subprocess.run(("nm", "-D", CALLER), capture_output=True, text=True, check=True).stdout
    assert "__mq_open_2" in symbols


def test_a_wait_is_interrupted_by_a_signal(tmp_path: Path) -> None:
    words = ["semget", "semop_up", "semop_down", "semop_down", "semtimedop", "getval"]
    ran = run(tmp_path, "sysv/sem/*:interrupt", words)
    assert ran.results == "- - - EINTR EINTR -"
    assert [(line["n"], line["fired"]) for line in ran.log if line["errno"] == "EINTR"] == [(4, True), (5, True)]


@pytest.mark.parametrize("moment", ["entry", "after", "blocked"])
def test_a_process_is_killed(tmp_path: Path, moment: str) -> None:
    word = "semop_down" if moment == "blocked" else "semop_up"
    ran = run(tmp_path, f"sysv/sem/semop:kill={moment}", ["semget", word, "getval"])
    assert (ran.status, ran.calls) == (-signal.SIGKILL, ["semget 0 ERANGE"])
    assert [line["action"] for line in ran.log] == [f"kill={moment}"]


def test_a_process_is_killed_before_or_after_the_effect(tmp_path: Path) -> None:
    def left(moment: str) -> list[str]:
        return run(tmp_path, f"sysv/sem/semop:kill={moment}:nth=1", ["semget", "fork:semop_up", "getval"]).calls

    assert left("entry") == ["semget 0 ERANGE", "getval 0 ERANGE"]
    assert left("after") == ["semget 0 ERANGE", "getval 1 ERANGE"]


def test_a_call_that_does_not_wait_is_not_killed_while_it_waits(tmp_path: Path) -> None:
    ran = run(tmp_path, "sysv/sem/semop:kill=blocked", ["semget", "semop_up"])
    assert (ran.status, ran.results, [line["fired"] for line in ran.log]) == (0, "- -", [False])


@pytest.mark.skipif(Path("/proc/thread-self/fail-nth").exists(), reason="this kernel has fault injection")
def test_a_kernel_that_fails_no_step_is_told(tmp_path: Path) -> None:
    ran = run(tmp_path, "sysv/sem/semget:step=1", ["semget"])
    assert (ran.status, ran.calls) == (125, [])
    assert "/proc/thread-self/fail-nth cannot be opened: it takes a kernel with CONFIG_FAULT_INJECTION" in ran.err


def test_the_kernel_is_told_at_which_step_the_call_is_to_fail(tmp_path: Path) -> None:
    """Beside a file in the place of the kernel's: a number that stays there says that the call did not come so far."""
    there = tmp_path / "fail-nth"
    there.touch()
    proc = 'mount -t tmpfs none /proc; mkdir /proc/thread-self; ln -s "$FAIL_NTH" /proc/thread-self/fail-nth; exec "$@"'
    ran = run(tmp_path, "sysv/sem/semget:step=7", ["semget"], inside=("sh", "-c", proc, "-"), FAIL_NTH=str(there))
    assert (ran.results, there.read_text()) == ("-", "0"), ran.err
    assert [(line["action"], line["fired"]) for line in ran.log] == [("step", False)]
    ran = run(tmp_path, "sysv/sem/semget:step=10", ["semget"], inside=("sh", "-c", proc, "-"), FAIL_NTH=str(there))
    assert there.read_text() == "00", "armed as 10, disarmed by a 0 in the place of the 1"


def test_a_call_is_delayed(tmp_path: Path) -> None:
    ran = run(tmp_path, "sysv/ftok:delay=1ms:nth=2 sysv/ftok:delay=1us:errno=EIO:nth=3", ["ftok"] * 3)
    assert (ran.results, [line["action"] for line in ran.log]) == ("- - EIO", ["delay", "fail"])


# ---- programs that are in the way ----


def test_the_log_outlives_the_programs_descriptors(tmp_path: Path) -> None:
    ran = run(tmp_path, "sysv/ftok:errno=EIO", ["close_all", "ftok", "ftok"])
    assert (ran.results, len(ran.log)) == ("- EIO EIO", 2)


@pytest.mark.parametrize("first", ["talkative", "fault"])
def test_calls_in_the_functions_that_the_log_would_use_are_no_recursion(tmp_path: Path, first: str) -> None:
    both = [BUILD / "glibc" / "talkative.so", LIBRARY]
    ran = run(tmp_path, "sysv/ftok:delay=1us", ["ftok"], preload=both if first == "talkative" else both[::-1])
    assert ran.status == 0 and ran.calls == ["ftok 0 ERANGE"]


# ---- libfiu's own tools ----

needs_libfiu = pytest.mark.skipif(not shutil.which("fiu-run"), reason="apt-get install fiu-utils")


@needs_libfiu
@pytest.mark.parametrize(
    ("order", "results"),
    [
        ("enable name=sysv/ftok,failinfo=5", {"EIO EIO EIO EIO"}),
        ("enable name=sysv/ftok,failinfo=5,onetime", {"EIO - - -"}),
        ("enable name=sysv/*,failinfo=5", {"EIO EIO EIO EIO"}),
        ("enable_random name=sysv/ftok,failinfo=5,probability=1", {"EIO EIO EIO EIO"}),
        ("enable name=posix/sem/*", {"- - - -"}),
    ],
)
def test_points_are_those_of_libfiu(order: str, results: set[str]) -> None:
    argv = ("fiu-run", "-x", "-l", f"{LIBRARY}:/usr/lib/fiu", "-c", order, str(CALLER), *["ftok"] * 4)
    ended = subprocess.run((*APART, *argv), capture_output=True, text=True, timeout=30)
    assert Ran(ended.returncode, ended.stdout.splitlines(), ended.stderr, []).results in results


# ---- the command ----


def inject(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `ipck inject`, apart from everything else."""
    argv = (*APART, sys.executable, "-m", "ipck", "inject", *map(str, arguments))
    environment = os.environ | {"PYTHONPATH": str(ROOT / "harness")}
    return subprocess.run(argv, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL, timeout=60)


def test_command_runs_the_program_and_tells_what_fired(tmp_path: Path) -> None:
    log = tmp_path / "log"
    ran = inject("sysv/ftok:errno=EIO:nth=2", "--log", log, "--seed", "1", "--", CALLER, "ftok", "ftok", "ftok")
    assert (ran.returncode, ran.stderr) == (0, "ipck: sysv/ftok:errno=EIO:nth=2: fired 1 time\n")
    assert ran.stdout.splitlines()[1] == "ftok -1 EIO"
    assert json.loads(log.read_text())["errno"] == "EIO"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (f"sysv/ftok:nth=5 -- {CALLER} ftok", "never fired: the program made no such call, or fewer than 5"),
        (f"sysv/sem/semop:interrupt -- {CALLER} semget semop_up", "1 calls were met, and none of them waited"),
        ("sysv/ftok -- no-such-program", "no-such-program: there is no such program"),
        (f"sysv/ftok -- {ROOT}/README.md", "is not executable"),
        (f"--engine libfiu sysv/ftok -- {BUILD}/glibc-static/caller ftok", "it is linked statically"),
        (f"sysv/nothing -- {CALLER} ftok", "there is no point 'sysv/nothing'"),
        (f"ftok -- {CALLER} ftok", "there is no point 'ftok'; that of ftok() is sysv/ftok"),
        (f"sysv/ftok:errno=EIDRM -- {CALLER} ftok", "ftok() may not report EIDRM"),
        (f"sysv/ftok:interrupt -- {CALLER} ftok", "ftok() never waits"),
        ("sysv/ftok --", "no program"),
        (f"--engine nothing sysv/ftok -- {CALLER} ftok", "there is no engine 'nothing'"),
        (f"sysv/ftok:step=1:nth=5 -- {BUILD}/glibc-static/caller ftok", "engine kernel: it is linked statically"),
        (f"--engine libfiu sysv/ftok:step=1 -- {CALLER} ftok", "sysv/ftok:step=1: takes --engine kernel"),
        (f"--engine strace sysv/sem/semget:step=1 -- {CALLER} semget", "strace reaches no step inside the kernel"),
        (f"--engine kernel sysv/ftok:errno=EIO -- {CALLER} ftok", "fails no step inside the kernel (step=N)"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(arguments: str, said: str) -> None:
    ran = inject("--seed", "1", *arguments.split())
    assert ran.returncode == 125
    assert said in ran.stderr and "Traceback" not in ran.stderr


def test_an_error_that_the_call_may_not_report_can_be_forced() -> None:
    ran = inject("--force", "--seed", "1", "sysv/ftok:errno=EIDRM", "--", CALLER, "ftok")
    assert (ran.returncode, ran.stdout) == (0, "ftok -1 EIDRM\n")


def test_status_of_the_program_is_kept(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\n{CALLER} ftok\nexit 7\n")
    script.chmod(0o755)
    assert inject("--seed", "1", "sysv/ftok", "--", script).returncode == 7
    assert inject("--seed", "1", "sysv/sem/semop:kill=entry", "--", CALLER, "semget", "semop_up").returncode == 137


@needs_libfiu
def test_fiu_ctrl_controls_a_running_program(tmp_path: Path) -> None:
    prefix = tmp_path / "fiu"
    words = ("inject", "--seed", "1", "--control", prefix, "sysv/ftok:errno=EIO:nth=1", "--", CALLER)
    argv = (sys.executable, "-m", "ipck", *words, "ftok", "pause", "ftok", "pause", "ftok")
    environment = os.environ | {"PYTHONPATH": str(ROOT / "harness")}
    with subprocess.Popen(argv, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin and running.stdout
        lines = [running.stdout.readline()]
        pid = next(iter(tmp_path.glob("fiu-*"))).name.removeprefix("fiu-").partition(".")[0]
        for order in ("enable name=sysv/ftok,failinfo=2", "disable name=sysv/ftok"):
            subprocess.run(("fiu-ctrl", "-f", prefix, "-c", order, pid), check=True, timeout=30)
            running.stdin.write("x")
            running.stdin.flush()
            lines += [running.stdout.readline(), running.stdout.readline()]
    said = [line.strip() for line in lines]
    assert said == ["ftok -1 EIO", "pause 1 ERANGE", "ftok -1 ENOENT", "pause 1 ERANGE", "ftok 0 ERANGE"]


@pytest.fixture
def privileged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A program that belongs to another user and gets that user's rights."""
    path = tmp_path / "program"
    shutil.copy("/bin/true", path)
    path.chmod(0o4755)
    monkeypatch.setattr(os, "getuid", lambda: path.stat().st_uid + 1)
    yield path


def test_a_program_that_gets_rights_gets_no_faults(privileged: Path) -> None:
    from ipck.faults.engine import Preload

    found = program.find(str(privileged))
    assert found.privileged
    assert "it gets rights that its caller lacks" in Preload().refuses(found, ())


def test_the_interpreter_of_a_script_is_looked_at(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/usr/bin/env -S sh -e\n")
    script.chmod(0o755)
    assert program.find(str(script)).loader
    script.write_text("#!/no/such/interpreter\n")
    with pytest.raises(IpckError, match="its interpreter /no/such/interpreter does not exist"):
        program.find(str(script))
    script.write_text("neither\n")
    with pytest.raises(IpckError, match="is neither an ELF program nor a script"):
        program.find(str(script))
