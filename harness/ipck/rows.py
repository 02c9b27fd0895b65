"""The rows of the report: a requirement, and what every target said about it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from .catalogue import Catalogue, Interface, Requirement
from .columns import Columns
from .differences import Sides, observations_differ, sides, values_differ
from .findings import ATTENTION, LOOKS, Finding, Heard, Outputs, findings_of, gravest, split_variant
from .results import TestResult

LEVELS = {"posix-shall": "POSIX shall", "posix-may": "POSIX may", "linux": "Linux"}
UNTESTED = ("untested", "untestable")
_CELLS = {key: f'<i class="{look.css}">{look.sign}</i>' for key, look in LOOKS.items()}


@dataclass(frozen=True, slots=True)
class TestReference:
    """A test that verifies a requirement."""

    __test__ = False  # not for pytest to collect

    id: str
    variants: str
    where: str


@dataclass(frozen=True, slots=True)
class Row:
    """A requirement and what every target said about it."""

    requirement: Requirement
    outcomes: tuple[str, ...]  # one a target: an Outcome or "untested"
    standing: str  # what the row counts as: an Outcome, "untested" or "untestable"
    sides: Sides
    values_differ: bool  # what deviates does so in different ways
    observed_differ: bool  # behaviour that is left open is not the same everywhere
    tests: tuple[TestReference, ...]
    findings: tuple[Finding, ...]
    absent: str  # targets that have no verdict although others have
    spoken: str  # the cells that need attention in words, for those who hear the page
    cells: Markup

    @property
    def anchor(self) -> str:
        """The row's fragment; ids that are not the catalogue's own get none."""
        return self.requirement.id if re.fullmatch(r"[A-Za-z0-9_.-]+", self.requirement.id) else ""

    @property
    def facts(self) -> tuple[str, ...]:
        """Kind, level and source in words."""
        row = self.requirement
        return tuple(text for text in (row.kind, LEVELS.get(row.level, row.level), row.source) if text)

    @property
    def differs(self) -> bool:
        """Whether targets that judged it disagree."""
        return self.sides.differ or (self.values_differ and not self.sides.holding)


def collect(columns: Columns) -> dict[str, list[Heard]]:
    """All verdicts by requirement."""
    heard: dict[str, list[Heard]] = {}
    for column, target in enumerate(columns.runs):
        for test in target.tests:
            for verdict in test.verdicts:
                heard.setdefault(verdict.requirement, []).append(Heard(column, test, verdict))
    return heard


def strangers(heard: dict[str, list[Heard]], catalogue: Catalogue) -> list[Interface]:
    """Results can come from elsewhere: what the catalogue does not know is shown, too."""
    unknown = sorted(identifier for identifier in heard if identifier not in catalogue)
    rows = tuple(Requirement(identifier, "", "", "", "not in the catalogue", "") for identifier in unknown)
    return [Interface("unknown", "not in the catalogue", rows)] if rows else []


def row_of(requirement: Requirement, columns: Columns, heard: Sequence[Heard], outputs: Outputs) -> Row:
    """What the targets said of REQUIREMENT."""
    by_column: dict[int, set[str]] = {}
    for item in heard:
        by_column.setdefault(item.column, set()).add(item.verdict.outcome)
    outcomes = tuple(gravest(by_column.get(column, ())) for column in range(len(columns.runs)))
    silent = [column for column, outcome in enumerate(outcomes) if outcome == "untested"]
    standing = _standing(requirement, outcomes)
    tests = _tests(heard)
    two = sides(outcomes)
    return Row(
        requirement,
        outcomes,
        standing,
        two,
        values_differ(heard),
        observations_differ(heard),
        tests,
        findings_of(heard, columns, len(tests) > 1, two.differ, outputs),
        columns.say(silent, range(len(outcomes))) if heard else "",
        _spoken(outcomes, columns),
        cells(outcomes, columns, standing),
    )


def cells(outcomes: Sequence[str], columns: Columns, standing: str = "", texts: Sequence[str] = ()) -> Markup:
    """One cell a target, one for all of a kind where they are alike and many, and one for all when none has a say.

    TEXTS stand in the cells instead of their signs.
    """
    if standing in UNTESTED:
        look = LOOKS[standing]
        return Markup(f'<i class="{look.css} w">{look.sign} {look.word}</i>')
    drawn = [f'<i class="{LOOKS[key].css}">{text}</i>' for key, text in zip(outcomes, texts)] or [
        _CELLS[key] for key in outcomes
    ]
    blocks = []
    for number, kind in enumerate(columns.kinds):
        mine = drawn[slice(kind.columns.start, kind.columns.stop)]
        alike = columns.many and len(set(mine)) == 1
        blocks.append(f'<b class="k{number}">{mine[0] if alike else "".join(mine)}</b>')
    return Markup("".join(blocks))


def _spoken(outcomes: Sequence[str], columns: Columns) -> str:
    said = []
    judged = [column for column, outcome in enumerate(outcomes) if outcome != "untested"]
    for key in ATTENTION:
        if places := [column for column, outcome in enumerate(outcomes) if outcome == key]:
            said.append(f"{LOOKS[key].word}: {columns.say(places, judged)}")
    return "; ".join(said)


def _standing(requirement: Requirement, outcomes: Iterable[str]) -> str:
    """What a requirement counts as over all targets."""
    outcome = gravest(outcomes)
    return "untestable" if outcome == "untested" and requirement.untestable else outcome


def _tests(heard: Iterable[Heard]) -> tuple[TestReference, ...]:
    found: dict[str, tuple[TestResult, list[str]]] = {}
    for item in heard:
        base, variant = split_variant(item.test.test)
        variants = found.setdefault(base, (item.test, []))[1]
        if variant and variant not in variants:
            variants.append(variant)
    return tuple(
        TestReference(base, ", ".join(variants), f"{test.file}:{test.line}" if test.file else "")
        for base, (test, variants) in found.items()
    )
