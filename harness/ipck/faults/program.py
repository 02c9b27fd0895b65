"""What kind of program is to meet faults: it decides which engine can reach its calls."""

import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from ..errors import IpckError

_MOST_INTERPRETERS = 5


@dataclass(frozen=True, slots=True)
class Program:
    """An executable file, that of its interpreter where it is a script."""

    name: str  # as the user called it
    path: Path
    bits: int  # 32 or 64
    loader: str  # its dynamic loader; empty when it is linked statically
    privileged: bool  # it gets rights that its caller lacks: the loader ignores LD_PRELOAD then (ld.so(8))

    @property
    def musl(self) -> bool:
        """Whether musl loads it."""
        return "ld-musl" in self.loader


def find(name: str) -> Program:
    """The program that the shell would execute for NAME; IpckError when there is none."""
    found = shutil.which(name)
    if not found:
        there = Path(name).exists()
        raise IpckError(f"{name}: {'is not executable' if there else 'there is no such program'}")
    path = Path(found)
    for _ in range(_MOST_INTERPRETERS):
        try:
            with path.open("rb") as file:
                start = file.read(256)
        except OSError as error:
            raise IpckError(f"{path}: cannot be read: {error.strerror}") from None
        if not start.startswith(b"#!"):
            break
        path = _interpreter(path, start)
    if not start.startswith(b"\x7fELF"):
        raise IpckError(f"{path}: is neither an ELF program nor a script")
    return _elf(name, path)


def _interpreter(script: Path, start: bytes) -> Path:
    words = start[2:].split(b"\n")[0].decode(errors="replace").split()
    if not words:
        raise IpckError(f"{script}: its first line names no interpreter")
    name = words[0]
    if Path(name).name == "env":
        name = next((word for word in words[1:] if not word.startswith("-") and "=" not in word), name)
    found = shutil.which(name)
    if not found:
        raise IpckError(f"{script}: its interpreter {name} does not exist")
    return Path(found)


def _elf(name: str, path: Path) -> Program:
    try:
        # not before a program is to meet faults
        from elftools.common.exceptions import ELFError  # type: ignore[import]
        from elftools.elf.elffile import ELFFile  # type: ignore[import]
    except ModuleNotFoundError:
        raise IpckError("apt-get install python3-pyelftools: needed to see what kind of program it is") from None
    with path.open("rb") as file:
        try:
            elf = ELFFile(file)
            loaders = [one.get_interp_name() for one in elf.iter_segments() if one["p_type"] == "PT_INTERP"]
        except ELFError as error:
            raise IpckError(f"{path}: is a broken ELF file: {error}") from None
        return Program(name, path, int(elf.elfclass), loaders[0] if loaders else "", _privileged(path))


def _privileged(path: Path) -> bool:
    about = path.stat()
    if about.st_mode & stat.S_ISUID and about.st_uid != os.getuid():
        return True
    if about.st_mode & stat.S_ISGID and about.st_gid != os.getgid():
        return True
    try:
        return os.getuid() != 0 and bool(os.getxattr(path, "security.capability"))
    except OSError:
        return False
