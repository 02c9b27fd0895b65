"""Runs a client in namespaces of its own, by build/glibc/ipck-apart."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import IpckError
from ...tree import shown
from ..log import Event
from .clients import Client

_OWN = "/tmp/.ipck"  # in the private /tmp: fault/torture/apart.h
_SPARE = 30.0


@dataclass(frozen=True, slots=True)
class Step:
    """What became of a script: as fault/torture/apart.c describes it."""

    status: int
    hung: tuple[str, ...]
    left: tuple[str, ...]
    out: str
    err: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a client: its three scripts, and the objects before and after `run` and at the end."""

    before: Step
    run: Step
    after: Step
    found: tuple[str, ...]
    left: tuple[str, ...]
    remains: tuple[str, ...]
    log: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where clients run: the build folder, that of what they have PREPARED, and how much slower all may be."""

    build: Path
    prepared: Path
    time_scale: float = 1.0


@contextmanager
def place(build: Path, time_scale: float = 1.0) -> Iterator[Place]:
    """A place for the time of a torture. /tmp is not seen there, so that what is prepared is elsewhere."""
    with tempfile.TemporaryDirectory(prefix="ipck-", dir="/var/tmp") as folder:
        os.chmod(folder, 0o777)
        yield Place(build, Path(folder), time_scale)


def prepare(client: Client, where: Place) -> None:
    """Prepare what CLIENT needs, once for all clients of its package; IpckError where that fails."""
    done = where.prepared / "done"
    if not client.prepare or done.exists() and client.prepare in done.read_text().split("\0"):
        return
    step = run(replace(client, before="", run=client.prepare, after=""), "", where).run
    if step.hung or step.status != 0:
        raise IpckError(f"{client.name}: `prepare` fails: exit status {step.status}: {step.err.strip()}")
    with done.open("a") as file:
        file.write(f"{client.prepare}\0")


def run(client: Client, scenario: str, where: Place) -> Outcome:
    """Run CLIENT under SCENARIO; IpckError where that cannot be done."""
    build, time_scale = where.build, where.time_scale
    program, library = (build.absolute() / "glibc" / name for name in ("ipck-apart", "ipck-fault.so"))
    if missing := [path for path in (program, library) if not path.exists()]:
        raise IpckError(*(f"{shown(path)} does not exist: run make {shown(path)}" for path in missing))
    seconds = client.seconds * time_scale
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "BUILD": f"{_OWN}/build",
        "PREPARED": str(where.prepared),
        "HOME": "/tmp",
        "LC_ALL": "C",
    }
    added = {
        "LD_PRELOAD": f"{_OWN}/build/{library.name}",
        "IPCK_FAULT": scenario,
        "IPCK_FAULT_LOG": f"{_OWN}/log",
        "IPCK_FAULT_TREE": f"{_OWN}/tree",
    }
    argv = (
        str(program), *["--user"] * client.user, f"{seconds:f}",
        *(f"set -e\n{script}" if script else "" for script in (client.before, client.run)), client.after,
        *(f"{name}={value}" for name, value in added.items()),
    )  # fmt: skip
    try:
        ended = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, env=environment, timeout=3 * seconds + _SPARE
        )
    except subprocess.TimeoutExpired:
        raise IpckError(f"{client.name}: {shown(program)} does not end") from None
    except OSError as error:
        raise IpckError(f"{shown(program)}: cannot be run: {error.strerror}") from None
    if ended.returncode != 0:
        said = ended.stderr.decode(errors="replace").strip() or f"exit status {ended.returncode}"
        raise IpckError(f"{client.name}: {said}")
    return _outcome(client, ended.stdout)


def _outcome(client: Client, text: bytes) -> Outcome:
    try:
        data = json.loads(text)
        before, run_, after = (_step(data[name]) for name in ("before", "run", "after"))
        found, left, remains = (tuple(data[name]) for name in ("found", "left", "remains"))
        return Outcome(before, run_, after, found, left, remains, tuple(Event(**event) for event in data["log"]))
    except (ValueError, KeyError, TypeError) as error:
        raise IpckError(f"{client.name}: ipck-apart printed no report: {error}") from None


def _step(data: dict[str, Any]) -> Step:
    return Step(**{key: tuple(value) if isinstance(value, list) else value for key, value in data.items()})
