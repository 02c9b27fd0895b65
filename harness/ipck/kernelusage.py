"""The command line of what kernelcli.py does: options, and help that teaches them."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from .coverage.library import LIBRARIES
from .linux.variants import MACHINES
from .tree import COVERAGE, OUT, shown

_COVERAGE = f"""Run the tests, and what else is built of crash tests, stress and fail-nth campaign, on a kernel that
counts how often its lines are executed (gcov), and tell which lines, functions and branches of ipc/ and of IPC's part
of mm/shmem.c were executed, and which lines one test alone reaches. Each line that is not executed has a reason in
{shown(COVERAGE)}/linux.toml, strict both ways.

Without --kernel scripts/build-kernel builds Debian's Linux for user mode, or the tree that --source names. The data
are in coverage.json, the page is coverage.html, and coverage/index.html has the source text.

With --libc the same of a C library's IPC calls: src/ipc, src/mq, shm_open() and sem_*() of musl, on this machine's
kernel. The tests are linked with objects of them that count; Debian's source, or the tree that --source names, is of
the version that is installed. It has files of its own, coverage-libc.json and so on; the reasons are in musl.toml."""
_COVERAGE_EPILOG = """examples:
  ipck coverage                                        Debian's kernel, built at the first time
  ipck coverage --source ~/linux                       your own tree
  ipck coverage --source ~/linux --diff my.patch       whether the tests execute what a patch changes
  ipck coverage --machine um --machine um-i386         a kernel of 32 bits, too (x86_64: two CPUs, in QEMU)
  ipck coverage --kernel ~/linux-objects/linux         a kernel that is there, with its objects and .gcno files
  ipck coverage --libc musl                            a C library

exit status:
  0  each line is executed, or has a reason; with --diff, each changed line with code is executed
  1  a line is not executed and has no reason, or a reason is out of date; with --diff, a changed line is not executed
  2  a run was cut short (what it counted before is told all the same), or the command could not do its work"""


def add(command: Callable[[str, str, str, str], argparse.ArgumentParser]) -> Sequence[argparse.ArgumentParser]:
    """Make each command by COMMAND(name, summary, description, epilog); returns what it made."""
    coverage = command("coverage", "which lines of a kernel or a libc the tests execute", _COVERAGE, _COVERAGE_EPILOG)
    which = coverage.add_mutually_exclusive_group()
    which.add_argument(
        "--kernel", type=Path, metavar="PATH", action="append", default=[],
        help="a kernel, or the folder that holds it; several: what one of them executes is executed",
    )  # fmt: skip
    which.add_argument("--source", type=Path, metavar="DIR", help="a tree of the kernel, or of the library, to build")
    coverage.add_argument("--libc", choices=LIBRARIES, help="count in this C library, and not in a kernel")
    coverage.add_argument(
        "--machine", action="append", choices=tuple(MACHINES), default=[],
        help="what to build a kernel for; several: one each (um)",
    )
    coverage.add_argument("--diff", type=Path, metavar="PATCH", help="tell only of the lines that PATCH changes")
    coverage.add_argument("--reasons", type=Path, metavar="FILE", help=f"default: that in {shown(COVERAGE)}")
    coverage.add_argument("--out", metavar="DIR", type=Path, default=OUT, help=f"default: {shown(OUT)}")
    return (coverage,)
