"""Programs that stand between the tests and the kernel: tracers, sandboxes, whatever takes a command to run."""

from collections.abc import Callable

from .model import Need, Target

TARGETS = (
    Target(
        "strace",
        "glibc",
        "this kernel under strace -f",
        prefix=("strace", "-f", "-qq", "-o", "/dev/null"),
        time_scale=10.0,
        system="strace",
        kind="tracers",
        needs=(Need("strace", "strace"),),
    ),
)
KINDS: dict[str, Callable[[str], Target]] = {}
