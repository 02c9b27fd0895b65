"""The command that times IPC calls."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from . import benchusage, catalogue, notes, provenance, targets, tool
from .bench import page, program, results
from .errors import IpckError
from .extras import PAGES
from .publish import republish
from .targets import TARGETS, Choice, Target, choose
from .tree import shown


def bench_ipc(options: argparse.Namespace) -> int:
    """Time the calls, and show the times side by side."""
    reference = _reference(options.reference)
    tool.available([Choice(reference, True)], program.TOOL, options.build, print)
    benches = program.benches(reference, options.bench, options.build)
    if options.list:
        for bench in benches:
            print(bench.name, f"{bench.what}: a {bench.unit}", sep="\t")
        return 0
    results.read(options.out)  # a file that is not ours is told of before the work, not after it
    chosen = choose(options.target) if options.target else [Choice(TARGETS[name], False) for name in benchusage.DEFAULT]
    others = [one for one in tool.available(chosen, program.TOOL, options.build, print) if one != reference]
    data = _measure(reference, others, benches, options.seconds, options.build)
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
    reference: Target, others: Sequence[Target], benches: Sequence[program.Bench], seconds: float, build: Path
) -> results.Data:
    def measure(target: Target) -> program.Measured:
        print(f"{target.name}: {len(benches)} benchmarks, {seconds:g} s ..", flush=True)
        return program.Run(target, [bench.name for bench in benches], seconds, build).measure()

    started = provenance.session().started
    before = measure(reference)
    found = [(target, measure(target)) for target in others]
    both, drift = results.merge(before, measure(reference))
    base = results.summarize(reference, both, benches, None)
    compared = [results.summarize(target, measured, benches, base) for target, measured in found]
    return results.Data(
        results.SCHEMA, started, seconds, reference.name, round(drift, 4), tuple(benches), (base, *compared)
    )


def _reference(name: str) -> Target:
    if target := targets.named(name):
        return target
    raise IpckError(f"--reference {name}: unknown target; known targets: {', '.join(TARGETS)}")


COMMANDS = {"bench-ipc": bench_ipc}
