"""A program that runs on another machine, through one connection of ssh, and ends with that connection."""

import errno
import hashlib
import os
import selectors
import shlex
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from .process import Process, signal_name
from .records import clean

_SCRIPT = Path(__file__).with_name("ssh.sh")
_BOOT = """exec sh -c 'IFS= read -r script && eval "$(printf %b "$script")"'"""
"""What the login shell over there is asked to do, in words that mean the same to all of them."""
_ANSWER = b"ipck-ssh "
_PATIENCE = 60.0
_CHUNK = 1 << 16
_SSH_FAILED = 255  # ssh(1) EXIT STATUS; a shell gives 128 and the number for a signal
_SIGNAL = 128


class Remote(Process):
    """A program on another machine."""

    def __init__(
        self, ssh: Sequence[str], choose: Callable[[str], Path], arguments: Sequence[str], stdin: str
    ) -> None:
        """SSH is the command without that for the other side, CHOOSE gives the program for what uname -m says there.

        OSError, with what to do, when it does not come to a start.
        """
        self._host = ssh[-1]
        self._early = b""  # came together with an answer
        reading, self._writing = os.pipe()  # nobody else holds this end, so it closes whatever happens to us
        os.set_blocking(self._writing, False)
        try:
            super().__init__((*ssh, _BOOT), reading)
        finally:
            os.close(reading)
        try:
            self._begin(choose, arguments, stdin)
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *what: object) -> None:
        os.close(self._writing)
        super().__exit__(*what)

    def read(self, timeout: float) -> bytes | None:
        """The next piece of the program's stdout."""
        if self._early:
            piece, self._early = self._early, b""
            return piece
        return super().read(timeout)

    def finish(self) -> str:
        """Tell how the program ended, or the connection before it."""
        how = super().finish()
        status = self.status
        if status is None or status < 0 or status == _SSH_FAILED:
            self.what = f"the connection to {self._host}"
            return "broke" if status == _SSH_FAILED else f"broke: ssh {how}"
        return f"was killed by {signal_name(status - _SIGNAL)}" if status > _SIGNAL else how

    def _begin(self, choose: Callable[[str], Path], arguments: Sequence[str], stdin: str) -> None:
        """Talk with the script over there until the program runs."""
        self._send(_one_line(_SCRIPT.read_text(encoding="utf-8")))
        program = choose(self._answer()[1]).read_bytes()
        about = f"{hashlib.sha256(program).hexdigest()} {len(program)} "
        self._send(about.encode() + _one_line(shlex.join(arguments)))
        if self._answer()[0] == "send":
            self._send(program)
            self._answer()
        self._send(f"{stdin}.\n".encode())

    def _send(self, data: bytes) -> None:
        """Write DATA. When the other side has gone, that shows in what it answers."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._writing, selectors.EVENT_WRITE)
            while data:
                if not selector.select(_PATIENCE):
                    raise self._failure(f"it took nothing for {_PATIENCE:g} s")
                try:
                    data = data[os.write(self._writing, data[:_CHUNK]):]
                except BrokenPipeError:
                    return

    def _answer(self) -> list[str]:
        """The next answer of the script, in words; what shells and their start-up files say besides is passed over."""
        until = time.monotonic() + _PATIENCE
        while True:
            line, newline, self._early = self._early.partition(b"\n")
            if newline and line.startswith(_ANSWER):
                words = line[len(_ANSWER):].decode("utf-8", "backslashreplace").split(" ", 1)
                if words[0] == "cannot":
                    raise self._failure(f"no place for the program: {words[1]}")
                return words
            if newline:
                continue
            self._early = line
            piece = super().read(0.1)
            if piece is None:
                raise self._failure(self._why_gone())
            if not piece and time.monotonic() > until:
                raise self._failure(f"it gave no answer within {_PATIENCE:g} s")
            self._early += piece

    def _why_gone(self) -> str:
        how = self.finish()
        said = clean(self.last_words()) or how or "it ended"
        if self.status == _SSH_FAILED:
            return f"{said}: ssh {self._host} true must work without a question"
        return f"the shell there cannot start the program: {said}"

    def _failure(self, reason: str) -> OSError:
        return OSError(errno.ECONNABORTED, f"{self._host}: {reason}")


def _one_line(text: str) -> bytes:
    """TEXT as a line that printf %b makes TEXT of."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").encode() + b"\n"
