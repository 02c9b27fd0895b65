"""Other machines, through ssh: what the user's ssh configuration says of them holds."""

import errno
import platform
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import IpckError
from ..process import Process
from ..ssh import Remote
from ..tree import BUILD, shown
from .model import Need, Target, Unavailable

_SSH = (
    *("ssh", "-o", "BatchMode=yes"),  # no questions
    *("-o", "ControlMaster=no"),  # a connection that the user holds open is used, but none is left open
    *("-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"),
    *("-o", "ClearAllForwardings=yes", "-o", "ForwardAgent=no", "-o", "ForwardX11=no", "-o", "Compression=yes"),
    *("-o", "RequestTTY=no", "-o", "RemoteCommand=none", "-o", "PermitLocalCommand=no", "-o", "LogLevel=ERROR"),
)
_PLACE = re.compile(
    r"(?P<host>(?:\w[^@:/\s]*@)?(?:\w[\w.-]*|\[[\w:.%]+\]))(?::(?P<port>\d{1,5}))?(?:/(?P<flavour>\w[\w.-]*))?",
    re.ASCII,
)
_FLAVOURS = ((re.escape(platform.machine()), "glibc-static"), ("i[3-6]86", "i386-static"), ("armv.*", "arm"))
"""Flavours by what uname -m says, where that is not itself the flavour's name."""


@dataclass(frozen=True, slots=True)
class RemoteTarget(Target):
    """A machine that the program is sent to."""

    ssh: tuple[str, ...] = ()
    by_machine: bool = True  # the flavour is chosen when the machine is known

    def argv(self, build: Path = BUILD) -> tuple[str, ...]:
        """The command as far as it can be shown."""
        return (*self.ssh, self.tool)

    def ask(self, build: Path = BUILD) -> Process:
        """The program is asked over there: it may be none for this machine."""
        try:
            return self.start(build, ("--list",), "")
        except OSError as error:
            raise Unavailable(error.strerror) from None

    def check(self, build: Path = BUILD) -> None:
        """Whether the machine is there shows when the program is asked."""
        for need in self.needs:
            need.check()

    def start(self, build: Path, arguments: Sequence[str], stdin: str) -> Process:
        """Connect, send the program when it is not there yet, and start it."""
        return Remote(self.ssh, lambda machine: self._built(machine, build), arguments, stdin)

    def _built(self, machine: str, build: Path) -> Path:
        flavour = self.flavour
        if self.by_machine:
            flavour = next((name for pattern, name in _FLAVOURS if re.fullmatch(pattern, machine)), machine)
        program = build.absolute() / flavour / self.tool
        if not program.exists():
            what = f"{self.ssh[-1]} is a machine of the kind {machine}, {shown(program)} is not built: "
            raise FileNotFoundError(errno.ENOENT, f"{what}run make {shown(program)}")
        return program


def _at(place: str) -> Target:
    """`ssh:[USER@]HOST[:PORT][/FLAVOUR]`."""
    found = _PLACE.fullmatch(place)
    if not found:
        raise IpckError(f"ssh:{place[:200]} is no place: want ssh:[USER@]HOST[:PORT][/FLAVOUR]")
    host, port, flavour = found["host"], found["port"], found["flavour"] or "glibc-static"
    return RemoteTarget(
        "ssh-" + re.sub("[^A-Za-z0-9.]+", "-", place).strip("-"),
        flavour,
        f"the machine {host}, by ssh",
        baseline=f"host-{flavour}",
        system=f"machine {host}",
        kind="machines",
        needs=(Need("ssh", "openssh-client"),),
        ssh=(*_SSH, *(("-p", port) if port else ()), "--", host),
        by_machine=not found["flavour"],
    )  # fmt: skip


TARGETS: tuple[Target, ...] = ()
KINDS: dict[str, Callable[[str], Target]] = {"ssh": _at}
