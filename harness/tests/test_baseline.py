"""Baselines: what is refused, and how results are judged by them."""

from pathlib import Path

import pytest

from ipck import baseline
from ipck.baseline import Baseline
from ipck.errors import IpckError
from ipck.judge import judge, lost
from ipck.results import Deviation, Outcome, TestResult, Verdict
from ipck.targets import Test, group, without_variant
from stubs import ADDS, ADDS_RAW, CATALOGUE, TESTS, WAITS, short

ENTRY = {
    "test": "sysv.sem.semop.waits",
    "requirement": "semop.eidrm",
    "verdict": "fail",
    "reason": "returns 0",
    "reference": "bug 1",
    "since": "Linux 6.1",
}


def entry(**change: str) -> str:
    """A deviation with some keys changed; seven lines and an empty one."""
    return "[[deviation]]\n" + "".join(f'{key} = "{value}"\n' for key, value in (ENTRY | change).items()) + "\n"


def load(folder: Path, text: str = "", **files: str) -> Baseline:
    """The baseline `t` in FOLDER."""
    for name, content in {"t": text, **files}.items():
        (folder / f"{name}.toml").write_text(content)
    return baseline.load("t", CATALOGUE, TESTS, folder)


def faults(folder: Path, text: str, **files: str) -> list[str]:
    """The messages about a bad baseline."""
    with pytest.raises(IpckError) as caught:
        load(folder, text, **files)
    return [message.replace(f"{folder}/", "") for message in caught.value.messages]


def test_no_file_means_no_deviations(tmp_path: Path) -> None:
    assert not baseline.load("none", CATALOGUE, TESTS, tmp_path).deviations


def test_unreadable_file_is_not_taken_for_none(tmp_path: Path) -> None:
    (tmp_path / "t.toml").symlink_to(tmp_path / "gone.toml")
    with pytest.raises(IpckError, match="t.toml: cannot be read: No such file"):
        baseline.load("t", CATALOGUE, TESTS, tmp_path)


def test_entry_without_variant_covers_all_variants(tmp_path: Path) -> None:
    known = load(tmp_path, entry(test="sysv.sem.semop.adds", requirement="semop.adds"))
    assert known.find(ADDS.id, "semop.adds") and known.find(ADDS_RAW.id, "semop.adds")
    assert not known.find(ADDS.id, "semop.eidrm") and not known.find(WAITS.id, "semop.adds")


def test_entry_with_variant_covers_that_one(tmp_path: Path) -> None:
    known = load(tmp_path, entry(test=ADDS_RAW.id, requirement="semop.adds"))
    assert known.find(ADDS_RAW.id, "semop.adds") and not known.find(ADDS.id, "semop.adds")


def test_both_variants_may_be_listed(tmp_path: Path) -> None:
    raw = entry(test=ADDS_RAW.id, requirement="semop.adds")
    libc = entry(test=ADDS.id, requirement="semop.adds", verdict="error")
    assert len(load(tmp_path, raw + libc).deviations) == 2


def test_inherited_entries_count(tmp_path: Path) -> None:
    known = load(tmp_path, 'inherits = ["linux"]\n', linux='inherits = ["all"]\n', all=entry())
    deviation = known.find(WAITS.id, "semop.eidrm")
    assert deviation and deviation.reason == "returns 0"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            entry(test="sysv.sem.semop.wait"),
            "t.toml:2: deviation number 1: key 'test': 'sysv.sem.semop.wait' is no test of",
        ),
        (
            entry(requirement="semop.gone"),
            "t.toml:3: deviation number 1: key 'requirement': 'semop.gone' is not in the",
        ),
        (
            entry(requirement="semop.adds"),
            "t.toml:3: deviation number 1: key 'requirement': sysv.sem.semop.waits does not",
        ),
        (
            entry(verdict="skip"),
            "t.toml:4: deviation number 1: key 'verdict': is 'skip', must be one of: fail, error, crash",
        ),
        (entry(reason=" "), "t.toml:5: deviation number 1: key 'reason': is not filled in: what the impl"),
        (entry(reference=""), "t.toml:6: deviation number 1: key 'reference': is not filled in: a line of"),
        (entry(since=""), "t.toml:7: deviation number 1: key 'since': is not filled in: the first ver"),
        (entry() + entry(reason="again"), "t.toml:10: deviation number 2: key 'test': is listed already at t.toml:1"),
        (
            entry() + "intermittent = 1\n",
            "t.toml:9: deviation number 1: key 'intermittent': must be true or false",
        ),
        (entry(who="me"), "t.toml:8: deviation number 1: key 'who': is unknown; known: test, requirement"),
        ('[[deviation]]\ntest = "a"\n', "t.toml:1: deviation number 1: key 'requirement': is missing"),
        ("deviation = 3\n", "t.toml:1: key 'deviation': must be [[deviation]] tables"),
        ("\ndeviations = []\n", "t.toml:2: key 'deviations': is unknown; known: inherits, deviation"),
        ('inherits = "linux"\n', "t.toml:1: key 'inherits': must be a list of names of files"),
        ('inherits = ["../x"]\n', "t.toml:1: key 'inherits': must be a list of names of files"),
        ('\ninherits = ["linux"]\n', "t.toml:2: key 'inherits': 'linux': there is no linux.toml"),
        ('inherits = ["t"]\n', "t.toml:1: key 'inherits': 't' inherits from itself"),
        ("[[deviation]\n", "t.toml:1: "),
    ],
    ids=short,
)
def test_bad_baseline_is_named_with_line_and_key(text: str, message: str, tmp_path: Path) -> None:
    assert faults(tmp_path, text)[0].startswith(message)


def test_circle_of_files_is_found(tmp_path: Path) -> None:
    messages = faults(tmp_path, 'inherits = ["a"]', a='inherits = ["t"]')
    assert messages == ["a.toml:1: key 'inherits': 't' inherits from itself"]


def test_inherited_entry_listed_again(tmp_path: Path) -> None:
    (message,) = faults(tmp_path, 'inherits = ["linux"]\n' + entry(), linux=entry())
    assert message.startswith("t.toml:3: deviation number 1: key 'test': is listed already at linux.toml:1")


@pytest.mark.parametrize("turn", [1, -1])
def test_entry_for_a_variant_beside_one_for_all(turn: int, tmp_path: Path) -> None:
    entries = [entry(test=test, requirement="semop.adds") for test in (ADDS.id, "sysv.sem.semop.adds")]
    (message,) = faults(tmp_path, "".join(entries[::turn]))
    assert "is covered already by the entry for all variants at t.toml:" in message


def judged(verdicts: dict[str, Outcome], listed: dict[str, str], status: str = "") -> tuple[str, list[str]]:
    """The outcome of a test with VERDICTS whose baseline lists some requirements."""
    words = {"error": "unresolved"}
    rows = tuple(Verdict(name, outcome, words.get(outcome, outcome)) for name, outcome in verdicts.items())
    known = Baseline(
        {
            (WAITS.id, name): Deviation(WAITS.id, name, verdict, "reason", "reference", "since")
            for name, verdict in listed.items()
        }
    )
    status = status or ("fail" if "fail" in verdicts.values() else "error" if "error" in verdicts.values() else "pass")
    result = judge(TestResult("t", WAITS.id, "pass", status, verdicts=rows), WAITS, known)
    return result.outcome, [verdict.outcome for verdict in result.verdicts]


@pytest.mark.parametrize(
    ("first", "second", "listed", "outcome", "outcomes"),
    [
        ("pass", "pass", {}, "pass", ["pass", "pass"]),
        ("fail", "pass", {}, "fail", ["fail", "pass"]),
        ("fail", "pass", {"semop.eidrm": "fail"}, "known", ["known", "pass"]),
        ("fail", "fail", {"semop.eidrm": "fail"}, "fail", ["known", "fail"]),
        ("pass", "pass", {"semop.eidrm": "fail"}, "fixed", ["fixed", "pass"]),
        ("pass", "pass", {"semop.eidrm": "error"}, "fixed", ["fixed", "pass"]),
        ("error", "pass", {"semop.eidrm": "fail"}, "error", ["error", "pass"]),
        ("fail", "pass", {"semop.eidrm": "error"}, "fail", ["fail", "pass"]),
        ("error", "error", {"semop.eidrm": "error", "semop.eintr": "error"}, "known", ["known", "known"]),
        ("skip", "pass", {"semop.eidrm": "fail"}, "skip", ["skip", "pass"]),
        ("skip", "skip", {}, "skip", ["skip", "skip"]),
    ],
    ids=short,
)
def test_verdicts_are_judged_both_ways(
    first: Outcome, second: Outcome, listed: dict[str, str], outcome: str, outcomes: list[str]
) -> None:
    assert judged({"semop.eidrm": first, "semop.eintr": second}, listed) == (outcome, outcomes)


def test_declared_requirement_without_verdict_is_an_error() -> None:
    assert judged({"semop.eidrm": "pass"}, {}) == ("error", ["pass", "error"])


def test_known_silence_is_known() -> None:
    assert judged({"semop.eidrm": "pass"}, {"semop.eintr": "error"}, "timeout") == ("known", ["pass", "known"])


@pytest.mark.parametrize("status", ["error", "timeout", "fail"])
def test_bad_end_is_an_error_though_all_verdicts_are_good(status: str) -> None:
    outcome, outcomes = judged({"semop.eidrm": "pass", "semop.eintr": "pass"}, {}, status)
    assert (outcome, outcomes) == ("error", ["pass", "pass"])


def test_bad_end_beside_a_known_deviation_is_an_error() -> None:
    both: dict[str, Outcome] = {"semop.eidrm": "fail", "semop.eintr": "pass"}
    assert judged(both, {"semop.eidrm": "fail"}, "timeout")[0] == "error"


def test_failure_outweighs_a_bad_end() -> None:
    assert judged({"semop.eidrm": "fail", "semop.eintr": "pass"}, {}, "timeout")[0] == "fail"


def test_test_that_verifies_nothing_is_an_error() -> None:
    result = judge(TestResult("t", "sem.none", "pass", "pass"), Test("sem.none", "", 0, ()), Baseline())
    assert (result.outcome, result.reason) == ("error", "the test verifies no requirement")


def test_result_that_needs_no_change_stays_as_it_is() -> None:
    result = TestResult("t", ADDS.id, "pass", "pass", verdicts=(Verdict("semop.adds", "pass", "pass"),))
    assert judge(result, ADDS, Baseline()) is result


def test_lost_test_says_why_for_each_requirement() -> None:
    result = lost("t", WAITS, "the program died")
    assert (result.outcome, result.status, result.file, result.line) == ("error", "lost", WAITS.file, WAITS.line)
    assert [(one.requirement, one.verdict, one.reason) for one in result.verdicts] == [
        ("semop.eidrm", "missing", "the program died"),
        ("semop.eintr", "missing", "the program died"),
    ]


@pytest.mark.parametrize(
    ("test", "general", "file"),
    [
        ("a.b.c.d.libc", "a.b.c.d", "a.b.c"),
        ("a.b.c.d.raw", "a.b.c.d", "a.b.c"),
        ("a.b.c.d", "a.b.c.d", "a.b.c"),
        ("a.b.c.raw.x", "a.b.c.raw.x", "a.b.c.raw"),
    ],
    ids=short,
)
def test_names_of_variants_and_files(test: str, general: str, file: str) -> None:
    assert (without_variant(test), group(test)) == (general, file)


@pytest.mark.parametrize(("intermittent", "outcome"), [(False, "fixed"), (True, "pass")])
def test_race_that_did_not_show_is_no_news(intermittent: bool, outcome: str) -> None:
    name = WAITS.requirements[0]
    deviation = Deviation(WAITS.id, name, "fail", "reason", "reference", "since", intermittent)
    result = TestResult("t", WAITS.id, "pass", "pass", "f.c", 1, verdicts=(Verdict(name, "pass", "pass"),))
    (verdict, *_) = judge(result, WAITS, Baseline({(WAITS.id, name): deviation})).verdicts
    assert verdict.outcome == outcome
