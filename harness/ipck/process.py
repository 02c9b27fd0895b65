"""A child program whose output is read through pipes and which never outlives its reader."""

import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from typing import IO

from .tree import ROOT

_CHUNK = 1 << 16
_MOST_PIECES = 4096
_TO_EXIT = 5.0
_TO_CLEAN_UP = 2.0


class Process:
    """A running program. Use as a context manager: at the end it and its process group are gone."""

    what = "the program"
    """Who it is that ends or falls silent."""
    heartbeat = 0.0
    """Seconds, before any time scale, in which something must come from a thing that lives; 0 where nothing need."""
    advice = ""
    """What to do, after the words that it did not start."""
    kept = 4096
    """How many bytes of stderr are remembered."""

    def __init__(self, argv: Sequence[str], stdin: str | int = "", pass_fds: Sequence[int] = ()) -> None:
        """STDIN is what the program is to read, or the descriptor that it is to read from."""
        with tempfile.TemporaryFile() as source:  # a file never blocks the writer, whatever the program reads
            if isinstance(stdin, str):
                source.write(stdin.encode())
                source.seek(0)
            self._process = subprocess.Popen(
                argv,
                cwd=ROOT,
                stdin=source if isinstance(stdin, str) else stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                pass_fds=pass_fds,
            )
        self._selector = selectors.DefaultSelector()
        self._stdout, self._stderr = self._watch(self._process.stdout), self._watch(self._process.stderr)
        self._words = b""

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._selector.close()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()

    def read(self, timeout: float) -> bytes | None:
        """The next piece of stdout, empty when none came within TIMEOUT seconds, None at the end.

        The end is when the program closed its stdout, or is gone and nothing more is to be read: a child that it left
        behind may hold the pipe open for ever.
        """
        gone = self._gone()
        ready = [key.fd for key, _ in self._selector.select(0 if gone else timeout)]
        if self._stderr in ready:
            self._words = (self._words + self._take(self._stderr))[-self.kept:]
        if self._stdout in ready:
            return self._take(self._stdout) or None
        return None if gone and not ready else b""

    def finish(self) -> str:
        """Wait for the end of a program that has said all, and tell how it ended: '' for exit statuses 0 to 2."""
        if not self._wait(_TO_EXIT):
            return "closed its output and did not end"
        self.kill()
        for _ in range(_MOST_PIECES):  # not for ever: a child that left the group may go on writing
            if self.read(0) is None:
                break
        status = self._process.returncode
        if status < 0:
            return f"was killed by {signal_name(-status)}"
        return f"exited with status {status}" if status > 2 else ""

    @property
    def status(self) -> int | None:
        """After finish(): the exit status, the negative number of the signal that killed it, None if it goes on."""
        return self._process.returncode

    def last_words(self) -> str:
        """The end of what the program said on stderr."""
        return self._words.decode("utf-8", "backslashreplace").strip()

    def kill(self) -> None:
        """End the program, first with the chance to clean up, and whatever it left behind in its process group."""
        if self._process.returncode is not None:
            return
        if not self._gone():
            self._signal(signal.SIGTERM)
            self._wait(_TO_CLEAN_UP)
        self._signal(signal.SIGKILL)  # not reaped yet, so the group's number cannot be somebody else's
        self._process.wait()

    def _gone(self) -> bool:
        """Whether the program has ended; it stays a zombie."""
        if self._process.returncode is not None:
            return True
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _wait(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        pause = 0.0005
        while not self._gone():
            if time.monotonic() > until:
                return False
            time.sleep(pause)
            pause = min(2 * pause, 0.05)
        return True

    def _watch(self, pipe: IO[bytes] | None) -> int:
        assert pipe
        self._selector.register(pipe.fileno(), selectors.EVENT_READ)
        return pipe.fileno()

    def _take(self, descriptor: int) -> bytes:
        piece = os.read(descriptor, _CHUNK)
        if not piece:
            self._selector.unregister(descriptor)
        return piece

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            pass


def signal_name(number: int) -> str:
    """SIGKILL for 9."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
