"""Kernels that boot in QEMU."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..booted import Booted, contents
from ..process import Process
from ..tree import BUILD, shown
from .model import Need, Target, Unavailable


@dataclass(frozen=True, slots=True)
class Board:
    """A machine that QEMU makes: its first serial line is the kernel's console, the second carries results."""

    qemu: Need
    options: tuple[str, ...]
    append: str


AMD64 = Board(
    Need("qemu-system-x86_64", "qemu-system-x86"),
    (
        *("-accel", "tcg,thread=multi", "-cpu", "max", "-M", "pc", "-m", "512", "-smp", "2"),
        *("-serial", "file:/dev/stderr"),
        *("-chardev", "stdio,id=results", "-device", "isa-serial,iobase=0x2f8,irq=3,chardev=results"),
    ),
    "console=ttyS0 ipck_results=ttyS1 quiet panic=-1 reboot=t",
)


@dataclass(frozen=True, slots=True)
class QemuKernel(Target):
    """A kernel image; it runs the program from an initramfs."""

    image: Path = Path()
    board: Board = AMD64
    append: str = ""
    start_seconds: float = 4.0

    def argv(self, build: Path = BUILD) -> tuple[str, ...]:
        """The command that boots it."""
        always = ("-nodefaults", "-display", "none", "-no-reboot")
        append = f"{self.board.append} {self.append}".strip()
        kernel = ("-kernel", str(self.image), "-initrd", "{initramfs}", "-append", append)
        return (self.board.qemu.program, *self.board.options, *always, *kernel)

    def lister(self, build: Path = BUILD) -> tuple[str, ...]:
        """The program itself: it runs on this machine as well."""
        return (str(self.program(build)),)

    def check(self, build: Path = BUILD) -> None:
        """QEMU and the kernel's image must be there."""
        self.board.qemu.check()
        if not os.access(self.image, os.R_OK):
            raise Unavailable(f"{shown(self.image)}: there is no such kernel")
        Target.check(self, build)

    def start(self, build: Path, arguments: Sequence[str], stdin: str) -> Process:
        """Boot it."""
        program = self.program(build)
        init = program.with_name("guest-init")
        return Booted(self.argv(build), contents(program.read_bytes(), init.read_bytes(), arguments, stdin))


def _by_path(argument: str) -> Target:
    """`kernel:IMAGE`."""
    image = Path(argument)
    return QemuKernel(
        f"kernel-{image.name}", "glibc-static", f"the kernel {argument} in QEMU",
        time_scale=2.0, start_seconds=4.0, system=f"kernel {argument}", kind="kernels", baseline="kernel", image=image,
    )  # fmt: skip


TARGETS: tuple[Target, ...] = ()
KINDS: dict[str, Callable[[str], Target]] = {"kernel": _by_path}
