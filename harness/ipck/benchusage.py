"""The command line of what benchcli.py does: options, and help that teaches them."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from . import options
from .completion import Names, complete
from .targets import GROUPS, TARGETS
from .tree import OUT, shown

DEFAULT = ("host-glibc", "uml-6.1")
"""The targets where none is named; those that are not available are left out."""

_BENCH = """Time IPC calls, and exchanges between two processes, on targets side by side: System V and POSIX IPC, and
pipes, FIFOs, sockets, eventfd and futex to compare with. Nothing is judged. (make bench times ipck itself.)"""
_BENCH_EPILOG = """Each BENCH is a name, its beginning up to a dot, or a shell pattern. The reference measures first and
again at the end, so that a machine whose speed drifts is noticed. It is all in bench.json and bench.html.
Where the machine has other work as well, above all the exchanges on two processors (.apart) differ from batch to batch.

examples:
  ipck bench-ipc                                        the usual targets
  ipck bench-ipc sysv.sem posix.sem                     only semaphores
  ipck bench-ipc --target host-musl,gvisor-2024         other targets, against this machine with glibc
  ipck bench-ipc --target kernel:bzImage --reference qemu-6.1
                                                        a kernel against another one in the same emulator
  ipck bench-ipc --list                                 what there is

exit status: 0 measured, 2 a target could not be measured, or not wholly"""


def add(command: Callable[[str, str, str, str], argparse.ArgumentParser]) -> Sequence[argparse.ArgumentParser]:
    """Make each command by COMMAND(name, summary, description, epilog); returns what it made."""
    bench = command("bench-ipc", "time IPC calls on targets side by side", _BENCH, _BENCH_EPILOG)
    bench.add_argument("bench", metavar="BENCH", nargs="*", help="benchmarks; all without")
    names = f"as for run --target (default: {','.join(DEFAULT)})"
    bench.add_argument("--target", metavar="NAMES", action="append", default=[], help=names)
    reference = "what the ratios are to (default: %(default)s)"
    bench.add_argument("--reference", metavar="TARGET", default="host-glibc", help=reference)
    seconds = "of measuring on each target, apart from its start (default: %(default)g)"
    bench.add_argument("--seconds", type=options.factor, metavar="N", default=10.0, help=seconds)
    bench.add_argument("--list", action="store_true", help="only tell what the benchmarks are")
    bench.add_argument("--out", metavar="DIR", type=Path, default=OUT, help=f"default: {shown(OUT)}")
    complete(bench, "target", Names((*GROUPS, *TARGETS)))
    complete(bench, "reference", Names(TARGETS))
    return (bench,)
