"""What people read in the terminal: failures, counts, and what it all comes to."""

from collections.abc import Sequence

from .catalogue import Catalogue
from .results import NO_RESULT, RED, RunResults, TargetRun, TestResult, Verdict
from .summary import STATUS_IN_WORDS, count_tests

_MOST_FAILURES = 30
_COLUMNS = ("total", "passed", "failed", "errors", "skipped", "known")
_WORDS = {"fail": "FAIL", "error": "ERROR", "fixed": "FIXED"}


def explain(result: TestResult, catalogue: Catalogue) -> str:
    """Everything that is red about a test, one paragraph a requirement."""
    red = [verdict for verdict in result.verdicts if verdict.outcome in RED]
    if result.status in NO_RESULT:
        names = ", ".join(verdict.requirement for verdict in red)
        return f"  no verdict about {names}\n{field('reason', result.reason)}"
    paragraphs = [_explain_verdict(verdict, catalogue) for verdict in red]
    if result.reason and not any(verdict.reason == result.reason for verdict in red):
        paragraphs.append(field(result.status, result.reason))
    if result.output:
        paragraphs.append(field("output", result.output))
    return "\n".join(paragraphs)


def brief_verdict(verdict: Verdict) -> str:
    """What is red about a requirement, in one line."""
    if verdict.outcome == "fixed":
        return f"{verdict.requirement} passes now: remove the deviation from the baseline"
    return f"{verdict.requirement}: {evidence(verdict)}"


def brief(result: TestResult) -> str:
    """What is red about a test, or why it was not judged, in one line; empty when it passed."""
    if result.outcome == "pass":
        return ""
    if result.outcome in ("skip", "known"):
        return why_not_judged(result)
    red = [verdict for verdict in result.verdicts if verdict.outcome in RED]
    if result.status in NO_RESULT or not red:
        return first_line(result.reason) or result.status
    return "; ".join(brief_verdict(verdict) for verdict in red)


def evidence(verdict: Verdict) -> str:
    """What was found against a requirement, or why nothing was, in one line."""
    row = f"[{verdict.row}] " if verdict.row else ""
    if verdict.wanted or verdict.got:
        return f"{row}{verdict.expression}: wanted {verdict.wanted}, got {verdict.got}".replace("\n", "\\n")
    return row + (verdict.expression or first_line(verdict.reason) or "no verdict")


def why_not_judged(result: TestResult) -> str:
    """The reason of a skipped test, or of its known deviations."""
    deviations = {verdict.deviation.reason: None for verdict in result.verdicts if verdict.deviation}
    reasons = {verdict.reason: None for verdict in result.verdicts if verdict.outcome == "skip" and verdict.reason}
    return "; ".join(deviations or reasons) or result.reason


def first_line(text: str) -> str:
    """What stands before the first newline."""
    return text.partition("\n")[0]


def field(name: str, text: str) -> str:
    """TEXT with its NAME before it, further lines below the first."""
    first, *more = text.splitlines() or [""]
    return "\n".join([f"    {name + ':':<12} {first}", *(f"    {'':<12} {line}" for line in more)])


def failures(run: RunResults, catalogue: Catalogue) -> list[str]:
    """A paragraph for each red test, once for all targets where it came out the same, the worst first."""
    same: dict[tuple[str, str, str], list[TestResult]] = {}
    for target in run.targets:
        for test in target.tests:
            if test.outcome in RED:
                same.setdefault((test.test, test.outcome, explain(test, catalogue)), []).append(test)
    paragraphs = []
    for (name, outcome, explanation), results in sorted(same.items(), key=lambda item: _ORDER[item[0][1]]):
        where = ", ".join(result.target for result in results)
        place = f"  ({results[0].file}:{results[0].line})" if results[0].file else ""
        paragraphs.append(f"{_WORDS[outcome]} {name}{place}\n  on {where}\n{explanation}")
    if len(paragraphs) > _MOST_FAILURES:
        more = len(paragraphs) - _MOST_FAILURES
        paragraphs[_MOST_FAILURES:] = [f"and {more} more: see the report"]
    return paragraphs


def news(run: RunResults) -> list[str]:
    """Two lines for each red test, once for all targets where it came out the same, the worst first."""
    same: dict[tuple[str, str, str], list[TestResult]] = {}
    for target in run.targets:
        for test in target.tests:
            if test.outcome in RED:
                same.setdefault((test.test, test.outcome, brief(test)), []).append(test)
    lines = []
    for (name, outcome, said), results in sorted(same.items(), key=lambda item: _ORDER[item[0][1]]):
        place = f" ({results[0].file}:{results[0].line})" if results[0].file else ""
        lines += [f"{_WORDS[outcome]} {said}", f"     {name} on {', '.join(test.target for test in results)}{place}"]
    if len(lines) > 2 * _MOST_FAILURES:
        more = len(lines) // 2 - _MOST_FAILURES
        lines[2 * _MOST_FAILURES:] = [f"and {more} more: see the report"]
    return lines


def faults(run: RunResults) -> list[str]:
    """A line for each thing wrong with the run itself, and for each target that was not there."""
    lines = [f"ERROR {fault.target}: {fault.message}" for target in run.targets for fault in target.faults]
    missed = {fault.message for target in run.targets for fault in target.faults}
    for target in run.targets:
        if target.unavailable and target.unavailable not in missed:
            lines.append(f"skipped {target.target}: {target.unavailable}")
    if not lines and not any(target.tests for target in run.targets):
        lines.append("ERROR no test was selected")
    return lines


def table(run: RunResults) -> list[str]:
    """Targets and their counts."""
    rows: list[Sequence[str]] = [("target", *_COLUMNS, "seconds")]
    for target in run.targets:
        if target.unavailable:
            rows.append((target.target, "unavailable"))
        else:
            counts = count_tests(target)
            rows.append((target.target, *(str(counts[name]) for name in _COLUMNS), f"{target.seconds:.2f}"))
    widths = [max(len(row[column]) for row in rows if column == 0 or len(row) > 2) for column in range(len(rows[0]))]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]


def one_line(run: TargetRun) -> str:
    """The counts of a target in words, leaving out the zeros."""
    counts = count_tests(run)
    parts = [f"{counts[name]} {name}" for name in _COLUMNS[1:] if counts[name]]
    return f"{run.target}: {counts['total']} tests: {', '.join(parts) or 'none'}, {run.seconds:.2f} s"


def closing(status: int) -> str:
    """The exit status in words."""
    return f"exit status {status}: {STATUS_IN_WORDS[status]}"


_ORDER = {"fail": 0, "fixed": 1, "error": 2}


def _explain_verdict(verdict: Verdict, catalogue: Catalogue) -> str:
    lines = [f"  {verdict.requirement}: {_WORDS[verdict.outcome]}"]
    if verdict.requirement in catalogue:
        row = catalogue[verdict.requirement]
        lines += [field("statement", row.statement), field("source", f"{row.source} ({row.level})")]
    for name in ("where", "row", "expression", "wanted", "got", "observed", "reason"):
        if text := getattr(verdict, name):
            lines.append(field(name, text))
    if verdict.outcome == "fixed" and verdict.deviation:
        lines.append(field("baseline", f"passes now, remove the deviation: {verdict.deviation.reason}"))
    return "\n".join(lines)
