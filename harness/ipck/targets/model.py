"""What a target is. The targets themselves stand in the modules beside this one."""

import os
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..process import Process
from ..tree import BUILD, INSTALLED, fetched, shown

VARIANTS = ("libc", "raw", "mux")
"""Last parts of test ids: through the C library, by system calls, by the ipc(2) multiplexer."""


TESTS, STRESS = "ipck-tests", "ipck-stress"
"""The programs that can be run: `Target.tool`."""


class Unavailable(Exception):
    """The target cannot run here; the text says why, and what to do."""

    def __init__(self, why: str, remedy: Sequence[str] = ()) -> None:
        """REMEDY is the command that helps, to be run in the tree."""
        super().__init__(f"{why}: run {shlex.join(remedy)}" if remedy else why)
        self.remedy = tuple(remedy)


@dataclass(frozen=True, slots=True)
class Need:
    """A program that a target cannot do without."""

    program: str  # by name or path
    package: str  # the Debian package that brings it
    suite: str = ""  # of Debian, where the package is fetched and not installed; `program` is its path in there

    @property
    def path(self) -> str:
        """How to call it."""
        return str(fetched(self.suite, self.package) / self.program) if self.suite else self.program

    def check(self) -> None:
        """Unavailable when it is not there."""
        if shutil.which(self.path):
            return
        if self.suite:
            raise Unavailable(f"{self.program} is not fetched", ("scripts/get-debian", self.suite, self.package))
        raise Unavailable(f"{self.program} is not installed", ("apt-get", "install", self.package))


@dataclass(frozen=True, slots=True)
class Target:
    """One implementation under test as seen through one build of the programs.

    This one executes the program behind a prefix. What boots or travels overrides check() and start().
    """

    name: str  # letters, digits, dots and hyphens: it names files as well
    flavour: str
    description: str
    prefix: tuple[str, ...] = ()  # put before the program and its arguments
    time_scale: float = 1.0  # how much slower than the host everything may be
    start_seconds: float = 0.0  # what a start costs before the first test, about
    baseline: str = ""  # stem of the baseline file when it is not the name
    system: str = "this machine"  # whose kernel and tools it judges
    interface: str = "native"  # by which of its system call interfaces
    kind: str = "host"  # what stands under one heading
    needs: tuple[Need, ...] = ()
    usual: bool = True  # part of the matrix; the others are run by name
    tool: str = TESTS  # the program that is run there
    portion: float = 0.0  # seconds after which what goes on for longer is to start anew; 0: it need not
    judges_tools: bool = True  # ipcs and the like; no broken view of the objects is in between

    def program(self, build: Path = BUILD) -> Path:
        """What is run there, as built for the target's flavour."""
        return build.absolute() / self.flavour / self.tool

    def built(self, build: Path = BUILD) -> tuple[Path, ...]:
        """What `make` builds for it."""
        return (self.program(build),)

    def argv(self, build: Path = BUILD) -> tuple[str, ...]:
        """What is executed and shown, without options."""
        return (*self.prefix, str(self.program(build)))

    def judges(self, test: str) -> bool:
        """Whether TEST says something about it."""
        return self.judges_tools or not test.startswith("tools.")

    def lister(self, build: Path = BUILD) -> tuple[str, ...]:
        """How the program is asked for what it holds, if possible without starting what is judged."""
        return self.argv(build)

    def options(self) -> tuple[str, ...]:
        """What the program is told beside what it is told everywhere, also when it is asked what it holds."""
        return ()

    def ask(self, build: Path = BUILD) -> Process:
        """Start the program to tell what it holds; OSError when it cannot be executed."""
        return Process((*self.lister(build), *self.options(), "--list"))

    def check(self, build: Path = BUILD) -> None:
        """Unavailable when it cannot be started here; called once before it is."""
        for need in self.needs:
            need.check()
        for path in self.built(build):
            if not path.exists() and INSTALLED:
                raise Unavailable(f"{shown(path)} is not part of this installation")
            if not path.exists():
                raise Unavailable(f"{shown(path)} is not built", ("make", shown(path)))
            if not os.access(path, os.X_OK):
                raise Unavailable(f"{shown(path)} is not executable: rebuild it with make")

    def start(self, build: Path, arguments: Sequence[str], stdin: str) -> Process:
        """Start the program; OSError when it cannot be executed. Its JSON lines come out of the process's stdout."""
        return Process((*self.argv(build), *arguments), stdin)


@dataclass(frozen=True, slots=True)
class Test:
    """A test as the program lists it: `sysv.sem.semop_wait.rmid_wakes_waiter.libc`."""

    __test__ = False  # not for pytest to collect

    id: str
    file: str
    line: int
    requirements: tuple[str, ...]


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
