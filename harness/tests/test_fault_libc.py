"""The faults inside calls of C libraries: what is found, and how it is judged."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ipck import calls
from ipck.errors import IpckError
from ipck.faults import inside
from ipck.tree import BUILD
from stubs import HARNESS, World

TABLE = {call.name: call for call in calls.load()}
PROGRAM = BUILD / "glibc" / inside.PROGRAM
SOURCE = HARNESS / "tests/programs/bad_shm.c"

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not built")


@pytest.fixture(name="library", scope="module")
def _library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shm_open() that does wrong."""
    path = tmp_path_factory.mktemp("bad") / "bad.so"
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", path, SOURCE], check=True)
    return path


def seen(library: Path, bad: str, *arguments: str) -> "list[inside.Row]":
    """The rows of shm_open() of something that is there, with the library that does wrong."""
    done = subprocess.run(
        [*inside.apart(), "env", f"LD_PRELOAD={library}", f"BAD={bad}", PROGRAM, *arguments, "shm_open.existing"],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return list(inside.judge(map(json.loads, done.stdout.splitlines()), "host-glibc", TABLE, ()))


def row(**changes: object) -> "dict[str, Any]":
    """A line of the program, as of a call that did right."""
    line = {"probe": "sem_open.create", "syscall": "openat", "n": 1, "fault": "EMFILE", "lasts": False}
    return line | {"outcome": "failed", "error": "EMFILE", "left": [], "problem": ""} | changes


def judged(**changes: object) -> "tuple[str, str, str]":
    """Outcome, kind and text of it."""
    (one,) = inside.judge([{"libc": "glibc 2.36"}, row(**changes)], "host-glibc", TABLE, ())
    return one.outcome, one.kind, one.got


def entry(**changes: str) -> str:
    """A listed deviation, in TOML."""
    fields = {"libc": "*", "probe": "sem_open.*", "syscall": "openat", "fault": "EMFILE", "kind": "errno"}
    fields |= {"reason": "it does", "reference": "seen", "since": "always"} | changes
    return "[[deviation]]\n" + "".join(f'{key} = "{value}"\n' for key, value in fields.items())


def test_library_that_does_right_passes(library: Path) -> None:
    rows = seen(library, "")
    assert {"EMFILE", "ENFILE", "EACCES"} <= {one.fault for one in rows}
    assert {(one.outcome, one.kind) for one in rows if one.fault in TABLE["shm_open"].errors} == {("pass", "")}
    assert [one.fault for one in rows if one.syscall == "openat" and one.n > 1] == []


@pytest.mark.parametrize(
    "bad, kind, text",
    [
        ("errno", "errno", "errno 71, which shm_open() may not report"),
        ("descriptor", "state", "+descriptor /dev/null"),
        ("file", "state", "+file left"),
        ("mapping", "state", "+mapping of 4096 bytes"),
        ("success", "state", "+descriptor /dev/null, otherwise than without the fault"),
        ("state", "state", "-file probe"),
        ("crash", "crash", "crashed Segmentation fault"),
    ],
)
def test_what_a_library_does_wrong_is_found(library: Path, bad: str, kind: str, text: str) -> None:
    done = [one for one in seen(library, bad) if one.fault == "EMFILE" and not one.lasts]
    assert [(one.outcome, one.kind) for one in done] == [("fail", kind)]
    assert text in done[0].got or bad == "descriptor" and "+descriptor" in done[0].got


@pytest.mark.parametrize("bad", ["lock", "hang"])
def test_call_that_does_not_end_is_found(library: Path, bad: str) -> None:
    done = [one for one in seen(library, bad, "--deadline-ms=700") if one.fault == "EMFILE"]
    assert [(one.outcome, one.kind) for one in done] == [("fail", "hang")]


def test_library_that_tries_again_passes(library: Path) -> None:
    done = [one for one in seen(library, "again") if one.fault == "EMFILE"]
    assert [(one.lasts, one.outcome, one.got) for one in done] == [
        (False, "pass", "succeeded"), (True, "pass", "failed EMFILE"),
    ]  # fmt: skip


@pytest.mark.parametrize("target", ["host-glibc", "host-glibc-static", "host-musl", "host-i386"])
def test_installed_libraries_do_as_they_are_known_to(target: str, tmp_path: Path) -> None:
    if not (BUILD / target.removeprefix("host-") / inside.PROGRAM).exists():
        pytest.skip("is not built")
    said: list[str] = []
    status, rows = inside.torture([target], [], said.append)
    assert status == 0, said
    assert {one.call for one in rows} >= {
        "sem_open", "sem_close", "sem_unlink", "sem_wait", "sem_timedwait", "shm_open", "shm_unlink", "mq_open",
        "mq_notify", "mq_timedsend", "mq_timedreceive", "semctl", "msgctl", "shmctl", "ftok",
    }  # fmt: skip
    assert len([one for one in rows if one.outcome != "skip"]) > 200
    empty = tmp_path / "known.toml"
    empty.write_text("")
    status, rows = inside.torture([target], ["sem_open.create"], said.append, known=empty)
    assert status == 1 and any("FAIL" in line and "sem_open.create: write 1 short" in line for line in said)


@pytest.mark.parametrize(
    "line, outcome, kind",
    [
        ({}, "pass", ""),
        ({"outcome": "succeeded", "error": ""}, "pass", ""),
        ({"error": "EPROTO"}, "fail", "errno"),
        ({"fault": "short", "error": "ENOENT"}, "fail", "errno"),
        ({"fault": "short", "error": "ENOSPC"}, "pass", ""),
        ({"left": ["+file x"]}, "fail", "state"),
        ({"problem": "the next sem_open() fails"}, "fail", "state"),
        ({"outcome": "crashed", "error": "Aborted"}, "fail", "crash"),
        ({"outcome": "hung", "error": ""}, "fail", "hang"),
        ({"fault": "", "outcome": "succeeded", "error": "", "problem": "has no way to fail"}, "skip", ""),
        ({"fault": "", "outcome": "unknown", "error": "", "problem": "is not in errors.c"}, "error", ""),
        ({"syscall": "", "n": 0, "fault": "", "problem": "without any fault: "}, "error", ""),
    ],
)
def test_what_becomes_of_a_call_is_judged(line: "dict[str, object]", outcome: str, kind: str) -> None:
    assert judged(**line)[:2] == (outcome, kind)


def test_known_deviation_is_no_failure_and_one_that_is_gone_is(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    path.write_text(entry() + entry(fault="ENFILE EMFILE", kind="state") + entry(libc="musl *", kind="hang"))
    listed = inside.load_known(path)
    hung = row(outcome="hung", error="")
    lines = [row(error="EPROTO"), row(fault="ENFILE", error="EPROTO"), row(left=["+file x"]), hung]
    rows = list(inside.judge([{"libc": "glibc 2.36"}, *lines], "host-glibc", TABLE, tuple(listed)))
    assert [one.known for one in rows] == ["seen", "", "seen", ""]
    assert inside.missing(rows, listed) == []
    (gone,) = inside.missing(rows[:2], listed)
    assert gone.startswith("FIXED glibc 2.36: ") and f"{path}:10: " in gone and gone.endswith(": remove the entry")


def test_deviation_that_is_gone_is_asked_for_in_a_whole_run_alone(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    path.write_text(inside.KNOWN.read_text() + "\n" + entry(kind="hang"))
    said: list[str] = []
    assert inside.torture(["host-glibc"], ["sem_open.*"], said.append, known=path)[0] == 0
    assert inside.torture(["host-glibc"], [], said.append, known=path)[0] == 1
    assert said[-1].startswith("FIXED glibc ") and "remove the entry" in said[-1]


def test_bad_list_of_deviations_is_one_message(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    path.write_text(entry(kind="party"))
    with pytest.raises(IpckError, match=r"known.toml:6: deviation number 1: key 'kind': is 'party', must be one of"):
        inside.load_known(path)
    path.write_text(entry(reason=""))
    with pytest.raises(IpckError, match="key 'reason': is not filled in"):
        inside.load_known(path)


def command(world: World, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """ipck fault-libc."""
    return subprocess.run(
        [sys.executable, "-m", "ipck", "fault-libc", *arguments],
        capture_output=True, text=True, env=world.environment(), check=False,
    )  # fmt: skip


def test_results_go_to_faults_json_beside_those_of_others(world: World) -> None:
    out = world.root / "out"
    out.mkdir()
    (out / "faults.json").write_text('{"schema": 1, "runs": 3}')
    done = command(world, "host-glibc", "--out", str(out), "--build", str(BUILD))
    assert done.returncode == 0, done.stderr
    data = json.loads((out / "faults.json").read_text())
    assert data["runs"] == 3 and data["libc"][0]["call"] == "sem_open"
    assert done.stdout.startswith("glibc ") and done.stdout.endswith("faults.html\n")
    page = (out / "faults.html").read_text()
    assert "C libraries whose system calls fail" in page and "<b>errno</b> when write short: glibc" in page


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["gvisor-2024"], "gvisor-2024: is no C library on this kernel"),
        (["party"], "unknown target 'party'"),
        (["libc:/nowhere"], "/nowhere: there is no such folder: name one that holds a C library"),
        (["host-glibc", "--probe", "party"], "no probe matches 'party': there are sem_open"),
    ],
)
def test_what_cannot_be_done_is_said(world: World, arguments: "list[str]", said: str) -> None:
    done = command(world, *arguments, "--build", str(BUILD))
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


def test_program_that_is_not_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "glibc").mkdir()
    (tmp_path / "glibc/ipck-points").symlink_to(BUILD / "glibc/ipck-points")
    with pytest.raises(IpckError, match="host-musl: .*ipck-inside is built in the source tree of ipck"):
        inside.torture(["host-musl"], [], print, tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user is needed beside root")
def test_ordinary_user_needs_no_rights() -> None:
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
         "unshare", "--ipc", "--mount", "--map-root-user", PROGRAM, "shm_open.existing"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "unshare" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 0 and '"fault": "EMFILE"' in done.stdout, done.stderr
