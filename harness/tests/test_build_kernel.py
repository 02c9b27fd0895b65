"""scripts/build-kernel with trees whose Makefile does as a kernel's does: what is copied, built, kept, and said."""

import os
import subprocess
from pathlib import Path

import pytest

from ipck.errors import IpckError
from ipck.linux import fragments, source
from ipck.linux.build import first_error
from ipck.linux.source import PATCHES
from ipck.tree import ROOT

SCRIPT = ROOT / "scripts/build-kernel"

# Takes the place of a kernel's: `refused` lists options that are never set, `known` those that exist.
MAKEFILE = """VERSION = 6
PATCHLEVEL = 1
SUBLEVEL = 7
tinyconfig:
\t@echo "  GEN configuration"; echo tinyconfig $(ARCH) >>$(O)/calls; $(TINY)
\t@echo CONFIG_TINY=y >$(O)/.config
olddefconfig:
\t@grep -vxFf refused $(O)/.config >$(O)/new; mv $(O)/new $(O)/.config
linux bzImage:
\t@echo "  CC ipc/sem.o"; echo $@ $(LOCALVERSION) $(SUBARCH) $(CC) '$(IPCK_IPC_CFLAGS)' >>$(O)/calls
\t@! grep -n 'error:' ipc/sem.c
\t@mkdir -p $(O)/arch/x86/boot; cp ipc/sem.c $(O)/linux; cp ipc/sem.c $(O)/arch/x86/boot/bzImage
"""
GCC_BASE = """#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include "gcov.h"

/*
 * __gcov_init is called by gcc-generated constructor code for each object
 * file compiled with -fprofile-arcs.
 */
void __gcov_init(struct gcov_info *info)
{
\tstatic unsigned int gcov_version;

\tmutex_lock(&gcov_lock);
\tif (gcov_version == 0) {
\t\tgcov_version = gcov_info_version(info);
"""
FILES = {
    "Makefile": MAKEFILE,
    ".gitignore": "*.o\n/include/config/\n/*\n!/debian/\n",  # as in Debian's source
    "Kconfig": "config SYSVIPC\n",
    "refused": "CONFIG_NOTHING=y\n",
    "ipc/Makefile": "obj-y += sem.o\n",
    "ipc/sem.c": "a kernel\n",
    "ipc/sem.o": "the user's object",
    "vmlinux": "the user's kernel",
    ".config": "the user's configuration",
    "mm/Makefile": "obj-y += shmem.o\n",
    "kernel/gcov/gcc_base.c": GCC_BASE,
    "kernel/gcov/gcc_4_7.c": "".join(f"#if (__GNUC__ >= {release})\n" for release in (15, 14, 12, 10)),
    "include/config/auto.conf": "of the user's last build",
    "Documentation/admin/long.rst": "words",
    "Documentation/Kconfig": "config WARN_MISSING_DOCUMENTS\n",
    "arch/arm/crypto/aes.c": "for another machine",
    "arch/arm/crypto/Kconfig": "config CRYPTO_AES_ARM\n",
    "arch/x86/boot.c": "for this one",
}


class Tree:
    """A tree of a user, and a cache apart from the machine's."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / "my linux"
        for name, content in FILES.items():
            self.write(name, content)
        (self.path / "link").symlink_to("ipc/sem.c")
        (self.path / "Makefile").chmod(0o755)
        self.cache = root / "cache/ipck/linux"

    def write(self, name: str, content: str) -> None:
        """Make or change a file."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    def build(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Call the script."""
        more = {"XDG_CACHE_HOME": str(self.root / "cache"), **environment}
        command = [str(SCRIPT), "--source", str(self.path), *arguments]
        return subprocess.run(
            command, env=os.environ | more, capture_output=True, text=True, timeout=60, check=False
        )

    def built(self, *arguments: str, **environment: str) -> Path:
        """The kernel, which can be built."""
        done = self.build(*arguments, **environment)
        assert done.returncode == 0, done.stderr
        (line,) = done.stdout.splitlines()
        return Path(line)

    def refused(self, *arguments: str, **environment: str) -> str:
        """The messages of a kernel that cannot be built."""
        done = self.build(*arguments, **environment)
        assert (done.returncode, done.stdout) == (2, "") and "Traceback" not in done.stderr
        return done.stderr

    @property
    def copy(self) -> Path:
        """What is built."""
        (folder,) = self.cache.iterdir()
        return folder / "source"

    @property
    def state(self) -> list[tuple[str, int, bytes]]:
        """All that could change of the user's tree."""
        paths = (path for path in sorted(self.path.rglob("*")) if path.is_file() and ".git/" not in str(path))
        return [(str(path), path.stat().st_mtime_ns, path.read_bytes()) for path in paths]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def calls(image: Path) -> list[str]:
    """How make was called for what lies beside a kernel."""
    return [line.rstrip() for line in (image.parent / "calls").read_text().splitlines()]


# What is built


def test_kernel_is_built_once_and_the_tree_stays_as_it_is(tree: Tree) -> None:
    before = tree.state
    image = tree.built("--variant", "check")
    assert image.read_text() == "a kernel\n" and image.name == "linux" and image.parent.name == "um-check"
    assert tree.built("--variant", "check") == image
    assert calls(image) == ["tinyconfig um", "linux -check gcc"]
    assert tree.state == before and not list(tree.path.glob("*.orig"))


def test_change_is_compiled_and_nothing_is_configured_anew(tree: Tree) -> None:
    image = tree.built()
    unchanged = (tree.copy / "Makefile").stat().st_mtime_ns
    tree.write("ipc/sem.c", "another kernel\n")
    assert tree.built() == image and image.read_text() == "another kernel\n"
    assert calls(image) == ["tinyconfig um", *(["linux -gcov gcc -O1 -fno-inline"] * 2)]
    assert (tree.copy / "Makefile").stat().st_mtime_ns == unchanged


def test_new_options_of_the_tree_are_configured(tree: Tree) -> None:
    image = tree.built("--variant", "plain")
    tree.write("ipc/Kconfig", "config SYSVIPC_NEW\n")
    tree.built("--variant", "plain")
    assert calls(image).count("tinyconfig um") == 2


def test_variants_and_machines_lie_apart(tree: Tree) -> None:
    images = {tree.built("--variant", variant) for variant in ("plain", "gcov", "gcov-O2", "check")}
    images.add(tree.built("--machine", "x86_64"))
    assert len(images) == 5
    image = tree.built("--machine", "x86_64", "--variant", "check")
    assert str(image).endswith("x86_64-check/arch/x86/boot/bzImage")
    config = (image.parents[3] / ".config").read_text()
    assert "CONFIG_IA32_EMULATION=y" in config and "CONFIG_KASAN=y" in config and "GCOV_KERNEL" not in config


def test_kernel_of_32_bits_is_one_of_user_mode(tree: Tree) -> None:
    image = tree.built("--machine", "um-i386", "--variant", "plain")
    assert image.name == "linux" and image.parent.name == "um-i386-plain"
    assert calls(image) == ["tinyconfig um", "linux -plain i386 gcc"]
    config = (image.parent / ".config").read_text()
    assert "CONFIG_64BIT=n" in config and "CONFIG_HOSTFS=y" in config, "its own options and those of user mode"


def test_another_compiler_builds_anew(tree: Tree) -> None:
    image = tree.built("--variant", "plain")
    other = tree.root / "my-cc"
    other.write_text("#!/bin/sh\necho 'my-cc (Mine) 9.1.0'\n")
    other.chmod(0o755)
    assert tree.built("--variant", "plain", CC=str(other)) == image
    assert calls(image)[-1] == f"linux -plain {other}"


# What is copied of a tree


def test_copy_is_patched_and_holds_what_a_build_needs(tree: Tree) -> None:
    tree.built()
    names = {str(path.relative_to(tree.copy)) for path in tree.copy.rglob("*") if not path.is_dir()}
    left_out = {"Documentation/admin/long.rst", "arch/arm/crypto/aes.c", ".gitignore"}
    left_out |= {"ipc/sem.o", "vmlinux", ".config", "include/config/auto.conf"}  # what was built there
    assert names == {*FILES, "link"} - left_out
    assert (tree.copy / "ipc/Makefile").read_text() == f"obj-y += sem.o\n{(PATCHES / 'ipc.mk').read_text()}"
    assert "GCOV_PROFILE_shmem.o" in (tree.copy / "mm/Makefile").read_text()
    assert "IS_ENABLED(CONFIG_UML)" in (tree.copy / "kernel/gcov/gcc_base.c").read_text()
    assert (tree.copy / "link").readlink() == Path("ipc/sem.c") and os.access(tree.copy / "Makefile", os.X_OK)


def test_copy_follows_files_that_go_and_come(tree: Tree) -> None:
    tree.built()
    (tree.path / "arch/x86/boot.c").unlink()
    tree.write("ipc/new.c", "new")
    tree.built()
    assert not (tree.copy / "arch/x86/boot.c").exists() and (tree.copy / "ipc/new.c").read_text() == "new"


def test_git_tells_of_files_that_are_ignored_and_kept_all_the_same(tree: Tree) -> None:
    tree.write("kept.o", "kept")
    for words in (["init", "-q"], ["add", "-f", "kept.o", "ipc/sem.c"]):
        subprocess.run(["git", *words], cwd=tree.path, check=True)
    (tree.path / "ipc/sem.c").write_text("changed and not committed\n")
    assert tree.built().read_text() == "changed and not committed\n"
    assert (tree.copy / "kept.o").exists() and not (tree.copy / "ipc/sem.o").exists()
    assert not (tree.copy / ".git").exists()


# What is not obtained


def test_option_that_is_not_obtained_is_told_each_time(tree: Tree) -> None:
    tree.write("refused", "CONFIG_SYSVIPC=y\nCONFIG_USERFAULTFD=y\n")
    first, second = tree.build("--variant", "plain"), tree.build("--variant", "plain")
    assert first.returncode == second.returncode == 0
    sysvipc = "ipck: CONFIG_SYSVIPC=y was not obtained (what it depends on is not there); why it is wanted: "
    assert f"{sysvipc}It is what is judged\n" in first.stderr
    userfaultfd = "ipck: CONFIG_USERFAULTFD=y was not obtained (Linux 6.1.7 has no such option); why it is wanted: "
    assert f"{userfaultfd}A call is stopped" in first.stderr
    assert [line for line in first.stderr.splitlines() if "obtained" in line] == [
        line for line in second.stderr.splitlines() if "obtained" in line
    ]


def test_options_of_a_file_of_ones_own(tree: Tree) -> None:
    mine = tree.root / "mine.config"
    mine.write_text("CONFIG_HZ=1000\n# CONFIG_SYSVIPC is not set\n")
    image = tree.built("--variant", "plain", "--config", str(mine))
    assert "CONFIG_HZ=1000\nCONFIG_SYSVIPC=n\n" in (image.parent / ".config").read_text()
    mine.write_text("CONFIG_HZ=1000\nHZ=2\n")
    assert f"{mine}:2: 'HZ=2' is no option: write CONFIG_NAME=y or a comment" in tree.refused("--config", str(mine))
    assert "cannot be read as a fragment" in tree.refused("--config", str(tree.root / "nothing"))


# What cannot be built


def test_tree_that_does_not_compile(tree: Tree) -> None:
    tree.write("ipc/sem.c", "ipc/sem.c:7:5: error: expected ';'\nanother error: follows\n")
    said = tree.refused("--variant", "check").splitlines()
    assert said[1].startswith("ipck: Linux 6.1.7 by gcc") and said[1].endswith("expected ';'")
    log = Path(said[2].removeprefix("ipck: the whole log: "))
    assert "another error: follows" in log.read_text()
    tree.write("ipc/sem.c", "mended\n")
    assert tree.built("--variant", "check").read_text() == "mended\n"


def test_tree_that_cannot_be_configured(tree: Tree) -> None:
    said = tree.refused(TINY="echo 'Kconfig:5: syntax error' >&2; false")
    assert "could not be configured: Kconfig:5: syntax error\nipck: the whole log: " in said


@pytest.mark.parametrize(
    ("path", "words"),
    [("nothing", "there is no such folder"), ("", "is no source of Linux: it has no Makefile")],
)
def test_folder_that_is_no_tree(path: str, words: str, tmp_path: Path) -> None:
    command = [str(SCRIPT), "--source", str(tmp_path / path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "") and words in done.stderr


def test_compiler_whose_counters_the_tree_does_not_know(tree: Tree) -> None:
    tree.write("kernel/gcov/gcc_4_7.c", "#if (__GNUC__ >= 10)\n")
    compiler = tree.root / "gcc-12"
    compiler.write_text("#!/bin/sh\necho 'gcc (Debian 12.2.0-14) 12.2.0'\n")
    compiler.chmod(0o755)
    said = tree.refused(CC=str(compiler))
    assert "Linux 6.1.7 does not know the counters of gcc 12 and later (kernel/gcov)" in said
    assert tree.built("--variant", "check", CC=str(compiler))


def test_compiler_that_is_not_there(tree: Tree) -> None:
    assert "the compiler gcc-2 cannot be asked for its version" in tree.refused(CC="gcc-2")


def test_patch_that_does_not_fit(tree: Tree) -> None:
    tree.write("kernel/gcov/gcc_base.c", "void __gcov_init(void) { another one }\n")
    assert "scripts/kernel/gcov-um.patch does not fit Linux 6.1.7" in tree.refused()
    assert tree.built("--variant", "check") and tree.built("--machine", "x86_64")


def test_patch_that_the_tree_has_already(tree: Tree) -> None:
    mended = "if (IS_ENABLED(CONFIG_UML)) return;\n"
    tree.write("kernel/gcov/gcc_base.c", mended)
    assert tree.built() and (tree.copy / "kernel/gcov/gcc_base.c").read_text() == mended


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("  CC a.o\na.c:1:2: error: first\nb.c: error: second\nmake: *** [x] Error 1\n", "a.c:1:2: error: first"),
        ("  LD linux\na.o: undefined reference to `x'\ncollect2: error: ld\n", "a.o: undefined reference to `x'"),
        ("/bin/sh: 1: flex: not found\nmake[1]: *** [y] Error 127\n", "/bin/sh: 1: flex: not found"),
        ('crypto/Kconfig:5: can\'t open file "x"\n', 'crypto/Kconfig:5: can\'t open file "x"'),
        ("make: *** No targets.  Stop.\n", "make: *** No targets.  Stop."),
        ("  GEN Makefile\nKilled \x1b[1m\n", "Killed \\x1b[1m"),
        ("", "make said nothing"),
    ],
)
def test_first_error_of_a_log(log: str, line: str) -> None:
    assert first_error(log) == line


# Debian's sources


def test_source_of_a_suite_is_unpacked_and_patched_once(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tree.root / "package"
    archive = package / "usr/src/linux-source-6.1.tar.gz"
    archive.parent.mkdir(parents=True)
    (package / ".packages").write_text("linux-source-6.1_6.1.7-2_all.deb\n")
    rename = "--transform=s|^my linux|linux-source-6.1|"
    subprocess.run(["tar", "-czf", archive, "-C", tree.root, rename, "my linux"], check=True)
    script = tree.root / "scripts/get-debian"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\n[ "$1" = bookworm ] || exit 2\necho "{package}"\n')
    script.chmod(0o755)
    monkeypatch.setattr(source, "ROOT", tree.root)
    monkeypatch.setattr(source, "LINUX", tree.cache)
    for _ in range(2):
        with source.debian("bookworm") as found:
            assert (found.folder.name, found.version(), found.gcov_patched()) == ("debian-6.1.7-2", "6.1.7", True)
            makefile = (found.tree / "ipc/Makefile").read_text()
            assert makefile == f"obj-y += sem.o\n{(PATCHES / 'ipc.mk').read_text()}"
            assert not (found.tree / "Documentation/admin/long.rst").exists()
    with pytest.raises(IpckError, match="of Debian sid could not be had"), source.debian("sid"):
        pass


# The fragments


@pytest.mark.parametrize("path", sorted(PATCHES.glob("*.config")), ids=str)
def test_each_option_says_why_it_is_wanted(path: Path) -> None:
    options = fragments.read(path)
    assert options and all(option.why for option in options)
