"""Programs that stand between the tests and the kernel: tracers, sandboxes, whatever takes a command to run."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import IpckError
from ..process import Process
from ..tree import BUILD, fetched
from .model import TESTS, Need, Target, Unavailable

_LONGEST_NAME = 60
_PATIENCE = 30


@dataclass(frozen=True, slots=True)
class Wrapped(Target):
    """The program as a command runs it: {} in the command stands for the program with its arguments."""

    command: tuple[str, ...] = ("{}",)

    def argv(self, build: Path = BUILD) -> tuple[str, ...]:
        """The command around the program."""
        return self._around(build, ())

    def lister(self, build: Path = BUILD) -> tuple[str, ...]:
        """The program itself: it runs without the command as well."""
        return (str(self.program(build)),)

    def start(self, build: Path, arguments: Sequence[str], stdin: str) -> Process:
        """Start the command."""
        return Process(self._around(build, arguments), stdin)

    def _around(self, build: Path, arguments: Sequence[str]) -> tuple[str, ...]:
        return fill(self.command, (str(self.program(build)), *arguments))


def fill(command: Sequence[str], words: Sequence[str]) -> tuple[str, ...]:
    """COMMAND with WORDS where {} stands, inside a longer word as a shell writes them; at the end without {}."""
    if not any("{}" in word for word in command):
        return (*command, *words)
    filled: list[str] = []
    for word in command:
        filled += words if word == "{}" else [word.replace("{}", shlex.join(words))]
    return tuple(filled)


def _tracer(name: str, description: str, *command: str, time_scale: float = 1.0) -> Target:
    need = Need(command[0], command[0])
    return Wrapped(
        name, "glibc", description, time_scale=time_scale, baseline=command[0], system=command[0], kind="tracers",
        needs=(need,), command=(*command, "{}"),
    )  # fmt: skip


# ---- any command


@dataclass(frozen=True, slots=True)
class ByCommand(Wrapped):
    """`wrap:COMMAND`."""

    def check(self, build: Path = BUILD) -> None:
        """The command must be there; nobody knows in which package."""
        if not shutil.which(self.command[0]):
            raise Unavailable(f"{self.command[0]}: there is no such command: install it, or correct --target")
        Target.check(self, build)


def _by_command(argument: str) -> Target:
    try:
        command = tuple(shlex.split(argument))
    except ValueError as error:
        raise IpckError(f"wrap:{argument}: {error}: quote it as for a shell") from None
    if not command or "{}" in command[0]:
        raise IpckError(f"wrap:{argument}: names no command: write for example 'wrap:proot -0 {{}}'")
    words = "-".join(word for word in (Path(command[0]).name, *command[1:]) if "{}" not in word)
    name = re.sub(r"[^A-Za-z0-9.]+", "-", f"wrap-{words}").strip("-.")[:_LONGEST_NAME].rstrip("-.")
    shown = shlex.join(command)
    return ByCommand(
        name, "glibc", f"this kernel by way of {shown}", baseline="wrap", system=shown, kind="wrappers", command=command
    )


# ---- gVisor

# All that a sandbox consists of lives in a PID namespace and below a /run of its own: when the first process goes, by
# whatever death, the kernel ends the others and takes the mounts and the sandbox's state with them.
_CONFINED = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
_AS_USER = ("unshare", "--user", "--map-root-user", *_CONFINED[1:])
_OWN_RUN = ("sh", "-c", 'mount -t tmpfs ipck /run && exec "$@"', "sh")
# Says in the sandbox how the program ended, so that its end is told from the sandbox's.
_LEAVE = (
    '"$@"; status=$?; how=; '
    'if [ $status -gt 128 ]; then how="was killed by signal $((status - 128))"; '
    'elif [ $status -gt 2 ]; then how="exited with status $status"; fi; '
    """echo '{"type":"left","how":"'"$how"'"}'; exit $status"""
)


@dataclass(frozen=True, slots=True)
class GVisor(Wrapped):
    """A sandbox of gVisor: one for the whole run."""

    runsc: str = ""  # its path, where it is not a Debian release's
    release: str = ""  # what `runsc --version` says
    suite: str = ""  # of Debian, that has it

    def argv(self, build: Path = BUILD) -> tuple[str, ...]:
        """The command that makes the sandbox."""
        return self._sandboxed(build, ())

    def check(self, build: Path = BUILD) -> None:
        """A runsc of that release must be there."""
        if not self._find():
            wanted = f"runsc {self.release}" if self.release else self.runsc
            remedy = ("scripts/get-debian", self.suite, "runsc") if self.suite else ()
            raise Unavailable(f"{wanted} is not here", remedy)
        Target.check(self, build)

    def start(self, build: Path, arguments: Sequence[str], stdin: str) -> Process:
        """Make the sandbox and run the program in it."""
        return Sandbox(self._sandboxed(build, arguments), stdin)

    def _sandboxed(self, build: Path, arguments: Sequence[str]) -> tuple[str, ...]:
        confined = _CONFINED if os.geteuid() == 0 else _AS_USER
        rootless = () if os.geteuid() == 0 else ("--rootless",)
        runsc = (self._find() or "runsc", "--root=/run/runsc", "--network=none", "--ignore-cgroups", *rootless)
        # Most of a test is waiting there: for a system call of its own, or for what never comes.
        jobs = ("--jobs", "16") if self.tool == TESTS else ()
        program = (str(self.program(build)), "--shared-mounts", *jobs, *arguments)
        inside = ("do", "sh", "-c", _LEAVE, "sh", *program)
        return ("setpriv", "--pdeathsig", "KILL", *confined, *_OWN_RUN, *runsc, "--platform=ptrace", *inside)

    def _find(self) -> str:
        """The path of its runsc: the one that is installed, if that is the release, or the one that was fetched."""
        if self.runsc:
            return self.runsc if shutil.which(self.runsc) else ""
        cached = fetched(self.suite, "runsc") / "usr/bin/runsc"
        for path in (shutil.which("runsc"), shutil.which(str(cached))):
            if path and self.release in _version(path):
                return path
        return ""


class Sandbox(Process):
    """A sandbox; the program in it has an end of its own."""

    what = "the sandbox"


def _version(path: str) -> str:
    """What a runsc says it is; '' where it does not run."""
    try:
        said = subprocess.run(
            (path, "--version"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
            text=True,
        )
    except (OSError, UnicodeDecodeError, subprocess.TimeoutExpired):
        return ""
    return said.stdout


def _gvisor(
    name: str, description: str, *, baseline: str = "", runsc: str = "", release: str = "", suite: str = ""
) -> Target:
    # The program finds by itself that processes are made slowly there. And its platform ptrace never ends the threads
    # that it starts on the host for each pair of a thread of its own and an address space (pkg/sentry/platform/ptrace,
    # subprocess.newThread()): after minutes of many processes there are tens of thousands, clone() fails with EAGAIN,
    # and the sandbox panics.
    return GVisor(
        name, "glibc-static", description, time_scale=0.5, baseline=baseline, system=name, kind="sandboxes",
        runsc=runsc, release=release, suite=suite, portion=90.0,
    )  # fmt: skip


def _by_runsc(argument: str) -> Target:
    if not argument:
        raise IpckError("runsc: names no program: write for example runsc:/usr/local/bin/runsc")
    path = Path(argument)
    name = re.sub(r"[^A-Za-z0-9.]+", "-", f"gvisor-{path.name}").strip("-.")
    runsc = str(path.absolute()) if path.exists() else argument
    return _gvisor(name, f"gVisor, {argument}", baseline="gvisor", runsc=runsc)


TARGETS = (
    _gvisor("gvisor-2022", "gVisor of Debian 12", release="20221219", suite="bookworm"),
    _gvisor("gvisor-2024", "gVisor of Debian 13", release="20240729", suite="trixie"),
    _tracer("valgrind", "this kernel under valgrind --tool=none", "valgrind", "-q", "--tool=none"),
    _tracer("valgrind-memcheck", "this kernel under valgrind's memcheck", "valgrind", "-q"),
    _tracer("strace", "this kernel under strace -f", "strace", "-f", "-qq", "-o", "/dev/null", time_scale=10.0),
)
KINDS: dict[str, Callable[[str], Target]] = {"wrap": _by_command, "runsc": _by_runsc}
