"""Builds a kernel: configures a source, compiles it, and tells what it did not get."""

import json
import os
import re
import resource
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import IpckError
from ..records import clean
from .fragments import Option, missing, read
from .source import PATCHES, Source, locked
from .variants import Machine, Variant

_ERRORS = (
    re.compile(r"\berror: |syntax error|can't open|undefined reference|: not found$|No rule to make"),
    re.compile(r"\*\*\*"),
)
_LONGEST_LINE = 300
_GCOV_FORMATS = (10, 12, 14, 15)
"""The releases of gcc that changed what a counter's file looks like, as far as a kernel has to know it."""

# What would differ from one build to the next, and what the make that called us tells its own.
_SAME = {
    "KBUILD_BUILD_USER": "ipck", "KBUILD_BUILD_HOST": "ipck", "KBUILD_BUILD_VERSION": "1",
    "KBUILD_BUILD_TIMESTAMP": "Thu Jan  1 00:00:00 UTC 1970", "LC_ALL": "C",
}  # fmt: skip
_OF_OTHER_MAKES = frozenset({"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEFILES", "ARCH", "CROSS_COMPILE", "KBUILD_OUTPUT"})


@dataclass(frozen=True, slots=True)
class Built:
    """A kernel."""

    image: Path
    objects: Path  # in which `source` leads to the source
    seconds: float = 0.0  # of processor time; 0 when it was there already


@dataclass(frozen=True, slots=True)
class Compiler:
    """The C compiler, as CC= names it."""

    command: str
    words: str  # the first line of its --version
    gcc: int  # major release; 0 for others

    @classmethod
    def find(cls) -> "Compiler":
        """The one in the environment's CC, or gcc."""
        command = os.environ.get("CC") or "gcc"
        try:
            ask = (*shlex.split(command), "--version")
            said = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.split("\n")[0]
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            raise IpckError(f"the compiler {command} cannot be asked for its version: {error}") from None
        found = re.search(r" (\d+)\.\d+(\.\d+)?", said) if "clang" not in said else None
        return cls(command, said, int(found[1]) if found else 0)


def build(
    source: Source, machine: Machine, variant: Variant, more: Sequence[Path], jobs: int, tell: Callable[[str], None]
) -> Built:
    """The kernel of SOURCE; MORE are fragments of a configuration beside the variant's own.

    What is wanted of the configuration and was not obtained is handed to TELL in words, before anything is compiled.
    """
    compiler = Compiler.find()
    if variant.measures:
        _check_gcov(source, machine, compiler)
    fragments = [PATCHES / f"{name}.config" for name in ("base", *machine.fragments, *variant.fragments)]
    options = [option for path in (*fragments, *more) for option in read(path)]
    objects = source.folder / f"{machine.name}-{variant.name}"
    with locked(objects):
        return _Objects(objects, source, machine, variant, compiler, jobs).make(options, tell)


class _Objects:
    """The folder of what is compiled of one source for one machine and variant."""

    def __init__(
        self, folder: Path, source: Source, machine: Machine, variant: Variant, compiler: Compiler, jobs: int
    ) -> None:
        self._source = source
        self._machine = machine
        self._variant = variant
        self._compiler = compiler
        self._jobs = jobs
        self._folder = folder
        self._config = folder / ".config"
        self._log = folder / "build.log"
        self._state = folder / "ipck.json"

    def make(self, options: Sequence[Option], tell: Callable[[str], None]) -> Built:
        """Configure and compile, as far as something has changed since the last time."""
        image = self._folder / self._machine.image
        configured = [*map(str, options), self._source.options, self._compiler.words]
        built = [*configured, self._source.digest, self._variant.flags]
        state = self._read()
        lacking = state.get("lacking", [])
        done = state.get("built") == built and image.exists()
        began = _processor_seconds()
        if not done:
            self._log.write_text("")
        if not done and (state.get("configured") != configured or not self._config.exists()):
            self._write({})
            lacking = self._configure(options)
        for words in lacking:
            tell(words)
        if done:
            return Built(image, self._folder)
        self._write({"configured": configured, "lacking": lacking})
        self._run("compiled", f"-j{self._jobs}", f"IPCK_IPC_CFLAGS={self._variant.flags}", self._machine.goal)
        if not image.exists():
            raise IpckError(f"make {self._machine.goal} ended well and made no {image}: see {self._log}")
        self._write({"configured": configured, "lacking": lacking, "built": built})
        return Built(image, self._folder, _processor_seconds() - began)

    def _configure(self, options: Sequence[Option]) -> list[str]:
        """Make the configuration; in words, what it lacks."""
        self._run("configured", "tinyconfig")
        with self._config.open("a", encoding="utf-8") as config:  # the last line about an option decides
            config.writelines(f"{option.name}={option.value}\n" for option in options)
        self._run("configured", "olddefconfig")
        return [self._words(option) for option in missing(options, self._config.read_text("utf-8"))]

    def _words(self, option: Option) -> str:
        if option.value == "n":
            cause = "something else selects it"
        elif self._source.knows(option.name):
            cause = "what it depends on is not there"
        else:
            cause = f"Linux {self._source.version()} has no such option"
        return f"{option} was not obtained ({cause}); why it is wanted: {option.why or 'nobody says'}"

    def _run(self, what: str, *words: str) -> None:
        """Run make with its output into the log; IpckError with the first line there that tells of an error."""
        command = (
            "make", "-C", str(self._source.tree), f"O={self._folder}", f"ARCH={self._machine.architecture}",
            f"CC={self._compiler.command}", f"LOCALVERSION=-{self._variant.name}", *self._machine.words, *words,
        )  # fmt: skip
        environment = {name: value for name, value in os.environ.items() if name not in _OF_OTHER_MAKES} | _SAME
        with self._log.open("a") as log:
            try:
                done = subprocess.run(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, check=False
                )
            except FileNotFoundError:
                raise IpckError("make is not installed: run scripts/setup kernel") from None
        if done.returncode:
            said = first_error(self._log.read_text("utf-8", "replace"))
            by = f"Linux {self._source.version()} by {self._compiler.words}"
            raise IpckError(f"{by} could not be {what}: {said}", f"the whole log: {self._log}")

    def _read(self) -> dict[str, Any]:
        try:
            state = json.loads(self._state.read_text())
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def _write(self, state: Mapping[str, object]) -> None:
        self._state.write_text(json.dumps(state))


def first_error(log: str) -> str:
    """The line of a log of make that tells best what went wrong first."""
    lines = [clean(line.strip()) for line in log.splitlines() if line.strip()]
    for pattern in _ERRORS:
        if line := next((line for line in lines if pattern.search(line)), ""):
            return line[:_LONGEST_LINE]
    return lines[-1][:_LONGEST_LINE] if lines else "make said nothing"


def _check_gcov(source: Source, machine: Machine, compiler: Compiler) -> None:
    """What would compile, and count wrongly or die."""
    path = source.tree / "kernel/gcov/gcc_4_7.c"
    known = path.read_text("utf-8", "replace") if path.exists() else ""
    if unknown := [one for one in _GCOV_FORMATS if one <= compiler.gcc and f"__GNUC__ >= {one}" not in known]:
        raise IpckError(
            f"Linux {source.version()} does not know the counters of gcc {unknown[0]} and later (kernel/gcov), and "
            f"{compiler.words} makes them: set CC to an older gcc, or take a newer source"
        )
    if machine.architecture == "um" and not source.gcov_patched():
        raise IpckError(
            f"scripts/kernel/gcov-um.patch does not fit Linux {source.version()}, and without it a kernel of user mode "
            "that counts coverage dies when it starts: adapt the patch to the tree's kernel/gcov/gcc_base.c"
        )


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
