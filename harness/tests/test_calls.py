"""The table of calls: what it says, and that it cannot drift from the catalogue."""

from dataclasses import replace
from pathlib import Path

import pytest

from ipck import calls, catalogue
from ipck.errors import IpckError

TABLE = calls.load()
ROWS = catalogue.load()


def call(name: str) -> calls.Call:
    """The row of NAME."""
    return next(row for row in TABLE if row.name == name)


def test_table_has_every_call_once() -> None:
    names = [row.name for row in TABLE]
    assert len(names) == len(set(names)) == len({row.point for row in TABLE})
    interfaces = {name for row in TABLE for name in row.interfaces}
    asked = {one.name for one in ROWS.interfaces if one.name.startswith(("msg", "sem", "shm", "mq_", "ftok"))}
    assert asked - interfaces <= {"semaphore.h"}, "an interface of the catalogue without a call"


def test_row_says_what_the_call_is() -> None:
    semop = call("semop")
    assert (semop.point, semop.failure, semop.waits, semop.errors["EIDRM"]) == ("sysv/sem/semop", "-1", True, 43)
    assert semop.prototype == "int semop(int id, struct sembuf *operations, size_t count)"
    assert call("semctl").variadic and call("semctl").aliases == ("__semctl64",)
    assert (call("sem_open").failure, call("shmat").failure) == ("SEM_FAILED", "(void *)-1")


def test_only_what_waits_can_be_interrupted_while_it_waits() -> None:
    assert [row.name for row in TABLE if row.waits and "EINTR" not in row.errors] == []


def test_table_and_catalogue_agree() -> None:
    assert calls.disagreements(TABLE, ROWS) == []


def test_disagreement_is_found_in_both_directions() -> None:
    semop = call("semop")
    more = [replace(semop, errors=semop.errors | {"EXDEV": 18}) if row is semop else row for row in TABLE]
    assert calls.disagreements(more, ROWS) == [
        "fault/calls.def: semop: EXDEV: no row of kind errno of semop says so"
    ]  # fmt: skip
    fewer = [
        replace(row, errors={key: row.errors[key] for key in row.errors if key != "E2BIG"})
        if row.name in ("semop", "semtimedop") else row
        for row in TABLE
    ]  # fmt: skip
    (found,) = calls.disagreements(fewer, ROWS)
    assert found.endswith(": E2BIG: no call of semop has it in fault/calls.def")
    lost = [replace(row, interfaces=("semopp",)) if row.name == "semget" else row for row in TABLE]
    assert "fault/calls.def: semget: the catalogue has no interface 'semopp'" in calls.disagreements(lost, ROWS)


def test_points_are_chosen_by_pattern_in_the_order_of_the_table() -> None:
    chosen = calls.choose(TABLE, ["posix/sem/*wait", "semop", "sysv/sem/semop"])
    assert [row.name for row in chosen] == ["semop", "sem_wait", "sem_trywait", "sem_timedwait", "sem_clockwait"]
    with pytest.raises(IpckError, match="there is no point 'sysv/sem/semopp': ipck points lists them"):
        calls.choose(TABLE, ["sysv/sem/semopp"])


def test_table_that_cannot_be_read_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(IpckError, match="ipck-points cannot be run: run make"):
        calls.load(tmp_path)
    program = tmp_path / "glibc" / "ipck-points"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho '{\"calls\": [{}]}'\n")
    program.chmod(0o755)
    with pytest.raises(IpckError, match="ipck-points: prints no table of calls"):
        calls.load(tmp_path)
