"""`ipck baseline`: the known deviations of a target, and drafts that nobody can use before they are finished."""

import json

import pytest

from stubs import ADDS, ADDS_RAW, MAKES, WAITS, World, end, result, run_line, short, whole

ONE = "--target=host-glibc"
LISTED = (
    '[[deviation]]\ntest = "{test}"\nrequirement = "{requirement}"\nverdict = "fail"\n'
    'reason = "kernel bug"\nreference = "commit 1"\nsince = "6.1"\n'
)


def failing(world: World, *tests: str) -> None:
    """A run in which TESTS fail."""
    lines = []
    for test in (ADDS, ADDS_RAW, WAITS, MAKES):
        verdict = "fail" if test.id in tests else "pass"
        rows = [{"id": name, "verdict": verdict} for name in test.requirements]
        if verdict == "fail":
            rows[0] |= {"where": "a.c:7", "expression": 'f("x")', "wanted": "1", "got": "0"}
            rows[1:] = [{"id": name, "verdict": "pass"} for name in test.requirements[1:]]
        lines.append(result(test, verdict, requirements=rows))
    world.program([run_line(kernel="Linux 6.1"), *lines, end(4)])


def proposed(world: World, *more: str) -> str:
    """What `ipck baseline --propose` prints after a run."""
    world.ipck("run", ONE)
    done = world.ipck("baseline", "--propose", "host-glibc", str(world.out), *more)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_draft_of_an_entry(world: World) -> None:
    failing(world, WAITS.id)
    assert proposed(world) == (
        "\n"
        '# semop.eidrm: f("x"): wanted 1, got 0\n'
        "# at a.c:7; seen on Linux 6.1, stub 1\n"
        "[[deviation]]\n"
        f'test = "{WAITS.id}"\n'
        'requirement = "semop.eidrm"\n'
        'verdict = "fail"\n'
        'reason = ""\n'
        'reference = ""\n'
        'since = ""\n'
    )


def test_variants_that_fail_alike_are_one_entry(world: World) -> None:
    failing(world, ADDS.id, ADDS_RAW.id)
    assert 'test = "sysv.sem.semop.adds"\n' in proposed(world)
    failing(world, ADDS_RAW.id)
    assert 'test = "sysv.sem.semop.adds.raw"\n' in proposed(world)


def test_entries_of_one_cause_stand_together(world: World) -> None:
    rows = {"where": "a.c:7", "expression": "f()", "wanted": "1"}
    lines = []
    for test, got in ((ADDS, "0"), (ADDS_RAW, "2"), (WAITS, "0")):
        row = {"id": test.requirements[0], "verdict": "fail", "got": got, **rows}
        others = [{"id": name, "verdict": "pass"} for name in test.requirements[1:]]
        lines.append(result(test, "fail", requirements=[row, *others]))
    world.program([run_line(), *lines, result(MAKES), end(4)])
    said = proposed(world)
    assert said.count("[[deviation]]") == 2 and said.count("# at ") == 2


def test_draft_is_refused_until_it_is_filled_in(world: World) -> None:
    failing(world, WAITS.id, ADDS.id)
    path = world.baselines / "host-glibc.toml"
    path.write_text("# known\n")
    said = proposed(world, f"--into={path}")
    assert f"added to {path}: fill in each reason, reference and since" in said
    assert path.read_text().startswith("# known\n\n# sem")
    done = world.ipck("run", ONE)
    assert done.returncode == 2
    for line, key in ((9, "reason"), (10, "reference"), (11, "since"), (19, "reason")):
        number = 1 + (line > 11)
        assert f"{path}:{line}: deviation number {number}: key '{key}': is not filled in: " in done.stderr
    filled = path.read_text()
    for key in ("reason", "reference", "since"):
        filled = filled.replace(f'{key} = ""', f'{key} = "known to somebody"')
    path.write_text(filled)
    assert world.ipck("run", ONE).returncode == 0


def test_nothing_is_written_unasked(world: World) -> None:
    failing(world, WAITS.id)
    before = sorted(path.name for path in world.baselines.iterdir())
    proposed(world)
    assert sorted(path.name for path in world.baselines.iterdir()) == before


def test_entry_that_is_gone_is_named_with_its_place(world: World) -> None:
    world.program(whole())
    world.baseline('inherits = ["linux"]\n')
    shared = world.baseline("\n" + LISTED.format(test=WAITS.id, requirement="semop.eidrm"), "linux")
    assert proposed(world) == (
        f"# Remove {shared}:2: {WAITS.id} passes semop.eidrm now. "
        "Where others inherit it, look at them first.\n"
    )


def test_nothing_to_propose(world: World) -> None:
    failing(world, WAITS.id)
    world.baseline(LISTED.format(test=WAITS.id, requirement="semop.eidrm"))
    assert proposed(world).startswith("# host-glibc: nothing to propose: ")


def test_what_could_not_be_decided_is_not_proposed(world: World) -> None:
    world.program([run_line(), *[result(test, "unresolved") for test in (ADDS, ADDS_RAW, WAITS, MAKES)], end(4)])
    said = proposed(world)
    assert "[[deviation]]" not in said and "# 5 verdicts could not be decided: find out why" in said


def test_text_of_a_test_cannot_leave_its_comment(world: World) -> None:
    row = {"id": "semget.new", "verdict": "fail", "expression": 'f()\n[[deviation]]\ntest = "x', "where": "a\nb:1"}
    world.program([run_line(kernel="Linux\n6.1"), *whole()[1:-3], result(MAKES, "fail", requirements=[row]), end(4)])
    lines = proposed(world).splitlines()
    assert lines.count("[[deviation]]") == 1
    assert all(line.startswith("#") or line == "[[deviation]]" or " = " in line for line in lines if line)


def test_baseline_can_be_read(world: World) -> None:
    path = world.baseline(LISTED.format(test=WAITS.id, requirement="semop.eidrm"))
    done = world.ipck("baseline", "host-glibc")
    assert done.stdout == f"{path}:1: {WAITS.id}: semop.eidrm\n    fail:        kernel bug\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["host-vax"], "there is no target and no baseline 'host-vax'"),
        (["--propose", "host-musl", "{out}"], "has no results of host-musl; it has those of: host-glibc"),
        (["--propose", "host-glibc", "{out}/none"], "none/results.jsonl: cannot be read: No such file"),
        (["--propose", "host-glibc", "{out}", "--into={out}"], "out: cannot be written: Is a directory"),
    ],
    ids=short,
)
def test_bad_input_is_one_message(arguments: list[str], message: str, world: World) -> None:
    failing(world, WAITS.id)
    world.ipck("run", ONE)
    assert json.loads((world.out / "summary.json").read_text())
    done = world.ipck("baseline", *(argument.format(out=world.out) for argument in arguments))
    assert done.returncode == 2 and message in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["wrap-env", "wrap:env {}"])
def test_target_made_from_an_argument_is_judged_by_the_file_for_its_kind(name: str, world: World) -> None:
    failing(world, WAITS.id, MAKES.id)
    listed = world.baseline(LISTED.format(test=WAITS.id, requirement="semop.eidrm"), "wrap")
    assert world.ipck("run", "--wrap=env {}").returncode == 1
    drafts = world.ipck("baseline", "--propose", name, str(world.out)).stdout
    assert drafts.count("[[deviation]]") == 1 and f'test = "{MAKES.id}"' in drafts
    world.program(whole())
    world.ipck("run", "--wrap=env {}")
    assert f"# Remove {listed}:1" in world.ipck("baseline", "--propose", name, str(world.out)).stdout


def test_file_of_its_own_comes_before_that_for_the_kind(world: World) -> None:
    world.baseline(LISTED.format(test=MAKES.id, requirement="semget.new"), "wrap")
    assert MAKES.id in world.ipck("baseline", "wrap:env {}").stdout
    own = world.baseline(LISTED.format(test=WAITS.id, requirement="semop.eidrm"), "wrap-env")
    assert world.ipck("baseline", "wrap:env {}").stdout.startswith(f"{own}:1: {WAITS.id}")
    failing(world, WAITS.id)
    assert world.ipck("run", "--wrap=env {}").returncode == 0
    assert "nothing to propose" in world.ipck("baseline", "--propose", "wrap-env", str(world.out)).stdout
