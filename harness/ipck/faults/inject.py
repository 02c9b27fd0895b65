"""`ipck inject`: run a program while its IPC calls fail as scenarios say."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from .. import calls
from ..errors import IpckError
from ..files import write
from ..tree import BUILD
from .engine import Engine, Kernel, Order, Preload
from .log import Event, idle
from .program import find
from .scenario import parse
from .strace import Strace

REFUSED = 125
"""Exit status when ipck itself could not do it, or a scenario never fired: not the program's, as with env(1)."""

_IN_ORDER: tuple[Engine, ...] = (Preload(), Strace())
_INSIDE: Engine = Kernel()
ENGINES = {engine.name: engine for engine in (*_IN_ORDER, _INSIDE)}


def inject(
    texts: Sequence[str],
    argv: Sequence[str],
    seed: int,
    engine: str = "",
    force: bool = False,
    log: Path | None = None,
    control: str = "",
    build: Path = BUILD,
) -> int:
    """Run ARGV under the scenarios TEXTS; returns its exit status, or 128 + N after signal N."""
    scenarios = parse(texts, calls.load(build), force)
    program = find(argv[0])
    with tempfile.TemporaryDirectory(prefix="ipck-") as folder:
        os.chmod(folder, 0o711)  # the program may become another user
        order = Order(tuple(argv), program, scenarios, seed, Path(folder), build, control)
        chosen = choose_engine(engine, order)
        status, events = _run(chosen, order)
    if log:
        write(log, "".join(f"{json.dumps(asdict(event))}\n" for event in events))
    for place, scenario in enumerate(scenarios):
        times = sum(event.fired for event in events if event.scenario == place)
        print(f"ipck: {scenario.text}: fired {times} time{'s' * (times != 1)}", file=sys.stderr)
    if never := idle(scenarios, events):
        raise IpckError(*never)
    return status


def choose_engine(name: str, order: Order) -> Engine:
    """The engine NAME, or the first that can do it; IpckError with the reason of each that cannot."""
    if name and name not in ENGINES:
        raise IpckError(f"there is no engine {name!r}: there are {', '.join(ENGINES)}")
    inside = any(one.action == "step" for one in order.scenarios)
    reasons = []
    for engine in (ENGINES[name],) if name else (_INSIDE,) if inside else _IN_ORDER:
        reason = engine.refuses(order.program, order.scenarios) or engine.lacks(order)
        if not reason:
            return engine
        reasons.append(f"{order.program.name}: engine {engine.name}: {reason}")
    raise IpckError(*reasons)


def _run(engine: Engine, order: Order) -> tuple[int, tuple[Event, ...]]:
    argv, added = engine.command(order)
    try:
        process = subprocess.Popen(argv, env={**os.environ, **added})
    except OSError as error:
        raise IpckError(f"{argv[0]}: cannot be executed: {error.strerror}") from None
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)  # from the keyboard they are the program's, and it decides
    status = process.wait()
    return status if status >= 0 else 128 - status, engine.events(order)
