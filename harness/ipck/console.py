"""The terminal during and after a run, in the place of pytest's own reporter."""

import time
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter

from . import text
from .catalogue import Catalogue
from .errors import IpckError
from .publish import PAGE, journal
from .results import RunResults
from .store import Recorder
from .tree import shown

_PAUSE = 0.1


class Console(TerminalReporter):  # type: ignore[misc]
    """Progress by target instead of a dot for each item, and a summary in the terms of the catalogue."""

    def __init__(self, config: pytest.Config) -> None:
        super().__init__(config)
        self.expected: Counter[str] = Counter()
        self.recorder = Recorder()
        self._through: set[str] = set()
        self._drawn = 0.0
        self._live = False

    def tick(self) -> None:
        """Show how the recorder fills; cheap enough to be called for every item."""
        now = time.monotonic()
        if now - self._drawn >= _PAUSE:
            self._drawn = now
            self.draw()

    def draw(self) -> None:
        """Show it now: a live line on a terminal, otherwise a line for each target that is through."""
        if self.verbosity < 0:
            return
        progress = self.recorder.progress()
        if self.isatty:
            parts = [
                f"{one.target} {one.done}/{self.expected[one.target]}" + f" ({one.red} red)" * bool(one.red)
                for one in progress
            ]
            self.rewrite("  ".join(parts)[: self._tw.fullwidth - 1], erase=True)
            self.flush()
            self._live = True
            return
        for one in progress:
            if one.ended and one.done >= self.expected[one.target] and one.target not in self._through:
                self._through.add(one.target)
                self.write_line(text.one_line(self.recorder.run(one.target)))
                self.flush()

    def show_results(self, run: RunResults, catalogue: Catalogue, short: bool = False) -> None:
        """What is red, and the counts."""
        self.draw()
        if self._live:
            self._tw.line()
        for line in text.news(run) if short else (f"\n{one}" for one in text.failures(run, catalogue)):
            self._tw.line(line)
        self._tw.line()
        for line in [*text.faults(run), *text.table(run), ""]:
            self._tw.line(line)

    def conclude(self, problems: list[IpckError], status: int, out: Path) -> None:
        """What could not be written, where the report is, and what it all comes to."""
        for message in (message for problem in problems for message in problem.messages):
            self._tw.line(message, red=True)
        if (out / PAGE).exists():
            self._tw.line(f"report: {shown(out / PAGE)}")
        elif journal(out) == out and out.exists():
            self._tw.line(f"results: {shown(out)}")
        self._tw.line(text.closing(status), **{"green" if status == 0 else "red": True})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """With -v a line for each test."""
        if self.verbosity > 0 and (outcome := getattr(report, "ipck_outcome", "")):
            self.write_line(f"{report.nodeid} {outcome}")

    # What pytest's reporter says at these points is said above in better words, or of no use here.

    def pytest_runtest_logstart(self, nodeid: str, location: object) -> None:
        """Nothing."""

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Nothing."""

    def pytest_collection(self) -> None:
        """Nothing."""

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Nothing."""

    def report_collect(self, final: bool = False) -> None:
        """Nothing."""

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Only what the base class needs."""
        self._session = session

    @pytest.hookimpl(hookwrapper=True)
    def pytest_sessionfinish(self) -> Generator[None, None, None]:
        """Errors of collection, which nobody else reports."""
        yield
        self.summary_errors()
