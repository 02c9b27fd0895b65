"""Kernels of other architectures that boot in QEMU, as scripts/get-kernels fetches them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..tree import BUILD
from .kernels import KERNELS, Board, QemuKernel
from .model import Need, Target

_RESULTS = ("-smp", "2", "-chardev", "file,id=console,path=/dev/stderr,append=on", "-chardev", "stdio,id=results")
_PCI = (*_RESULTS, "-serial", "chardev:console", "-device", "pci-serial,chardev=results")
_ALWAYS = "quiet panic=-1 oops=panic rcupdate.rcu_expedited=1"  # see the board of amd64

ARM64 = Board(
    Need("qemu-system-aarch64", "qemu-system-arm"),
    (*_PCI, "-M", "virt", "-cpu", "cortex-a57", "-m", "1024"),
    f"console=ttyAMA0 ipck_results=ttyS0 {_ALWAYS}",
    processor="aarch64",
    image="an Image for arm64",
    mark=(0x38, b"ARMd"),
)
ARMHF = Board(
    Need("qemu-system-arm", "qemu-system-arm"),
    (*_PCI, "-M", "virt,highmem=off", "-m", "1024"),  # a 32-bit kernel finds no PCI bus in high memory
    f"console=ttyAMA0 ipck_results=ttyS0 {_ALWAYS}",
    processor="armv7l",
    image="a zImage for arm",
    mark=(0x24, bytes.fromhex("18286f01")),
)
RISCV64 = Board(
    Need("qemu-system-riscv64", "qemu-system-misc"),
    (*_PCI, "-M", "virt", "-m", "1024"),
    f"console=ttyS0 ipck_results=ttyS1 {_ALWAYS}",
    processor="riscv64",
    image="an Image for riscv64",
    mark=(0x38, b"RSC\x05"),
)
S390X = Board(
    Need("qemu-system-s390x", "qemu-system-misc"),
    (
        *(*_RESULTS, "-M", "s390-ccw-virtio", "-cpu", "max", "-m", "1024"),
        *("-device", "sclplmconsole,chardev=console", "-device", "sclpconsole,chardev=results"),
    ),
    # QEMU's second line becomes a console as well: what is only about a program must not be said there.
    f"conmode=sclp console=ttyS0 nokaslr sysctl.debug.exception-trace=0 ipck_results=ttysclp0 {_ALWAYS}",
    processor="s390x",
    image="a bzImage for s390x",
    mark=(0, bytes.fromhex("0008000080")),
)


@dataclass(frozen=True, slots=True)
class ForeignKernel(QemuKernel):
    """A kernel for programs that do not run on this machine."""

    time_scale: float = 6.0
    start_seconds: float = 10.0
    lists: Need = Need("", "")  # what the program can be asked with for its tests

    def lister(self, build: Path = BUILD) -> tuple[str, ...]:
        """An emulator of the program alone: a boot would take long."""
        return (self.lists.path, str(self.program(build)))

    def check(self, build: Path = BUILD) -> None:
        """The emulator must be there as well."""
        self.lists.check()
        QemuKernel.check(self, build)


def _kernel(name: str, words: str, flavour: str, board: Board, usual: bool = True) -> Target:
    """NAME is that of scripts/get-kernels."""
    return ForeignKernel(
        f"qemu-{name}", flavour, f"Debian's Linux {words} in QEMU",
        system=f"Debian's Linux {name}", interface=flavour, image=KERNELS / name / "vmlinuz", board=board, fetched=name,
        usual=usual, lists=Need(f"usr/bin/qemu-{flavour}-static", "qemu-user-static", "bookworm"),
    )  # fmt: skip


TARGETS: tuple[Target, ...] = (
    _kernel("arm64-6.1", "6.1 for arm64", "aarch64", ARM64),
    _kernel("arm64-6.12", "6.12 for arm64", "aarch64", ARM64, usual=False),
    _kernel("armhf-6.1", "6.1 for armhf", "arm", ARMHF, usual=False),
    _kernel("riscv64-6.12", "6.12 for riscv64", "riscv64", RISCV64, usual=False),
    _kernel("s390x-6.1", "6.1 for s390x", "s390x", S390X),
)
KINDS: dict[str, Callable[[str], Target]] = {}
