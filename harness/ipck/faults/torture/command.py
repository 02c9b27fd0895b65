"""`ipck fault`: the torture of the clients."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from ... import calls
from ...errors import IpckError
from .. import crash, results, scenario
from . import apart, clients, records, tables
from .judge import judge, unusable
from .torture import Torture

_SIDE_BY_SIDE = 4  # runs a processor: most of them wait for the kernel to make and end namespaces


def show(names: Sequence[str], build: Path, say: Callable[[str], None]) -> int:
    """The clients, and what each lacks here."""
    for client in clients.choose(clients.load(), names):
        lacking = client.lacks(build)
        say(f"{client.name}\t{lacking}" if lacking else client.name)
    if not names:
        say(crash.NAME)
    return 0


def torture(
    names: Sequence[str], build: Path, out: Path, say: Callable[[str], None], jobs: int = 0, time_scale: float = 1.0
) -> int:
    """Torture the clients that NAMES mean, and the processes of `crash`; write faults.json into OUT; returns 0 or 1."""
    every = clients.load()
    wanted = [name for name in names if name != crash.NAME]
    chosen = clients.choose(every, wanted) if wanted or not names else ()
    explanations, known = tables.explanations(), tables.known()
    results.read(out)  # a file that cannot be kept is told of before the work, not after it
    bad = False
    undecided: list[str] = []
    changes = {}
    if crash.NAME in names or not names:
        rows = crash.run(build, time_scale)
        for paragraph in crash.bad(rows):
            say(paragraph)
            bad = True
        say(crash.summary(rows))
        changes["crash"] = rows
    if chosen:
        side_by_side = jobs or _SIDE_BY_SIDE * (os.cpu_count() or 1)
        with apart.place(build, time_scale) as place:
            todo = Torture(calls.load(build), place, side_by_side, say, explanations, known)
            found = todo.run(chosen, complete=len(chosen) == len(every))
        for line in records.lines(found):
            say(line)
        changes |= records.as_json(found)
        bad |= bool(found.new or found.unfired or found.stale)
        undecided += found.undecided
    say(f"results: {results.update(out, changes)}")
    if undecided:
        raise IpckError(*undecided)
    return int(bad)


def only(name: str, text: str, build: Path, say: Callable[[str], None], time_scale: float = 1.0) -> int:
    """Run one client under one scenario and show all that became of it; returns 1 where something is wrong."""
    chosen = clients.choose(clients.load(), [name])
    if len(chosen) != 1:
        raise IpckError(f"--only needs one client, not {len(chosen)}: {', '.join(one.name for one in chosen)}")
    client = chosen[0]
    if lacking := client.lacks(build):
        raise IpckError(f"{client.name}: {lacking}")
    if "count=" not in text:
        text += ":count=tree"
    scenario.parse([text], calls.load(build))
    with apart.place(build, time_scale) as place:
        apart.prepare(client, place)
        reference = apart.run(client, "", place)
        if reason := unusable(client, reference):
            raise IpckError(reason)
        outcome = apart.run(client, text, place)
    for event in outcome.log:
        say(f"{event.point} n={event.n} {event.action} {event.errno or ''}{'' if event.fired else ' (did not wait)'}")
    for label, step in (("run", outcome.run), ("after", outcome.after)):
        say(f"{label}: exit status {step.status}, {step.seconds:.2f} s")
        for stream in (step.out, step.err):
            for line in stream.splitlines():
                say(f"    {line}")
    for label, objects in (("before", outcome.found), ("left", outcome.left), ("remains", outcome.remains)):
        say(f"{label}: {'; '.join(objects) or 'nothing'}")
    if not any(event.fired for event in outcome.log):
        raise IpckError(f"{text}: never fired")
    problems = judge(client, outcome, reference)
    for problem in problems:
        say(f"VIOLATION {problem.kind}: {problem.detail}")
    return 1 if problems else 0
