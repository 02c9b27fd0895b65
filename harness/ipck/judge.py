"""From what a program said to what it means: missing verdicts, known deviations, the outcome of a test."""

from dataclasses import replace

from .baseline import Baseline
from .results import NO_RESULT, Fault, Outcome, TargetRun, TestResult, Verdict, worst
from .targets import Test

_SILENT = "the test declares it and gave no verdict"


def judge(result: TestResult, test: Test, baseline: Baseline) -> TestResult:
    """RESULT as the harness sees it: nothing declared goes missing, and known deviations are told from new ones."""
    verdicts = result.verdicts
    given = {verdict.requirement for verdict in verdicts}
    verdicts += tuple(_missing(name, _SILENT) for name in test.requirements if name not in given)
    if baseline.deviations:
        verdicts = tuple(_compare(verdict, result, baseline) for verdict in verdicts)
    outcome, why = _outcome(result, verdicts)
    if verdicts == result.verdicts and outcome == result.outcome:
        return result
    return replace(result, verdicts=verdicts, outcome=outcome, reason=result.reason or why)


def lost(target: str, test: Test, reason: str, output: str = "", status: str = "lost") -> TestResult:
    """The result of a test that gave none; OUTPUT is the last that was heard of its program or kernel."""
    verdicts = tuple(_missing(name, reason) for name in test.requirements)
    return TestResult(
        target, test.id, "error", status, test.file, test.line, reason=reason, output=output, verdicts=verdicts
    )


def undecided(run: TargetRun) -> Fault | None:
    """A fault when nothing could be judged: without namespaces of their own, tests would work on the host's objects."""
    _, none, reason = run.info.isolation.partition("none: ")
    if not none:
        return None
    remedy = "run as root, or allow user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone)"
    return Fault(run.target, f"no test could run, for want of private namespaces ({reason}): {remedy}")


def _missing(requirement: str, reason: str) -> Verdict:
    return Verdict(requirement, "error", "missing", reason=reason)


def excused(result: TestResult) -> bool:
    """Whether the judged RESULT is that of a test of which it is known that the target does not get over it."""
    return result.status == "crashed" and result.outcome == "known"


def _compare(verdict: Verdict, result: TestResult, baseline: Baseline) -> Verdict:
    deviation = baseline.find(result.test, verdict.requirement)
    if not deviation:
        return verdict
    if deviation.verdict == ("crash" if result.status == "crashed" else verdict.outcome):
        return replace(verdict, outcome="known", deviation=deviation)
    if verdict.outcome == "pass" and not deviation.intermittent:
        return replace(verdict, outcome="fixed", deviation=deviation)
    return verdict


def _outcome(result: TestResult, verdicts: tuple[Verdict, ...]) -> tuple[Outcome, str]:
    """The test's outcome, and why it is an error when no verdict tells."""
    outcome = worst([verdict.outcome for verdict in verdicts])
    said = {verdict.verdict for verdict in verdicts}
    undecided = bool(said & {"unresolved", "missing"})
    if not verdicts:
        return "error", "the test verifies no requirement"
    if result.status in {"error", "timeout", *NO_RESULT} and not undecided and outcome not in ("fail", "fixed"):
        return "error", f"the program calls the test {result.status}"
    if result.status == "fail" and "fail" not in said:
        return "error", "the program calls the test failed, but no verdict is"
    return outcome, ""
