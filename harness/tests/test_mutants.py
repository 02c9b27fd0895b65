"""Mutants: which there are, which tests reach them, how the tests are judged by them, and what is said of it."""

import json
import struct
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_report import HOSTILE, Reader, catalogue, judged, requirement

from ipck import catalogue as catalogues
from ipck import mutants, mutantspage, mutation, report
from ipck.errors import IpckError
from ipck.extras import PAGES
from ipck.mutants import Mutant, Record, Table
from ipck.mutation import Found, Judged
from ipck.publish import PAGE
from ipck.results import Outcome, RunResults, TestResult, Verdict
from ipck.targets import Test
from stubs import ADDS, CATALOGUE, MAKES, TESTS, WAITS, World, end, result, run_line, start

LOST = Mutant("semop_adds_nothing", "semop", "semop() adds nothing", ("semop.adds",))
DEAF = Mutant("semop_eidrm_as_einval", "semop", "semop() fails with EINVAL", ("semop.eidrm", "semop.eintr"))
SAME = Mutant("semget_slow", "semget", "semget() takes longer: nobody can tell")
MUTANTS = PAGES["mutants"].page
LAYOUT = Record(64, 8, 56)
TABLE = Table(LAYOUT, (LOST, DEAF, SAME))


def failing(test: Test, *requirements: str, status: str = "fail") -> TestResult:
    """A result of TEST in which these fail, and its other requirements hold."""
    verdicts = tuple(
        Verdict(name, "fail" if name in requirements else "pass", where="a.c:1", wanted="0", got="1", expression="x")
        for name in test.requirements
    )
    outcome: Outcome = "fail" if requirements else "error" if status == "error" else "pass"
    return TestResult("host-glibc", test.id, outcome, status, verdicts=verdicts, reason="set-up")


def record(test: str, *numbers: int) -> bytes:
    """A record of the map."""
    return struct.pack("=Q48sQ", 1, test.encode(), sum(1 << number for number in numbers))


# ---- the table, the map, the list of what is out of reach


def prints(world: World, text: str) -> Path:
    """A program that prints TEXT as the table of mutants, beside a library."""
    path = world.build / "glibc" / "ipck-mutants"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\ncat <<'E'\n{text}\nE\n")
    path.chmod(0o755)
    path.with_suffix(".so").write_text("")
    return path


def table_text(*rows: Mutant) -> str:
    """What the program prints for ROWS."""
    listed = [{"name": m.name, "call": m.call, "what": m.what, "violates": m.violates} for m in rows]
    return json.dumps({"record": {"size": 64, "test": 8, "mutants": 56}, "mutants": listed})


def test_table_is_that_of_its_program(world: World) -> None:
    prints(world, table_text(LOST, DEAF, SAME))
    assert mutants.load(CATALOGUE, world.build) == TABLE
    assert [one.equivalent for one in TABLE.mutants] == [False, False, True]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no json", "prints no table of mutants"),
        ('{"record": {"size": 64, "test": 8, "mutants": 56}}', "'mutants' is missing"),
        (table_text(), "prints no table of mutants"),
        (table_text(LOST, LOST), "prints no table of mutants"),
        (table_text(*(replace(LOST, name=f"m{n}") for n in range(65))), "a map without room"),
        (table_text(replace(LOST, violates=("semop.gone",))), "'semop.gone' is not in the catalogue: run make"),
    ],
)
def test_bad_table_is_one_message(world: World, text: str, said: str) -> None:
    prints(world, text)
    with pytest.raises(IpckError, match=said) as caught:
        mutants.load(CATALOGUE, world.build)
    assert len(caught.value.messages) == 1


def test_what_is_not_built_is_named(world: World) -> None:
    with pytest.raises(IpckError, match="ipck-mutants cannot be run: run make"):
        mutants.load(CATALOGUE, world.build)
    with pytest.raises(IpckError, match="ipck-mutants.so is not built: run make"):
        mutants.preload(world.build)


def test_mutants_are_chosen_by_name_and_call() -> None:
    assert mutants.choose(TABLE, []) == TABLE.mutants
    assert mutants.choose(TABLE, ["semget", "*_adds_*"]) == (LOST, SAME)
    with pytest.raises(IpckError, match="there is no mutant 'semopp': ipck mutants --list shows all"):
        mutants.choose(TABLE, ["semop", "semopp"])


def test_map_tells_who_reaches_what() -> None:
    data = record("a.b", 0, 2) + bytes(64) + record("c", 2)
    assert mutants.reached(data, TABLE) == {LOST.name: {"a.b"}, SAME.name: {"a.b", "c"}}
    for bad in (b"", data[:-1], b"x" * 64 + data):
        with pytest.raises(ValueError, match="is no map"):
            mutants.reached(bad, TABLE)


def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Make TEXT the list of what is out of reach."""
    path = tmp_path / "unreachable.toml"
    path.write_text(text)
    monkeypatch.setattr(mutants, "UNREACHABLE", path)


def test_requirements_without_a_mutant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mutants.targeted(TABLE.mutants)["semop.eintr"] == [DEAF.name]
    listed(tmp_path, monkeypatch, "unreachable = []")
    assert mutants.unreachable(CATALOGUE, TABLE.mutants) == {}
    assert mutants.untargeted(CATALOGUE, TABLE.mutants, {}) == ["semget.new"]
    listed(tmp_path, monkeypatch, '[[unreachable]]\nrequirements = ["semget.*"]\nreason = "why"\n')
    excused = mutants.unreachable(CATALOGUE, TABLE.mutants)
    assert excused == {"semget.new": "why"} and mutants.untargeted(CATALOGUE, TABLE.mutants, excused) == []


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ('requirements = ["semget.n"]\nreason = "r"', "3: unreachable number 1: key 'requirements': 'semget.n' is no "),
        ('requirements = ["semop.*"]\nreason = "r"', "semop.adds is violated by the mutant semop_adds_nothing: leave"),
        ('requirements = ["semget.new", "semget.*"]\nreason = "r"', "semget.new is listed already"),
        ('requirements = ["semget.new"]\nreason = ""', "key 'reason': is not filled in: why no broken call"),
        ("requirements = []\nreason = 'r'", "must be a list of requirements"),
    ],
)
def test_bad_entry_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: str, said: str) -> None:
    listed(tmp_path, monkeypatch, f"# comment\n[[unreachable]]\n{rows}\n")
    with pytest.raises(IpckError) as caught:
        mutants.unreachable(CATALOGUE, TABLE.mutants)
    assert said in caught.value.messages[0]


# ---- judging


def test_mutant_is_killed_when_all_it_violates_is_found() -> None:
    one = mutation.judge(DEAF, 2, [failing(WAITS, "semop.eidrm", "semop.eintr"), failing(ADDS)])
    assert (one.verdict, one.missed, one.wrong, one.disturbed) == ("killed", (), (), ())
    half = mutation.judge(DEAF, 1, [failing(WAITS, "semop.eidrm")])
    assert (half.verdict, half.missed) == ("survives", ("semop.eintr",))


def test_what_else_is_red_is_a_wrong_reason() -> None:
    one = mutation.judge(LOST, 2, [failing(ADDS, "semop.adds"), failing(MAKES, "semget.new")])
    assert one.verdict == "killed" and [found.requirement for found in one.wrong] == ["semget.new"]
    assert one.wrong[0].said == "x: wanted 0, got 1" and one.wrong[0].where == "a.c:1"
    lines = mutantspage.lines(one)
    assert lines[0].startswith("WRONG REASON semop_adds_nothing: ") and "semget.new: x: wanted 0" in lines[1]


def test_test_that_cannot_decide_is_disturbed() -> None:
    one = mutation.judge(LOST, 1, [failing(MAKES, status="error")])
    assert [(test.test, test.status, test.reason) for test in one.disturbed] == [(MAKES.id, "error", "set-up")]
    assert one.verdict == "survives"


def test_equivalent_mutant_is_neither_killed_nor_alive() -> None:
    assert mutation.judge(SAME, 1, [failing(MAKES)]).verdict == "equivalent"
    assert mutation.judge(SAME, 1, [failing(MAKES, "semget.new")]).wrong


def test_second_run_finds_more_and_accuses_less() -> None:
    first = mutation.judge(DEAF, 3, [failing(WAITS, "semop.eidrm"), failing(MAKES, "semget.new")])
    again = mutation.judge(DEAF, 3, [failing(WAITS, "semop.eintr"), failing(MAKES)])
    both = mutation.second(first, again)
    assert both.verdict == "killed" and both.wrong == ()
    assert mutation.second(first, mutation.judge(DEAF, 3, [failing(MAKES, "semget.new")])).wrong


def test_data_count_each_mutant_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    listed(tmp_path, monkeypatch, "unreachable = []")
    lost = mutation.judge(LOST, 1, [failing(ADDS, "semop.adds")])
    run = [mutation.judge(SAME, 0, []), mutation.judge(DEAF, 1, []), lost]
    data = mutantspage.gather(run, TABLE.mutants, CATALOGUE, "c0ffee", 1.0)
    assert (data.total, data.killed, data.equivalent, data.status) == (3, 1, 1, 1)
    assert [(one.mutant, one.requirements) for one in data.survivors] == [(DEAF.name, DEAF.violates)]
    assert data.untargeted_requirements == ("semget.new",)
    assert [line.verdict for line in data.mutants] == ["killed", "survives", "equivalent"]
    path = tmp_path / "mutants.json"
    path.write_text(mutantspage.as_json(data))
    assert mutantspage.read(path) == data and mutantspage.read(tmp_path / "none.json") is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 2}', "\0", '{"schema": 1, "x": NaN}'])
def test_data_that_are_none_are_one_message(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mutants.json"
    path.write_text(text)
    with pytest.raises(IpckError, match="mutants.json: .*: make it again with ipck mutants, or remove it"):
        mutantspage.read(path)


# ---- the page


def data_of(*run: Judged) -> mutantspage.Data:
    """The data of a run."""
    lines = tuple(mutantspage._line(one) for one in run)
    survivors = tuple(mutantspage.Survivor(one.mutant.name, one.missed) for one in run if one.missed)
    wrong = tuple(found for one in run for found in one.wrong)
    return mutantspage.Data(1, "", len(run), 1, 0, survivors, wrong, (), ("semop.a",), (), lines, 1.0)


def test_page_shows_survivors_and_leads_to_the_report() -> None:
    mutant = Mutant("m", "semop", "does nothing", ("semop.a", "semop.b"))
    found = Found("m", "semop.b", "t", "a.c:1", "x"), Found("m", "semop.c", "t", "a.c:2", "y")
    data = data_of(Judged(mutant, 3, found))
    rows = catalogue(requirement("semop.a"), requirement("semop.b"), requirement("semop.c"))
    pages = report.render(judged(host=Verdict("semop.a", "pass")), rows, extras={"mutants": data})
    assert f'href="{MUTANTS}"' in pages[PAGE]
    page = Reader(pages[MUTANTS]).top
    assert page.one("h1").text == "1 of 1 mutants killed"
    links = {link.text: link.attributes["href"] for link in page.one("main").all("a")}
    assert links["semop.a"] == f"{PAGE}#semop.a" and links["semop.c"] == f"{PAGE}#semop.c" and links["m"] == "#mutant:m"
    assert "3 tests reach it" in page.text and "y" in page.text


def test_page_can_stand_alone() -> None:
    pages = report.render(RunResults(), catalogue(requirement("semop.a")), extras={"mutants": data_of(Judged(DEAF, 0))})
    assert list(pages) == [MUTANTS] and not Reader(pages[MUTANTS]).top.one("header").all("a")


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_mutant_stays_text(text: str) -> None:
    data = data_of(Judged(Mutant(text, text, text, (text,)), 1, (Found(text, text + "x", text, text, text),)))
    report.render(RunResults(), catalogue(requirement("semop.a")), extras={"mutants": data})[MUTANTS].encode("utf-8")


# ---- whole runs, of stub programs


def broken_world(
    world: World,
    broken: Mapping[str, Iterable[tuple[Test, str, str]]],
    reach: Mapping[Test, tuple[int, ...]] | None = None,
) -> None:
    """Programs for TABLE: a mutant's name leads to (test, verdict, status) of what comes out otherwise than passed."""
    prints(world, table_text(*TABLE.mutants))
    folder = world.build / "glibc"
    reach = {ADDS: (0,), WAITS: (1,)} if reach is None else reach
    (folder / "map").write_bytes(b"".join(record(test.id, *numbers) for test, numbers in reach.items()))
    programs: dict[str, Iterable[tuple[Test, str, str]]] = {"none": [(test, "pass", "") for test in TESTS]}
    for name, results in (programs | dict(broken)).items():
        (folder / name).mkdir()
        for test, verdict, status in results:
            (folder / name / test.id).write_text(start(test) + "\n" + result(test, verdict, status) + "\n")
    (folder / "end").write_text(end(0))
    world.program(
        [run_line()],
        'cat "$lines"; [ -z "$IPCK_MUTANT_MAP" ] || cat "$here/map" > "$IPCK_MUTANT_MAP"; n=0\n'
        'while read -r id; do n=$((n + 1))\n'
        'cat "$here/${IPCK_MUTANT:-none}/$id" 2>/dev/null || cat "$here/none/$id"; done\n'
        'echo "{\\"type\\":\\"end\\",\\"tests\\":$n,\\"seconds\\":0.01}"\n',
    )


@pytest.fixture(autouse=True)
def _nothing_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutants, "UNREACHABLE", tmp_path / "none.toml")


def told(world: World) -> dict[str, Any]:
    """mutants.json."""
    data: dict[str, Any] = json.loads((world.out / "mutants.json").read_text())
    return data


KILLED = {LOST.name: [(ADDS, "fail", "")], DEAF.name: [(WAITS, "fail", "")]}


def test_all_killed(world: World) -> None:
    broken_world(world, KILLED)
    done = world.ipck("mutants", f"--out={world.out}")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "3 tests are as expected without a mutant" in done.stdout
    data = told(world)
    assert (data["total"], data["killed"], data["equivalent"]) == (3, 2, 1)
    assert data["survivors"] == data["wrong_reason"] == [] and data["untargeted_requirements"] == ["semget.new"]
    assert [line["tests"] for line in data["mutants"]] == [1, 1, 0]
    assert "2 of 2 mutants killed" in (world.out / MUTANTS).read_text()


def test_survivor_ends_with_1(world: World) -> None:
    broken_world(world, {DEAF.name: KILLED[DEAF.name]})
    done = world.ipck("mutants", f"--out={world.out}")
    assert done.returncode == 1 and "SURVIVES semop_adds_nothing: semop() adds nothing" in done.stdout
    assert told(world)["survivors"] == [{"mutant": LOST.name, "requirements": ["semop.adds"]}]


def test_wrong_reason_is_told(world: World) -> None:
    reach = {ADDS: (0,), WAITS: (1,), MAKES: (0,)}
    broken_world(world, {**KILLED, LOST.name: [(ADDS, "fail", ""), (MAKES, "fail", "")]}, reach)
    done = world.ipck("mutants", f"--out={world.out}")
    assert done.returncode == 0 and "WRONG REASON semop_adds_nothing" in done.stdout
    assert [(one["mutant"], one["requirement"], one["test"]) for one in told(world)["wrong_reason"]] == [
        (LOST.name, "semget.new", MAKES.id)
    ]


def test_time_scale_is_that_of_the_run_without_a_mutant(world: World) -> None:
    broken_world(world, {**KILLED, LOST.name: []})
    folder = world.build / "glibc"
    (folder / "lines").write_text(run_line(deadline=60.0) + "\n")
    program = folder / "ipck-tests"
    program.write_text(program.read_text() + 'echo "$LD_BIND_NOW ${IPCK_MUTANT:-none} $*" >> "$here/calls"\n')
    assert world.ipck("mutants", f"--out={world.out}").returncode == 1
    calls = (folder / "calls").read_text().splitlines()
    asked = [line.split(" --shuffle --seed 1 ")[1] for line in calls if line.startswith(f"1 {LOST.name} ")]
    assert calls[0] == "1 none --json - --shuffle --seed 1 --deadline 20 --time-scale 1 --select -"
    assert asked == [
        "--jobs 4 --deadline 8 --time-scale 1.5 --exact-scale --select -",  # hasty
        "--jobs 4 --deadline 20 --time-scale 3 --exact-scale --select -",  # and as it should be
    ]


def test_some_mutants_and_some_tests(world: World) -> None:
    broken_world(world, KILLED)
    done = world.ipck("mutants", DEAF.name, "--tests", "sysv.sem.semop", f"--out={world.out}")
    assert done.returncode == 0 and told(world)["total"] == 1, done.stdout + done.stderr
    assert "2 tests are as expected" in done.stdout
    none = world.ipck("mutants", "--tests", "sysv.msg", f"--out={world.out}")
    assert (none.returncode, none.stdout) == (2, "")
    assert none.stderr == "ipck: no test of calls of the C library matches 'sysv.msg': ipck list shows all tests\n"


def test_list_runs_nothing(world: World) -> None:
    prints(world, table_text(*TABLE.mutants))
    done = world.ipck("mutants", "semop", "--list")
    assert done.returncode == 0
    assert done.stdout.splitlines()[:3] == [LOST.name, "    semop: semop() adds nothing", "    semop.adds"]
    assert world.ipck("mutants", "--list", "party").stderr.startswith("ipck: there is no mutant 'party'")


def test_base_must_be_as_expected(world: World) -> None:
    broken_world(world, {**KILLED, "none": [(ADDS, "fail", ""), (WAITS, "pass", ""), (MAKES, "pass", "")]})
    done = world.ipck("mutants", f"--out={world.out}")
    assert done.returncode == 2 and not world.out.exists()
    first, last = done.stderr.splitlines()
    assert first.startswith(f"ipck: without a mutant {ADDS.id} is not as expected: semop.adds: ")
    assert last == "ipck: no mutant was run: 1 tests have to be put right first (ipck run --target host-glibc)"


def test_program_that_dies_or_talks_is_one_message(world: World) -> None:
    broken_world(world, KILLED)
    program = world.build / "glibc" / "ipck-tests"
    program.write_text(program.read_text() + f'[ "$IPCK_MUTANT" != {DEAF.name} ] || echo garbage\n')
    done = world.ipck("mutants", f"--out={world.out}")
    assert done.returncode == 2 and done.stderr.startswith(f"ipck: mutant {DEAF.name}: line "), done.stderr
    assert len(done.stderr.splitlines()) == 1 and told(world)["killed"] == 2


def test_library_that_notes_nothing_is_no_base(world: World) -> None:
    broken_world(world, KILLED, {})
    done = world.ipck("mutants", f"--out={world.out}")
    assert done.returncode == 2 and "what it noted about tests is no map of these mutants" in done.stderr


def test_library_that_is_missing_is_named(world: World) -> None:
    broken_world(world, KILLED)
    (world.build / "glibc" / "ipck-mutants.so").unlink()
    done = world.ipck("mutants", f"--out={world.out}")
    assert done.returncode == 2 and "ipck-mutants.so is not built: run make " in done.stderr


def test_pages_of_a_run_lead_to_the_mutants(world: World) -> None:
    broken_world(world, KILLED)
    assert world.ipck("run", "--target", "host-glibc").returncode == 0
    assert not (world.out / MUTANTS).exists()
    assert world.ipck("mutants", f"--out={world.out}").returncode == 0
    assert f'href="{MUTANTS}"' in (world.out / PAGE).read_text()
    assert world.ipck("run", "--target", "host-glibc").returncode == 0
    assert f'href="{MUTANTS}"' in (world.out / PAGE).read_text() and (world.out / MUTANTS).exists()


def test_trace(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken_world(world, KILLED)
    done = world.ipck("trace", "semop.eidrm", "semget.new")
    assert done.stdout.splitlines() == [
        "semget.new",
        f"    {MAKES.id}\t{MAKES.file}:{MAKES.line}",
        "    no mutant",
        "semop.eidrm",
        f"    {WAITS.id}\t{WAITS.file}:{WAITS.line}",
        f"    mutant {DEAF.name}",
    ]
    assert world.ipck("trace", "--untargeted").stdout == "semget.new\tMakes a set\n"
    listed(tmp_path, monkeypatch, '[[unreachable]]\nrequirements = ["semget.*"]\nreason = "who knows"\n')
    assert "    no mutant: who knows" in world.ipck("trace", "semget.new").stdout
    assert world.ipck("trace", "--untargeted").stdout == ""
    assert world.ipck("trace", "party").stderr == "ipck: the catalogue has no requirement 'party'\n"


# ---- the real ones


def test_list_of_what_is_out_of_reach_is_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    rows = catalogues.load()
    assert mutants.unreachable(rows, mutants.load(rows).mutants)


def test_some_real_mutants_are_killed(world: World) -> None:
    names = ["semget_excl_ignored", "semctl_getval_eperm", "semop_undo_of_16_sets", "semop_nonzero_as_ebusy"]
    files = ["semget_errors", "semctl_permission", "undo_exit", "semop_errors"]
    command = [sys.executable, "-m", "ipck", "mutants", *names, f"--out={world.out}"]
    done = subprocess.run(
        [*command, *(f"--tests=sysv.sem.{name}" for name in files), "--tests=sysv.sem.semop_exclusion"],
        capture_output=True, text=True, env=world.environment(), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    data = told(world)
    assert (data["total"], data["killed"]) == (4, 4)
    assert all(line["tests"] > 0 for line in data["mutants"])


def test_nothing_is_wrong_outside_of_a_test() -> None:
    """The runner asks the machine by the same calls, in the machine's own namespaces."""
    preload = mutants.preload()
    program = preload.with_name("ipck-tests")
    script = '"$0" --json - sysv.sem.semget_lookup | head -n 1; cat /proc/sysvipc/sem'
    done = subprocess.run(
        ("unshare", "--map-root-user", "--ipc", "env", "IPCK_MUTANT=semget_creates_unasked", f"LD_PRELOAD={preload}",
         "sh", "-c", script, program),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    run, heading, *sets = done.stdout.splitlines()
    assert json.loads(run)["type"] == "run" and "semid" in heading and sets == [], done.stderr
