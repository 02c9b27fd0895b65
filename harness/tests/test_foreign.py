"""Kernels of other architectures: how they are asked and started, with stubs for QEMU and for what lists the tests."""

from dataclasses import replace
from pathlib import Path

import pytest

from ipck.catalogue import Catalogue
from ipck.engine import Engine, Options
from ipck.results import Fault, TestResult
from ipck.targets import TARGETS, Need, Unavailable, list_tests
from ipck.targets.foreign import ForeignKernel
from stubs import CATALOGUE, TESTS, World, whole

FOREIGN = [target for target in TARGETS.values() if isinstance(target, ForeignKernel)]
NAMES = [target.name for target in FOREIGN]
LEFT = '{"type":"left","how":""}'


def stub(path: Path, shell: str) -> Path:
    """A program that runs SHELL."""
    path.write_text(f"#!/bin/sh\n{shell}\n")
    path.chmod(0o755)
    return path


def machine(world: World, kernel: ForeignKernel) -> ForeignKernel:
    """KERNEL with an image, a program of another machine, an emulator that lists its tests, and a QEMU."""
    world.program(whole(), flavour=kernel.flavour)
    lists = world.build / kernel.flavour / "list"
    for name in ("ipck-tests", "guest-init"):
        path = world.build / kernel.flavour / name
        path.write_bytes(b"\x7fELF of another machine")
        path.chmod(0o755)
    place, mark = kernel.board.mark
    image = world.root / "vmlinuz"
    image.write_bytes(bytes(place) + mark + bytes(9))
    qemu = stub(world.root / "qemu", f"cat '{world.build / kernel.flavour / 'lines'}'\necho '{LEFT}'")
    emulator = stub(world.root / "emulator", f"[ \"$2\" = --list ] && cat '{lists}'")
    board = replace(kernel.board, qemu=Need(str(qemu), "qemu"))
    return replace(kernel, image=image, board=board, lists=Need(str(emulator), "emulators"))


@pytest.mark.parametrize("kernel", FOREIGN, ids=NAMES)
def test_kernel_is_listed_by_the_emulator_and_judged_in_qemu(kernel: ForeignKernel, world: World) -> None:
    target = machine(world, kernel)
    assert tuple(list_tests(target, CATALOGUE, world.build)) == TESTS
    events = list(Engine(target, TESTS, Options(), world.build).events())
    assert not [event for event in events if isinstance(event, Fault)]
    assert len([event for event in events if isinstance(event, TestResult)]) == len(TESTS)


@pytest.mark.parametrize("kernel", FOREIGN, ids=NAMES)
def test_results_and_console_are_two_lines_of_the_machine(kernel: ForeignKernel) -> None:
    words = kernel.argv()
    assert {"stdio,id=results", "file,id=console,path=/dev/stderr,append=on"} <= set(words)
    assert sum(word.endswith("chardev=results") for word in words) == 1
    assert sum(word.endswith(("chardev=console", "chardev:console")) for word in words) == 1
    assert "kvm" not in words and words[words.index("-accel") + 1] == "tcg,thread=multi"


@pytest.mark.parametrize("lacks", ["qemu", "emulator", "image", "guest-init"])
def test_what_is_missing_is_named_with_what_brings_it(lacks: str, world: World) -> None:
    target = machine(world, FOREIGN[0])
    wanted = {
        "qemu": "qemu is not installed: run apt-get install qemu",
        "emulator": "emulator is not installed: run apt-get install emulators",
        "image": f"the kernel is not fetched: run scripts/get-kernels {target.fetched}",
        "guest-init": "guest-init is not built: run make",
    }
    files = {"image": target.image, "guest-init": target.built(world.build)[1]}
    files.get(lacks, world.root / lacks).unlink()
    with pytest.raises(Unavailable) as caught:
        list_tests(target, Catalogue(), world.build)
    assert wanted[lacks] in str(caught.value)


def test_kernel_of_another_architecture_is_told(world: World) -> None:
    target = machine(world, FOREIGN[0])
    target.image.write_bytes(b"\x1f\x8b" + bytes(5000))
    with pytest.raises(Unavailable, match=f"is no kernel, but compressed by gzip: {target.board.image} is wanted"):
        target.check(world.build)
