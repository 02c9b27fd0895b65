"""System-call tampering: the scenarios of libfiu's engine, carried out by strace."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ipck import calls
from ipck.errors import IpckError
from ipck.faults import draw, inject, strace, stracelog
from ipck.faults.engine import Order, Preload
from ipck.faults.log import Event
from ipck.faults.program import Program, find
from ipck.faults.scenario import parse
from stubs import HARNESS, World

TABLE = calls.load()
SOURCE = HARNESS / "tests/programs/semops.c"
COMPILERS = {
    "glibc": ["gcc"], "glibc-static": ["gcc", "-static"], "musl": ["musl-gcc", "-static"], "i386": ["gcc", "-m32"],
}  # fmt: skip
DYNAMIC = Program("program", Path("/program"), 64, "/lib64/ld-linux-x86-64.so.2", False)
MUSL = replace(DYNAMIC, loader="/lib/ld-musl-x86_64.so.1")
EIDRM = "-43 "

needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")


@pytest.fixture(name="program", scope="module", params=COMPILERS)
def _program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of one flavour."""
    path = tmp_path_factory.mktemp("semops") / str(request.param)
    compiler = COMPILERS[request.param]
    if not shutil.which(compiler[0]):
        pytest.skip(f"{compiler[0]} is not installed")
    subprocess.run([*compiler, "-D_GNU_SOURCE", "-o", path, SOURCE, "-pthread"], check=True)
    return path


def run(world: World, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """ipck inject with strace."""
    return subprocess.run(
        [sys.executable, "-m", "ipck", "inject", "--engine", "strace", "--seed", "5", *map(str, arguments)],
        capture_output=True, text=True, env=world.environment(), check=False,
    )  # fmt: skip


def order(texts: "list[str]", program: Program = DYNAMIC) -> Order:
    """An order that nobody carries out."""
    return Order(("program",), program, parse(texts, TABLE), 5, Path("/nowhere"))


def refusal(text: str, program: Program = DYNAMIC) -> str:
    """Why strace cannot do the scenarios of TEXT."""
    return strace.Strace().refuses(program, parse(text.split(), TABLE))


def events(tmp_path: Path, text: str, log: str, program: Program = DYNAMIC) -> "tuple[Event, ...]":
    """What the engine makes of a trace."""
    (tmp_path / "strace.log").write_text(log)
    return strace.Strace().events(replace(order([text], program), folder=tmp_path))


@needs_strace
def test_chosen_call_fails_without_effect(world: World, program: Path) -> None:
    log = world.root / "log"
    done = run(world, "sysv/sem/semop:errno=EIDRM:nth=2", "--log", log, "--", program, "post", "post", "post")
    assert (done.returncode, done.stdout) == (0, f"0 1\n{EIDRM}1\n0 2\n"), done.stderr
    (event,) = map(json.loads, log.read_text().splitlines())
    del event["process"], event["thread"]
    assert event == {
        "point": "sysv/sem/semop", "scenario": 0, "n": 2, "action": "fail", "errno": "EIDRM", "fired": True,
    }  # fmt: skip
    assert done.stderr == "ipck: sysv/sem/semop:errno=EIDRM:nth=2: fired 1 time\n"


@needs_strace
def test_call_that_waits_is_interrupted_by_a_real_signal(world: World, program: Path) -> None:
    done = run(world, "sysv/sem/semop:interrupt=SIGUSR1:nth=1", "--", program, "wait", "post", "wait")
    assert (done.returncode, done.stdout) == (0, "-4 0\n0 1\n0 0\n"), done.stderr
    done = run(world, "sysv/sem/semop:interrupt=SIGUSR1:nth=2", "--", program, "post", "wait")
    assert (done.returncode, done.stdout) == (125, "0 1\n0 0\n")
    assert "never fired: 1 calls were met, and none of them waited" in done.stderr


@needs_strace
def test_program_ends_before_the_call(world: World, program: Path) -> None:
    done = run(world, "sysv/sem/semop:kill=entry:nth=2", "--", program, "post", "post")
    assert (done.returncode, done.stdout) == (128 + 9, "0 1\n"), done.stderr


@needs_strace
def test_scenario_that_never_fired_is_a_failure(world: World, program: Path) -> None:
    done = run(world, "sysv/sem/semop:errno=EIDRM:nth=2", "--", program, "post")
    assert done.returncode == 125 and "never fired: the program made no such call, or fewer than 2" in done.stderr


@needs_strace
def test_what_strace_counts_otherwise_is_no_result(world: World, program: Path) -> None:
    done = run(world, "sysv/sem/semop:errno=EIDRM:nth=2", "--", program, "post", "thread")
    assert done.returncode == 125 and "strace did not meet semop()" in done.stderr
    done = run(world, "sysv/sem/semop:errno=EIDRM:nth=2", "--", program, "post", "exec", "post")
    assert done.returncode == 125 and "strace met semop()" in done.stderr
    done = run(world, "sysv/sem/semop:errno=EIDRM:nth=1:count=thread", "--", program, "post", "thread")
    assert (done.returncode, done.stdout) == (0, f"{EIDRM}0\n{EIDRM}0\n"), done.stderr


@needs_strace
def test_drawn_error_is_that_of_the_other_engine(world: World, program: Path) -> None:
    done = run(world, "sysv/sem/semop:nth=3", "--", program, "post", "post", "post")
    assert done.stdout.splitlines()[2] == f"-{SEMOP.errors[drawn(3)]} 2"
    if Preload().refuses(find(str(program)), ()):
        return
    other = subprocess.run(
        [sys.executable, "-m", "ipck", "inject", "--engine", "libfiu", "--seed", "5", "sysv/sem/semop", "--",
         program, *["post"] * 9],
        capture_output=True, text=True, env=world.environment(), check=False,
    )  # fmt: skip
    wanted = [f"-{SEMOP.errors[drawn(n)]} 0" for n in range(1, 10)]
    assert other.stdout.splitlines() == wanted, other.stderr


SEMOP = next(call for call in TABLE if call.name == "semop")


def drawn(n: int) -> str:
    """The error of the N-th call."""
    return draw.drawn_error(SEMOP, 0, n, 5)


def test_first_engine_that_can_is_the_default(tmp_path: Path) -> None:
    semop = parse(["sysv/sem/semop"], TABLE)
    wanted = Order(("true",), replace(DYNAMIC, loader=""), semop, 5, tmp_path)
    if shutil.which("strace"):
        assert inject.choose_engine("", wanted).name == "strace"
    post = replace(wanted, scenarios=parse(["posix/sem/sem_post"], TABLE))
    with pytest.raises(IpckError) as caught:
        inject.choose_engine("", post)
    assert [message.split(": ")[1:3] for message in caught.value.messages] == [
        ["engine libfiu", "it is linked statically"], ["engine strace", "posix/sem/sem_post"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text, why",
    [
        ("posix/sem/sem_post", "sem_post() has no system call that is its own"),
        ("posix/shm/shm_open", "shm_open() has no system call that is its own"),
        ("sysv/sem/semop:probability=0.5", "strace knows no probability"),
        ("sysv/sem/semop:count=tree", "strace knows no count=tree"),
        ("sysv/sem/semop:kill=after", "not kill=after"),
        ("sysv/sem/semop:interrupt", "name a signal that the program handles"),
        ("sysv/sem/semop:nth=65536", "strace counts to 65535"),
        ("sysv/sem/*:nth=2", "name one point"),
        ("sysv/sem/semop sysv/sem/semtimedop", "strace takes one scenario for semtimedop"),
    ],
)
def test_what_strace_cannot_do_is_refused(text: str, why: str) -> None:
    assert why in refusal(text)


def test_program_with_rights_of_its_own_is_refused() -> None:
    assert "not when it is traced" in refusal("sysv/sem/semop", replace(DYNAMIC, privileged=True))


def test_what_it_needs_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    wanted = order(["sysv/sem/semop"])
    assert strace.Strace().lacks(wanted) == "strace is not installed: apt-get install strace"
    stub = tmp_path / "strace"
    stub.write_text("#!/bin/sh\necho 'strace: ptrace(PTRACE_TRACEME, ...): Operation not permitted' >&2\nexit 1\n")
    stub.chmod(0o755)
    assert "tracing is not possible here (strace: ptrace(PTRACE_TRACEME" in strace.Strace().lacks(wanted)
    assert "--control needs --engine libfiu" in strace.Strace().lacks(replace(wanted, control="/tmp/fiu"))


def test_each_call_has_the_system_calls_of_its_library() -> None:
    assert strace.own(SEMOP, MUSL) == ("semop",)
    assert strace.own(SEMOP, DYNAMIC) == ("semop", "semtimedop", "semtimedop_time64")
    without = {call.name for call in TABLE if not strace.own(call, DYNAMIC)}
    assert without == {
        "ftok", "shm_open", "shm_unlink", "mq_close",
        *(call.name for call in TABLE if call.point.startswith("posix/sem/")),
    }  # fmt: skip


@pytest.mark.parametrize(
    "nth, when", [("3", "3"), ("3+", "3+1"), ("3+2", "3+2"), ("3..7", "3..7+1"), ("3..7+2", "3..7+2"), ("", "1+1")]
)
def test_counts_are_strace_s(nth: str, when: str) -> None:
    argv, _ = strace.Strace().command(order([f"sysv/msg/msgget:errno=ENOSPC{':nth=' * bool(nth)}{nth}"]))
    assert f"inject=?msgget:error=ENOSPC:when={when}" in argv


def test_signal_is_sent_where_no_filter_hides_the_entry() -> None:
    assert "--seccomp-bpf" in strace.Strace().command(order(["sysv/msg/msgget"]))[0]
    assert "--seccomp-bpf" not in strace.Strace().command(order(["sysv/msg/msgrcv:interrupt=USR1"]))[0]


def test_lines_that_another_thread_tore_are_joined(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        "7  semtimedop(0, 0x7ffc, 0x1, 0 <unfinished ...>\n"
        "8  msgget(0, 0600) = 3\n"
        "8  --- SIGUSR1 {si_signo=SIGUSR1} ---\n"
        "7  <... semtimedop resumed>) = -1 EIDRM (Identifier removed) (INJECTED)\n"
        "7  semtimedop(0, 0x7ffc, 0x1, 0) = ?\n"
        "7  +++ killed by SIGKILL +++\n"
    )
    assert [(one.thread, one.call, one.result, one.error, one.injected) for one in stracelog.read(log)] == [
        (7, "semtimedop", "-1", "EIDRM", True), (8, "msgget", "3", "", False), (7, "semtimedop", "?", "", False),
    ]  # fmt: skip
    log.write_text("7  semop(0\n")
    with pytest.raises(IpckError, match="log:1: is no line of strace's: 7  semop"):
        stracelog.read(log)


def test_calls_that_share_a_system_call_are_told_apart(tmp_path: Path) -> None:
    semop, semtimedop = "7 semtimedop(0, 0x7f, 0x1, 0) = 0\n", "7 semtimedop(0, 0x7f, 0x1, 0x7fff) = 0\n"
    failed = "7 semtimedop(0, 0x7f, 0x1, 0) = -1 EIDRM (Identifier removed) (INJECTED)\n"
    (event,) = events(tmp_path, "sysv/sem/semop:errno=EIDRM:nth=2", semop + failed)
    assert (event.point, event.n, event.fired) == ("sysv/sem/semop", 2, True)
    with pytest.raises(IpckError, match=r"strace met semop\(\) of process 7, call 1: .* system call \(2\)"):
        events(tmp_path, "sysv/sem/semop:errno=EIDRM:nth=2", semtimedop + failed)
    with pytest.raises(IpckError, match=r"strace met semtimedop\(\) of process 7, call of another point"):
        events(tmp_path, "sysv/sem/semop:errno=EIDRM:nth=1", semtimedop)
    get, put = "7 mq_getsetattr(3, 0, 0x7f) = 0\n", "7 mq_getsetattr(3, 0x7f, 0) = -1 EBADF (Bad) (INJECTED)\n"
    with pytest.raises(IpckError, match=r"met mq_getattr\(\)"):
        events(tmp_path, "posix/mq/mq_setattr:errno=EBADF", get)
    assert [one.point for one in events(tmp_path, "posix/mq/mq_setattr:errno=EBADF", put)] == ["posix/mq/mq_setattr"]


def test_threads_are_counted_with_their_process(tmp_path: Path) -> None:
    log = (
        "7 clone3({flags=CLONE_VM|CLONE_THREAD|CLONE_SYSVSEM}, 88) = 8\n7 clone(child_stack=NULL, flags=SIGCHLD) = 9\n"
        "8 msgget(0, 0x180) = -1 ENOSPC (No space) (INJECTED)\n9 msgget(0, 0x180) = -1 ENOSPC (No space) (INJECTED)\n"
    )
    assert [(one.process, one.thread, one.n) for one in events(tmp_path, "sysv/msg/msgget:errno=ENOSPC", log)] == [
        (7, 8, 1), (9, 9, 1),
    ]  # fmt: skip
