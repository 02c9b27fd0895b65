"""The command line of what stresscli.py does: options, and help that teaches them."""

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from . import options
from .completion import Names, complete
from .stress.known import KNOWN
from .stress.lines import GENERATION
from .targets import GROUPS, KINDS, TARGETS
from .tree import OUT, shown

_STRESS = """Run workloads of many processes: generated calls and concurrent histories that are judged by a model (fuzz,
history), and storms, in which processes are killed, interrupted, and race for keys, units, messages and limits, and
whose books must balance when all have come to rest. Each result is checked. All choices follow from the seed."""
_STRESS_EPILOG = """A violation is told with the requirement, what happened, and the command that does the same again;
what is known of a target stands in its baseline and in stress/known.toml. It is all in stress.json and stress.html.

examples:
  ipck stress                                      all workloads, on this machine
  ipck stress --list                               what they are
  ipck stress storm                                all storms; or some: storm.undo storm.removal
  ipck stress storm.undo --seed 3:4711 --seconds 20  the same choices again, for longer
  ipck stress --target uml-6.1,gvisor-2024,host-musl     .. on several targets, side by side
  ipck stress --soak 30m --target qemu-6.1         again and again with new seeds; ends when a resource leaks
  ipck stress fuzz.sem --compare host-glibc gvisor-2024  the same calls on two targets: where do they differ?
  ipck stress --mutants concurrency                are wrong implementations found, and how soon?

exit status: 0 all as expected; 1 a requirement is violated, something leaks, a listed deviation is gone, or two targets
differ; 2 it could not be decided"""

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def duration(text: str) -> float:
    """Option value: 90, 90s, 30m, 1.5h."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([smh]?)", text, re.ASCII)
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if seconds <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 90s, 30m or 1h")
    return seconds


def seed(text: str) -> int:
    """Option value: 4711, or 3:4711 as it was printed, which another generation of the programs refuses."""
    generation, colon, number = text.rpartition(":")
    if colon and options.natural(generation) != GENERATION:
        raise argparse.ArgumentTypeError(
            f"{text!r} is of generation {generation}; for these programs, of generation {GENERATION}, the same seed "
            f"means other operations: take the version that printed it, or {number} alone"
        )
    return options.natural(number)


def add(command: Callable[[str, str, str, str], argparse.ArgumentParser]) -> Sequence[argparse.ArgumentParser]:
    """Make each command by COMMAND(name, summary, description, epilog); returns what it made."""
    stress = command("stress", "many processes at once, every result checked", _STRESS, _STRESS_EPILOG)
    stress.add_argument("workload", metavar="WORKLOAD", nargs="*", help="names, shell patterns or groups; all without")
    targets = f"where, separated by commas ({', '.join(GROUPS)} stand for several), or KIND:ARGUMENT (host-glibc)"
    stress.add_argument("--target", metavar="NAMES", action="append", default=[], help=targets)
    stress.add_argument("--list", action="store_true", help="only tell what the workloads are")
    long = "what each may take (2); with --mutants what is spent on each of them (20)"
    stress.add_argument("--seconds", type=duration, metavar="T", help=long)
    stress.add_argument("--seed", type=seed, metavar="N", help="of all choices (default: a new one)")
    stress.add_argument("--soak", type=duration, default=0.0, metavar="T", help="go on with new seeds for so long: 30m")
    differ = "make the same calls on two targets instead, and show the first with another result"
    stress.add_argument("--compare", nargs=2, metavar=("A", "B"), help=differ)
    stress.add_argument("--operations", type=options.natural, default=2000, metavar="N", help="calls to compare (2000)")
    wrong = "break calls on purpose instead, and tell which workload finds each, and when; concurrency stands for some"
    stress.add_argument("--mutants", metavar="NAMES", help=wrong)
    side = "targets that run at the same time (default: one a processor, at least two)"
    stress.add_argument("--side-by-side", type=options.natural, default=0, metavar="N", help=side)
    scale = "how much slower everything may be"
    stress.add_argument("--time-scale", type=options.factor, default=1.0, metavar="X", help=scale)
    stress.add_argument("--known", type=Path, default=KNOWN, metavar="FILE", help=f"default: {shown(KNOWN)}")
    stress.add_argument("--out", metavar="DIR", type=Path, default=OUT, help=f"default: {shown(OUT)}")
    complete(stress, "target", Names((*GROUPS, *TARGETS, *(f"{kind}:" for kind in KINDS))))
    return (stress,)
