"""The command line of what faultcli.py does: options, and help that teaches them."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from . import options
from .completion import Names, complete
from .faults.scenario import GRAMMAR
from .targets import DEFAULT, KINDS, TARGETS
from .tree import BUILD, OUT, shown

_SCALE = "how much slower everything may be"

_POINTS_EPILOG = """examples:
  ipck points                   all, with the error numbers that each may report
  ipck points 'posix/sem/*'     some of them

exit status: 0 done, 2 there is no such point, or table and catalogue disagree"""

_INJECT = f"""Run PROGRAM while its IPC calls go wrong as each SCENARIO says:

  {GRAMMAR}

Without an action the call fails with one of the errors that it may report, drawn by the seed. A POINT may end with
'*'; ipck points lists them. Calls are counted for each process; :count=thread counts each thread's, :count=tree those
of all processes together; :probability=P takes each with that probability."""
_INJECT_EPILOG = """examples:
  ipck inject sysv/sem/semop:errno=EIDRM:nth=2 -- ./server            the second semop() fails
  ipck inject 'sysv/shm/*:probability=0.1' --seed 4711 -- initdb db   each of these calls, one of ten times
  ipck inject posix/sem/sem_wait:interrupt:nth=1+ -- ./client         each wait is interrupted by a signal
  ipck inject sysv/msg/msgrcv:kill=blocked -- ./worker                SIGKILL as soon as it waits for a message
  ipck inject sysv/msg/msgget:step=1 -- ./server                      the kernel's first allocation in msgget() fails
  ipck inject --control /tmp/fiu sysv/ftok:delay=1ms -- ./server      fiu-ctrl -f /tmp/fiu adds and removes more

exit status: that of PROGRAM, 128 + N after signal N; 125 when a scenario never fired, or it could not be done"""

_MUTANTS = (
    "Run the tests against implementations that are wrong on purpose, one call and one thing at a time (of glibc,\n"
    "through a preloaded library), and tell which of these mutants the tests do not notice."
)
_MUTANTS_EPILOG = """Each mutant breaks certain requirements and no others. It is killed when tests find each of these
violated; a test that finds another one violated is red for a wrong reason. It is all in mutants.json and mutants.html.

examples:
  ipck mutants                                     all
  ipck mutants 'semop*'                            some: by their names, or by the call
  ipck mutants semop_undo_inherited --tests 'sysv.sem.undo_*'
                                                   against some tests
  ipck mutants --list                              what each does, and the requirements that it violates

exit status:
  0  every mutant is killed
  1  a mutant survives
  2  it could not be decided, or the command could not do its work"""

_TRACE_EPILOG = """examples:
  ipck trace 'semop.undo*'      requirements with the tests that verify them and the mutants that violate them
  ipck trace --untargeted       those that no mutant violates, although one could

exit status: 0 done, 2 it could not be done"""

_FAULT_LIBC = """Let every system call inside calls of a C library fail in turn, with each error that it may have:
the call must then fail with an errno that it may report, or succeed; leave no file, queue, descriptor and mapping
behind; and work the next time. Known deviations stand in fault/inside/known.toml, strict both ways."""
_FAULT_LIBC_EPILOG = """examples:
  ipck fault-libc                                        the libraries that are installed here
  ipck fault-libc glibc-2.43 libc:$HOME/musl/install     others, which are built for when needed
  ipck fault-libc host-musl --probe 'sem_open.*'         some calls; faults.json is not written then

exit status: 0 all as expected, 1 a call does wrong or a listed deviation is gone, 2 it could not be decided"""

_KERNEL = """Let the kernel fail one step after the other inside each IPC call (Documentation/fault-injection: memory,
and copies from and to the program), in the states that matter, until none is left. The call must then fail with an
errno that it may report, or succeed; after a failure every object, process and limit must be as before, nothing may be
left of the kernel's memory, and the same call must succeed and do what it does where nothing fails. Known deviations
stand in fault/failnth/known.toml, strict both ways."""
_KERNEL_EPILOG = """Without a target the kernel is that of scripts/build-kernel, which is built when needed. Any kernel
with CONFIG_FAULT_INJECTION and CONFIG_FAULT_INJECTION_DEBUG_FS will do.

examples:
  ipck fault-kernel                                      all operations
  ipck fault-kernel --list                               what they are
  ipck fault-kernel --uml ./linux 'semop.*' 'semctl.*'   some, on a kernel of your own in user mode
  ipck fault-kernel --kernel arch/x86/boot/bzImage       .. in QEMU
  ipck fault-kernel msgsnd.pages:3                       one step, with what is wrong after it

exit status: 0 all as expected, 1 something is wrong or a listed deviation is gone, 2 it could not be decided, or the
kernel has no fault injection"""

_FAULT = """Make each call of each client fail in turn, with each error that it may report: the first call, the second,
until nothing fires. After each run, the client must have reported an error or done its work, and left behind no object,
process or file that it should not have: units of semaphores and messages are conserved."""
_FAULT_EPILOG = """examples:
  ipck fault                                  all clients that are installed
  ipck fault --list                           what they are, and what lacks
  ipck fault 'producer_consumer_*'            some of them
  ipck fault crash                            only what processes leave that SIGKILL ends in the middle of a call
  ipck fault offline_sysv/read --only sysv/shm/shmat:errno=EMFILE:nth=1       one run, and what became of it

exit status: 0 all is as expected; 1 a client does something wrong that fault/known.toml does not list, or a pair of
point and error never fired; 2 it could not be decided"""


def add(command: Callable[[str, str, str, str], argparse.ArgumentParser]) -> Sequence[argparse.ArgumentParser]:
    """Make each command by COMMAND(name, summary, description, epilog); returns what it made."""
    points = command("points", "the calls that can be made to fail", "The table of points of failure.", _POINTS_EPILOG)
    points.add_argument("point", metavar="POINT", nargs="*", help="points, calls or shell patterns; all without")
    points.add_argument("--json", action="store_true", help="for programs")
    points.add_argument("--markdown", action="store_true", help="for a page of documentation")
    points.add_argument("--check", action="store_true", help="compare their error numbers with the catalogue")

    inject = command("inject", "run a program while its calls fail", _INJECT, _INJECT_EPILOG)
    inject.usage = "ipck inject [OPTION]... SCENARIO... -- PROGRAM [ARGUMENT]..."
    inject.add_argument("scenario", metavar="SCENARIO", nargs="+", help="as described above")
    inject.add_argument(
        "--engine", metavar="NAME", default="", help="libfiu, strace or kernel (default: the first that can)"
    )
    inject.add_argument("--seed", type=options.natural, metavar="N", help="of what is drawn (default: a new one)")
    inject.add_argument("--force", action="store_true", help="allow errors that a call may not report")
    inject.add_argument("--log", type=Path, metavar="FILE", help="a JSON line for each call that went wrong")
    inject.add_argument("--control", metavar="PREFIX", default="", help="let fiu-ctrl -f PREFIX control it as well")
    inject.add_argument("--build", type=Path, default=BUILD, metavar="DIR", help="where the library is")

    breaker = command("mutants", "whether the tests notice wrong implementations", _MUTANTS, _MUTANTS_EPILOG)
    breaker.add_argument("mutant", metavar="PATTERN", nargs="*", help="mutants, calls or shell patterns; all without")
    breaker.add_argument("--list", action="store_true", help="only tell what they are")
    breaker.add_argument("--tests", metavar="PATTERN", action="append", default=[], help="tests, as the program's own")
    breaker.add_argument("--jobs", type=options.natural, default=0, metavar="N", help="mutants run at a time")
    breaker.add_argument("--out", metavar="DIR", type=Path, default=OUT, help=f"default: {shown(OUT)}")

    tracer = command("trace", "tests and mutants of each requirement", "Tests, and mutants.", _TRACE_EPILOG)
    tracer.add_argument("requirement", nargs="*", help="ids or shell patterns; all without")
    tracer.add_argument("--target", metavar="NAME", default=DEFAULT[0], help="default: %(default)s")
    tracer.add_argument("--untargeted", action="store_true", help="only those that no mutant violates")
    complete(tracer, "target", Names(TARGETS))

    inside = command("fault-libc", "fail system calls inside a C library", _FAULT_LIBC, _FAULT_LIBC_EPILOG)
    inside.add_argument("target", metavar="TARGET", nargs="*", help="C libraries, as for run --target")
    inside.add_argument("--probe", metavar="NAME", action="append", default=[], help="only these; shell patterns")
    inside.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="where faults.json is written")
    complete(inside, "target", Names(TARGETS))

    kernel = command("fault-kernel", "fail steps inside the kernel", _KERNEL, _KERNEL_EPILOG)
    kernel.add_argument("operation", metavar="OPERATION", nargs="*", help="names or shell patterns; NAME:N one step")
    kernel.add_argument("--list", action="store_true", help="only tell what they are")
    options.add_target(kernel.add_argument)
    kernel.add_argument("--time-scale", type=options.factor, default=1.0, metavar="X", help=_SCALE)
    kernel.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="where failnth.json is written")
    complete(kernel, "target", Names((*TARGETS, *(f"{kind}:" for kind in KINDS))))

    fault = command("fault", "make each call of programs fail in turn", _FAULT, _FAULT_EPILOG)
    fault.add_argument("client", metavar="CLIENT", nargs="*", help="names or shell patterns; all without")
    fault.add_argument("--list", action="store_true", help="only show the clients, and what they lack")
    fault.add_argument("--only", metavar="SCENARIO", default="", help="one run of one client, and what became of it")
    fault.add_argument("--jobs", type=options.natural, default=0, metavar="N", help="runs at a time")
    fault.add_argument("--time-scale", type=options.factor, default=1.0, metavar="X", help=_SCALE)
    fault.add_argument("--out", metavar="DIR", type=Path, default=OUT, help=f"default: {shown(OUT)}")
    return points, breaker, tracer, inside, kernel, fault
