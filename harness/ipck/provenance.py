"""Where results come from: command, commit, time."""

import shlex
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

from .results import RunResults
from .tree import INSTALLED, ROOT, version


_ELSEWHERE = ("--out", "--shard")
"""Options that say nothing of what a run judges and how: where results go, and which part of them is made here."""


def session(seed: int = 0) -> RunResults:
    """A run that begins now, still without results."""
    started = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return RunResults(command(sys.argv), commit(ROOT), seed, started)


def command(argv: list[str]) -> str:
    """The command line as somebody typed it, but for what differs between the parts of one run."""
    program = Path(argv[0])
    name = program.parent.name if program.name == "__main__.py" else program.name
    words = []
    rest = iter(argv[1:])
    for word in rest:
        option, assigned, _ = word.partition("=")
        if option not in _ELSEWHERE:
            words.append(word)
        elif not assigned:
            next(rest, None)
    return shlex.join([name, *words])


def commit(tree: Path) -> str:
    """The commit that TREE is at, with a mark when files differ from it; empty when git does not know."""
    if INSTALLED:
        return version().partition(" ")[2]
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
