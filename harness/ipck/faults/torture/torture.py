"""The torture itself: for each client, point and fault, n = 1, 2, 3 .. until nothing fires."""

import shlex
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace

from ...calls import Call
from ...errors import IpckError
from . import apart
from .apart import Outcome, Place
from .clients import Client
from .judge import REFUSED, cut, judge, unusable
from .tables import Explanation, Known, Pair, pairs

_DELAY = "delay=2ms"
_EVERYTHING = "*:delay=1us:count=tree"


@dataclass(frozen=True, slots=True)
class Violation:
    """What a client did wrong when the N-th call of a point met a fault."""

    client: str
    pair: Pair
    n: int
    kind: str
    detail: str
    reproduce: str
    known: str = ""  # the reference of the entry that lists it


@dataclass(frozen=True, slots=True)
class Tortured:
    """What became of a client: how often it calls each point, how often it ran, or why it did not."""

    client: Client
    points: dict[str, int] = field(default_factory=dict)
    runs: int = 0
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class Results:
    """All of it."""

    clients: tuple[Tortured, ...]
    pairs: tuple[Pair, ...]
    fired: frozenset[Pair]
    explained: dict[Pair, str]
    violations: tuple[Violation, ...]
    undecided: tuple[str, ...]  # messages
    stale: tuple[str, ...]  # entries of the tables that nothing bears out; only of complete runs
    seconds: float
    complete: bool  # all clients were chosen

    @property
    def runs(self) -> int:
        """How often a client was started."""
        return sum(one.runs for one in self.clients)

    @property
    def unfired(self) -> tuple[Pair, ...]:
        """The pairs that no client met, and that nothing explains; none where only some clients ran."""
        left = (pair for pair in self.pairs if pair not in self.fired and pair not in self.explained)
        return tuple(left) if self.complete else ()

    @property
    def new(self) -> tuple[Violation, ...]:
        """The violations that are not listed."""
        return tuple(one for one in self.violations if not one.known)


@dataclass(frozen=True, slots=True)
class _Series:
    """One fault at one point of one client, for each call in turn."""

    client: Client
    pair: Pair
    reference: Outcome

    def scenario(self, n: int) -> str:
        fault = _DELAY if self.pair.fault == "delay" else self.pair.fault
        return f"{self.pair.point}:{fault}:nth={n}:count=tree"


@dataclass(slots=True)
class _Ended:
    """What a series came to."""

    runs: int = 0
    fired: bool = False
    violations: list[Violation] = field(default_factory=list)
    undecided: str = ""


@dataclass(frozen=True, slots=True)
class Torture:
    """How it is done."""

    table: Sequence[Call]
    place: Place
    jobs: int
    say: Callable[[str], None]
    explanations: Sequence[Explanation] = ()
    known: Sequence[Known] = ()

    def run(self, clients: Sequence[Client], complete: bool) -> Results:
        """Torture CLIENTS, which are all that there are where it is COMPLETE."""
        start = time.monotonic()
        undecided: list[str] = []
        fired: set[Pair] = set()
        violations: list[Violation] = []
        with ThreadPoolExecutor(self.jobs) as pool:
            met = list(pool.map(self._meet, clients))
            runs: Counter[str] = Counter(one.client.name for one, _, _ in met if not one.skipped)
            undecided += [problem for _, _, problem in met if problem]
            series = [one for tortured, reference, problem in met if reference and not problem
                      for one in self._series(tortured, reference)]  # fmt: skip
            futures = {pool.submit(self._follow, one): one for one in series}
            for future in as_completed(futures):
                one, ended = futures[future], future.result()
                runs[one.client.name] += ended.runs
                if ended.fired:
                    fired.add(one.pair)
                if ended.undecided:
                    undecided.append(ended.undecided)
                violations += ended.violations
        order = {client.name: place for place, client in enumerate(clients)}
        violations.sort(key=lambda one: (order[one.client], one.pair.point, one.pair.fault, one.n))
        every = pairs(self.table)
        reasons = {pair: one.reason for pair in every for one in self.explanations if one.covers(pair)}
        return Results(
            tuple(replace(one, runs=runs[one.client.name]) for one, _, _ in met),
            every,
            frozenset(fired),
            {pair: reason for pair, reason in reasons.items() if pair not in fired},
            tuple(violations),
            tuple(undecided),
            tuple(self._stale(fired, violations, {one.client.name for one, _, _ in met if one.skipped}, complete)),
            time.monotonic() - start,
            complete,
        )

    def _meet(self, client: Client) -> tuple[Tortured, Outcome | None, str]:
        """The client without a fault: which calls it makes; or why there is nothing to torture."""
        if lacking := client.lacks(self.place.build):
            return Tortured(client, skipped=lacking), None, lacking if client.ours else ""
        try:
            apart.prepare(client, self.place)
            outcome = apart.run(client, _EVERYTHING, self.place)
        except IpckError as error:
            return Tortured(client), None, str(error)
        if problem := unusable(client, outcome):
            return Tortured(client), None, problem
        calls = Counter(event.point for event in outcome.log if client.meets(event.point))
        return Tortured(client, dict(calls)), outcome, ""

    def _series(self, one: Tortured, reference: Outcome) -> Iterable[_Series]:
        return (_Series(one.client, pair, reference) for pair in pairs(self.table) if pair.point in one.points)

    def _follow(self, series: _Series) -> _Ended:
        ended = _Ended()
        n = 0
        while not series.client.most or n < series.client.most:
            n += 1
            scenario = series.scenario(n)
            try:
                outcome = apart.run(series.client, scenario, self.place)
            except IpckError as error:
                ended.undecided = str(error)
                break
            ended.runs += 1
            if unprepared := _unprepared(series.client, outcome):
                ended.undecided = f"{scenario}: {unprepared}"
                break
            if not outcome.log:
                break
            ended.fired |= any(event.fired for event in outcome.log)
            for problem in judge(series.client, outcome, series.reference):
                found = Violation(
                    series.client.name, series.pair, n, problem.kind, problem.detail, reproduce(series.client, scenario)
                )
                found = replace(found, known=self._reference(found))
                ended.violations.append(found)
                if not found.known:
                    self.say(said(found))
        return ended

    def _reference(self, found: Violation) -> str:
        listed = [one for one in self.known if one.covers(found.client, found.pair, found.kind)]
        return listed[0].reference if listed else ""

    def _stale(
        self, fired: set[Pair], violations: Sequence[Violation], skipped: set[str], complete: bool
    ) -> Iterable[str]:
        if not complete:
            return
        for one in self.explanations:
            if met := [pair for pair in sorted(fired, key=str) if one.covers(pair)]:
                yield f"fault/explained.toml: {met[0].point}:{met[0].fault} fired: remove the explanation"
        for entry in self.known:
            seen = any(entry.covers(found.client, found.pair, found.kind) for found in violations)
            if not seen and not entry.intermittent and entry.client not in skipped:
                yield f"{entry.where}: {entry.client} does it no more: remove the entry"


def reproduce(client: Client, scenario: str) -> str:
    """A command that shows it."""
    return f"ipck fault {shlex.quote(client.name)} --only {scenario.removesuffix(':count=tree')}"


def said(found: Violation) -> str:
    """A violation for the terminal."""
    return (
        f"VIOLATION {found.client}: {found.kind} when call {found.n} of {found.pair.point} meets {found.pair.fault}\n"
        f"    {found.detail}\n    {found.reproduce}"
    )


def _unprepared(client: Client, outcome: Outcome) -> str:
    step = outcome.before
    if step.status != 0:
        return f"{client.name}: `before` failed: exit status {step.status}: {cut(step.err)}"
    if outcome.run.status == REFUSED and "ipck: " in outcome.run.err:
        return f"{client.name}: {cut(outcome.run.err)}"
    return ""
