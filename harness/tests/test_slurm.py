"""Shards of a run as the tasks of a Slurm job array."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipck.tree import ROOT
from slurm import Slurm
from stubs import World
from test_shards import TARGETS, answering, facts, reports

SCRIPT = ROOT / "scripts/shard.slurm"
OPTIONS = (TARGETS, "--seed=7")


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    """The cluster."""
    with tempfile.TemporaryDirectory(prefix="ipck-test-") as name:
        Path(name).chmod(0o755)  # munged wants a socket that everybody can reach
        with Slurm(Path(name)) as cluster:
            yield cluster


def array(slurm: Slurm, world: World, tasks: str) -> str:
    """Submit some of four shards; the number of the job."""
    options = ("--parsable", f"--output={world.root}/%A_%a.out", "--cpus-per-task=1", f"--array={tasks}")
    folder = world.root / "shards"
    job = slurm.run("sbatch", *options, str(SCRIPT), str(folder), "4", *world.folders, *OPTIONS)
    assert job, slurm.said()
    return job.strip()


def said(world: World) -> str:
    """What the tasks printed."""
    return "\n".join(f"{path.name}: {path.read_text()}" for path in sorted(world.root.glob("*.out")))


def merge(world: World, out: Path) -> tuple[int, str]:
    """What `ipck merge` of the shards that are there says."""
    done = world.ipck("merge", *map(str, sorted((world.root / "shards").glob("*.jsonl"))), f"--out={out}")
    return done.returncode, done.stdout + done.stderr


def test_array_with_killed_tasks_comes_to_the_same_report(slurm: Slurm, world: World) -> None:
    """Of four tasks one is cancelled and one is killed, and both are submitted again."""
    answering(world)
    hangs = f'[ "$SLURM_ARRAY_TASK_ID" != 2 ] || {{ : >{world.root}/hangs; exec sleep 600; }}'
    kills = '[ "$SLURM_ARRAY_TASK_ID" != 3 ] || kill -9 $PPID'
    for program in world.build.glob("*/ipck-tests"):
        listing, answering_part = program.read_text().split("select=", 1)
        program.write_text(f"{listing}[ -e {world.root}/calm ] || {{ {hangs}; {kills}; }}\nselect={answering_part}")
    job = array(slurm, world, "1-4")
    slurm.until(lambda: (world.root / "hangs").exists())
    slurm.run("scancel", f"{job}_2")
    slurm.until(lambda: not slurm.queue())
    merged = world.root / "merged"
    status, words = merge(world, merged)
    assert status == 2, said(world)
    assert "shard 3/4 is missing; what the others found is kept: make each by `ipck run " in words
    assert "shard 2/4 is cut short, 2 of its 2 tests have no result; what it found is kept: make it again by " in words
    (world.root / "calm").touch()
    array(slurm, world, "2,3")
    slurm.until(lambda: not slurm.queue())
    status, words = merge(world, merged)
    whole = world.root / "whole"
    assert world.ipck("run", *OPTIONS, f"--out={whole}").returncode == 1 == status, words
    assert reports(merged) == reports(whole)
    assert facts(merged / "results.jsonl") == facts(whole / "results.jsonl")


def test_script_outside_an_array_says_how_it_is_used() -> None:
    done = subprocess.run([SCRIPT, "results", "4"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "usage: sbatch --array=1-SHARDS scripts/shard.slurm FOLDER SHARDS --seed N [ARGUMENT..]\n"
