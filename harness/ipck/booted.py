"""A kernel that was booted to run the test program: results on stdout, its console on stderr."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from .initramfs import Entry, archive
from .process import Process

_TROUBLE = re.compile(rb"Kernel panic|\bBUG: |\bOops\b|general protection fault|\bINFO: (?:rcu|task)", re.MULTILINE)
_TRACE = 8000

# A machine must not outlive a harness that was killed.
_DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")


class Booted(Process):
    """A booted kernel, from its start to its end."""

    what = "the kernel"
    heartbeat = 20.0  # harness/guest/init.c sends something every second
    kept = 1 << 18

    def __init__(self, argv: Sequence[str], initramfs: bytes) -> None:
        """ARGV starts the machine; {initramfs} in it stands for the path of a file that holds INITRAMFS."""
        file = os.memfd_create("ipck-initramfs")  # leaves nothing behind, whatever happens
        try:
            with os.fdopen(os.dup(file), "wb") as out:
                out.write(initramfs)
            words = (word.replace("{initramfs}", f"/proc/self/fd/{file}") for word in argv)
            super().__init__((*_DIES_WITH_US, *words), pass_fds=(file,))
        finally:
            os.close(file)

    def finish(self) -> str:
        """Wait for the machine's end, and tell what its console tells."""
        how = super().finish()
        return "panicked" if b"Kernel panic" in self._words else how

    def last_words(self) -> str:
        """The console from the first sign of trouble on, or its end."""
        console = self._words.replace(b"\r", b"")
        if trouble := _TROUBLE.search(console):
            begin = console.rfind(b"\n", 0, trouble.start()) + 1
            return console[begin:begin + _TRACE].decode("utf-8", "backslashreplace").strip()
        return console[-Process.kept:].decode("utf-8", "backslashreplace").strip()


def contents(
    program: bytes,
    init: bytes,
    arguments: Sequence[str],
    select: str,
    clients: Sequence[Path] = (),
    more: bytes = b"",
) -> bytes:
    """The first file system of a kernel that runs PROGRAM with ARGUMENTS and with SELECT as its standard input.

    INIT is the first process, CLIENTS are the programs that are to lie beside PROGRAM, MORE an archive that is laid
    over it all.
    """
    lines = "".join(f"{argument}\n" for argument in arguments)
    folders = [Entry(path) for path in ("dev", "proc", "sys", "tmp", "root", "ipck", "ipck/clients")]
    files = [
        Entry("init", init),
        Entry("ipck/ipck-tests", program),
        Entry("ipck/arguments", lines.encode(), 0o644),
        Entry("ipck/select", select.encode(), 0o644),
        *(Entry(f"ipck/clients/{client.name}", client.read_bytes()) for client in clients),
    ]
    return archive([*folders, *files]) + more
