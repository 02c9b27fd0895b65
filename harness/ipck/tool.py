"""A program of ours other than the tests, on a target: it prints JSON lines, of which the last is {"type": "end"}."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import stream
from .errors import IpckError
from .process import Process
from .records import clean, parse
from .targets import Choice, Target, Unavailable

_POLL = 0.2
_MOST_FAULTS = 20


class Tool:
    """Whatever the program or the target does, the lines that came are taken."""

    def __init__(
        self, start: Callable[[Sequence[str]], Process], patience: float, starting: float = 0.0, time_scale: float = 1.0
    ) -> None:
        """START makes the process, with arguments; it may say nothing for PATIENCE seconds, STARTING more at first."""
        self.faults: list[str] = []
        """What is wrong with the lines of its output."""
        self._start = start
        self._patience = patience
        self._starting = starting
        self._time_scale = time_scale
        self._begun = self._ended = False

    def run(self, arguments: Sequence[str], take: Callable[[dict[str, Any]], None]) -> str:
        """Run it once; TAKE keeps what a line says, or raises ValueError. Returns what is wrong with how it ended."""
        self._begun = self._ended = False
        try:
            with self._start(arguments) as process:
                why = self._read(process, take)
                words = clean(process.last_words()) if why else ""
        except (OSError, Unavailable) as error:
            return f"the program cannot be executed ({error})"
        return f"{why}: {words}" if words else why

    def _read(self, process: Process, take: Callable[[dict[str, Any]], None]) -> str:
        lines = stream.Lines()
        heard = useful = time.monotonic()
        while (piece := process.read(_POLL)) is not None:
            now = time.monotonic()
            heard = now if piece else heard
            for line in lines.feed(piece):
                useful = now if self._take(line, take) else useful
            if (longest := process.heartbeat * self._time_scale) and now - heard > longest:
                return f"{process.what} gave no sign of life for {longest:g} s and was killed"
            if now - useful > self._patience + (0 if self._begun else self._starting):
                return f"the program said nothing for {self._patience:g} s and was killed"
        how = process.finish()
        return "" if self._ended else f"{process.what} {how or 'ended'} before its last line"

    def _take(self, line: bytes | None, take: Callable[[dict[str, Any]], None]) -> bool:
        """Keep what LINE says; whether it says anything but that something is alive."""
        try:
            if line is None:
                raise ValueError("is too long")
            data = parse(line.decode("utf-8"))
            if data.get("type") in ("alive", "left"):
                return False
            if data.get("type") == "end":
                self._ended = True
            else:
                take(data)
            self._begun = True
            return True
        except ValueError as error:  # UnicodeDecodeError is one
            if len(self.faults) < _MOST_FAULTS:
                self.faults.append(f"a line of its output {clean(str(error))}")
            return False


def on(target: Target, name: str, build: Path, patience: float) -> Tool:
    """The program NAME of BUILD on TARGET, where it may say nothing for PATIENCE seconds, before any time scale."""
    runs_it = replace(target, tool=name)
    scale = target.time_scale
    return Tool(lambda words: runs_it.start(build, words, ""), patience * scale, target.start_seconds, scale)


def local(command: Sequence[str], patience: float) -> Tool:
    """The program that COMMAND starts on this machine."""
    return Tool(lambda words: Process((*command, *words)), patience)


def listed(target: Target, name: str, patterns: Sequence[str], build: Path, columns: int) -> list[list[str]]:
    """What the program NAME lists of what PATTERNS choose, in so many COLUMNS; IpckError where that is nothing."""
    command = (*replace(target, tool=name).lister(build), "--list", *patterns)
    said = b""
    with Process(command) as process:
        while (piece := process.read(_POLL)) is not None:
            said += piece
        how, status, words = process.finish(), process.status, clean(process.last_words())
    if status:
        raise IpckError(words or f"{' '.join(command)}: {how}")
    rows = [line.split("\t") for line in said.decode("utf-8", "backslashreplace").splitlines()]
    if not rows or any(len(row) != columns for row in rows):
        raise IpckError(f"{' '.join(command)}: prints no list that is understood: build it again")
    return rows


def available(choices: Iterable[Choice], name: str, build: Path, say: Callable[[str], None]) -> list[Target]:
    """The targets of CHOICES that can run the program NAME. One that was named must; what others lack is said."""
    found = []
    for choice in choices:
        try:
            replace(choice.target, tool=name).check(build)
            found.append(choice.target)
        except Unavailable as error:
            if choice.by_name:
                raise IpckError(f"target {choice.target.name} is unavailable: {error}") from None
            say(f"skipped: {choice.target.name}: {error}")
    return found
