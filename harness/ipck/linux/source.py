"""The source of a kernel: a copy of it that is ours, with our patches. Whose it is stays as it is."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import IpckError
from ..tree import CACHE, ROOT

PATCHES = ROOT / "scripts" / "kernel"
LINUX = CACHE / "linux"

_GCOV = "kernel/gcov/gcc_base.c"
_APPENDED = {"ipc/Makefile": PATCHES / "ipc.mk", "mm/Makefile": PATCHES / "mm.mk"}
_PATCHED = {_GCOV: PATCHES / "gcov-um.patch"}

# Nothing of these is needed to build for the machines that we build for; Kconfig files are read everywhere.
_LEFT_OUT = re.compile(r"Documentation/.+/|arch/(?!x86/|um/)[^/]+/|tools/testing/")
# Debian's linux-source ignores all at the top. These patterns are behind the tree's: all, but for what a build makes.
_AT_THE_TOP = tuple(
    f"--exclude={name}"
    for name in ("!/*", "/.*", "/*.o", "/*.a", "/vmlinux*", "/linux", "/System.map", "/Module.symvers", "/modules.*")
)
_MARK = ("Makefile", "Kconfig", "ipc/Makefile", "mm/Makefile")


@dataclass(frozen=True, slots=True)
class Source:
    """A patched copy."""

    folder: Path  # that holds the copy and all that is built of it
    digest: str  # of all files
    options: str  # digest of the files that say which options there are

    @property
    def tree(self) -> Path:
        """The copy itself."""
        return self.folder / "source"

    def version(self) -> str:
        """6.1.192, as its Makefile says."""
        text = (self.tree / "Makefile").read_text("utf-8", "replace")
        parts = (re.search(rf"^{name} *= *(\S*)", text, re.M) for name in ("VERSION", "PATCHLEVEL", "SUBLEVEL"))
        return ".".join(part[1] for part in parts if part)

    def knows(self, option: str) -> bool:
        """Whether there is such an option at all."""
        line = re.compile(rf"^\s*(?:menu)?config {option.removeprefix('CONFIG_')}\s*$", re.M)
        files = (path for path in self.tree.rglob("Kconfig*") if path.is_file())
        return any(line.search(path.read_text("utf-8", "replace")) for path in files)

    def gcov_patched(self) -> bool:
        """Whether coverage counters are safe before the kernel of user mode runs."""
        return "CONFIG_UML" in (self.tree / _GCOV).read_text("utf-8", "replace")


@contextmanager
def debian(suite: str) -> Iterator[Source]:
    """The newest linux-source of a suite of Debian, fetched and unpacked if need be; it stays as it is meanwhile."""
    script = str(ROOT / "scripts" / "get-debian")
    got = subprocess.run((script, suite, "linux-source-[0-9]*"), stdout=subprocess.PIPE, text=True, check=False)
    if got.returncode:
        raise IpckError(f"the kernel's source of Debian {suite} could not be had")  # said above why
    package = Path(got.stdout.strip())
    archives = sorted(package.glob("usr/src/linux-source-*.tar.*"))
    if not archives:
        raise IpckError(f"{package}: the package linux-source of {suite} holds no usr/src/linux-source-*.tar.*")
    version = (package / ".packages").read_text("utf-8").split("_")[1]
    folder = LINUX / re.sub(r"[^A-Za-z0-9.+-]", "-", f"debian-{version}")
    with locked(folder) as share:
        digest = _digest([version, _patches_digest()])
        done = folder / "digest"
        if not done.exists() or done.read_text() != digest:
            done.unlink(missing_ok=True)
            _unpack(archives[0], folder / "source")
            for name in (*_APPENDED, *_PATCHED):
                path = folder / "source" / name
                path.write_bytes(_patched(name, path.read_bytes()))
            done.write_text(digest)
        share()
        yield Source(folder, digest, version)


@contextmanager
def own(tree: Path) -> Iterator[Source]:
    """A copy of the tree at TREE, of which only what has changed is copied again; it stays as it is meanwhile."""
    if not tree.is_dir():
        raise IpckError(f"{tree}: there is no such folder")
    if lacking := [name for name in _MARK if not (tree / name).is_file()]:
        raise IpckError(f"{tree} is no source of Linux: it has no {lacking[0]}")
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", tree.resolve().name).strip("-.") or "linux"
    folder = LINUX / f"{name}-{_digest([str(tree.resolve())])[:8]}"
    with locked(folder) as share:
        (folder / "origin").write_text(f"{tree.resolve()}\n")
        files = _Copy(tree, folder).update()
        digests = [f"{path} {digest}" for path, digest in sorted(files.items())]
        options = [line for line in digests if "Kconfig" in line]
        share()
        yield Source(folder, _digest([*digests, _patches_digest()]), _digest(options))


@contextmanager
def locked(folder: Path) -> Iterator[Callable[[], None]]:
    """FOLDER is for one process alone; from the call of what is yielded on for all that only read."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lambda: fcntl.flock(lock, fcntl.LOCK_SH)


def _unpack(archive: Path, folder: Path) -> None:
    work = folder.with_name("source.new")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    leave_out = ("--anchored", "--exclude=*/Documentation/*/*", "--exclude=*/tools/testing/*")
    command = ("tar", "-xf", str(archive), *leave_out, "--strip-components=1", "-C", str(work))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise IpckError(f"{archive} could not be unpacked: {done.stderr.strip()[-300:]}")
    shutil.rmtree(folder, ignore_errors=True)
    work.rename(folder)


class _Copy:
    """The copy of a tree: what was seen of each file there stands in a file beside it, as in git's index."""

    def __init__(self, tree: Path, folder: Path) -> None:
        self._tree = tree
        self._copy = folder / "source"
        self._index = folder / "index.json"
        self._digests: dict[str, str] = {}

    def update(self) -> Mapping[str, str]:
        """Make the copy equal to the tree, with our patches; the digests of all files."""
        before = json.loads(self._index.read_text()) if self._index.exists() else {}
        patches = _patches_digest()
        after: dict[str, tuple[list[object], str]] = {}
        for name in _names(self._tree):
            path = self._tree / name
            try:
                seen = path.lstat()
            except FileNotFoundError:
                continue  # removed, and not yet in git
            state = [seen.st_mtime_ns, seen.st_size, seen.st_mode, patches if name in _OURS else ""]
            old_state, digest = before.get(name, ([], ""))
            if state != old_state:
                digest = self._take(name, path, seen.st_mode, digest)
            after[name] = (state, digest)
        for name in before.keys() - after.keys():
            (self._copy / name).unlink(missing_ok=True)
        temporary = self._index.with_suffix(".new")
        temporary.write_text(json.dumps(after))
        temporary.replace(self._index)
        return {name: digest for name, (_, digest) in after.items()}

    def _take(self, name: str, path: Path, mode: int, before: str) -> str:
        """Copy one file, if its content is not there already; its digest. A new time is what make goes by."""
        link = stat.S_ISLNK(mode)
        content = os.fsencode(os.readlink(path)) if link else path.read_bytes()
        if not link:
            content = _patched(name, content)
        digest = hashlib.blake2b(content, digest_size=16).hexdigest() + ("l" if link else "x" if mode & 0o100 else "")
        target = self._copy / name
        if digest == before and os.path.lexists(target):
            return digest
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        if link:
            target.symlink_to(os.fsdecode(content))
        else:
            target.write_bytes(content)
            target.chmod(0o755 if mode & 0o100 else 0o644)
        return digest


_OURS = frozenset((*_APPENDED, *_PATCHED))


def _names(tree: Path) -> Iterator[str]:
    """The files of a tree that a build needs: what its .gitignore does not name, and what its git knows."""
    with tempfile.TemporaryDirectory(prefix="ipck-") as empty:
        _git(tree, "init", "-q", "--bare", empty)
        own = (f"--git-dir={empty}", "--work-tree=.")
        names = _git(tree, *own, "ls-files", "-z", "--others", "--exclude-standard", *_AT_THE_TOP)
    if (tree / ".git").exists():
        names |= _git(tree, "-c", "safe.directory=*", "ls-files", "-z")
    return (name for name in sorted(names) if not _LEFT_OUT.match(name) or "Kconfig" in name)


def _git(tree: Path, *words: str) -> set[str]:
    """The names that git prints about TREE, whatever its user and the machine have configured."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    try:
        done = subprocess.run(("git", *words), cwd=tree, env=environment, capture_output=True, check=True)
    except FileNotFoundError:
        raise IpckError("git is not installed: it tells what of a tree is source: run apt-get install git") from None
    except subprocess.CalledProcessError as error:
        raise IpckError(f"{tree}: git cannot list it: {error.stderr.decode(errors='replace').strip()}") from None
    return {os.fsdecode(name) for name in done.stdout.split(b"\0") if name}


def _patched(name: str, content: bytes) -> bytes:
    """CONTENT of the file NAME of a tree, with what we add; as it is where our patch does not fit."""
    if name in _APPENDED:
        return content + _APPENDED[name].read_bytes()
    if name in _PATCHED and b"CONFIG_UML" not in content:
        with tempfile.TemporaryDirectory(prefix="ipck-") as work:
            path = Path(work) / "file"
            path.write_bytes(content)
            command = ("patch", "--quiet", "--force", "--reject-file=-", str(path), str(_PATCHED[name]))
            if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                return path.read_bytes()
    return content


def _patches_digest() -> str:
    return _digest([path.read_text("utf-8") for path in (*_APPENDED.values(), *_PATCHED.values())])


def _digest(lines: list[str]) -> str:
    return hashlib.blake2b("\n".join(lines).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
