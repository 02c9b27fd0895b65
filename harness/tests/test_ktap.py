"""KTAP: written, read back, torn and hostile."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from ipck import ktap
from ipck.baseline import Baseline
from ipck.errors import IpckError
from ipck.results import Deviation, Fault, RunInfo, TargetRun, TestResult, Verdict
from stubs import CATALOGUE, World, short

DEVIATION = Deviation("sem.b", "semop.eidrm", "fail", "kernel bug #1", "commit", "Linux 6")
RUN = TargetRun(
    "host-glibc",
    info=RunInfo(libc="glibc 2.36", kernel="Linux 6.1", machine="x86_64"),
    tests=(
        TestResult(
            "host-glibc",
            "sem.a.libc",
            "pass",
            "pass",
            output="not shown",
            verdicts=(
                Verdict("semop.adds", "pass", "pass"),
                Verdict("semop.eintr", "pass", "pass", observed="64\nof #"),
            ),
        ),
        TestResult(
            "host-glibc",
            "sem.b",
            "fail",
            "fail",
            output="two\nok 1 lines",
            verdicts=(
                Verdict("semop.eidrm", "fail", "fail", 1, "a.c:3", "f(a, #b)", "-1 EIDRM", "0", "of #2"),
                Verdict("semop.eintr", "error", "unresolved", reason="fork: EAGAIN\nagain"),
            ),
        ),
        TestResult(
            "host-glibc",
            "sem.c",
            "skip",
            "skip",
            reason="no root",
            verdicts=(Verdict("semget.new", "skip", "skip", reason="no root"),),
        ),
        TestResult(
            "host-glibc",
            "sem.d",
            "error",
            "timeout",
            reason="pid 3: S",
            verdicts=(Verdict("semget.new", "error", "missing"),),
        ),
        TestResult(
            "host-glibc",
            "sem.e",
            "known",
            "fail",
            verdicts=(Verdict("semop.eidrm", "known", "fail", deviation=DEVIATION),),
        ),
        TestResult(
            "host-glibc",
            "sem.f",
            "fixed",
            "pass",
            verdicts=(Verdict("semop.eidrm", "fixed", "pass", deviation=DEVIATION),),
        ),
    ),
    faults=(Fault("host-glibc", "line 3\nis torn", 3),),
)
TEXT = r"""KTAP version 1
# host-glibc: glibc 2.36, Linux 6.1 x86_64
1..6
  KTAP version 1
  # Subtest: sem.a.libc
  1..2
  ok 1 semop.adds
  ok 2 semop.eintr # observed: 64 | of \#
ok 1 sem.a.libc
  KTAP version 1
  # Subtest: sem.b
  1..2
  not ok 1 semop.eidrm # a.c:3 [of \#2] f(a, \#b): want -1 EIDRM, got 0
  not ok 2 semop.eintr # ERROR fork: EAGAIN | again
  # two
  # ok 1 lines
not ok 2 sem.b
  KTAP version 1
  # Subtest: sem.c
  1..1
  ok 1 semget.new # SKIP no root
ok 3 sem.c # SKIP no root
  KTAP version 1
  # Subtest: sem.d
  1..1
  not ok 1 semget.new # TIMEOUT
  # pid 3: S
not ok 4 sem.d # TIMEOUT
  KTAP version 1
  # Subtest: sem.e
  1..1
  ok 1 semop.eidrm # XFAIL kernel bug \#1
ok 5 sem.e # XFAIL
  KTAP version 1
  # Subtest: sem.f
  1..1
  not ok 1 semop.eidrm # passes now: remove it from the baseline
not ok 6 sem.f
# fault: line 3 | is torn
"""
SMALL = TEXT[: TEXT.index("not ok 2 sem.b") + len("not ok 2 sem.b\n")].replace("1..6", "1..2")


def parse(folder: Path, text: str | bytes, known: Baseline = Baseline()) -> TargetRun:
    """What a log holds."""
    path = folder / "log.ktap"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return ktap.parse(path, "host-x", CATALOGUE, known)


def faults(run: TargetRun) -> list[str]:
    """The faults without the name of the folder."""
    return [f"log.ktap{fault.message.partition('log.ktap')[2]}" for fault in run.faults]


def test_results_are_written_as_nested_ktap() -> None:
    assert ktap.render(RUN) == TEXT


def test_log_is_read_back(tmp_path: Path) -> None:
    run = parse(tmp_path, TEXT, Baseline({("sem.e", "semop.eidrm"): DEVIATION}))
    assert not run.faults and run.complete
    assert [(test.test, test.outcome, test.status) for test in run.tests] == [
        ("sem.a.libc", "pass", "pass"),
        ("sem.b", "fail", "fail"),
        ("sem.c", "skip", "skip"),
        ("sem.d", "error", "timeout"),
        ("sem.e", "known", "fail"),
        ("sem.f", "fail", "fail"),
    ]
    failed, undecided = run.tests[1].verdicts
    assert failed == replace(RUN.tests[1].verdicts[0], checks=0)
    assert (undecided.outcome, undecided.reason) == ("error", "fork: EAGAIN | again")
    assert run.tests[1].reason == "two\nok 1 lines" and run.tests[3].reason == "pid 3: S"
    assert run.tests[2].verdicts[0].reason == "no root"
    assert run.tests[0].verdicts[1].observed == "64 | of #"


def test_expected_failure_that_no_baseline_lists_is_a_failure(tmp_path: Path) -> None:
    assert parse(tmp_path, TEXT).tests[4].outcome == "fail"


def test_head_of_a_program_is_understood(tmp_path: Path) -> None:
    head = "# musl: musl 1.2.3, Linux 6.18 x86_64, user 0, isolation: none: EPERM\n# seed 77\n"
    info = parse(tmp_path, SMALL.replace("1..2\n  KTAP", f"{head}1..2\n  KTAP", 1)).info
    assert (info.flavour, info.libc, info.kernel, info.machine) == ("musl", "musl 1.2.3", "Linux 6.18", "x86_64")
    assert (info.uid, info.isolation, info.seed) == (0, "none: EPERM", 77)


def test_kernel_messages_and_carriage_returns_are_no_harm(tmp_path: Path) -> None:
    text = SMALL.replace("ok 1 sem.a", "[    1.2] usb 1-1: new device\nok 1 sem.a")
    assert not parse(tmp_path, text.replace("\n", "\r\n")).faults
    assert not parse(tmp_path, "booting\n\n" + text).faults


def test_dash_before_the_name_is_fine(tmp_path: Path) -> None:
    run = parse(tmp_path, SMALL.replace("ok 1 sem", "ok 1 - sem"))
    assert not run.faults and run.tests[0].test == "sem.a.libc"


def without(line: str) -> str:
    """The small log without the first occurrence of a line."""
    assert f"{line}\n" in SMALL
    return SMALL.replace(f"{line}\n", "", 1)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (
            SMALL[:-1],
            ["log.ktap:17: the last line is cut short", "log.ktap:17: the results of sem.b are cut short", None],
        ),
        (
            SMALL[: SMALL.index("  not ok 2")],
            ["log.ktap:13: the results of sem.b are cut short", "log.ktap:13: the log is cut short: 1 of 2 tests"],
        ),
        (SMALL.replace("1..2\n  K", "1..3\n  K", 1), ["log.ktap:17: the log is cut short: 2 of 3 tests"]),
        (SMALL.replace("1..2\n  K", "1..1\n  K", 1), ["log.ktap:17: is a result beyond the plan", None]),
        (without("1..2"), ["log.ktap:8: is a result beyond the plan", None, None]),
        (without("  1..2"), ["log.ktap:6: is a result beyond the plan", None, None]),
        (without("  ok 1 semop.adds"), ["log.ktap:7: has the number 2, expected 1"]),
        (SMALL.replace("not ok 2 sem.b", "not ok 3 sem.b"), ["log.ktap:17: has the number 3, expected 2", None, None]),
        (
            SMALL.replace("ok 2 semop.eintr", "ok 2 semop.gone"),
            ["log.ktap:8: names the unknown requirement 'semop.gone'"],
        ),
        (SMALL.replace("ok 2 semop.eintr", "ok 2 semop.adds"), ["log.ktap:8: judges semop.adds a second time"]),
        (SMALL.replace("2 sem.b", "2 sem.a.libc"), ["log.ktap:17: is a second result of sem.a.libc"]),
        (
            SMALL.replace("Subtest: sem.b", "Subtest: sem.x"),
            ["log.ktap:17: is the result of sem.b, but its requirements stand under sem.x"],
        ),
        (
            SMALL.replace("not ok 2 sem.b", "ok 2 sem.b"),
            ["log.ktap:17: calls sem.b ok, but not all of its requirements are"],
        ),
        (
            SMALL.replace("\nok 1 sem.a", "\n ok 1 sem.a"),
            ["log.ktap:9: is indented by 1 characters, which must be 0 or 2 spaces"],
        ),
        (
            SMALL.replace("\n  ok 1", "\n\tok 1"),
            ["log.ktap:7: is indented by 1 characters, which must be 0 or 2 spaces"],
        ),
        (
            SMALL.replace("\n  ok 1", "\n    ok 1"),
            ["log.ktap:7: is indented by 4 characters, which must be 0 or 2 spaces"],
        ),
        (SMALL.replace("ok 1 sem.a.libc", "ok 1 sem a"), ["log.ktap:9: is no whole KTAP line: 'ok 1 sem a'"]),
        (SMALL.replace("ok 1 sem.a.libc", "ok"), ["log.ktap:9: is no whole KTAP line: 'ok'"]),
        (SMALL.replace("  ok 1 semop", "  ok 99999999999 semop"), ["log.ktap:7: is no whole KTAP line"]),
        (SMALL + "Bail out!\n", ["log.ktap:18: is no whole KTAP line: 'Bail out!'"]),
        (SMALL.replace("  KTAP version 1", "  KTAP version 2"), ["log.ktap:4: has the unknown 'KTAP version 2'", None]),
        (SMALL + SMALL, ["log.ktap:18: begins anew before the results are complete"]),
        (SMALL.replace("# a.c:3", "# a.c:3" + " x" * 40_000), ["log.ktap:13: is too long"]),
        (SMALL.replace("ok 1 sem.a", "x" * 100_000 + "\nok 1 sem.a"), ["log.ktap:9: is too long"]),
        (
            SMALL.replace("  ok 1 semop.adds", "  1..2\n  ok 1 semop.adds"),
            ["log.ktap:7: has a plan where none may stand"],
        ),
    ],
    ids=short,
)
def test_breach_of_the_rules_is_a_fault_and_the_rest_is_kept(
    text: str, problems: list[str | None], tmp_path: Path
) -> None:
    run = parse(tmp_path, text)
    messages = faults(run)
    assert len(messages) >= len(problems), messages
    for problem, message in zip(problems, messages):
        assert problem is None or message.startswith(problem), messages
    assert run.tests


def test_test_without_its_own_result_keeps_its_verdicts(tmp_path: Path) -> None:
    run = parse(tmp_path, SMALL[: SMALL.index("  not ok 2")])
    torn = run.tests[1]
    assert (torn.test, torn.outcome, torn.status) == ("sem.b", "error", "lost")
    assert [verdict.outcome for verdict in torn.verdicts] == ["fail"] and not run.complete


@pytest.mark.parametrize("text", ["", "ok 1 a\n", "1..2\n", "KTAP version 10\n", b"\xff\xfe\0"], ids=short)
def test_what_is_no_ktap_is_refused(text: str | bytes, tmp_path: Path) -> None:
    with pytest.raises(IpckError, match="log.ktap:1: no line 'KTAP version 1': is this a KTAP log"):
        parse(tmp_path, text)


def test_missing_log_is_named(tmp_path: Path) -> None:
    with pytest.raises(IpckError, match="gone.ktap: cannot be read: No such file"):
        ktap.parse(tmp_path / "gone.ktap", "t", CATALOGUE, Baseline())


def test_log_cannot_steer_the_terminal(tmp_path: Path) -> None:
    run = parse(tmp_path, SMALL.replace("fork:", "\x1b[2J").encode() + b"ok \xff\x1b\n")
    assert run.tests[1].verdicts[1].reason.startswith("\\x1b[2J") and "\x1b" not in repr(run)


def test_torn_and_mixed_up_logs_never_raise_anything_else(tmp_path: Path) -> None:
    chance = random.Random(1)
    lines = TEXT.splitlines(keepends=True)
    for _ in range(300):
        mixed = lines[: chance.randrange(1, len(lines) + 1)]
        for _ in range(chance.randrange(4)):
            at = chance.randrange(len(mixed))
            mixed[at] = chance.choice(
                [
                    mixed[at][: chance.randrange(len(mixed[at]) + 1)],
                    mixed[at] * 2,
                    " " + mixed[at],
                    chance.choice(lines),
                    "\0\n",
                ]
            )
        text = "".join(mixed)
        try:
            run = parse(tmp_path, text)
        except IpckError:
            continue
        assert len({test.test for test in run.tests}) == len(run.tests)
        assert run.faults or text == TEXT or run.complete


def test_faults_are_limited(tmp_path: Path) -> None:
    assert len(parse(tmp_path, SMALL + "ok\n" * 1000).faults) == 50


def test_import_makes_reports_and_judges_by_the_baseline(world: World) -> None:
    (world.root / "log.ktap").write_text(SMALL)
    text = "".join(
        f'[[deviation]]\ntest = "sem.b"\nrequirement = "{name}"\nverdict = "{verdict}"\n'
        'reason = "r"\nreference = "r"\nsince = "s"\n'
        for name, verdict in (("semop.eidrm", "fail"), ("semop.eintr", "error"))
    )
    arguments = ["import", "--target=vendor", f"--out={world.out}", str(world.root / "log.ktap")]
    first = world.ipck(*arguments)
    assert first.returncode == 1 and "FAIL sem.b" in first.stdout
    world.baseline(text, "vendor")
    second = world.ipck(*arguments)
    assert second.returncode == 0, second.stdout + second.stderr
    assert world.outcomes() == {"sem.a.libc": "pass", "sem.b": "known"}
    written = {path.name for path in world.out.iterdir()}
    pages = {"index.html", "overview.html", "targets.html", "findings.html"}
    assert written == {"results.jsonl", "junit.xml", "summary.json", "ktap"} | pages
    assert "gone.ktap: cannot be read: No such file" in world.ipck("import", "--target=vendor", "gone.ktap").stderr
