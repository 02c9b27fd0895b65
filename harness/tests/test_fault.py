"""ipck fault: what is checked after each run, and what becomes of it all."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ipck import calls, faultspage, publish
from ipck.catalogue import Catalogue
from ipck.errors import IpckError
from ipck.extras import PAGES
from ipck.faults import crash, results
from ipck.faults.torture import apart, clients, command, records, tables
from ipck.faults.torture.clients import Client
from ipck.faults.torture.judge import judge, unusable
from ipck.faults.torture.tables import Explanation, Known, Pair
from ipck.faults.torture.torture import Results, Torture
from ipck.notes import Notes
from ipck.tree import BUILD

TABLE = calls.load()
CALLER = "$BUILD/caller"


def client(run: str, **more: object) -> Client:
    """A client of the shell script RUN."""
    return replace(Client("stub", "/bin/sh", run, package="dash"), **more)


def torture(one: Client, known: tuple[Known, ...] = (), explained: tuple[Explanation, ...] = ()) -> Results:
    """The results of torturing ONE alone."""
    with apart.place(BUILD) as place:
        return Torture(TABLE, place, 4, lambda line: None, explained, known).run([one], complete=False)


def kinds(found: Results) -> set[str]:
    """What is wrong in FOUND."""
    return {one.kind for one in found.violations}


# ---- what is checked after a run ----


@pytest.mark.parametrize(
    ("script", "more", "expected"),
    [
        (f"{CALLER} ftok >/dev/null", {}, set()),
        (f"{CALLER} ftok", {}, {"output"}),
        (f"{CALLER} ftok | grep -q ' 0 ' || {{ echo ftok failed >&2; exit 1; }}", {}, set()),
        (f"{CALLER} ftok | grep -q ' 0 ' || exit 1", {}, {"silent"}),
        (f"{CALLER} ftok | grep -q ' 0 ' || {{ echo ftok failed >&2; exit 3; }}", {}, {"status"}),
        (f"{CALLER} ftok | grep -q ' 0 ' || {{ echo ftok failed >&2; exit 3; }}", {"status": (1, 3)}, set()),
        (f"{CALLER} ftok | grep -q ' 0 ' || kill -SEGV $$", {}, {"signal"}),
        (f"{CALLER} ftok | grep -q ' 0 ' || {{ sleep 100 & }}", {"seconds": 1.0}, {"process"}),
        (f"{CALLER} ftok | grep -q ' 0 ' || sleep 100", {"seconds": 1.0}, {"hang"}),
        (
            f"{CALLER} ftok | grep -q ' 0 ' || {{ ipcmk -Q >/dev/null; echo ftok failed >&2; exit 1; }}",
            {},
            {"objects", "leak"},
        ),
        (
            f"{CALLER} ftok | grep -q ' 0 ' || {{ : >/dev/shm/left; echo ftok failed >&2; exit 1; }}",
            {"after": "rm -f /dev/shm/left", "excuse": "ftok failed"},
            set(),
        ),
    ],
)  # fmt: skip
def test_what_a_client_does_wrong_is_found(script: str, more: dict[str, object], expected: set[str]) -> None:
    found = torture(client(script, **more))
    assert (found.undecided, kinds(found)) == ((), expected)


def test_each_call_fails_with_each_error_until_nothing_fires() -> None:
    found = torture(client(f"{CALLER} ftok ftok >/dev/null"))
    errors = len(next(call for call in TABLE if call.name == "ftok").errors)
    assert found.clients[0].points == {"sysv/ftok": 2}
    assert found.runs == 1 + (errors + 1) * 3  # without a fault; then each fault at two calls and a third
    assert {pair.point for pair in found.fired} == {"sysv/ftok"} and len(found.fired) == errors + 1


def test_calls_of_all_processes_are_counted_together() -> None:
    found = torture(client(f"{CALLER} ftok >/dev/null; {CALLER} fork:ftok ftok >/dev/null"))
    assert found.clients[0].points == {"sysv/ftok": 3}


@pytest.mark.parametrize(("keeps", "expected"), [("objects", {"objects"}), ("units", set())])
def test_units_may_move_and_must_not_vanish(keeps: str, expected: set[str]) -> None:
    def outcome(found: tuple[str, ...], left: tuple[str, ...]) -> apart.Outcome:
        step = apart.Step(1, (), (), "", "it failed", 0.1)
        return apart.Outcome(step, step, step, found, left, (), ())

    before = ("System V set, mode 600: 16 0", "semaphore /a: 3", "POSIX queue /q: 1 messages")
    moved = ("System V set, mode 600: 15 2", "semaphore /a: 2", "POSIX queue /q: 1 messages")
    lost = ("System V set, mode 600: 15 0", "semaphore /a: 3", "POSIX queue /q: 1 messages")
    fewer = ("System V set, mode 600: 16 0", "semaphore /a: 3", "POSIX queue /q: 0 messages")
    gone = ("System V set, mode 600: 19", "POSIX queue /q: 1 messages")
    one = client("true", keeps=keeps)
    assert {problem.kind for problem in judge(one, outcome(before, moved), outcome(before, before))} == expected
    for after in (lost, fewer, gone):
        assert [problem.kind for problem in judge(one, outcome(before, after), outcome(before, before))] == ["objects"]


def test_a_client_that_fails_without_a_fault_is_no_result() -> None:
    found = torture(client("echo no >&2; exit 1"))
    assert found.undecided == ("stub: `run` fails without a fault: exit status 1: no",)
    found = torture(client("true", before="exit 4"))
    assert found.undecided == ("stub: `before` fails without a fault: exit status 4: ",)
    found = torture(client("ipcmk -Q"))
    assert found.undecided[0].startswith("stub: leaves objects behind without a fault: System V queue")
    found = torture(client("sleep 100", seconds=1.0))
    assert "`run` does not end without a fault" in found.undecided[0]


def test_a_client_that_is_not_installed_is_skipped_by_name() -> None:
    found = torture(client("true", program="no-such-program", package="its-package"))
    assert found.clients[0].skipped == "there is no no-such-program: apt-get install its-package"
    assert found.undecided == () and found.runs == 0


def test_nothing_of_a_run_is_seen_outside() -> None:
    def visible() -> tuple[object, ...]:
        objects = tuple(Path(f"/proc/sysvipc/{kind}").read_text() for kind in ("msg", "sem"))
        return (*objects, sorted(path.name for path in Path("/dev/shm").glob("inject-*")))

    before = visible()
    with apart.place(BUILD) as place:
        outcome = apart.run(client("ipcmk -Q; ipcmk -S 2; : >/dev/shm/inject-x; : >/tmp/inject-x"), "", place)
    assert len(outcome.left) == 3 and unusable(client("x"), outcome)
    assert visible() == before and not Path("/tmp/inject-x").exists()


# ---- what is known ----

KNOWN = Known("stub", "sysv/ftok", "errno=*", "output", "because", "somewhere", "1")


def test_what_is_known_is_not_new() -> None:
    found = torture(client(f"{CALLER} ftok"), known=(KNOWN,))
    assert found.violations and found.new == ()
    assert {one.known for one in found.violations} == {"somewhere"}


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Results]:
    """Tortures a client as if it was the only one, and ftok() the only call."""
    table = [call for call in TABLE if call.name == "ftok"]

    def run(script: str, known: tuple[Known, ...] = (), explained: tuple[Explanation, ...] = ()) -> Results:
        with apart.place(BUILD) as place:
            return Torture(table, place, 4, lambda line: None, explained, known).run([client(script)], complete=True)

    return run


def test_tables_are_strict_both_ways(complete: Callable[..., Results]) -> None:
    found = complete(f"{CALLER} ftok >/dev/null", (KNOWN,), (Explanation("sysv/ftok", "delay", "for no reason"),))
    assert found.stale == (
        "fault/explained.toml: sysv/ftok:delay fired: remove the explanation",
        ": stub does it no more: remove the entry",
    )


def test_a_pair_that_never_fires_is_told_unless_it_is_explained(complete: Callable[..., Results]) -> None:
    found = complete("true")
    assert len(found.unfired) == len(found.pairs) == len(tables.pairs([call for call in TABLE if call.name == "ftok"]))
    found = complete("true", (), (Explanation("sysv/ftok", "*", "nobody calls it"),))
    assert found.unfired == () and len(found.explained) == len(found.pairs)


def test_pairs_are_errors_interruptions_and_delays() -> None:
    faults = [pair.fault for pair in tables.pairs(TABLE) if pair.point == "posix/sem/sem_wait"]
    assert faults == ["errno=EDEADLK", "errno=EINTR", "errno=EINVAL", "interrupt", "delay"]
    assert Pair("sysv/ftok", "interrupt") not in tables.pairs(TABLE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no [[client]] tables"),
        ("x = 1\n[[client]]\n", "must be [[client]] tables"),
        ('[[client]]\nname = "a"\nprogram = "clients/a"\n', ":1: client number 1: key 'run': is missing"),
        ('[[client]]\nname = "a"\nprogram = "a"\nrun = "a"\n', "which package has it?"),
        ('[[client]]\nname = "a"\nprogram = "c/a"\nrun = "a"\nstatus = [125]\n', ":5: client number 1: key 'status'"),
        ('[[client]]\nname = "a"\nprogram = "c/a"\nrun = "a"\nexcuse = "("\n', "is no regular expression"),
        ('[[client]]\nname = "a"\nprogram = "c/a"\nrun = "a"\nkeeps = "all"\n', "must be one of: objects, units"),
        ('[[client]]\nname = "a"\nprogram = "c/a"\nrun = "a"\nmost = 0\n', "must be 1 or more"),
        ('[[client]]\nname = "a"\nprogram = "c/a"\nrun = "a"\nhurry = 0\n', "key 'hurry': is unknown"),
        ('[[client]]\nname = "a"\nprogram = "c/a"\nrun = "a"\n' * 2, ":6: client a: key 'name': is there already"),
    ],
)
def test_a_bad_table_is_told_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "clients.toml"
    path.write_text(text)
    with pytest.raises(IpckError) as raised:
        clients.load(path)
    assert any(message in said for said in raised.value.messages), raised.value.messages


def test_tables_of_the_tree_can_be_read() -> None:
    names = [one.name for one in clients.load()]
    assert len(names) > 30
    for entry in tables.known():
        assert entry.client in names, entry.where
    for one in tables.explanations():
        assert any(one.covers(pair) for pair in tables.pairs(TABLE))


def test_an_entry_without_a_reason_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    row = (
        'client = "a"', 'point = "b"', 'fault = "c"', 'kind = "hang"', 'reason = ""', 'reference = "x"', 'since = "1"',
    )  # fmt: skip
    path.write_text("\n".join(["[[known]]", *row, ""]))
    with pytest.raises(IpckError, match="is not filled in: what the program does, and why"):
        tables.known(path)


# ---- crashes ----


def test_what_the_dead_leave_is_judged_by_requirement() -> None:
    rows = crash.run(BUILD)
    assert crash.bad(rows) == []
    judged = {row["requirement"] for row in rows}
    assert {"exit.semadj-sigkill", "exit.blocked-msgsnd-kill", "sem_open.exit.closed"} <= judged
    points = {call.name for call in TABLE if call.waits}
    tested = " ".join(row["test"] + row["file"] for row in rows)
    assert {name for name in points if name.startswith("msg") and name not in tested} == set()


@pytest.fixture(name="undertaker", scope="module")
def _undertaker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Calls that do wrong about processes that die."""
    path = tmp_path_factory.mktemp("bad") / "bad_crash.so"
    source = Path(__file__).parent / "programs/bad_crash.c"
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", path, source], check=True)
    return path


@pytest.mark.parametrize(
    ("bad", "test", "violated"),
    [
        ("waits_on", "sysv_sem.semop_blocked", {"exit.semadj-while-blocked", "semop.ncnt.dec-on-kill"}),
        ("waits_on", "sysv_sem.semtimedop_blocked", {"exit.semadj-while-blocked", "semop.ncnt.dec-on-kill"}),
        ("waits_on", "posix_mq.mq_send_blocked", {"mq_send.conserved"}),
        ("registered", "posix_mq.mq_notify_and_mq_close", {"exit.mq-closed"}),
        ("shared_flags", "posix_mq.mq_setattr", {"mq_attr.set.own-description"}),
        ("name_stays", "posix_mq.mq_unlink", {"mq_unlink.name-gone"}),
        ("cleared", "posix_shm.shm_unlink", {"shm_unlink.mapping-survives"}),
        ("given_back", "posix_sem.sem_close", {"sem_open.exit.closed"}),
        ("unheard", "posix_sem.sem_post", {"sem_post.wakes.cross-process"}),
        ("uncounted", "sysv_msg.msgctl", {"exit.queues-persist"}),
        ("torn", "sysv_msg.msgsnd_at_entry_and_after", {"msgsnd.data.integrity"}),
        ("undone", "sysv_sem.semctl_rmid", {"semctl.rmid.removes", "semctl.rmid.wakes-all"}),
        ("undone", "sysv_sem.semctl_setval", {"semctl.setval"}),
        ("copied", "sysv_shm.shmat", {"exit.queues-persist"}),
    ],
)  # fmt: skip
def test_what_is_done_wrong_to_the_dead_is_found(undertaker: Path, bad: str, test: str, violated: set[str]) -> None:
    argv = (BUILD / "glibc/crash-tests", "--json", "-", "--time-scale", "0.5", f"fault.crash.{test}")
    environment = os.environ | {"LD_PRELOAD": str(undertaker), "BAD": bad}
    ran = subprocess.run(argv, capture_output=True, text=True, env=environment, check=False)
    (line,) = [line for line in map(json.loads, ran.stdout.splitlines()) if line["type"] == "test"]
    assert {one["id"] for one in line["requirements"] if one["verdict"] == "fail"} == violated


def test_a_program_that_cannot_say_is_no_result(tmp_path: Path) -> None:
    (tmp_path / "glibc").mkdir()
    with pytest.raises(IpckError, match="does not exist: run make"):
        crash.run(tmp_path)
    program = tmp_path / "glibc" / "crash-tests"
    program.write_text("#!/bin/sh\necho '{\"type\": \"run\"}'\necho broken >&2\nexit 2\n")
    program.chmod(0o755)
    with pytest.raises(IpckError, match="did not come to its end: broken"):
        crash.run(tmp_path)
    program.write_text("#!/bin/sh\necho garbage\n")
    with pytest.raises(IpckError, match="prints no results"):
        crash.run(tmp_path)


# ---- results ----


def test_each_mode_keeps_the_keys_of_the_other(tmp_path: Path) -> None:
    results.update(tmp_path, {"pairs": 1})
    results.update(tmp_path, {"libc": []})
    assert results.read(tmp_path) == {"schema": 1, "pairs": 1, "libc": []}
    (tmp_path / results.NAME).write_text("garbage")
    with pytest.raises(IpckError, match="cannot be read, remove it"):
        results.update(tmp_path, {"pairs": 1})
    (tmp_path / results.NAME).write_text("[]")
    with pytest.raises(IpckError, match="is no result of ipck fault"):
        results.read(tmp_path)


def test_results_are_data_and_a_page(tmp_path: Path) -> None:
    found = torture(client(f"{CALLER} ftok"))
    data = records.as_json(found)
    assert (data["pairs"], data["fired"]) == (len(found.pairs), len(found.fired))
    assert data["violations"][0]["reproduce"].startswith("ipck fault stub --only sysv/ftok:errno=")
    results.update(tmp_path, {**data, "crash": [_row("fail"), _row("pass")]})
    publish.republish(tmp_path, Catalogue(()), Notes())
    page = (tmp_path / PAGES["faults"].page).read_text()
    for text in ("output</b> when sysv/ftok meets errno=EACCES", "semop.undo", "f(): wanted 1, got 2"):
        assert text in page


def test_page_is_made_of_whatever_there_is() -> None:
    assert faultspage.page_of({}, {}).headline == "Nothing was tortured"
    page = faultspage.page_of({"crash": [_row("pass")]}, {})
    assert page.headline == "1 of 1 requirements hold after a death" and page.deaths[0].tests == ("a",)


def _row(outcome: str) -> dict[str, object]:
    return {"test": "fault.crash.a", "file": "a.c", "line": 1, "requirement": "semop.undo", "outcome": outcome,
            "expression": "f()", "wanted": "1", "got": "2", "where": "", "row": "", "reason": ""}  # fmt: skip


# ---- the command ----


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `ipck fault`."""
    argv = (sys.executable, "-m", "ipck", "fault", *arguments)
    return subprocess.run(argv, capture_output=True, text=True, cwd=Path(__file__).parents[1])


def test_command_tortures_a_client_and_writes_its_results(tmp_path: Path) -> None:
    ran = run("attach_again_sysv", "--out", str(tmp_path))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    data = json.loads((tmp_path / "faults.json").read_text())
    assert data["violations"] == [] and data["clients"][0]["points"]["sysv/shm/shmat"] == 3
    assert (tmp_path / "faults.html").exists()


def test_one_run_is_shown_whole() -> None:
    ran = run("attach_again_sysv", "--only", "sysv/shm/shmat:errno=EMFILE:nth=2")
    assert ran.returncode == 0
    assert "sysv/shm/shmat n=2 fail EMFILE\nrun: exit status 1" in ran.stdout
    assert "shmat: Too many open files" in ran.stdout and ran.stdout.endswith("remains: nothing\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such-client"], "there is no client 'no-such-client': ipck fault --list shows them"),
        (["attach_again_sysv", "--only", "sysv/shm/shmat:nth=99"], "never fired"),
        (["attach_again_sysv", "--only", "sysv/nothing"], "there is no point 'sysv/nothing'"),
        (["attach*", "--only", "sysv/ftok"], "--only needs one client, not 2: attach_again_sysv, attach_again_posix"),
        (["--only", "sysv/ftok"], "--only needs one client: ipck fault CLIENT --only SCENARIO"),
        (["attach_again_sysv", "--build", "/nowhere"], "/nowhere/glibc/"),
    ],
)
def test_what_cannot_be_done_is_told(arguments: list[str], said: str) -> None:
    ran = run(*arguments)
    assert ran.returncode == 2 and said in ran.stderr and "Traceback" not in ran.stderr


def test_clients_are_listed() -> None:
    said: list[str] = []
    assert command.show([], BUILD, said.append) == 0
    assert "locked_counter" in said and said[-1] == "crash"
