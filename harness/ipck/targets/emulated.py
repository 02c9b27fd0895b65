"""QEMU's user mode: programs of other machines on this kernel, their system calls translated one by one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..tree import ARCHITECTURES, BUILD
from .model import Need, Target

_NATIVE = {"x86_64": "glibc-static", "i386": "i386-static"}
"""Flavours that need no cross compiler, by QEMU's name of the architecture."""

_RELEASES = {
    "": ("bookworm", "qemu-user-static", "-static", "Debian 12's"),
    "-10.0": ("bookworm-backports", "qemu-user", "", "10.0"),
}
"""What follows the architecture in the target's name: suite, package, end of the programs' names, words."""


@dataclass(frozen=True, slots=True)
class Emulated(Target):
    """A program under an emulator that can start such programs as well (harness/guest/emulate.c)."""

    emulator: Need = Need("", "")

    def argv(self, build: Path = BUILD) -> tuple[str, ...]:
        """The program behind the emulator behind what makes its namespaces."""
        return (str(build.absolute() / "emulate"), self.emulator.path, str(self.program(build)))

    def built(self, build: Path = BUILD) -> tuple[Path, ...]:
        """What makes the namespaces, and the program."""
        return build.absolute() / "emulate", self.program(build)

    def check(self, build: Path = BUILD) -> None:
        """All three must be there."""
        self.emulator.check()
        Target.check(self, build)


def _targets() -> Iterator[Target]:
    rows = (line.split()[0] for line in ARCHITECTURES.read_text().splitlines() if line and line[0] != "#")
    flavours = _NATIVE | {name: name for name in rows}
    for ending, (suite, package, static, words) in _RELEASES.items():
        for name, flavour in flavours.items():
            yield Emulated(
                f"qemu-user-{name}{ending}",
                flavour,
                f"this kernel seen through {words} qemu-{name}",
                time_scale=2.0,
                system=f"qemu-user{ending}",
                interface=name,
                kind="emulators",
                judges_tools=False,
                emulator=Need(f"usr/bin/qemu-{name}{static}", package, suite),
            )


TARGETS: tuple[Target, ...] = tuple(_targets())
KINDS: dict[str, Callable[[str], Target]] = {}
