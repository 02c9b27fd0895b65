"""Whole runs of `ipck run` and the other commands on stub programs."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from ipck.targets import Test
from stubs import (
    ADDS, ADDS_RAW, HARNESS, MAKES, TESTS, WAITS, World, end, result, run_line, short, start, wait_for, whole,
)  # fmt: skip

ONE = "--target=host-glibc"
REPORTS = ("results.jsonl", "junit.xml", "ktap/host-glibc.ktap", "summary.json", "index.html", "overview.html",
           "targets.html", "findings.html")  # fmt: skip
ENTRY = (
    '[[deviation]]\ntest = "{test}"\nrequirement = "{requirement}"\nverdict = "fail"\n'
    'reason = "kernel bug"\nreference = "commit 1"\nsince = "6.1"\n'
)


def failing() -> list[str]:
    """A run in which one test fails and one is skipped."""
    rows = [
        {"id": "semop.eidrm", "verdict": "fail", "where": "a.c:7", "expression": "f()", "wanted": "EIDRM", "got": "0"},
        {"id": "semop.eintr", "verdict": "pass"},
    ]
    skipped = json.loads(result(MAKES, "skip"))
    skipped["requirements"][0]["reason"] = "no root"
    results = [result(ADDS), result(ADDS_RAW), result(WAITS, "fail", requirements=rows), json.dumps(skipped)]
    return [run_line(), *results, end(4)]


def table(output: str) -> dict[str, list[str]]:
    """The rows of the table of targets."""
    rows = [line.split() for line in output.splitlines() if re.match(r"host-\S+ ", line)]
    return {row[0]: row[1:] for row in rows if not row[0].endswith(":")}


def test_good_run_makes_all_files(world: World) -> None:
    world.program(whole())
    done = world.ipck("run", ONE, "--seed=5")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"report: {world.out}/index.html\nexit status 0: all as expected\n" in done.stdout
    assert {str(path.relative_to(world.out)) for path in world.out.rglob("*")} == {*REPORTS, "ktap"}
    assert [line["type"] for line in world.lines()] == ["run", *["test"] * 4, "end"]
    (run,) = world.lines("run")
    assert run["seed"] == 5 and run["info"]["libc"] == "stub 1"
    assert run["command"].startswith("ipck run ") and run["argv"][1:5] == ["--json", "-", "--shuffle", "--seed"]
    assert json.loads((world.out / "summary.json").read_text())["targets"]["host-glibc"]["tests"]["passed"] == 4
    assert (world.out / "ktap/host-glibc.ktap").read_text().startswith("KTAP version 1\n")


def test_failure_is_explained_and_ends_with_1(world: World) -> None:
    world.program(failing())
    done = world.ipck("run", ONE)
    assert done.returncode == 1
    parts = (f"FAIL {WAITS.id}", "Statement of semop.eidrm", "ipc/sem.c", "a.c:7", "wanted:      EIDRM")
    for part in (*parts, "exit status 1: "):
        assert part in done.stdout
    assert table(done.stdout)["host-glibc"][:6] == ["4", "2", "1", "0", "1", "0"]


def test_junit_has_each_requirement(world: World) -> None:
    world.program([*failing()[:3], result(WAITS, "unresolved"), *failing()[4:5], "garbage", end(4)])
    world.ipck("run", ONE)
    suite = ElementTree.parse(world.out / "junit.xml").getroot()[0]
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "5", "failures": "0", "errors": "2", "skipped": "1"
    }  # fmt: skip
    cases = {case.get("name"): case for case in suite}
    waits = cases[WAITS.id]
    assert (waits.get("classname"), waits.get("file"), waits.get("line")) == ("host-glibc", WAITS.file, "9")
    assert {one.get("name"): one.get("value") for one in waits.iter("property")} == {
        "semop.eidrm": "error",
        "semop.eintr": "error",
    }
    assert [child.tag for child in waits] == ["properties", "error"]
    skip = cases[MAKES.id].find("skipped")
    assert skip is not None and skip.get("message") == "no root"
    fault = cases["fault-1"].find("error")
    assert fault is not None and "line 6 of the output is not JSON" in str(fault.text)


def test_hostile_text_leaves_all_files_well_formed(world: World) -> None:
    evil = "]]>\x1b[2J\0<script>&\ud800\u202e\"'"
    row = dict.fromkeys(("where", "expression", "wanted", "got", "row"), evil)
    rows = [row | {"id": "semget.new", "verdict": "fail"}]
    world.program([run_line(libc=evil), *whole()[1:-3], result(MAKES, "fail", requirements=rows, output=evil), end(4)])
    done = world.ipck("run", ONE)
    assert done.returncode == 1 and "\x1b[2J" not in done.stdout and "\\x1b[2J" in done.stdout
    ElementTree.parse(world.out / "junit.xml")
    assert "<script>&" not in (world.out / "index.html").read_text()
    for path in world.out.rglob("*.*"):
        assert not set(path.read_text()) & set("\0\x1b\u202e"), path
    assert world.lines("test")


def test_known_deviation_is_as_expected_and_a_fixed_one_is_red(world: World) -> None:
    world.program(failing())
    world.baseline(ENTRY.format(test=WAITS.id, requirement="semop.eidrm"))
    known = world.ipck("run", ONE)
    assert known.returncode == 0 and table(known.stdout)["host-glibc"][5] == "1"
    xfail = ElementTree.parse(world.out / "junit.xml").getroot().find(".//skipped[@type='known']")
    assert xfail is not None and xfail.get("message") == "kernel bug"
    world.program(whole())
    fixed = world.ipck("run", ONE)
    assert fixed.returncode == 1 and f"FIXED {WAITS.id}" in fixed.stdout
    assert "passes now, remove the deviation: kernel bug" in fixed.stdout


def test_deviation_of_a_deselected_test_is_not_judged(world: World) -> None:
    world.program(whole([ADDS]))
    world.baseline(ENTRY.format(test=WAITS.id, requirement="semop.eidrm"))
    done = world.ipck("run", ONE, "-k", "adds.libc")
    assert done.returncode == 0 and world.outcomes() == {ADDS.id: "pass"}


def test_targets_run_side_by_side_and_are_reported_in_their_order(world: World) -> None:
    # Each program waits for the other, which one after the other would never do.
    meet = 'touch "{0}/$$.here"; while [ "$(ls "{0}" | grep -c here)" -lt 2 ]; do sleep 0.01; done; cat "$lines"'
    for flavour in ("glibc", "i386"):
        world.program(whole(), shell=meet.format(world.root), flavour=flavour)
    done = world.ipck("run", "--target=host-i386,host-glibc")
    assert done.returncode == 0 and list(table(done.stdout)) == ["host-i386", "host-glibc"]
    suites = ElementTree.parse(world.out / "junit.xml").getroot()
    expected = [(target, test.id) for target in ("host-i386", "host-glibc") for test in (MAKES, ADDS, ADDS_RAW, WAITS)]
    assert [(case.get("classname"), case.get("name")) for suite in suites for case in suite] == expected


def test_what_all_flavours_share_is_judged_once(world: World) -> None:
    tool = Test("tools.ipcs.lists.all", "conformance/tools/ipcs.c", 5, ("semop.adds",))
    tests = [ADDS, ADDS_RAW, tool]
    for flavour in ("glibc", "musl", "i386"):
        shell = 'cat >"$here/select"; head -1 "$lines"; grep -F -f "$here/select" "$lines"; tail -1 "$lines"'
        world.program(whole(tests), shell, tests, flavour=flavour)
    asked = {"host-musl": [ADDS, ADDS_RAW, tool], "host-glibc": [ADDS], "host-i386": [ADDS, ADDS_RAW]}
    world.ipck("run", f"--target={','.join(asked)}")
    for target, wanted in asked.items():
        selected = (world.build / target.removeprefix("host-") / "select").read_text().split()
        assert sorted(selected) == sorted(test.id for test in wanted), target


def test_results_with_xdist_are_the_same(world: World) -> None:
    for flavour in ("glibc", "musl"):
        shell = (
            'select="$here/select.$$"; cat >"$select"; head -1 "$lines"; grep -F -f "$select" "$lines"; '
            'echo "{\\"type\\":\\"end\\",\\"tests\\":$(wc -l <"$select")}"; echo x >>"$here/starts"'
        )
        world.program(failing(), shell, flavour=flavour)
    world.baseline(ENTRY.format(test=WAITS.id, requirement="semop.eidrm"))
    seen = []
    ways: list[list[str]] = [[], ["-n", "2"]]
    for arguments in ways:
        done = world.ipck("run", "--target=host-glibc,host-musl", "--seed=3", *arguments)
        assert done.returncode == 1, done.stdout + done.stderr
        differs = {"argv": 0, "command": 0, "started": 0, "seconds": 0}
        lines = [line | differs for line in world.lines() if line["type"] != "end"]
        counts = {name: row[:-1] for name, row in table(done.stdout).items()}
        ktap = [(world.out / f"ktap/{name}.ktap").read_text() for name in ("host-glibc", "host-musl")]
        junit = re.sub(r'time\w*="[^"]*"', "", (world.out / "junit.xml").read_text())
        seen.append((sorted(lines, key=str), counts, ktap, junit))
    for alone, distributed in zip(seen[0], seen[1]):
        assert alone == distributed
    starts = (world.build / "glibc/starts").read_text().split()
    assert len(starts) == 1 + 2, "one run for all without xdist, one for each file with it"


def test_worker_that_dies_takes_only_its_test_along(world: World) -> None:
    shell = 'grep -q makes && echo x >>"$here/kills" && kill -9 $PPID; cat "$lines"'
    world.program([*whole([ADDS])[:-1], "garbage", end(1)], shell, tests=[ADDS, MAKES])
    done = world.ipck("run", ONE, "-n", "1")
    assert done.returncode == 2
    assert world.outcomes() == {ADDS.id: "pass", MAKES.id: "error"}
    assert "the pytest worker died" in done.stdout
    assert (world.build / "glibc/kills").read_text() == "x\n", "the culprit does not run again"
    assert [line["line"] for line in world.lines("error")] == [4], "faults come along with results"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target=host-vax"], "unknown target 'host-vax'; known targets: default, matrix, all, host-glibc, "),
        (["--seed=x"], "argument --seed: 'x' is not a whole number"),
        (["--seed=-1"], "argument --seed: '-1' is not a whole number"),
        (["--jobs=1.5"], "argument --jobs: '1.5' is not a whole number"),
        (["--time-scale=0"], "argument --time-scale: '0' is not a number between 0 and 1000"),
        (["--time-scale=nan"], "argument --time-scale: 'nan' is not a number between 0 and 1000"),
        (["--colour"], "unrecognized arguments: --colour"),
        ([ONE, "-k", "and"], "Wrong expression passed to '-k'"),
        (["--build=/nowhere"], "target host-glibc is unavailable: /nowhere/glibc/ipck-tests is not built: run make"),
        (
            [ONE, "--baselines={bad}"],
            "host-glibc.toml:2: deviation number 1: key 'test': 'sysv.gone' is no test of this target",
        ),
        ([ONE, "--requirements={bad}"], "semop.toml:1: key 'title': is missing"),
        ([ONE, "--out={bad}/file"], "file/results.jsonl: cannot be written: "),
    ],
    ids=short,
)
def test_bad_input_is_one_message_and_status_2(arguments: list[str], message: str, world: World) -> None:
    world.program(whole())
    bad = world.root / "bad"
    bad.mkdir()
    (bad / "file").write_text("")
    (bad / "host-glibc.toml").write_text(ENTRY.format(test="sysv.gone", requirement="semop.adds"))
    (bad / "semop.toml").write_text('interface = "semop"\n[[requirement]]\n')
    done = world.ipck("run", *(argument.format(bad=bad) for argument in arguments))
    assert done.returncode == 2, done.stdout
    assert message in done.stderr + done.stdout and "Traceback" not in done.stderr + done.stdout


def test_unknown_requirement_of_a_test_is_told_before_anything_runs(world: World) -> None:
    tests = [*TESTS, Test("sysv.new", "a.c", 1, ("semop.typo",))]
    world.program(whole(), shell='touch "$here/ran"', tests=tests)
    done = world.ipck("run", ONE)
    assert done.returncode == 2 and not (world.build / "glibc/ran").exists()
    assert "test sysv.new (a.c:1) names the unknown requirement 'semop.typo'" in done.stderr


@pytest.mark.parametrize("isolation", ["namespaces", "user namespace", "none: Operation not permitted"])
def test_machine_without_namespaces_is_undecided_with_the_remedy(isolation: str, world: World) -> None:
    world.program([run_line(isolation=isolation), *whole()[1:]])
    done = world.ipck("run", ONE)
    nothing = isolation.startswith("none")
    assert done.returncode == (2 if nothing else 0)
    assert ("(Operation not permitted): run as root, or allow user namespaces" in done.stdout) == nothing


def test_nothing_selected(world: World) -> None:
    world.program(whole())
    done = world.ipck("run", ONE, "-k", "nothing")
    assert done.returncode == 2 and "ERROR no test was selected" in done.stdout


def test_target_that_is_not_there_by_default_is_left_out(world: World) -> None:
    world.program(whole())
    done = world.ipck("run")
    assert done.returncode == 0 and "skipped host-musl: " in done.stdout and "is not built: run make" in done.stdout
    assert table(done.stdout)["host-i386"] == ["unavailable"]
    assert len(world.lines("run")) == 4
    assert [path.name for path in (world.out / "ktap").iterdir()] == ["host-glibc.ktap"]


def test_target_that_is_not_there_but_asked_for_is_an_error(world: World) -> None:
    world.program(whole())
    done = world.ipck("run", "--target=host-glibc,host-musl")
    assert done.returncode == 2 and "ERROR host-musl: " in done.stdout
    assert world.outcomes() == {test.id: "pass" for test in TESTS}


def test_earlier_reports_do_not_stay(world: World) -> None:
    world.program(whole(), flavour="musl")
    world.program(whole())
    world.ipck("run", "--target=host-glibc,host-musl")
    world.ipck("run", ONE, "-k", "nothing")
    assert {path.name for path in world.out.rglob("*") if path.is_file()} == {"results.jsonl"}


def test_earlier_report_that_cannot_be_removed_is_named(world: World) -> None:
    world.program(whole())
    (world.out / "summary.json").mkdir(parents=True)
    done = world.ipck("run", ONE)
    assert done.returncode == 2 and f"{world.out}/summary.json: cannot be written: Is a directory" in done.stderr


@pytest.mark.parametrize("name", REPORTS)
def test_full_disk_names_the_file_and_keeps_the_rest(name: str, world: World) -> None:
    world.program(failing())
    path = world.out / name
    path.parent.mkdir(parents=True)
    if name == "results.jsonl":
        path.symlink_to("/dev/full")
        patch = "ipck.publish.Path.unlink = lambda *_, **__: None"
    else:
        patch = (
            "import builtins, io, os\n"
            "def full(file, mode='r', *rest, real=io.open, **named):\n"
            "    opened = real(file, mode, *rest, **named)\n"
            f"    if {path.name!r} in str(file) and 'w' in mode:\n"
            "        os.dup2(os.open('/dev/full', os.O_WRONLY), opened.fileno())\n"
            "    return opened\n"
            "io.open = builtins.open = full"
        )
    start_up = f"import sys, ipck.publish, ipck.cli\n{patch}\nsys.exit(ipck.cli.main(sys.argv[1:]))"
    arguments = [sys.executable, "-c", start_up, *world.command("run", ONE)[3:]]
    done = subprocess.run(arguments, capture_output=True, text=True, env=world.environment(), timeout=60, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"{world.out}/{name}: cannot be written: No space left on device: make room" in done.stdout
    assert done.stdout.count("No space left") == 1
    assert f"FAIL {WAITS.id}" in done.stdout and table(done.stdout)["host-glibc"][:3] == ["4", "2", "1"]
    written = {str(path.relative_to(world.out)) for path in world.out.rglob("*") if path.is_file()}
    assert written == set(REPORTS) - {name}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_keeps_its_results_and_stops_the_programs(number: int, world: World) -> None:
    shell = 'echo $$ >"$here/pid"; cat "$lines"; sleep 60'
    world.program([run_line(), start(ADDS), result(ADDS), start(WAITS)], shell=shell)
    journal = world.out / "results.jsonl"
    command = world.command("run", ONE)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=world.environment()) as process:
        wait_for(lambda: journal.exists() and ADDS.id in journal.read_text())
        process.send_signal(number)
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 2
    assert world.outcomes() == {ADDS.id: "pass"} and "ERROR host-glibc: the run was stopped" in output
    assert "Traceback" not in output and "KeyboardInterrupt" not in output
    assert (world.out / "index.html").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int((world.build / "glibc/pid").read_text()), 0)


def test_killed_run_loses_nothing_that_came(world: World) -> None:
    world.program([run_line(), start(ADDS), result(ADDS), start(WAITS)], shell="sleep 5")
    journal = world.out / "results.jsonl"
    with subprocess.Popen(world.command("run", ONE), stdout=subprocess.DEVNULL, env=world.environment()) as process:
        wait_for(lambda: journal.exists() and ADDS.id in journal.read_text())
        process.kill()
    done = world.ipck("report", str(journal))
    assert done.returncode == 2 and "the results of host-glibc are cut short" in done.stdout
    assert table(done.stdout)["host-glibc"][:4] == ["2", "1", "0", "1"]


def test_stopping_at_the_first_failure(world: World) -> None:
    world.program([run_line(), result(ADDS, "fail"), start(WAITS)], shell="sleep 60")
    done = world.ipck("run", ONE, "-x")
    assert done.returncode == 1 and world.outcomes() == {ADDS.id: "fail"}


def test_terminal_gets_a_live_line(world: World) -> None:
    world.program(failing()[:-1], shell=f"sleep 0.3; echo '{end(4)}'")
    controller, terminal = pty.openpty()
    command = world.command("run", ONE)
    with subprocess.Popen(command, stdout=terminal, stderr=terminal, env=world.environment()) as process:
        os.close(terminal)
        output = b""
        try:
            while piece := os.read(controller, 4096):
                output += piece
        except OSError:  # how a terminal tells that nobody has it open any more
            pass
        assert process.wait(20) == 1
    os.close(controller)
    assert b"\rhost-glibc 4/4 (1 red)" in output
    assert re.search(rb"host-glibc +4 +2 +1", output)


def test_pipe_gets_a_plain_line_a_target(world: World) -> None:
    world.program(failing())
    done = world.ipck("run", ONE)
    assert "\r" not in done.stdout
    assert done.stdout.startswith("host-glibc: 4 tests: 2 passed, 1 failed, 1 skipped, ")
    assert done.stdout.count("host-glibc: ") == 1


def test_verbose_run_names_each_test(world: World) -> None:
    world.program(failing())
    done = world.ipck("run", ONE, "-v")
    assert f"host-glibc::{WAITS.id} fail\n" in done.stdout and f"host-glibc::{MAKES.id} skip\n" in done.stdout


def test_folders_may_be_relative(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.program(whole())
    monkeypatch.chdir(world.root)
    done = world.ipck("run", ONE, "--build=build", "--out=elsewhere")
    assert done.returncode == 0 and (world.root / "elsewhere/index.html").exists()


def test_items_can_be_listed_without_a_run(world: World) -> None:
    world.program(whole(), shell='touch "$here/ran"')
    done = world.ipck("run", ONE, "--collect-only", "-q")
    assert done.returncode == 0 and not (world.build / "glibc/ran").exists() and not world.out.exists()
    assert done.stdout.splitlines()[:4] == [f"host-glibc::{test.id}" for test in TESTS]


def test_pytest_can_be_called_directly(world: World) -> None:
    world.program(failing())
    suite = HARNESS / "suite"
    command = [sys.executable, "-m", "pytest", str(suite), *world.folders, f"--out={world.out}", ONE]
    environment = {name: value for name, value in world.environment().items() if name != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=world.root, check=False)
    assert done.returncode == 1 and world.outcomes()[WAITS.id] == "fail"
    assert world.lines("run")[0]["command"].startswith("pytest ")


def test_reports_can_be_made_again_from_the_stored_results(world: World) -> None:
    world.program(failing())
    world.ipck("run", ONE)
    again = world.root / "again"
    done = world.ipck("report", str(world.out / "results.jsonl"), f"--out={again}")
    assert done.returncode == 1 and f"FAIL {WAITS.id}" in done.stdout
    for name in ("summary.json", "index.html", "overview.html", "ktap/host-glibc.ktap"):
        assert (again / name).read_text() == (world.out / name).read_text()
    assert world.ipck("report", str(world.root / "none.jsonl")).returncode == 2


def test_trace_matrix(world: World) -> None:
    world.program(tests=[ADDS, ADDS_RAW, MAKES])
    done = world.ipck("list")
    assert done.returncode == 0
    assert done.stdout == (
        f"semget.new\n    {MAKES.id}\t{MAKES.file}:3\n"
        f"semop.adds\n    {ADDS.id}\t{ADDS.file}:5\n    {ADDS_RAW.id}\t{ADDS.file}:5\n"
        "semop.eidrm\n    untested\nsemop.eintr\n    untested\n"
    )
    untested = world.ipck("list", "--untested")
    assert untested.stdout == "semop.eidrm\tStatement of semop.eidrm\nsemop.eintr\tStatement of semop.eintr\n"
    missing = world.ipck("list", "--target=host-musl")
    assert missing.returncode == 2 and "host-musl" in missing.stderr and "is not built" in missing.stderr


def test_one_requirement_can_be_looked_up(world: World) -> None:
    world.program()
    assert world.ipck("list", WAITS.requirements[0]).stdout.splitlines()[0] == WAITS.requirements[0]
    heads = [line for line in world.ipck("list", "semop.*").stdout.splitlines() if not line.startswith(" ")]
    assert heads and all(head.startswith("semop.") for head in heads)
    unknown = world.ipck("list", "semop.typo")
    assert (unknown.returncode, unknown.stderr) == (2, "ipck: the catalogue has no requirement 'semop.typo'\n")


def test_output_that_nobody_reads_is_no_traceback(world: World) -> None:
    world.program()
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as nobody:
        command = world.command("list")
        done = subprocess.run(command, stdout=nobody, stderr=subprocess.PIPE, env=world.environment(), check=False)
    assert done.stderr == b"" and done.returncode == 2


@pytest.mark.parametrize(
    ("module", "package"),
    [("pytest", "python3-pytest"), ("jinja2", "python3-jinja2"), ("xdist", "python3-pytest-xdist")],
)
def test_missing_module_is_one_message_with_the_remedy(module: str, package: str, world: World) -> None:
    block = f"import sys; sys.modules[{module!r}] = None\nfrom ipck.cli import main\nsys.exit(main(['run', '-n2']))"
    command = [sys.executable, "-c", block]
    done = subprocess.run(command, capture_output=True, text=True, env=world.environment(), check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert f"lacks modules: apt-get install {package}\n" in done.stderr


def test_wrapper_runs_from_anywhere(tmp_path: Path) -> None:
    wrapper = HARNESS.parent / "scripts/ipck"
    done = subprocess.run([wrapper, "catalogue"], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0 and "requirements of" in done.stdout


OWN = (ADDS, WAITS, MAKES)  # what each flavour judges by itself


def test_targets_take_turns(world: World) -> None:
    for flavour in ("glibc", "musl", "i386"):
        world.program(
            whole(OWN),
            f'mkdir "{world.root}/busy" || touch "{world.root}/two"; cat "$lines"; rmdir "{world.root}/busy"',
            OWN,
            flavour,
        )
    done = world.ipck("run", "--target=host-glibc,host-musl,host-i386", "--side-by-side=1")
    assert done.returncode == 0 and not (world.root / "two").exists()
    assert set(table(done.stdout)) == {"host-glibc", "host-musl", "host-i386"}


def test_targets_run_side_by_side(world: World) -> None:
    for flavour, other in (("glibc", "musl"), ("musl", "glibc")):
        world.program(
            whole(OWN),
            f'touch "$here/begun"; until [ -e "{world.build}/{other}/begun" ]; do :; done; cat "$lines"',
            OWN,
            flavour,
        )
    assert world.ipck("run", "--target=host-glibc,host-musl", "--side-by-side=2").returncode == 0


def test_targets_named_by_kind_and_argument(world: World) -> None:
    world.program(flavour="glibc-static")
    for option in ("--target=kernel:/no/bzImage", "--kernel=/no/bzImage"):
        done = world.ipck("run", option, "--target", "host-glibc")
        assert done.returncode == 2 and "kernel-bzImage is unavailable: " in done.stdout + done.stderr
