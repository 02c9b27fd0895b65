"""Shards of a run on several machines, by GNU parallel: loopback under two names."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ipck.tree import ROOT
from sshd import Sshd

pytestmark = pytest.mark.skipif(
    not (shutil.which("parallel") and shutil.which("rsync")), reason="no parallel or no rsync: apt-get install them"
)
ARGUMENTS = ("--seed=7", "--target=host-glibc", "-k", "sysv.sem.semop_wait", "--prepare", "kernel.sem=250 32000 32 128")


def run(server: Sshd, out: Path, hosts: str) -> "subprocess.CompletedProcess[str]":
    """Run the script for two shards."""
    environment = {"PATH": f"{server.folder}/bin:{os.environ['PATH']}", "PARALLEL_HOME": str(out.with_name("home"))}
    command = [str(ROOT / "scripts/shard.parallel"), hosts, str(out), "2", *ARGUMENTS]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True)


def outcomes(folder: Path) -> dict[str, str]:
    """What a run found."""
    lines = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    return {line["test"]: line["outcome"] for line in lines if line["type"] == "test"}


def machines(folder: Path) -> set[str]:
    """Who made the shards, as parallel logs it: number, host and, in the end, the command."""
    return {line.split("\t")[1] for line in (folder / "shards.log").read_text().splitlines()[1:]}


def test_shards_on_two_machines_come_to_one_report(server: Sshd, tmp_path: Path) -> None:
    both, whole = tmp_path / "both", tmp_path / "whole"
    done = run(server, both, "one,two")
    assert done.returncode == 0, done.stdout + done.stderr
    assert machines(both) == {"one", "two"} and len(list(both.glob("shard-*.jsonl"))) == 2
    subprocess.run([ROOT / "scripts/ipck", "run", *ARGUMENTS, f"--out={whole}"], stdout=subprocess.DEVNULL, check=True)
    assert outcomes(both) == outcomes(whole) and len(outcomes(both)) > 10
    assert (both / "index.html").exists()


def test_machine_that_is_not_there_is_passed_over(server: Sshd, tmp_path: Path) -> None:
    done = run(server, tmp_path / "out", "closed,one")
    assert done.returncode == 0, done.stdout + done.stderr
    assert machines(tmp_path / "out") == {"one"}


def test_no_machine_at_all(server: Sshd, tmp_path: Path) -> None:
    done = run(server, tmp_path / "out", "closed")
    assert done.returncode == 2
    assert "Connection refused" in done.stderr and "shard-*.jsonl: cannot be read: No such file" in done.stderr


def test_script_says_how_it_is_used() -> None:
    done = subprocess.run([ROOT / "scripts/shard.parallel", "one"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "usage: scripts/shard.parallel HOST,.. FOLDER SHARDS --seed N [ARGUMENT..]\n"
