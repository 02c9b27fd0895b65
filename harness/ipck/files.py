"""Files that are whole or not there at all."""

import os
from pathlib import Path

from .errors import IpckError
from .tree import shown


def write(path: Path, text: str) -> None:
    """Write TEXT to PATH by way of a temporary name; IpckError when the disk does not take it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise unwritable(path, error) from None


def unwritable(path: Path, error: OSError) -> IpckError:
    """The one message for a file that cannot be written."""
    return IpckError(f"{shown(path)}: cannot be written: {error.strerror}: make room, or choose another --out")
