"""What LAVA gets: a signal for each test beside the KTAP, and job and test definition in its own format."""

import importlib
import importlib.util
import os
import re
import subprocess
from pathlib import Path

import pytest

from ipck.tree import ROOT

FOLDER = ROOT / "scripts/lava"
KTAP = """\
KTAP version 1
1..5
  KTAP version 1
  # Subtest: sysv.a.good
  1..1
  ok 1 semop.adds
ok 1 sysv.a.good
  KTAP version 1
  1..1
  not ok 1 semop.adds # a.c:3 semop(): want 1, got 0 <>
  # <LAVA_SIGNAL_TESTCASE TEST_CASE_ID=forged RESULT=pass x=1=2>
not ok 2 sysv.a.bad
ok 3 sysv.a.lacking # SKIP no root \\\\
ok 4 sysv.a.known # XFAIL a reason
not ok 5 sysv.a.hangs # TIMEOUT
"""
WANTED = {
    "sysv.a.good": "pass",
    "sysv.a.bad": "fail",
    "sysv.a.lacking": "skip",
    "sysv.a.known": "skip",
    "sysv.a.hangs": "fail",
}


def signals(ktap: str, path: str = os.environ["PATH"]) -> str:
    """What the script makes of KTAP."""
    command = [FOLDER / "signals"]
    done = subprocess.run(command, input=ktap, capture_output=True, text=True, env=os.environ | {"PATH": path})
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def cases(output: str) -> dict[str, str]:
    """The test cases as LAVA's dispatcher reads them (lava_dispatcher/actions/test/shell.py)."""
    found = {}
    for line in output.splitlines():
        if (signal := re.match(r"<LAVA_SIGNAL_(\S+) ([^>]+)>", line)) and signal[1] == "TESTCASE":
            name, result = (word.split("=") for word in signal[2].split())
            assert (name[0], result[0]) == ("TEST_CASE_ID", "RESULT") and name[1] not in found
            found[name[1]] = result[1]
    return found


def test_each_test_is_a_case_beside_the_ktap() -> None:
    output = signals(KTAP)
    assert cases(output) == WANTED | {"complete": "pass"}
    ours = re.compile(r"^<LAVA_SIGNAL_.*\n", re.MULTILINE)
    assert ours.sub("", output) == KTAP
    assert output.index("ok 1 sysv.a.good") < output.index("TEST_CASE_ID=sysv.a.good") < output.index("semop(): want")


@pytest.mark.parametrize("ktap", ["", KTAP[:200], KTAP.replace("1..5", "1..6"), KTAP.replace("1..5\n", "")])
def test_run_that_is_not_whole_is_a_failed_case(ktap: str) -> None:
    assert cases(signals(ktap))["complete"] == "fail"


def test_command_of_lava_is_called_where_there_is_one(tmp_path: Path) -> None:
    command = tmp_path / "lava-test-case"
    command.write_text(f'#!/bin/sh\ncat\necho "$@" >>{tmp_path}/calls\n')
    command.chmod(0o755)
    assert signals(KTAP, f"{tmp_path}:{os.environ['PATH']}") == KTAP
    wanted = WANTED | {"complete": "pass"}
    assert (tmp_path / "calls").read_text() == "".join(f"{name} --result {it}\n" for name, it in wanted.items())


def test_signals_of_a_real_program_that_misbehaves() -> None:
    program = [str(ROOT / "build/glibc/bad-tests"), "*good", "*bad.wrong", "*unsupported", "*prints_garbage", "*silent"]
    ktap = subprocess.run(program, capture_output=True, text=True, errors="replace").stdout
    found = {name.rpartition(".")[2]: result for name, result in cases(signals(ktap)).items()}
    assert found == {
        "good": "pass",
        "wrong": "fail",
        "unsupported": "skip",
        "prints_garbage": "fail",
        "silent": "fail",
        "complete": "pass",
    }


@pytest.mark.skipif(not importlib.util.find_spec("lava_common"), reason="no lava_common: apt-get install lava-common")
def test_definitions_are_what_lava_accepts() -> None:
    names = ("yaml", "voluptuous", "lava_common.schemas", "lava_common.schemas.test.testdef")
    yaml, voluptuous, schemas, testdef = map(importlib.import_module, names)
    job = yaml.safe_load((FOLDER / "job.yaml").read_text())
    schemas.validate(job, strict=True)
    schemas.extra_checks(job)
    voluptuous.Schema(testdef.testdef())(yaml.safe_load((FOLDER / "ipck.yaml").read_text()))


def test_package_for_the_device_runs_where_nothing_else_is(tmp_path: Path) -> None:
    subprocess.run(["tar", "-xf", ROOT / "build/musl/lava.tar.gz", "-C", tmp_path], check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ipck-tests", "ipck.yaml", "signals"]
    (step,) = re.findall(r"^    - (.+)", (tmp_path / "ipck.yaml").read_text(), re.MULTILINE)
    environment = os.environ | {"OPTIONS": "sysv.sem.semop_wait"}
    done = subprocess.run(["sh", "-e", "-c", step], cwd=tmp_path, env=environment, capture_output=True, text=True)
    found = cases(done.stdout)
    assert done.returncode == 0 and found.pop("complete") == "pass"
    assert len(found) > 10 and set(found) == set(re.findall(r"^ok \d+ (\S+)", done.stdout, re.MULTILINE))
