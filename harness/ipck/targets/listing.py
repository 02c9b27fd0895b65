"""What a target's program says that it holds."""

import re
import subprocess
from pathlib import Path

from ..catalogue import Catalogue
from ..errors import IpckError
from ..records import clean
from ..tree import BUILD, ROOT, shown
from .model import Target, Test, Unavailable

_TEST_ID = re.compile(r"[A-Za-z0-9_.-]+")
_WHERE = re.compile(r"(.+):([0-9]{1,9})")
_PATIENCE = 30


def list_tests(target: Target, catalogue: Catalogue, build: Path = BUILD) -> list[Test]:
    """What the target's program holds; Unavailable when it cannot be asked, IpckError when it answers nonsense."""
    target.check(build)
    argv = (*target.lister(build), "--list")
    try:
        answer = subprocess.run(
            argv,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE * target.time_scale,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise IpckError(f"target {target.name}: {shown(Path(argv[0]))} --list gave no answer: rebuild it") from None
    except OSError as error:
        raise Unavailable(_why_not(target, argv[0], build, error)) from None
    if answer.returncode != 0:
        said = clean(answer.stderr.decode("utf-8", "backslashreplace").strip()) or f"status {answer.returncode}"
        raise Unavailable(f"{shown(target.program(build))} --list failed: {said[:500]}")
    tests: dict[str, Test] = {}
    faults = []
    for number, line in enumerate(answer.stdout.split(b"\n"), 1):
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


def _why_not(target: Target, command: str, build: Path, error: OSError) -> str:
    program = shown(target.program(build))
    if error.filename == command and command != str(target.program(build)):
        return f"{command}: {error.strerror}: install it"
    return f"{program} cannot be executed here ({error.strerror}): its loader or the kernel's support is missing"
