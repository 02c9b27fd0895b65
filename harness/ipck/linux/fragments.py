"""What a kernel's configuration is to hold, and what it does hold."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import IpckError
from ..tree import shown

_SET = re.compile(r"(CONFIG_\w+)=(.+)")
_UNSET = re.compile(r"# (CONFIG_\w+) is not set")
_OFF = "n"


@dataclass(frozen=True, slots=True)
class Option:
    """An option that is wanted."""

    name: str  # with CONFIG_
    value: str  # y, a number, a quoted text; n for one that is not to be set
    why: str = ""  # the comment above it

    def __str__(self) -> str:
        return f"{self.name} off" if self.value == _OFF else f"{self.name}={self.value}"


def read(path: Path) -> list[Option]:
    """The options of a fragment: lines of a .config, below comments that say why they are wanted."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise IpckError(f"{shown(path)}: cannot be read as a fragment of a configuration: {error}") from None
    options: list[Option] = []
    comment: list[str] = []
    for number, line in enumerate(map(str.strip, lines), 1):
        if option := _option(line):
            options.append(Option(*option, " ".join(comment).rstrip(":")))
        elif line.startswith("#"):
            comment.append(line.lstrip("# "))
        elif line:
            raise IpckError(f"{shown(path)}:{number}: {line[:80]!r} is no option: write CONFIG_NAME=y or a comment")
        else:
            comment.clear()
    return options


def missing(options: Iterable[Option], config: str) -> list[Option]:
    """Those of OPTIONS that the text of a .config does not have as wanted."""
    values = {option[0]: option[1] for line in config.splitlines() if (option := _option(line))}
    wanted = {option.name: option for option in options}  # a later fragment decides
    return [option for option in wanted.values() if values.get(option.name, _OFF) != option.value]


def _option(line: str) -> tuple[str, str] | None:
    if found := _SET.fullmatch(line):
        return found[1], found[2]
    if found := _UNSET.fullmatch(line):
        return found[1], _OFF
    return None
