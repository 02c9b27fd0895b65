"""Reads what a started program says, line by line, and gives it up when it hangs."""

import signal
import time
from collections.abc import Iterator
from threading import Event as Flag

from . import stream
from .process import Process

_POLL = 0.1
_TO_BE_STOPPED = 2.0


class Watch:
    """The lines of one process, from its start to its end; `why` then says what was wrong with how they ended."""

    def __init__(self, process: Process, scale: float, patience: float, stopped: Flag) -> None:
        """PATIENCE are the seconds for a line that brings the work forward; the caller may change them meanwhile.

        SCALE is how much slower than this machine everything may be, and STOPPED is set by who wants no more.
        """
        self.patience = patience
        self.why = ""
        self.torn = False
        """Whether the last line had no end."""
        self._process = process
        self._scale = scale
        self._stopped = stopped
        self._useful = self._alive = time.monotonic()

    def renew(self) -> None:
        """The line that was read last brought the work forward."""
        self._useful = time.monotonic()

    def lines(self) -> Iterator[bytes | None]:
        """Each line, None for one that is too long."""
        lines = stream.Lines()
        begun = False
        while (piece := self._process.read(_POLL)) is not None:
            yield from lines.feed(piece)
            now = time.monotonic()
            if piece:
                self._alive = now
                self._useful = self._useful if begun else now  # what the way to the first byte took is no patience
                begun = True
            if self._stopped.is_set():
                self.why = "the run was stopped"
                return
            if why := self._hangs(now, begun):
                self.why = why
                return
        self.torn = lines.rest() != b""

    def _hangs(self, now: float, begun: bool) -> str:
        process = self._process
        if (longest := process.heartbeat * self._scale) and now - self._alive > longest:
            if begun:
                return f"{process.what} gave no sign of life for {longest:g} s and was killed"
            return f"{process.what} did not start within {longest:g} s and was killed{process.advice}"
        if now - self._useful > self.patience and (begun or not process.heartbeat):
            besides = f", although {process.what} was alive," if process.heartbeat else ""
            return f"the program gave no usable line for {self.patience:g} s{besides} and was killed"
        return ""

    def end(self, complete: bool, left: stream.Left | None) -> str:
        """After the lines: waits for the process, and tells what is wrong with its end, if anything.

        COMPLETE: it has said its last line. LEFT: what the carrier of its lines said of its end.
        """
        if self.why:
            return self.why
        process = self._process
        how = process.finish()
        if process.status == -signal.SIGTERM and self._stopped.wait(_TO_BE_STOPPED):
            return "the run was stopped"  # by somebody who ends all processes of a job: us as well
        who = process.what
        if left:
            who, how = "the program", left.how or how
        if complete:
            return how and f"{who} {how} after its last line"
        return f"{who} {how or 'ended'} before its last line"
