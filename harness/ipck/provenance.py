"""Where results come from: command, commit, time."""

import shlex
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

from .results import RunResults
from .tree import ROOT


def session(seed: int = 0) -> RunResults:
    """A run that begins now, still without results."""
    started = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return RunResults(command(sys.argv), commit(ROOT), seed, started)


def command(argv: list[str]) -> str:
    """The command line as somebody typed it."""
    program = Path(argv[0])
    name = program.parent.name if program.name == "__main__.py" else program.name
    return shlex.join([name, *argv[1:]])


def commit(tree: Path) -> str:
    """The commit that TREE is at, with a mark when files differ from it; empty when git does not know."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(tree), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
