"""What strace -f -o FILE writes: a line each system call, two where another thread's came between."""

import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import IpckError

_WHOLE = re.compile(r"(\d+) +(\w+)\((.*)\) += (\S+)(?: (E[A-Z0-9]+)\b)?(.*)")
_BEGUN = re.compile(r"(\d+) +(\w+)\((.*?)(?:,? *<unfinished \.\.\.>| <detached \.\.\.>)\)?(?: += \?)?")
_RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)")
_NO_CALL = re.compile(r"\d+ +(\+\+\+|---|\?\?\?\?)")


@dataclass(frozen=True, slots=True)
class Line:
    """One system call."""

    thread: int
    call: str
    arguments: str
    result: str  # "?" where it never returned
    error: str  # by name, kernel-internal ones included
    injected: bool


def read(path: Path) -> tuple[Line, ...]:
    """The system calls of the file PATH, in the order in which they began; IpckError for a line of another kind."""
    lines: list[Line | None] = []
    begun: dict[int, tuple[int, str]] = {}
    for number, text in enumerate(path.read_text("utf-8", "backslashreplace").splitlines(), 1):
        if _NO_CALL.match(text):
            continue
        place = len(lines)
        if resumed := _RESUMED.fullmatch(text):
            thread, call, rest = int(resumed[1]), resumed[2], resumed[3]
            if thread not in begun:
                raise IpckError(f"{path.name}:{number}: strace resumes what it never began: {text}")
            place, before = begun.pop(thread)
            text = f"{thread} {call}({before}{rest}"
        elif started := _BEGUN.fullmatch(text):
            begun[int(started[1])] = len(lines), started[3]
            lines.append(Line(int(started[1]), started[2], started[3], "?", "", False))
            continue
        else:
            lines.append(None)
        if not (whole := _WHOLE.fullmatch(text)):
            raise IpckError(f"{path.name}:{number}: is no line of strace's: {text}")
        lines[place] = Line(int(whole[1]), whole[2], whole[3], whole[4], whole[5] or "", "(INJECTED)" in whole[6])
    return tuple(line for line in lines if line)
