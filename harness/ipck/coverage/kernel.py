"""A kernel that counts, as a target: it sends its counters beside the results."""

import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import IpckError
from ..targets import named
from ..targets.uml import Uml
from ..tree import BUILD, ROOT, shown

COUNTED = ("*/ipc/*.gcda", "*/mm/shmem.gcda")
"""Whose counters are sent, as conformance/lib/counters.h takes them."""


@dataclass(frozen=True, slots=True)
class Counting(Uml):
    """A kernel in user mode that was built with gcov."""

    def argv(self, build: Path = BUILD) -> tuple[str, ...]:
        """The command that boots it, and asks for its counters."""
        return (*super(Counting, self).argv(build), f"ipck_counters={','.join(COUNTED)}")

    def check_counts(self) -> None:
        """IpckError unless its configuration has what it counts with."""
        answer = subprocess.run((str(self.binary), "--showconfig"), capture_output=True, text=True, check=False)
        if lacking := [name for name in ("GCOV_KERNEL", "DEBUG_FS") if f"CONFIG_{name}=y" not in answer.stdout]:
            options = " and ".join(f"CONFIG_{name}" for name in lacking)
            raise IpckError(
                f"{shown(self.binary)} was built without {options}: it does not count its lines; scripts/build-kernel "
                "builds one that does"
            )


def built(source: Path | None) -> Path:
    """The kernel of a tree of one's own, or Debian's, built where it has changed; its messages go to the terminal."""
    command = [str(ROOT / "scripts/build-kernel"), *(["--source", str(source)] if source else [])]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    except OSError as error:
        raise IpckError(f"{command[0]}: cannot be executed ({error.strerror})") from None
    if done.returncode:
        raise IpckError("there is no kernel to measure: the lines above say why")
    return Path(done.stdout.strip().splitlines()[-1])


def image(place: Path) -> Path:
    """The kernel that PLACE is or holds; IpckError when there is none."""
    path = place / "linux" if place.is_dir() else place
    if not path.is_file():
        raise IpckError(f"{shown(path)}: there is no such kernel")
    return path


def counting(path: Path) -> Counting:
    """The kernel at PATH as a target."""
    target = named(f"uml:{path}")
    assert isinstance(target, Uml)
    fields = {name: getattr(target, name) for name in target.__dataclass_fields__}
    return replace(Counting(**fields), name="coverage")
