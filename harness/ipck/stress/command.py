"""What `ipck stress` does: workloads on targets, side by side, and what came of it."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import zip_longest
from pathlib import Path
from threading import Lock

from ..catalogue import Catalogue
from ..errors import IpckError
from ..targets import Choice, Target, Unavailable
from ..tree import BASELINES, BUILD
from . import lines, run, trend
from .known import Expected, Known
from .results import Resources, TargetResults, Violation, Workload
from .run import Options

Say = Callable[[str], None]

_CONTEXT = 8
"""Calls before a difference that are shown with it."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the expected is taken from, and where the programs are."""

    catalogue: Catalogue
    known: Sequence[Known] = ()
    baselines: Path = BASELINES
    build: Path = BUILD


def show(target: Target, patterns: Sequence[str], build: Path, say: Say) -> None:
    """Tell what the workloads are."""
    found = run.list_workloads(run.place(target), build)
    chosen = choose(found, patterns)
    width = max(map(len, chosen))
    for name in chosen:
        say(f"{name:<{width}}  {found[name]}")


def choose(found: Sequence[str] | dict[str, str], patterns: Sequence[str]) -> list[str]:
    """Of the workloads FOUND those that PATTERNS name (or a group, the part before a dot); IpckError for none."""
    chosen: list[str] = []
    for pattern in patterns or ["*"]:
        matching = [name for name in found if fnmatchcase(name, pattern) or name.partition(".")[0] == pattern]
        if not matching:
            raise IpckError(f"no workload is named {pattern!r}: ipck stress --list shows all")
        chosen += matching
    return [name for name in found if name in chosen]


class Session:
    """Some targets, each in a thread."""

    def __init__(self, patterns: Sequence[str], options: Options, inputs: Inputs, say: Say) -> None:
        self._patterns = patterns
        self._options = options
        self._inputs = inputs
        self._say = say
        self._lock = Lock()
        self._runs: list[run.Run] = []
        self._stopped = False

    def run(self, choices: Sequence[Choice], at_a_time: int = 0) -> list[TargetResults]:
        """The results of the targets that can run here; a group's others are left out. IpckError when none can."""
        ready, results = [], []
        for choice in choices:
            target = run.place(choice.target)
            try:
                names = choose(run.list_workloads(target, self._inputs.build), self._patterns)
                ready.append((target, names))
            except Unavailable as error:
                results.append(TargetResults(target.name, target.description, str(error)))
                if choice.by_name:
                    results[-1].faults.append(str(error))
        if not ready:
            raise IpckError(*(f"target {one.name} is unavailable: {one.unavailable}" for one in results))
        pool = ThreadPoolExecutor(at_a_time or max(2, len(os.sched_getaffinity(0))))
        try:
            tasks = [pool.submit(self._target, target, names) for target, names in ready]
            results += [task.result() for task in tasks]
        except BaseException:
            self.stop()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
        order = [choice.target.name for choice in choices]
        return sorted(results, key=lambda one: order.index(one.name))

    def stop(self) -> None:
        """End all targets; what came so far is kept."""
        with self._lock:
            self._stopped = True
            for one in self._runs:
                one.stop()

    def _target(self, target: Target, names: Sequence[str]) -> TargetResults:
        expected = Expected(target, self._inputs.known, self._inputs.catalogue, self._inputs.baselines)
        results = TargetResults(target.name, target.description)
        options = replace(self._options, waived=expected.waived)
        engine = run.Run(target, names, options, self._inputs.build)
        with self._lock:
            self._runs.append(engine)
            if self._stopped:
                engine.stop()
        for event in engine.events():
            if isinstance(event, lines.Head):
                results.generation = event.generation
            elif isinstance(event, Workload):
                self._workload(target, event, expected, results)
                if self._options.soak and (results.new or event.error):
                    engine.stop()
            elif isinstance(event, Resources):
                self._resources(target, event, results)
                if results.growing:
                    engine.stop()
            elif isinstance(event, str):
                results.faults.append(event)
                self._say(f"FAULT {target.name}: {event}")
        if not self._options.soak:
            for said in expected.gone(results):
                results.faults.append(said)
                self._say(f"FIXED {target.name}: {said}")
        return results

    def _workload(self, target: Target, one: Workload, expected: Expected, results: TargetResults) -> None:
        seed = one.seed or self._options.seed
        again = f"--seed {lines.seed_in_words(seed)} --seconds {self._options.seconds:g}"
        replay = f"ipck stress {one.name} --target {target.name} {again}"
        found = tuple(
            expected.judge(replace(violation, target=target.name, workload=one.name, seed=seed, replay=replay))
            for violation in one.violations
        )
        one = replace(one, seed=seed, violations=found)
        results.add(one)
        for line in told(target.name, one, bool(self._options.soak)):
            self._say(line)

    def _resources(self, target: Target, one: Resources, results: TargetResults) -> None:
        results.resources.append(one)
        self._say(f"{target.name}: cycle {one.cycle} with --seed {lines.seed_in_words(one.seed)} is over")
        for said in trend.growing(results.resources):
            results.growing.append(said)
            seeds = f"--seed {lines.seed_in_words(results.resources[0].seed)} to {one.seed}"
            self._say(f"LEAK {target.name}: {said} ({one.cycle} cycles, {seeds})")


def told(target: str, one: Workload, briefly: bool) -> list[str]:
    """What is to be said of a workload; BRIEFLY: nothing when all is well."""
    said = []
    for violation in one.violations:
        said += explained(violation)
    if one.error:
        said.append(f"UNDECIDED {target}: {one.name}: {one.error}")
    elif one.skipped:
        said.append(f"{target}: {one.name}: skipped: needs {one.skipped}")
    elif not briefly:
        rate = one.operations / one.seconds if one.seconds else 0.0
        histories = f", {one.histories} histories" if one.histories else ""
        counts = f"{one.operations} operations{histories} in {one.seconds:.1f} s ({rate:.0f}/s)"
        said.append(f"{target}: {one.name}: {counts}")
    return said


def explained(violation: Violation) -> list[str]:
    """A violation in words."""
    word = "known" if violation.known else "VIOLATED"
    said = [f"{word} {violation.target}: {violation.workload}: {violation.requirement}: {violation.text}"]
    if violation.known:
        return said
    said += [f"    {line}" for line in violation.details.rstrip().split("\n") if line]
    return [*said, f"    again: {violation.replay}"]


def status(results: Sequence[TargetResults]) -> int:
    """The exit status."""
    if any(one.new or one.growing or any("remove the entry" in fault for fault in one.faults) for one in results):
        return 1
    undecided = any(one.faults or any(workload.error for workload in one.workloads.values()) for one in results)
    ran = any(not workload.skipped for one in results for workload in one.workloads.values())
    return 2 if undecided or not ran else 0


# ---- the same calls on two targets


def compare(
    a: Target, b: Target, patterns: Sequence[str], operations: int, options: Options, build: Path, say: Say
) -> int:
    """Make the same calls on two targets and tell the first that has another result; the exit status."""
    places = [run.place(target) for target in (a, b)]
    common = [name for name in run.list_workloads(places[0], build) if name in run.list_workloads(places[1], build)]
    worst = 0
    for name in choose(common, patterns or ["fuzz"]):
        calls = [_calls(target, name, operations, options, build) for target in places]
        worst = max(worst, _compare(name, a.name, b.name, calls, say))
    return worst


def _calls(target: Target, name: str, operations: int, options: Options, build: Path) -> list[lines.Operation]:
    engine = run.Run(target, [name], options, build)
    calls: list[lines.Operation] = []
    for event in engine.events("--trace", "--operations", str(operations)):
        if isinstance(event, lines.Operation):
            calls.append(event)
        elif isinstance(event, str):
            raise IpckError(f"target {target.name}: {name}: {event}")
        elif isinstance(event, Workload) and (event.error or event.skipped):
            raise IpckError(f"target {target.name}: {name}: {event.error or event.skipped}")
    return calls


def _compare(name: str, a: str, b: str, calls: Sequence[Sequence[lines.Operation]], say: Say) -> int:
    if not calls[0] or not calls[1]:
        say(f"{name}: prints no calls, so there is nothing to compare")
        return 2
    for number, (one, other) in enumerate(zip_longest(*calls)):
        if one == other:
            continue
        say(f"{name}: call {number + 1} differs:")
        for before in calls[0][max(0, number - _CONTEXT):number]:
            say(f"    {before.call} = {before.result}")
        for target, call in ((a, one), (b, other)):
            say(f"  {target}: {call.call} = {call.result}" if call else f"  {target}: makes no more calls")
        return 1
    say(f"{name}: {len(calls[0])} calls have the same results")
    return 0
