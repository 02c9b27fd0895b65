"""Where things lie in the source tree."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "conformance" / "requirements"
NOTES_FILE = "notes.toml"
"""The one file among the requirements that holds none: what the lecture notes say."""
CLIENTS = ROOT / "fault" / "clients"
BASELINES = ROOT / "harness" / "baselines"
SUITE = ROOT / "harness" / "suite"
BUILD = ROOT / "build"
OUT = ROOT / "reports" / "out"


def shown(path: Path) -> str:
    """PATH as people want to read it: relative to the tree when it lies inside."""
    try:
        return str(path.resolve().relative_to(ROOT))
    except ValueError:
        return str(path)
