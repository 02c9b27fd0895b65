"""`ipck gate`: its exit status, its short list, and the files for CI systems."""

import json
import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest

from ipck import kcidb
from ipck.annotations import github, gitlab
from ipck.results import Fault, RunResults, TargetRun, TestResult, Verdict
from kcidb_schema import SCHEMA
from stubs import ADDS, ADDS_RAW, CATALOGUE, MAKES, WAITS, World, end, result, run_line, short, start, whole

jsonschema = pytest.importorskip("jsonschema", reason="python3-jsonschema is not installed")

ONE = "--target=host-glibc"
FILES = ("kcidb.json", "github.txt", "gl-code-quality-report.json")
KNOWN = (
    f'[[deviation]]\ntest = "{MAKES.id}"\nrequirement = "semget.new"\nverdict = "fail"\n'
    'reason = "kernel bug"\nreference = "commit 1"\nsince = "6.1"\n'
)


def mixed(world: World) -> None:
    """A program with a failure, a known deviation, and an undecided test."""
    row = {"where": "a.c:7", "expression": "f(a, b)", "wanted": "-1 EIDRM", "got": "100%\n0"}
    rows = [{"id": "semop.eidrm", "verdict": "fail", **row}, {"id": "semop.eintr", "verdict": "pass"}]
    failed = result(WAITS, "fail", requirements=rows, output="words")
    undecided = json.loads(result(ADDS_RAW, "unresolved"))
    undecided["requirements"][0]["reason"] = "set-up failed\nfor long"
    results = [result(ADDS), json.dumps(undecided), failed, result(MAKES, "fail")]
    world.program([run_line(kernel="Linux 6.1", machine="x86_64"), *results, end(4)])
    world.baseline(KNOWN)


def valid(data: Any) -> Any:
    """DATA, after KCIDB's schema has been held against it."""
    jsonschema.validate(data, SCHEMA, format_checker=jsonschema.FormatChecker())
    try:
        from kcidb_io.schema import LATEST  # type: ignore[import]

        LATEST.validate(LATEST.upgrade(data))
    except ModuleNotFoundError:
        pass  # Debian does not have it
    ids = {kind: {one["id"] for one in objects} for kind, objects in data.items() if kind != "version"}
    assert all(len(ids[kind]) == len(data[kind]) for kind in ids), "an id twice"
    for kind, key, parents in (("builds", "checkout_id", "checkouts"), ("incidents", "test_id", "tests")):
        assert {one[key] for one in data.get(kind, [])} <= ids.get(parents, set())
    return data


def news(output: str) -> list[str]:
    """The lines about what is red."""
    return [line for line in output.splitlines() if re.match("FAIL|ERROR|     ", line)]


def test_gate_that_is_open(world: World) -> None:
    world.program(whole())
    done = world.ipck("gate", ONE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "exit status 0: all as expected" in done.stdout
    for name in ("junit.xml", "ktap/host-glibc.ktap", "summary.json", "results.jsonl", "index.html", *FILES):
        assert (world.out / name).exists(), name
    assert (world.out / "github.txt").read_text() == ""
    assert json.loads((world.out / "gl-code-quality-report.json").read_text()) == []
    tests = valid(json.loads((world.out / "kcidb.json").read_text()))["tests"]
    assert {test["status"] for test in tests} == {"PASS"} and len(tests) == 4


def test_gate_that_is_shut_says_what_is_new(world: World) -> None:
    mixed(world)
    done = world.ipck("gate", ONE)
    assert done.returncode == 1
    assert (
        f"\nFAIL semop.eidrm: f(a, b): wanted -1 EIDRM, got 100%\\n0\n     {WAITS.id} on host-glibc ({WAITS.file}:9)\n"
        f"ERROR semop.adds: set-up failed\n     {ADDS_RAW.id} on host-glibc ({ADDS.file}:5)\n"
    ) in done.stdout
    assert MAKES.id not in done.stdout, "what the baseline lists is not new"
    assert "statement:" not in done.stdout


def test_gate_that_cannot_decide(world: World) -> None:
    world.program([run_line(), start(ADDS)], shell="exit 3")
    assert world.ipck("gate", ONE).returncode == 2


def test_run_writes_no_files_for_a_gate(world: World) -> None:
    mixed(world)
    world.ipck("gate", ONE)
    done = world.ipck("run", ONE)
    assert done.returncode == 1 and "statement:" in done.stdout
    assert not [name for name in FILES if (world.out / name).exists()], "not even those of an earlier run"


def test_stored_and_merged_results_pass_the_gate_too(world: World) -> None:
    mixed(world)
    first = world.ipck("gate", ONE, "--seed=3")
    before = {name: (world.out / name).read_text() for name in (*FILES, "junit.xml")}
    again = world.ipck("report", str(world.out), "--gate")
    assert again.returncode == 1 and news(first.stdout) == news(again.stdout)
    assert {name: (world.out / name).read_text() for name in before} == before
    world.ipck("run", ONE, "--seed=3", "--shard=1/1", f"--out={world.root}/s.jsonl")
    merged = world.ipck("merge", f"{world.root}/s.jsonl", f"--out={world.root}/merged", "--gate")
    assert merged.returncode == 1 and (world.root / "merged/github.txt").read_text() == before["github.txt"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["gate"], "ipck gate: say what is to be judged: --target NAME"),
        (["gate", ONE, "--kcidb-origin=My CI"], "--kcidb-origin 'My CI': must consist of small letters, digits and"),
        (["gate", ONE, "--kcidb-build=17"], "--kcidb-build '17': must be ORIGIN:NAME, the id of a build in KCIDB"),
        (["run", ONE, "--kcidb-origin=ci"], "--kcidb-origin, --kcidb-build: kcidb.json is written by ipck gate"),
        (["report", "x.jsonl", "--kcidb-build=ci:1"], "--kcidb-origin, --kcidb-build: kcidb.json is written with"),
    ],
    ids=short,
)
def test_bad_input_is_one_message(command: list[str], message: str, world: World) -> None:
    world.program(whole())
    done = world.ipck(*command)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
    assert not (world.out / "kcidb.json").exists()


def test_kcidb_report(world: World) -> None:
    mixed(world)
    world.ipck("gate", ONE)
    data = valid(json.loads((world.out / "kcidb.json").read_text()))
    assert data["version"] == {"major": 5, "minor": 0}
    tests = {test["path"]: test for test in data["tests"]}
    assert {path: test["status"] for path, test in tests.items()} == {
        f"ipck.{ADDS.id}": "PASS",
        f"ipck.{ADDS_RAW.id}": "ERROR",
        f"ipck.{WAITS.id}": "FAIL",
        f"ipck.{MAKES.id}": "FAIL",
    }
    failed = tests[f"ipck.{WAITS.id}"]
    assert "wanted:      -1 EIDRM" in failed["log_excerpt"] and "words" in failed["log_excerpt"]
    assert failed["misc"]["requirements"] == {"semop.eidrm": "fail", "semop.eintr": "pass"}
    (build,) = data["builds"]
    assert build["architecture"] == "x86_64" and build["misc"]["kernel"] == "Linux 6.1"
    (issue,), (incident,) = data["issues"], data["incidents"]
    assert issue["comment"] == "semget.new: kernel bug" and issue["misc"]["reference"] == "commit 1"
    assert incident["issue_id"] == issue["id"] and incident["present"]
    assert incident["test_id"] == tests[f"ipck.{MAKES.id}"]["id"]


def test_kcidb_report_about_a_build_that_is_known_there(world: World) -> None:
    mixed(world)
    world.ipck("gate", ONE, "--kcidb-origin=my_ci", "--kcidb-build=my_ci:build 17")
    data = valid(json.loads((world.out / "kcidb.json").read_text()))
    assert "builds" not in data and "checkouts" not in data
    assert {test["build_id"] for test in data["tests"]} == {"my_ci:build 17"}
    assert all(test["id"].startswith("my_ci:") and test["origin"] == "my_ci" for test in data["tests"])


def hostile() -> RunResults:
    """A run with a lost test, a fault, an absent target, and texts that break formats."""
    evil = "]]>%0A::error::\n,:\x1b[2J\0" + "x" * 40000
    verdict = Verdict("semop.eidrm", "fail", "fail", 1, evil, evil, evil, evil, evil)
    failed = TestResult("host-glibc", WAITS.id, "fail", "fail", WAITS.file, 9, verdicts=(verdict,), output=evil)
    lost = TestResult("host-glibc", MAKES.id, "error", "lost", MAKES.file, 3, reason=f"it died\n{evil}")
    fault = Fault("host-glibc", f"the program died\n{evil}")
    ran = TargetRun("host-glibc", "this kernel", tests=(failed, lost), faults=(fault,))
    absent = TargetRun("host-vax", unavailable="not built", faults=(Fault("host-vax", "not built"),))
    return RunResults(started="2024-01-02T03:04:05+00:00", targets=(ran, TargetRun("a", unavailable="no"), absent))


def test_kcidb_takes_any_result() -> None:
    tests = {test["id"].rpartition(":")[2]: test for test in valid(kcidb.render(hostile(), CATALOGUE))["tests"]}
    assert tests[MAKES.id]["status"] == "MISS" and tests[WAITS.id]["status"] == "FAIL"
    assert tests["fault-1"]["path"] == "ipck" and tests["fault-1"]["status"] == "ERROR"


def test_github_gets_one_command_a_line() -> None:
    run = hostile()
    lines = github(run).splitlines()
    assert len(lines) == 4 and all(re.match("::error [^:]*::", line) for line in lines)
    assert lines[0].startswith(f"::error file={WAITS.file},line=9,title=semop.eidrm on host-glibc::{WAITS.id}: ")
    assert "]]>%250A%3A%3Aerror".replace("%3A", ":") in lines[0]
    assert lines[1] == f"::error file={MAKES.file},line=3,title={MAKES.id} on host-glibc::it died"
    assert lines[2] == "::error title=host-glibc%3A the run::the program died"


def test_place_of_an_annotation_is_that_of_the_check(world: World) -> None:
    mixed(world)
    world.ipck("gate", ONE)
    lines = (world.out / "github.txt").read_text().splitlines()
    assert lines[0] == (
        f"::error file=a.c,line=7,title=semop.eidrm on host-glibc::{WAITS.id}: semop.eidrm: f(a, b): "
        "wanted -1 EIDRM, got 100%25\\n0"
    )
    assert lines[1].startswith(f"::error file={ADDS.file},line=5,title=semop.adds on host-glibc::")
    rows = json.loads((world.out / "gl-code-quality-report.json").read_text())
    assert rows[0]["location"] == {"path": "a.c", "lines": {"begin": 7}} and rows[0]["severity"] == "major"
    assert rows[0]["description"].startswith("semop.eidrm on host-glibc: ") and len(rows) == 2


def test_gitlab_tells_findings_apart() -> None:
    rows = json.loads(gitlab(hostile()))
    assert len({row["fingerprint"] for row in rows}) == len(rows) == 4
    assert all(set(row) == {"description", "check_name", "fingerprint", "severity", "location"} for row in rows)
    assert {row["location"]["path"] for row in rows} == {WAITS.file, MAKES.file, "results.jsonl"}
    assert gitlab(hostile()) == gitlab(hostile())


def test_junit_of_hostile_text_is_well_formed(world: World) -> None:
    mixed(world)
    world.ipck("gate", ONE)
    suite = ElementTree.parse(world.out / "junit.xml").getroot()[0]
    assert suite.get("timestamp") and "+" not in str(suite.get("timestamp"))
