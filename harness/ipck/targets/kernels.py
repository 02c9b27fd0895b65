"""Kernels that boot in QEMU: Debian's, as scripts/get-kernels fetches them, and any image by path."""

import os
import platform
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .. import virtualisation
from ..booted import Booted, contents
from ..process import Process
from ..tree import BUILD, CACHE, shown
from . import watched
from .model import Need, Target, Unavailable

KERNELS = CACHE / "kernels"


@dataclass(frozen=True, slots=True)
class Board:
    """A machine that QEMU makes: its first serial line is the kernel's console, the second carries results."""

    qemu: Need
    options: tuple[str, ...]
    append: str
    processor: str = ""  # as uname calls it: such a machine may run it with KVM
    image: str = "a kernel"  # what its kernel images are
    mark: tuple[int, bytes] = (0, b"")  # what stands where in an image


AMD64 = Board(
    Need("qemu-system-x86_64", "qemu-system-x86"),
    (
        *("-cpu", "max", "-M", "pc", "-m", "1024", "-smp", "2"),
        *("-chardev", "file,id=console,path=/dev/stderr,append=on", "-serial", "chardev:console"),
        *("-chardev", "stdio,id=results", "-device", "isa-serial,iobase=0x2f8,irq=3,chardev=results"),
    ),
    # The end of a namespace waits for RCU, and more of them come than go where that takes its time. Some tests need
    # pages in the pool of huge ones.
    "console=ttyS0 ipck_results=ttyS1 quiet panic=-1 oops=panic reboot=t rcupdate.rcu_expedited=1 hugepages=8",
    processor="x86_64",
    image="a bzImage for x86",
    mark=(0x202, b"HdrS"),
)

# Of the x86 boot protocol: xloadflags, whose lowest bit says that there is a 64-bit entry point.
_LOAD_FLAGS = 0x236
_HEADER = 0x1000


class Machine(Booted):
    """A kernel in QEMU: on a machine that is busy with others even its start takes a while."""

    heartbeat = 60.0
    advice = "; with append=loglevel=7 its console says more"


@dataclass(frozen=True, slots=True)
class QemuKernel(Target):
    """A kernel image; it runs the program from an initramfs."""

    time_scale: float = 2.0
    start_seconds: float = 5.0
    kind: str = "kernels"
    judges_tools: bool = False
    image: Path = Path()
    board: Board = AMD64
    append: str = ""
    extra: Path | None = None  # an initramfs that is laid over ours
    fetched: str = ""  # by which name scripts/get-kernels knows it
    watches: bool = False  # whether what the kernel finds wrong with itself fails the test that was running

    def built(self, build: Path = BUILD) -> tuple[Path, ...]:
        """The program, and the first process that runs it."""
        return self.program(build), self._init(build)

    def argv(self, build: Path = BUILD) -> tuple[str, ...]:
        """The command that boots it."""
        hardware = platform.machine() == self.board.processor and virtualisation.works()
        return self._command("kvm" if hardware else "tcg,thread=multi")

    def lister(self, build: Path = BUILD) -> tuple[str, ...]:
        """The program itself: it runs on this machine as well."""
        return (str(self.program(build)),)

    def options(self) -> tuple[str, ...]:
        """Whether it is watched."""
        return watched.OPTIONS if self.watches else ()

    def check(self, build: Path = BUILD) -> None:
        """QEMU, an image of the right kind, and the program must be there."""
        self.board.qemu.check()
        if self.fetched and not self.image.exists():
            raise Unavailable("the kernel is not fetched", ("scripts/get-kernels", self.fetched))
        _check_image(self.image, self.board)
        if self.extra and not os.access(self.extra, os.R_OK):
            raise Unavailable(f"initrd={self.extra}: there is no such file, or it is not readable")
        Target.check(self, build)
        if self.fetched and platform.machine() == self.board.processor:
            virtualisation.try_once(self._command("kvm"), self._initramfs(build, ("--list",), ""))

    def start(self, build: Path, arguments: Sequence[str], stdin: str) -> Process:
        """Boot it."""
        return Machine(self.argv(build), self._initramfs(build, arguments, stdin))

    def _command(self, accelerator: str) -> tuple[str, ...]:
        always = ("-nodefaults", "-display", "none", "-no-reboot", "-accel", accelerator)
        append = " ".join(filter(None, (self.board.append, watched.APPEND if self.watches else "", self.append)))
        kernel = ("-kernel", str(self.image), "-initrd", "{initramfs}", "-append", append)
        return (self.board.qemu.path, *self.board.options, *always, *kernel)

    def _init(self, build: Path) -> Path:
        return self.program(build).with_name("guest-init")

    def _initramfs(self, build: Path, arguments: Sequence[str], stdin: str) -> bytes:
        program = self.program(build)
        more = self.extra.read_bytes() if self.extra else b""
        clients = sorted((program.parent / "clients").glob("*"))
        return contents(program.read_bytes(), self._init(build).read_bytes(), arguments, stdin, clients, more)


def _check_image(image: Path, board: Board) -> bytes:
    """How IMAGE begins; Unavailable when it is none for BOARD."""
    try:
        with image.open("rb") as file:
            header = file.read(_HEADER)
    except FileNotFoundError:
        raise Unavailable(f"{shown(image)}: there is no such kernel") from None
    except OSError as error:
        raise Unavailable(f"{shown(image)} cannot be read as a kernel ({error.strerror})") from None
    place, mark = board.mark
    if not header.startswith(mark, place):
        raise Unavailable(f"{shown(image)} is no kernel, but {_kind(header)}: {board.image} is wanted")
    return header


_KINDS = {
    b"\x7fELF": "an ELF file (vmlinux or a module)",
    b"\x1f\x8b": "compressed by gzip",
    b"\xfd7zXZ": "compressed by xz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"BZh": "compressed by bzip2",
    b"!<arch>": "an archive or a Debian package",
    b"07070": "an initramfs",
}


def _kind(header: bytes) -> str:
    if not header:
        return "empty"
    return next((kind for mark, kind in _KINDS.items() if header.startswith(mark)), "something else")


# ---- by path


def _by_path(argument: str) -> Target:
    """`kernel:IMAGE[,initrd=FILE][,watch][,append=WORDS]`."""
    given = watched.parse("kernel", argument, "IMAGE", ("initrd", "watch"))
    image = given.path.absolute()
    target = QemuKernel(
        _name(image), "glibc-static", f"the kernel {given.path} in QEMU",
        system=f"kernel {given.path}", baseline="kernel", image=image, append=given.append, extra=given.initrd,
        watches=given.watch,
    )  # fmt: skip
    return replace(target, flavour="i386-static", baseline="kernel-i386") if _has_32_bits(image) else target


def _name(image: Path) -> str:
    return "kernel-" + (re.sub(r"[^A-Za-z0-9.-]+", "-", image.name).strip("-.") or "image")


def _has_32_bits(image: Path) -> bool:
    try:
        header = _check_image(image, AMD64)
    except Unavailable:
        return False  # it is told when the target is checked
    return not header[_LOAD_FLAGS] & 1


# ---- Debian's


def _debian() -> Iterator[Target]:
    for name in ("5.10", "6.1", "6.12", "6.18", "newest"):
        words = f"Debian's Linux {name}" if name != "newest" else "Debian's newest Linux"
        yield _fetched(f"qemu-{name}", name, "glibc-static", f"{words} in QEMU")
        yield _fetched(f"qemu-{name}-i386", name, "i386-static", f"{words} in QEMU, 32-bit program", "32-bit")
    for name in ("5.10", "6.1"):
        yield _fetched(f"qemu-686-{name}", f"686-{name}", "i386-static", f"Debian's Linux {name} for i686 in QEMU")


def _fetched(target: str, name: str, flavour: str, description: str, interface: str = "native") -> Target:
    return QemuKernel(
        target, flavour, description,
        system=f"Debian's Linux {name}", interface=interface, image=KERNELS / name / "vmlinuz", fetched=name,
    )  # fmt: skip


TARGETS: tuple[Target, ...] = tuple(_debian())
KINDS: dict[str, Callable[[str], Target]] = {"kernel": _by_path}
