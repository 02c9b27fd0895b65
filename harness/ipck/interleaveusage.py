"""The command line of what interleavecli.py does: options, and help that teaches them."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from . import options
from .completion import Names, complete
from .targets import DEFAULT, GROUPS, TARGETS
from .tree import OUT, shown

_INTERLEAVE = """Make IPC calls of two or three processes in every order, those with the fewest preemptions first. One
process runs at a time, from one call to the next; one that waits in a call counts as switched away from. After each
order, what the scenario asks for must hold; what does not is told with the simplest order that shows it."""
_INTERLEAVE_EPILOG = """A schedule such as AABBA says who makes the next call; behind its end each process goes on as
long as it can. The end of a process is a step as well. Scenarios run on any target; --run and --mutant are for this
machine with glibc. Each order has IPC objects and a /dev/shm of its own.

examples:
  ipck interleave                                     all scenarios
  ipck interleave 'sem_*' --preemptions 3             some, and more orders
  ipck interleave --target host-musl,uml-6.1          on other targets
  ipck interleave sem_rmid_wait --schedule BACA       one order, with all its calls
  ipck interleave --before './set new' --run './set add' --run './set add' --after './set is 2'
                                                      programs that nobody here wrote: no status may be other than 0
  ipck interleave 'msg_*' --mutant msgget_excl_looks_first
                                                      against an implementation that is wrong on purpose
  ipck interleave --list                              what the scenarios are

exit status: 0 all holds in all orders that were made, 1 something does not, 2 it could not be decided"""


def add(command: Callable[[str, str, str, str], argparse.ArgumentParser]) -> Sequence[argparse.ArgumentParser]:
    """Make each command by COMMAND(name, summary, description, epilog); returns what it made."""
    made = command("interleave", "make racing IPC calls in every order", _INTERLEAVE, _INTERLEAVE_EPILOG)
    made.add_argument("scenario", metavar="SCENARIO", nargs="*", help="names or shell patterns; all without")
    names = f"as for run --target (default: {DEFAULT[0]})"
    made.add_argument("--target", metavar="NAMES", action="append", default=[], help=names)
    most = "at most so many in a schedule (default: %(default)s)"
    made.add_argument("--preemptions", type=options.natural, metavar="N", default=2, help=most)
    many = "at most so many of each scenario (default: %(default)s)"
    made.add_argument("--schedules", type=options.natural, metavar="N", default=5000, help=many)
    long = "about so long for each scenario (default: %(default)g)"
    made.add_argument("--seconds", type=options.factor, metavar="N", default=10.0, help=long)
    made.add_argument("--schedule", metavar="AABBA", default="", help="make only this one, and show its calls")
    commands = "instead of scenarios: a process for each of two or three"
    made.add_argument("--run", metavar="COMMAND", action="append", default=[], help=commands)
    made.add_argument("--before", metavar="COMMAND", default="", help="with --run: prepares each schedule")
    made.add_argument("--after", metavar="COMMAND", default="", help="with --run: judges it by its status")
    made.add_argument("--mutant", metavar="NAME", default="", help="one of ipck mutants --list")
    made.add_argument("--list", action="store_true", help="only tell what the scenarios are")
    made.add_argument("--out", metavar="DIR", type=Path, default=OUT, help=f"default: {shown(OUT)}")
    complete(made, "target", Names((*GROUPS, *TARGETS)))
    return (made,)
