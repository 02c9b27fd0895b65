"""Shards: which test falls to which, runs of shards, and their merge."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from ipck import catalogue as catalogues
from ipck.merge import merge
from ipck.shards import divide, parse
from ipck.summary import exit_status
from ipck.targets import Target, Test
from stubs import ADDS, ADDS_RAW, MAKES, TESTS, WAITS, World, result, run_line, short, start

HOST = Target("host-glibc", "glibc", "")
KERNELS = [Target(f"qemu-{number}", "glibc", "", start_seconds=3.0, time_scale=4.0) for number in range(12)]
TARGETS = "--target=host-glibc,host-musl"

ANSWERS = (
    'select="$here/select.$$"; cat >"$select"; head -1 "$lines"; grep -F -f "$select" "$lines"; '
    'echo "{\\"type\\":\\"end\\",\\"tests\\":$(wc -l <"$select")}"'
)
"""A program that answers for the tests that it was asked for."""


def answering(world: World, tests: Sequence[Test] = TESTS) -> None:
    """Programs of two flavours with a failure, a skipped test and all the rest."""
    skipped = json.loads(result(MAKES, "skip"))
    skipped["requirements"][0]["reason"] = "no root"
    failed = result(WAITS, "fail", output="words")
    odd = {WAITS: failed, MAKES: json.dumps(skipped)}
    lines = [line for test in tests for line in (start(test), odd.get(test) or result(test))]
    for flavour in ("glibc", "musl"):
        world.program([run_line(kernel="6.1"), *lines], ANSWERS, tests, flavour=flavour)


def shard(world: World, number: int, of: int, *more: str) -> Path:
    """The file of one shard."""
    path = world.root / f"s{number}.jsonl"
    done = world.ipck("run", TARGETS, "--seed=7", f"--shard={number}/{of}", f"--out={path}", *more)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return path


def reports(folder: Path) -> dict[str, str]:
    """The files in FOLDER without the times that differ from one run to the next."""
    times = (
        (r' time(stamp)?="[^"]*"', ""),
        (r'"seconds": [0-9.]+', ""),
        (r"<td>[0-9.]+ s$", ""),
        (r"<dt>started<dd>.*", ""),
    )
    files = {}
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".jsonl":
            text = path.read_text()
            for pattern, mark in times:
                text = re.sub(pattern, mark, text, flags=re.MULTILINE)
            files[str(path.relative_to(folder))] = text
    return files


def facts(path: Path) -> list[str]:
    """The lines of a results.jsonl, without times and in an order of their own."""
    lines = [json.loads(line) | {"seconds": 0, "started": 0} for line in path.read_text().splitlines()]
    return sorted(json.dumps(line, sort_keys=True) for line in lines)


# Which test falls to which shard


@pytest.mark.parametrize("text", ["", "2", "0/5", "6/5", "1/0", "-1/5", "2/5x", "2 / 5", "a/b", "\u0662/5", "1/99999"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no shard: 2/5 is the second of five"):
        parse(text)
    assert str(parse("2/5")) == "2/5"


@pytest.mark.parametrize("of", [1, 2, 3, 5, 7, 40])
@pytest.mark.parametrize("kernels", [0, 1, 3, 12])
def test_every_test_falls_to_one_shard_and_none_is_empty(kernels: int, of: int) -> None:
    selected = [target for target in (HOST, *KERNELS[:kernels]) for _ in range(100)]
    numbers = divide(selected, of)
    assert len(numbers) == len(selected) and set(numbers) == set(range(1, of + 1))
    assert numbers == divide(selected, of)


@pytest.mark.parametrize("of", [2, 3, 5, 7])
def test_shards_of_a_quick_target_are_alike(of: int) -> None:
    numbers = divide([HOST] * 1000, of)
    sizes = [numbers.count(number) for number in range(1, of + 1)]
    assert max(sizes) - min(sizes) <= 1
    assert len(set(numbers[:of])) == of, "neighbours, which often take equally long, are dealt out"


def test_shards_start_few_slow_targets() -> None:
    selected = [target for target in KERNELS for _ in range(300)]
    numbers = divide(selected, 4)
    starts = {(target.name, number) for target, number in zip(selected, numbers)}
    assert len(starts) == 12, "no kernel boots twice where there are enough of them"
    assert [numbers.count(number) for number in (1, 2, 3, 4)] == [900] * 4


def test_slow_target_is_cut_where_it_is_more_than_a_part() -> None:
    numbers = divide([KERNELS[0]] * 800, 4)
    assert [numbers.count(number) for number in (1, 2, 3, 4)] == [200] * 4
    assert numbers == sorted(numbers), "neighbours stay together"


def test_quick_tests_fill_up_what_the_slow_targets_leave() -> None:
    selected = [HOST] * 5000 + [KERNELS[0]] * 500  # 50 s and 3 + 20 s
    numbers = divide(selected, 2)
    assert {number for target, number in zip(selected, numbers) if target != HOST} == {1}
    quick = numbers[:5000]
    assert abs((23 + quick.count(1) * 0.01) - quick.count(2) * 0.01) < 0.1


# Runs


def test_shards_together_are_the_run(world: World) -> None:
    answering(world)
    paths = [shard(world, number, 3) for number in (1, 2, 3)]
    whole = world.root / "whole"
    assert world.ipck("run", TARGETS, "--seed=7", f"--out={whole}").returncode == 1
    merged = world.root / "merged"
    done = world.ipck("merge", *map(str, reversed(paths)), f"--out={merged}")
    assert done.returncode == 1 and f"FAIL {WAITS.id}\n" not in done.stderr and f"report: {merged}/" in done.stdout
    assert reports(merged) == reports(whole) and {"junit.xml", "index.html"} <= reports(merged).keys()
    assert facts(merged / "results.jsonl") == facts(whole / "results.jsonl")


def test_order_of_targets_is_that_of_the_command(world: World) -> None:
    answering(world)
    for number in (1, 2):
        world.ipck("run", "--target=host-musl,host-glibc", "--seed=7", f"--shard={number}/2",
                   f"--out={world.root}/{number}.jsonl")  # fmt: skip
    whole, merged = world.root / "whole", world.root / "merged"
    world.ipck("run", "--target=host-musl,host-glibc", "--seed=7", f"--out={whole}")
    world.ipck("merge", f"{world.root}/2.jsonl", f"{world.root}/1.jsonl", f"--out={merged}")
    assert reports(merged) == reports(whole)
    assert list(json.loads((merged / "summary.json").read_text())["targets"]) == ["host-musl", "host-glibc"]


def test_what_is_judged_once_is_judged_in_one_shard(world: World) -> None:
    answering(world)
    paths = [shard(world, number, 2) for number in (1, 2)]
    lines = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
    judged = sorted((line["test"], line["target"]) for line in lines if line["type"] == "test")
    expected = [(test.id, target) for target in ("host-glibc", "host-musl") for test in TESTS]
    assert judged == sorted(set(expected) - {(ADDS_RAW.id, "host-musl")})


def test_selection_comes_before_the_cut(world: World) -> None:
    answering(world)
    paths = [shard(world, number, 2, "-k", "semop") for number in (1, 2)]
    ids = [line["test"] for path in paths for line in map(json.loads, path.read_text().splitlines()) if "test" in line]
    assert sorted(set(ids)) == sorted([ADDS.id, ADDS_RAW.id, WAITS.id])
    done = world.ipck("merge", *map(str, paths), f"--out={world.out}")
    assert re.search(r"host-glibc +3 ", done.stdout) and re.search(r"host-musl +2 ", done.stdout)


def test_shard_writes_one_file_and_touches_no_other(world: World) -> None:
    answering(world)
    (world.root / "junit.xml").write_text("of somebody else")
    before = {path.name for path in world.root.iterdir()}
    shard(world, 1, 2)
    after = {path.name for path in world.root.iterdir()} - {"stdout", "stderr"}
    assert after == (before | {"s1.jsonl"}) and (world.root / "junit.xml").read_text() == "of somebody else"
    assert "results: " in (world.root / "stdout").read_text()


def test_target_that_is_not_there_is_told_once(world: World) -> None:
    answering(world)
    arguments = ["--target=host-glibc,host-i386", "--seed=7"]
    for number in (1, 2):
        done = world.ipck("run", *arguments, f"--shard={number}/2", f"--out={world.root}/{number}.jsonl")
        assert "ERROR host-i386: " in done.stdout
    whole, merged = world.root / "whole", world.root / "merged"
    assert world.ipck("run", *arguments, f"--out={whole}").returncode == 1
    done = world.ipck("merge", f"{world.root}/1.jsonl", f"{world.root}/2.jsonl", f"--out={merged}")
    assert done.returncode == 1 and done.stdout.count("ERROR host-i386: ") == 1
    assert reports(merged) == reports(whole)


def test_machine_that_judges_nothing_is_told_once(world: World) -> None:
    lines = [line for test in TESTS for line in (start(test), result(test))]
    world.program([run_line(isolation="none: EPERM"), *lines], ANSWERS)
    for number in (1, 2):
        path = f"{world.root}/{number}.jsonl"
        world.ipck("run", "--target=host-glibc", "--seed=7", f"--shard={number}/2", f"--out={path}")
    whole, merged = world.root / "whole", world.root / "merged"
    world.ipck("run", "--target=host-glibc", "--seed=7", f"--out={whole}")
    world.ipck("merge", f"{world.root}/1.jsonl", f"{world.root}/2.jsonl", f"--out={merged}")
    assert reports(merged) == reports(whole)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--shard=2"], "argument --shard: '2' is no shard: 2/5 is the second of five"),
        (["--shard=1/2"], "--shard 1/2: all shards need one seed: give each the same --seed N"),
        (["--shard=1/2", "--seed=1", "-n2"], "--shard 1/2: without -n: a shard runs tests side by side, see --jobs"),
        (["--shard=1/8", "--seed=1"], "--shard 1/8: only 7 tests are selected: take fewer shards"),
    ],
    ids=short,
)
def test_bad_shard_is_one_message(arguments: list[str], message: str, world: World) -> None:
    answering(world)
    done = world.ipck("run", TARGETS, *arguments)
    assert done.returncode == 2 and message in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout


# What cannot be merged


def refused(world: World, *paths: object) -> str:
    """What `ipck merge` says of PATHS, which it does not merge."""
    done = world.ipck("merge", *map(str, paths), f"--out={world.out}")
    assert done.returncode == 2 and "Traceback" not in done.stderr and not world.out.exists(), done.stdout
    return done.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--seed=8"], "seed 8, not 7"),
        (["-k", "semop"], "tests host-glibc 3, host-musl 2, not host-glibc 4, host-musl 3; other tests: "),
        (["--target=host-i386"], "tests host-glibc 4, host-musl 3, host-i386 0, not host-glibc 4, host-musl 3: "),
        (["--time-scale=2"], "options --time-scale=2, not --time-scale=1"),
        (["--prepare=kernel.msgmni=16"], "options --time-scale=1 --prepare=kernel.msgmni=16, not --time-scale=1"),
        (["--shard=2/4"], "shards 4, not 2"),
    ],
    ids=short,
)
def test_shards_of_other_options_are_refused(change: list[str], message: str, world: World) -> None:
    answering(world)
    first, second = shard(world, 1, 2), shard(world, 2, 2, *change)
    said = refused(world, first, second)
    assert f"{second} is of another run than {first}: " in said and message in said
    assert "merge the shards of one run only: one commit, one --seed and the same options" in said


def test_shards_of_another_catalogue_baseline_or_commit_are_refused(world: World) -> None:
    answering(world)
    first, second = shard(world, 1, 2), shard(world, 2, 2)
    text = second.read_text()
    entry = (
        f'[[deviation]]\ntest = "{WAITS.id}"\nrequirement = "semop.eidrm"\nverdict = "fail"\n'
        'reason = "kernel bug"\nreference = "commit 1"\nsince = "6.1"\n'
    )
    world.baseline(entry)
    assert ": other baselines: " in refused(world, first, shard(world, 2, 2))
    second.write_text(re.sub('"commit":"[^"]*"', '"commit":"c0ffee"', text))
    assert ": commit c0ffee, not " in refused(world, first, second)
    second.write_text(text)
    rows = world.requirements / "semget.toml"
    rows.write_text(rows.read_text().replace("Makes a set", "Makes sets"))
    here = "the catalogue here is another than that of the shards: merge them with the tree "
    assert here in refused(world, first, second)
    assert "another catalogue" in refused(world, first, shard(world, 2, 2))


def test_shard_that_started_on_a_loaded_machine_belongs_to_the_others(world: World) -> None:
    answering(world)
    first, second = shard(world, 1, 2), shard(world, 2, 2)
    text = second.read_text()
    assert (slow := re.sub('"deadline":[0-9.]+', '"deadline":52.25', text)) != text
    second.write_text(slow)
    assert world.ipck("merge", str(first), str(second), f"--out={world.out}").returncode == 1
    assert '"deadline":52.25' in (world.out / "results.jsonl").read_text()


def test_shards_of_machines_that_differ_are_refused(world: World) -> None:
    answering(world)
    first, second = shard(world, 1, 2), shard(world, 2, 2)
    second.write_text(second.read_text().replace('"kernel":"6.1"', '"kernel":"6.12"'))
    unlike = f"host-glibc is not the same in {first} and {second}: kernel '6.1' and '6.12': "
    assert unlike in refused(world, first, second)


def test_shard_that_is_there_twice_is_refused(world: World) -> None:
    answering(world)
    first, second = shard(world, 1, 2), shard(world, 2, 2)
    copy = world.root / "copy.jsonl"
    copy.write_text(second.read_text())
    twice = f"ipck: shard 2/2 is there twice, {second} and {copy}: leave one out\n"
    assert refused(world, first, second, copy) == twice
    assert "shard 1/2 is there twice" in refused(world, first, second, first)


def test_whole_run_is_no_shard(world: World) -> None:
    answering(world)
    whole = world.root / "whole.jsonl"
    world.ipck("run", TARGETS, f"--out={whole}")
    assert f"{whole}: holds a whole run and no shard: ipck report puts whole runs together" in refused(world, whole)


def test_file_that_is_none_of_ours_is_refused(world: World) -> None:
    answering(world)
    first = shard(world, 1, 2)
    other = world.root / "notes.txt"
    other.write_text("milk\nbread\n")
    assert f"{other}:1: is not JSON" in refused(world, first, other)
    assert "none.jsonl: cannot be read: No such file" in refused(world, first, world.root / "none.jsonl")


def test_result_does_not_replace_a_shard(world: World) -> None:
    answering(world)
    paths = [shard(world, number, 2) for number in (1, 2)]
    before = paths[0].read_text()
    done = world.ipck("merge", *map(str, paths), f"--out={paths[0]}")
    assert done.returncode == 2 and "s1.jsonl is one of the shards: choose another" in done.stderr
    assert paths[0].read_text() == before


# What is not whole


def test_missing_shards_are_named_and_the_others_kept(world: World) -> None:
    answering(world)
    paths = [shard(world, number, 5) for number in (1, 3, 5)]
    done = world.ipck("merge", *map(str, paths), f"--out={world.out}")
    assert done.returncode == 2
    assert done.stderr.startswith("ipck: shards 2/5, 4/5 are missing; what the others found is kept: make each by `")
    assert "--seed=7 --shard N/5 --out FILE.jsonl`, then merge all of them\n" in done.stderr
    assert re.search(r"ERROR host-glibc: \d of 4 tests have no result: shards 2/5, 4/5 are missing", done.stdout)
    assert len(world.lines("test")) == 2 + 1 + 1
    assert "tests have no result" in (world.out / "index.html").read_text()


def test_torn_shard_is_named_and_its_results_kept(world: World) -> None:
    answering(world)
    paths = [shard(world, number, 2) for number in (1, 2)]
    lines = paths[1].read_text().splitlines()
    tests = [number for number, line in enumerate(lines) if '"type":"test"' in line]
    paths[1].write_text("\n".join(lines[: tests[1]]) + "\n" + lines[tests[1]][:40])
    done = world.ipck("merge", *map(str, paths), f"--out={world.out}")
    assert done.returncode == 2
    lacking = len(tests) - 1
    assert (
        f"ipck: {paths[1]}: shard 2/2 is cut short, {lacking} of its {len(tests)} tests have no result; what it found "
        "is kept: make it again by `ipck run "
    ) in done.stderr
    assert f"--seed=7 --shard 2/2 --out {paths[1]}`, then merge all of them" in done.stderr
    assert "tests have no result: shard 2/2 is cut short" in done.stdout and "is not JSON" in done.stdout
    assert len(world.lines("test")) == 7 - lacking


@pytest.mark.parametrize("content", ["", '{"type":"run","sche'])
def test_shard_that_had_no_time_counts_as_missing(content: str, world: World) -> None:
    answering(world)
    paths = [shard(world, number, 2) for number in (1, 2)]
    paths[0].write_text(content)
    done = world.ipck("merge", *map(str, paths), f"--out={world.out}")
    assert done.returncode == 2
    assert f"{paths[0]}: holds no results: its shard counts as missing\n" in done.stderr
    assert "shard 1/2 is missing; what the others found is kept" in done.stderr
    paths[1].write_text(content)
    assert world.ipck("merge", *map(str, paths)).stderr.count("holds no results\n") == 2


def test_shard_cut_anywhere_is_never_green(world: World) -> None:
    lines = [line for test in TESTS for line in (start(test), result(test))]
    world.program([run_line(), *lines], ANSWERS)
    paths = [world.root / f"{number}.jsonl" for number in (1, 2)]
    for number, path in enumerate(paths, 1):
        world.ipck("run", "--target=host-glibc", "--seed=7", f"--shard={number}/2", f"--out={path}")
    catalogue = catalogues.load(world.requirements)
    content = paths[1].read_bytes()
    for size in range(0, len(content), 31):
        paths[1].write_bytes(content[:size])
        run, lacks = merge(paths, catalogue)
        assert lacks or exit_status(run) == 2, size
    paths[1].write_bytes(content)
    run, lacks = merge(paths, catalogue)
    assert not lacks and exit_status(run) == 0
