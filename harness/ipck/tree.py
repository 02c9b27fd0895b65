"""Where things lie in the source tree."""

import os
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "conformance" / "requirements"
NOTES_FILE = "notes.toml"
"""The one file among the requirements that holds none: what the lecture notes say."""
ARCHITECTURES = ROOT / "conformance" / "architectures"
"""What programs are cross-built for, one a line: flavour, compiler's triple, Debian's name."""
COVERAGE = ROOT / "conformance" / "coverage"
"""Why lines of the kernel and of C libraries are not executed: linux.toml, musl.toml."""
CLIENTS = ROOT / "fault" / "clients"
MUTANTS = ROOT / "fault" / "mutants"
BASELINES = ROOT / "harness" / "baselines"
SUITE = ROOT / "harness" / "suite"
BUILD = ROOT / "build"
VERSION = ROOT / "VERSION"
"""There where ipck is installed: its version, and the commit that it was made of."""
INSTALLED = VERSION.exists()
OUT = Path("ipck-out") if INSTALLED else ROOT / "reports" / "out"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ipck"
"""Where the scripts keep what they fetch."""


def shown(path: Path) -> str:
    """PATH as people want to read it: relative to the tree when it lies inside."""
    if INSTALLED:
        return str(path)
    try:
        return str(path.resolve().relative_to(ROOT))
    except ValueError:
        return str(path)


def version() -> str:
    """What is installed, or that it is the source tree."""
    return VERSION.read_text("utf-8").strip() if INSTALLED else f"(source tree {ROOT})"


def fetched(suite: str, *packages: str) -> Path:
    """Where `scripts/get-debian SUITE PACKAGE..` puts what it fetches for this machine."""
    return CACHE / "debian" / f"{suite}-{_architecture()}" / "".join(f"{package}+" for package in packages)


@cache
def _architecture() -> str:
    """Debian's name for this machine."""
    return subprocess.run(("dpkg", "--print-architecture"), capture_output=True, text=True, check=True).stdout.strip()
