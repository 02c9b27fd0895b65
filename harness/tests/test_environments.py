"""The program gives the same verdicts wherever it runs, or says what is missing there; it never guesses or hangs.

The reference is a run as the user who runs this test. Each environment is a command put before the program, options, or
both; where the whole program would take too long, tests are drawn with the seed that is printed.
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

from ipck import baseline, catalogue
from ipck.engine import Engine, Options
from ipck.targets import TARGETS
from ipck.tree import BUILD, REQUIREMENTS

HERE = Path(__file__).resolve().parent / "environments"
PROGRAM, WITHOUT = BUILD / "glibc/ipck-tests", BUILD / "glibc/without"
SEED = random.randrange(1 << 30)
PATIENCE = 300  # seconds until a run counts as hung
COPIES = 8
SHOWN = 30  # wrong verdicts
SOME = 600  # tests to draw for environments that resemble another one

Key = tuple[str, str]
"""A test and a requirement."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Where the program runs."""

    name: str
    before: tuple[str, ...] = ()  # the command that makes it
    options: tuple[str, ...] = ()  # of the program
    root: bool = False  # only root can make it
    about: str = "*"  # the tests (a glob) to take, or to draw from
    tests: int = 0  # so many are drawn; 0: all
    judged: float = 0.9  # least part of the reference's tests that must be judged whole here, not skipped
    lacks: Mapping[str, str] = field(default_factory=dict)  # tests (a glob) that must be skipped, and with which reason
    mends: str = ""  # the known deviation (a glob on the test) that does not show here
    passes_status: bool = True  # the exit status of the command is the program's


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run says about one requirement."""

    verdict: str
    why: str


@dataclass(frozen=True, slots=True)
class Run:
    """What came out of a run."""

    verdicts: dict[Key, Verdict]
    statuses: dict[str, str]
    returncode: int
    stderr: str


def prepare(*specs: str) -> tuple[str, ...]:
    """Options that prepare the namespace of each test."""
    return tuple(f"--prepare={spec}" for spec in specs)


def mqueue(*limits: str) -> tuple[str, ...]:
    """Options that set limits on message queues in the namespace of each test."""
    return prepare(*(f"fs.mqueue.{limit}" for limit in limits))


def shell(script: str) -> tuple[str, ...]:
    """A command that does SCRIPT first."""
    return ("sh", "-ec", f'{script}; exec "$@"', "sh")


def mounts(script: str) -> tuple[str, ...]:
    """A command that does SCRIPT first, in a mount namespace of its own."""
    return ("unshare", "--mount", *shell(script))


def script(name: str) -> tuple[str, ...]:
    """A command of our own."""
    return (sys.executable, str(HERE / name))


def user(number: int) -> tuple[str, ...]:
    """A command that becomes that user, without groups."""
    return ("setpriv", f"--reuid={number}", f"--regid={number}", "--clear-groups")


def processes(most: int) -> tuple[str, ...]:
    """A command that becomes a user who may have MOST processes; one of its own, since they count by user."""
    return ("prlimit", f"--nproc={most}", *user(61000 + most))


def without_capability(*names: str) -> tuple[str, ...]:
    """A command that gives them up for good."""
    gone = ",".join(f"-{name}" for name in names)
    return ("setpriv", f"--bounding-set={gone}", f"--inh-caps={gone}")


def kernel_without(*rules: str) -> tuple[str, ...]:
    """A command for which system calls fail."""
    return (str(WITHOUT), *rules, "--")


def files_missing(*paths: str) -> tuple[str, ...]:
    """A command for which these files do not exist, in the /proc of the test's sandbox either."""
    chosen = [word for path in paths for word in ("-P", path)]
    return ("strace", "-qq", "-f", "--seccomp-bpf", "-o", "/dev/null", *chosen, "-e", "trace=open,openat", "-e",
            "inject=open,openat:error=ENOENT")


def mount_fails(path: str) -> tuple[str, ...]:
    """A command for which nothing can be mounted there."""
    return ("strace", "-qq", "-f", "--seccomp-bpf", "-o", "/dev/null", "-P", path, "-e", "trace=mount", "-e",
            "inject=mount:error=ENODEV")


NEXT_ID = tuple(f"/proc/sys/kernel/{kind}_next_id" for kind in ("msg", "sem", "shm"))
LIMITS = ("sem", "msgmax", "msgmnb", "msgmni", "shmmax", "shmall", "shmmni", "shm_rmid_forced")
SYSVIPC = tuple(f"/proc/sysvipc/{kind}" for kind in ("msg", "sem", "shm")) + tuple(
    f"/proc/sys/kernel/{name}" for name in LIMITS
)
NEW_IPC, NEW_ANY, THREAD, OF_FORK = 0x08000000, 0x7E020000, 0x00010000, 0x01000000
LOW = ("kernel.msgmni=16", "kernel.shmmni=16", "kernel.sem=16 64 16 16")
SURROUNDINGS = """cd /proc/sys/kernel; echo 16 >msgmni; echo 16 >shmmni; echo 16 64 16 16 >sem; echo 1 >shm_rmid_forced
for kind in '-Q' '-S 2' '-M 4096'; do ipcmk $kind >/dev/null; done; cd /"""
FEW_NAMESPACES = ("unshare", "--map-root-user", *shell("echo 3 >/proc/sys/user/max_ipc_namespaces"))
CONTAINER = ("unshare", "--pid", "--fork", "--mount-proc")
QUEUES_HELD = ("unshare", "--ipc", *user(61300), *script("queues_held.py"))
FIRST_IDS = "common.ids*.first_identifiers_are_positive*"

SAME = [
    Environment("another order", options=("--shuffle", "--jobs=7"), judged=1, tests=SOME),
    Environment("nobody", user(65534), root=True, judged=0.75),
    Environment("root of a user namespace", ("unshare", "--map-root-user"), judged=0.75, tests=SOME),
    Environment("root of a user namespace with all ids", script("all_ids.py"), root=True),
    Environment("without CAP_IPC_OWNER", without_capability("ipc_owner"), root=True),
    Environment("without CAP_SYS_RESOURCE", without_capability("sys_resource"), root=True, tests=SOME),
    Environment("without CAP_SYS_ADMIN", without_capability("sys_admin"), root=True, judged=0.75, tests=SOME),
    Environment("low limits and objects around", ("unshare", "--ipc", *shell(SURROUNDINGS)), root=True, tests=SOME),
    Environment("low limits", options=prepare(*LOW), root=True),
    Environment("shm_rmid_forced", options=prepare("kernel.shm_rmid_forced=1"), root=True),
    Environment("objects are there", options=prepare("objects=3"), mends=FIRST_IDS),
    Environment("150 ids burned", options=prepare("burned=150"), mends=FIRST_IDS),
    Environment("10000 ids burned", options=prepare("burned=10000"), mends=FIRST_IDS, tests=70),
    Environment("a /dev/shm with noexec", options=prepare("shm=noexec"), tests=SOME),
    Environment("a small /dev/shm", options=prepare("shm=size=2m,nr_inodes=2000"), tests=SOME),
    Environment("adopted by process 1", script("orphan.py"), judged=1, passes_status=False, tests=SOME),
    Environment("process 1 of a container", CONTAINER, root=True, judged=1, tests=SOME),
    Environment("strace", ("strace", "-f", "-qq", "-o", "/dev/null"), ("--time-scale=10",), tests=250),
]

MACHINES = [
    Environment(
        "no CONFIG_CHECKPOINT_RESTORE",
        (*kernel_without("msgrcv:4&040000=ENOSYS"), *files_missing(*NEXT_ID)),
        tests=400,
        lacks={"common.ids*.identifier_can_be_asked_for*": "_next_id"},
    ),
    Environment(
        "no CONFIG_SYSVIPC",
        (*kernel_without("sysv=ENOSYS"), *files_missing(*NEXT_ID, *SYSVIPC)),
        tests=400,
        judged=0,
        lacks={"sysv.*": "System V .* by this route .*ENOSYS"},
    ),
    Environment(
        "no CONFIG_IPC_NS",
        kernel_without(f"clone:0&{NEW_IPC}=EINVAL", f"unshare:0&{NEW_IPC}=EINVAL", "clone3=ENOSYS"),
        judged=0,
        lacks={"*": "namespaces of its own .*Invalid argument"},
    ),
    Environment(
        "limits of 0",
        options=prepare(*(f"kernel.{limit}=0" for limit in LIMITS[1:-1]), "kernel.sem=0 0 0 0"),
        root=True,
        tests=SOME,
        judged=0,
        lacks={f"sysv.{kind}.*": "room for .* more" for kind in ("msg", "sem", "shm")},
    ),
    Environment(
        "limits that cannot be set", options=prepare("kernel.sem=never"), judged=0, lacks={"*": "--prepare kernel.sem"}
    ),
    Environment("/proc is not mounted", mounts("umount -l /proc"), root=True, tests=400),
    # Without it nothing tells that somebody waits for a message or a POSIX semaphore: a ninth of all verdicts.
    Environment("/proc cannot be mounted", kernel_without("mount:3&8=EPERM"), judged=0.85),
    Environment(
        "no /proc at all",
        (*mounts("umount -l /proc"), *kernel_without("mount:3&8=EPERM")),
        root=True,
        judged=0.7,
        tests=400,
    ),
    Environment("/dev/shm is not mounted", mounts("umount -l /dev/shm"), root=True, tests=400),
    Environment("/dev/shm is read-only", mounts("mount -o remount,bind,ro /dev/shm"), root=True, tests=400),
    Environment(
        "no /dev/shm",
        mounts("mount -t tmpfs none /mnt; : >/mnt/null; mount --bind /dev/null /mnt/null; mount --move /mnt /dev"),
        root=True,
        judged=0.7,
        tests=400,
    ),
    *(
        Environment(name, options=prepare(f"shm={options}"), tests=400, judged=0.4, lacks={"posix.shm.*": why})
        for name, options, why in (
            ("/dev/shm is full", "size=64k", "with room for a megabyte"),
            ("/dev/shm takes no file more", "nr_inodes=9", "with room for 1024 files"),
            ("/dev/shm cannot be written to", "ro", "in which it may make files .EROFS."),
            ("/dev/shm is not for everybody", "mode=0755", "in which everybody may make files .its mode is 0755."),
        )
    ),
    Environment(
        "no CONFIG_POSIX_MQUEUE",
        kernel_without("mq=ENOSYS"),
        about="posix.mq.*",
        tests=150,
        judged=0,
        lacks={"posix.mq.*.*.*": "POSIX message queues by this route .*ENOSYS"},
    ),
    *(
        Environment(name, before, root=True, about="posix.mq.*", tests=150, judged=0, lacks={"posix.mq.*.*.*": why})
        for name, before, why in (
            ("no account of message queues", ("prlimit", "--msgqueue=0"), "RLIMIT_MSGQUEUE is 0"),
            ("a full account of message queues", QUEUES_HELD, "bytes for one message queue more"),
        )
    ),
    *(
        Environment(name, options=mqueue(*limits), root=True, about="posix.mq.*", tests=200, judged=judged)
        for name, judged, limits in (
            ("2 message queues", 0.8, ("queues_max=2",)),
            ("no message queue", 0.0, ("queues_max=0",)),
            ("small message queues", 0.8, ("msg_max=4", "msgsize_max=128")),
            ("tiny message queues", 0.1, ("msg_max=1", "msgsize_max=128")),
            ("other defaults of message queues", 0.9, ("msg_default=1", "msgsize_default=128")),
        )
    ),
    Environment(
        "no mqueue file system",
        mount_fails("/dev/shm/mqueue"),
        about="posix.mq.mqfs_*",
        judged=0.2,
        lacks={"posix.mq.mqfs_directory.queues_are_listed.*": "the mqueue file system at .*ENODEV"},
    ),
    Environment("no /proc/sysvipc", files_missing(*SYSVIPC[:3]), about="tools.*", tests=60, judged=0.6),
    Environment("10 descriptors", ("prlimit", "--nofile=10"), ("--jobs=8",), tests=250, judged=0.7),
    Environment(
        "no ipcs and ipcrm",
        ("env", "PATH=/nowhere"),
        tests=400,
        judged=0.7,
        lacks={"tools.*": "the program (ip|ls).*ENOENT"},
    ),
    Environment("20 processes", processes(20), ("--jobs=8",), root=True, tests=100, judged=0.7),
    Environment("4 processes", processes(4), ("--jobs=8",), root=True, tests=60, judged=0.3),
    Environment("3 IPC namespaces", FEW_NAMESPACES, ("--jobs=8",), tests=100, judged=0.7),
    Environment("no process more", processes(1), root=True, judged=0, lacks={"*": "namespaces .*temporarily"}),
    Environment(
        "a process table that is full when a test starts",
        kernel_without(f"clone:0&{OF_FORK}=EAGAIN", "clone3=ENOSYS"),
        tests=400,
        judged=0,
        lacks={"*": "room for the processes of a test .EAGAIN."},
    ),
    Environment("no threads", kernel_without(f"clone:0&{THREAD}=EAGAIN", "clone3=ENOSYS"), tests=400),
    Environment(
        "a container without capabilities",
        without_capability("all"),
        root=True,
        judged=0,
        lacks={"*": "namespaces of its own .*Operation not permitted"},
    ),
    Environment(
        "a container that may not make namespaces",
        kernel_without(f"clone:0&{NEW_ANY}=EPERM", f"unshare:0&{NEW_ANY}=EPERM", "clone3=ENOSYS"),
        judged=0,
        lacks={"*": "namespaces of its own .*Operation not permitted"},
    ),
    Environment("a kernel of before 5.3", kernel_without("pidfd_open=ENOSYS", "close_range=ENOSYS"), tests=400),
]


@cache
def known() -> baseline.Baseline:
    return baseline.load("host-glibc", catalogue.load(REQUIREMENTS), None)


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that every user may read, with the program in it."""
    folder = Path(tempfile.mkdtemp(prefix="ipck-", dir="/tmp"))
    shutil.copy(PROGRAM, folder / "ipck-tests")
    shutil.copytree(PROGRAM.with_name("clients"), folder / "clients")
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def reference(place: Path) -> Run:
    print(f"seed {SEED}")
    return finish(start(Environment("reference"), place))


def command(environment: Environment, place: Path, tests: Sequence[str] = (), results: str = "-") -> list[str]:
    """The whole command line. The seed is the reference's, so that the tests choose alike."""
    options = [f"--seed={SEED}", f"--json={results}", *environment.options]
    if tests:
        descriptor, chosen = tempfile.mkstemp(dir=place)
        os.fchmod(descriptor, 0o644)
        os.write(descriptor, "".join(f"{test}\n" for test in tests).encode())
        os.close(descriptor)
        options.append(f"--select={chosen}")
    return [*environment.before, str(place / "ipck-tests"), *options]


def start(
    environment: Environment, place: Path, tests: Sequence[str] = (), results: str = "-"
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command(environment, place, tests, results),
        cwd=place,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: "subprocess.Popen[str]", results: Path | None = None) -> Run:
    """The end of a run; a hung one is killed and fails."""
    try:
        output, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        pytest.fail(f"hung: not finished after {PATIENCE} s")
    records = [json.loads(line) for line in (results.read_text() if results else output).splitlines()]
    assert records and [records[0]["type"], records[-1]["type"]] == ["run", "end"], errors
    tests = [record for record in records if record["type"] == "test"]
    assert records[0]["tests"] == records[-1]["tests"] == len(tests)
    rows = [(test["test"], row) for test in tests for row in test["requirements"]]
    verdicts = {(test, row["id"]): Verdict(row["verdict"], why(row)) for test, row in rows}
    return Run(verdicts, {test["test"]: test["status"] for test in tests}, process.returncode, errors)


def why(row: Mapping[str, str]) -> str:
    """The reason of a verdict, in one line."""
    if row["verdict"] != "fail":
        return row.get("reason", "").splitlines()[0] if row.get("reason") else ""
    return f"{row['where']} {row.get('row', '')}: {row['expression']}: want {row['wanted']}, got {row['got']}"


def difference(environment: Environment, key: Key, wanted: Verdict, given: Verdict | None) -> str:
    """What is wrong with the verdict in the environment; empty where nothing is."""
    test, requirement = key
    pair = (wanted.verdict, given.verdict if given else "no result")
    deviation = known().find(test, requirement)
    if environment.mends and fnmatchcase(test, environment.mends):
        return "" if pair[1] == "pass" else f"{test} {requirement}: {pair[1]}, as if nothing had been prepared"
    if pair[0] == pair[1] or pair == ("skip", "pass"):
        return ""
    if given and given.verdict == "skip" and given.why:
        return ""
    if deviation and (deviation.intermittent and set(pair) == {"pass", "fail"}):
        return ""
    return f"{test} {requirement}: {pair[0]}, but {pair[1]} here: {given.why if given else ''}"


def wrongly_judged(environment: Environment, run: Run) -> list[str]:
    """Verdicts about what the environment lacks that are no skips with the reason."""
    return [
        f"{test} {requirement}: {given.verdict} {given.why}"
        for (test, requirement), given in run.verdicts.items()
        for pattern, reason in environment.lacks.items()
        if fnmatchcase(test, pattern) and not (given.verdict == "skip" and skipped_as(given.why, reason))
    ]


def skipped_as(given: str, reason: str) -> bool:
    """Whether the reason is the one that is due, or one that has nothing to do with the environment."""
    return bool(re.search(reason, given)) or given.startswith(("a 32-bit program", "kernel fault injection"))


def expected_status(run: Run) -> int:
    statuses = set(run.statuses.values())
    return 1 if "fail" in statuses else 2 if statuses & {"error", "timeout"} else 0


def check(environment: Environment, wanted: Mapping[Key, Verdict], run: Run) -> None:
    """The run gives the wanted verdicts as far as it can."""
    pairs = [(key, verdict, run.verdicts.get(key)) for key, verdict in wanted.items()]
    troubles = [text for pair in pairs if (text := difference(environment, *pair))] + wrongly_judged(environment, run)
    if troubles:
        pytest.fail("\n".join([f"{len(troubles)} verdicts, of which the first:", *troubles[:SHOWN]]))
    asked = [(test, given) for (test, _), verdict, given in pairs if verdict.verdict != "skip"]
    tests = {test for test, _ in asked}
    judged = tests - {test for test, given in asked if not given or given.verdict == "skip"}
    assert len(judged) >= environment.judged * len(tests)  # by tests: one alone can have a verdict for each permission
    if environment.passes_status:
        assert run.returncode == expected_status(run), run.stderr


def draw(environment: Environment, reference: Run) -> list[str]:
    """The tests to run: all, or some by the seed."""
    tests = sorted(test for test in reference.statuses if fnmatchcase(test, environment.about))
    if environment.tests >= len(tests) or not environment.tests:
        return tests
    return sorted(random.Random(f"{SEED} {environment.name}").sample(tests, environment.tests))


def wanted_of(reference: Run, tests: Sequence[str]) -> dict[Key, Verdict]:
    chosen = set(tests)
    return {key: verdict for key, verdict in reference.verdicts.items() if key[0] in chosen}


def possible(environment: Environment) -> None:
    """Skip where the environment cannot be made."""
    if environment.root and os.geteuid() != 0:
        pytest.skip("only root can make it")
    argv = [*environment.before, "/bin/true"]
    probe = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if re.search("not permitted|denied", probe.stderr):
        pytest.skip(f"cannot be made here: {probe.stderr.strip()}")
    assert probe.returncode == 0, probe.stderr


@pytest.mark.parametrize("environment", SAME + MACHINES, ids=[each.name.replace(" ", "-") for each in SAME + MACHINES])
def test_same_verdicts_or_a_reason(environment: Environment, reference: Run, place: Path) -> None:
    possible(environment)
    print(f"seed {SEED}")
    tests = draw(environment, reference)
    run = finish(start(environment, place, tests))
    check(environment, wanted_of(reference, tests), run)


def test_eight_copies_at_once(reference: Run, place: Path) -> None:
    print(f"seed {SEED}")
    environment = Environment("copies", options=("--jobs=2", "--time-scale=4"), tests=250, judged=1)
    tests = draw(environment, reference)
    copies = [start(environment, place, tests) for _ in range(COPIES)]
    for run in [finish(copy) for copy in copies]:
        check(environment, wanted_of(reference, tests), run)


def test_without_stdin_and_stdout(reference: Run, place: Path, tmp_path: Path) -> None:
    environment = Environment("closed", ("sh", "-c", 'exec "$@" <&- >&-', "sh"), judged=1, tests=SOME)
    results = tmp_path / "results"
    tests = draw(environment, reference)
    run = finish(start(environment, place, tests, str(results)), results)
    check(environment, wanted_of(reference, tests), run)


def test_results_are_not_lost_silently_where_stdout_is_closed(place: Path) -> None:
    environment = Environment("closed", ("sh", "-c", 'exec "$@" <&- >&-', "sh"))
    done = subprocess.run(command(environment, place), capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, "writing results: Bad file descriptor" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("objects", "is not NAME=VALUE"),
        ("burned=many", "'many' is not a whole number"),
        ("burned=99999999", "is not a whole number up to"),
        ("kernel.pid_max=5", "nor a sysctl of the IPC namespace"),
        ("fs.mqueue./../x=5", "nor a sysctl of the IPC namespace"),
        ("shmem=ro", "nor a sysctl of the IPC namespace"),
        (f"shm=size={100 * '1'}", "a value of more than 100 characters"),
    ],
)
def test_preparation_that_there_is_not(spec: str, message: str) -> None:
    done = subprocess.run([PROGRAM, *prepare(spec)], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, message in done.stderr, len(done.stderr.splitlines())) == (2, True, 1)


def test_preparations_reach_the_program() -> None:
    options = Options(prepare=("burned=5", "kernel.sem=250 32000 32 128"))
    argv = Engine(TARGETS["host-glibc"], (), options).argv
    assert tuple(word for word in argv if "prepare" in word) == prepare(*options.prepare)


def test_preparation_is_done_and_told(place: Path) -> None:
    specs = prepare("objects=2", "burned=70", "kernel.msgmni=17" if os.geteuid() == 0 else "objects=0")
    argv = [str(PROGRAM), *specs, "--json=-", "sysv.sem.semop_value.*"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE, check=False)
    head = json.loads(done.stdout.splitlines()[0])
    assert head["isolation"].endswith(" ".join(["prepared:", *(spec.removeprefix("--prepare=") for spec in specs)]))
    assert os.geteuid() != 0 or head["limits"]["msgmni"] == "17"
