"""Coverage: counters of a small program stand for those of a kernel, and stubs for the kernel itself."""

import json
import os
import select
import shutil
import signal
import subprocess
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ipck.coverage import campaign, changes, library, measure, reasons, results
from ipck.coverage.gcda import Broken, Layout
from ipck.coverage.kernel import baseline_of
from ipck.coverage.library import LibraryObjects
from ipck.coverage.objects import Objects
from ipck.coverage.reasons import Table
from ipck.coverage.tally import Tally, alone
from ipck.coverage.view import File, tracefile, united
from ipck.errors import IpckError
from ipck.targets import named
from ipck.targets.kernels import QemuKernel
from ipck.targets.uml import Uml
from ipck.tree import COVERAGE, ROOT
from stubs import ADDS, ADDS_RAW, MAKES, TESTS, WAITS, World, end, result, run_line, start, wait_for

SOURCE = """#include <stdlib.h>

static volatile int sink;

int never(void)
{
        return sink + 7;
}

int main(int argc, char **argv)
{
        int bits = argc > 1 ? atoi(argv[1]) : 0;

        if (bits & 1)
                sink = 1;
        if (bits & 2)
                sink = 2;
        if (bits & 4)
                sink = 4;
        return sink == 9;
}
"""
ONE, TWO, FOUR = 15, 17, 19  # the lines that store these
RUN = (ADDS_RAW, WAITS, MAKES)  # of all tests those that do not differ from another one in the C library alone
COUNTERS = "/elsewhere/tree/ipc/sem.gcda"
NAME = "ipc/sem.c"


class Kernel:
    """Counters that grow as those of a kernel do, in a tree that was compiled with them."""

    def __init__(self, tree: Path, runs: Mapping[int, "array[int]"]) -> None:
        """RUNS have what the program counts, by its bits."""
        self.tree = tree
        self.layout = Layout(runs[0])
        self._runs = runs
        self._state: dict[int, int] = {}
        self._sent = array("I")

    def copy(self, tree: Path) -> "Kernel":
        """The same in another folder."""
        shutil.copytree(self.tree, tree)
        return Kernel(tree, self._runs)

    def other_process(self) -> None:
        """To a process that begins, everything is new that is not 0."""
        self._sent = array("I", bytes(4 * len(self._sent)))

    def execute(self, bits: int) -> None:
        """Run the program as part of the kernel."""
        for number in set(self.layout.counter.values()):
            grown = self._state.get(number, 0) + self.layout.value(self._runs[bits], number)
            self._state[number] = grown

    def boot(self) -> list[int]:
        """Begin anew: the first row."""
        self._state = {}
        self._sent = array("I", self.layout.file({}))
        self.other_process()
        return self.row()

    def row(self) -> list[int]:
        """What changed since the row before, as conformance/lib/counters.h describes it."""
        words = array("I", self.layout.file(self._state))
        changed = [(place, word) for place, word in enumerate(words) if word != self._sent[place]]
        self._sent = words
        return [len(words), *(number for pair in changed for number in pair)]


@pytest.fixture(name="compiled", scope="module")
def _compiled(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    """The program, compiled once."""
    tree = tmp_path_factory.mktemp("compiled")
    (tree / "ipc").mkdir()
    (tree / NAME).write_text(SOURCE)
    subprocess.run(["gcc", "-O1", "--coverage", "-c", "-o", "ipc/sem.o", NAME], cwd=tree, check=True)
    subprocess.run(["gcc", "--coverage", "-o", "program", "ipc/sem.o"], cwd=tree, check=True)
    runs = {}
    for bits in range(8):
        subprocess.run([tree / "program", str(bits)], cwd=tree, check=True)
        runs[bits] = array("I", (tree / "ipc/sem.gcda").read_bytes())
        (tree / "ipc/sem.gcda").unlink()
    return Kernel(tree, runs)


@pytest.fixture(name="kernel")
def _kernel(compiled: Kernel, tmp_path: Path) -> Kernel:
    return compiled.copy(tmp_path / "tree")


def count(kernel: Kernel, tests: Mapping[str, int]) -> Tally:
    """What is counted when each of TESTS runs the program with its bits."""
    tally = Tally(list(tests))
    machine = tally.machine()
    machine.add("boot", {COUNTERS: kernel.boot()})
    for test, bits in tests.items():
        kernel.execute(bits)
        machine.add(test, {COUNTERS: kernel.row()})
    return tally


def seen(kernel: Kernel, tally: Tally, table: Table = Table({}, ())) -> File:
    """The lines of the tree's one source file."""
    return measure.Counted(Objects.beside(kernel.tree / "linux"), tally).seen(table)[NAME]


def table(tmp_path: Path, text: str) -> Table:
    """The table of reasons that TEXT is."""
    path = tmp_path / "table.toml"
    path.write_text(text)
    return reasons.load(path)


def judge(kernel: Kernel, tmp_path: Path, text: str, bits: int = 1) -> reasons.Judged:
    """What the table TEXT says of a run."""
    view_of = {NAME: seen(kernel, count(kernel, {"test": bits}))}
    return reasons.judge(view_of, {NAME: SOURCE.splitlines()}, table(tmp_path, text))


def entry(function: str, *lines: str, kind: str = "unreachable") -> str:
    """An entry of the table."""
    listed = f"lines = {json.dumps(lines)}\n" if lines else ""
    return f'[[missed]]\nfile = "{NAME}"\nfunction = "{function}"\n{listed}kind = "{kind}"\nreason = "so it is"\n'


# Counters


def test_counters_come_out_as_they_went_in(kernel: Kernel) -> None:
    kernel.boot()
    kernel.execute(5)
    words = array("I", kernel.layout.file({number: 1 << 40 for number in range(3)}))
    again = Layout(words)
    assert [again.value(words, number) for number in range(4)] == [1 << 40, 1 << 40, 1 << 40, 0]


@pytest.mark.parametrize("words", [[], [1, 2, 3, 4], [0x67636461, 0x42323252, 7, 0, 0x01A10000, 800, 1]])
def test_what_is_no_counters_is_refused(words: list[int]) -> None:
    with pytest.raises(Broken):
        Layout(array("I", words))


def test_row_that_does_not_fit_is_refused(kernel: Kernel) -> None:
    machine = Tally(["test"]).machine()
    row = kernel.boot()
    machine.add("boot", {COUNTERS: row})
    wrong_rows: list[list[int]] = [[row[0] + 1], [row[0], row[0], 1], [row[0], 1], []]
    for wrong in wrong_rows:
        with pytest.raises(Broken, match="does not fit"):
            machine.add("test", {COUNTERS: wrong})


def test_executions_are_counted_by_line_function_and_branch(kernel: Kernel) -> None:
    file = seen(kernel, count(kernel, {"a": 1, "b": 1, "c": 3}))
    assert (file.lines[ONE], file.lines[TWO], file.lines[FOUR]) == (3, 1, 0)
    assert {name: calls for name, (_, calls) in file.functions.items()} == {"never": 0, "main": 3}
    lines, functions, branches = file.counts()
    assert functions == (1, 2) and lines[0] < lines[1] and branches[0] < branches[1]


def test_machine_that_starts_again_goes_on_counting(kernel: Kernel) -> None:
    tally = Tally(["a", "b"])
    machine = tally.machine()
    for test, bits in (("a", 1), ("b", 1)):
        machine.add("boot", {COUNTERS: kernel.boot()})
        kernel.execute(bits)
        machine.add(test, {COUNTERS: kernel.row()})
    assert seen(kernel, tally).lines[ONE] == 2


def test_process_that_begins_with_all_words_counts_nothing_twice(kernel: Kernel) -> None:
    tally = Tally(["a"])
    machine = tally.machine()
    machine.add("boot", {COUNTERS: kernel.boot()})
    kernel.execute(1)
    machine.add("a", {COUNTERS: kernel.row()})
    kernel.other_process()
    machine.add("exit", {COUNTERS: kernel.row()})
    assert seen(kernel, tally).lines[ONE] == 1


@pytest.mark.parametrize("tests", [1, 2, 3, 7, 8])
def test_line_that_one_test_reaches_is_known(kernel: Kernel, tests: int) -> None:
    bits = {f"test{number}": 4 for number in range(tests)} | {f"test{tests - 1}": 5}
    tally = count(kernel, bits)
    found = measure.reached_alone([measure.Counted(Objects.beside(kernel.tree / "linux"), tally)], Table({}, ()))
    by = {one.test: one.lines for one in found}
    assert f"{NAME}:{ONE}" in by[f"test{tests - 1}"]
    if tests > 1:
        assert by.keys() == {f"test{tests - 1}"} and f"{NAME}:{FOUR}" not in by[f"test{tests - 1}"]


def test_thing_that_several_reach_belongs_to_none() -> None:
    reached = ({"x", "y"}, {"x"}, {"x", "y"}, set[str]())
    halves = [(number // 2, number % 2, things) for number, things in enumerate(reached)]
    assert alone(halves, ["first", "second", "third"]) == {"y": "first"}


# Several kernels


def beside(kernel: Kernel, tree: Path) -> Kernel:
    """A kernel of the same source, whose objects lie in TREE."""
    other = kernel.copy(tree)
    (tree / NAME).unlink()
    (tree / NAME).symlink_to(kernel.tree / NAME)
    (tree / "source").symlink_to(kernel.tree)
    return other


def of(kernel: Kernel, tests: Mapping[str, int]) -> measure.Counted:
    """What KERNEL counts when each of TESTS runs the program with its bits."""
    return measure.Counted(Objects.beside(kernel.tree / "linux"), count(kernel, tests))


def test_line_is_executed_where_any_kernel_executes_it(kernel: Kernel, tmp_path: Path) -> None:
    kernels = [of(kernel, {"a": 1}), of(beside(kernel, tmp_path / "other"), {"a": 2})]
    data, seen = measure.gather(kernels, Table({}, ()), (), "")
    assert {ONE, TWO} <= seen[NAME].reached() and FOUR not in seen[NAME].reached()
    assert data.total.lines[0] == len(seen[NAME].reached())
    assert [one.total.lines[0] for one in data.kernels] == [data.total.lines[0] - 1] * 2
    assert all(ONE in one.seen(Table({}, ()))[NAME].reached() for one in kernels[:1])


def test_test_that_alone_reaches_a_line_does_so_on_all_kernels(kernel: Kernel, tmp_path: Path) -> None:
    kernels = [of(kernel, {"a": 1, "b": 0}), of(beside(kernel, tmp_path / "other"), {"a": 0, "b": 3})]
    by = {one.test: one.lines for one in measure.reached_alone(kernels, Table({}, ()))}
    assert by == {"b": (f"{NAME}:{TWO}",)}


def test_branches_are_those_of_the_kernel_that_took_most() -> None:
    one, other = File(), File()
    one.add_line(1, 1, "f", [1, 0])
    one.add_line(2, 1, "f", [1, 1])
    other.add_line(1, 1, "f", [0, 1, 1])
    other.add_line(2, 0, "f", [0, 0])
    whole = united([{NAME: one}, {NAME: other}])[NAME]
    assert whole.branches == {1: [0, 1, 1], 2: [1, 1]} and whole.lines == {1: 2, 2: 1}
    assert united([{NAME: other}, {NAME: one}])[NAME].branches == whole.branches


def test_system_call_is_one_function_whatever_its_wrappers() -> None:
    file = File()
    for name, count in (("__do_sys_msgget", 3), ("__x64_sys_msgget", 3), ("__ia32_sys_msgget", 0), ("never", 0)):
        file.add_function(name, 9 if name == "never" else 5, count)
    assert file.counts()[1] == (1, 2)
    assert "FNF:4\nFNH:2\n" in tracefile({NAME: file}, "/")


def test_program_of_32_bits_runs_where_there_are_such() -> None:
    program = campaign.Program("ipck-tests", flavour="i386-static", boot="word")
    qemu, uml = named("kernel:/a/bzImage"), named("uml:/a/linux")
    assert isinstance(qemu, QemuKernel) and isinstance(uml, Uml)
    there = program.on(qemu)
    assert isinstance(there, QemuKernel) and (there.flavour, there.append.split()) == ("i386-static", ["word"])
    assert program.on(uml) is None


# Objects


def test_notes_of_another_build_are_refused(kernel: Kernel) -> None:
    tally = count(kernel, {"test": 1})
    (kernel.tree / NAME).write_text(SOURCE.replace("+ 7", "+ 8"))
    subprocess.run(["gcc", "-O2", "--coverage", "-c", "-o", "ipc/sem.o", NAME], cwd=kernel.tree, check=True)
    with pytest.raises(IpckError, match="sem.gcno: these notes are of another build than what counted"):
        seen(kernel, tally)


def test_kernel_without_notes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IpckError, match="there is no ipc/sem.gcno beside it"):
        Objects.beside(tmp_path / "linux")


def test_counters_of_an_object_that_is_not_there_are_refused(kernel: Kernel) -> None:
    tally = Tally(["test"])
    tally.machine().add("boot", {"/elsewhere/ipc/shm.gcda": kernel.boot()})
    with pytest.raises(IpckError, match="has no notes for the counters /elsewhere/ipc/shm.gcda"):
        seen(kernel, tally)


def test_parts_of_a_file_are_functions(kernel: Kernel) -> None:
    whole = seen(kernel, count(kernel, {"test": 1}))
    part = whole.only(["never"])
    assert part.functions.keys() == {"never"} and not part.reached() and len(part.missed()) < len(whole.lines)


def test_lcov_reads_the_tracefile(kernel: Kernel, tmp_path: Path) -> None:
    if not shutil.which("lcov"):
        pytest.skip("lcov is not installed")
    file = seen(kernel, count(kernel, {"test": 1}))
    (tmp_path / "trace").write_text(tracefile({NAME: file}, str(kernel.tree)))
    options = ["--rc", "lcov_branch_coverage=1", "--summary", str(tmp_path / "trace")]
    done = subprocess.run(["lcov", *options], capture_output=True, text=True, check=True)
    for hit, all_ in file.counts():
        assert f"({hit} of {all_} " in done.stdout + done.stderr


# Reasons


def test_line_is_explained_by_its_text(kernel: Kernel, tmp_path: Path) -> None:
    judged = judge(kernel, tmp_path, entry("never") + entry("main", "sink = 2;", "sink   =   4;"))
    assert not judged.unexplained and not judged.stale
    assert {line.line for line in judged.explained} >= {TWO, FOUR}


def test_line_without_a_reason_is_told(kernel: Kernel, tmp_path: Path) -> None:
    judged = judge(kernel, tmp_path, entry("never") + entry("main", "sink = 2;"))
    assert [(line.line, line.function, line.text) for line in judged.unexplained] == [(FOUR, "main", "sink = 4;")]


def test_reason_for_an_executed_line_is_stale(kernel: Kernel, tmp_path: Path) -> None:
    judged = judge(kernel, tmp_path, entry("never") + entry("main", "sink = 1;", "sink = 2;", "sink = 4;"))
    assert len(judged.stale) == 1 and "table.toml:6: ipc/sem.c, main(): 'sink = 1;'" in judged.stale[0]


def test_line_that_another_campaign_executes_is_not_stale(kernel: Kernel, tmp_path: Path) -> None:
    judged = judge(kernel, tmp_path, entry("never") + entry("main", "sink = 1;", "sink = 2;", "sink = 4;", kind="smp"))
    assert not judged.stale


def test_function_that_is_executed_is_not_explained_as_a_whole(kernel: Kernel, tmp_path: Path) -> None:
    judged = judge(kernel, tmp_path, entry("never") + entry("main"))
    assert {line.line for line in judged.unexplained} == {TWO, FOUR} and len(judged.stale) == 1


def test_lines_around_tell_a_line_from_its_equals(kernel: Kernel, tmp_path: Path) -> None:
    block = entry("main", "if (bits & 2)\nsink = 2;", "if (bits & 2)\nsink = 4;")
    judged = judge(kernel, tmp_path, entry("never") + block)
    assert [line.line for line in judged.unexplained] == [FOUR] and len(judged.stale) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (entry("main").replace("unreachable", "unknown"), "table.toml:4: missed number 1: key 'kind': is 'unknown'"),
        (entry("main").replace("so it is", " "), "table.toml:5: missed number 1: key 'reason': must be a non-empty"),
        (entry("main").replace("function", "funktion"), "key 'funktion': is unknown"),
        (entry("main", " "), "key 'lines': must be a list of strings"),
        ("[[reason]]\n", "the table [[reason]] is unknown"),
        ("[missed]\n", "write [[missed]], not [missed]"),
        ("[[part]]\nfile = 'mm/shmem.c'\n", "table.toml:1: part number 1: key 'functions': is missing"),
    ],
)
def test_table_that_is_wrong_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(IpckError) as caught:
        table(tmp_path, text)
    assert said in str(caught.value)


@pytest.mark.parametrize(("name", "entries"), [("linux", 50), *((name, 0) for name in library.LIBRARIES)])
def test_reviewed_table_is_well_formed(name: str, entries: int) -> None:
    assert len(reasons.load(COVERAGE / f"{name}.toml").missed) >= entries


# Changes


PATCH = """--- a/ipc/sem.c
+++ b/ipc/sem.c
@@ -14,2 +14,4 @@
         if (bits & 1)
                 sink = 1;
+        if (bits & 2)
+                sink = 2;
"""


def patch(tmp_path: Path, text: str) -> Path:
    """A file with TEXT."""
    path = tmp_path / "my.patch"
    path.write_text(text)
    return path


def test_changed_lines_are_executed_or_not(kernel: Kernel, tmp_path: Path) -> None:
    pytest.importorskip("unidiff", reason="python3-unidiff is not installed")
    wanted = changes.read(patch(tmp_path, PATCH))
    file = {NAME: seen(kernel, count(kernel, {"test": 1}))}
    judged = changes.judge(wanted, file, kernel.tree)
    assert [one.line for one in judged.executed] == [16] and [one.line for one in judged.missed] == [17]
    said = list(changes.render(judged, file))
    assert said == ["NOT EXECUTED ipc/sem.c:17: sink = 2;", "1 of 2 changed lines with code were executed; 0 have none"]


def test_file_that_is_not_measured_is_named(kernel: Kernel, tmp_path: Path) -> None:
    pytest.importorskip("unidiff", reason="python3-unidiff is not installed")
    (kernel.tree / "README").write_text("words\n")
    wanted = changes.read(patch(tmp_path, "--- a/README\n+++ b/README\n@@ -0,0 +1 @@\n+words\n"))
    judged = changes.judge(wanted, {}, kernel.tree)
    assert "not measured: README" in list(changes.render(judged, {}))


@pytest.mark.parametrize(
    ("text", "said"),
    [("no patch\n", "adds no line"), (PATCH.replace("@@ -14", "@@ -x"), "my.patch: is "), ("", "adds no line")],
)
def test_what_is_no_patch_is_refused(tmp_path: Path, text: str, said: str) -> None:
    pytest.importorskip("unidiff", reason="python3-unidiff is not installed")
    with pytest.raises(IpckError, match=said):
        changes.read(patch(tmp_path, text))


def test_tree_without_the_patch_is_refused(kernel: Kernel, tmp_path: Path) -> None:
    pytest.importorskip("unidiff", reason="python3-unidiff is not installed")
    wanted = changes.read(patch(tmp_path, PATCH.replace("sink = 2", "sink = 3")))
    with pytest.raises(IpckError, match="does not have the patch: ipc/sem.c:17"):
        changes.judge(wanted, {}, kernel.tree)


# The command


@pytest.fixture(name="machine")
def _machine(world: World) -> Iterator[World]:
    """A world with what a kernel is given, and one processor: all tests run on one machine."""
    world.program(flavour="glibc-static")
    init = world.build / "glibc-static/guest-init"
    init.write_bytes(b"the first process")
    init.chmod(0o755)
    all_ = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(all_)})
    yield world
    os.sched_setaffinity(0, all_)


CONFIG = "CONFIG_UML=y\nCONFIG_GCOV_KERNEL=y\nCONFIG_DEBUG_FS=y\n"


def binary(kernel: Kernel, lines: list[str], config: str = CONFIG) -> Path:
    """A kernel that sends LINES."""
    (kernel.tree / "lines").write_text("".join(f"{line}\n" for line in lines))
    (kernel.tree / "config").write_text(f"\n{config}\n")
    path = kernel.tree / "linux"
    path.write_text(
        f'#!/bin/sh\ncd "{kernel.tree}"\n[ "$1" = --showconfig ] && exec cat config\n'
        'case "$*" in *"ipck_counters=*/ipc/*.gcda,"*) cat lines >&0 ;; esac\n'
    )
    path.chmod(0o755)
    return path


def counters(at: str, row: list[int]) -> str:
    """A line with counters."""
    return json.dumps({"type": "counters", "at": at, "files": {COUNTERS: row}})


def lines_of(kernel: Kernel, bits: int = 7) -> list[str]:
    """What a machine sends on which each test runs the program, the first one with BITS."""
    lines = [counters("boot", kernel.boot()), run_line(), counters("", kernel.row())]
    for test in RUN:
        lines.append(start(test))
        kernel.execute(bits if test is ADDS_RAW else 0)
        lines += [counters(test.id, kernel.row()), result(test)]
    return [*lines, end(len(RUN)), counters("exit", kernel.row()), '{"type":"left","how":""}']


def ipck(machine: World, kernel: Kernel, *more: str, text: str = entry("never")) -> "subprocess.CompletedProcess[str]":
    """Run ipck coverage on the kernel of the tree."""
    path = machine.root / "reasons.toml"
    path.write_text(text)
    out = f"--out={machine.out}"
    return machine.ipck("coverage", "--kernel", str(kernel.tree / "linux"), f"--reasons={path}", out, *more)


needs_lcov = pytest.mark.skipif(not shutil.which("genhtml"), reason="lcov is not installed")


@needs_lcov
def test_all_is_executed_or_has_a_reason(machine: World, kernel: Kernel) -> None:
    binary(kernel, lines_of(kernel))
    done = ipck(machine, kernel)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    data = results.read(results.file(machine.out, results.KERNEL))
    assert data and data.total == data.files[NAME] and data.total.functions == (1, 2)
    assert not data.unexplained and {line.function for line in data.explained} == {"never"}
    assert [(one.program, one.tests, one.unexpected) for one in data.programs] == [("ipck-tests", 3, ())]
    assert [one.test for one in data.alone] == [ADDS_RAW.id]
    page = (machine.out / "coverage.html").read_text()
    assert "so it is" in page and 'href="coverage/index.html"' in page
    assert "sink = 4" in (machine.out / "coverage/ipc/sem.c.gcov.html").read_text()


@needs_lcov
def test_line_without_a_reason_fails_the_gate(machine: World, kernel: Kernel) -> None:
    binary(kernel, lines_of(kernel, 0))
    done = ipck(machine, kernel)
    assert done.returncode == 1 and f"UNEXPLAINED {NAME}:{TWO}: main(): sink = 2;" in done.stdout


@needs_lcov
def test_panic_loses_no_counters(machine: World, kernel: Kernel) -> None:
    whole = lines_of(kernel)
    binary(kernel, whole[:6] + [start(WAITS)])
    done = ipck(machine, kernel)
    assert done.returncode == 2 and "before its last line" in done.stdout
    data = results.read(results.file(machine.out, results.KERNEL))
    assert data and data.total.lines[0] > 0


@needs_lcov
@pytest.mark.parametrize(("bits", "status"), [(2, 0), (1, 1)])
def test_patch_is_judged(machine: World, kernel: Kernel, bits: int, status: int) -> None:
    pytest.importorskip("unidiff", reason="python3-unidiff is not installed")
    binary(kernel, lines_of(kernel, bits))
    done = ipck(machine, kernel, "--diff", str(patch(machine.root, PATCH)))
    assert done.returncode == status and "of 2 changed lines with code were executed" in done.stdout
    assert not results.file(machine.out, results.KERNEL).exists()


@needs_lcov
@pytest.mark.parametrize(
    ("config", "lines", "said"),
    [
        ("CONFIG_UML=y\nCONFIG_DEBUG_FS=y\n", [], "was built without CONFIG_GCOV_KERNEL: it does not count its lines"),
        ("CONFIG_UML=y\n", [], "was built without CONFIG_GCOV_KERNEL and CONFIG_DEBUG_FS"),
        (CONFIG, [run_line(), '{"type":"counters","at":"","files":{}}'], "no counters came out of it"),
    ],
)
def test_kernel_that_does_not_count_is_told(
    machine: World, kernel: Kernel, config: str, lines: list[str], said: str
) -> None:
    binary(kernel, lines, config)
    done = ipck(machine, kernel)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


@needs_lcov
def test_interrupted_run_leaves_no_kernel(machine: World, kernel: Kernel) -> None:
    path = binary(kernel, lines_of(kernel)[:3])
    path.write_text(f"{path.read_text()}exec 9>lives\necho >&9\nsleep 60\n")
    os.mkfifo(kernel.tree / "lives")
    lives = os.open(kernel.tree / "lives", os.O_RDONLY | os.O_NONBLOCK)
    command = machine.command("coverage", f"--kernel={path}", f"--out={machine.out}")
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=machine.environment()) as process:
        wait_for(lambda: select.select([lives], [], [], 0)[0] and os.read(lives, 1))
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 2 and said == "ipck: interrupted\n"
    wait_for(lambda: select.select([lives], [], [], 0)[0])
    assert os.read(lives, 1) == b"", "nobody has it open any more"
    os.close(lives)


@needs_lcov
def test_kernels_of_two_sources_are_refused(machine: World, kernel: Kernel) -> None:
    binary(kernel, [])
    other = kernel.copy(machine.root / "other")
    binary(other, [])
    done = ipck(machine, kernel, "--kernel", str(other.tree))
    assert done.returncode == 2 and "other is of another source than" in done.stderr


@needs_lcov
def test_machine_beside_a_kernel_is_refused(machine: World, kernel: Kernel) -> None:
    binary(kernel, [])
    done = ipck(machine, kernel, "--machine", "um")
    assert done.returncode == 2 and "it has no use beside --kernel" in done.stderr


@needs_lcov
def test_kernel_that_is_not_there_is_told(machine: World, kernel: Kernel) -> None:
    done = ipck(machine, kernel)
    assert done.returncode == 2 and "linux: there is no such kernel" in done.stderr


def test_missing_lcov_is_told_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(IpckError, match="genhtml is not installed: apt-get install lcov"):
        measure.check_tools()


@pytest.mark.parametrize("text", ["[]", '{"schema": 2}', "{"])
def test_broken_data_are_told(tmp_path: Path, text: str) -> None:
    path = results.file(tmp_path, results.KERNEL)
    path.write_text(text)
    with pytest.raises(IpckError, match="make it again with ipck coverage, or remove it"):
        results.read(path)


@pytest.mark.parametrize(("release", "stem"), [("6.1.176-gcov", "uml-6.1"), ("9.9.1", "uml"), ("", "uml")])
def test_baseline_is_that_of_the_series(world: World, release: str, stem: str) -> None:
    world.baseline("", "uml-6.1")
    target = named("uml:/a/linux")
    assert isinstance(target, Uml) and baseline_of(target, release, world.baselines) == stem


# A C library


OWN = ROOT / "conformance/lib"
COUNTING = (
    "-O0", "-fdata-sections", "-fprofile-arcs", "-ftest-coverage", "-fprofile-update=atomic",
    "-fprofile-info-section=ipck_gcov_info",
)  # fmt: skip
"""As scripts/build-musl compiles."""
CALLS = """int left(int how)
{
        if (how == 1)
                return 1;
        return 2;
}

int never(void)
{
        return 7;
}
"""
PROCESSES = """#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "counters.h"

int left(int how), never(void);

int main(int argc, char **argv)
{
        if (ipck_counters_open() != 1 || argc > 9)
                return 3;
        ipck_counters_write(stdout, ipck_counters_began);
        fflush(stdout);
        for (int how = 0; how < 2; how++)
                if (fork() == 0) {
                        if (setuid(65534) == -1 && argc < 0)
                                return never();
                        left(how);
                        how ? kill(getpid(), SIGKILL) : _exit(0);
                }
        while (wait(NULL) != -1) {
        }
        ipck_counters_write(stdout, "test");
        return 0;
}
"""


@pytest.fixture(name="calls", scope="module")
def _calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of one file that counts, and a program with it whose processes do not come to their exit()."""
    tree = tmp_path_factory.mktemp("library")
    (tree / "src").mkdir()
    (tree / "VERSION").write_text("1.2.3\n")
    (tree / "flags").write_text("-O0\n")
    (tree / "src/calls.c").write_text(CALLS)
    (tree / "main.c").write_text(PROCESSES)
    subprocess.run(["gcc", *COUNTING, "-c", "-o", "src/calls.o", "src/calls.c"], cwd=tree, check=True)
    assert link(tree, tree / "src/calls.o", tree / "program").returncode == 0
    return tree


def link(calls: Path, library: Path, program: Path) -> "subprocess.CompletedProcess[str]":
    """Make PROGRAM with LIBRARY."""
    sources = (calls / "main.c", library, OWN / "counters.c", OWN / "counters_own.c")
    command = ("gcc", "-D_GNU_SOURCE", f"-I{OWN}", f"-T{OWN}/counters.ld", "-o", program, *sources, "-lgcov")
    return subprocess.run(command, capture_output=True, text=True, check=False)


def rows_of(calls: Path) -> list[dict[str, object]]:
    """The lines that the program prints."""
    environment = {**os.environ, "ipck_counters": "*"}
    done = subprocess.run([calls / "program"], capture_output=True, text=True, env=environment, timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_processes_that_do_not_exit_count_in_the_library(calls: Path) -> None:
    tally = Tally(["test"])
    machine = tally.machine()
    for line in rows_of(calls) + rows_of(calls):  # started again
        at, files = line["at"], line["files"]
        assert isinstance(at, str) and isinstance(files, dict)
        machine.add(at, files)
    counted = measure.Counted(LibraryObjects(calls, calls, "musl"), tally)
    file = counted.seen(Table({}, ()))["src/calls.c"]
    assert {name: count for name, (_, count) in file.functions.items()} == {"left": 4, "never": 0}
    assert (file.lines[3], file.lines[4]) == (4, 2)
    data, _ = measure.gather([counted], Table({}, ()), (), "")
    assert (data.libc, data.flags, data.name) == ("musl 1.2.3", "-O0", "coverage-libc")
    assert data.total == data.files["src/calls.c"] and data.kernels == ()


def test_library_counts_nothing_where_nobody_asks(calls: Path) -> None:
    done = subprocess.run([calls / "program"], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (3, b"")


def test_program_without_counting_objects_is_not_linked(calls: Path, tmp_path: Path) -> None:
    subprocess.run(["gcc", "-c", "-o", tmp_path / "plain.o", calls / "src/calls.c"], check=True)
    done = link(calls, tmp_path / "plain.o", tmp_path / "program")
    assert done.returncode and "__start_ipck_gcov_info" in done.stderr


def test_counters_that_cannot_be_shared_are_told(calls: Path, tmp_path: Path) -> None:
    flags = [flag for flag in COUNTING if flag != "-fdata-sections"]
    subprocess.run(["gcc", *flags, "-c", "-o", tmp_path / "calls.o", calls / "src/calls.c"], check=True)
    assert link(calls, tmp_path / "calls.o", tmp_path / "program").returncode == 0
    done = subprocess.run([tmp_path / "program"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "not where counters.ld wants them: compile with -fdata-sections" in done.stderr


def test_library_runs_what_calls_it() -> None:
    kernels, libraries = campaign.PROGRAMS[0], campaign.LIBRARY_PROGRAMS[0]
    assert campaign.choose(kernels, TESTS) == [ADDS_RAW, WAITS, MAKES]
    assert campaign.choose(libraries, TESTS) == [ADDS, WAITS, MAKES]


def test_program_that_has_no_namespaces_gets_some() -> None:
    there = campaign.Program("ipck-inside", apart=True).on(library.target("musl"))
    assert there and there.prefix[:3] == ("env", "ipck_counters=*", "unshare") and there.tool == "ipck-inside"


class Linked:
    """Programs that print what processes counted in a library."""

    def __init__(self, world: World, calls: Path) -> None:
        self.world = world
        self._lines = [json.dumps({"type": "counters", **row}) for row in rows_of(calls)]
        folder = world.build / "musl-coverage/libc"
        folder.mkdir(parents=True)
        (folder / "source").symlink_to(calls)
        (folder / "src").symlink_to(calls / "src")
        (folder / "counted.o").write_text("")
        (folder / "flags").write_text("-O0\n")

    def tests(self, counting: bool = True, shell: str = "") -> None:
        """The tests, of which the first one runs the calls."""
        first, then = self._lines if counting else ("{}", "{}")
        lines = [run_line(), first, start(ADDS), then.replace('"test"', f'"{ADDS.id}"'), result(ADDS)]
        lines += [line for test in (WAITS, MAKES) for line in (start(test), result(test))] + [end(3)]
        asked = '[ "$ipck_counters" = "*" ] || exit 3\ncat "$lines"\n'
        self.world.program([line for line in lines if line != "{}"], f"{asked}{shell}", flavour="musl-coverage")

    def inside(self, text: str) -> None:
        """Another program."""
        path = self.world.build / "musl-coverage/ipck-inside"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def ipck(self, *more: str, text: str = "") -> "subprocess.CompletedProcess[str]":
        """Run ipck coverage."""
        path = self.world.root / "reasons.toml"
        path.write_text(text)
        return self.world.ipck("coverage", "--libc=musl", f"--reasons={path}", f"--out={self.world.out}", *more)


@pytest.fixture(name="linked")
def _linked(machine: World, calls: Path) -> Linked:
    return Linked(machine, calls)


NEVER = '[[missed]]\nfile = "src/calls.c"\nfunction = "never"\nkind = "unreachable"\nreason = "so it is"\n'


@needs_lcov
@pytest.mark.parametrize(("text", "status", "said"), [(NEVER, 0, "with a reason, 0 without"), ("", 1, "UNEXPLAINED")])
def test_library_is_measured(linked: Linked, text: str, status: int, said: str) -> None:
    linked.tests()
    done = linked.ipck(text=text)
    assert (done.returncode, done.stderr) == (status, "") and said in done.stdout
    data = results.read(results.file(linked.world.out, results.LIBRARY))
    assert data and data.libc == "musl 1.2.3" and data.total.functions == (1, 2)
    assert [one.test for one in data.alone] == [ADDS.id]
    page = (linked.world.out / "coverage-libc.html").read_text()
    assert "of its IPC calls in musl 1.2.3" in page and 'href="coverage-libc/index.html"' in page
    assert "how == 1" in (linked.world.out / "coverage-libc/src/calls.c.gcov.html").read_text()


@needs_lcov
def test_results_of_kernel_and_library_lie_side_by_side(linked: Linked, kernel: Kernel) -> None:
    binary(kernel, lines_of(kernel))
    linked.tests()
    assert ipck(linked.world, kernel).returncode == 0 and linked.ipck(text=NEVER).returncode == 0
    pages = {name: (linked.world.out / f"{name}.html").read_text() for name in (results.KERNEL, results.LIBRARY)}
    assert 'href="coverage-libc.html"' in pages["coverage"] and 'href="coverage.html"' in pages["coverage-libc"]
    assert "of ipc/ in Linux" in pages["coverage"]


@needs_lcov
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("echo broken >&2; exit 2", "the program ended: broken"),
        ("kill -9 $$", "the program was killed by SIGKILL"),
        ("echo '{\"libc\": \"musl\"}'", "the program ended"),
    ],
)
def test_program_that_sends_no_counters_is_told(linked: Linked, text: str, said: str) -> None:
    linked.tests()
    linked.inside(text)
    done = linked.ipck(text=NEVER)
    assert done.returncode == 2 and said in done.stdout


@needs_lcov
def test_library_that_does_not_count_is_told(linked: Linked) -> None:
    linked.tests(counting=False)
    done = linked.ipck()
    assert done.returncode == 2 and "no counters came out of it: it has none of what is measured" in done.stderr


@needs_lcov
def test_library_that_is_not_built_is_told(linked: Linked) -> None:
    (linked.world.build / "musl-coverage/libc/counted.o").unlink()
    done = linked.ipck()
    assert done.returncode == 2 and "counted.o is not built: see scripts/build-musl" in done.stderr


@needs_lcov
@pytest.mark.parametrize("more", ["--kernel=/a/linux", "--machine=um"])
def test_kernel_beside_a_library_is_refused(linked: Linked, more: str) -> None:
    done = linked.ipck(more)
    assert done.returncode == 2 and "--libc counts on this one" in done.stderr
