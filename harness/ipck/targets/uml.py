"""User-Mode Linux: kernels that are programs."""

import os
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..booted import Booted, contents
from ..process import Process
from ..records import clean
from ..tree import BUILD, fetched, shown
from . import watched
from .model import Need, Target, Unavailable

_PATIENCE = 20
_ELF_32 = b"\x7fELF\1"
_NO_WORD_OF_SIGSEGV = "sysctl.kernel.printk_ratelimit_burst=0"  # a 32-bit kernel panics when it tells of one
_LOADER = "ld-linux-x86-64.so.2"

# In namespaces of its own: none of its processes outlives the shell, and its files (memory, pid, management socket)
# lie in a file system that goes with it, over a folder in which no kernel lies. $1 holds the C library if it needs
# another one than the machine's. What it prints belongs to the console; descriptor 0 is for results alone. The shell
# stays: a panic ends in abort(), which the first process of a namespace would survive.
_SCRIPT = f"""
ulimit -c 0 &&
mount -t tmpfs -o mode=0700 ipck /sys &&
if [ "$1" ]; then mount --bind "$1/{_LOADER}" /lib64/{_LOADER} && export LD_LIBRARY_PATH="$1"; fi &&
shift && export TMPDIR=/sys && "$@" 0>&1 >&2
exit $?
"""
_ALONE = ("unshare", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child=KILL", "sh", "-c", _SCRIPT, "uml")
_OPTIONS = (
    *("mem=512M", "initrd={initramfs}", "uml_dir=/sys", "umid=ipck", "seccomp=auto"),
    *("con=null", "con0=null,fd:2", "ssl=null", "ssl0=null,fd:0"),
    *("ipck_results=ttyS0", "ipck_end=poweroff", "panic=-1", "noreboot"),
)


@dataclass(frozen=True, slots=True)
class Uml(Target):
    """A kernel for user mode; it runs the program from an initramfs and never sees the machine's files."""

    binary: Path = Path()
    libraries: Path | None = None  # a folder with the C library for it
    get: tuple[str, ...] = ()  # the command that brings it
    append: str = ""  # more words for its command line
    watches: bool = False  # it is watched although it has no checkers

    def built(self, build: Path = BUILD) -> tuple[Path, ...]:
        """The program, and the first process that runs it."""
        return self.program(build), self.program(build).with_name("guest-init")

    def argv(self, build: Path = BUILD) -> tuple[str, ...]:
        """The command that boots it."""
        watch = (watched.APPEND,) if self.options() else ()
        return (*self._command(), *_OPTIONS, *watch, *self.append.split())

    def options(self) -> tuple[str, ...]:
        """A kernel with checkers is watched."""
        checks = self.watches or (self.binary.is_file() and watched.has_checkers(self.config()))
        return watched.OPTIONS if checks else ()

    def config(self) -> str:
        """The configuration that it was built with, as a .config; empty when it does not tell."""
        return _config(self._command())[0]

    def lister(self, build: Path = BUILD) -> tuple[str, ...]:
        """The program itself: it runs on this machine as well."""
        return (str(self.program(build)),)

    def check(self, build: Path = BUILD) -> None:
        """It must be there, be a kernel, and start in namespaces of its own."""
        Need("unshare", "util-linux").check()
        if not self.binary.is_file():
            raise Unavailable(f"{shown(self.binary)}: there is no such kernel", self.get)
        if not os.access(self.binary, os.X_OK):
            raise Unavailable(f"{shown(self.binary)} is not executable")
        Target.check(self, build)
        self._check_config()

    def start(self, build: Path, arguments: Sequence[str], stdin: str) -> Process:
        """Boot it."""
        program, init = self.built(build)
        clients = sorted((program.parent / "clients").glob("*"))
        initramfs = contents(program.read_bytes(), init.read_bytes(), arguments, stdin, clients)
        return Booted(self.argv(build), initramfs)

    def _command(self) -> tuple[str, ...]:
        return (*_ALONE, str(self.libraries or ""), str(self.binary))

    def _check_config(self) -> None:
        name = shown(self.binary)
        config, how = _config(self._command())
        if "\nCONFIG_UML=y\n" not in config:
            words = clean(config[-200:].strip()) or how
            raise Unavailable(
                f"{name} is no User-Mode Linux: --showconfig gave no answer" if not how else
                f"{name} --showconfig names no CONFIG_UML=y, so this is no User-Mode Linux: {words}"
            )


@cache
def _config(command: tuple[str, ...]) -> tuple[str, str]:
    """What a binary says to --showconfig, and how it ended: '' where it did not."""
    try:
        answer = subprocess.run(
            (*command, "--showconfig"), stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return "", ""
    return (answer.stdout + answer.stderr).decode("utf-8", "backslashreplace"), f"status {answer.returncode}"


def _uml(name: str, words: str, binary: Path, flavour: str = "glibc-static", **more: Any) -> Uml:
    return Uml(
        f"uml-{name}", flavour, f"{words} in user mode", time_scale=3.0, start_seconds=2.0, system=f"uml-{name}",
        kind="kernels", judges_tools=False, binary=binary, **more,
    )  # fmt: skip


def _of_suite(name: str, suite: str, *libraries: str, usual: bool = True) -> Uml:
    """The kernel of a suite that is fetched and not installed, with what it needs of the suite's libraries."""
    packages = ("user-mode-linux", *libraries)
    root = fetched(suite, *packages)
    return _uml(
        name, f"the kernel of Debian {suite}", root / "usr/bin/linux.uml",
        libraries=root / "usr/lib/x86_64-linux-gnu" if libraries else None,
        get=("scripts/get-debian", suite, *packages), usual=usual,
    )  # fmt: skip


def _by_path(argument: str) -> Target:
    """`uml:BINARY[,watch][,append=WORDS]`."""
    given = watched.parse("uml", argument, "BINARY", ("watch",))
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", given.path.name).strip("-.") or "kernel"
    of_32_bits = _is_of_32_bits(given.path)
    flavour, baseline = ("i386-static", "uml-i386") if of_32_bits else ("glibc-static", "uml")
    append = " ".join(filter(None, (_NO_WORD_OF_SIGSEGV if of_32_bits else "", given.append)))
    return _uml(
        name, f"the kernel {given.path}", given.path.absolute(), flavour=flavour, baseline=baseline,
        append=append, watches=given.watch,
    )  # fmt: skip


def _is_of_32_bits(binary: Path) -> bool:
    """Such a kernel runs no other programs. What is no kernel is told later."""
    try:
        with binary.open("rb") as file:
            return file.read(len(_ELF_32)) == _ELF_32
    except OSError:
        return False


_INSTALLED = ("Debian 12's kernel", Path("/usr/bin/linux.uml"))
_INSTALL = ("apt-get", "install", "user-mode-linux")

# Of the others there are kernels in QEMU as well, which are faster.
TARGETS: tuple[Target, ...] = (
    _of_suite("5.10", "bullseye", usual=False),
    _uml("6.1", *_INSTALLED, get=_INSTALL),
    _uml("6.1-musl", *_INSTALLED, flavour="musl", get=_INSTALL, usual=False),
    _of_suite("6.12", "trixie", "libc6", "libgcc-s1", usual=False),
    _of_suite("sid", "sid", "libc6", "libgcc-s1"),
)
KINDS: dict[str, Callable[[str], Target]] = {"uml": _by_path}
