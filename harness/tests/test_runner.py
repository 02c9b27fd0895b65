"""The C runner against deliberately bad tests (harness/tests/bad/): it survives them, names them, and loses nothing."""

import gzip
import json
import os
import re
import resource
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

TREE = Path(__file__).resolve().parents[2]
BAD = TREE / "build/glibc/bad-tests"
PREFIX = "harness.tests.bad.bad."
TIME_NAMESPACE = {"time"} if Path("/proc/self/ns/time").exists() else set()


def run(*args: str, program: Path = BAD, **kwargs: Any) -> subprocess.CompletedProcess[str]:
    command = [str(program), *args]
    return subprocess.run(command, capture_output=True, text=True, errors="strict", timeout=60, check=False, **kwargs)


def records(text: str) -> dict[str, dict[str, Any]]:
    """The test records by short name; checks the frame around them."""
    lines = [json.loads(line) for line in text.splitlines()]
    assert [lines[0]["type"], lines[-1]["type"]] == ["run", "end"]
    tests = {line["test"].removeprefix(PREFIX): line for line in lines if line["type"] == "test"}
    assert lines[0]["tests"] == lines[-1]["tests"] == len(tests)
    return tests


@pytest.fixture(scope="module")
def results() -> dict[str, dict[str, Any]]:
    limits = ["--jobs", "8", "--deadline", "20", "--time-scale", "0.1"]
    done = run("--json", "-", *limits, "--shuffle", "--seed", "7", PREFIX + "*")
    assert done.returncode == 1
    assert done.stderr == ""
    deadline = json.loads(done.stdout.splitlines()[0])["deadline"]  # 2, or more on a slow machine
    return {name: record | {"deadline": deadline} for name, record in records(done.stdout).items()}


def verdicts(record: dict[str, Any]) -> dict[str, str]:
    return {r["id"]: r["verdict"] for r in record["requirements"]}


ZERO, E2BIG = "semop.ret.zero", "semop.e2big"

EXPECTED = [
    # test, status, verdicts, what the reason says
    ("good", "pass", {ZERO: "pass"}, ""),
    ("wrong", "fail", {ZERO: "fail", E2BIG: "fail"}, ""),
    ("hangs", "timeout", {ZERO: "unresolved", E2BIG: "unresolved"},
     r"(?s)not finished after DEADLINE s.*process 2 .*state S.*process 3 .*state S"),
    ("never_true", "error", {ZERO: "unresolved"}, r"bad.c:\d+: UNTIL\(NCNT\(set, 0\) == 1\): still false"),
    ("never_woken", "fail", {"semop.wake.inc-single": "fail", ZERO: "unresolved"}, ""),
    ("crashes", "error", {ZERO: "unresolved", E2BIG: "unresolved"}, "killed by signal 11"),
    ("reaches_for_the_machine", "fail", {ZERO: "fail"}, ""),
    ("aborts", "error", {ZERO: "unresolved"}, "killed by signal 6"),
    ("exits", "error", {ZERO: "unresolved"}, "ended itself with status 0"),
    ("silent", "error", {ZERO: "pass", E2BIG: "missing"}, "declared requirement got no verdict"),
    ("undeclared", "error", {ZERO: "unresolved"}, "verdict for semop.e2big, which the test does not declare"),
    ("child_crashes", "error", {ZERO: "unresolved"}, r"child \d+ was killed by signal 7"),
    ("child_stops_while_body_is_blocked", "skip", {ZERO: "skip"}, "."),
    ("forks_many", "pass", {ZERO: "pass"}, ""),
    ("leaks_orphans", "pass", {ZERO: "pass"}, ""),
    ("prints_a_megabyte", "fail", {ZERO: "fail"}, ""),
    ("prints_for_ever", "timeout", {ZERO: "unresolved"}, "not finished after DEADLINE s"),
    ("prints_garbage", "fail", {ZERO: "fail"}, ""),
    ("closes_its_output", "pass", {ZERO: "pass"}, ""),
    ("closes_every_descriptor", "pass", {ZERO: "pass"}, ""),
    ("kills_its_parent", "pass", {ZERO: "pass"}, ""),
    ("kills_everybody", "pass", {ZERO: "pass"}, ""),
    ("stops_itself", "timeout", {ZERO: "unresolved"}, "state T"),
    ("leaves_objects", "pass", {ZERO: "pass"}, ""),
    ("set_up_fails", "error", {ZERO: "unresolved"}, r"bad.c:\d+: MUST\(semget\(fresh_key\(\), 1, 0\)\): ENOENT"),
    ("unsupported", "skip", {ZERO: "pass", E2BIG: "skip"}, "a machine of another kind"),
    ("rows", "fail", {ZERO: "fail"}, ""),
    ("observes", "pass", {"semget.init.values": "pass"}, ""),
]


@pytest.mark.parametrize(("name", "status", "wanted", "reason"), EXPECTED, ids=[row[0] for row in EXPECTED])
def test_bad_test(
    results: dict[str, dict[str, Any]], name: str, status: str, wanted: dict[str, str], reason: str
) -> None:
    record = results[name]
    assert (record["status"], verdicts(record)) == (status, wanted)
    reason = reason.replace("DEADLINE", re.escape(f"{record['deadline']:g}"))
    assert re.search(reason, record.get("reason", "")) if reason else "reason" not in record


def test_every_bad_test_is_expected(results: dict[str, dict[str, Any]]) -> None:
    assert sorted(results) == sorted(row[0] for row in EXPECTED)


def test_failure_says_where_what_and_why(results: dict[str, dict[str, Any]]) -> None:
    first, second = results["wrong"]["requirements"]
    assert first["expression"] == "SEMOP(new_sems(1, 0600), OP(0, 1, 0))"
    assert (first["wanted"], first["got"]) == ("7", "0")
    assert (second["wanted"], second["got"]) == ("-1 E2BIG", "-1 EINVAL")
    assert re.fullmatch(r"harness/tests/bad/bad\.c:\d+", first["where"])


def test_failing_row_is_named(results: dict[str, dict[str, Any]]) -> None:
    (verdict,) = results["rows"]["requirements"]
    assert (verdict["row"], verdict["checks"]) == ("second # one", 3)


def test_observation_is_recorded(results: dict[str, dict[str, Any]]) -> None:
    assert results["observes"]["requirements"][0]["observed"] == "value 0"


def test_output_is_kept_within_bounds(results: dict[str, dict[str, Any]]) -> None:
    output = results["prints_a_megabyte"]["output"]
    assert len(output) < 10000
    assert re.search(r"\[\d+ bytes left out\]", output)
    assert output.startswith("0" * 62) and output.rstrip().endswith("16383")
    assert results["aborts"]["output"] == "last words\n"


def test_hostile_output_cannot_forge_records(results: dict[str, dict[str, Any]]) -> None:
    assert '{"type":"end"}' in results["prints_garbage"]["output"]


def test_hang_dump_names_the_wait_of_each_process(results: dict[str, dict[str, Any]]) -> None:
    assert "semtimedop" in results["hangs"]["reason"] or "wchan" in results["hangs"]["reason"]


def test_ktap_agrees_with_json() -> None:
    names = [PREFIX + n for n in ("good", "wrong", "silent", "unsupported", "crashes", "rows", "prints_garbage")]
    text = run(*names, "--jobs", "1").stdout
    assert text.startswith("KTAP version 1\n")
    assert "1..7" in text.splitlines()
    outer = [line for line in text.splitlines() if re.match(r"(not )?ok ", line)]
    assert [line.split()[:3] for line in outer if line.startswith("not")][0][:2] == ["not", "ok"]
    assert {line.rsplit(PREFIX, 1)[1].split(" ")[0]: line.startswith("ok") for line in outer} == {
        "good": True, "wrong": False, "silent": False, "unsupported": True, "crashes": False, "rows": False,
        "prints_garbage": False,
    }
    assert "  ok 2 semop.e2big # SKIP a machine of another kind" in text
    assert r"[second \# one] row->got: want 0, got 1" in text


@pytest.mark.parametrize(("args", "message"), [
    (("nonsense*",), "no test matches 'nonsense*'"),
    (("--jobs", "none"), "--jobs: 'none' is not a number"),
    (("--seed", "-3"), "--seed: '-3' is not a whole number"),
    (("--select", "/nonexistent"), "--select: /nonexistent: No such file"),
    (("--json", "/nonexistent/x"), "/nonexistent/x: No such file"),
    (("--json", "/dev/full"), "writing results: No space left on device"),
])
def test_bad_usage_is_one_message_and_status_2(args: tuple[str, ...], message: str) -> None:
    done = run(*args)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_unknown_selected_id_is_named() -> None:
    done = run("--select", "-", input="harness.tests.bad.bad.good\nno.such.test\n")
    assert (done.returncode, "no test 'no.such.test'" in done.stderr) == (2, True)


def test_select_runs_exactly_those() -> None:
    done = run("--select", "-", "--json", "-", input=f"{PREFIX}good\n\n{PREFIX}observes\n")
    assert sorted(records(done.stdout)) == ["good", "observes"]
    assert done.returncode == 0


def test_seed_decides_the_order_whatever_else_is_selected() -> None:
    def order(seed: str, pattern: str = "sysv.sem.sem*_errors") -> list[str]:
        program = TREE / "build/glibc/ipck-tests"
        chosen = ["--shuffle", "--seed", seed, "--jobs", "1", pattern]
        lines = run("--json", "-", *chosen, program=program).stdout
        return [record["test"] for record in map(json.loads, lines.splitlines()) if record["type"] == "start"]

    whole = order("1")
    assert whole == order("1") != order("2")
    assert sorted(whole) == sorted(order("2"))
    part = order("1", "sysv.sem.semop_errors")
    assert part == [test for test in whole if test in part] and 1 < len(part) < len(whole)


def test_tests_that_wait_long_let_others_go_on() -> None:
    chosen = [PREFIX + name for name in ("never_true", "never_woken", "silent", "rows")]
    done = run("--json", "-", "--jobs", "2", "--time-scale", "0.5", *chosen)
    assert set(list(records(done.stdout))[:2]) == {"silent", "rows"}


def test_exact_scale_is_not_measured_again() -> None:
    done = run("--json", "-", "--deadline", "10", "--time-scale", "0.25", "--exact-scale", PREFIX + "silent")
    assert json.loads(done.stdout.splitlines()[0])["deadline"] == 2.5


def test_one_job_is_one_test_at_a_time() -> None:
    chosen = [PREFIX + name for name in ("never_woken", "silent", "rows")]
    done = run("--json", "-", "--jobs", "1", "--time-scale", "0.5", *chosen)
    assert list(records(done.stdout)) == ["never_woken", "silent", "rows"]


def test_list_names_place_and_requirements() -> None:
    line = next(line for line in run("--list").stdout.splitlines() if line.startswith(PREFIX + "wrong\t"))
    assert re.fullmatch(rf"{PREFIX}wrong\tharness/tests/bad/bad\.c:\d+\t{ZERO},{E2BIG}", line)


def test_deadlines_grow_where_processes_are_made_slowly() -> None:
    slow = ("strace", "-qq", "-o", "/dev/null", "-e", "inject=wait4:delay_enter=8000")  # 20 times what is usual
    command = [*slow, str(BAD), "--json", "-", "--deadline", "3", f"{PREFIX}good"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    first = json.loads(done.stdout.splitlines()[0])
    assert first["deadline"] >= 3 * 20, done.stderr
    assert records(done.stdout)["good"]["status"] == "pass"


def head(*prefix: str, **kwargs: Any) -> dict[str, Any]:
    """The run line of a program that runs one test."""
    command = [*prefix, str(BAD), "--json", "-", PREFIX + "good"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **kwargs)
    line: dict[str, Any] = json.loads(done.stdout.partition("\n")[0])
    return line


def test_run_line_tells_what_the_program_sees_of_the_machine() -> None:
    line = head()
    facts = line["facts"]
    assert facts["page size"] == str(os.sysconf("SC_PAGESIZE"))
    assert facts["processors"] == str(os.sysconf("SC_NPROCESSORS_ONLN"))
    assert facts["byte order"] == f"{sys.byteorder} endian"
    assert facts["word length"] == f"{8 * struct.calcsize('l')} bits"
    assert facts["RLIMIT_NOFILE"] == str(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    assert facts["clock resolution"].startswith(f"{time.get_clock_info('monotonic').resolution * 1e9:.0f} ns, coarse ")
    assert (facts["traced"], facts["calls missing"]) == ("no", "none")
    assert facts["namespaces"].split() == sorted({"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"} | TIME_NAMESPACE)
    assert all(facts.values()) and all(line["limits"].values())
    assert {"sem", "msgmni", "mqueue msg_max"} <= line["limits"].keys()


def test_run_line_tells_of_a_tracer_and_of_missing_calls() -> None:
    facts = head("strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=memfd_create,semget:error=ENOSYS")["facts"]
    assert (facts["traced"], facts["calls missing"]) == ("yes", "semget, memfd_create")


@pytest.mark.skipif(not Path("/proc/config.gz").exists(), reason="the kernel does not show its configuration")
def test_run_line_tells_the_kernels_configuration() -> None:
    text = gzip.decompress(Path("/proc/config.gz").read_bytes()).decode()
    options = dict(re.findall(r"^CONFIG_(\w+)=(.*)$", text, re.MULTILINE))
    config = head()["config"]
    assert config and config.items() <= options.items()
    assert config["SYSVIPC"] == "y"
    assert head(env={"PATH": "/nowhere"})["config"] == {}
