"""faults.json: what the torture found. Each mode writes its own keys and leaves those of the others.

Of `ipck fault` (torture/records.py, crash.py):

    pairs, fired, explained     how many pairs of point and fault (errno=NAME, interrupt, delay) there are, were met by
                                a client, or are explained in fault/explained.toml
    runs, seconds               how often a client was started
    complete                    whether all clients were chosen: only then unfired and stale say something
    unfired                     [{point, fault}], the pairs that are neither
    explanations                [{point, fault, reason}]
    clients                     [{name, program, package, runs, points: {point: calls}, skipped: why it did not run}]
    violations                  [{engine, client, point, fault, n, kind, detail, reproduce, known}]; kind is hang,
                                signal, status, silent, output, objects, process or leak; known the reference of
                                fault/known.toml
    undecided, stale            messages: what could not be done; entries of the tables that nothing bears out
    crash                       [{test, file, line, requirement, outcome, where, row, expression, wanted, got, reason}]

Of `ipck fault-libc`: libc (inside.py).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import files

NAME = "faults.json"
SCHEMA = 1


def read(out: Path) -> dict[str, Any]:
    """What is in the file of the folder OUT; nothing where there is none."""
    return files.read_results(out / NAME, SCHEMA, "ipck fault")


def update(out: Path, changes: Mapping[str, Any]) -> Path:
    """Write CHANGES into the file of the folder OUT, and return its path."""
    files.write(out / NAME, json.dumps({"schema": SCHEMA, **read(out), **changes}, indent=1) + "\n")
    return out / NAME
