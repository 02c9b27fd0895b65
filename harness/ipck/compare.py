"""`ipck compare`: what two runs, or two targets, say differently."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import store, text
from .catalogue import Catalogue
from .errors import IpckError
from .publish import stored
from .results import RunResults, TargetRun, TestResult, Verdict
from .summary import truth
from .targets import VARIANTS, without_variant
from .tree import OUT, shown

SCHEMA = 1

_KINDS = {
    "new-failure": ("new failure", "fails on B only"),
    "fixed": ("fixed", "fails on A only"),
    "fails-otherwise": ("fails in another way", "fail in different ways"),
    "undecided": ("newly undecided", "undecided on B only"),
    "decided": ("decided now", "undecided on A only"),
    "unsupported": ("newly unsupported", "unsupported on B only"),
    "supported": ("supported now", "unsupported on A only"),
    "observed": ("observed value differs", "observed values differ"),
    "listed": ("listed as known now", ""),
    "unlisted": ("no longer listed as known", ""),
    "only-a": ("only in A", "only on A"),
    "only-b": ("only in B", "only on B"),
}
"""What can differ, the worst first, in words: between two runs of a target, and between two targets."""


@dataclass(frozen=True, slots=True)
class Side:
    """Results to compare, and which target of them if not all."""

    name: str  # as people see it
    path: Path
    run: RunResults
    target: str = ""

    @property
    def targets(self) -> dict[str, TargetRun]:
        """The targets that ran."""
        ran = (run for run in self.run.targets if not run.unavailable)
        return {run.target: run for run in ran if self.target in ("", run.target)}


@dataclass(frozen=True, slots=True)
class Difference:
    """What one test says differently about one requirement; empty strings stand for a side that says nothing."""

    kind: str
    requirement: str  # empty where it is about the test as a whole
    test: str  # without the variant
    a: Verdict | None
    b: Verdict | None


@dataclass(slots=True)
class Comparison:
    """All differences, each with the places it was found at, and how much is alike."""

    a: Side
    b: Side
    same_target: bool  # two runs of it, so that B comes after A
    differences: dict[Difference, list[str]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)  # what is no verdict: targets and faults on one side only
    alike: int = 0
    aside: int = 0  # tests that one of two targets of one run did not have to run

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.differences and not self.messages


def sides(first: str, second: str) -> tuple[Side, Side]:
    """What is called FIRST and SECOND on the command line: RESULTS, RESULTS:TARGET or :TARGET.

    RESULTS is a results.jsonl or the folder of one; without it the last run's, or the first one's for the second.
    """
    a = _side(first, OUT)
    return a, _side(second, a.path)


def _side(name: str, default: Path) -> Side:
    place, colon, target = ("", "", "") if not name else (name, "", "") if Path(name).exists() else name.rpartition(":")
    if not colon:
        place, target = name, ""
    path = stored(Path(place)) if place else stored(default)
    side = Side(f"{shown(path)}{colon}{target}", path, store.load([path]), target)
    if not side.targets:
        known = ", ".join(run.target for run in side.run.targets if not run.unavailable) or "none"
        raise IpckError(f"{shown(path)}: has no results of {target or 'any target'}; it has those of: {known}")
    return side


def compare(a: Side, b: Side) -> Comparison:
    """What differs between two sides; IpckError when nothing can be compared."""
    ours, theirs = a.targets, b.targets
    if len(ours) == len(theirs) == 1:
        pairs = [(*ours.values(), *theirs.values())]
    elif a.target or b.target:
        known = ", ".join(theirs if a.target else ours)
        raise IpckError(f"which target of {(b if a.target else a).name} is meant? It has {known}: RESULTS:TARGET")
    else:
        pairs = [(run, theirs[name]) for name, run in ours.items() if name in theirs]
    if not pairs:
        raise IpckError(
            f"no target is in both: {a.name} has {', '.join(ours)}, {b.name} has {', '.join(theirs)}: "
            "say which to compare, as RESULTS:TARGET RESULTS:TARGET"
        )
    found = Comparison(a, b, same_target=all(one.target == other.target for one, other in pairs))
    if len(pairs) > 1 or found.same_target:
        for mine, others, side in ((ours, theirs, "A"), (theirs, ours, "B")):
            found.messages += [f"only in {side}: target {name}" for name in mine if name not in others]
    for one, other in pairs:
        _compare_targets(one, other, found)
    return found


def _compare_targets(ours: TargetRun, theirs: TargetRun, found: Comparison) -> None:
    one_run = found.a.path.resolve() == found.b.path.resolve()
    mine, others = ({test.test: test for test in run.tests} for run in (ours, theirs))
    for name in sorted(mine.keys() | others.keys(), key=lambda name: _place(mine.get(name) or others[name])):
        pair = mine.get(name), others.get(name)
        if one_run and None in pair:
            found.aside += 1
            continue
        place = ours.target if found.same_target else ""
        for difference in _differences(name, pair, found):
            found.differences.setdefault(difference, []).append(" ".join(filter(None, (place, _variant(name)))))
    for run, other, side in ((ours, theirs, "A"), (theirs, ours, "B")):
        said = Counter(fault.message for fault in run.faults) - Counter(fault.message for fault in other.faults)
        found.messages += [f"only in {side}: {run.target}: {message}" for message in said]


def _differences(
    name: str, pair: tuple[TestResult | None, TestResult | None], found: Comparison
) -> Iterator[Difference]:
    mine, others = map(_verdicts, pair)
    for requirement in mine | others:
        a, b = mine.get(requirement), others.get(requirement)
        if kind := _kind(a, b, found.same_target):
            yield Difference(kind, requirement, without_variant(name), a, b)
        else:
            found.alike += bool(requirement)


def _verdicts(test: TestResult | None) -> dict[str, Verdict]:
    """A test's verdicts by requirement, and under the empty one what it says apart from them."""
    if not test:
        return {}
    verdicts = {verdict.requirement: verdict for verdict in test.verdicts}
    if test.outcome == "error" and all(verdict.outcome != "error" for verdict in test.verdicts):
        verdicts[""] = Verdict("", "error", reason=test.reason)
    return verdicts


def _kind(a: Verdict | None, b: Verdict | None, same_target: bool) -> str:
    """How two verdicts differ, a key of _KINDS; empty when they do not."""
    if not a or not b:
        return "only-a" if a else "only-b"
    ours, theirs = truth(a), truth(b)
    if ours != theirs:
        for word, appears, goes in _TURNS:
            if word in (ours, theirs):
                return appears if word == theirs else goes
    if ours == "fail" and _evidence(a) != _evidence(b):
        return "fails-otherwise"
    if a.outcome != b.outcome and same_target:
        return "listed" if b.outcome == "known" else "unlisted"
    return "observed" if a.observed != b.observed else ""


_TURNS = (
    ("fail", "new-failure", "fixed"),
    ("error", "undecided", "decided"),
    ("skip", "unsupported", "supported"),
)
"""A verdict, what it is called when it appears, and when it goes; the worse one decides."""


def _evidence(verdict: Verdict) -> tuple[str, ...]:
    return verdict.row, verdict.expression, verdict.wanted, verdict.got


def _place(test: TestResult) -> tuple[str, int, str]:
    return test.file, test.line, test.test


def _variant(test: str) -> str:
    last = test.rpartition(".")[2]
    return last if last in VARIANTS else ""


# ---- what people and programs read ----


def render(found: Comparison, catalogue: Catalogue) -> Iterator[str]:
    """The comparison in words, the worst first."""
    for label, side in (("A", found.a), ("B", found.b)):
        yield f"{label}: {side.name}{_about(side)}"
    yield ""
    order = list(_KINDS)
    for one, places in sorted(found.differences.items(), key=lambda item: order.index(item[0].kind)):
        yield f"{_words(one.kind, found)}: {one.requirement or one.test}"
        where = f" ({', '.join(places)})" if any(places) else ""
        yield text.field("test", f"{one.test}{where}")
        if one.requirement in catalogue:
            row = catalogue[one.requirement]
            yield text.field("statement", row.statement)
            yield text.field("source", f"{row.source} ({row.level})")
        yield text.field("A", _said(one.a))
        yield text.field("B", _said(one.b))
    yield from found.messages
    if not found.same:
        yield ""
    yield _digest(found)


def as_json(found: Comparison, catalogue: Catalogue) -> dict[str, Any]:
    """The comparison for programs, schema 1."""
    rows = []
    for one, places in found.differences.items():
        row = catalogue[one.requirement] if one.requirement in catalogue else None
        rows.append(
            {
                "kind": one.kind,
                "requirement": one.requirement,
                "statement": row.statement if row else "",
                "source": row.source if row else "",
                "test": one.test,
                "places": places,
                "a": _fields(one.a),
                "b": _fields(one.b),
            }
        )
    return {
        "schema": SCHEMA,
        "a": found.a.name,
        "b": found.b.name,
        "same": found.same,
        "alike": found.alike,
        "differences": rows,
        "messages": found.messages,
    }


def _fields(verdict: Verdict | None) -> dict[str, str] | None:
    names = ("outcome", "where", "row", "expression", "wanted", "got", "observed", "reason")
    return {name: getattr(verdict, name) for name in names if getattr(verdict, name)} if verdict else None


def _about(side: Side) -> str:
    """Commit, time, and what ran where that is one thing."""
    infos = {(run.info.libc, run.info.kernel, run.info.machine) for run in side.targets.values()}
    facts = [side.run.commit[:12], side.run.started, *(infos.pop() if len(infos) == 1 else ())]
    return f" ({', '.join(filter(None, facts))})" if any(facts) else ""


def _words(kind: str, found: Comparison) -> str:
    return _KINDS[kind][0 if found.same_target else 1]


def _said(verdict: Verdict | None) -> str:
    if not verdict:
        return "no verdict"
    said: str = verdict.outcome
    if truth(verdict) == "fail":
        said += f" at {verdict.where}: {text.evidence(verdict)}" if verdict.where else f": {text.evidence(verdict)}"
    elif verdict.reason:
        said += f": {text.first_line(verdict.reason)}"
    return f"{said}, observed {verdict.observed}" if verdict.observed else said


def _digest(found: Comparison) -> str:
    """All of it in one line."""
    counts = Counter(one.kind for one, places in found.differences.items() for _ in places)
    said = {_words(kind, found): counts[kind] for kind in _KINDS if counts[kind]}
    if found.messages:
        said["other differences"] = len(found.messages)
    said["alike" if said else "no difference; alike"] = found.alike
    if found.aside:
        said["tests for one of these targets only"] = found.aside
    return "; ".join(f"{words}: {count}" for words, count in said.items())
