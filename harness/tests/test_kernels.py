"""Kernels in QEMU, with stubs for QEMU: how they are started, and what becomes of those that fail."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from ipck import virtualisation
from ipck.engine import Ended, Engine, Options
from ipck.errors import IpckError
from ipck.results import Fault, TestResult
from ipck.targets import TARGETS, Target, Test, Unavailable, choose
from ipck.targets.kernels import QemuKernel
from stubs import ADDS, MAKES, TESTS, WAITS, World, end, result, run_line, short, start, whole

SELECTED = "".join(f"{test.id}\n" for test in TESTS)
USUAL = Options(seed=7)
SOON = Options(seed=7, time_scale=0.0025, grace=0.5)
TRACE = "BUG: kernel NULL pointer dereference, address: 0000000000000008\nCall Trace:\n do_semtimedop+0x1/0x2"
PANIC = f"{TRACE}\nKernel panic - not syncing: Fatal exception"

# Finds the path behind -initrd, and prints results.
HEAD = """for word; do [ "$last" = -initrd ] && initrd=$word; last=$word; done
console() { printf '%b\\n' "$1" >&2; }
"""


@pytest.fixture
def machine(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose PATH begins with its root, with what a kernel needs, and which knows that there is no KVM."""
    monkeypatch.setenv("PATH", f"{world.root}{os.pathsep}{os.environ['PATH']}")
    for flavour in ("glibc-static", "i386-static"):
        world.program(flavour=flavour)
        init = world.build / flavour / "guest-init"
        init.write_bytes(b"the first process")
        init.chmod(0o755)
    return world


def qemu(world: World, lines: Sequence[str] = (), shell: str = "", name: str = "qemu-system-x86_64") -> None:
    """A QEMU that prints LINES and then runs SHELL; with `$lines` SHELL prints them itself."""
    lines_file = world.root / "lines"
    lines_file.write_text("".join(f"{line}\n" for line in lines))
    body = shell if "$lines" in shell else f'cat "$lines"\n{shell}'
    path = world.root / name
    path.write_text(f"#!/bin/sh\nlines='{lines_file}'\nhere='{world.root}'\n{HEAD}{body}\n")
    path.chmod(0o755)


def image(world: World, bits: int = 64, name: str = "bzImage") -> Path:
    """What looks like a kernel for x86."""
    content = bytearray(0x1000)
    content[0x202:0x206] = b"HdrS"
    content[0x236] = bits == 64
    path = world.root / name
    path.write_bytes(content)
    return path


def kernel(argument: object) -> Target:
    """The target of `--kernel ARGUMENT`."""
    (choice,) = choose([f"kernel:{argument}"])
    return choice.target


def run(
    world: World, tests: Sequence[Test] = TESTS, options: Options = USUAL
) -> tuple[dict[str, TestResult], list[str], bool]:
    """The results of a kernel, the faults, and whether the run was complete."""
    target = kernel(image(world))
    target.check(world.build)
    events = list(Engine(target, tests, options, world.build).events())
    results = {event.test: event for event in events if isinstance(event, TestResult)}
    faults = [event.message for event in events if isinstance(event, Fault)]
    ended = events[-1]
    assert isinstance(ended, Ended) and set(results) == {test.id for test in tests}
    return results, faults, ended.complete


def statuses(results: dict[str, TestResult]) -> set[str]:
    """What became of the tests."""
    return {result.status for result in results.values()}


# How it is started


def test_kernel_gets_the_program_its_words_and_its_clients(machine: World) -> None:
    clients = machine.build / "glibc-static" / "clients"
    clients.mkdir()
    (clients / "a_client").write_bytes(b"the client")
    qemu(machine, whole(), 'cp "$initrd" "$here/initrd"; printf "%s\\n" "$@" >"$here/words"')
    results, faults, complete = run(machine)
    assert statuses(results) == {"pass"} and complete and not faults
    words = (machine.root / "words").read_text().splitlines()
    assert words[words.index("-kernel") + 1] == str(machine.root / "bzImage")
    files = (machine.root / "initrd").read_bytes()
    program = (machine.build / "glibc-static" / "ipck-tests").read_bytes()
    for content in (b"the first process", program, b"the client", SELECTED.encode(), b"--shuffle\n--seed\n7\n"):
        assert content in files
    for path in (b"init\0", b"ipck/ipck-tests\0", b"ipck/clients/a_client\0", b"ipck/select\0", b"ipck/arguments\0"):
        assert path in files


def test_more_files_and_words_are_those_that_were_given(machine: World) -> None:
    extra = machine.root / "extra.cpio"
    extra.write_bytes(b"more files")
    qemu(machine, whole(), 'cp "$initrd" "$here/initrd"; printf "%s\\n" "$@" >"$here/words"')
    target = kernel(f"{image(machine)},initrd={extra},append=console=ttyS0,115200 nosmp")
    target.check(machine.build)
    assert list(Engine(target, TESTS, USUAL, machine.build).events())
    words = (machine.root / "words").read_text().splitlines()
    assert words[words.index("-append") + 1].endswith(" console=ttyS0,115200 nosmp")
    assert (machine.root / "initrd").read_bytes().endswith(b"more files")


def test_kernel_with_32_bits_runs_a_program_with_32_bits(machine: World) -> None:
    assert kernel(image(machine, 64)).flavour == "glibc-static"
    assert kernel(image(machine, 32)).flavour == "i386-static"


@pytest.mark.parametrize(
    "argument",
    ["", ",append=quiet", "bzImage,", "bzImage,quiet", "bzImage,initrd=", "bzImage,append=", "bzImage,memory=1G"],
    ids=short,
)
def test_arguments_that_mean_nothing_are_refused(argument: str) -> None:
    with pytest.raises(IpckError, match="write IMAGE,initrd=FILE,watch,append=WORDS"):
        kernel(argument)


def test_name_of_a_target_names_files(machine: World) -> None:
    assert kernel("a/linux 6.1+ (mine).img").name == "kernel-linux-6.1-mine-.img"


# What is not there


def unavailable(world: World, target: Target) -> str:
    """Why TARGET cannot run."""
    with pytest.raises(Unavailable) as caught:
        target.check(world.build)
    return str(caught.value)


def test_missing_qemu_is_named_with_its_package(machine: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(machine.root))
    said = unavailable(machine, kernel(image(machine)))
    assert said == "qemu-system-x86_64 is not installed: run apt-get install qemu-system-x86"


def test_missing_first_process_is_named(machine: World) -> None:
    qemu(machine)
    (machine.build / "glibc-static" / "guest-init").unlink()
    said = unavailable(machine, kernel(image(machine)))
    assert "guest-init is not built: run make " in said


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "empty"),
        (b"\x7fELF" + bytes(0x1000), "an ELF file"),
        (b"\x1f\x8b\x08" + bytes(0x1000), "compressed by gzip"),
        (b"\xfd7zXZ\0" + bytes(0x1000), "compressed by xz"),
        (b"!<arch>\ndebian-binary", "an archive or a Debian package"),
        (b"070701" + bytes(0x1000), "an initramfs"),
        (b"Ladies and gentlemen" * 100, "something else"),
        (b"MZ", "something else"),
    ],
    ids=short,
)
def test_file_that_is_no_kernel(machine: World, content: bytes, what: str) -> None:
    qemu(machine)
    path = machine.root / "odd"
    path.write_bytes(content)
    said = unavailable(machine, kernel(path))
    assert f"odd is no kernel, but {what}" in said and said.endswith(": a bzImage for x86 is wanted")


def test_kernel_that_is_not_there(machine: World) -> None:
    qemu(machine)
    assert unavailable(machine, kernel("/no/bzImage")) == "/no/bzImage: there is no such kernel"
    assert "Is a directory" in unavailable(machine, kernel(machine.root))
    assert "initrd=/no/cpio: there is no such file" in unavailable(machine, kernel(f"{image(machine)},initrd=/no/cpio"))


def test_kernel_of_debian_that_was_not_fetched(machine: World) -> None:
    qemu(machine)
    targets = [target for target in TARGETS.values() if isinstance(target, QemuKernel)]
    assert {"qemu-5.10", "qemu-6.1", "qemu-6.1-i386", "qemu-newest", "qemu-686-6.1"} <= {one.name for one in targets}
    missing = QemuKernel("qemu-0.1", "glibc-static", "", image=machine.root / "0.1" / "vmlinuz", fetched="0.1")
    assert unavailable(machine, missing) == "the kernel is not fetched: run scripts/get-kernels 0.1"


def test_kernel_that_is_unavailable_makes_the_status(machine: World) -> None:
    done = machine.ipck("run", f"--kernel={machine.root}/lines")
    assert done.returncode == 2 and "kernel-lines is unavailable: " in done.stdout + done.stderr


# What a kernel may do


def test_kernel_that_says_nothing_is_ended_with_the_last_of_its_console(machine: World) -> None:
    qemu(machine, (), "console 'VFS: Unable to mount root'; exec sleep 1000")
    results, faults, complete = run(machine, TESTS, SOON)
    assert statuses(results) == {"lost"} and not complete
    why = "the kernel did not start within 0.3 s and was killed; with append=loglevel=7 its console says more"
    assert faults[0].startswith(f"{why}: ") and "VFS: Unable to mount root" in faults[0]


def test_kernel_that_starts_slowly_gets_the_time(machine: World) -> None:
    # Longer than a program may be silent, and not as long as a kernel may take.
    qemu(machine, [run_line(deadline=100), *whole()[1:]], 'sleep 1.5; cat "$lines"')
    results, faults, complete = run(machine, TESTS, Options(seed=7, time_scale=0.05, grace=0))
    assert statuses(results) == {"pass"} and complete and not faults


def test_relative_paths_are_those_of_who_asks(machine: World, monkeypatch: pytest.MonkeyPatch) -> None:
    image(machine)
    (machine.root / "cpio").write_bytes(b"more")
    monkeypatch.chdir(machine.root)
    target = kernel("bzImage,initrd=cpio")
    assert str(machine.root / "bzImage") in target.argv(machine.build)
    monkeypatch.chdir("/")
    target.check(machine.build)


def test_kernel_that_falls_silent_is_told_from_a_test_that_hangs(machine: World) -> None:
    qemu(machine, [run_line(deadline=100), start(ADDS)], "exec sleep 1000")
    _, faults, _ = run(machine, [ADDS], SOON)
    assert faults[0] == "the kernel gave no sign of life for 0.3 s and was killed"
    qemu(machine, [run_line(), start(ADDS)], """exec yes '{"type":"alive"}'""")
    _, faults, _ = run(machine, [ADDS], SOON)
    assert "although the kernel was alive" in faults[0]


def test_panic_is_quoted_with_its_trace_and_lays_the_blame_on_the_test(machine: World) -> None:
    rest = [test for test in TESTS if test != WAITS]
    shell = f'if mkdir "$here/once"; then cat "$lines"; console "booting\\n{PANIC}"; else cat "$here/rest"; fi 2>&2'
    qemu(machine, [run_line(), start(WAITS)], shell.replace("\n", "\\n"))
    (machine.root / "rest").write_text("".join(f"{line}\n" for line in whole(rest)))
    results, faults, complete = run(machine)
    assert complete and {results[test.id].status for test in rest} == {"pass"}
    died = results[WAITS.id]
    assert died.status == "crashed" and died.reason.startswith("no result: the kernel panicked before its last line")
    for said in (faults[0], died.output):
        assert "Kernel panic - not syncing" in said and "do_semtimedop" in said and "booting" not in said


def test_kernel_that_reboots_early_is_started_again(machine: World) -> None:
    shell = 'if mkdir "$here/once" 2>&-; then head -n 3 "$lines"; else cat "$here/rest"; fi'
    qemu(machine, whole(), shell)
    (machine.root / "rest").write_text("".join(f"{line}\n" for line in whole(TESTS[1:])))
    results, faults, complete = run(machine)
    assert statuses(results) == {"pass"} and complete
    assert faults == ["the kernel ended before its last line"]


def test_garbage_and_lost_output_lose_no_other_result(machine: World) -> None:
    lines = [run_line(), start(ADDS), "\x00\x01garbage", result(ADDS), result(WAITS)[:40], start(MAKES), result(MAKES)]
    qemu(machine, [*lines, end(2)])
    results, faults, _ = run(machine, [ADDS, WAITS, MAKES])
    assert (results[ADDS.id].status, results[MAKES.id].status, results[WAITS.id].status) == ("pass", "pass", "lost")
    assert any("line 3 of the output" in fault for fault in faults)
    assert any("line 5 of the output" in fault for fault in faults)


def test_qemu_that_refuses_its_options_is_quoted(machine: World) -> None:
    qemu(machine, (), "echo 'qemu: unsupported machine type' >&2; exit 1")
    results, faults, _ = run(machine)
    assert statuses(results) == {"lost"} and "unsupported machine type" in faults[0]


# KVM


@pytest.mark.parametrize(("shell", "works"), [("", True), ("exit 1", False)], ids=short)
def test_processor_is_used_where_that_was_seen_to_work(machine: World, shell: str, works: bool) -> None:
    ended = [] if shell else ['{"type":"ended","how":""}']
    qemu(machine, ended, f'echo tried >>"$here/tried"; cat "$lines"\n{shell}')
    device = machine.root / "device"
    argv = ("qemu-system-x86_64", "-initrd", "{initramfs}")
    assert not virtualisation.works(machine.root, device)
    virtualisation.try_once(argv, b"", machine.root, device)
    assert not (machine.root / "tried").exists()
    device.touch()
    assert not virtualisation.works(machine.root, device)
    for _ in range(2):
        virtualisation.try_once(argv, b"", machine.root, device)
        assert virtualisation.works(machine.root, device) == works
    assert (machine.root / "tried").read_text() == "tried\n"
