"""The commands about calls that fail or are wrong on purpose."""

import argparse
import os
import secrets
import sys
import time
from dataclasses import asdict

from . import calls, catalogue, mutants, mutantspage, mutation, notes, plan, provenance
from .errors import IpckError
from .faults import inject as injection
from .faults import failnth, inside, results
from .faults.torture import command
from .files import write
from .extras import PAGES
from .publish import republish
from .tree import ROOT, shown

_FAULTS, _KERNEL, _MUTANTS = PAGES["faults"], PAGES["failnth"], PAGES["mutants"]


def points(options: argparse.Namespace) -> int:
    """Show the table of calls."""
    table = calls.load(options.build)
    if options.check:
        if wrong := calls.disagreements(table, catalogue.load(options.requirements)):
            raise IpckError(*wrong)
        return 0
    if options.json or options.markdown:
        sys.stdout.write(calls.dump(options.build, "--json" if options.json else "--markdown"))
        return 0
    for call in calls.choose(table, options.point or ["*"]):
        print(call.point, call.prototype, " ".join(call.errors), sep="\n    ")
    return 0


def inject(options: argparse.Namespace) -> int:
    """Run a program under scenarios; returns its status."""
    try:
        if not options.program:
            raise IpckError("no program: ipck inject SCENARIO... -- PROGRAM [ARGUMENT]...")
        return injection.inject(
            options.scenario, options.program, _seed(options), options.engine, options.force, options.log,
            options.control, options.build,
        )  # fmt: skip
    except IpckError as error:
        print(*(f"ipck: {message}" for message in error.messages), sep="\n", file=sys.stderr)
        return injection.REFUSED


def fault_libc(options: argparse.Namespace) -> int:
    """Let each system call inside the calls of C libraries fail."""
    status, rows = inside.torture(options.target, options.probe, _say, options.build)
    if not options.probe:
        requirements = catalogue.load(options.requirements)
        results.update(options.out, {"libc": [asdict(row) for row in rows]})
        republish(options.out, requirements, notes.load(requirements, options.requirements))
        _say(f"report: {shown(options.out / _FAULTS.page)}")
    return status


def fault_kernel(options: argparse.Namespace) -> int:
    """Let each step of the kernel inside IPC calls fail."""
    if options.list:
        for name in failnth.names(options.build):
            print(name)
        return 0
    target = failnth.target(options.target)
    found = failnth.campaign(target, options.operation, _say, options.build, scale=options.time_scale)
    if not options.operation:
        requirements = catalogue.load(options.requirements)
        failnth.write(options.out, found)
        republish(options.out, requirements, notes.load(requirements, options.requirements))
        _say(f"report: {shown(options.out / _KERNEL.page)}")
    return found.status


def fault(options: argparse.Namespace) -> int:
    """Let each call of each client fail."""
    if options.list:
        return command.show(options.client, options.build, _say)
    if options.only:
        if len(options.client) != 1:
            raise IpckError("--only needs one client: ipck fault CLIENT --only SCENARIO")
        return command.only(options.client[0], options.only, options.build, _say, options.time_scale)
    rows = catalogue.load(options.requirements)
    said = notes.load(rows, options.requirements)
    try:
        return command.torture(options.client, options.build, options.out, _say, options.jobs, options.time_scale)
    finally:
        if (options.out / _FAULTS.data).exists():
            republish(options.out, rows, said)
            _say(f"report: {shown(options.out / _FAULTS.page)}")


def _seed(options: argparse.Namespace) -> int:
    if options.seed is not None:
        return int(options.seed)
    seed = secrets.randbelow(2**32)
    print(f"ipck: --seed {seed}", file=sys.stderr)
    return seed


def broken(options: argparse.Namespace) -> int:
    """Run the tests against mutants."""
    rows = catalogue.load(options.requirements)
    table = mutants.load(rows, options.build)
    chosen = mutants.choose(table, options.mutant)
    if options.list:
        for mutant in chosen:
            print(mutant.name, f"{mutant.call}: {mutant.what}", *mutant.violates or ["equivalent"], sep="\n    ")
        return 0
    began = time.monotonic()
    ready = plan.make([f"host-{mutants.FLAVOUR}"], _folders(options)).ready[0]
    ground = mutation.base(mutation.prepare(ready, options.tests), table)
    _say(f"{len(ground.results)} tests are as expected without a mutant ({ground.seconds:.0f} s)")
    runs = mutation.Runs(ground, chosen, options.jobs or 8 * len(os.sched_getaffinity(0)))
    judged = []
    for one in runs:
        judged.append(one)
        for line in mutantspage.lines(one):
            _say(line)
    seconds = time.monotonic() - began
    found = mutantspage.gather(judged, table.mutants, rows, provenance.commit(ROOT), seconds)
    write(options.out / _MUTANTS.data, mutantspage.as_json(found))
    republish(options.out, rows, notes.load(rows, options.requirements))
    for line in mutantspage.closing(found):
        _say(line)
    _say(f"report: {shown(options.out / _MUTANTS.page)}")
    if runs.faults:
        raise IpckError(*runs.faults)
    return found.status


def trace(options: argparse.Namespace) -> int:
    """Show what tests and breaks each requirement."""
    rows = catalogue.load(options.requirements)
    table = mutants.load(rows, options.build)
    by, excused = mutants.targeted(table.mutants), mutants.unreachable(rows, table.mutants)
    if options.untargeted:
        wanted = set(catalogue.choose(rows, options.requirement))
        for name in mutants.untargeted(rows, table.mutants, excused):
            if name in wanted:
                print(name, rows[name].statement, sep="\t")
        return 0
    tests = plan.by_requirement(plan.make([options.target], _folders(options)).ready[0].tests.values())
    for name in catalogue.choose(rows, options.requirement):
        print(name)
        for test in tests.get(name, []):
            print(f"    {test.id}\t{test.file}:{test.line}")
        for mutant in by.get(name, []):
            print(f"    mutant {mutant}")
        if name not in by:
            why = rows[name].untestable and "untestable" or excused.get(name, "")
            print(f"    no mutant{why and f': {why}'}")
    return 0


def _folders(options: argparse.Namespace) -> plan.Folders:
    return plan.Folders(options.requirements, options.baselines, options.build)


def _say(line: str) -> None:
    """Print LINE at once: whoever waits sees how far it is."""
    print(line, flush=True)


COMMANDS = {
    "points": points,
    "inject": inject,
    "fault": fault,
    "fault-libc": fault_libc,
    "fault-kernel": fault_kernel,
    "mutants": broken,
    "trace": trace,
}
