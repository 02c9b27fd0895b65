"""User-Mode Linux: stubs for its binary show what becomes of those that fail; the real one boots where it is."""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from ipck.catalogue import load
from ipck.engine import Ended, Engine, Event, Options
from ipck.results import Fault, RunInfo, TestResult
from ipck.targets import TARGETS, Target, Test, Unavailable, choose, list_tests
from ipck.targets.uml import Uml
from ipck.tree import BUILD, REQUIREMENTS
from stubs import ADDS, HARNESS, TESTS, WAITS, World, end, result, run_line, short, start, whole

PANIC = """Kernel panic - not syncing: Kernel mode fault at addr 0x40e, ip 0x6002fc13
Call Trace:
 [<6015f18a>] tlb_flush+0x19/0x5e"""
LEFT = '{"type":"left","how":""}'


@pytest.fixture
def machine(world: World) -> World:
    """A world with what a kernel is given."""
    world.program(flavour="glibc-static")
    init = world.build / "glibc-static/guest-init"
    init.write_bytes(b"the first process")
    init.chmod(0o755)
    return world


def binary(world: World, lines: Sequence[str] = (), shell: str = "", config: str = "echo CONFIG_UML=y") -> Path:
    """A binary that answers --showconfig by CONFIG; as a kernel it sends LINES and runs SHELL."""
    (world.root / "lines").write_text("".join(f"{line}\n" for line in lines))
    path = world.root / "linux"
    path.write_text(
        f'#!/bin/sh\nhere="{world.root}"\nif [ "$1" = --showconfig ]; then\necho\n{config}\nexit\nfi\n'
        f'cat "$here/lines" >&0\n{shell}\n'
    )
    path.chmod(0o755)
    return path


def uml(path: object) -> Target:
    """The target of `--uml PATH`."""
    (choice,) = choose([f"uml:{path}"])
    return choice.target


def run(world: World, tests: Sequence[Test] = TESTS) -> tuple[dict[str, TestResult], list[str]]:
    """The results of the kernel that binary() made, and the faults."""
    return sorted_out(list(Engine(uml(world.root / "linux"), tests, Options(seed=7, grace=0.5), world.build).events()))


def sorted_out(events: Sequence[Event]) -> tuple[dict[str, TestResult], list[str]]:
    """The results and the faults among EVENTS, which are whole."""
    assert isinstance(events[-1], Ended)
    results = {event.test: event for event in events if isinstance(event, TestResult)}
    return results, [event.message for event in events if isinstance(event, Fault)]


def unavailable(target: Target, world: World) -> str:
    """Why the target cannot run."""
    with pytest.raises(Unavailable) as caught:
        target.check(world.build)
    return str(caught.value)


# How it is started


def test_results_come_apart_from_the_console(machine: World) -> None:
    binary(machine, [*whole(), LEFT], "echo noise; echo more noise >&2; seq 100000")
    results, faults = run(machine)
    assert not faults and {one.outcome for one in results.values()} == {"pass"} and len(results) == len(TESTS)


def test_kernel_finds_the_initramfs_and_its_files_vanish_with_it(machine: World) -> None:
    cases = 'initrd=*) cp "${word#*=}" "$here/initrd";; uml_dir=*) dir=${word#*=};;'
    words = f"for word; do case $word in {cases} esac; done"
    files = 'echo >"$TMPDIR/memory"; echo >"$dir/pid"; ls "$dir" | tr "\\n" " " >"$here/seen"'
    binary(machine, whole(), f"{words}\n{files}")
    run(machine)
    initrd = (machine.root / "initrd").read_bytes()
    assert initrd.startswith(b"070701") and b"the first process" in initrd and ADDS.id.encode() in initrd
    assert (machine.root / "seen").read_text() == "memory pid "
    assert not Path("/sys/memory").exists() and not Path("/sys/pid").exists()


def test_kernel_that_needs_another_c_library_is_loaded_by_it(machine: World) -> None:
    target = TARGETS["uml-6.12"]
    assert isinstance(target, Uml) and target.libraries
    assert target.argv()[target.argv().index("uml") + 1] == str(target.libraries)
    assert str(target.libraries).endswith("user-mode-linux+libc6+libgcc-s1+/usr/lib/x86_64-linux-gnu")


@pytest.mark.parametrize(
    ("path", "name"), [("a/linux", "uml-linux"), ("b/my kernel+2", "uml-my-kernel-2"), ("/", "uml-kernel")]
)
def test_name_is_fit_for_files(path: str, name: str) -> None:
    assert uml(path).name == name


@pytest.mark.parametrize(
    ("head", "flavour", "baseline"), [(b"\x7fELF\1", "i386-static", "uml-i386"), (b"\x7fELF\2", "glibc-static", "uml")]
)
def test_kernel_of_32_bits_gets_a_program_of_32_bits(
    head: bytes, flavour: str, baseline: str, machine: World
) -> None:
    path = machine.root / "linux"
    path.write_bytes(head)
    target = uml(f"{path},append=a=b c")
    assert isinstance(target, Uml) and (target.flavour, target.baseline) == (flavour, baseline)
    words = target.append.split()
    assert words[-2:] == ["a=b", "c"] and ("sysctl.kernel.printk_ratelimit_burst=0" in words) == (head[-1] == 1)


# What is no kernel


def test_binary_that_there_is_not(machine: World) -> None:
    assert unavailable(uml(machine.root / "linux"), machine) == f"{machine.root}/linux: there is no such kernel"


def test_installed_kernel_that_is_missing_names_its_package(machine: World, monkeypatch: pytest.MonkeyPatch) -> None:
    target = Uml("uml-t", "glibc-static", "", binary=machine.root / "linux", get=("apt-get", "install", "some-uml"))
    assert unavailable(target, machine).endswith("there is no such kernel: run apt-get install some-uml")


def test_binary_that_is_not_executable(machine: World) -> None:
    binary(machine).chmod(0o644)
    assert unavailable(uml(machine.root / "linux"), machine).endswith("/linux is not executable")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("echo \"linux: unrecognized option '--showconfig'\" >&2", "unrecognized option"),
        ("exit 3", "status 3"),
        ("echo '\033[2J'", "\\x1b[2J"),
    ],
    ids=short,
)
def test_binary_that_is_no_kernel(config: str, words: str, machine: World) -> None:
    said = unavailable(uml(binary(machine, config=config)), machine)
    assert "--showconfig names no CONFIG_UML=y, so this is no User-Mode Linux: " in said and words in said


def test_file_that_is_no_program(machine: World) -> None:
    binary(machine).write_bytes(b"\x7fELF nonsense")
    assert "this is no User-Mode Linux" in unavailable(uml(machine.root / "linux"), machine)


def test_binary_that_does_not_answer(machine: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ipck.targets.uml._PATIENCE", 0.3)
    said = unavailable(uml(binary(machine, config="exec sleep 60")), machine)
    assert said.endswith("/linux is no User-Mode Linux: --showconfig gave no answer")


def test_bad_binary_is_told_on_the_command_line(machine: World) -> None:
    done = machine.ipck("run", f"--uml={machine.root}/linux")
    assert done.returncode == 2 and f"{machine.root}/linux: there is no such kernel" in done.stdout + done.stderr


# Kernels that fail


def test_kernel_that_does_not_boot(machine: World) -> None:
    binary(machine, shell="echo 'Failed to get registers from stub' >&2; exit 1")
    results, faults = run(machine)
    why = "the kernel ended before its last line"
    assert faults == [f"{why}: Failed to get registers from stub"]
    assert {one.reason for one in results.values()} == {f"no result: {why} before this test began"}


def test_panic_is_told_with_its_trace_and_the_rest_runs(machine: World) -> None:
    again = "\n".join([run_line(), start(ADDS), result(ADDS), end(1), LEFT])
    (machine.root / "again").write_text(again + "\n")
    first = [run_line(), start(WAITS)]
    shell = f'echo "boots\\n{PANIC}" >&2\nkill -ABRT $$'
    binary(machine, first, f'[ -e "$here/2" ] && exit\n: >"$here/2"\ncp "$here/again" "$here/lines"\n{shell}')
    results, faults = run(machine, (ADDS, WAITS))
    why = "the kernel panicked before its last line"
    assert faults == [f"{why}: {PANIC}\nAborted"]
    assert results[WAITS.id].reason == f"no result: {why} while this test was running"
    assert results[WAITS.id].output.startswith(PANIC) and results[ADDS.id].outcome == "pass"


def test_abort_ends_it_in_its_namespace_of_processes(machine: World) -> None:
    binary(machine, [run_line()], "trap : TERM; kill 0; kill -ABRT $$; exec sleep 60")
    assert run(machine)[1][0].startswith("the kernel exited with status 134 before its last line")


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_a_harness_that_is_killed(ending: signal.Signals, machine: World) -> None:
    # The stub leaves its process group, as nothing that is killed with it would.
    binary(machine, [run_line()], 'setsid sleep 60 <"$here/lines" >/dev/null 2>&1 &\nsleep 60')
    script = f"""
from pathlib import Path
from ipck.targets import choose
(choice,) = choose(["uml:{machine.root}/linux"])
process = choice.target.start(Path({str(machine.build)!r}), (), "")
while not process.read(1):
    pass
print("boots", flush=True)
while True:
    process.read(1)
"""
    environment = machine.environment() | {"IPCK_MARK": str(machine.root)}
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, env=environment, cwd=HARNESS, stdout=subprocess.PIPE) as harness:
        assert harness.stdout and harness.stdout.readline() == b"boots\n"
        assert len(marked(machine.root)) > 3
        harness.send_signal(ending)
    until = time.monotonic() + 10
    while marked(machine.root):
        assert time.monotonic() < until, "what the kernel started is still there"


def marked(mark: Path) -> list[str]:
    """The processes that were started with MARK in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"IPCK_MARK={mark}\0".encode() in (process / "environ").read_bytes():
                found.append(process.name)
        except OSError:
            pass
    return found


# The real one

REAL = TARGETS["uml-6.1"]
SELECTED = ("sysv.sem.semctl_value.", "posix.shm.shm_open_name.semaphore_can_have", "sysv.msg.msgsnd_wait.sender_waits")


def missing() -> str:
    """Why the real kernel cannot boot here, if so."""
    try:
        REAL.check()
    except Unavailable as why:
        return str(why)
    return ""


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_kernel_boots_judges_and_leaves_nothing_behind() -> None:
    tests = [test for test in list_tests(REAL, load(REQUIREMENTS)) if test.id.startswith(SELECTED)]
    events = list(Engine(REAL, tests, Options(seed=1), BUILD).events())
    results, faults = sorted_out(events)
    (info,) = (event for event in events if isinstance(event, RunInfo))
    assert not faults and "Linux 6.1" in info.kernel and info.isolation == "namespaces"
    assert len(results) == len(tests) > 20 and {one.outcome for one in results.values()} == {"pass"}
    assert not list(Path("/dev/shm").glob("vm_file*")) and not (Path.home() / ".uml").exists()
