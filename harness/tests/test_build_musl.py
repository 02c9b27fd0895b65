"""scripts/build-musl, with a small tree that stands for musl's source."""

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
LOADER = Path(f"/lib/ld-musl-{platform.machine()}.so.1")
MAKEFILE = """.RECIPEPREFIX = >
%.h:
> mkdir -p $(@D) && touch $@
obj/%.o: TREE/%.c
> mkdir -p $(@D) && gcc FLAGS -c -o $@ $<
"""
SOURCES = ("src/ipc/semop", "src/mq/mq_open", "src/mman/shm_open", "src/thread/sem_open", "src/thread/sem_post")


def installed() -> str:
    """The version of musl."""
    said = subprocess.run([LOADER], capture_output=True, text=True, check=False).stderr
    return next(line.split()[1] for line in said.splitlines() if line.startswith("Version "))


class Musl:
    """A tree, and the folder that is made of it."""

    def __init__(self, root: Path) -> None:
        self.tree, self.folder = root / "tree", root / "folder"
        for name in SOURCES:
            self.write(f"{name}.c", f"int {Path(name).name}(void) {{ return 1; }}\n")
        self.write("VERSION", f"{installed()}\n")
        self.configure("-ffunction-sections -fdata-sections $(CFLAGS)")

    def write(self, name: str, text: str) -> None:
        """Make a file of the tree."""
        path = self.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def configure(self, flags: str) -> None:
        """Have it compile with FLAGS."""
        makefile = MAKEFILE.replace("TREE", str(self.tree)).replace("FLAGS", flags)
        self.write("makefile", f"include config.mak\n{makefile}")
        self.write(
            "configure",
            '#!/bin/sh\nfor word; do case $word in CFLAGS=*) echo "$word" >config.mak ;; esac; done\n'
            f"cp '{self.tree}/makefile' Makefile\necho configured >>../configured\n",
        )

    def build(self) -> "subprocess.CompletedProcess[str]":
        """Call the script."""
        command = [SCRIPTS / "build-musl", self.folder, self.tree]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def symbols(self) -> str:
        """What the object has."""
        return subprocess.run(["nm", self.folder / "counted.o"], capture_output=True, text=True, check=True).stdout


pytestmark = pytest.mark.skipif(not LOADER.exists(), reason="musl-tools is not installed")


@pytest.fixture
def musl(tmp_path: Path) -> Musl:
    return Musl(tmp_path)


def test_object_has_all_calls_and_their_counters(musl: Musl) -> None:
    done = musl.build()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    symbols = musl.symbols()
    for name in SOURCES:
        assert f" T {Path(name).name}\n" in symbols and f"__gcov0.{Path(name).name}\n" in symbols
        assert (musl.folder / f"build/obj/{name}.gcno").exists()
    assert " T __gcov_info_to_gcda\n" in symbols and (musl.folder / "source").resolve() == musl.tree
    assert (musl.folder / "flags").read_text() == "-O0\n"


def test_tree_that_changes_is_compiled_again(musl: Musl) -> None:
    musl.write("src/mq/mq_open.c", '#include "name.h"\nint NAME(void) { return 1; }\n')
    musl.write("src/mq/name.h", "#define NAME mq_open\n")
    musl.build()
    musl.write("src/mq/name.h", "#define NAME mq_open_2\n")
    assert musl.build().returncode == 0 and " T mq_open_2\n" in musl.symbols()
    assert (musl.folder / "configured").read_text() == "configured\n"


def test_what_is_lost_is_configured_again(musl: Musl) -> None:
    musl.build()
    shutil.rmtree(musl.folder / "build")
    assert musl.build().returncode == 0
    assert (musl.folder / "configured").read_text() == "configured\n" * 2


def test_other_version_than_the_installed_one_is_refused(musl: Musl) -> None:
    musl.write("VERSION", "1.0.0\n")
    done = musl.build()
    assert done.returncode == 2 and not (musl.folder / "counted.o").exists()
    assert done.stderr == (
        f"ipck: {musl.tree} is musl 1.0.0, but {installed()} is installed: what counts must be of the same version as "
        "the rest\n"
    )


def test_compiler_that_lets_nothing_count_is_told(musl: Musl) -> None:
    musl.configure("")
    done = musl.build()
    assert done.returncode == 2 and "gcc made objects that count nothing" in done.stderr
    assert not (musl.folder / "counted.o").exists()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("src/mq/mq_open.c", "no C\n", "cannot be compiled: "),
        ("configure", "#!/bin/sh\necho no compiler >&2\nexit 1\n", "no compiler\nipck: "),
    ],
)
def test_tree_that_is_broken_is_told(musl: Musl, name: str, text: str, said: str) -> None:
    musl.write(name, text)
    done = musl.build()
    assert done.returncode == 2 and said in done.stderr and f"{musl.folder}/log has all" in done.stderr


@pytest.mark.parametrize("name", ["VERSION", "src/thread/sem_open.c"])
def test_folder_that_is_no_source_is_refused(musl: Musl, name: str) -> None:
    (musl.tree / name).unlink()
    done = musl.build()
    assert (done.returncode, done.stderr) == (2, f"ipck: {musl.tree} is no source of musl: it has no {name}\n")


def test_folder_that_is_not_there_is_refused(musl: Musl) -> None:
    shutil.rmtree(musl.tree)
    done = musl.build()
    assert (done.returncode, done.stderr) == (2, f"ipck: {musl.tree}: there is no such folder\n")
