"""Records and results.jsonl: there and back, torn, hostile, and with a full disk."""

import errno
import json
import re
import os
from dataclasses import replace
from pathlib import Path

import pytest

from ipck import store
from ipck.errors import IpckError
from ipck.records import clean, decode, encode, parse
from ipck.results import (
    OUTCOMES,
    Deviation,
    Fault,
    Outcome,
    RunInfo,
    RunResults,
    TargetRun,
    TestResult,
    Verdict,
    worst,
)
from ipck.store import Journal, Recorder
from stubs import short

DEVIATION = Deviation("sem.b", "semop.eidrm", "fail", "kernel bug", "commit 123", "Linux 6.1")
SESSION = RunResults("ipck run -k 'a b'", "c0ffee", 7, "2024-01-02T03:04:05+00:00")
INFO = RunInfo("ipck-tests", uid=0, missing_capabilities=("CAP_X",), limits=(("sem", "1 2"),),
               facts=(("page size", "4096"),), config=(("HZ", "250"),), deadline=10.0)  # fmt: skip
ADDS = Verdict("semop.adds", "pass", "pass", 2)
PASSED = TestResult("host-glibc", "sem.a", "pass", "pass", "a.c", 1, 0.5, verdicts=(ADDS,))
EIDRM = Verdict("semop.eidrm", "known", "fail", 1, "a.c:3", 'f("x")', "0", "1", "row", "seen", "why", DEVIATION)
KNOWN = TestResult(
    "host-glibc",
    "sem.b",
    "known",
    "fail",
    "a.c",
    2,
    output="two\nlines \u00e9 \U0001f600",
    verdicts=(EIDRM,),
)
FAULT = Fault("host-glibc", "line 3 of the output is not JSON", 3)


def record(path: Path) -> RunResults:
    """A small run, written to PATH."""
    journal = Journal(path)
    recorder = Recorder(SESSION, journal)
    recorder.begin(TargetRun("host-i386", "32-bit", ("p",), unavailable="not built"))
    recorder.begin(TargetRun("host-glibc", "this kernel", ("program", "--json"), "host"))
    recorder.inform("host-glibc", INFO)
    recorder.add(KNOWN)
    recorder.add(PASSED)
    recorder.add(FAULT)
    recorder.end("host-glibc", 1.5, True)
    journal.close()
    return recorder.results()


def test_stored_results_come_back_as_they_were(tmp_path: Path) -> None:
    run = record(tmp_path / "r.jsonl")
    again = store.load([tmp_path / "r.jsonl"])
    assert {target.target: target for target in again.targets} == {target.target: target for target in run.targets}
    assert replace(again, targets=()) == replace(run, targets=()) == SESSION
    glibc = again.targets[0]
    assert glibc.tests == (PASSED, KNOWN), "ordered by place in the sources, whatever order they came in"
    assert glibc.faults == (FAULT,)
    assert (glibc.info, glibc.seconds, glibc.complete) == (INFO, 1.5, True)


def test_run_in_parts_is_complete_when_all_parts_are(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "r.jsonl")
    recorder = Recorder(SESSION, journal)
    recorder.begin(TargetRun("host-glibc"))
    for complete in (True, False, True):
        recorder.end("host-glibc", 0.5, complete)
    for run in (recorder.results(), store.load([tmp_path / "r.jsonl"])):
        assert (run.targets[0].complete, run.targets[0].seconds) == (False, 1.5)


def test_run_line_says_where_results_come_from(tmp_path: Path) -> None:
    record(tmp_path / "r.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert [line["type"] for line in lines] == ["run", "run", "test", "test", "error", "end"]
    run = lines[1]
    assert run["argv"] == ["program", "--json"] and run["command"] == SESSION.command
    assert run["commit"] == "c0ffee" and run["seed"] == 7 and run["info"]["limits"] == {"sem": "1 2"}
    assert (run["kind"], run["info"]["facts"], run["info"]["config"]) == ("host", {"page size": "4096"}, {"HZ": "250"})


def test_results_of_before_there_were_facts_are_read(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    record(path)
    path.write_text(re.sub(r',"kind":"host"|,"(facts|config)":{[^}]*}', "", path.read_text()))
    glibc = store.load([path]).targets[0]
    assert (glibc.kind, glibc.info) == ("", replace(INFO, facts=(), config=()))


def test_results_of_a_killed_run_are_kept_and_called_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    record(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b'"sem.a"')])
    run = store.load([path])
    glibc = run.targets[0]
    assert [test.test for test in glibc.tests] == ["sem.b"]
    assert [fault.line for fault in glibc.faults] == [4, 0]
    assert "r.jsonl:4: is not JSON" in glibc.faults[0].message
    assert "the results of host-glibc are cut short" in glibc.faults[1].message


@pytest.mark.parametrize("size", range(0, 2600, 97))
def test_no_cut_raises_anything_but_the_own_error(size: int, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    record(path)
    path.write_bytes(path.read_bytes()[:size])
    try:
        assert store.load([path]).targets
    except IpckError as error:
        assert str(path.name) in str(error)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"garbage", "r.jsonl:3: is not JSON: Expecting value, column 1"),
        (b"[1]", "r.jsonl:3: is not a JSON object"),
        (b"\xff", "r.jsonl:3: is not UTF-8"),
        (b'{"type":"party\x00"}', "r.jsonl:3: is not JSON"),
        (b'{"type":"party"}', "r.jsonl:3: has the unknown type 'party'"),
        (b'{"type":"run","schema":2}', "r.jsonl:3: has another schema than 1"),
        (
            b'{"type":"test","target":"host-x","test":"a","outcome":"pass","status":"pass"}',
            "is about the target 'host-x'",
        ),
        (
            b'{"type":"test","target":"host-glibc","test":"a","outcome":"good","status":"pass"}',
            "key 'outcome' must be one of",
        ),
        (b'{"type":"test","target":"host-glibc"}', "key 'test' is missing"),
        (b'{"type":"error","target":"host-glibc","message":1}', "key 'message' must be a string"),
        (b'{"a":1,"a":2}', "has one key twice"),
        (b'{"a":' * 100000, "nested too deeply"),
        (b'{"type":"end","target":"host-glibc","seconds":NaN}', "is not JSON: NaN"),
    ],
    ids=short,
)
def test_bad_line_is_one_fault_and_costs_nothing_else(line: bytes, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    record(path)
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([*lines[:2], line, *lines[2:]]) + b"\n")
    glibc = store.load([path]).targets[0]
    assert len(glibc.tests) == 2 and len(glibc.faults) == 2
    assert problem in glibc.faults[0].message and glibc.faults[0].line == 3


@pytest.mark.parametrize("content", [b"", b"garbage\n", b'{"type":"test"}\n', b"\n"])
def test_file_without_a_run_line_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(content)
    with pytest.raises(IpckError, match="r.jsonl"):
        store.load([path])


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(IpckError, match="none.jsonl: cannot be read: No such file"):
        store.load([tmp_path / "none.jsonl"])


def test_several_files_are_put_together(tmp_path: Path) -> None:
    record(tmp_path / "a.jsonl")
    journal = Journal(tmp_path / "b.jsonl")
    recorder = Recorder(replace(SESSION, command="other"), journal)
    recorder.begin(TargetRun("host-musl"))
    recorder.add(replace(PASSED, target="host-musl"))
    recorder.end("host-musl", 1.0, True)
    run = store.load([tmp_path / "b.jsonl", tmp_path / "a.jsonl"])
    assert [target.target for target in run.targets] == ["host-glibc", "host-musl", "host-i386"]
    assert run.command == "other"


def test_journal_writes_each_line_at_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "r.jsonl")
    journal.write({"a": 1})
    assert (tmp_path / "r.jsonl").read_text() == '{"a":1}\n'


def test_full_disk_is_one_problem_and_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.jsonl"
    journal = Journal(path)
    journal.write({"first": 1})
    write = os.write
    room = [5]

    def full(file: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = write(file, data[: room[0]])
        room[0] -= written
        return written

    monkeypatch.setattr(os, "write", full)
    journal.write({"second": 2})
    monkeypatch.undo()
    journal.write({"third": 3})
    assert path.read_text() == '{"first":1}\n'
    assert "r.jsonl: cannot be written: No space left on device: make room, or" in str(journal.problem)


def test_full_disk_leaves_the_results_in_memory_whole() -> None:
    journal = Journal(Path("/dev/full"))
    recorder = Recorder(SESSION, journal)
    recorder.begin(TargetRun("host-glibc"))
    recorder.add(PASSED)
    assert journal.problem and recorder.results().targets[0].tests == (PASSED,)


def test_second_run_does_not_write_into_the_first_ones_journal(tmp_path: Path) -> None:
    first = Journal(tmp_path / "r.jsonl")
    first.write({"a": 1})
    second = Journal(tmp_path / "r.jsonl")
    second.write({"b": 2})
    assert "r.jsonl: another run is writing to it: wait, or choose another --out" in str(second.problem)
    assert (tmp_path / "r.jsonl").read_text() == '{"a":1}\n'
    first.close()
    assert not Journal(tmp_path / "r.jsonl").problem


def test_journal_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "r.jsonl")
    assert "cannot be written: " in str(journal.problem)
    journal.write({"a": 1})
    journal.close()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain \u00e9 \u4e2d\n\ttext", "plain \u00e9 \u4e2d\n\ttext"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("nul\0 del\x7f csi\x9b cr\r", "nul\\x00 del\\x7f csi\\x9b cr\\r"),
        ("lone \ud800 end", "lone \\ud800 end"),
        ("bidi \u202e \u2066", "bidi \\u202e \\u2066"),
        ("\ufffe\uffff", "\\ufffe\\uffff"),
    ],
    ids=short,
)
def test_nothing_that_steers_a_terminal_gets_in(text: str, shown: str) -> None:
    assert clean(text) == shown
    shown.encode()


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("line", "1", "key 'line' must be an integer"),
        ("line", True, "key 'line' must be an integer"),
        ("line", 10**30, "key 'line' must be an integer"),
        ("line", 1.5, "key 'line' must be an integer"),
        ("seconds", "1", "key 'seconds' must be a number"),
        ("seconds", True, "key 'seconds' must be a number"),
        ("seconds", float("inf"), "key 'seconds' must be a number"),
        ("seconds", 10**400, "key 'seconds' must be a number"),
        ("output", None, "key 'output' must be a string"),
        ("outcome", "great", "key 'outcome' must be one of: pass, fail"),
        ("outcome", [], "key 'outcome' must be one of: pass, fail"),
        ("verdicts", {}, "key 'verdicts' must be a list"),
        ("verdicts", [3], "key 'verdicts' is not an object"),
        ("verdicts", [{"requirement": "a"}], "key 'verdicts' key 'outcome' is missing"),
        (
            "verdicts",
            [{"requirement": "a", "outcome": "pass", "deviation": 3}],
            "key 'verdicts' key 'deviation' is not an",
        ),
        ("colour", 1, "key 'colour' is unknown"),
    ],
    ids=short,
)
def test_decoding_names_the_key_that_is_wrong(key: str, value: object, problem: str) -> None:
    with pytest.raises(ValueError) as caught:
        decode(TestResult, {"target": "t", "test": "a", "outcome": "pass", "status": "pass", key: value})
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize(
    ("key", "value"),
    [("limits", []), ("limits", {"a": 1}), ("missing_capabilities", [1]), ("uid", None)],
)
def test_decoding_checks_nested_values(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"key '{key}'"):
        decode(RunInfo, {key: value})


def test_encoding_leaves_out_defaults_and_decoding_puts_them_back() -> None:
    assert encode(Verdict("a", "pass")) == {"requirement": "a", "outcome": "pass"}
    for value in (KNOWN, INFO, FAULT, TargetRun("t", complete=False)):
        assert decode(type(value), json.loads(json.dumps(encode(value)))) == value


def test_truth_value_must_be_one() -> None:
    with pytest.raises(ValueError, match="key 'complete' must be true or false"):
        decode(TargetRun, {"target": "t", "complete": 1})


@pytest.mark.parametrize("text", ["1" * 5000, "[" * 200000, "", "nul", '{"a":Infinity}'])
def test_parsing_raises_one_kind_of_error(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


def test_worst_outcome_speaks_for_all() -> None:
    order: list[Outcome] = ["pass", "skip", "known", "error", "fixed", "fail"]
    assert set(order) == set(OUTCOMES)
    for number, outcome in enumerate(order):
        assert worst(order[: number + 1]) == worst(list(reversed(order[: number + 1]))) == outcome
    assert worst([]) == "pass"
