"""The command line of what checks implementations under load."""

import argparse
import secrets

from . import catalogue, mutants, notes
from .errors import IpckError
from .extras import PAGES
from .publish import republish
from .stress import command, known, lines, mutated, results, run
from .stress.run import Options
from .targets import choose
from .tree import shown

_PAGE = PAGES["stress"]
_SECONDS = 2.0
_FOR_A_MUTANT = 20.0


def stress(options: argparse.Namespace) -> int:
    """Run workloads on targets."""
    rows = catalogue.load(options.requirements)
    if options.list:
        command.show(choose(options.target)[0].target, options.workload, options.build, _say)
        return 0
    if options.mutants:
        return _mutants(options, rows)
    seed = secrets.randbelow(1 << 32) if options.seed is None else options.seed
    asked = Options(seed, options.seconds or _SECONDS, options.soak, options.time_scale)
    _say(f"ipck: --seed {lines.seed_in_words(seed)}")
    if options.compare:
        a, b = (choose([name])[0].target for name in options.compare)
        return command.compare(a, b, options.workload, options.operations, asked, options.build, _say)
    inputs = command.Inputs(rows, known.load(rows, options.known), options.baselines, options.build)
    session = command.Session(options.workload, asked, inputs, _say)
    found = session.run(choose(options.target or ["host-glibc"]), options.side_by_side)
    results.save(options.out, results.as_data(found, seed, asked.seconds))
    problem = None
    try:
        republish(options.out, rows, notes.load(rows, options.requirements))
        _say(f"report: {shown(options.out / _PAGE.page)}")
    except IpckError as error:
        problem = error
    status = command.status(found)
    _say(_closing(found, status))
    if problem:
        raise problem
    return status


def _mutants(options: argparse.Namespace, rows: catalogue.Catalogue) -> int:
    """Tell which workloads find which wrong implementations."""
    target = run.place(choose(options.target or ["host-glibc"])[0].target)
    table = mutants.load(rows, options.build)
    chosen = mutated.choose(table, options.mutants.split(","), rows)
    waived = known.Expected(target, known.load(rows, options.known), rows, options.baselines).waived
    names = command.choose(run.list_workloads(target, options.build), options.workload)
    asked = Options(options.seed or 1, options.seconds or _FOR_A_MUTANT, 0.0, options.time_scale, waived)
    found = mutated.Search(target, names, asked, options.build).each(chosen, table, _say)
    missed = [one for one in found if not one.workload]
    _say(f"{len(found) - len(missed)} of {len(found)} wrong implementations found by workloads alone")
    return 1 if any(not one.errors for one in missed) else 2 if missed else 0


def _closing(found: "list[results.TargetResults]", status: int) -> str:
    operations = sum(one.operations for target in found for one in target.workloads.values())
    new = sum(len(target.new) for target in found)
    expected = sum(len(target.violations) for target in found) - new
    words = {0: "all as expected", 1: "something is wrong", 2: "something could not be decided"}
    return f"{operations} operations checked, {new} violations, {expected} known: {words[status]}"


def _say(line: str) -> None:
    """Print LINE at once: whoever waits sees how far it is."""
    print(line, flush=True)


COMMANDS = {"stress": stress}
