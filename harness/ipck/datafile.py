"""Files that hold one record as JSON, with the number of its schema: what a command leaves beside the reports."""

import json
from pathlib import Path
from typing import Any, TypeVar

from . import files
from .errors import IpckError
from .records import decode, encode, parse
from .tree import shown

Record = TypeVar("Record")


def write(path: Path, data: Any) -> None:
    """Write the record DATA to PATH."""
    files.write(path, json.dumps(encode(data), indent=1) + "\n")


def read(path: Path, kind: type[Record], schema: int, command: str) -> Record | None:
    """The record of KIND at PATH, None where there is no file; IpckError, which names COMMAND, when it is broken."""
    try:
        data = parse(path.read_text("utf-8"))
        if data.get("schema") != schema:
            raise ValueError(f"has another schema than {schema}")
        return decode(kind, data)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise IpckError(f"{shown(path)}: {error}: make it again with {command}, or remove it") from None
