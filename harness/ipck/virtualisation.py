"""Whether QEMU can use this processor directly (KVM). It is tried: some machines offer it and cannot do it."""

import hashlib
import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path

from .booted import Booted
from .tree import CACHE

_PATIENCE = 30.0
_DEVICE = Path("/dev/kvm")


def works(cache: Path = CACHE, device: Path = _DEVICE) -> bool:
    """What was found out on this machine; False while nothing was."""
    return _answer(cache, device) == "yes"


def try_once(argv: Sequence[str], initramfs: bytes, cache: Path = CACHE, device: Path = _DEVICE) -> None:
    """Find out, once for each machine, by booting a kernel that is known to boot: ARGV uses KVM."""
    if _answer(cache, device) or not os.access(device, os.R_OK | os.W_OK):
        return
    answer = "yes" if _boots(argv, initramfs) else "no"
    path = _file(cache)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{answer}\n")


def _boots(argv: Sequence[str], initramfs: bytes) -> bool:
    """Whether the program's end is told in time."""
    until = time.monotonic() + _PATIENCE
    said = b""
    try:
        with Booted(argv, initramfs) as machine:
            while time.monotonic() < until and (piece := machine.read(0.1)) is not None:
                said += piece
                if b'"ended"' in said:
                    return True
    except OSError:
        pass
    return False


def _answer(cache: Path, device: Path) -> str:
    if not os.access(device, os.R_OK | os.W_OK):
        return ""
    try:
        return _file(cache).read_text().strip()
    except OSError:
        return ""


def _file(cache: Path) -> Path:
    machine = " ".join((platform.node(), platform.release(), platform.version(), platform.machine()))
    return cache / "kvm" / hashlib.sha256(machine.encode()).hexdigest()[:16]
