"""kcidb.json: results for KernelCI's common database, in version 5 of its schema.

https://github.com/kernelci/kcidb-io. Nothing younger than 5.0 is used, so that every receiver of version 5 takes it.
What a baseline lists is a failure with an incident of a known issue.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from . import text
from .catalogue import Catalogue
from .errors import IpckError
from .records import clean
from .results import NO_RESULT, RED, Deviation, Fault, RunResults, TargetRun, TestResult

VERSION = {"major": 5, "minor": 0}

_LONGEST_EXCERPT = 16384
_ORIGIN = "ipck"
_STATUS = {"pass": "PASS", "fixed": "PASS", "fail": "FAIL", "known": "FAIL", "skip": "SKIP", "error": "ERROR"}


@dataclass(frozen=True, slots=True)
class Submitter:
    """Who sends the results."""

    origin: str = _ORIGIN  # the CI system's name in the database
    build: str = ""  # the id there of the build under test; ours describe it as well as we can without one


def submitter(origin: str | None, build: str | None) -> Submitter:
    """What the user says of both, checked; IpckError when the database would refuse it."""
    origin, build = _ORIGIN if origin is None else origin, build or ""
    if not origin or not set(origin) <= set("abcdefghijklmnopqrstuvwxyz0123456789_"):
        raise IpckError(f"--kcidb-origin {origin!r}: must consist of small letters, digits and underscores")
    if build and (":" not in build or not build.isprintable()):
        raise IpckError(f"--kcidb-build {build!r}: must be ORIGIN:NAME, the id of a build in KCIDB")
    return Submitter(origin, build)


@dataclass(slots=True)
class _Writer:
    """One report under construction."""

    run: RunResults
    catalogue: Catalogue
    by: Submitter
    session: str = ""
    objects: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)  # by kind and id

    def add(self, kind: str, name: str, **values: Any) -> str:
        """Add an object unless it is there; returns its id. Empty values are left out: nothing may be null."""
        key = f"{self.by.origin}:{name}"
        filled = {name: value for name, value in values.items() if value not in ("", None, {})}
        self.objects.setdefault(kind, {}).setdefault(key, {"id": key, "origin": self.by.origin, **filled})
        return key


def render(run: RunResults, catalogue: Catalogue, by: Submitter = Submitter()) -> dict[str, Any]:
    """The content of kcidb.json."""
    writer = _Writer(run, catalogue, by)
    writer.session = _digest(run.command, run.commit, str(run.seed), run.started)
    for target in run.targets:
        if target.unavailable and not target.faults:
            continue
        build = by.build or _build(writer, target)
        for test in target.tests:
            _test(writer, target, test, build)
        for number, fault in enumerate(target.faults, 1):
            _fault(writer, target, fault, number, build)
    return {"version": VERSION} | {kind: list(objects.values()) for kind, objects in writer.objects.items()}


def _build(writer: _Writer, target: TargetRun) -> str:
    """The implementation under test, as far as it told what it is."""
    info = target.info
    system = ", ".join(filter(None, (info.kernel, info.libc)))
    name = f"{target.target}:{_digest(target.target, info.kernel, info.libc, info.machine, info.compiler)}"
    checkout = writer.add("checkouts", name, comment=system or target.description, valid=True)
    return writer.add(
        "builds",
        name,
        checkout_id=checkout,
        comment=target.description,
        architecture="".join(letter if letter.isalnum() else "_" for letter in info.machine.lower()),
        compiler=info.compiler,
        status="PASS",
        misc={"target": target.target, "libc": info.libc, "kernel": info.kernel},
    )


def _test(writer: _Writer, target: TargetRun, test: TestResult, build: str) -> None:
    excerpt = text.explain(test, writer.catalogue) if test.outcome in RED else ""
    name = writer.add(
        "tests",
        f"{writer.session}:{target.target}:{test.test}",
        build_id=build,
        path=f"ipck.{test.test}",
        status="MISS" if test.status in NO_RESULT else _STATUS[test.outcome],
        comment=clean(text.brief(test)),
        log_excerpt=clean(excerpt)[:_LONGEST_EXCERPT],
        start_time=writer.run.started,
        duration=round(test.seconds, 6),
        environment=_environment(target),
        misc={
            "target": target.target,
            "place": f"{test.file}:{test.line}",
            "requirements": {verdict.requirement: verdict.outcome for verdict in test.verdicts},
        },
    )
    for verdict in test.verdicts:
        if verdict.deviation and verdict.outcome == "known":
            issue = _issue(writer, verdict.deviation)
            link = {"issue_id": issue, "issue_version": 1, "test_id": name, "present": True}
            writer.add("incidents", _digest(name, issue), **link)


def _issue(writer: _Writer, deviation: Deviation) -> str:
    return writer.add(
        "issues",
        _digest(deviation.requirement, deviation.reason, deviation.reference),
        version=1,
        comment=f"{deviation.requirement}: {deviation.reason}",
        culprit={"code": True, "tool": False, "harness": False},
        misc={"reference": deviation.reference, "since": deviation.since},
    )


def _fault(writer: _Writer, target: TargetRun, fault: Fault, number: int, build: str) -> None:
    writer.add(
        "tests",
        f"{writer.session}:{target.target}:fault-{number}",
        build_id=build,
        path="ipck",
        status="ERROR",
        comment=clean(text.first_line(fault.message)),
        log_excerpt=clean(fault.message)[:_LONGEST_EXCERPT],
        start_time=writer.run.started,
        environment=_environment(target),
        misc={"target": target.target},
    )


def _environment(target: TargetRun) -> dict[str, Any]:
    info = target.info
    facts = {"user": info.user, "isolation": info.isolation, "limits": dict(info.limits)}
    return {"comment": target.description, "misc": {name: value for name, value in facts.items() if value}}


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]
