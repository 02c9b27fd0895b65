"""The command that makes racing calls in every order."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from . import baseline, catalogue, interleaving, notes, tool
from .errors import IpckError
from .extras import PAGES
from .publish import republish
from .targets import DEFAULT, TARGETS, Target, choose
from .tree import shown

_HERE = TARGETS[DEFAULT[0]]
_GATES, _SHARED, _MUTANTS = "ipck-gates.so", "ipck-interleave-shared", "ipck-mutants.so"
_MOST_PREEMPTIONS = 8  # of stress/gates/explore.h
_GRACE = 60.0  # seconds without a line, beyond what a scenario may take


def interleave(options: argparse.Namespace) -> int:
    """Make the calls in every order, or in one."""
    if options.preemptions > _MOST_PREEMPTIONS:
        raise IpckError(f"--preemptions {options.preemptions}: at most {_MOST_PREEMPTIONS}")
    if options.run:
        return _commands(options)
    if options.before or options.after:
        raise IpckError("--before and --after are for commands that --run names")
    if options.mutant:
        return _mutant(options)
    targets = tool.available(choose(options.target or [_HERE.name]), interleaving.TOOL, options.build, print)
    if not targets:
        raise IpckError("no target is available")
    chosen = interleaving.scenarios(targets[0], options.scenario, options.build)
    if options.list:
        for one in chosen:
            print(one.scenario, f"{one.what} ({one.roles} processes)", sep="\t")
        return 0
    if options.schedule:
        if len(chosen) != 1 or len(targets) != 1:
            raise IpckError("--schedule needs one scenario and one target")
        only = ("--schedule", options.schedule, *_scale(targets[0]), chosen[0].scenario)
        return _replay(_tool(targets[0], options), only)
    interleaving.read(options.out)  # a file that is not ours is told of before the work, not after it
    rows = catalogue.load(options.requirements)
    results = []
    for target in targets:
        print(f"{target.name}: {len(chosen)} scenarios ..", flush=True)
        words = (*_limits(options), *_scale(target), *(one.scenario for one in chosen))
        known = _known(target, rows, options.baselines)
        results.append(interleaving.explore(_tool(target, options), target, chosen, words, known))
        for line in interleaving.lines(results[-1]):
            print(line)
    data = interleaving.Data(interleaving.SCHEMA, options.preemptions, tuple(results))
    interleaving.write(options.out, data)
    republish(options.out, rows, notes.load(rows, options.requirements))
    print(f"report: {shown(options.out / PAGES['interleave'].page)}")
    return _status(data)


def _tool(target: Target, options: argparse.Namespace) -> tool.Tool:
    return tool.on(target, interleaving.TOOL, options.build, options.seconds + _GRACE)


def _limits(options: argparse.Namespace) -> tuple[str, ...]:
    limits = {"preemptions": options.preemptions, "schedules": options.schedules, "seconds": f"{options.seconds:g}"}
    return tuple(f"--{name}={value}" for name, value in limits.items())


def _scale(target: Target) -> tuple[str, str]:
    return ("--time-scale", f"{target.time_scale:g}")


def _known(target: Target, rows: catalogue.Catalogue, folder: Path) -> dict[str, str]:
    """The reasons in the target's baseline, by requirement."""
    listed = baseline.load(baseline.stem_of(target, folder), rows, None, folder)
    return {one.requirement: one.reason for one in listed.deviations.values()}


def _commands(options: argparse.Namespace) -> int:
    """Programs in the places of the roles."""
    if options.scenario or options.target or options.mutant:
        raise IpckError("--run: commands run here, without scenarios, targets and mutants")
    gates = _built(options.build, _GATES)
    words = [f"--run={command}" for command in options.run]
    words += [f"--before={options.before}"] * bool(options.before) + [f"--after={options.after}"] * bool(options.after)
    preload = ":".join(filter(None, (str(gates.absolute()), os.environ.get("LD_PRELOAD"))))
    command = (str(_built(options.build, interleaving.TOOL)), "--preload", preload)
    one = interleaving.Scenario("", "commands", len(options.run))
    return _told(tool.local(command, options.seconds + _GRACE), one, words, options)


def _mutant(options: argparse.Namespace) -> int:
    """Scenarios against a wrong implementation: the gates are below it, so that each call that it makes is a step."""
    if options.target:
        raise IpckError("--mutant is for this machine with glibc: leave --target out")
    preload = f"LD_PRELOAD={_built(options.build, _MUTANTS).absolute()}"
    shared = str(_built(options.build, _SHARED).absolute())
    command = ("env", preload, f"IPCK_MUTANT={options.mutant}", shared)
    status = 0
    for one in interleaving.scenarios(_HERE, options.scenario, options.build):
        status = max(status, _told(tool.local(command, options.seconds + _GRACE), one, [one.scenario], options))
    return status


def _told(
    program: tool.Tool, one: interleaving.Scenario, words: Sequence[str], options: argparse.Namespace
) -> int:
    """Run ONE by PROGRAM, and show what came of it."""
    if options.schedule:
        return _replay(program, ("--schedule", options.schedule, *words))
    found = interleaving.explore(program, _HERE, (one,), (*_limits(options), *words), {})
    for line in interleaving.lines(found):
        print(line.lstrip() if not one.scenario else line)
    return _status(interleaving.Data(interleaving.SCHEMA, options.preemptions, (found,)))


def _replay(program: tool.Tool, words: Sequence[str]) -> int:
    one = interleaving.replay(program, words)
    print(one.calls, end="")
    if one.ending in ("unfit", "undecided", "lacks"):
        raise IpckError(f"{one.ending}: {one.said}")
    print(f"{one.schedule}: {one.ending}{one.said and f': {one.requirement} {one.said}'}")
    return int(one.ending == "violated")


def _status(data: interleaving.Data) -> int:
    if data.problems and not data.bad:
        raise IpckError(*data.problems)
    for problem in data.problems:
        print(problem)
    return int(data.bad)


def _built(build: Path, name: str) -> Path:
    path = build / _HERE.flavour / name
    if not path.exists():
        raise IpckError(f"{shown(path)} is not built: run make {shown(path)}")
    return path


COMMANDS = {"interleave": interleave}
