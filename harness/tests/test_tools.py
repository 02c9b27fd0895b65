"""The tests of ipcs, ipcrm, ipcmk and lsipc judge what stands first in the PATH, whatever that does.

Another implementation passes what POSIX asks for and is not asked for more. Programs that crash, hang, or write rubbish
get clear verdicts and cost no results. And util-linux's own, broken in one way each by a wrapper, turn tests red.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ipck.tree import BUILD

HERE = Path(__file__).resolve().parent / "tools"
PROGRAM = BUILD / "glibc/ipck-tests"
TOOLS = ("ipcs", "ipcrm", "ipcmk", "lsipc")
PATIENCE = 120  # seconds until a run counts as hung


@dataclass(frozen=True, slots=True)
class Run:
    """What came out of a run: its tests, the requirements that failed, its exit status."""

    tests: list[dict[str, Any]]
    failed: set[tuple[str, str]]
    returncode: int
    deadline: float  # as the program announced it: what was asked for, or more where processes are made slowly

    @property
    def statuses(self) -> dict[str, str]:
        return {test["test"]: test["status"] for test in self.tests}

    @property
    def reasons(self) -> list[str]:
        """Why requirements got no verdict."""
        return [row["reason"] for test in self.tests for row in test["requirements"] if row.get("reason")]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for stand-ins that every user may read."""
    path = Path(tempfile.mkdtemp(prefix="ipck-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def stand_in(folder: Path, tool: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / tool).write_text(text)
    (folder / tool).chmod(0o755)


def start(folder: Path, patterns: Sequence[str], *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [PROGRAM, "--json=-", *options, *patterns],
        env=os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(process: "subprocess.Popen[str]") -> Run:
    output, _ = process.communicate(timeout=PATIENCE)
    head, *lines, end = [json.loads(line) for line in output.splitlines()]
    tests = [line for line in lines if line["type"] == "test"]
    assert head["tests"] == end["tests"] == len(tests) > 0
    rows = [(test["test"], row) for test in tests for row in test["requirements"]]
    failed = {(test, row["id"]) for test, row in rows if row["verdict"] == "fail"}
    return Run(tests, failed, process.returncode, head["deadline"])


# ---- another implementation ----


def test_another_implementation_is_judged_by_posix_alone(folder: Path) -> None:
    for tool in ("ipcs", "ipcrm"):
        stand_in(folder, tool, f"#!{sys.executable} -SE\n{(HERE / 'posix.py').read_text()}")
    run = finish(start(folder, ["tools.ipcs_columns", "tools.ipcs_reports", "tools.ipcrm_id", "tools.ipcrm_*key"]))
    # Linux does not tell who waits for a queue.
    assert run.failed == {("tools.ipcs_columns.mode_shows_who_waits", "ipcs.col.mode")}
    assert set(run.statuses.values()) == {"pass", "fail", "skip"}
    if os.geteuid() == 0:
        assert all(" of util-linux (" in reason for reason in run.reasons)
    assert list(run.statuses.values()).count("pass") >= (25 if os.geteuid() == 0 else 20)


# ---- programs that go wrong ----


def run_with(folder: Path, text: str, *options: str, tests: Sequence[str] = ("tools.*",)) -> Run:
    """A run in which all tools are this program."""
    for tool in TOOLS:
        stand_in(folder, tool, text)
    return finish(start(folder, tests, *options))


# What is true of a program that does nothing as well.
TRUE_OF_NOTHING = {
    "tools.ipcs_reports.success_is_status_0_and_no_diagnostic",
    "tools.ipcrm_several.no_option_removes_nothing",
    "tools.ipcrm_several.standard_input_is_left_alone",
}


@pytest.mark.parametrize(
    ("text", "status"),
    [
        pytest.param("kill -SEGV $$", 139, id="killed-by-a-signal"),
        pytest.param("printf '%s' '  1 \\001\\377 -0x \" {'; exit 3", 3, id="rubbish-and-status-3"),
        pytest.param("printf '\\0\\0\\n\\0' >&2; head -c 3000000 /dev/zero", 0, id="three-megabytes-of-nothing"),
        pytest.param("exec >&- 2>&-", 0, id="nothing"),
    ],
)
def test_program_that_does_not_do_its_work_is_told_of(text: str, status: int, folder: Path) -> None:
    tests = ("tools.ipcs_reports", "tools.ipcrm_several", "tools.ipcmk_errors", "tools.lsipc_list")
    run = run_with(folder, f"#!/bin/sh\n{text}\n", tests=tests)
    passed = {test for test, found in run.statuses.items() if found == "pass"}
    assert set(run.statuses.values()) - {"pass"} == {"fail", "skip"}
    assert passed <= (TRUE_OF_NOTHING if status == 0 else set())
    assert run.returncode == 1
    told = f"of util-linux (\"TOOL --version\" does not say so, status {status})"
    assert {f"{tool} {told.replace('TOOL', tool)}" for tool in ("ipcrm", "ipcmk", "lsipc")} <= set(run.reasons)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("trap '' TERM HUP INT\nwhile :; do sleep 1000; done", id="hangs"),
        pytest.param("exec >&- 2>&-\nwhile :; do sleep 1000; done", id="hangs-after-its-output"),
        pytest.param("while :; do echo endless; done", id="writes-for-ever"),
        pytest.param("sleep 1000 &", id="leaves-a-process-that-holds-the-output"),
    ],
)
def test_program_that_does_not_end_is_named(text: str, folder: Path) -> None:
    tests = ("tools.ipcs_reports.*", "tools.ipcrm_key.*", "tools.ipcmk_errors.*")
    run = run_with(folder, f"#!/bin/sh\n{text}\n", "--deadline=2", "--jobs=32", tests=tests)
    assert set(run.statuses.values()) == {"timeout"}
    assert run.returncode == 2 and run.deadline >= 2
    for test in run.tests:
        tool = test["test"].split(".")[1].partition("_")[0]
        reason = test["requirements"][0]["reason"]
        assert reason.startswith(f"not finished after {run.deadline:g} s\n")
        assert f"({tool}) state" in reason or "(sleep) state" in reason


# ---- util-linux's own, broken ----


@dataclass(frozen=True, slots=True)
class Broken:
    """A way to break a tool: a script in which $real is the tool itself."""

    tool: str
    way: str
    script: str
    tests: str  # what is to notice it
    requirement: str


TAKE_ONE = """
id=$(ipcs -q | sed -n 's/^0x[0-9a-f]* *\\([0-9]*\\) .*/\\1/p' | tail -n 1)
[ -n "$id" ] && "$real" -q "$id" 2>&-"""
BROKEN = (
    Broken("ipcs", "loses an object", '"$real" "$@" | sed "/^0x/{n;d}"', "tools.ipcs_list", "ipcs.list.many"),
    Broken("ipcs", "shows an object twice", '"$real" "$@" | sed "5p"', "tools.ipcs_list", "ipcs.list.many"),
    Broken("ipcs", "shows other modes", '"$real" "$@" | sed "s/ 604 / 600 /"', "tools.ipcs_list", "ipcs.list.set"),
    Broken("ipcs", "shows other times", '"$real" "$@" | sed "s/:[0-9][0-9] /:60 /"', "tools.ipcs_list", "ipcs.time"),
    Broken("ipcs", "does not see what fails", '"$real" "$@"; exit 0', "tools.ipcs_reports", "ipcs.badopt"),
    Broken("ipcs", "complains on standard output", '"$real" "$@" 2>&1', "tools.ipcs_reports", "ipcs.badopt"),
    Broken("ipcs", "complains without a reason", '"$real" "$@"; echo hm >&2', "tools.ipcs_reports", "ipcs.stderr"),
    Broken("ipcs", "does not choose", '[ "$1" = -q ] && shift; "$real" "$@"', "tools.ipcs_reports", "ipcs.opt-q"),
    Broken("ipcs", "takes another order", '"$real" "$@" | tac', "tools.ipcs_reports", "ipcs.order"),
    Broken("ipcrm", "removes nothing", "exit 0", "tools.ipcrm_id", "ipcrm.q"),
    Broken("ipcrm", "removes one too many", f'"$real" "$@"; s=$?{TAKE_ONE}; exit $s', "tools.ipcrm_id", "ipcrm.q"),
    Broken("ipcrm", "does not see what fails", '"$real" "$@"; exit 0', "tools.ipcrm_id", "ipcrm.badid"),
    Broken("ipcrm", "complains on standard output", '"$real" "$@" 2>&1', "tools.ipcrm_id", "ipcrm.stdout-unused"),
    Broken("ipcrm", "tells what it does", '"$real" -v "$@"', "tools.ipcrm_id", "ipcrm.silent"),
    Broken("ipcrm", "takes keys for identifiers", '[ "$1" = -Q ] && shift && set -- -q "$@"; "$real" "$@"',
           "tools.ipcrm_key", "ipcrm.Q"),
    Broken("ipcrm", "removes the first alone", '[ "$1" = -a ] || set -- "$1" "$2"; "$real" "$@"',
           "tools.ipcrm_several", "ipcrm.multiple"),
    Broken("ipcrm", "reads its input", 'cat >&-; "$real" "$@"', "tools.ipcrm_several", "ipcrm.stdin-unused"),
    Broken("ipcmk", "makes two", '"$real" "$@" >&- 2>&-; "$real" "$@"', "tools.ipcmk_create", "ipcmk.queue"),
    Broken("ipcmk", "prints another identifier", '"$real" "$@" | sed "s/$/0/"', "tools.ipcmk_create", "ipcmk.output"),
    Broken("ipcmk", "makes a set of one", '"$real" "$@" -S 1', "tools.ipcmk_create", "ipcmk.sem"),
    Broken("ipcmk", "lets all write", '"$real" "$@" -p 666', "tools.ipcmk_mode", "ipcmk.mode"),
    Broken("ipcmk", "does not see what fails", '"$real" "$@"; exit 0', "tools.ipcmk_errors", "ipcmk.limit"),
    Broken("lsipc", "loses an object", '"$real" "$@" | sed "3d"', "tools.lsipc_list", "lsipc.many"),
    Broken("lsipc", "shows an object twice", '"$real" "$@" | sed "2p"', "tools.lsipc_list", "lsipc.many"),
    Broken("lsipc", "leaves columns out", '"$real" "$@" | sed "s/OWNER//"', "tools.lsipc_list", "lsipc.queues"),
    Broken("lsipc", "does not see what fails", '"$real" "$@"; exit 0', "tools.lsipc_list", "lsipc.badopt"),
    Broken("lsipc", "miscounts", '"$real" "$@" | sed "s/[1-9]\\b/9/"', "tools.lsipc_global", "lsipc.global.limits"),
)


@pytest.mark.parametrize("tests", sorted({broken.tests for broken in BROKEN}))
def test_broken_tool_is_noticed(tests: str, folder: Path) -> None:
    ways = [broken for broken in BROKEN if broken.tests == tests]
    for broken in ways:
        text = f"#!/bin/sh\nreal={shutil.which(broken.tool)}\n{broken.script}\n"
        stand_in(folder / broken.way.replace(" ", "-"), broken.tool, text)
    sound = finish(start(folder / "sound", [tests]))
    running = [(broken, start(folder / broken.way.replace(" ", "-"), [tests], "--jobs=2")) for broken in ways]
    for broken, process in running:
        run = finish(process)
        noticed = {requirement for _, requirement in run.failed - sound.failed}
        assert broken.requirement in noticed, f"{broken.tool} {broken.way}: only {sorted(noticed)}"
