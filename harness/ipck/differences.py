"""Where targets disagree: who deviates, and what those alone have in common."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .findings import Heard, split_variant
from .results import TargetRun

HOLDS = ("pass", "fixed")
DEVIATES = ("fail", "known")
_MOST_REASONS = 2


@dataclass(frozen=True, slots=True)
class Sides:
    """The columns that a requirement holds in, and those that deviate from it; the others could not judge."""

    holding: frozenset[int]
    deviating: frozenset[int]

    @property
    def differ(self) -> bool:
        """Whether there are two sides."""
        return bool(self.holding and self.deviating)


def sides(outcomes: Sequence[str]) -> Sides:
    """The sides of a row with these OUTCOMES, one a column."""
    return Sides(
        frozenset(column for column, outcome in enumerate(outcomes) if outcome in HOLDS),
        frozenset(column for column, outcome in enumerate(outcomes) if outcome in DEVIATES),
    )


def values_differ(heard: Iterable[Heard]) -> bool:
    """Whether a check that fails gives different values on different targets."""
    return _differ((item, f"{item.verdict.row}\0{item.verdict.got}") for item in heard if item.verdict.got)


def observations_differ(heard: Iterable[Heard]) -> bool:
    """Whether behaviour that is left open was seen to be different on different targets."""
    return _differ((item, item.verdict.observed) for item in heard if item.verdict.observed)


def _differ(said: Iterable[tuple[Heard, str]]) -> bool:
    """Whether one test, called one way, has said different things on different targets."""
    texts: dict[tuple[str, str], dict[int, set[str]]] = {}
    for item, text in said:
        texts.setdefault(split_variant(item.test.test), {}).setdefault(item.column, set()).add(text)
    return any(len({frozenset(one) for one in by_column.values()}) > 1 for by_column in texts.values())


def reasons(runs: Sequence[TargetRun], one: Iterable[int], other: Iterable[int]) -> list[str]:
    """What all of ONE side have in common and none of the OTHER has: no proof of a cause, but where to look first."""
    mine, theirs = [runs[column] for column in one], [runs[column] for column in other]
    if not mine or not theirs:
        return []
    found: list[str] = []
    for name, value in _traits(mine[0]):
        if len(found) < _MOST_REASONS and value:
            inside = {dict(_traits(run)).get(name, "") for run in mine}
            outside = {dict(_traits(run)).get(name, "") for run in theirs}
            if inside == {value} and value not in outside and "" not in outside and not _said(name, found):
                found.append(f"{name} {value}")
    return found or _by_version(mine, theirs)


def _said(name: str, found: Iterable[str]) -> bool:
    """Whether a trait follows from one that was FOUND."""
    return any(name.startswith(text.partition(" ")[0] + " ") for text in found)


def _by_version(mine: Sequence[TargetRun], theirs: Sequence[TargetRun]) -> list[str]:
    """Whether the versions of the kernels tell the sides apart."""
    inside, outside = ([version(run) for run in runs] for runs in (mine, theirs))
    if not all((*inside, *outside)):
        return []
    if max(inside) < min(outside):
        return [f"kernels up to {'.'.join(map(str, max(inside)))}"]
    if min(inside) > max(outside):
        return [f"kernels from {'.'.join(map(str, min(inside)))}"]
    return []


def version(run: TargetRun) -> tuple[int, ...]:
    """The kernel's version, empty when it is not known."""
    found = re.match(r"Linux (\d+)\.(\d+)", run.info.kernel)
    return (int(found[1]), int(found[2])) if found else ()


def _traits(run: TargetRun) -> list[tuple[str, str]]:
    """What may matter about a target, the likeliest causes first."""
    facts = dict(run.info.facts)
    about: list[tuple[str, str]] = [(name, read(run)) for name, read in _OF_RUN.items()]
    return about + [(name, facts.get(name, "")) for name in _TELLING]


_OF_RUN: dict[str, Callable[[TargetRun], str]] = {
    "libc": lambda run: run.info.libc.partition(" ")[0],
    "libc version": lambda run: run.info.libc,
    "isolation": lambda run: run.info.isolation,
    "user": lambda run: f"uid {run.info.uid}" if run.info.uid >= 0 else "",
    "machine": lambda run: run.info.machine,
}
_TELLING = (
    "word length", "byte order", "page size", "SHMLBA", "time_t", "calls missing", "/proc/sysvipc", "next_id",
    "namespaces", "processors", "traced", "seccomp",
)  # fmt: skip
