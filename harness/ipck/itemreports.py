"""Results as pytest's own reports, for its options and plugins."""

from collections.abc import Iterator
from typing import Any

import pytest

from .catalogue import Catalogue
from .results import Fault, TestResult
from .text import explain, why_not_judged

_KEYWORDS: dict[str, Any] = {}


def of_result(result: TestResult, catalogue: Catalogue) -> Iterator[pytest.TestReport]:
    """One report with the outcome, and the closing one with each requirement's verdict as a property."""
    nodeid = f"{result.target}::{result.test}"
    place = (nodeid, (result.file, result.line, nodeid), _KEYWORDS)
    extra: dict[str, Any] = {"duration": result.seconds, "ipck_outcome": result.outcome}
    if result.outcome == "pass":
        yield pytest.TestReport(*place, "passed", None, "call", **extra)
    elif result.outcome in ("fail", "fixed"):
        yield pytest.TestReport(*place, "failed", explain(result, catalogue), "call", **extra)
    elif result.outcome == "error":
        yield pytest.TestReport(*place, "failed", explain(result, catalogue), "setup", **extra)
    else:
        reason = why_not_judged(result)
        if result.outcome == "known":
            extra["wasxfail"] = reason
        yield pytest.TestReport(*place, "skipped", (result.file, result.line, reason), "call", **extra)
    properties = [(verdict.requirement, verdict.outcome) for verdict in result.verdicts]
    yield pytest.TestReport(*place, "passed", None, "teardown", user_properties=properties)


def of_fault(fault: Fault, number: int) -> Iterator[pytest.TestReport]:
    """The reports of a fault that belongs to no test."""
    nodeid = f"{fault.target}::fault-{number}"
    place = (nodeid, ("", None, nodeid), _KEYWORDS)
    yield pytest.TestReport(*place, "failed", fault.message, "setup")
    yield pytest.TestReport(*place, "passed", None, "teardown")
