"""What a target's program says that it holds."""

import re
import time
from pathlib import Path

from ..catalogue import Catalogue
from ..errors import IpckError
from ..records import clean
from ..tree import BUILD, shown
from .model import Target, Test, Unavailable

_TEST_ID = re.compile(r"[A-Za-z0-9_.-]+")
_WHERE = re.compile(r"(.+):([0-9]{1,9})")
_PATIENCE = 30
_POLL = 0.1


def list_tests(target: Target, catalogue: Catalogue, build: Path = BUILD) -> list[Test]:
    """What the target's program holds; Unavailable when it cannot be asked, IpckError when it answers nonsense."""
    target.check(build)
    answer = _ask(target, build)
    tests: dict[str, Test] = {}
    faults = []
    for number, line in enumerate(answer.split(b"\n"), 1):
        if line:
            try:
                test = _listed(line)
                if test.id in tests:
                    raise ValueError(f"test {test.id} is listed twice")
                tests[test.id] = test
                faults += _unknown(target, test, catalogue)
            except ValueError as error:
                faults.append(f"target {target.name}: line {number} of --list: {error}: rebuild the program")
    if not tests and not faults:
        faults.append(f"target {target.name}: {shown(target.program(build))} holds no tests: rebuild it")
    if faults:
        raise IpckError(*faults)
    return list(tests.values())


def _ask(target: Target, build: Path) -> bytes:
    until = time.monotonic() + _PATIENCE * target.time_scale
    pieces = []
    try:
        with target.ask(build) as process:
            while (piece := process.read(_POLL)) is not None:
                pieces.append(piece)
                if time.monotonic() > until:
                    raise IpckError(f"target {target.name}: {process.what} gave no answer to --list: rebuild it")
            how = process.finish()
            if process.status != 0:
                said = clean(process.last_words()) or how or f"status {process.status}"
                raise Unavailable(f"{shown(target.program(build))} --list failed: {said[:500]}")
    except OSError as error:
        raise Unavailable(_why_not(target, build, error)) from None
    return b"".join(pieces)


def _listed(line: bytes) -> Test:
    try:
        identifier, where, requirements = line.decode("utf-8").split("\t")
    except ValueError:
        raise ValueError("is not ID<TAB>FILE:LINE<TAB>REQUIREMENTS") from None
    place = _WHERE.fullmatch(where)
    if not place or not where.isprintable() or not _TEST_ID.fullmatch(identifier):
        raise ValueError("is not ID<TAB>FILE:LINE<TAB>REQUIREMENTS")
    return Test(identifier, place[1], int(place[2]), tuple(name for name in requirements.split(",") if name))


def _unknown(target: Target, test: Test, catalogue: Catalogue) -> list[str]:
    return [
        f"target {target.name}: test {test.id} ({test.file}:{test.line}) names the unknown requirement {name[:100]!r}: "
        "add it to conformance/requirements, or rebuild the program"
        for name in test.requirements
        if name not in catalogue
    ]


def _why_not(target: Target, build: Path, error: OSError) -> str:
    program = shown(target.program(build))
    command = target.lister(build)[0]
    if error.filename == command and command != str(target.program(build)):
        return f"{command}: {error.strerror}: install it"
    return f"{program} cannot be executed here ({error.strerror}): its loader or the kernel's support is missing"
