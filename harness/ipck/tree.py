"""Where things lie in the source tree."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "conformance" / "requirements"
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
