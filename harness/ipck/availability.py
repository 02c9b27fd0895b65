"""What can be judged here, and what brings the rest."""

import os
import shlex
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from .targets import Choice, Target, Unavailable
from .tree import BUILD, ROOT

_INSTALL = ("apt-get", "install")


def lacking(target: Target, build: Path = BUILD) -> Unavailable | None:
    """Why TARGET cannot run here; None when it can."""
    try:
        target.check(build)
    except Unavailable as error:
        return error
    return None


def table(choices: Iterable[Choice], build: Path = BUILD) -> Iterator[str]:
    """A line for each target: its name, what it judges, and why it cannot run here if so."""
    rows = [(choice.target, lacking(choice.target, build)) for choice in choices]
    width = max((len(target.name) for target, _ in rows), default=0)
    for target, why in rows:
        yield f"{target.name:<{width}}  {target.description}" + (f"\n{'':<{width}}  {why}" if why else "")


def fetch(choices: Iterable[Choice], say: Callable[[str], None], build: Path = BUILD) -> list[str]:
    """Bring what the targets lack, each command told by SAY before it runs; returns what is still lacking, and why."""
    left = []
    for choice in choices:
        tried: set[tuple[str, ...]] = set()
        while why := lacking(choice.target, build):
            if not why.remedy or why.remedy in tried:
                left.append(f"target {choice.target.name}: {why}")
                break
            tried.add(why.remedy)
            _run(why.remedy, say)
    return left


def _run(remedy: tuple[str, ...], say: Callable[[str], None]) -> None:
    command = remedy
    environment = dict(os.environ)
    if remedy[:2] == _INSTALL:
        command = (*_INSTALL, "-y", "--no-install-recommends", *remedy[2:])
        environment["DEBIAN_FRONTEND"] = "noninteractive"
    elif remedy[0] == "make":
        command = ("make", "--no-print-directory", f"-j{len(os.sched_getaffinity(0))}", *remedy[1:])
    say(shlex.join(command))
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError as error:
        say(f"  {command[0]}: {error.strerror}")
        return
    if done.returncode:
        words = (done.stderr or done.stdout).decode("utf-8", "backslashreplace").strip().splitlines()
        say("\n".join(f"  {line}" for line in words[-5:]))
