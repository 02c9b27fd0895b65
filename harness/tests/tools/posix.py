"""ipcs and ipcrm as POSIX describes them, and nothing more: another implementation for the tests to judge.

Which of the two it is depends on its name. Two things are missing: Linux tells nobody who waits for a queue, and the
options of ipcrm that util-linux adds.
"""

import ctypes
import getopt
import grp
import os
import pwd
import sys
import time
from collections.abc import Callable, Mapping

KINDS = {"q": "msg", "m": "shm", "s": "sem"}
IDS = {"q": "msqid", "m": "shmid", "s": "semid"}
TITLES = {"q": "Message Queues", "m": "Shared Memory", "s": "Semaphores"}
COLUMNS = {
    "q": "c:CREATOR c:CGROUP o:CBYTES o:QNUM b:QBYTES p:LSPID p:LRPID t:STIME t:RTIME t:CTIME",
    "m": "c:CREATOR c:CGROUP o:NATTCH b:SEGSZ p:CPID p:LPID t:ATIME t:DTIME t:CTIME",
    "s": "c:CREATOR c:CGROUP b:NSEMS t:OTIME t:CTIME",
}
IPC_RMID, IPC_STAT = 0, 2
QBYTES = 11  # msg_qbytes, in words of a struct msqid_ds

libc = ctypes.CDLL(None, use_errno=True)
Row = Mapping[str, str]


class Trouble(Exception):
    """What goes to standard error."""


def name_in(number: str, find: Callable[[int], str]) -> str:
    """The name of a user or group, or its number."""
    try:
        return find(int(number))
    except KeyError:
        return number


def user(number: str) -> str:
    return name_in(number, lambda uid: pwd.getpwuid(uid).pw_name)


def group(number: str) -> str:
    return name_in(number, lambda gid: grp.getgrgid(gid).gr_name)


def mode(kind: str, permissions: int) -> str:
    letters = "ra-" if kind == "s" else "rw-"
    bits = "".join(letters[i % 3] if permissions & 0o400 >> i and i % 3 < 2 else "-" for i in range(9))
    return f"--{bits}"


def size_of_queue(msqid: str) -> str:
    buffer = (ctypes.c_ulong * 64)()
    return str(buffer[QBYTES]) if libc.msgctl(int(msqid), IPC_STAT, buffer) == 0 else "-"


def value(kind: str, row: Row, heading: str) -> str:
    """What stands below a heading."""
    if heading in ("OWNER", "CREATOR"):
        return user(row["cuid" if heading == "CREATOR" else "uid"])
    if heading in ("GROUP", "CGROUP"):
        return group(row["cgid" if heading == "CGROUP" else "gid"])
    if heading.endswith("TIME"):
        when = int(row[heading.lower()])
        return time.strftime("%H:%M:%S", time.localtime(when)).removeprefix("0") if when else "no-entry"
    if heading == "QBYTES":
        return size_of_queue(row["msqid"])
    return row[{"SEGSZ": "size"}.get(heading, heading.lower())]


def objects(kind: str) -> list[Row]:
    with open(f"/proc/sysvipc/{KINDS[kind]}", encoding="ascii") as file:
        names, *lines = (line.split() for line in file)
    return [dict(zip(names, line)) for line in lines]


def report(kind: str, options: set[str]) -> None:
    more = [word[2:] for word in COLUMNS[kind].split() if word[0] in options or "a" in options]
    print(f"{TITLES[kind]}:")
    print("T", "ID", "KEY", "MODE", "OWNER", "GROUP", *more, sep="\t")
    for row in objects(kind):
        key, bits = int(row["key"]) & 0xFFFFFFFF, int(row["perms"], 8)
        always = [kind, row[IDS[kind]], f"{key:#x}", mode(kind, bits)]
        print(*always, *(value(kind, row, heading) for heading in ("OWNER", "GROUP", *more)), sep="\t")


def ipcs(arguments: list[str]) -> int:
    chosen, operands = getopt.getopt(arguments, "qmsabcopt")
    if operands:
        raise Trouble(f"{operands[0]}: no operand is possible")
    options = {name[1] for name, _ in chosen}
    when = time.strftime("%a %b %e %H:%M:%S %Z %Y")
    print(f"IPC status from /proc/sysvipc as of {when}")
    for kind in KINDS:
        if kind in options or not options & set(KINDS):
            report(kind, options)
    sys.stdout.flush()
    return 0


def removed(option: str, argument: str) -> bool:
    """Removes one object, and says why it cannot."""
    kind = option.lower()
    try:
        number = int(argument, 0 if option.isupper() else 10)
        if not -(1 << 31) <= number < 1 << (32 if option.isupper() else 31):
            raise ValueError
    except ValueError:
        print(f"ipcrm: {argument}: no identifier or key", file=sys.stderr)
        return False
    if option.isupper():
        get = getattr(libc, f"{KINDS[kind]}get")
        found = -1 if number == 0 else get(number, 0) if kind == "q" else get(number, 0, 0)
    else:
        found = number
    arguments = (found, 0, IPC_RMID) if kind == "s" else (found, IPC_RMID, None)
    if getattr(libc, f"{KINDS[kind]}ctl")(*arguments) == 0:
        return True
    print(f"ipcrm: {argument}: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
    return False


def ipcrm(arguments: list[str]) -> int:
    chosen, operands = getopt.getopt(arguments, "q:m:s:Q:M:S:")
    if operands:
        raise Trouble(f"{operands[0]}: no operand is possible")
    return 0 if all([removed(option[1], argument) for option, argument in chosen]) else 1


if __name__ == "__main__":
    program = os.path.basename(sys.argv[0])
    try:
        sys.exit({"ipcs": ipcs, "ipcrm": ipcrm}[program](sys.argv[1:]))
    except (Trouble, getopt.GetoptError, OSError) as trouble:
        print(f"{program}: {trouble}", file=sys.stderr)
        os._exit(2)
