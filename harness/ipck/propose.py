"""`ipck baseline --propose`: drafts of baseline entries. What only a person can say is left empty, and refused so."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from . import text
from .results import TargetRun, Verdict
from .targets import without_variant


@dataclass(frozen=True, slots=True)
class _Cause:
    """What failures have in common, as far as results tell."""

    requirement: str
    expression: str
    wanted: str
    got: str


def propose(run: TargetRun, listed: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Lines of TOML: an entry for each failure of RUN that is not listed, and remarks about what else is to be done.

    LISTED says of the entries of the baseline where they stand, by test and requirement.
    """
    failed = list(_unlisted(run))
    gone = {key: listed.get(key, "the entry") for key in _passing(run)}
    undecided = sum(verdict.outcome == "error" for test in run.tests for verdict in test.verdicts)
    if not failed and not gone:
        yield f"# {run.target}: nothing to propose: each failure is listed, and each listed deviation is there."
    for (name, requirement), where in gone.items():
        yield _remark(f"Remove {where}: {name} passes {requirement} now. Where others inherit it, look at them first.")
    causes: dict[_Cause, list[tuple[str, Verdict]]] = {}
    for name, verdict in failed:
        cause = _Cause(verdict.requirement, verdict.expression, verdict.wanted, verdict.got)
        causes.setdefault(cause, []).append((name, verdict))
    seen = ", ".join(filter(None, (run.info.kernel, run.info.libc))) or run.description
    for entries in causes.values():
        yield ""
        yield _remark(text.brief_verdict(entries[0][1]))
        yield _remark(f"at {', '.join(dict.fromkeys(verdict.where for _, verdict in entries))}; seen on {seen}")
        for number, (name, verdict) in enumerate(entries):
            yield from [""] * bool(number)
            yield "[[deviation]]"
            yield f"test = {_quoted(name)}"
            yield f"requirement = {_quoted(verdict.requirement)}"
            yield 'verdict = "fail"'
            yield 'reason = ""'
            yield 'reference = ""'
            yield 'since = ""'
    if undecided:
        yield f"# {undecided} verdicts could not be decided: find out why before anything is listed."


def _unlisted(run: TargetRun) -> Iterator[tuple[str, Verdict]]:
    """Failures without an entry, each under the name that fits: without the variant where all variants fail alike."""
    verdicts: dict[tuple[str, str], dict[str, Verdict]] = {}
    for test in run.tests:
        for verdict in test.verdicts:
            verdicts.setdefault((without_variant(test.test), verdict.requirement), {})[test.test] = verdict
    for (stem, _), found in verdicts.items():
        failed = {name: verdict for name, verdict in found.items() if verdict.outcome == "fail"}
        if failed and len(failed) == len(found):
            yield stem, next(iter(failed.values()))
        else:
            yield from failed.items()


def _passing(run: TargetRun) -> Iterator[tuple[str, str]]:
    """The keys of entries that are there no more reason for."""
    for test in run.tests:
        for verdict in test.verdicts:
            if verdict.outcome == "fixed" and verdict.deviation:
                yield verdict.deviation.test, verdict.deviation.requirement


def _remark(said: str) -> str:
    return f"# {' '.join(said.split())}"


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
