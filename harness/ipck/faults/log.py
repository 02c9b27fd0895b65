"""What fired: the lines that an engine wrote."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import IpckError
from ..tree import shown
from .scenario import Scenario


@dataclass(frozen=True, slots=True)
class Event:
    """One call that met a scenario."""

    point: str
    scenario: int | None  # its place in the list; None: one of libfiu's
    n: int
    process: int
    thread: int
    action: str
    errno: str | int | None
    fired: bool  # False: it was to be met while it waited, or at a step inside, and did not wait or come so far


def read(path: Path) -> tuple[Event, ...]:
    """The events of the log PATH, in the order in which they happened."""
    events = []
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise IpckError(f"{shown(path)}: cannot be read: {error}") from None
    for number, line in enumerate(lines, 1):
        try:
            events.append(Event(**json.loads(line)))
        except (ValueError, TypeError) as error:
            raise IpckError(f"{shown(path)}:{number}: is no line of a log of faults: {error}") from None
    return tuple(events)


def idle(scenarios: Sequence[Scenario], events: Sequence[Event]) -> list[str]:
    """A message for each scenario that never fired."""
    messages = []
    for place, scenario in enumerate(scenarios):
        met = [event for event in events if event.scenario == place]
        if any(event.fired for event in met):
            continue
        why = f"never fired: the program made no such call{_which(scenario)}"
        if met:
            failed_to = "came to that step" if scenario.action == "step" else "waited"
            why = f"never fired: {len(met)} calls were met, and none of them {failed_to}"
        messages.append(f"{scenario.text}: {why}")
    return messages


def _which(scenario: Scenario) -> str:
    return f", or fewer than {scenario.first}" if scenario.first > 1 else ""
