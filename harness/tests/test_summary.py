"""Counts, exit statuses, and what the terminal shows at the end."""

import pytest

from ipck import text
from ipck.catalogue import Catalogue, Interface, Requirement
from ipck.provenance import command, commit
from ipck.results import Deviation, Fault, Outcome, RunResults, TargetRun, TestResult, Verdict
from ipck.summary import count_tests, exit_status, requirement_state, summarise
from ipck.tree import ROOT
from stubs import CATALOGUE, ROWS

KNOWN_FAILURE = Deviation("sem.x", "semop.adds", "fail", "kernel bug", "commit", "6.1")
KNOWN_ERROR = Deviation("sem.x", "semop.adds", "error", "kernel bug", "commit", "6.1")


def one_test(
    outcome: Outcome, name: str = "", *verdicts: Verdict, target: str = "host-glibc", reason: str = ""
) -> TestResult:
    """A test with one verdict, or with VERDICTS."""
    rows = verdicts or (Verdict("semop.adds", outcome),)
    return TestResult(target, name or f"sem.{outcome}", outcome, outcome, "a.c", 3, verdicts=rows, reason=reason)


def run_of(*tests: TestResult, faults: tuple[Fault, ...] = ()) -> RunResults:
    """A run of one target."""
    return RunResults(targets=(TargetRun("host-glibc", tests=tests, faults=faults, seconds=1.23456),))


def test_summary_has_exactly_the_documented_shape() -> None:
    rows = (
        Requirement("semop.adds", "semop", "state", "linux", "s", "s"),
        Requirement("semop.eidrm", "semop", "state", "linux", "s", "s"),
        Requirement("semop.never", "semop", "state", "linux", "s", "s", untestable="no way"),
    )
    catalogue = Catalogue((Interface("semop", "semop()", rows), Interface("shmat", "shmat()", ())))
    skipped = one_test("skip", "sem.b", Verdict("semop.never", "skip"))
    run = run_of(one_test("pass"), skipped)
    absent = TargetRun("host-i386", unavailable="not built")
    assert summarise(RunResults(targets=(*run.targets, absent)), catalogue) == {
        "schema": 1,
        "targets": {
            "host-glibc": {
                "tests": {"total": 2, "passed": 1, "failed": 0, "errors": 0, "skipped": 1, "known": 0},
                "requirements": {"verified": 1, "failed": 0, "unsupported": 1},
                "seconds": 1.235,
            }
        },
        "unavailable": {"host-i386": "not built"},
        "differing": 0,
        "catalogue": {"total": 3, "testable": 2, "tested": 1, "untestable": 1, "untested": 1},
        "by_interface": {
            "semop": {"total": 3, "tested": 1, "untestable": 1},
            "shmat": {"total": 0, "tested": 0, "untestable": 0},
        },
    }


def test_requirements_that_targets_disagree_about_are_counted() -> None:
    deviation = Deviation("sem.a", "semop.adds", "fail", "r", "r", "s")
    known = Verdict("semop.adds", "known", deviation=deviation)
    holds, judged = Verdict("semop.adds", "pass"), Verdict("semop.eidrm", "pass")
    skipped = Verdict("semop.eidrm", "skip")
    a = TargetRun("a", tests=(one_test("pass", "sem.a", holds), one_test("pass", "sem.b", judged)))
    b = TargetRun("b", tests=(one_test("known", "sem.a", known), one_test("skip", "sem.b", skipped)))
    assert summarise(RunResults(targets=(a, b)), Catalogue())["differing"] == 1


def test_each_outcome_has_its_count() -> None:
    outcomes: list[Outcome] = ["pass", "fail", "fail", "fixed", "error", "skip", "known"]
    tests = tuple(one_test(outcome, f"sem.{number}") for number, outcome in enumerate(outcomes))
    fault = Fault("host-glibc", "torn line")
    assert count_tests(TargetRun("host-glibc", tests=tests, faults=(fault,))) == {
        "total": 8, "passed": 1, "failed": 3, "errors": 2, "skipped": 1, "known": 1
    }  # fmt: skip


@pytest.mark.parametrize(
    ("outcomes", "fault", "status"),
    [
        (["pass", "skip", "known"], False, 0),
        (["skip"], False, 0),
        (["pass", "fail"], False, 1),
        (["pass", "fixed"], False, 1),
        (["pass", "error"], False, 2),
        (["error", "fail"], False, 1),
        (["pass"], True, 2),
        (["fail"], True, 1),
        ([], False, 2),
        ([], True, 2),
    ],
)
def test_exit_status(outcomes: list[Outcome], fault: bool, status: int) -> None:
    tests = tuple(one_test(outcome) for outcome in outcomes)
    assert exit_status(run_of(*tests, faults=(Fault("host-glibc", "x"),) if fault else ())) == status


def test_one_bad_target_among_good_ones_counts() -> None:
    good = TargetRun("host-musl", tests=(one_test("pass"),))
    assert exit_status(RunResults(targets=(good, *run_of(one_test("fail")).targets, good))) == 1
    assert exit_status(RunResults(targets=(good, TargetRun("host-i386", unavailable="not built")))) == 0


@pytest.mark.parametrize(
    ("verdicts", "state"),
    [
        ([Verdict("a", "pass"), Verdict("a", "skip")], "verified"),
        ([Verdict("a", "pass"), Verdict("a", "fail")], "failed"),
        ([Verdict("a", "error"), Verdict("a", "pass")], "undecided"),
        ([Verdict("a", "error"), Verdict("a", "fail")], "failed"),
        ([Verdict("a", "skip")], "unsupported"),
        ([Verdict("a", "known", deviation=KNOWN_FAILURE), Verdict("a", "pass")], "failed"),
        ([Verdict("a", "known", deviation=KNOWN_ERROR), Verdict("a", "pass")], "undecided"),
        ([Verdict("a", "fixed", deviation=KNOWN_FAILURE)], "verified"),
    ],
)
def test_what_all_tests_together_say_of_a_requirement(verdicts: list[Verdict], state: str) -> None:
    assert requirement_state(verdicts) == state


def test_failure_is_explained_in_full() -> None:
    verdict = Verdict("semop.adds", "fail", "fail", 3, "a.c:7", "semop(id, &op, 1)", "-1 EIDRM", "0", "row two")
    (paragraph,) = text.failures(run_of(one_test("fail", "sem.a", verdict)), CATALOGUE)
    assert paragraph == (
        "FAIL sem.a  (a.c:3)\n"
        "  on host-glibc\n"
        "  semop.adds: FAIL\n"
        "    statement:   Statement of semop.adds\n"
        "    source:      ipc/sem.c (linux)\n"
        "    where:       a.c:7\n"
        "    row:         row two\n"
        "    expression:  semop(id, &op, 1)\n"
        "    wanted:      -1 EIDRM\n"
        "    got:         0"
    )


def test_same_failure_on_several_targets_is_told_once() -> None:
    targets = [
        TargetRun(name, tests=(one_test("fail", "sem.a", Verdict("semop.adds", "fail", got=got), target=name),))
        for name, got in (("host-glibc", "1"), ("host-musl", "1"), ("host-i386", "2"))
    ]
    first, second = text.failures(RunResults(targets=tuple(targets)), CATALOGUE)
    assert "on host-glibc, host-musl\n" in first and "on host-i386\n" in second


def test_failures_come_before_errors_and_only_red_is_told() -> None:
    outcomes: list[Outcome] = ["pass", "error", "known", "skip", "fixed", "fail"]
    tests = [one_test(outcome) for outcome in outcomes]
    heads = [paragraph.split()[0] for paragraph in text.failures(run_of(*tests), CATALOGUE)]
    assert heads == ["FAIL", "FIXED", "ERROR"]


def test_hung_test_shows_the_state_of_its_processes() -> None:
    verdict = Verdict("semop.adds", "error", "missing", reason="no verdict")
    (paragraph,) = text.failures(run_of(one_test("error", "sem.a", verdict, reason="timeout\npid 3: S")), CATALOGUE)
    assert "reason:      no verdict\n    error:       timeout\n                 pid 3: S" in paragraph


def test_lost_test_names_its_requirements_once() -> None:
    verdicts = tuple(Verdict(name, "error", "missing", reason="killed") for name in ROWS[:2])
    test = TestResult("host-glibc", "sem.a", "error", "lost", reason="killed", verdicts=verdicts)
    (paragraph,) = text.failures(run_of(test), CATALOGUE)
    assert paragraph == (
        "ERROR sem.a\n  on host-glibc\n  no verdict about semop.adds, semop.eidrm\n    reason:      killed"
    )


def test_many_failures_are_cut() -> None:
    tests = [one_test("fail", f"sem.t{number}") for number in range(100)]
    paragraphs = text.failures(run_of(*tests), CATALOGUE)
    assert len(paragraphs) == 31 and paragraphs[-1] == "and 70 more: see the report"


def test_fixed_deviation_says_what_to_remove() -> None:
    verdict = Verdict("semop.adds", "fixed", deviation=KNOWN_FAILURE)
    (paragraph,) = text.failures(run_of(one_test("fixed", "sem.a", verdict)), CATALOGUE)
    assert "baseline:    passes now, remove the deviation: kernel bug" in paragraph


def test_table_of_targets() -> None:
    absent = TargetRun("host-glibc-static", unavailable="not built")
    lines = text.table(RunResults(targets=(*run_of(one_test("pass"), one_test("known")).targets, absent)))
    assert [line.rstrip() for line in lines] == [
        "target             total  passed  failed  errors  skipped  known  seconds",
        "host-glibc             2       1       0       0        0      1     1.23",
        "host-glibc-static  unavailable",
    ]
    assert text.table(RunResults(targets=(absent,)))[1].rstrip() == "host-glibc-static  unavailable"


def test_faults_and_absent_targets_are_told() -> None:
    absent = TargetRun("host-i386", unavailable="not built")
    missed = TargetRun("host-musl", unavailable="gone", faults=(Fault("host-musl", "gone"),))
    run = RunResults(targets=(*run_of(one_test("pass"), faults=(Fault("host-glibc", "torn"),)).targets, absent, missed))
    assert text.faults(run) == ["ERROR host-glibc: torn", "ERROR host-musl: gone", "skipped host-i386: not built"]


def test_run_without_tests_says_so() -> None:
    assert text.faults(RunResults()) == ["ERROR no test was selected"]


def test_one_line_leaves_out_zeros() -> None:
    (run,) = run_of(one_test("pass"), one_test("fail")).targets
    assert text.one_line(run) == "host-glibc: 2 tests: 1 passed, 1 failed, 1.23 s"


def test_command_is_told_as_it_was_typed() -> None:
    assert command(["/x/ipck/__main__.py", "run", "-k", "a or b"]) == "ipck run -k 'a or b'"
    assert command(["/usr/bin/pytest", "harness/suite"]) == "pytest harness/suite"


def test_commit_of_a_tree_that_is_none() -> None:
    assert commit(ROOT / "no such tree") == ""


def test_rows_of_the_small_catalogue() -> None:
    assert set(ROWS) == {row.id for row in CATALOGUE}
