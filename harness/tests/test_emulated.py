"""Targets that are emulated, with stubs for the emulators: what stands between an emulator and the test program."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from ipck import plan
from ipck.plan import Folders
from ipck.targets import TARGETS, Need, Test, Unavailable
from ipck.targets.emulated import Emulated
from ipck.tree import ARCHITECTURES, BUILD, ROOT
from stubs import ADDS, World

EMULATE = BUILD / "emulate"
FOREIGN = bytes.fromhex("7f454c46020201000000000000000000 0002 0016")
"""How a program of s390x begins."""
EMULATED = [target for target in TARGETS.values() if isinstance(target, Emulated)]
TOOLS = Test("tools.ipcs_list.kinds", "conformance/tools/ipcs_list.c", 3, ("semop.adds",))


def stub(folder: Path, shell: str) -> Path:
    """An emulator that runs SHELL, where $1 is the program."""
    path = folder / "emulator"
    path.write_text(f"#!/bin/sh\n{shell}\n")
    path.chmod(0o755)
    return path


def run(folder: Path, shell: str) -> "subprocess.CompletedProcess[str]":
    """A program of another machine under such an emulator."""
    program = folder / "program"
    program.write_bytes(FOREIGN + bytes(64))
    program.chmod(0o755)
    command = (EMULATE, stub(folder, shell), program, "first", "second")
    return subprocess.run(command, input="input", capture_output=True, text=True, check=False, timeout=30)


def test_arguments_input_and_both_outputs_pass_through(tmp_path: Path) -> None:
    done = run(tmp_path, 'echo "$2 $3"; cat; echo error >&2')
    assert (done.stdout, done.stderr, done.returncode) == ("first second\ninput", "error\n", 0)


def test_exit_status_passes_through(tmp_path: Path) -> None:
    assert run(tmp_path, "exit 2").returncode == 2


def test_death_by_a_signal_passes_through(tmp_path: Path) -> None:
    assert run(tmp_path, "kill -s SEGV $$").returncode == -signal.SIGSEGV


def test_kernel_starts_such_programs_by_the_emulator(tmp_path: Path) -> None:
    done = run(tmp_path, '[ "$2" = first ] || { echo "again: $*"; exit 0; }\n"$1" anew')
    assert done.stdout == f"again: {tmp_path}/program anew\n", done.stderr


def test_programs_of_this_machine_are_not_emulated(tmp_path: Path) -> None:
    assert run(tmp_path, "/bin/echo native").stdout == "native\n"


def test_nothing_is_registered_outside(tmp_path: Path) -> None:
    run(tmp_path, "exit 0")
    with pytest.raises(OSError, match="Exec format error"):
        subprocess.run((tmp_path / "program",), check=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_users_are_who_they_were(tmp_path: Path) -> None:
    done = run(tmp_path, "setpriv --reuid=4711 --regid=4712 --clear-groups sh -c 'id -u; id -g'; stat -c %u /")
    assert done.stdout == "4711\n4712\n0\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_ordinary_user_is_root_inside(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(FOREIGN + bytes(64))
    for folder in (tmp_path, *list(tmp_path.parents)[:-2]):
        folder.chmod(0o755)
    command = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", EMULATE, stub(tmp_path, "id -u"), program)
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (done.stdout, done.returncode) == ("0\n", 0), done.stderr


def test_end_of_the_parent_ends_all(tmp_path: Path) -> None:
    command = (EMULATE, stub(tmp_path, "echo started; exec sleep 1000"), "/no/program")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "started\n"
        process.kill()
        assert process.communicate(timeout=30)[0] == ""  # nobody holds the pipe any more


def test_emulator_that_cannot_be_executed(tmp_path: Path) -> None:
    done = subprocess.run((EMULATE, "/no/emulator", "/no/program"), capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.endswith("/no/emulator: No such file or directory\n")


def test_each_architecture_has_a_target_of_each_release() -> None:
    rows = [line.split() for line in ARCHITECTURES.read_text().splitlines() if not line.startswith("#")]
    assert all(len(row) == 3 for row in rows)
    names = {*(row[0] for row in rows), "i386", "x86_64"}
    assert {target.name for target in EMULATED} == {
        f"qemu-user-{name}{release}" for name in names for release in ("", "-10.0")
    }


def test_missing_emulator_is_named_with_the_command_that_fetches_it(tmp_path: Path) -> None:
    target = Emulated("t", "s390x", "", emulator=Need("usr/bin/qemu-none", "qemu-none", "bookworm"))
    with pytest.raises(Unavailable, match="qemu-none is not fetched: run scripts/get-debian bookworm qemu-none"):
        target.check(tmp_path)


def test_missing_build_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    target = Emulated("t", "s390x", "", emulator=Need("true", "coreutils"))
    with pytest.raises(Unavailable, match=r"emulate is not built: run make .*emulate"):
        target.check(tmp_path)
    (tmp_path / "emulate").touch(0o755)
    with pytest.raises(Unavailable, match=r"ipck-tests is not built: run make .*s390x/ipck-tests"):
        target.check(tmp_path)


def test_tools_are_not_judged_through_an_emulator(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.program(tests=(ADDS, TOOLS))
    (world.build / "emulate").symlink_to("/usr/bin/env")
    target = Emulated("t", "glibc", "", judges_tools=False, emulator=Need("env", "coreutils"))
    monkeypatch.setitem(TARGETS, "t", target)
    (ready,) = plan.make(("t",), Folders(world.requirements, world.baselines, world.build)).ready
    assert list(ready.tests) == [ADDS.id]


@pytest.mark.parametrize("arguments", [(), ("s390x",), ("z80", "--version"), (".*", "--version")])
def test_cross_compiler_for_an_unknown_architecture(arguments: tuple[str, ...]) -> None:
    done = subprocess.run((ROOT / "scripts/cross-gcc", *arguments), capture_output=True, text=True, check=False)
    assert done.returncode == 2 and re.match("ipck: usage: scripts/cross-gcc ARCHITECTURE ", done.stderr)
