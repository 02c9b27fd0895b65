"""The HTML report: a page that shows a run requirement by requirement, target by target, an overview with counts, and
the lecture notes in the light of the run.

None needs a network.
This module decides what is shown; reports/templates decides how it looks.
"""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

import jinja2
from markupsafe import Markup

from . import files
from .catalogue import AREAS, Catalogue, Interface, Requirement
from .errors import IpckError
from .findings import (
    ATTENTION, FIELD_LIMIT, LOOKS, SEVERITY, Finding, Heard, Link, Outputs, cut, findings_of, gravest, links_of,
    reason_of, split_variant,
)  # fmt: skip
from .notes import Notes
from .notespage import LOOKS as TRUTHS
from .notespage import page_of
from .publish import NOTES, OVERVIEW, PAGE
from .results import RunResults, TargetRun, TestResult, Verdict
from .tree import ROOT

TEMPLATES = ROOT / "reports" / "templates"
PROBLEMS_LIMIT = 200
LEVELS = {"posix-shall": "POSIX shall", "posix-may": "POSIX may", "linux": "Linux"}


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
    tests: tuple[TestReference, ...]
    findings: tuple[Finding, ...]
    absent: str  # targets that have no verdict although others have
    spoken: str  # the cells that need attention in words, for those who hear the page

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
    def cells(self) -> Markup:
        """The row's cells, one wide cell when no target has anything to say."""
        if self.standing in _UNTESTED:
            look = LOOKS[self.standing]
            return Markup(f'<i class="{look.css} w">{look.sign} {look.word}</i>')
        return Markup("".join([_CELLS[outcome] for outcome in self.outcomes]))


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows of one kind; `label` is empty for those that are shown without asking."""

    label: str
    rows: tuple[Row, ...]


class Counted:
    """What has counts: an interface, an area, all of it."""

    name: str
    counts: Counter[str]

    @property
    def bar(self) -> Markup:
        """The shares as a picture."""
        return _bar(self.counts, list(LOOKS))

    @property
    def total(self) -> int:
        """All requirements."""
        return self.counts.total()

    @property
    def tested(self) -> int:
        """Requirements for which a test ran."""
        return self.total - self.counts["untested"] - self.counts["untestable"]

    @property
    def anchor(self) -> str:
        """The fragment; the colon keeps it apart from the requirements'."""
        return "group:" + re.sub(r"[^A-Za-z0-9_.-]", "-", self.name)


@dataclass(frozen=True)
class Group(Counted):
    """An interface with its rows."""

    name: str
    title: str
    area: str
    counts: Counter[str]
    folds: tuple[Fold, ...]
    marks: tuple[Markup, ...]  # a cell for each target

    @property
    def cells(self) -> Markup:
        """The cells, one wide cell when no target has anything to say."""
        if self.tested:
            return Markup("".join(self.marks))
        return Markup(f'<i class="n w">{LOOKS["untested"].sign} untested</i>')

    @property
    def words(self) -> str:
        """The title without the name that stands before it."""
        for head in (f"{self.name}(): ", f"{self.name}: "):
            if self.title.startswith(head):
                return self.title[len(head):]
        return "" if self.title == self.name else self.title

    @property
    def digest(self) -> str:
        """The counts in a few words."""
        said = [f"{self.counts[key]} {_DIGEST[key]}" for key in _DIGEST if self.counts[key]]
        return ", ".join(said)


@dataclass(frozen=True)
class Area(Counted):
    """Interfaces that belong together."""

    name: str
    interfaces: tuple[Group, ...]
    counts: Counter[str]
    marks: tuple[Markup, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A target's line in the overview."""

    run: TargetRun
    position: int  # of its column in the matrix, -1 when it has none
    counts: Counter[str]
    bar: Markup


@dataclass(frozen=True, slots=True)
class Fact:
    """Something about what was judged, with the targets it is true of ("" for all of them)."""

    name: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the run itself that no cell of the matrix tells."""

    target: str
    subject: str
    message: str
    links: tuple[Link, ...] = ()


def write_report(run: RunResults, catalogue: Catalogue, out: Path, notes: Notes = Notes()) -> Path:
    """Write the pages into OUT and return the path of the first; IpckError when one cannot be written."""
    failed = []
    for name, text in render(run, catalogue, notes).items():
        try:
            files.write(out / name, text)
        except IpckError as error:
            failed.append(error)
    if failed:
        raise IpckError(*(message for error in failed for message in error.messages))
    return out / PAGE


def render(run: RunResults, catalogue: Catalogue, notes: Notes = Notes()) -> dict[str, str]:
    """The pages as text by file name, a pure function of its arguments; no page of the notes where there are none."""
    targets = [target for target in run.targets if not target.unavailable]
    names = [target.target for target in targets]
    heard = _collect(targets)
    outputs = Outputs()
    interfaces = [*catalogue.interfaces, *_strangers(heard, catalogue)]
    groups = [_group(interface, names, heard, outputs) for interface in interfaces]
    rows = [row for group in groups for fold in group.folds for row in fold.rows]
    problems = _problems(run.targets, outputs)
    areas = _areas(groups, names)
    everything = _area("", groups, names)
    totals = everything.counts
    columns = _columns(run, rows)
    used = {row.standing for row in rows}.union(*(row.outcomes for row in rows), {"pass", "fail"})
    style, script = (TEMPLATES / "report.css").read_text("utf-8"), (TEMPLATES / "report.js").read_text("utf-8")
    style = f":root {{ --n: {max(1, len(names))}; }}\n{style}"
    headline, tone = _headline(totals, problems)
    shown = dict(
        index=PAGE,
        overview=OVERVIEW,
        notes_page=NOTES if notes.documents else "",
        notes=page_of(notes, {row.requirement.id: row for row in rows}),
        truths=TRUTHS,
        headline=headline,
        tone=LOOKS[tone],
        facts=_facts(run, targets),
        columns=columns,
        names=names,
        groups=sorted(groups, key=_urgency),
        areas=areas,
        totals=everything,
        bar=everything.bar,
        problems=problems[:PROBLEMS_LIMIT],
        problems_left_out=max(0, len(problems) - PROBLEMS_LIMIT),
        outputs=outputs.items,
        looks=LOOKS,
        used=[key for key in LOOKS if key in used],
        counted=[key for key in LOOKS if key != "fixed" or totals["fixed"]],
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )
    environment = _environment()
    pages = (PAGE, OVERVIEW, NOTES) if notes.documents else (PAGE, OVERVIEW)
    return {name: environment.get_template(name).render(shown) for name in pages}


def visible(text: str) -> str:
    """TEXT with everything that a browser would drop, obey or refuse to decode spelt out."""
    return _UNSHOWABLE.sub(_spelt, text)


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
    )


def _finalize(value: object) -> object:
    """Applied to all that a template prints, before it is escaped."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _collect(targets: Sequence[TargetRun]) -> dict[str, list[Heard]]:
    heard: dict[str, list[Heard]] = {}
    for column, target in enumerate(targets):
        for test in target.tests:
            for verdict in test.verdicts:
                heard.setdefault(verdict.requirement, []).append(Heard(column, test, verdict))
    return heard


def _strangers(heard: dict[str, list[Heard]], catalogue: Catalogue) -> list[Interface]:
    """Results can come from elsewhere: what the catalogue does not know is shown, too."""
    unknown = sorted(identifier for identifier in heard if identifier not in catalogue)
    rows = tuple(Requirement(identifier, "", "", "", "not in the catalogue", "") for identifier in unknown)
    return [Interface("unknown", "not in the catalogue", rows)] if rows else []


def _group(interface: Interface, names: Sequence[str], heard: dict[str, list[Heard]], outputs: Outputs) -> Group:
    rows = [_row(requirement, names, heard.get(requirement.id, ()), outputs) for requirement in interface.requirements]
    folds = []
    urgent = [row for key in ATTENTION for row in rows if row.standing == key]
    if urgent:
        folds.append(Fold("", tuple(urgent)))
    for key, label in _FOLDS.items():
        if chosen := tuple(row for row in rows if row.standing == key):
            where = " on every target that judged them" if key == "pass" and len(names) > 1 else ""
            folds.append(Fold(f"{len(chosen)} {label}{where}", chosen))
    counts = Counter(row.standing for row in rows)
    area = interface.area or "Other"
    return Group(interface.name, interface.title, area, counts, tuple(folds), _marks(rows, len(names)))


def _areas(groups: Sequence[Group], names: Sequence[str]) -> list[Area]:
    """The groups by area, in the catalogue's order of areas."""
    found = {group.area for group in groups}
    ordered = [area for area in (*AREAS, "Other") if area in found]
    return [_area(area, [group for group in groups if group.area == area], names) for area in ordered]


def _area(name: str, groups: Sequence[Group], names: Sequence[str]) -> Area:
    counts: Counter[str] = Counter()
    for group in groups:
        counts.update(group.counts)
    rows = [row for group in groups for fold in group.folds for row in fold.rows]
    return Area(name, tuple(groups), counts, _marks(rows, len(names)))


def _marks(rows: Sequence[Row], width: int) -> tuple[Markup, ...]:
    """One cell a target for all the rows: the worst outcome, with the count unless all is well."""
    cells = []
    for column in range(width):
        counts = Counter(row.outcomes[column] for row in rows)
        key = gravest(counts)
        look = LOOKS[key]
        number = str(counts[key]) if key in ATTENTION else ""
        cells.append(Markup(f'<i class="{look.css}">{look.sign}{number}</i>'))
    return tuple(cells)


def _row(requirement: Requirement, names: Sequence[str], heard: Sequence[Heard], outputs: Outputs) -> Row:
    by_column: dict[int, set[str]] = {}
    for item in heard:
        by_column.setdefault(item.column, set()).add(item.verdict.outcome)
    outcomes = tuple(gravest(by_column.get(column, ())) for column in range(len(names)))
    absent = ", ".join(name for name, outcome in zip(names, outcomes) if outcome == "untested") if heard else ""
    tests = _tests(heard)
    findings = findings_of(heard, names, len(tests) > 1, outputs)
    return Row(
        requirement, outcomes, _standing(requirement, outcomes), tests, findings, absent, _spoken(outcomes, names)
    )


def _spoken(outcomes: Sequence[str], names: Sequence[str]) -> str:
    said = []
    for key in ATTENTION:
        if places := [name for name, outcome in zip(names, outcomes) if outcome == key]:
            said.append(f"{LOOKS[key].word}: {', '.join(places)}")
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


def _problems(targets: Sequence[TargetRun], outputs: Outputs) -> list[Problem]:
    problems: list[Problem] = []
    for target in targets:
        if not target.complete and not target.faults:
            problems.append(Problem(target.target, "", "the run was cut short: what came before it counts"))
        for fault in target.faults:
            line = f"line {fault.line} of its output" if fault.line else ""
            problems.append(Problem(target.target, line, cut(fault.message, FIELD_LIMIT)))
        for test in target.tests:
            if _unexplained(test):
                item = Heard(0, test, Verdict("", test.outcome))
                reason = reason_of(item) or test.status
                links = links_of([item], [target.target], outputs)
                problems.append(Problem(target.target, test.test, cut(reason, FIELD_LIMIT), links))
    return problems


def _unexplained(test: TestResult) -> bool:
    """Whether a test went wrong in a way that none of its requirements shows."""
    return test.outcome in ("fail", "error") and all(verdict.outcome in ("pass", "skip") for verdict in test.verdicts)


def _columns(run: RunResults, rows: Sequence[Row]) -> list[Column]:
    columns = []
    position = 0
    for target in run.targets:
        if target.unavailable:
            columns.append(Column(target, -1, Counter(), Markup()))
            continue
        counts = Counter(row.outcomes[position] for row in rows if row.standing != "untestable")
        columns.append(Column(target, position, counts, _bar(counts, [key for key in LOOKS if key not in _UNTESTED])))
        position += 1
    return columns


def _bar(counts: Counter[str], keys: Sequence[str]) -> Markup:
    """A bar of the shares; the numbers beside it say the same."""
    total = sum(counts[key] for key in keys)
    position, parts = 0.0, []
    for key in keys:
        if counts[key]:
            width = 100 * counts[key] / total
            parts.append(f'<rect class="{LOOKS[key].css}" x="{position:.2f}" width="{width:.2f}" height="1"/>')
            position += width
    svg = '<svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">'
    return Markup(f"{svg}{''.join(parts)}</svg>")


def _headline(totals: Counter[str], problems: Sequence[Problem]) -> tuple[str, str]:
    """The run in one sentence, and the outcome that it amounts to."""
    judged = sum(totals[key] for key in ("pass", *ATTENTION))
    of_all = f"{judged} judged requirement{'' if judged == 1 else 's'}"
    if totals["fail"]:
        return f"{totals['fail']} of {of_all} fail{'s' if totals['fail'] == 1 else ''}", "fail"
    if count := totals["fixed"]:
        return f"{count} listed deviation{'s pass' if count > 1 else ' passes'} now", "fixed"
    if totals["error"]:
        return f"{totals['error']} of {of_all} could not be decided", "error"
    if problems:
        return "The run had problems", "error"
    if not judged:
        return "Nothing was judged", "untested"
    if totals["known"]:
        return f"{totals['pass']} of {of_all} hold, {totals['known']} deviate as listed", "known"
    return (f"All {of_all} hold" if judged > 1 else f"The {of_all} holds"), "pass"


def _facts(run: RunResults, targets: Sequence[TargetRun]) -> list[Fact]:
    """What was judged: about the run, then about the targets, alike values said once."""
    about = {
        "command": run.command,
        "commit": run.commit,
        "started": _time(run.started),
        "seed": str(run.seed or ""),
        "shard": run.shard,
    }
    facts = [Fact(name, ((text, ""),)) for name, text in about.items() if text]
    facts += [_fact(name, targets, value) for name, value in _ABOUT.items()]
    limits = dict.fromkeys(limit for target in targets for limit, _ in target.info.limits)
    facts += [_fact(f"limit {limit}", targets, partial(_limit, limit)) for limit in limits]
    return [fact for fact in facts if fact.values]


def _fact(name: str, targets: Sequence[TargetRun], value: Callable[[TargetRun], str]) -> Fact:
    values: dict[str, list[str]] = {}
    for target in targets:
        if said := value(target):
            values.setdefault(said, []).append(target.target)
    places = {said: ", ".join(names) for said, names in values.items()}
    if values and sum(map(len, values.values())) == len(targets):
        common = max(values, key=lambda said: len(values[said]))
        if len(values) == 1:
            places[common] = ""
        elif len(values[common]) > max(2, len(targets) // 2):
            del places[common]
            places[common] = "all others"
    return Fact(name, tuple(places.items()))


def _user(target: TargetRun) -> str:
    info = target.info
    uid = f"uid {info.uid}" if info.uid >= 0 else ""
    return f"{info.user} ({uid})" if info.user and uid else info.user or uid


def _limit(name: str, target: TargetRun) -> str:
    return dict(target.info.limits).get(name, "")


def _missing(target: TargetRun) -> str:
    return ", ".join(target.info.missing_capabilities) or ("none" if target.info.kernel else "")


def _time(started: str) -> str:
    try:
        moment = datetime.fromisoformat(started)
    except ValueError:
        return started
    return f"{moment.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC" if moment.tzinfo else started


def _urgency(group: Group) -> tuple[int, int]:
    """Groups with the most failures first, those without a test last, else the catalogue's order."""
    place = next((place for place, key in enumerate(SEVERITY) if group.counts[key]), len(SEVERITY))
    return place, -group.counts[SEVERITY[place]] if place < len(ATTENTION) else 0


def _spelt(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _hash(text: str) -> str:
    """The hash under which the page's policy allows an inline style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


# Control characters, surrogates, non-characters, and the marks that turn the direction of text around.
_UNSHOWABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff"
    "\ufdd0-\ufdef\ufeff\ufff9-\ufffc\ufffe\uffff"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 17))
    + "]"
)
_UNTESTED = ("untested", "untestable")
_CELLS = {key: f'<i class="{look.css}">{look.sign}</i>' for key, look in LOOKS.items()}
_FOLDS = {
    "pass": "hold",
    "skip": "unsupported",
    "untested": "untested",
    "untestable": "untestable",
}
_DIGEST = {
    "fail": "fail", "fixed": "fixed", "error": "undecided", "known": "known", "pass": "hold", "skip": "unsupported",
    "untested": "untested", "untestable": "untestable",
}  # fmt: skip
_ABOUT: dict[str, Callable[[TargetRun], str]] = {
    "kernel": lambda target: target.info.kernel,
    "machine": lambda target: target.info.machine,
    "libc": lambda target: target.info.libc,
    "compiler": lambda target: target.info.compiler,
    "user": _user,
    "isolation": lambda target: target.info.isolation,
    "capabilities missing": _missing,
}
