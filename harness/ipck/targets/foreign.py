"""Kernels of other architectures that boot in QEMU."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..tree import BUILD
from .kernels import KERNELS, Board, QemuKernel
from .model import Need, Target

_COMMON = ("-smp", "2", "-chardev", "stdio,id=results")
_PCI_SERIAL = (*_COMMON, "-serial", "file:/dev/stderr", "-device", "pci-serial,chardev=results")
_ALWAYS = "quiet panic=-1"

ARM64 = Board(
    Need("qemu-system-aarch64", "qemu-system-arm"),
    (*_PCI_SERIAL, "-M", "virt", "-cpu", "cortex-a57", "-m", "512"),
    f"console=ttyAMA0 ipck_results=ttyS0 {_ALWAYS}",
)
ARMHF = Board(
    Need("qemu-system-arm", "qemu-system-arm"),
    (*_PCI_SERIAL, "-M", "virt,highmem=off", "-m", "512"),  # a 32-bit kernel finds no PCI bus in high memory
    f"console=ttyAMA0 ipck_results=ttyS0 {_ALWAYS}",
)
RISCV64 = Board(
    Need("qemu-system-riscv64", "qemu-system-misc"),
    (*_PCI_SERIAL, "-M", "virt", "-m", "1024"),
    f"console=ttyS0 ipck_results=ttyS1 {_ALWAYS}",
)
S390X = Board(
    Need("qemu-system-s390x", "qemu-system-misc"),
    (
        *(*_COMMON, "-M", "s390-ccw-virtio", "-cpu", "max", "-m", "512"),
        *("-chardev", "file,path=/dev/stderr,id=console", "-device", "sclplmconsole,chardev=console"),
        *("-device", "sclpconsole,chardev=results"),
    ),
    f"console=ttyS0 ipck_results=ttysclp0 {_ALWAYS}",
)


@dataclass(frozen=True, slots=True)
class ForeignKernel(QemuKernel):
    """A kernel for programs that do not run on this machine."""

    lists: Need = Need("", "")  # what the program can be asked with for its tests

    def lister(self, build: Path = BUILD) -> tuple[str, ...]:
        """An emulator of the program alone: a boot would take long."""
        return (self.lists.path, str(self.program(build)))

    def check(self, build: Path = BUILD) -> None:
        """The emulator must be there as well."""
        self.lists.check()
        QemuKernel.check(self, build)


def _kernel(name: str, words: str, flavour: str, board: Board, time_scale: float) -> Target:
    """NAME is that of scripts/get-kernels."""
    return ForeignKernel(
        f"qemu-{name}", flavour, f"Debian's {words} kernel in QEMU", time_scale=time_scale, start_seconds=10.0,
        system=f"qemu-{name}", interface=flavour, kind="kernels", judges_tools=False,
        image=KERNELS / name / "vmlinuz", fetched=name, board=board,
        lists=Need(f"usr/bin/qemu-{flavour}-static", "qemu-user-static", "bookworm"),
    )  # fmt: skip


TARGETS: tuple[Target, ...] = (
    _kernel("arm64-6.1", "arm64 6.1", "aarch64", ARM64, 4.0),
    _kernel("arm64-6.12", "arm64 6.12", "aarch64", ARM64, 4.0),
    _kernel("armhf-6.1", "armhf 6.1", "arm", ARMHF, 4.0),
    _kernel("riscv64-6.12", "riscv64 6.12", "riscv64", RISCV64, 4.0),
    _kernel("s390x-6.1", "s390x 6.1", "s390x", S390X, 4.0),
)
KINDS: dict[str, Callable[[str], Target]] = {}
