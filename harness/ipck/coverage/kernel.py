"""A kernel that counts, as a target: it sends its counters beside the results."""

import subprocess
from dataclasses import replace
from pathlib import Path

from .. import baseline
from ..errors import IpckError
from ..linux.variants import MACHINES
from ..targets import named
from ..targets.kernels import QemuKernel
from ..targets.uml import Uml
from ..tree import ROOT, shown
from .objects import Objects

COUNTED = ("*/ipc/*.gcda", "*/mm/shmem.gcda")
"""Whose counters are sent, as conformance/lib/counters.h takes them."""
_OPTIONS = ("CONFIG_GCOV_KERNEL", "CONFIG_DEBUG_FS")


def built(source: Path | None, machine: str) -> Path:
    """The kernel of a tree of one's own, or Debian's, built where it has changed; its messages go to the terminal."""
    command = [str(ROOT / "scripts/build-kernel"), "--machine", machine, *(["--source", str(source)] if source else [])]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    except OSError as error:
        raise IpckError(f"{command[0]}: cannot be executed ({error.strerror})") from None
    if done.returncode:
        raise IpckError("there is no kernel to measure: the lines above say why")
    return Path(done.stdout.strip().splitlines()[-1])


def image(place: Path) -> Path:
    """The kernel that PLACE is or holds; IpckError when there is none."""
    held = (place / one.image for one in MACHINES.values())
    path = next(filter(Path.is_file, held), place / "linux") if place.is_dir() else place
    if not path.is_file():
        raise IpckError(f"{shown(path)}: there is no such kernel")
    return path


def counting(path: Path, objects: Objects) -> Uml | QemuKernel:
    """The kernel at PATH, made of OBJECTS, as a target that sends its counters; IpckError when it has none."""
    target = named(f"kernel:{path}" if path.name == "bzImage" else f"uml:{path}")
    assert isinstance(target, Uml | QemuKernel)
    config = target.config() if isinstance(target, Uml) else objects.config()
    if lacking := [option for option in _OPTIONS if f"\n{option}=y\n" not in config]:
        raise IpckError(
            f"{shown(path)} was built without {' and '.join(lacking)}: it does not count its lines; "
            "scripts/build-kernel builds one that does"
        )
    return replace(target, name="coverage", append=f"{target.append} ipck_counters={','.join(COUNTED)}".lstrip())


def baseline_of(target: Uml | QemuKernel, release: str, folder: Path) -> str:
    """Whose file in FOLDER lists the deviations of a kernel of this RELEASE: of its series if there is one."""
    stem = baseline.stem_of(target, folder)
    series = f"{stem}-{'.'.join(release.split('.')[:2])}"
    return series if (folder / f"{series}.toml").exists() else stem
