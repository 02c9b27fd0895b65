"""The targets: where the test programs run, and how."""

import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .catalogue import Catalogue
from .errors import IpckError
from .records import clean
from .tree import BUILD, ROOT, shown

VARIANTS = ("libc", "raw", "mux")
"""Last parts of test ids: through the C library, by system calls, by the ipc(2) multiplexer."""

_TEST_ID = re.compile(r"[A-Za-z0-9_.-]+")
_WHERE = re.compile(r"(.+):([0-9]{1,9})")
_PATIENCE = 30


@dataclass(frozen=True, slots=True)
class Target:
    """One implementation under test as seen through one build of the programs."""

    name: str
    flavour: str
    description: str
    prefix: tuple[str, ...] = ()  # put before the program's own arguments
    time_scale: float = 1.0  # how much slower than the host everything may be
    baseline: str = ""  # stem of the baseline file when it is not the name
    system: str = "this machine"  # whose kernel and tools it judges
    interface: str = "native"  # by which of its system call interfaces
    start_seconds: float = 0.0  # what a start takes, where it takes long enough to avoid starts

    def program(self, build: Path = BUILD) -> Path:
        """The test program of the target's flavour."""
        return build.absolute() / self.flavour / "ipck-tests"

    def argv(self, build: Path = BUILD) -> tuple[str, ...]:
        """What to execute, without options."""
        return (*self.prefix, str(self.program(build)))


@dataclass(frozen=True, slots=True)
class Test:
    """A test as the program lists it: `sysv.sem.semop_wait.rmid_wakes_waiter.libc`."""

    __test__ = False  # not for pytest to collect

    id: str
    file: str
    line: int
    requirements: tuple[str, ...]


class Unavailable(Exception):
    """The target cannot run here; the text says why."""


TARGETS = {
    target.name: target
    for target in (
        Target("host-glibc", "glibc", "this kernel, glibc"),
        Target("host-glibc-static", "glibc-static", "this kernel, glibc linked statically"),
        Target("host-musl", "musl", "this kernel, musl linked statically"),
        Target("host-i386", "i386", "this kernel, 32-bit glibc", interface="32-bit"),
        Target("host-clang", "clang", "this kernel, glibc, built with clang"),
    )
}
DEFAULT = ("host-glibc", "host-glibc-static", "host-musl", "host-i386")


def choose(names: Iterable[str]) -> list[Target]:
    """The targets called NAMES, each once, in that order."""
    wanted = list(dict.fromkeys(name for name in names if name))
    if unknown := [name for name in wanted if name not in TARGETS]:
        raise IpckError(f"unknown target {unknown[0]!r}; known targets: {', '.join(TARGETS)}")
    return [TARGETS[name] for name in wanted]


def subject(target: Target, test: str) -> tuple[str, ...]:
    """What TEST judges on TARGET: what has been judged there once need not be judged again by another flavour.

    The tools of a system are the same for all its targets, system calls for those that make them by one interface.
    """
    if test.startswith("tools."):
        return (test, target.system)
    if test.rpartition(".")[2] in VARIANTS[1:]:
        return (test, target.system, target.interface)
    return (test, target.name)


def without_variant(test: str) -> str:
    """The test's id without the part that tells how the calls were made."""
    stem, _, last = test.rpartition(".")
    return stem if last in VARIANTS else test


def group(test: str) -> str:
    """The id of the file that TEST stands in: `sysv.sem.semop_wait`."""
    return without_variant(test).rpartition(".")[0]


def list_tests(target: Target, catalogue: Catalogue, build: Path = BUILD) -> list[Test]:
    """What the target's program holds; Unavailable when it cannot be asked, IpckError when it answers nonsense."""
    argv = (*target.argv(build), "--list")
    try:
        answer = subprocess.run(
            argv,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE * target.time_scale,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise IpckError(f"target {target.name}: {shown(Path(argv[0]))} --list gave no answer: rebuild it") from None
    except OSError as error:
        raise Unavailable(_why_not(target, build, error)) from None
    if answer.returncode != 0:
        said = clean(answer.stderr.decode("utf-8", "backslashreplace").strip()) or f"status {answer.returncode}"
        raise Unavailable(f"{shown(target.program(build))} --list failed: {said[:500]}")
    tests: dict[str, Test] = {}
    faults = []
    for number, line in enumerate(answer.stdout.split(b"\n"), 1):
        if line:
            try:
                test = _listed(line)
                if test.id in tests:
                    raise ValueError(f"test {test.id} is listed twice")
                tests[test.id] = test
                faults += _unknown(target, test, catalogue)
            except ValueError as error:
                faults.append(f"target {target.name}: line {number} of --list: {error}: rebuild the program")
    if not tests and not faults:
        faults.append(f"target {target.name}: {shown(target.program(build))} holds no tests: rebuild it")
    if faults:
        raise IpckError(*faults)
    return list(tests.values())


def _listed(line: bytes) -> Test:
    try:
        identifier, where, requirements = line.decode("utf-8").split("\t")
    except ValueError:
        raise ValueError("is not ID<TAB>FILE:LINE<TAB>REQUIREMENTS") from None
    place = _WHERE.fullmatch(where)
    if not place or not where.isprintable() or not _TEST_ID.fullmatch(identifier):
        raise ValueError("is not ID<TAB>FILE:LINE<TAB>REQUIREMENTS")
    return Test(identifier, place[1], int(place[2]), tuple(name for name in requirements.split(",") if name))


def _unknown(target: Target, test: Test, catalogue: Catalogue) -> list[str]:
    return [
        f"target {target.name}: test {test.id} ({test.file}:{test.line}) names the unknown requirement {name[:100]!r}: "
        "add it to conformance/requirements, or rebuild the program"
        for name in test.requirements
        if name not in catalogue
    ]


def _why_not(target: Target, build: Path, error: OSError) -> str:
    program = target.program(build)
    if target.prefix and error.filename == target.prefix[0]:
        return f"{target.prefix[0]}: {error.strerror}: install it"
    if not program.exists():
        return f"{shown(program)} is not built: run make"
    if not os.access(program, os.X_OK):
        return f"{shown(program)} is not executable: rebuild it with make"
    return f"{shown(program)} cannot be executed here ({error.strerror}): its loader or the kernel's support is missing"
