"""`ipck compare`: what changed between two runs, and where two targets differ."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ipck import store
from ipck.results import Deviation, Fault, Outcome, RunResults, TargetRun, TestResult, Verdict
from stubs import World, short

DEVIATION = Deviation("sem.a", "semop.eidrm", "fail", "kernel bug", "commit", "6.1")
FAILED = Verdict("semop.eidrm", "fail", "fail", where="a.c:7", expression="f()", wanted="-1 EIDRM", got="0")
PASSED = Verdict("semop.eidrm", "pass", "pass")
SKIPPED = Verdict("semop.eidrm", "skip", "skip", reason="no root")
UNDECIDED = Verdict("semop.eidrm", "error", "unresolved", reason="set-up failed\nfor long")
KNOWN = replace(FAILED, outcome="known", deviation=DEVIATION)


def case(*verdicts: Verdict, name: str = "sysv.sem.semop.waits.libc", outcome: Outcome = "pass") -> TestResult:
    """A test that came to VERDICTS."""
    return TestResult("host-glibc", name, outcome, "pass", "semop.c", 9, verdicts=verdicts)


def ran(name: str, *tests: TestResult, target: str = "host-glibc", faults: tuple[str, ...] = ()) -> TargetRun:
    """A target that ran TESTS."""
    own = tuple(replace(test, target=target) for test in tests)
    return TargetRun(target, name, tests=own, faults=tuple(Fault(target, fault) for fault in faults))


def compared(world: World, a: TargetRun | RunResults, b: TargetRun | RunResults, *options: str) -> tuple[int, str]:
    """What `ipck compare a.jsonl b.jsonl` says, without the head."""
    for name, run in (("a", a), ("b", b)):
        run = run if isinstance(run, RunResults) else RunResults(targets=(run,))
        store.save(run, world.root / f"{name}.jsonl")
    done = world.ipck("compare", f"{world.root}/a.jsonl", f"{world.root}/b.jsonl", *options)
    assert not done.stderr
    return done.returncode, done.stdout.partition("\n\n")[2] or done.stdout


@pytest.mark.parametrize(
    ("before", "after", "words", "a", "b"),
    [
        (PASSED, FAILED, "new failure", "pass", "fail at a.c:7: f(): wanted -1 EIDRM, got 0"),
        (FAILED, PASSED, "fixed", "fail at a.c:7: f(): wanted -1 EIDRM, got 0", "pass"),
        (KNOWN, replace(PASSED, outcome="fixed"), "fixed", "known at a.c:7: f(): wanted -1 EIDRM, got 0", "fixed"),
        (SKIPPED, FAILED, "new failure", "skip: no root", "fail at a.c:7: f(): wanted -1 EIDRM, got 0"),
        (UNDECIDED, KNOWN, "new failure", "error: set-up failed", "known at a.c:7: f(): wanted -1 EIDRM, got 0"),
        (PASSED, UNDECIDED, "newly undecided", "pass", "error: set-up failed"),
        (UNDECIDED, SKIPPED, "decided now", "error: set-up failed", "skip: no root"),
        (PASSED, SKIPPED, "newly unsupported", "pass", "skip: no root"),
        (SKIPPED, PASSED, "supported now", "skip: no root", "pass"),
        (
            FAILED,
            replace(FAILED, got="-1 EINVAL"),
            "fails in another way",
            "fail at a.c:7: f(): wanted -1 EIDRM, got 0",
            "fail at a.c:7: f(): wanted -1 EIDRM, got -1 EINVAL",
        ),
        (
            replace(PASSED, observed="31999"),
            replace(PASSED, observed="32000"),
            "observed value differs",
            "pass, observed 31999",
            "pass, observed 32000",
        ),
        (
            FAILED,
            KNOWN,
            "listed as known now",
            "fail at a.c:7: f(): wanted -1 EIDRM, got 0",
            "known at a.c:7: f(): wanted -1 EIDRM, got 0",
        ),
        (
            KNOWN,
            FAILED,
            "no longer listed as known",
            "known at a.c:7: f(): wanted -1 EIDRM, got 0",
            "fail at a.c:7: f(): wanted -1 EIDRM, got 0",
        ),
    ],
    ids=short,
)
def test_each_change_has_its_words(
    before: Verdict, after: Verdict, words: str, a: str, b: str, world: World
) -> None:
    status, said = compared(world, ran("", case(before)), ran("", case(after)))
    assert status == 1
    assert said == (
        f"{words}: semop.eidrm\n"
        "    test:        sysv.sem.semop.waits (host-glibc libc)\n"
        "    statement:   Statement of semop.eidrm\n"
        "    source:      ipc/sem.c (linux)\n"
        f"    A:           {a}\n"
        f"    B:           {b}\n"
        f"\n{words}: 1; alike: 0\n"
    )


def test_same_runs_are_the_same(world: World) -> None:
    run = ran("", case(FAILED, replace(PASSED, requirement="semop.eintr")))
    moved = replace(FAILED, where="a.c:8", checks=3)
    other = ran("", replace(case(moved, replace(PASSED, requirement="semop.eintr")), line=10, seconds=3.0))
    assert compared(world, run, other) == (0, "no difference; alike: 2\n")
    (world.root / "a").mkdir()
    store.save(RunResults(targets=(run,)), world.root / "a/results.jsonl")
    assert world.ipck("compare", f"{world.root}/a", f"{world.root}/b.jsonl").returncode == 0


def test_reason_of_a_skipped_or_undecided_test_may_differ(world: World) -> None:
    for verdict in (SKIPPED, UNDECIDED):
        other = replace(verdict, reason="process 17 is stuck")
        assert compared(world, ran("", case(verdict)), ran("", case(other)))[0] == 0


def test_alike_changes_are_told_once_the_worst_first(world: World) -> None:
    names = [f"sysv.sem.semop.waits.{variant}" for variant in ("libc", "raw")]
    fine = replace(PASSED, requirement="semop.adds", observed="1")
    before = [case(PASSED, fine, name=name) for name in names]
    after = [case(FAILED, replace(fine, observed="2"), name=name) for name in names]
    targets = ("host-glibc", "host-musl")
    a, b = (tuple(ran("", *tests, target=target) for target in targets) for tests in (before, after))
    status, said = compared(world, RunResults(targets=a), RunResults(targets=b))
    assert status == 1 and said.count("new failure: semop") == 1
    places = "(host-glibc libc, host-glibc raw, host-musl libc, host-musl raw)"
    assert said.startswith(f"new failure: semop.eidrm\n    test:        sysv.sem.semop.waits {places}\n")
    assert said.index("new failure: ") < said.index("observed value differs: ")
    assert said.endswith("\nnew failure: 4; observed value differs: 4; alike: 0\n")


def test_what_only_one_run_has(world: World) -> None:
    common = case(replace(PASSED, requirement="semop.adds"), name="sem.b")
    fault = "line 3 of the output is not JSON"
    before = RunResults(targets=(ran("", common, case(PASSED)), ran("", common, target="host-musl")))
    after = RunResults(targets=(ran("", common, faults=(fault,)), ran("", common, target="host-i386")))
    assert compared(world, after, after)[0] == 0
    status, said = compared(world, before, after)
    assert status == 1
    assert "only in A: semop.eidrm\n" in said and "A:           pass\n    B:           no verdict\n" in said
    for message in ("only in A: target host-musl", "only in B: target host-i386", f"only in B: host-glibc: {fault}"):
        assert f"{message}\n" in said
    assert said.endswith("\nonly in A: 1; other differences: 3; alike: 1\n")


def test_test_that_went_wrong_apart_from_its_verdicts(world: World) -> None:
    odd = replace(case(PASSED, outcome="error"), reason="the program calls the test timeout")
    status, said = compared(world, ran("", case(PASSED)), ran("", odd))
    assert status == 1 and "only in B: sysv.sem.semop.waits\n" in said and "error: the program calls the test" in said


def test_two_targets_of_one_run(world: World) -> None:
    tool = case(replace(PASSED, requirement="semop.adds"), name="tools.ipcs")
    glibc = ran("", case(KNOWN), tool)
    musl = ran("", case(PASSED), target="host-musl")
    store.save(RunResults(targets=(glibc, musl)), world.root / "results.jsonl")
    done = world.ipck("compare", f"{world.root}:host-glibc", ":host-musl")
    assert done.returncode == 1
    assert "fails on A only: semop.eidrm\n    test:        sysv.sem.semop.waits (libc)\n" in done.stdout
    assert f"A: {world.root}/results.jsonl:host-glibc\nB: {world.root}/results.jsonl:host-musl\n" in done.stdout
    assert done.stdout.endswith("\nfails on A only: 1; alike: 0; tests for one of these targets only: 1\n")


def test_baseline_of_another_target_is_no_difference(world: World) -> None:
    glibc, musl = ran("", case(KNOWN)), ran("", case(FAILED), target="host-musl")
    assert compared(world, glibc, musl)[0] == 0


def test_json(world: World) -> None:
    status, said = compared(world, ran("", case(PASSED)), ran("", case(FAILED)), "--json")
    assert status == 1
    data = json.loads(said)
    assert data.pop("differences") == [
        {
            "kind": "new-failure",
            "requirement": "semop.eidrm",
            "statement": "Statement of semop.eidrm",
            "source": "ipc/sem.c",
            "test": "sysv.sem.semop.waits",
            "places": ["host-glibc libc"],
            "a": {"outcome": "pass"},
            "b": {"outcome": "fail", "where": "a.c:7", "expression": "f()", "wanted": "-1 EIDRM", "got": "0"},
        }
    ]
    places = {side: f"{world.root}/{side}.jsonl" for side in "ab"}
    assert data == {"schema": 1, **places, "same": False, "alike": 0, "messages": []}


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ("none", "two", "none/results.jsonl: cannot be read: No such file or directory"),
        ("two:host-vax", "two", "has no results of host-vax; it has those of: host-glibc, host-musl"),
        ("one", "i386", ""),
        ("two", "i386", "no target is in both: {root}/two.jsonl has host-glibc, host-musl, {root}/i386.jsonl has host"),
        ("two:host-musl", "two", "which target of {root}/two.jsonl is meant? It has host-glibc, host-musl: RESULTS:T"),
        ("text", "two", "text.jsonl:1: is not JSON"),
    ],
    ids=short,
)
def test_what_cannot_be_compared(a: str, b: str, message: str, world: World) -> None:
    glibc = ran("", case(PASSED))
    musl, i386 = (ran("", case(PASSED), target=name) for name in ("host-musl", "host-i386"))
    for name, targets in {"one": (glibc,), "two": (glibc, musl), "i386": (i386,)}.items():
        store.save(RunResults(targets=targets), world.root / f"{name}.jsonl")
    (world.root / "text.jsonl").write_text("hello\n")
    sides = []
    for side in (a, b):
        stem, colon, target = side.partition(":")
        path = world.root / f"{stem}.jsonl"
        sides.append(f"{path if path.exists() else Path(world.root, stem)}{colon}{target}")
    done = world.ipck("compare", *sides)
    assert done.returncode == (2 if message else 0), done.stdout
    assert message.format(root=world.root) in done.stderr and done.stderr.count("\n") == bool(message)
