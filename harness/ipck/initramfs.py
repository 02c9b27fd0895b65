"""A kernel's first file system: an archive in cpio's newc format (Documentation/driver-api/early-userspace)."""

import stat
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, or a folder when there is no content."""

    path: str  # without a leading slash, after the folders on the way
    content: bytes | None = None
    mode: int = 0o755


def archive(entries: Iterable[Entry]) -> bytes:
    """The archive of ENTRIES, the same bytes for the same entries. Archives may follow one another."""
    out = bytearray()
    for number, entry in enumerate(entries, 1):
        kind = stat.S_IFDIR if entry.content is None else stat.S_IFREG
        _append(out, number, entry.path, kind | entry.mode, entry.content or b"")
    _append(out, 0, "TRAILER!!!", 0, b"")
    return bytes(out)


def _append(out: bytearray, inode: int, path: str, mode: int, content: bytes) -> None:
    name = path.encode() + b"\0"
    # Inode, mode, uid, gid, links, time, size, two devices in two parts each, length of the name, checksum.
    fields = (inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
    out += b"070701" + b"".join(b"%08x" % field for field in fields)
    out += name + b"\0" * (-(110 + len(name)) % 4)
    out += content + b"\0" * (-len(content) % 4)
