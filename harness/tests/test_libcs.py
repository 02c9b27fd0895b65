"""C libraries that are not installed: found in a folder, copied, built for; and nothing of the host's gets in."""

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipck import sysroot
from ipck.errors import IpckError
from ipck.targets import TARGETS, Unavailable, choose
from ipck.targets.libcs import LibraryInFolder
from ipck.tree import BASELINES, ROOT
from stubs import World

TRIPLET = f"{platform.machine()}-linux-"
ELF = Path(sys.executable).read_bytes()[:64]
VERSION = b"GNU C Library (stub) stable release version 2.99.\n"
STARTED = ("crt1.o", "crti.o", "crtn.o")
HOST_MUSL = (Path(f"/usr/lib/{TRIPLET}musl"), Path(f"/usr/include/{TRIPLET}musl"))
HOST_ARCHIVE = f"/usr/lib/{TRIPLET}gnu/libc_nonshared.a"


def glibc(headers: Path | None, libraries: Path, run_time: Path | None = None, contents: bytes = ELF + VERSION) -> None:
    """What looks like glibc, its parts in these folders."""
    for folder in filter(None, (headers, libraries, run_time)):
        folder.mkdir(parents=True, exist_ok=True)
    if headers:
        for name in ("stdio.h", "features.h"):
            (headers / name).write_text(f"/* {name} */\n")
        (headers / "linux").mkdir()
        (headers / "linux/types.h").write_text("/* the kernel's */\n")
    for name in STARTED:
        (libraries / name).write_bytes(ELF)
    (libraries / "libc_nonshared.a").write_text("archive")
    (libraries / "libc.so").write_text("GROUP ( /lib/libc.so.6 )\n")
    run_time = run_time or libraries
    (run_time / "libc.so.6").write_bytes(contents)
    (run_time / "ld-linux-x86-64.so.2").write_bytes(ELF)
    (run_time / "libgcc_s.so.1").write_bytes(ELF)


def musl(folder: Path) -> Path:
    """The host's musl as if it were installed in FOLDER."""
    shutil.copytree(HOST_MUSL[1], folder / "include")
    (folder / "lib").mkdir()
    for name in ("libc.so", "libc.a", "libpthread.a", "librt.a", "libdl.a", "crt1.o", "Scrt1.o", "crti.o", "crtn.o"):
        shutil.copy(HOST_MUSL[0] / name, folder / "lib")
    return folder


@pytest.mark.parametrize(
    ("headers", "libraries", "run_time"),
    [
        ("usr/include", f"usr/lib/{TRIPLET}gnu", f"lib/{TRIPLET}gnu"),
        ("usr/include", f"usr/lib/{TRIPLET}gnu", f"usr/lib/{TRIPLET}gnu"),
        ("usr/include", "usr/lib64", "lib64"),
        ("usr/local/include", "usr/local/lib", "usr/local/lib"),
        ("include", "lib", "lib"),
    ],
)
def test_library_is_found_where_it_is_installed_or_unpacked(
    headers: str, libraries: str, run_time: str, tmp_path: Path
) -> None:
    glibc(tmp_path / headers, tmp_path / libraries, tmp_path / run_time)
    library = sysroot.find(tmp_path)
    assert library.title == "glibc 2.99" and library.loader == "ld-linux-x86-64.so.2"
    assert library.libraries["libc.so.6"] == tmp_path / run_time / "libc.so.6"
    assert library.libraries["crt1.o"] == tmp_path / libraries / "crt1.o"
    assert "libc.so" not in library.libraries, "a script that names the host's files"
    assert library.headers[0] == tmp_path / headers


def test_static_library_says_its_version_in_a_header(tmp_path: Path) -> None:
    glibc(tmp_path / "include", tmp_path / "lib")
    for name in ("libc.so.6", "ld-linux-x86-64.so.2"):
        (tmp_path / "lib" / name).unlink()
    (tmp_path / "lib/libc.a").write_text("archive")
    (tmp_path / "include/features.h").write_text("#define\t__GLIBC__\t2\n#define\t__GLIBC_MINOR__\t99\n")
    library = sysroot.find(tmp_path)
    assert (library.title, library.loader) == ("glibc 2.99", "")
    sysroot.make(library, tmp_path / "build")
    assert " -static\n" in (tmp_path / "build/libc.mk").read_text()


def test_links_are_followed_inside_the_folder_alone(tmp_path: Path) -> None:
    glibc(tmp_path / "usr/include", tmp_path / "usr/lib")
    inside = tmp_path / "usr/lib"
    (inside / "libpthread-2.99.so").write_bytes(ELF)
    links = {"libpthread.so.0": "/usr/lib/libpthread-2.99.so", "librt.so.1": "/bin/sh", "libdl.so.2": "x"}
    for name, to in links.items():
        (inside / name).symlink_to(to)
    library = sysroot.find(tmp_path)
    assert library.libraries["libpthread.so.0"] == inside / "libpthread-2.99.so"
    assert not {"librt.so.1", "libdl.so.2"} & set(library.libraries)


def other_machine(folder: Path) -> None:
    glibc(folder / "include", folder / "lib", contents=ELF[:18] + b"\xf3\x7f" + ELF[20:] + VERSION)


def built_there(folder: Path) -> None:
    glibc(folder / "include", folder / "lib")
    (folder / "config.make").touch()


def without_start_files(folder: Path) -> None:
    glibc(folder / "include", folder / "lib")
    (folder / "lib/crt1.o").unlink()


def old_without_headers(folder: Path) -> None:
    glibc(None, folder / "lib", contents=ELF + VERSION.replace(b"2.99", b"2.1"))


@pytest.mark.parametrize(
    ("prepare", "problem"),
    [
        (Path.rmdir, "there is no such folder"),
        (lambda folder: None, "holds no C library: name the root or the prefix"),
        (built_there, "is where a C library is built: make -C "),
        (other_machine, "is not for this machine's "),
        (without_start_files, "glibc 2.99 has no crt1.o"),
        (old_without_headers, "glibc 2.1 without headers: those of glibc "),
    ],
    ids=["missing", "empty", "build", "machine", "start files", "headers"],
)
def test_folder_that_is_no_use_says_why(prepare, problem: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "library"
    folder.mkdir()
    prepare(folder)
    command = (ROOT / "scripts/sysroot", "make", folder, tmp_path / "build")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and problem in done.stderr and done.stderr.startswith("ipck: ")
    assert done.stderr.count("\n") == 1


def test_newer_glibc_without_headers_takes_the_hosts(tmp_path: Path) -> None:
    glibc(None, tmp_path / "lib")
    for name in STARTED:
        (tmp_path / "lib" / name).unlink()
    sysroot.make(sysroot.find(tmp_path), tmp_path / "build")
    assert "-idirafter /usr/include" in (tmp_path / "build/libc.mk").read_text()
    assert (tmp_path / "build/root/usr/lib/crt1.o").stat().st_size > len(ELF)


def stamps(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_what_did_not_change_stays_as_it_is(tmp_path: Path) -> None:
    library, build = tmp_path / "library", tmp_path / "build"
    glibc(library / "include", library / "lib")
    (library / "include/gone.h").touch()
    sysroot.make(sysroot.find(library), build)
    for path in build.rglob("*"):
        os.utime(path, (1, 1))
    before = stamps(build)
    (library / "include/gone.h").unlink()
    for path in library.rglob("*"):
        path.touch()
    (library / "lib/libc.so.6").write_bytes(ELF + VERSION + b"other")
    sysroot.make(sysroot.find(library), build)
    after = stamps(build)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert changed == {"libc.mk", "root/usr/include/gone.h", "root/usr/lib/libc.so.6"}
    (library / "lib/libc.so.6").write_bytes(ELF + VERSION + b"a third")
    before = after
    sysroot.make(sysroot.find(library), build)
    after = stamps(build)
    assert {name for name in after if before[name] != after[name]} == {"root/usr/lib/libc.so.6"}


def test_suite_that_has_moved_on_is_no_longer_what_it_was(tmp_path: Path) -> None:
    glibc(tmp_path / "include", tmp_path / "lib")
    with pytest.raises(IpckError, match="glibc-2.98 is to be built, but its suite has glibc 2.99 by now"):
        sysroot.make(sysroot.find(tmp_path), tmp_path / "glibc-2.98")
    sysroot.make(sysroot.find(tmp_path), tmp_path / "glibc-2.99")


def test_old_glibc_has_its_threads_in_a_library_of_their_own(tmp_path: Path) -> None:
    glibc(tmp_path / "include", tmp_path / "lib", contents=ELF + VERSION.replace(b"2.99", b"2.33"))
    (tmp_path / "lib/libpthread.so.0").write_bytes(ELF)
    sysroot.make(sysroot.find(tmp_path), tmp_path / "build")
    root = tmp_path / "build/root/usr/lib"
    assert (root / "libpthread.so").read_text() == "INPUT ( libpthread.so.0 )\n"
    assert "/" not in (root / "libc.so").read_text()


PROGRAM = """
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
        sem_t sem;
        char line[4096];
        FILE *maps = fopen("/proc/self/maps", "r");

        sem_init(&sem, 0, 1);
        if (argc > 1)
                execl("/proc/self/exe", argv[0], (char *)0);
        while (fgets(line, sizeof line, maps))
                fputs(line, stdout);
        return sem_wait(&sem);
}
"""


def settings(build: Path) -> dict[str, list[str]]:
    text = (build / "libc.mk").read_text()
    return {name: shlex.split(words) for name, words in re.findall(r"^(\w+)_\S+ :?= (.*)$", text, re.MULTILINE)}


def compile_for(build: Path, *more: str) -> Path:
    """A program as the Makefile would compile and link it."""
    source, part, program = build / "p.c", build / "obj/p.o", build / "program"
    source.write_text(PROGRAM)
    part.parent.mkdir(exist_ok=True)
    how = settings(build)
    subprocess.run([*how["compiler"], "-MD", "-c", "-o", part, source], check=True)
    inputs = [word.replace("$@", str(program)) for word in how["inputs"]]
    subprocess.run([*how["compiler"], *how["link"], *inputs, "-o", program, part, *more], check=True)
    return program


@pytest.mark.parametrize("static", [False, True], ids=["dynamic", "static"])
def test_program_holds_the_library_and_nothing_of_the_hosts(static: bool, tmp_path: Path) -> None:
    library = musl(tmp_path / "library")
    if static:
        (library / "lib/libc.so").unlink()
    build = tmp_path / "build"
    sysroot.make(sysroot.find(library), build)
    program = compile_for(build)
    assert sysroot.check(build, program) == []
    for arguments in ((), ("exec",)):
        maps = subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout
        files = {word for word in maps.split() if word.startswith("/")}
        loaded = set() if static else {str(build / "root/usr/lib/libc.so")}
        assert files == {str(program), *loaded}


def test_what_is_the_hosts_is_named(tmp_path: Path) -> None:
    build = tmp_path / "build"
    sysroot.make(sysroot.find(musl(tmp_path / "library")), build)
    with (build / "libc.mk").open("a") as file:
        file.write("compiler_more := gcc -I/usr/include\n")
    program = compile_for(build, HOST_ARCHIVE)
    foreign = sysroot.check(build, program)
    assert "/usr/include/semaphore.h" in foreign and HOST_ARCHIVE in foreign
    command = (ROOT / "scripts/sysroot", "check", build, program)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "holds what is not of its C library: " in done.stderr


@pytest.fixture(name="flavour")
def fixture_flavour() -> Iterator[Path]:
    """A flavour of its own in the tree's build folder."""
    folder = ROOT / "build" / f"libc-test-{os.getpid()}"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_make_asks_the_library_and_goes_by_its_contents(flavour: Path, tmp_path: Path) -> None:
    library = musl(tmp_path / "library")
    goal = str((flavour / "have.h").relative_to(ROOT))

    def make(*more: str) -> "subprocess.CompletedProcess[str]":
        command = ("make", "--no-print-directory", goal, f"LIBC={library}", *more)
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert make().returncode == 0
    assert "#define HAVE_SEM_CLOCKWAIT 0" in (flavour / "have.h").read_text()
    for path in library.rglob("*"):
        path.touch()
    assert make("-q").returncode == 0, "touched, not changed"
    (library / "lib/libc.a").write_bytes((library / "lib/libc.a").read_bytes() + b"\n")
    assert make("-q").returncode == 1
    shutil.rmtree(library)
    gone = make()
    assert gone.returncode == 2 and f"ipck: {library}: there is no such folder" in gone.stderr


@pytest.mark.parametrize(
    ("version", "baseline"),
    [
        *(("2.1", "glibc-2.31"), ("2.31", "glibc-2.31"), ("2.40", "host-glibc")),
        *(("2.43", "glibc-2.43"), ("9.1", "glibc-2.43")),
    ],
)
def test_library_is_judged_like_the_release_before_it(version: str, baseline: str, tmp_path: Path) -> None:
    folder = tmp_path / "my glibc"
    glibc(folder / "include", folder / "lib", contents=ELF + VERSION.replace(b"2.99", version.encode()))
    (choice,) = choose([f"libc:{folder}"])
    assert choice.target.baseline == baseline and (BASELINES / f"{baseline}.toml").exists()
    assert re.fullmatch(r"libc-my-glibc-[0-9a-f]{4}", choice.target.name)
    assert choice.target.description == f"this kernel, glibc {version} in {folder}"


def test_folders_of_one_name_are_two_targets(tmp_path: Path) -> None:
    for name in ("a", "b"):
        glibc(tmp_path / name / "glibc/include", tmp_path / name / "glibc/lib")
    assert len({choose([f"libc:{tmp_path}/{name}/glibc"])[0].target.name for name in ("a", "b")}) == 2


def test_named_targets_can_be_made() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = [target for target in TARGETS.values() if target.kind == "libcs"]
    assert len(named) == 5
    for target in named:
        assert (BASELINES / f"{target.name}.toml").exists()
        suite = target.description.rpartition(" ")[2]
        assert re.search(rf"^packages_{re.escape(target.name)} := {suite} ", makefile, re.MULTILINE)


def test_building_that_fails_makes_the_target_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    tool = tmp_path / "make"
    tool.write_text(f'#!/bin/sh\necho "$@" >"{tmp_path}/arguments"\necho "no compiler"\nexit 2\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    target = LibraryInFolder("libc-x-1234", "libc-x-1234", "", folder=tmp_path)
    with pytest.raises(Unavailable, match=f"the tests cannot be built for {tmp_path}: make .* says why"):
        target.check()
    assert (tmp_path / "arguments").read_text().endswith(f" build/libc-x-1234/ipck-tests LIBC={tmp_path}\n")
    assert "no compiler" in capfd.readouterr().err


def test_bad_folder_ends_a_run_with_2(world: World) -> None:
    done = world.ipck("run", "--libc", str(world.root / "none"))
    assert done.returncode == 2 and f"{world.root}/none: there is no such folder" in done.stderr
