"""The files that are made from a run's results."""

import json
from collections.abc import Callable
from pathlib import Path

from . import annotations, extras, junit, kcidb, ktap, store
from .catalogue import Catalogue
from .errors import IpckError
from .files import unwritable, write
from .kcidb import Submitter
from .notes import Notes
from .results import RunResults
from .summary import summarise

JOURNAL = "results.jsonl"
JUNIT = "junit.xml"
SUMMARY = "summary.json"
PAGE = "index.html"
OVERVIEW = "overview.html"
TARGETS = "targets.html"
FINDINGS = "findings.html"
NOTES = "notes.html"
KTAP = "ktap"
KCIDB = "kcidb.json"
GITHUB = "github.txt"
GITLAB = "gl-code-quality-report.json"
_OWN = (JUNIT, SUMMARY, PAGE, OVERVIEW, TARGETS, FINDINGS, NOTES, KCIDB, GITHUB, GITLAB)
_FILES = (*_OWN, *(extra.page for extra in extras.EXTRAS))


def journal(out: Path) -> Path:
    """Where the results go when the user says OUT: a folder, or results.jsonl alone by another name."""
    return out if _is_file(out) else out / JOURNAL


def stored(place: Path) -> Path:
    """The results that lie at PLACE: a file, or a folder with results.jsonl."""
    return place if place.is_file() else journal(place)


def clear(out: Path) -> None:
    """Remove the reports of an earlier run, so that nobody takes them for this run's; IpckError when they stay."""
    if _is_file(out):
        return
    for path in [*(out / name for name in _FILES), *(out / KTAP).glob("*.ktap")]:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(path, error) from None


def publish(
    run: RunResults, catalogue: Catalogue, out: Path, notes: Notes = Notes(), gate: Submitter | None = None
) -> list[IpckError]:
    """Write all reports into the folder OUT, with a GATE also what CI systems take; returns what was not written."""
    if not run.targets or _is_file(out):
        return []
    problems = []
    files: list[Callable[[], None]] = [
        lambda: write(out / JUNIT, junit.render(run, catalogue)),
        lambda: _ktap(run, out),
        lambda: _summary(run, catalogue, out),
        lambda: _pages(run, catalogue, notes, out),
    ]
    if gate:
        by = gate
        files += [
            lambda: write(out / KCIDB, json.dumps(kcidb.render(run, catalogue, by), indent=1) + "\n"),
            lambda: write(out / GITHUB, annotations.github(run)),
            lambda: write(out / GITLAB, annotations.gitlab(run)),
        ]
    for make in files:
        try:
            make()
        except IpckError as error:
            problems.append(error)
    return problems


def republish(out: Path, catalogue: Catalogue, notes: Notes = Notes()) -> None:
    """Make the pages again, with what other commands left in OUT; without results of a run, their pages alone."""
    _pages(store.load([journal(out)]) if journal(out).exists() else RunResults(), catalogue, notes, out)


def _is_file(out: Path) -> bool:
    return out.suffix == ".jsonl"


def _ktap(run: RunResults, out: Path) -> None:
    for target in run.targets:
        if not target.unavailable:
            write(out / KTAP / f"{target.target}.ktap", ktap.render(target))


def _summary(run: RunResults, catalogue: Catalogue, out: Path) -> None:
    write(out / SUMMARY, json.dumps(summarise(run, catalogue), indent=2) + "\n")


def _pages(run: RunResults, catalogue: Catalogue, notes: Notes, out: Path) -> None:
    try:
        from .findingspage import load  # not before: jinja2 takes a while to load, and judging does not need it
        from .report import write_report
    except ModuleNotFoundError as error:
        remedy = "apt-get install python3-jinja2"
        raise IpckError(f"{PAGE} cannot be made: the Python module {error.name} is missing: {remedy}") from None
    write_report(run, catalogue, out, notes, load(), extras.read(out))
