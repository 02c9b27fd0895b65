"""What the schema of KCIDB, major version 5, demands of a report, as far as ipck writes one.

After kcidb_io/schema/v05_03.py of https://github.com/kernelci/kcidb-io, in our own words: names, types and patterns of
the properties, which of them are required, and that there are no others. `minor` is at most 3 there.
"""

from typing import Any

_ID = {"type": "string", "pattern": "^[a-z0-9_]+:[^\0]*$"}
_ORIGIN = {"type": "string", "pattern": "^[a-z0-9_]+$"}
_TEXT = {"type": "string", "pattern": "^[^\0]*$"}
_EXCERPT = _TEXT | {"maxLength": 16384}
_TIME = {"type": "string", "format": "date-time"}
_URL = {"type": "string", "format": "uri"}
_FREE = {"type": "object"}
_STATUS = {"enum": ["FAIL", "ERROR", "MISS", "PASS", "DONE", "SKIP"]}
_PATH = {"type": "string", "pattern": r"^([a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*)?$"}


def _closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


_RESOURCES = {"type": "array", "items": _closed(["name", "url"], name={"pattern": "^[^/\0]+$"}, url=_URL)}
_COMMON = {"id": _ID, "origin": _ORIGIN, "comment": _TEXT, "misc": _FREE}
_TIMED = {"start_time": _TIME, "log_url": _URL, "log_excerpt": _EXCERPT}
_CHECKOUT = _closed(
    ["id", "origin"],
    **_COMMON,
    **_TIMED,
    tree_name=_TEXT,
    git_repository_url=_URL,
    git_commit_hash={"type": "string", "pattern": "^[0-9a-f]{40}([0-9a-f]{24})?$"},
    git_commit_name=_TEXT,
    git_repository_branch=_TEXT,
    patchset_hash=_TEXT,
    message_id=_TEXT,
    valid={"type": "boolean"},
)
_BUILD = _closed(
    ["checkout_id", "id", "origin"],
    **_COMMON,
    **_TIMED,
    checkout_id=_ID,
    duration={"type": "number"},
    architecture={"type": "string", "pattern": "^[a-z0-9_]*$"},
    command=_TEXT,
    compiler=_TEXT,
    input_files=_RESOURCES,
    output_files=_RESOURCES,
    config_name=_TEXT,
    config_url=_URL,
    status=_STATUS,
)
_TEST = _closed(
    ["build_id", "id", "origin"],
    **_COMMON,
    **_TIMED,
    build_id=_ID,
    environment=_closed([], comment=_TEXT, misc=_FREE),
    path=_PATH,
    status=_STATUS,
    duration={"type": "number"},
    input_files=_RESOURCES,
    output_files=_RESOURCES,
)
_FLAG = {"type": "boolean"}
_ISSUE = _closed(
    ["id", "version", "origin"],
    **_COMMON,
    version={"type": "integer", "minimum": 0},
    report_url=_URL,
    report_subject=_TEXT,
    culprit=_closed([], code=_FLAG, tool=_FLAG, harness=_FLAG),
)
_INCIDENT = _closed(
    ["id", "origin", "issue_id", "issue_version"],
    **_COMMON,
    issue_id=_ID,
    issue_version={"type": "integer", "minimum": 0},
    build_id=_ID,
    test_id=_ID,
    present=_FLAG,
)
_VERSION = _closed(["major"], major={"const": 5}, minor={"type": "integer", "minimum": 0, "maximum": 3})

SCHEMA = _closed(
    ["version"],
    version=_VERSION,
    checkouts={"type": "array", "items": _CHECKOUT},
    builds={"type": "array", "items": _BUILD},
    tests={"type": "array", "items": _TEST},
    issues={"type": "array", "items": _ISSUE},
    incidents={"type": "array", "items": _INCIDENT},
)
