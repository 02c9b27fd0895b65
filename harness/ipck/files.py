"""Files that are whole or not there at all."""

import json
import os
from pathlib import Path
from typing import Any

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


def read_results(path: Path, schema: int, command: str) -> dict[str, Any]:
    """The results that COMMAND has left at PATH, nothing where there are none; IpckError when it is something else."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise IpckError(f"{shown(path)}: cannot be read, remove it: {error}") from None
    if not isinstance(data, dict) or data.get("schema") != schema:
        raise IpckError(f"{shown(path)}: is no result of {command}: remove it")
    return data


def unwritable(path: Path, error: OSError) -> IpckError:
    """The one message for a file that cannot be written."""
    return IpckError(f"{shown(path)}: cannot be written: {error.strerror}: make room, or choose another --out")
