"""A C library that is not installed, made into a folder that compilers take for a whole system (--sysroot).

Headers and libraries are copied, each where its contents changed: a library that was built again costs the tests no
more than what changed in it, and programs that run are not disturbed by what happens in its own folder.
"""

import filecmp
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import IpckError
from .tree import ROOT

_TRIPLET = f"{platform.machine()}-linux-"
_PREFIXES = (".", "usr", "usr/local", "usr/local/musl")
_LAYOUTS = (  # headers, libraries; a header or library of an earlier folder counts
    (("include", f"include/{_TRIPLET}gnu"), (f"lib/{_TRIPLET}gnu", "lib64", "lib")),
    ((f"include/{_TRIPLET}musl",), (f"lib/{_TRIPLET}musl",)),
)
_LOADER = re.compile(r"ld[-a-z0-9_]*\.so\.[0-9]+")
_LIBRARY = re.compile(
    rf"{_LOADER.pattern}|[A-Za-z]?crt[1in]\.o|lib(c|pthread|rt|dl|gcc_s)\.so\.[0-9]+|libc\.so"
    r"|lib(c|pthread|rt|dl)(_nonshared)?\.a"
)
_ONCE_APART = ("pthread", "rt", "dl")  # libraries that are part of libc since glibc 2.34
_GLIBC_VERSION = re.compile(rb"GNU C Library [^\n]* release version ([0-9.]+[0-9])")
_GLIBC_HEADER = re.compile(r"^#\s*define\s+__GLIBC(?:_MINOR)?__\s+([0-9]+)$", re.MULTILINE)
_MUSL_VERSION = re.compile(rb"^Version (\S+)$", re.MULTILINE)
_ELF = b"\x7fELF"
_HEADER_SIZE = 20  # of an ELF file: up to and with the machine
_HOST_HEADERS = Path("/usr/include")
_PATIENCE = 10


@dataclass(frozen=True, slots=True)
class Library:
    """What a folder with a C library holds."""

    name: str  # "glibc" or "musl"
    version: str  # "" where it does not say
    libraries: Mapping[str, Path]  # start files and loader too, by the names that linkers and loaders look for
    headers: tuple[Path, ...]  # folders whose contents come together

    @property
    def loader(self) -> str:
        """The loader's name among the libraries; "" where all are static."""
        if self.name == "musl":
            return "libc.so" if "libc.so" in self.libraries else ""
        return next((name for name in self.libraries if _LOADER.fullmatch(name)), "")

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.name} {self.version}".rstrip()


def find(folder: Path) -> Library:
    """The C library in FOLDER, the root or the prefix of what was installed or unpacked there."""
    if not folder.is_dir():
        raise IpckError(f"{folder}: there is no such folder: name one that holds a C library")
    if any((folder / name).exists() for name in ("config.make", "config.mak")):
        raise IpckError(
            f"{folder}: is where a C library is built: make -C {folder} install DESTDIR=.., and name that folder"
        )
    for headers, libraries in _LAYOUTS:
        there = _libraries(folder, libraries)
        if "libc.so.6" in there or "libc.so" in there or "libc.a" in there:
            _check_machine(there)
            return _library(there, tuple(_headers(folder, headers)))
    raise IpckError(
        f"{folder}: holds no C library: name the root or the prefix that one was installed or unpacked in"
    )


def _libraries(folder: Path, places: Iterable[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for prefix in _PREFIXES:
        for place in places:
            there = folder / prefix / place
            for path in sorted(there.iterdir()) if there.is_dir() else ():
                if _LIBRARY.fullmatch(path.name) and path.name not in found and (real := _inside(folder, path)):
                    if path.name != "libc.so" or _elf_header(real):  # glibc's is a script for the linker
                        found[path.name] = real
    return found


def _inside(folder: Path, path: Path) -> Path | None:
    """The file that PATH leads to when FOLDER is the root; None when there is none, and never one of the host's."""
    for _ in range(8):
        if not path.is_symlink():
            break
        to = path.readlink()
        path = folder / to.relative_to("/") if to.is_absolute() else path.parent / to
    real = path.resolve()
    return real if real.is_file() and real.is_relative_to(folder.resolve()) else None


def _headers(folder: Path, places: Iterable[str]) -> Iterator[Path]:
    for prefix in _PREFIXES:
        there = [folder / prefix / place for place in places if (folder / prefix / place).is_dir()]
        if there and (there[0] / "stdio.h").exists():
            yield from there
            return


def _library(libraries: Mapping[str, Path], headers: tuple[Path, ...]) -> Library:
    if "libc.so" in libraries:
        said = subprocess.run([libraries["libc.so"]], capture_output=True, timeout=_PATIENCE, check=False).stderr
        version = _MUSL_VERSION.search(said)
        return Library("musl", version[1].decode() if version else "", libraries, headers)
    if "libc.so.6" in libraries:
        version = _GLIBC_VERSION.search(libraries["libc.so.6"].read_bytes())
        return Library("glibc", version[1].decode() if version else "", libraries, headers)
    features = [path / "features.h" for path in headers[:1]]
    numbers = [number for path in features if path.exists() for number in _GLIBC_HEADER.findall(path.read_text())]
    return Library("glibc" if numbers else "musl", ".".join(numbers), libraries, headers)


def _elf_header(path: Path) -> bytes:
    """What tells which machine the ELF file at PATH is for; empty when it is none."""
    with path.open("rb") as file:
        start = file.read(_HEADER_SIZE)
    return start[4:6] + start[18:20] if start.startswith(_ELF) else b""


def _check_machine(libraries: Mapping[str, Path]) -> None:
    for name in ("libc.so.6", "libc.so", "crt1.o"):
        if name in libraries and _elf_header(libraries[name]) != _elf_header(Path(sys.executable)):
            raise IpckError(f"{libraries[name]}: is not for this machine's {platform.machine()} programs")


def make(library: Library, folder: Path) -> None:
    """Make FOLDER/root of LIBRARY and FOLDER/libc.mk, which tells make how to compile and link with it."""
    if not library.headers:
        library = _with_headers_of(library, find(Path("/")))
    missing = [name for name in ("crt1.o", "crti.o", "crtn.o") if name not in library.libraries]
    if missing:
        raise IpckError(f"{library.title} has no {missing[0]}: install or unpack what belongs to its headers, too")
    if re.fullmatch(r"[a-z]+-[0-9.]+", folder.name) and folder.name != f"{library.name}-{library.version}":
        raise IpckError(f"{folder.name} is to be built, but its suite has {library.title} by now: see --libc DIR")
    root = folder.absolute() / "root"
    headers = {f"usr/include/{name}": path for name, path in _all_headers(library).items()}
    libraries = {f"usr/lib/{name}": path for name, path in library.libraries.items()}
    if library.loader and library.name == "glibc" and "usr/lib/libgcc_s.so.1" not in libraries:
        libraries["usr/lib/libgcc_s.so.1"] = Path(_compiler_says("-print-file-name=libgcc_s.so.1"))
    _copy(headers | libraries, {f"usr/lib/{name}": text for name, text in _linker_scripts(library).items()}, root)
    settings = _settings(library, folder, _checksum(root, headers))
    path = folder / "libc.mk"
    if not path.exists() or path.read_text() != settings:
        path.write_text(settings)


def _with_headers_of(library: Library, host: Library) -> Library:
    """LIBRARY with the host's headers and start files: glibc runs what was built for an older one."""
    if library.name != "glibc" or host.name != "glibc" or number(library.version) < number(host.version):
        raise IpckError(
            f"{library.title} without headers: those of {host.title} are not for it: install or unpack its own, too"
        )
    its_own = ("libc_nonshared.a", "crt1.o", "Scrt1.o", "crti.o", "crtn.o")
    started = {name: path for name, path in host.libraries.items() if name in its_own}
    return Library(library.name, library.version, {**started, **library.libraries}, ())


def number(version: str) -> tuple[int, ...]:
    """VERSION as something that can be compared."""
    return tuple(int(part) for part in re.findall(r"[0-9]+", version))


def _all_headers(library: Library) -> dict[str, Path]:
    """The library's headers by the names that programs include, and the kernel's, the host's where it has none."""
    found: dict[str, Path] = {}
    for folder in library.headers:
        _add_headers(found, folder, "*")
    if library.headers and "linux/types.h" not in found:
        for folder in (_HOST_HEADERS, _HOST_HEADERS / f"{_TRIPLET}gnu"):
            for kind in ("asm", "asm-generic", "linux"):
                _add_headers(found, folder, kind)
    return found


def _add_headers(found: dict[str, Path], folder: Path, pattern: str) -> None:
    for entry in folder.glob(pattern):
        if "-linux-" not in entry.name and entry.name != "c++":
            for path in entry.rglob("*") if entry.is_dir() else (entry,):
                if path.is_file():
                    found.setdefault(str(path.relative_to(folder)), path)


def _linker_scripts(library: Library) -> dict[str, str]:
    """What `-lc` and its like find where the file is not what is linked with: none of the host's paths is in it."""
    if library.name != "glibc" or not library.loader:
        return {}
    scripts = {"libc.so": f"GROUP ( libc.so.6 libc_nonshared.a AS_NEEDED ( {library.loader} ) )\n"}
    for name in library.libraries:
        stem, _, edition = name.partition(".so.")
        if edition and stem.removeprefix("lib") in _ONCE_APART and number(library.version) < (2, 34):
            scripts[f"{stem}.so"] = f"INPUT ( {name} )\n"
    return scripts


def _checksum(root: Path, names: Iterable[str]) -> str:
    total = hashlib.sha256()
    for name in sorted(names):
        total.update(name.encode() + b"\0" + (root / name).read_bytes())
    return total.hexdigest()


def _copy(sources: Mapping[str, Path], texts: Mapping[str, str], root: Path) -> None:
    """Make ROOT hold copies of SOURCES and TEXTS and nothing else; what has its contents already stays as it is."""
    for path in [path for path in root.rglob("*") if not path.is_dir()]:
        if str(path.relative_to(root)) not in (*sources, *texts):
            path.unlink()
    for name, source in sources.items():
        copy = root / name
        if not copy.exists() or not filecmp.cmp(source, copy, shallow=False):
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.unlink(missing_ok=True)  # a program may be running from it
            shutil.copyfile(source, copy)
            copy.chmod(0o755)
    for name, text in texts.items():
        if not (root / name).exists() or (root / name).read_text() != text:
            (root / name).write_text(text)


def _settings(library: Library, folder: Path, headers: str) -> str:
    flavour, root = folder.name, folder.absolute() / "root"
    compiler = f"gcc --sysroot={root} -B{root}/usr/lib"
    if not library.headers:
        compiler += f" -idirafter {_HOST_HEADERS} -idirafter {_HOST_HEADERS}/{_TRIPLET}gnu"
    if library.name != "glibc":
        compiler += f""" -DIPCK_LIBC_NAME='"{library.title}"'"""
    link = f"-static-libgcc -L{root}/usr/lib"
    if library.loader:
        link += f" -Wl,--dynamic-linker={root}/usr/lib/{library.loader}"
        link += f" -Wl,-rpath={root}/usr/lib -Wl,--disable-new-dtags"
    else:
        link += " -static"
    return f"""# Made by scripts/sysroot: how to compile and link with {library.title}.
# Checksum of its headers: {headers}
compiler_{flavour} := {compiler}
link_{flavour} := {link}
libraries_{flavour} := $(wildcard {root}/usr/lib/*)
dependencies_{flavour} := -MD
inputs_{flavour} = -Wl,--dependency-file=$@.d
"""


def check(folder: Path, program: Path) -> list[str]:
    """The files outside FOLDER/root, the compiler and the tree from which PROGRAM was made, or that it would load."""
    root = folder.absolute() / "root"
    own = [folder.absolute(), Path(_compiler_says("-print-libgcc-file-name")).parent, ROOT]
    if not (root / "usr/include/stdio.h").exists():
        own.append(_HOST_HEADERS)
    used = set(_loaded(root, program))
    for dependencies in (program.with_name(program.name + ".d"), *(folder / "obj").rglob("*.d")):
        for rule in re.sub(r"\\\n", " ", dependencies.read_text()).splitlines():
            used.update(rule.partition(":")[2].split())
    paths = (Path(os.path.normpath(ROOT / name)) for name in used)
    return sorted(str(path) for path in paths if not any(path.is_relative_to(place) for place in own))


def _loaded(root: Path, program: Path) -> Iterator[str]:
    """What PROGRAM's loader says that it would load."""
    for loader in (root / "usr/lib").iterdir():
        if _LOADER.fullmatch(loader.name) or loader.name == "libc.so" and _elf_header(loader):
            said = subprocess.run([loader, "--list", program], capture_output=True, text=True, check=False)
            yield from re.findall(r"(/\S+) \(0x", said.stdout)


def _compiler_says(question: str) -> str:
    return subprocess.run(["gcc", question], capture_output=True, text=True, check=True).stdout.strip()
