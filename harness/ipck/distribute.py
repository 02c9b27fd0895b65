"""With pytest-xdist: one run of the program for the tests of one file on one target."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from .engine import Options
from .plan import Ready
from .records import decode, encode
from .results import TargetRun, TestResult
from .runner import run_part
from .store import Recorder
from .targets import group


def scope(nodeid: str) -> str:
    """What is run together: `host-glibc::sysv.sem.semop_wait`."""
    target, _, test = nodeid.partition("::")
    return f"{target}::{group(test)}"


def scheduler(config: pytest.Config, log: Any) -> Any:
    """A scheduler that gives tests of one scope to one worker."""
    from xdist.scheduler import LoadScopeScheduling  # only there when xdist is

    class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
        """Goes by scope, and does not run again the test that a worker died in."""

        def _split_scope(self, nodeid: str) -> str:
            return scope(nodeid)

        def remove_node(self, node: Any) -> str | None:
            workload = self.assigned_work.pop(node)
            pending = [(unit, nodeid) for unit in workload.values() for nodeid, done in unit.items() if not done]
            if not pending:
                return None
            unit, culprit = pending[0]
            unit[culprit] = True
            self.workqueue.update((name, unit) for name, unit in workload.items() if not all(unit.values()))
            for other in self.assigned_work:
                self._reschedule(other)
            return str(culprit)

    return Scheduling(config, log)


class Parts:
    """On a worker: runs a part when its first test is asked for, and packs results for the way to the controller."""

    def __init__(self, options: Options, nodeids: Iterable[str]) -> None:
        """NODEIDS are those of all selected tests."""
        self._options = options
        self._members: dict[str, list[str]] = {}
        for nodeid in nodeids:
            self._members.setdefault(scope(nodeid), []).append(nodeid.partition("::")[2])
        self._parts: dict[str, dict[str, TestResult]] = {}

    def result(self, ready: Ready, test: str) -> tuple[TestResult, dict[str, Any]]:
        """The result of TEST and its parcel."""
        key = scope(f"{ready.target.name}::{test}")
        parcel: dict[str, Any] = {}
        if key not in self._parts:
            run = run_part(ready, [ready.tests[name] for name in self._members[key]], self._options)
            self._parts[key] = {result.test: result for result in run.tests}
            parcel["run"] = encode(replace(run, tests=()))
        result = self._parts[key][test]
        return result, parcel | {"result": encode(result)}


def unpack(parcel: Mapping[str, Any], recorder: Recorder) -> None:
    """On the controller: put a parcel's content into RECORDER."""
    if "run" in parcel:
        run = decode(TargetRun, parcel["run"])
        recorder.begin(run)
        recorder.inform(run.target, run.info)
        for fault in run.faults:
            recorder.add(fault)
        recorder.end(run.target, run.seconds, run.complete)
    recorder.add(decode(TestResult, parcel["result"]))
