"""Whatever happens to the runner, the machine is as it was: processes, IPC objects, POSIX ones too, mounts, files."""

import ctypes
import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
KILLS = 40
MARK = "IPCK_TEST_OF"
CLONE_NEWIPC, CLONE_NEWUSER = 0x08000000, 0x10000000


def world() -> dict[str, object]:
    """All that a test could have left behind outside its namespaces."""
    sysvipc = {kind: Path(f"/proc/sysvipc/{kind}").read_text("ascii") for kind in ("msg", "sem", "shm")}
    names = [f"kernel/{name}" for name in ("sem", "msgmni", "msgmnb", "shmmni", "shmall", "shm_rmid_forced")]
    names += [f"fs/mqueue/{path.name}" for path in Path("/proc/sys/fs/mqueue").glob("*")]
    limits = {name: Path(f"/proc/sys/{name}").read_text("ascii") for name in names}
    mounts = Path("/proc/self/mountinfo").read_text("utf-8")
    modes = {path: os.stat(path).st_mode for path in ("/dev", "/dev/shm", "/dev/null")}
    folders = {folder: sorted(os.listdir(folder)) for folder in ("/dev", "/dev/shm")}
    return {**sysvipc, **limits, **modes, **folders, "mounts": mounts, "queue": queue_canary()}


class Attr(ctypes.Structure):
    """struct mq_attr."""

    _fields_ = [(name, ctypes.c_long) for name in ("flags", "maxmsg", "msgsize", "curmsgs", *"abcd")]


LIBC = ctypes.CDLL(None, use_errno=True)
QUEUE = b"/ipck"  # the name that the tests take


def queue_canary(flags: int = 0) -> tuple[object, ...]:
    """The queue of that name in the namespace of this process: its mode, owner and sizes; empty where there is none.

    The tests' own queues are seen by nobody who does not mount their file system.
    """
    attr = Attr(maxmsg=2, msgsize=16)
    queue = LIBC.mq_open(QUEUE, os.O_RDWR | os.O_NONBLOCK | flags, 0o600, ctypes.byref(attr))
    if queue == -1:
        return ()
    LIBC.mq_getattr(queue, ctypes.byref(attr))
    status = os.fstat(queue)
    LIBC.mq_close(queue)
    return status.st_mode, status.st_uid, status.st_ino, attr.maxmsg, attr.msgsize, attr.curmsgs


def left_processes(program: Path) -> list[str]:
    """Processes that run the program or were started by one that did.

    It is a copy of its own, so that a run beside this one is not taken for ours, and marks what it starts.
    """
    mark = f"{MARK}={program}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                is_program = os.readlink(entry / "exe").removesuffix(" (deleted)") == str(program)
                if is_program or mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append((entry / "stat").read_text("utf-8", "replace"))
            except OSError:
                continue  # gone meanwhile, or another user's
    return found


def marked(program: Path) -> dict[str, str]:
    """The environment that the program hands on to the tools and the clients that it runs."""
    return os.environ | {MARK: str(program)}


def until(condition: Callable[[], bool]) -> bool:
    """Whether CONDITION became true within ten seconds."""
    deadline = time.monotonic() + 10
    while not (true := condition()) and time.monotonic() < deadline:
        time.sleep(0.002)
    return true


def plant_canaries() -> None:
    for args in (["-S", "3"], ["-Q"], ["-M", "4096"]):
        subprocess.run(["ipcmk", *args], check=True, capture_output=True)
    assert queue_canary(os.O_CREAT | os.O_EXCL)


def own_ipc_namespace() -> None:
    """Canaries live in a namespace of this process, so that nothing of theirs is left if it is killed as well."""
    uid, gid = os.geteuid(), os.getegid()
    flags = CLONE_NEWIPC if uid == 0 else CLONE_NEWIPC | CLONE_NEWUSER
    if LIBC.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    if uid != 0:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            Path(f"/proc/self/{name}").write_text(text, "ascii")


def kill_at_random_moments(report: Connection, program: Path, patterns: list[str], seed: int) -> None:
    choice = random.Random(seed)
    own_ipc_namespace()
    plant_canaries()
    before = world()
    troubles = []
    for _ in range(KILLS):
        args = ["--shuffle", "--jobs", str(choice.randint(1, 8)), "--seed", str(choice.randrange(1 << 30))]
        runner = subprocess.Popen([program, *args, *patterns], env=marked(program), stdout=subprocess.DEVNULL)
        # Not synchronisation: the moment of death is the random input of this test.
        time.sleep(choice.uniform(0, 0.12))
        runner.send_signal(signal.SIGKILL)
        runner.wait()
        if not until(lambda: not left_processes(program)):
            troubles.append(f"processes left: {left_processes(program)}")
    if (after := world()) != before:
        troubles.append(f"the machine changed: {before} became {after}")
    report.send(troubles)


def copy_of_program(folder: Path) -> Path:
    program = folder / "ipck-tests"
    folder.mkdir(parents=True, exist_ok=True)
    program.write_bytes((TREE / "build/glibc/ipck-tests").read_bytes())
    program.chmod(0o755)
    shutil.copytree(TREE / "build/glibc/clients", folder / "clients")
    return program


@pytest.mark.parametrize("patterns", [[], ["posix.*"], ["tools.*", "notes.*"]], ids=["all", "posix", "tools-and-notes"])
def test_nothing_is_left_after_kill_9(patterns: list[str], tmp_path: Path) -> None:
    program = copy_of_program(tmp_path)
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    outer = world()
    context = get_context("fork")
    receive, send = context.Pipe(duplex=False)
    child = context.Process(target=kill_at_random_moments, args=(send, program, patterns, seed))
    child.start()
    send.close()
    assert receive.poll(120)
    troubles = receive.recv()
    child.join()
    assert troubles == []
    assert world() == outer


def test_nothing_is_left_after_kill_9_of_the_harness(tmp_path: Path) -> None:
    program = copy_of_program(tmp_path / "build/glibc")
    before = world()
    options = ["--target=host-glibc", f"--build={tmp_path / 'build'}", f"--out={tmp_path / 'out'}"]
    harness = subprocess.Popen(
        [TREE / "scripts/ipck", "run", *options], env=marked(program), stdout=subprocess.DEVNULL
    )
    results = tmp_path / "out/results.jsonl"
    assert until(lambda: results.exists() and results.read_bytes().count(b"\n") > 50)
    harness.send_signal(signal.SIGKILL)
    harness.wait()
    assert until(lambda: not left_processes(program)), left_processes(program)
    assert world() == before
    *whole, torn = results.read_bytes().split(b"\n")
    assert torn == b"" and all(json.loads(line) for line in whole)


@pytest.mark.parametrize("program", ["glibc/ipck-tests", "glibc/bad-tests"])
def test_a_whole_run_leaves_nothing(program: str) -> None:
    before = world()
    subprocess.run([TREE / "build" / program, "--json", "-", "--time-scale", "0.1"], check=False, capture_output=True)
    assert world() == before


# What makes objects that nobody asked for, and the tests of what it is about.
WRONG = ["semget_creates_unasked", "*get_always_creates", "shm_open_second_name", "sem_open_failure_leaves_file",
         "mq_close_keeps_open", "mq_open_looks_in_first_namespace"]  # fmt: skip
ABOUT = ["*.semget_*", "*.msgget_*", "*.shmget_*", "*.shm_open_*", "*.sem_open_*", "*.mq_open_*", "*.mqfs_namespaces"]
FAILING = {
    "mutants": ["mutants", *WRONG, *(f"--tests={tests}" for tests in ABOUT)],
    "fault": ["fault", "notified_queue", "crash"],
    "fault-libc": ["fault-libc", "host-glibc"],
}


@pytest.mark.parametrize("command", FAILING)
def test_calls_that_are_wrong_or_fail_leave_nothing(command: str, tmp_path: Path) -> None:
    before = world()
    arguments: list[Path | str] = [TREE / "scripts/ipck", *FAILING[command], "--out", tmp_path]
    done = subprocess.run(arguments, check=False, capture_output=True, text=True)
    assert world() == before
    assert done.returncode < 2, done.stderr


@pytest.mark.parametrize("command", FAILING)
def test_nothing_is_left_after_kill_9_among_such_calls(command: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    before = world()
    arguments: list[Path | str] = [TREE / "scripts/ipck", *FAILING[command], "--out", tmp_path]
    harness = subprocess.Popen(arguments, env=marked(mark), stdout=subprocess.DEVNULL)
    assert until(lambda: len(left_processes(mark)) > 3)
    # Not synchronisation: the moment of death is the random input of this test.
    time.sleep(random.uniform(0, 2))
    harness.send_signal(signal.SIGKILL)
    harness.wait()
    assert until(lambda: not left_processes(mark)), left_processes(mark)
    assert world() == before
