"""This machine's kernel with the C libraries that are installed on it."""

from collections.abc import Callable

from .model import Target

TARGETS = (
    Target("host-glibc", "glibc", "this kernel, glibc"),
    Target("host-glibc-static", "glibc-static", "this kernel, glibc linked statically"),
    Target("host-musl", "musl", "this kernel, musl linked statically"),
    Target("host-i386", "i386", "this kernel, 32-bit glibc", interface="32-bit"),
    Target("host-clang", "clang", "this kernel, glibc, built with clang"),
)
KINDS: dict[str, Callable[[str], Target]] = {}
