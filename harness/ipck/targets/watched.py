"""Kernels by path, and those that find faults of their own: each such fault fails the test that was running."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import IpckError

OPTIONS = ("--watch-kernel", "/dev/kmsg,/sys/kernel/debug/kmemleak")
"""For the program."""

APPEND = "kasan_multi_shot"
"""For the kernel: KASAN reports once a boot without it."""

_CHECKERS = re.compile(r"^CONFIG_(?:KASAN|KCSAN|PROVE_LOCKING|DEBUG_KMEMLEAK)=y$", re.M)


@dataclass(frozen=True, slots=True)
class Given:
    """A kernel as it is named on a command line."""

    path: Path
    initrd: Path | None = None
    watch: bool = False
    append: str = ""


def has_checkers(config: str) -> bool:
    """Whether a kernel of this configuration finds faults of its own."""
    return bool(_CHECKERS.search(config))


def parse(kind: str, argument: str, what: str, known: Sequence[str]) -> Given:
    """What ARGUMENT of the target KIND:ARGUMENT says: a path, options among those KNOWN, append=WORDS with any words.

    WHAT is how the path is called in the message of the IpckError that tells how to write it.
    """
    head, comma, append = argument.partition(",append=")
    path, *options = head.split(",")
    form = "".join((what, *(",initrd=FILE" if name == "initrd" else f",{name}" for name in known), ",append=WORDS"))
    if not path or (comma and not append):
        raise IpckError(f"{kind}:{argument}: write {form}")
    initrd = None
    for option in options:
        name, _, value = option.partition("=")
        if name not in known or bool(value) != (name == "initrd"):
            raise IpckError(f"{kind}:{argument}: {option!r} is not understood: write {form}")
        initrd = Path(value).absolute() if name == "initrd" else initrd
    return Given(Path(path), initrd, "watch" in options, append)
