"""scripts/get-kernels and scripts/get-debian below it: what is fetched, kept and refused; without any network."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
GET_DEBIAN = """#!/bin/sh
echo "$*" >>"$0.calls"
[ "$1" != --refresh ] || shift
folder={packages}/${{1%%/*}}
[ -d "$folder" ] || {{ echo "ipck: $1 is refused" >&2; exit 2; }}
echo "$folder"
"""


class Kernels:
    """The script, with a get-debian beside it that hands out folders of suites below ROOT."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cache = root / "cache/ipck/kernels"
        self.script = root / "scripts/get-kernels"
        self.script.parent.mkdir()
        shutil.copy(SCRIPTS / "get-kernels", self.script)
        stub = self.script.with_name("get-debian")
        stub.write_text(GET_DEBIAN.format(packages=root))
        stub.chmod(0o755)

    def suite(self, name: str, version: str, image: str = "boot/vmlinuz-1", content: str = "kernel") -> Path:
        """A suite whose package of that version holds IMAGE and a configuration."""
        folder = self.root / name
        for path in (image, "boot/config-1"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content)
        (folder / ".packages").write_text(f"linux-image-1_{version}_amd64.deb\n")
        return folder

    def get(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Call the script."""
        environment = os.environ | {"XDG_CACHE_HOME": str(self.root / "cache")}
        command = [str(self.script), *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)

    @property
    def calls(self) -> list[str]:
        """How get-debian was called."""
        path = self.script.with_name("get-debian.calls")
        return path.read_text().splitlines() if path.exists() else []

    @property
    def kept(self) -> list[str]:
        """What lies in the cache, half-made things as well."""
        return sorted(path.name for path in self.cache.iterdir())


@pytest.fixture
def kernels(tmp_path: Path) -> Kernels:
    return Kernels(tmp_path)


def test_kernel_is_fetched_once(kernels: Kernels) -> None:
    kernels.suite("trixie", "6.12.9-1")
    first, second = kernels.get("6.12"), kernels.get("6.12")
    folder = kernels.cache / "6.12"
    assert (first.returncode, first.stdout, first.stderr) == (0, f"{folder}\n", "")
    assert (second.returncode, second.stdout, second.stderr) == (0, f"{folder}\n", "")
    assert kernels.calls == ["trixie linux-image-6.12.*-cloud-amd64"]
    files = {path.name: path.read_text() for path in folder.iterdir()}
    assert files == {"vmlinuz": "kernel", "config": "kernel", "version": "6.12.9-1\n"} and kernels.kept == ["6.12"]


def test_kernel_is_fetched_anew_when_that_is_wanted(kernels: Kernels) -> None:
    kernels.suite("trixie", "6.12.9-1")
    kernels.get("6.12")
    kernels.suite("trixie", "6.12.10-1", content="newer")
    assert kernels.get("--refresh", "6.12").returncode == 0
    assert kernels.calls[1] == "--refresh trixie linux-image-6.12.*-cloud-amd64"
    assert (kernels.cache / "6.12/vmlinuz").read_text() == "newer"


def test_newest_version_of_several_suites_is_taken(kernels: Kernels) -> None:
    for suite, version in (("trixie-backports", "7.2~rc1-1"), ("sid", "7.10-1"), ("experimental", "7.9-1~exp1")):
        kernels.suite(suite, version, "usr/lib/modules/7/vmlinuz", suite)
    assert kernels.get("newest").returncode == 0
    assert (kernels.cache / "newest/vmlinuz").read_text() == "sid"
    assert (kernels.cache / "newest/version").read_text() == "7.10-1\n"


def test_names_are_listed_and_all_of_them_can_be_had(kernels: Kernels) -> None:
    names = [line.split(":")[0] for line in kernels.get("--list").stdout.splitlines()]
    assert {"6.1", "newest", "s390x-6.1"} <= set(names) and not kernels.calls
    for suite in ("bullseye", "bookworm", "trixie", "trixie-backports", "sid", "experimental"):
        kernels.suite(suite, "1-1")
    done = kernels.get("--all")
    assert done.returncode == 0 and done.stdout.splitlines() == [str(kernels.cache / name) for name in names]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["2.6"], "there is no kernel '2.6': scripts/get-kernels --list shows the names"),
        (["6.1*"], "there is no kernel '6.1*': scripts/get-kernels --list shows the names"),
        ([], "usage: scripts/get-kernels [--refresh] NAME... | --all | --list"),
    ],
)
def test_unknown_name(arguments: list[str], message: str, kernels: Kernels) -> None:
    done = kernels.get(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"ipck: {message}\n")
    assert not kernels.calls


def test_refused_download_leaves_nothing_behind(kernels: Kernels) -> None:
    done = kernels.get("6.12")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "ipck: trixie is refused\n")
    assert kernels.kept == []


def test_one_of_several_suites_that_is_refused(kernels: Kernels) -> None:
    kernels.suite("trixie-backports", "7.2-1")
    done = kernels.get("newest")
    assert done.returncode == 2 and done.stderr == "ipck: sid is refused\n" and kernels.kept == []


def test_refused_refresh_keeps_what_was_there(kernels: Kernels) -> None:
    kernels.suite("trixie", "6.12.9-1")
    kernels.get("6.12")
    (kernels.root / "trixie").rename(kernels.root / "gone")
    assert kernels.get("--refresh", "6.12").returncode == 2
    assert (kernels.cache / "6.12/vmlinuz").read_text() == "kernel" and kernels.kept == ["6.12"]


def test_package_without_a_kernel(kernels: Kernels) -> None:
    kernels.suite("trixie", "6.12.9-1", "usr/share/doc/linux")
    done = kernels.get("6.12")
    assert done.returncode == 2 and kernels.kept == []
    assert done.stderr == "ipck: kernel 6.12: linux-image-6.12.*-cloud-amd64 of trixie holds no kernel\n"


# Packages come by Debian's apt, from a mirror that is a folder here


def mirror(root: Path) -> Path:
    """A mirror without any package or signature; makes it that of the apt that is found first in ROOT."""
    folder = root / "mirror"
    index = folder / "dists/trixie/main/binary-amd64/Packages"
    index.parent.mkdir(parents=True)
    index.write_text("")
    digest = subprocess.run(["sha256sum", index], capture_output=True, text=True, check=True).stdout.split()[0]
    (folder / "dists/trixie/Release").write_text(
        "Origin: Debian\nLabel: Debian\nSuite: stable\nCodename: trixie\nDate: Sat, 01 Nov 2025 00:00:00 UTC\n"
        f"Architectures: amd64\nComponents: main\nSHA256:\n {digest} 0 main/binary-amd64/Packages\n"
    )
    apt = root / "apt-get"
    apt.write_text(f'#!/bin/sh\n[ "$1" != indextargets ] || exec echo file:{folder}\nexec /usr/bin/apt-get "$@"\n')
    apt.chmod(0o755)
    return folder


def get_debian(root: Path, arch: str = "amd64", package: str = "linux-image") -> "subprocess.CompletedProcess[str]":
    """Ask for a package of the mirror."""
    environment = os.environ | {
        "XDG_CACHE_HOME": str(root / "cache"), "PATH": f"{root}:{os.environ['PATH']}", "LC_ALL": "C"
    }  # fmt: skip
    command = [str(SCRIPTS / "get-debian"), f"trixie/{arch}", package]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


needs_dpkg_source = pytest.mark.skipif(not shutil.which("dpkg-source"), reason="dpkg-dev is not installed")
needs_apt = pytest.mark.skipif(
    not Path("/usr/share/keyrings/debian-archive-keyring.gpg").exists() or not Path("/usr/bin/apt-get").exists(),
    reason="apt or debian-archive-keyring is not installed",
)


def refused(root: Path, done: "subprocess.CompletedProcess[str]", arch: str = "amd64") -> str:
    """What apt said when it refused the mirror."""
    said, _, last = done.stderr.rstrip("\n").rpartition("\n")
    assert (done.returncode, done.stdout) == (2, "")
    lists = f"the package lists of trixie/{arch} could not be fetched from file:{root}/mirror"
    assert last == f"ipck: {lists}: apt says above why"
    assert not list((root / "cache/ipck/debian").rglob(".complete"))
    return said


@needs_apt
@pytest.mark.parametrize("arch", ["amd64", pytest.param("source", marks=needs_dpkg_source)])
def test_mirror_without_a_signature_is_refused(tmp_path: Path, arch: str) -> None:
    mirror(tmp_path)
    assert "is not signed" in refused(tmp_path, get_debian(tmp_path, arch), arch)


@needs_apt
@pytest.mark.parametrize("arch", ["amd64", pytest.param("source", marks=needs_dpkg_source)])
def test_mirror_that_cannot_be_reached(tmp_path: Path, arch: str) -> None:
    apt = tmp_path / "apt-get"
    mirror_here = '[ "$1" != indextargets ] || exec echo http://127.0.0.1:9/debian'
    apt.write_text(f'#!/bin/sh\n{mirror_here}\nexec /usr/bin/apt-get "$@"\n')
    apt.chmod(0o755)
    done = get_debian(tmp_path, arch)
    lists = f"the package lists of trixie/{arch} could not be fetched from http://127.0.0.1:9/debian"
    assert done.returncode == 2 and done.stderr.endswith(f"ipck: {lists}: apt says above why\n")


@needs_apt
@pytest.mark.skipif(not shutil.which("gpg"), reason="gnupg is not installed")
def test_mirror_signed_by_somebody_else_is_refused(tmp_path: Path) -> None:
    release = mirror(tmp_path) / "dists/trixie/Release"
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(keys), "--batch", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback"]
    subprocess.run([*gpg, "--quick-gen-key", "Somebody <a@example.org>", "ed25519"], check=True, capture_output=True)
    subprocess.run([*gpg, "--clearsign", "-o", str(release.with_name("InRelease")), str(release)], check=True)
    subprocess.run(["gpgconf", "--homedir", str(keys), "--kill", "all"], check=False)
    assert "couldn't be verified" in refused(tmp_path, get_debian(tmp_path))


# Source packages, from an apt that has one


APT = """#!/bin/sh
echo "$*" >>"$0.calls"
case $* in
indextargets*) echo file:/mirror ;;
*update*) ;;
*source*--only-source*" other") echo 'E: Unable to find a source package for other'; exit 100 ;;
*source*) cp "${0%/*}"/packages/* . ;;
esac
"""


class Sources:
    """A mirror with a source package, by name: musl."""

    def __init__(self, root: Path) -> None:
        self.root = root
        apt = root / "apt-get"
        apt.write_text(APT)
        apt.chmod(0o755)
        tree = root / "packages/musl-7"
        (tree / "debian/source").mkdir(parents=True)
        (tree / "VERSION").write_text("7\n")
        (tree / "debian/source/format").write_text("3.0 (native)\n")
        (tree / "debian/rules").write_text("#!/usr/bin/make -f\n")
        (tree / "debian/control").write_text(
            "Source: musl\nMaintainer: N <n@example.org>\nStandards-Version: 4.6.2\n\n"
            "Package: musl\nArchitecture: any\nDescription: library\n"
        )
        (tree / "debian/changelog").write_text(
            "musl (7) trixie; urgency=low\n\n  * It is.\n\n -- N <n@example.org>  Sat, 01 Nov 2025 00:00:00 +0000\n"
        )
        subprocess.run(["dpkg-source", "-b", "musl-7"], cwd=root / "packages", capture_output=True, check=True)
        shutil.rmtree(tree)

    def get(self, package: str) -> "subprocess.CompletedProcess[str]":
        """Ask for a package."""
        return get_debian(self.root, "source", package)


@needs_apt
@needs_dpkg_source
def test_source_package_is_fetched_once_and_unpacked(tmp_path: Path) -> None:
    sources = Sources(tmp_path)
    first = sources.get("musl")
    folder = tmp_path / "cache/ipck/debian/trixie-source/musl+"
    assert (first.returncode, first.stdout, first.stderr) == (0, f"{folder}\n", "")
    assert (folder / "musl-7/VERSION").read_text() == "7\n" and (folder / ".packages").read_text() == "musl_7.dsc\n"
    calls = (tmp_path / "apt-get.calls").read_text()
    assert sources.get("musl").stdout == first.stdout and (tmp_path / "apt-get.calls").read_text() == calls
    assert (tmp_path / "cache/ipck/apt/trixie-source/sources.list").read_text().startswith("deb-src [signed-by=/usr/")


@needs_apt
@needs_dpkg_source
def test_source_package_that_is_not_there(tmp_path: Path) -> None:
    done = Sources(tmp_path).get("other")
    assert done.returncode == 2 and not list((tmp_path / "cache").rglob(".complete"))
    assert done.stderr == (
        "E: Unable to find a source package for other\n"
        "ipck: the package other of trixie/source could not be fetched\n"
    )


@needs_apt
@needs_dpkg_source
def test_source_package_that_is_damaged(tmp_path: Path) -> None:
    sources = Sources(tmp_path)
    next(tmp_path.glob("packages/*.tar.*")).write_bytes(b"damage")
    done = sources.get("musl")
    assert done.returncode == 2 and done.stderr.endswith("ipck: musl_7.dsc could not be unpacked\n")
    assert not list((tmp_path / "cache").rglob(".complete"))
