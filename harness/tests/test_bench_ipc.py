"""`ipck bench-ipc`: what stub programs say that they measured, and the real program without a look at its times."""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from ipck.bench import page, program, results
from ipck.targets import TARGETS
from stubs import HARNESS, World

PROGRAM = HARNESS.parent / "build/glibc/ipck-bench"
BENCHES = (
    "reference.getpid\tcall\t0\tgetpid()",
    "sysv.msg.stream.64.apart\tmessage\t64\tmessages",
    "sysv.sem.semop\tcall\t0\tsemop()",
)
NAMES = tuple(line.split("\t")[0] for line in BENCHES)


def line(kind: str, **more: Any) -> str:
    """A line of the program."""
    return json.dumps({"type": kind, **more})


def run(**more: Any) -> str:
    """Its first."""
    facts = {"schema": 1, "kernel": "Linux 1", "libc": "stub 1", "machine": "x86_64", "processors": 2, "bound": True}
    return line("run", **facts, clock_ns=30.0, **more)


def samples(name: str, *times: float) -> list[str]:
    """What it says of a benchmark that went well."""
    return [line("ready", bench=name, operations=100), line("samples", bench=name, ns=list(times))]


def whole(scale: float = 1.0) -> list[str]:
    """All that it says when all goes well."""
    lines = [one for name in NAMES for one in samples(name, *(scale * time for time in (120, 90, 100, 110, 80)))]
    return [run(), *lines, line("end")]


def stub(world: World, lines: Iterable[str], flavour: str = "glibc", shell: str = "") -> None:
    """A program that says LINES, and then does SHELL."""
    folder = world.build / flavour
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench-list").write_text("".join(f"{one}\n" for one in BENCHES))
    (folder / "bench-lines").write_text("".join(f"{one}\n" for one in lines))
    path = folder / "ipck-bench"
    shell = shell or f"cat {folder}/bench-lines"
    path.write_text(f'#!/bin/sh\n[ "$1" = --list ] && exec cat {folder}/bench-list\n{shell}\n')
    path.chmod(0o755)


def bench_ipc(world: World, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command on the two stubs."""
    return world.ipck("bench-ipc", f"--out={world.out}", "--target=host-musl", *arguments)


def data(world: World) -> results.Data:
    """What it left."""
    found = results.read(world.out)
    assert found
    return found


def test_ratios_are_of_the_medians(world: World) -> None:
    stub(world, whole())
    stub(world, whole(3), "musl")
    done = bench_ipc(world)
    assert (done.returncode, done.stderr) == (0, "")
    found = data(world)
    assert [one.target for one in found.targets] == ["host-glibc", "host-musl"] and found.drift == 1
    own, other = (one.of("sysv.sem.semop") for one in found.targets)
    assert own and other
    assert (own.median_ns, own.q1_ns, own.q3_ns, own.batches, own.operations) == (100, 90, 110, 10, 100)
    assert (other.ratio, other.ratio_low, other.ratio_high) == (3, round(270 / 110, 4), round(330 / 90, 4))
    assert "sysv.sem.semop" in done.stdout and "×3.00" in done.stdout
    html = (world.out / "bench.html").read_text()
    assert all(name in html for name in NAMES) and "640 MB/s" in html
    assert "style=" not in html


def test_reference_measures_first_and_last(world: World) -> None:
    stub(world, whole())
    lines = world.build / "glibc/bench-lines"
    stub(world, whole(), shell=f"[ -e $0.once ] && sed 's/[[].*/[200, 200]}}/' {lines} || cat {lines}\n: > $0.once")
    stub(world, whole(), "musl")
    done = bench_ipc(world)
    assert done.returncode == 0 and "took 2.00 times as long at the end" in done.stdout
    assert data(world).drift == 2


def test_what_a_target_lacks_is_no_problem(world: World) -> None:
    stub(world, whole())
    skip = line("skip", bench=NAMES[1], reason="a second processor")
    stub(world, [run(), *samples(NAMES[0], 1, 2, 3), skip, *samples(NAMES[2], 1, 2, 3), line("end")], "musl")
    done = bench_ipc(world)
    assert done.returncode == 0 and "skipped" in done.stdout
    found = data(world).targets[1].of(NAMES[1])
    assert found and found.skipped == "a second processor" and not found.median_ns
    assert "lacks a second processor" in (world.out / "bench.html").read_text()


def test_failed_call_is_told_and_the_rest_kept(world: World) -> None:
    stub(world, whole())
    error = line("error", bench=NAMES[2], reason="semop(set, &one, 1): EIDRM")
    stub(world, [run(), *samples(NAMES[0], 1, 2, 3), *samples(NAMES[1], 1, 2, 3), error, line("end")], "musl")
    done = bench_ipc(world)
    assert done.returncode == 2
    assert f"host-musl: {NAMES[2]}: semop(set, &one, 1): EIDRM" in done.stderr
    kept = data(world).targets[1].of(NAMES[0])
    assert kept and kept.median_ns == 2


def test_target_that_dies_keeps_what_came(world: World) -> None:
    stub(world, whole())
    stub(world, whole()[:-1], "musl", f"cat {world.build}/musl/bench-lines; kill -9 $$")
    done = bench_ipc(world)
    assert done.returncode == 2 and "host-musl: the program was killed by SIGKILL before its last line" in done.stderr
    kept = data(world).targets[1].of(NAMES[2])
    assert kept and kept.batches == 5


def test_benchmark_that_takes_the_target_down_is_left_out(world: World) -> None:
    """The second one does, as long as it is asked for."""
    stub(world, whole())
    ready = samples(NAMES[0], 1, 2, 3)[0]
    rest = [run(), *samples(NAMES[0], 1, 2, 3), *samples(NAMES[2], 1, 2, 3), line("end")]
    folder = world.build / "musl"
    stub(world, rest, "musl", f"case \"$*\" in *{NAMES[1]}*) printf '%s\\n' '{run()}' '{ready}'; kill -9 $$;; esac\n"
                              f"cat {folder}/bench-lines")  # fmt: skip
    done = bench_ipc(world)
    assert done.returncode == 2 and f"{NAMES[1]}: the program was killed by SIGKILL" in done.stderr
    last = data(world).targets[1].of(NAMES[2])
    assert last and last.median_ns == 2


def test_program_that_says_nothing_is_killed(world: World) -> None:
    target = TARGETS["host-glibc"]
    stub(world, [], shell="exec sleep 1000")
    found = program.Run(target, NAMES, 1, world.build, grace=-9.9).measure()
    assert "said nothing" in found.faults[0] and not found.samples


@pytest.mark.parametrize(
    "bad",
    [
        "no JSON", "{}", '{"type": "party"}', '{"type": "samples", "bench": "other", "ns": [1]}',
        f'{{"type": "samples", "bench": "{NAMES[0]}", "ns": [NaN]}}',
        f'{{"type": "samples", "bench": "{NAMES[0]}", "ns": [-1]}}',
        f'{{"type": "skip", "bench": "{NAMES[0]}", "reason": 1}}', '{"type": "run", "schema": 9}', "\udcff",
    ],
)  # fmt: skip
def test_line_that_is_not_understood_costs_nothing_else(world: World, bad: str) -> None:
    stub(world, [])
    lines = world.build / "glibc/bench-lines"
    first, *rest = whole()
    text = "\n".join([first, bad, *rest]) + "\n"
    lines.write_bytes(text.encode("utf-8", "surrogateescape"))
    found = program.Run(TARGETS["host-glibc"], NAMES, 1, world.build).measure()
    assert len(found.faults) == 1 and set(found.samples) == set(NAMES)


def test_bad_input_is_one_message(world: World) -> None:
    stub(world, whole())
    for arguments, says in (
        (["--reference=nobody"], "unknown target"),
        (["--target=host-i386"], "is unavailable: "),
        (["--seconds=0"], "between 0 and 1000"),
    ):
        done = world.ipck("bench-ipc", f"--out={world.out}", *arguments)
        assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr
    world.out.mkdir()
    (world.out / "bench.json").write_text("{}")
    done = bench_ipc(world)
    assert done.returncode == 2 and "make it again with ipck bench-ipc, or remove it" in done.stderr


def test_amounts() -> None:
    assert [page.amount(time) for time in (0.5, 4.2, 404, 999.9, 5424, 54_240, 1e9)] == [
        "0.50 ns", "4.20 ns", "404 ns", "1.00 µs", "5.42 µs", "54.2 µs", "1.00 s",
    ]  # fmt: skip


needs_program = pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not built: run make {PROGRAM}")


@needs_program
def test_every_benchmark_runs_here(tmp_path: Path) -> None:
    target = TARGETS["host-glibc"]
    listed = program.benches(target, [], PROGRAM.parents[1])
    assert len(listed) > 90 and len({bench.name for bench in listed}) == len(listed)
    found = program.Run(target, [bench.name for bench in listed], 0.1, PROGRAM.parents[1]).measure()
    assert not found.faults and not found.failed
    assert set(found.samples) | set(found.skipped) == {bench.name for bench in listed}
    assert all(len(times) >= 5 for times in found.samples.values())
    assert all(reason == "a second processor" for reason in found.skipped.values())


@needs_program
def test_program_chooses_by_name_and_pattern() -> None:
    def chosen(*patterns: str) -> list[str]:
        done = subprocess.run([PROGRAM, "--list", *patterns], capture_output=True, text=True, check=True)
        return [one.split("\t")[0] for one in done.stdout.splitlines()]

    assert chosen("sysv.sem.semop") == [f"sysv.sem.semop{end}" for end in ("", ".undo", ".array", ".eagain")]
    assert all(name.endswith(".apart") for name in chosen("*.apart"))
    done = subprocess.run([PROGRAM, "semopp"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "no benchmark matches 'semopp'" in done.stderr


@needs_program
def test_missing_call_is_skipped_and_failing_call_an_error() -> None:
    without = HARNESS.parent / "build/glibc/without"
    if not without.exists():
        pytest.skip(f"{without} is not built")
    names = ["posix.mq.getattr", "sysv.msg.stat", "sysv.sem.getval"]
    command: list[str | Path] = [without, "mq_open=ENOSYS", "msgget=EPERM", "--", PROGRAM, "--seconds", "0.1", *names]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [json.loads(one) for one in said.stdout.splitlines()]
    found = {(one["type"], one.get("bench"), one.get("reason")) for one in lines if one["type"] != "run"}
    assert ("skip", names[0], "mq_open()") in found
    assert ("error", names[1], "msgget(IPC_PRIVATE, 0600): EPERM") in found
    assert ("samples", names[2], None) in found and ("end", None, None) in found
