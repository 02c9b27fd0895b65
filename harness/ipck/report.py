"""The HTML report: a page that shows a run requirement by requirement and target by target, where targets differ first;
an overview with counts; the targets and what is known of them; findings about implementations; the lecture notes.

No page needs a network or another file.
This module decides what is shown; reports/templates decides how it looks.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from . import files, findingspage, notespage, targetspage
from .catalogue import Catalogue
from .columns import Columns, Kind, columns_of
from .errors import IpckError
from .extras import EXTRAS, PAGES
from .findings import ATTENTION, FIELD_LIMIT, LOOKS, Heard, Link, Outputs, cut, links_of, reason_of
from .groups import area_of, areas_of, draw_bar, group_of, sections_of, urgency
from .notes import Notes
from .publish import FINDINGS, NOTES, OVERVIEW, PAGE, TARGETS
from .results import RunResults, TargetRun, TestResult, Verdict
from .rows import UNTESTED, Row, collect, strangers
from .targetspage import Fact, Value
from .tree import ROOT
from .visible import visible

TEMPLATES = ROOT / "reports" / "templates"
PROBLEMS_LIMIT = 200
PROBLEMS_OPEN = 8
_TITLES = {
    PAGE: "The report",
    OVERVIEW: "Counts of each interface",
    TARGETS: "The targets",
    FINDINGS: "Findings",
    NOTES: "The lecture notes",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A target's line in the table of targets."""

    run: TargetRun
    position: int  # of its column
    counts: Counter[str]
    bar: Markup


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the run itself that no cell of the matrix tells."""

    target: str
    subject: str
    message: str
    links: tuple[Link, ...] = ()


def write_report(
    run: RunResults,
    catalogue: Catalogue,
    out: Path,
    notes: Notes = Notes(),
    findings: Sequence[findingspage.Text] = (),
    extras: Mapping[str, Any] | None = None,
) -> Path:
    """Write the pages into OUT and return the path of the first; IpckError when one cannot be written."""
    failed = []
    for name, text in render(run, catalogue, notes, findings, extras).items():
        try:
            files.write(out / name, text)
        except IpckError as error:
            failed.append(error)
    if failed:
        raise IpckError(*(message for error in failed for message in error.messages))
    return out / PAGE


def render(
    run: RunResults,
    catalogue: Catalogue,
    notes: Notes = Notes(),
    findings: Sequence[findingspage.Text] = (),
    extras: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """The pages as text by file name, a pure function of its arguments: notes, findings and EXTRAS (data by the names
    of their pages) only where there are any, and only the last where no target ran."""
    extras = extras or {}
    columns = columns_of(run)
    heard = collect(columns)
    outputs = Outputs()
    interfaces = [*catalogue.interfaces, *strangers(heard, catalogue)]
    groups = [group_of(interface, columns, heard, outputs) for interface in interfaces]
    rows = [row for group in groups for row in group.rows]
    problems = _problems(run.targets, outputs)
    everything = area_of("", groups, columns)
    totals = everything.counts
    used = {row.standing for row in rows}.union(*(row.outcomes for row in rows), {"pass", "fail"})
    style, script = (TEMPLATES / "report.css").read_text("utf-8"), (TEMPLATES / "report.js").read_text("utf-8")
    style = f"{style}{_column_style(columns)}"
    headline, tone = _headline(totals, problems)
    lines = _lines(columns, rows)
    known = {text.name for text in findings}
    judged = not extras or bool(run.targets)
    files_of = dict(
        index=PAGE if judged else "",
        overview=OVERVIEW if judged else "",
        targets_page=TARGETS if judged else "",
        findings_page=FINDINGS if judged and findings else "",
        notes_page=NOTES if judged and notes.documents else "",
    )
    pages = [(file, _TITLES[file]) for file in files_of.values() if file]
    pages += [(extra.page, extra.title) for extra in EXTRAS if extra.name in extras]
    anchored = {row.requirement.id: row for row in rows}
    shown = dict(
        **files_of,
        **{PAGES[name].variable: PAGES[name].page_of(data, anchored) for name, data in extras.items()},
        all_pages=pages,
        notes=notespage.page_of(notes, anchored),
        truths=notespage.LOOKS,
        findings=findingspage.page_of(findings, rows),
        inline=findingspage.inline,
        reference=partial(findingspage.linked, page=FINDINGS, known=known),
        machines=targetspage.page_of(columns, [target for target in run.targets if target.unavailable]),
        headline=headline,
        tone=LOOKS[tone],
        facts=_facts(run, columns),
        lines=lines,
        worst=_worst(lines) if columns.many else [],
        unavailable=[target for target in run.targets if target.unavailable],
        columns=columns,
        names=columns.names,
        kinds=columns.kinds,
        sections=sections_of(rows, columns),
        groups=sorted(groups, key=urgency),
        areas=areas_of(groups, columns),
        totals=everything,
        bar=everything.bar,
        differing=sum(row.differs for row in rows),
        problems=_by_target(problems[:PROBLEMS_LIMIT]),
        problems_open=len(problems) <= PROBLEMS_OPEN,
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
    return {name: environment.get_template(name).render(shown) for name, _ in pages}


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


def _by_target(problems: Sequence[Problem]) -> list[tuple[str, list[Problem]]]:
    by_target: dict[str, list[Problem]] = {}
    for problem in problems:
        by_target.setdefault(problem.target, []).append(problem)
    return list(by_target.items())


def _unexplained(test: TestResult) -> bool:
    """Whether a test went wrong in a way that none of its requirements shows."""
    return test.outcome in ("fail", "error") and all(verdict.outcome in ("pass", "skip") for verdict in test.verdicts)


def _lines(columns: Columns, rows: Sequence[Row]) -> list[tuple[Kind, list[Line]]]:
    """The targets with their counts, by kind."""
    found = []
    for kind in columns.kinds:
        lines = []
        for column in kind.columns:
            counts = Counter(row.outcomes[column] for row in rows if row.standing != "untestable")
            bar = draw_bar(counts, [key for key in LOOKS if key not in UNTESTED])
            lines.append(Line(columns.runs[column], column, counts, bar))
        found.append((kind, lines))
    return found


def _worst(lines: Sequence[tuple[Kind, Sequence[Line]]]) -> list[Line]:
    """The targets on which something fails, those with the most failures first."""
    failing = [line for _, members in lines for line in members if line.counts["fail"]]
    return sorted(failing, key=lambda line: -line.counts["fail"])


def _column_style(columns: Columns) -> str:
    """Styles that hide the columns and kinds whose boxes are not ticked; no script is needed for it."""
    each = [f"--c{column}: 1;" for column in range(len(columns.runs))]
    rules = []
    for number, kind in enumerate(columns.kinds):
        each.append(f"--k{number}: calc({' + '.join(f'var(--c{column})' for column in kind.columns)});")
        rules.append(f".k{number} {{ width: calc(var(--cell) * var(--k{number})); }}")
        rules.append(f'body:has([id="kind:{number}"]:not(:checked)) {{ --k{number}: 0; }}')
        rules.append(f'body:has([id="kind:{number}"]:not(:checked)) .k{number} {{ display: none; }}')
        for place, column in enumerate(kind.columns, 1):
            off = f'body:has([id="column:{column}"]:not(:checked))'
            rules.append(f"{off} {{ --c{column}: 0; }}")
            rules.append(f"{off} .k{number} > :nth-child({place}):not(:only-child) {{ display: none; }}")
    total = " + ".join(f"var(--k{number})" for number in range(len(columns.kinds))) or "1"
    each.append(f"--n: {max(1, len(columns.runs))}; --kinds: {max(1, len(columns.kinds))}; --columns: calc({total});")
    return "\n".join(["body {", *each, "}", *rules, ""])


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


def _facts(run: RunResults, columns: Columns) -> list[Fact]:
    """What was judged: about the run, then about the targets."""
    about = {
        "command": run.command,
        "commit": run.commit,
        "started": _time(run.started),
        "seed": str(run.seed or ""),
        "shard": run.shard,
    }
    facts = [Fact(name, (Value(text, ""),)) for name, text in about.items() if text]
    return facts + targetspage.summary_facts(columns)


def _time(started: str) -> str:
    try:
        moment = datetime.fromisoformat(started)
    except ValueError:
        return started
    return f"{moment.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC" if moment.tzinfo else started


def _hash(text: str) -> str:
    """The hash under which the page's policy allows an inline style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
