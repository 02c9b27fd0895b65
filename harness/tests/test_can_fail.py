"""The tests can fail: each call of the C library is broken in each of three ways, and the tests about it turn red."""

import json
import os
import subprocess
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from ipck.tree import ROOT

BUILD = ROOT / "build" / "glibc"
LIBRARY = BUILD / "broken_ipc.so"

# The call, the tests to run, and what the requirements about it begin with.
CALLS = {
    "msgget": ("sysv.msg.msgget_*.libc", "msgget."),
    "msgsnd": ("sysv.msg.msgsnd_*.libc", "msgsnd."),
    "msgrcv": ("sysv.msg.msgrcv_*.libc", "msgrcv."),
    "msgctl": ("sysv.msg.msgctl_*.libc", "msgctl."),
    "semget": ("sysv.sem.semget_*.libc", "semget."),
    "semop": ("sysv.sem.semop_*.libc", "semop."),
    "semtimedop": ("sysv.sem.semtimedop_*.libc", "semtimedop."),
    "semctl": ("sysv.sem.semctl_*.libc", "semctl."),
    "shmget": ("sysv.shm.shmget_*.libc", "shmget."),
    "shmat": ("sysv.shm.shmat_*.libc", "shmat."),
    "shmdt": ("sysv.shm.shmdt_*.libc", "shmdt."),
    "shmctl": ("sysv.shm.shmctl_*.libc", "shmctl."),
    "ftok": ("common.ftok*", "ftok."),
    "shm_open": ("posix.shm.shm_open_*", "shm_open."),
    "shm_unlink": ("posix.shm.shm_unlink_*", "shm_unlink."),
    "sem_open": ("posix.sem.sem_open_*", "sem_open."),
    "sem_close": ("posix.sem.sem_close_*", "sem_close."),
    "sem_unlink": ("posix.sem.sem_unlink_*", "sem_unlink."),
    "sem_init": ("posix.sem.sem_init_*", "sem_init."),
    "sem_destroy": ("posix.sem.sem_destroy_*", "sem_destroy."),
    "sem_getvalue": ("posix.sem.sem_getvalue_*", "sem_getvalue."),
    "sem_post": ("posix.sem.sem_post_*", "sem_post."),
    "sem_wait": ("posix.sem.sem_wait_*", "sem_wait."),
    "sem_trywait": ("posix.sem.sem_trywait_*", "sem_trywait."),
    "sem_timedwait": ("posix.sem.sem_timedwait_*", "sem_timedwait."),
    "sem_clockwait": ("posix.sem.sem_timedwait_timeout.*clock*", "sem_clockwait."),
    "mq_open": ("posix.mq.mq_open_*.libc", "mq_open."),
    "mq_close": ("posix.mq.mq_close_*.libc", "mq_close."),
    "mq_unlink": ("posix.mq.mq_unlink_*.libc", "mq_unlink."),
    "mq_send": ("posix.mq.mq_send_*.libc", "mq_send."),
    "mq_timedsend": ("posix.mq.mq_send_*.libc", "mq_send."),
    "mq_receive": ("posix.mq.mq_receive_*.libc", "mq_receive."),
    "mq_timedreceive": ("posix.mq.mq_receive_*.libc", "mq_receive."),
    "mq_notify": ("posix.mq.mq_notify_*.libc", "mq_notify."),
    "mq_getattr": ("posix.mq.mq_attr_*.libc", "mq_attr."),
    "mq_setattr": ("posix.mq.mq_attr_*.libc", "mq_attr."),
}
WAYS = ("errno", "lost", "extra")
NEVER_FAIL = ("sem_destroy", "sem_getvalue")  # so that there is no error number to be wrong


def start(pattern: str, out: Path, **environment: str) -> "subprocess.Popen[bytes]":
    """Run the tests whose names match PATTERN."""
    # A broken call leaves many tests waiting: little patience, a deadline of a second.
    command: list[Path | str] = [
        BUILD / "ipck-tests", "--json", out, "--deadline", "10", "--time-scale", "0.1", "--jobs", "8", pattern,
    ]  # fmt: skip
    environment |= {"LD_PRELOAD": str(LIBRARY)}
    return subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL)


def failed(process: "subprocess.Popen[bytes]", out: Path) -> Counter[str]:
    """How often that run failed each requirement."""
    process.wait(timeout=300)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert lines[-1]["type"] == "end"
    rows = [row for line in lines if line["type"] == "test" for row in line["requirements"]]
    assert rows
    return Counter(row["id"] for row in rows if row["verdict"] == "fail")


@cache
def sound_failures(pattern: str) -> Counter[str]:
    """Those with the library that breaks nothing."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "sound"
        return failed(start(pattern, out), out)


@pytest.mark.parametrize("call", CALLS)
def test_broken_call_is_noticed(call: str, tmp_path: Path) -> None:
    pattern, prefix = CALLS[call]
    sound = sound_failures(pattern)
    ways = [way for way in WAYS if way != "errno" or call not in NEVER_FAIL]
    runs = {way: start(pattern, tmp_path / way, IPCK_BROKEN=f"{call}:{way}") for way in ways}
    found = {way: failed(process, tmp_path / way) - sound for way, process in runs.items()}
    unnoticed = [way for way in ways if not any(name.startswith(prefix) for name in found[way])]
    assert not unnoticed
