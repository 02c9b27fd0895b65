"""faults.json: what the torture found. Each mode writes its own keys and leaves those of the others."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import files
from ..errors import IpckError
from ..tree import shown

NAME = "faults.json"
SCHEMA = 1


def read(out: Path) -> dict[str, Any]:
    """What is in the file of the folder OUT; nothing where there is none."""
    path = out / NAME
    try:
        data = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise IpckError(f"{shown(path)}: cannot be read, remove it: {error}") from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise IpckError(f"{shown(path)}: is no result of ipck fault: remove it")
    return data


def update(out: Path, changes: Mapping[str, Any]) -> Path:
    """Write CHANGES into the file of the folder OUT, and return its path."""
    files.write(out / NAME, json.dumps({"schema": SCHEMA, **read(out), **changes}, indent=1) + "\n")
    return out / NAME
