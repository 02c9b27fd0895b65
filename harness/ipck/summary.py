"""What a run comes to: counts for machines (summary.json), and the exit status."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

from .catalogue import Catalogue
from .results import Outcome, RunResults, TargetRun, Verdict

SCHEMA = 1

State = Literal["verified", "failed", "undecided", "unsupported"]


def requirement_state(verdicts: Iterable[Verdict]) -> State:
    """What the verdicts of all tests about one requirement say of one target.

    `failed` also when the failure is a known deviation; `unsupported` when every test was skipped.
    """
    truths = {truth(verdict) for verdict in verdicts}
    if "fail" in truths:
        return "failed"
    if "error" in truths:
        return "undecided"
    return "verified" if "pass" in truths else "unsupported"


def truth(verdict: Verdict) -> str:
    """What the verdict says of the implementation, whatever the baseline expects."""
    if verdict.outcome == "known":
        return verdict.deviation.verdict if verdict.deviation else "fail"
    return "pass" if verdict.outcome == "fixed" else verdict.outcome


def by_requirement(run: TargetRun) -> dict[str, list[Verdict]]:
    """The verdicts of a target by requirement."""
    verdicts: dict[str, list[Verdict]] = {}
    for test in run.tests:
        for verdict in test.verdicts:
            verdicts.setdefault(verdict.requirement, []).append(verdict)
    return verdicts


def summarise(run: RunResults, catalogue: Catalogue) -> dict[str, Any]:
    """The content of summary.json, schema 1.

    targets NAME tests: every test stands in one of passed, failed (deviations that pass now included), errors, skipped
    and known. A fault of the run that belongs to no test (an unreadable line, a program that died) counts in errors
    and total as well, so that the counts are never green when the run was not.
    targets NAME requirements: those with a verdict on that target, each in one of verified, failed and unsupported
    unless it could not be decided.
    unavailable: the targets that could not run, and why. differing: requirements that hold on one target and fail on
    another, known deviations included.
    catalogue: tested are the testable rows with a verdict of any kind on any target of this run.
    """
    states: dict[str, set[State]] = {}
    for target in run.targets:
        for name, verdicts in by_requirement(target).items():
            states.setdefault(name, set()).add(requirement_state(verdicts))
    tested = {row.id for row in catalogue if row.id in states and not row.untestable}
    untestable = sum(1 for row in catalogue if row.untestable)
    testable = len(catalogue) - untestable
    return {
        "schema": SCHEMA,
        "targets": {target.target: _target(target) for target in run.targets if not target.unavailable},
        "unavailable": {target.target: target.unavailable for target in run.targets if target.unavailable},
        "differing": sum(1 for seen in states.values() if {"verified", "failed"} <= seen),
        "catalogue": {
            "total": len(catalogue),
            "testable": testable,
            "tested": len(tested),
            "untestable": untestable,
            "untested": testable - len(tested),
        },
        "by_interface": {
            interface.name: {
                "total": len(interface.requirements),
                "tested": sum(1 for row in interface.requirements if row.id in tested),
                "untestable": sum(1 for row in interface.requirements if row.untestable),
            }
            for interface in catalogue.interfaces
        },
    }


def count_tests(run: TargetRun) -> dict[str, int]:
    """total, passed, failed, errors, skipped, known of a target."""
    outcomes: Counter[Outcome] = Counter(test.outcome for test in run.tests)
    return {
        "total": len(run.tests) + len(run.faults),
        "passed": outcomes["pass"],
        "failed": outcomes["fail"] + outcomes["fixed"],
        "errors": outcomes["error"] + len(run.faults),
        "skipped": outcomes["skip"],
        "known": outcomes["known"],
    }


def exit_status(run: RunResults) -> int:
    """0 all as expected, 1 a conformance failure, 2 the suite could not decide."""
    counts = [count_tests(target) for target in run.targets]
    if any(count["failed"] for count in counts):
        return 1
    return 2 if any(count["errors"] for count in counts) or not any(count["total"] for count in counts) else 0


STATUS_IN_WORDS = {
    0: "all as expected",
    1: "a requirement is not met as expected",
    2: "the suite could not decide",
}


def _target(run: TargetRun) -> dict[str, Any]:
    states: Counter[str] = Counter(requirement_state(verdicts) for verdicts in by_requirement(run).values())
    return {
        "tests": count_tests(run),
        "requirements": {state: states[state] for state in ("verified", "failed", "unsupported")},
        "seconds": round(run.seconds, 3),
    }
