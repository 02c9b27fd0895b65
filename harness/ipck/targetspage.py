"""The page of the targets: what each is, what is known of the machine that it runs on, and how they differ in that."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .columns import Columns, Kind
from .results import TargetRun


@dataclass(frozen=True, slots=True)
class Value:
    """What some targets say of a fact; `odd` when most say something else."""

    text: str
    places: str  # empty for all of them
    odd: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is known of targets."""

    name: str
    values: tuple[Value, ...]

    @property
    def differs(self) -> bool:
        """Whether there is more than one answer."""
        return len(self.values) > 1


@dataclass(frozen=True, slots=True)
class Topic:
    """Facts that belong together."""

    name: str
    facts: tuple[Fact, ...]

    @property
    def alike(self) -> tuple[Fact, ...]:
        """Those of which all targets say the same."""
        return tuple(fact for fact in self.facts if not fact.differs)

    @property
    def different(self) -> tuple[Fact, ...]:
        """The others."""
        return tuple(fact for fact in self.facts if fact.differs)


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of one target, each fact with whether most others say the same."""

    run: TargetRun
    column: int
    facts: tuple[tuple[str, str, bool], ...]

    @property
    def anchor(self) -> str:
        """The target's fragment."""
        return f"target:{self.column}"


@dataclass(frozen=True, slots=True)
class TargetsPage:
    """What the page shows."""

    topics: tuple[Topic, ...]
    known: tuple[tuple[Kind, tuple[Known, ...]], ...]
    unavailable: tuple[TargetRun, ...]


def page_of(columns: Columns, unavailable: Sequence[TargetRun]) -> TargetsPage:
    """What is to be shown of the targets."""
    by_topic = {topic: {name: _values(columns.runs, read) for name, read in facts} for topic, facts in _topics(columns)}
    topics = []
    for topic, answers in by_topic.items():
        facts = [fact_of(name, values, columns) for name, values in answers.items()]
        if shown := tuple(fact for fact in facts if fact.values):
            topics.append(Topic(topic, shown))
    answers = {name: values for facts in by_topic.values() for name, values in facts.items()}
    known = tuple(
        (kind, tuple(_known(columns.runs[column], column, answers) for column in kind.columns))
        for kind in columns.kinds
    )
    return TargetsPage(tuple(topics), known, tuple(unavailable))


def fact_of(name: str, values: Sequence[str], columns: Columns) -> Fact:
    """A fact from what each column says of it, alike values said once, the most frequent first; empty means unknown."""
    places: dict[str, list[int]] = {}
    for column, value in enumerate(values):
        if value:
            places.setdefault(value, []).append(column)
    everybody = range(len(columns.runs))
    said = sorted(places.items(), key=lambda item: -len(item[1]))
    if len(said) == 1 and len(said[0][1]) == len(columns.runs):
        return Fact(name, (Value(said[0][0], ""),))
    usual = said[0][0] if said and 2 * len(said[0][1]) > len(columns.runs) else ""
    odd = {text for text, _ in said if usual and text != usual}
    return Fact(name, tuple(Value(text, columns.say(where, everybody), text in odd) for text, where in said))


def summary_facts(columns: Columns) -> list[Fact]:
    """The few that tell at a glance what was judged."""
    facts = [fact_of(name, _values(columns.runs, read), columns) for name, read in _ABOUT.items()]
    return [fact for fact in facts if fact.values]


def _known(run: TargetRun, column: int, answers: dict[str, list[str]]) -> Known:
    facts = []
    for name, values in answers.items():
        if values[column]:
            usual, count = Counter(filter(None, values)).most_common(1)[0]
            facts.append((name, values[column], values[column] == usual or 2 * count <= len(values)))
    return Known(run, column, tuple(facts))


def _values(runs: Iterable[TargetRun], read: Callable[[TargetRun], str]) -> list[str]:
    return [read(run) for run in runs]


def _topics(columns: Columns) -> list[tuple[str, list[tuple[str, Callable[[TargetRun], str]]]]]:
    facts = _names(columns, lambda run: run.info.facts)
    machine = [name for name in _MACHINE if name in facts]
    limits = [name for name in facts if name.startswith("RLIMIT_") or name in _SETTINGS]
    privileges = [name for name in facts if name in _PRIVILEGES]
    kernel = [name for name in facts if name not in (*machine, *limits, *privileges)]
    return [
        ("Target", list(_ABOUT.items())),
        ("Machine", [(name, _fact(name)) for name in machine]),
        ("Kernel", [(name, _fact(name)) for name in kernel]),
        ("Privileges", [(name, _fact(name)) for name in privileges]),
        ("Limits", [
            *((f"limit {name}", _limit(name)) for name in _names(columns, lambda run: run.info.limits)),
            *((name, _fact(name)) for name in limits),
        ]),
        ("Configuration of the kernel", [
            (f"CONFIG_{name}", _option(name)) for name in _names(columns, lambda run: run.info.config)
        ]),
    ]  # fmt: skip


def _names(columns: Columns, pairs: Callable[[TargetRun], Iterable[tuple[str, str]]]) -> list[str]:
    return list(dict.fromkeys(name for run in columns.runs for name, _ in pairs(run)))


def _fact(name: str) -> Callable[[TargetRun], str]:
    return lambda run: dict(run.info.facts).get(name, "")


def _limit(name: str) -> Callable[[TargetRun], str]:
    return lambda run: dict(run.info.limits).get(name, "")


def _option(name: str) -> Callable[[TargetRun], str]:
    return lambda run: dict(run.info.config).get(name, "not set" if run.info.config else "")


def _user(target: TargetRun) -> str:
    info = target.info
    uid = f"uid {info.uid}" if info.uid >= 0 else ""
    return f"{info.user} ({uid})" if info.user and uid else info.user or uid


def _missing(target: TargetRun) -> str:
    return ", ".join(target.info.missing_capabilities) or ("none" if target.info.kernel else "")


_ABOUT: dict[str, Callable[[TargetRun], str]] = {
    "kernel": lambda target: target.info.kernel,
    "machine": lambda target: target.info.machine,
    "libc": lambda target: target.info.libc,
    "compiler": lambda target: target.info.compiler,
    "user": _user,
    "isolation": lambda target: target.info.isolation,
    "capabilities missing": _missing,
}
_MACHINE = (
    "processor", "processors", "memory", "word length", "byte order", "page size", "SHMLBA", "huge pages", "time_t",
    "clock resolution",
)  # fmt: skip
_PRIVILEGES = ("seccomp", "security module", "traced", "user namespace", "ptrace_scope")
_SETTINGS = ("overcommit", "protected_regular", "/dev/shm")
