"""The command that times IPC calls."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from . import benchusage, catalogue, notes, provenance
from .bench import page, program, results
from .errors import IpckError
from .extras import PAGES
from .publish import republish
from .targets import TARGETS, Choice, Target, Unavailable, choose, named
from .tree import shown


def bench_ipc(options: argparse.Namespace) -> int:
    """Time the calls, and show the times side by side."""
    reference = _reference(options.reference)
    _check(reference, options.build)
    benches = program.benches(reference, options.bench, options.build)
    if options.list:
        for bench in benches:
            print(bench.name, f"{bench.what}: a {bench.unit}", sep="\t")
        return 0
    results.read(options.out)  # a file that is not ours is told of before the work, not after it
    targets = [one for one in _available(options.target, options.build) if one.name != reference.name]
    data = _measure(reference, targets, benches, options.seconds, options.build)
    results.write(options.out, data)
    rows = catalogue.load(options.requirements)
    republish(options.out, rows, notes.load(rows, options.requirements))
    for line in (*page.table(data), *page.closing(data)):
        print(line)
    print(f"report: {shown(options.out / PAGES['bench'].page)}")
    if data.problems:
        raise IpckError(*data.problems)
    return 0


def _measure(
    reference: Target, targets: Sequence[Target], benches: Sequence[program.Bench], seconds: float, build: Path
) -> results.Data:
    def measure(target: Target) -> program.Measured:
        print(f"{target.name}: {len(benches)} benchmarks, {seconds:g} s ..", flush=True)
        return program.Run(target, [bench.name for bench in benches], seconds, build).measure()

    started = provenance.session().started
    before = measure(reference)
    found = [(target, measure(target)) for target in targets]
    both, drift = results.merge(before, measure(reference))
    base = results.summarize(reference, both, benches, None)
    others = [results.summarize(target, measured, benches, base) for target, measured in found]
    return results.Data(
        results.SCHEMA, started, seconds, reference.name, round(drift, 4), tuple(benches), (base, *others)
    )


def _reference(name: str) -> Target:
    if target := named(name):
        return target
    raise IpckError(f"--reference {name}: unknown target; known targets: {', '.join(TARGETS)}")


def _check(target: Target, build: Path) -> None:
    try:
        program.tool(target).check(build)
    except Unavailable as error:
        raise IpckError(f"target {target.name} is unavailable: {error}") from None


def _available(values: Sequence[str], build: Path) -> list[Target]:
    """The targets that VALUES mean. One that was named must be there; one of several is left out where it is not."""
    choices = choose(values) if values else [Choice(TARGETS[name], False) for name in benchusage.DEFAULT]
    found = []
    for choice in choices:
        try:
            program.tool(choice.target).check(build)
            found.append(choice.target)
        except Unavailable as error:
            if choice.by_name:
                raise IpckError(f"target {choice.target.name} is unavailable: {error}") from None
            print(f"skipped: {choice.target.name}: {error}")
    return found


COMMANDS = {"bench-ipc": bench_ipc}
