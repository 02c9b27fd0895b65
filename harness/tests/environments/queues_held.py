"""queues_held.py COMMAND...: runs COMMAND as a user whose account for message queues (RLIMIT_MSGQUEUE) is used up."""

import ctypes
import os
import sys

LARGEST = 10, 8192  # fs.mqueue.msg_max and msgsize_max of a new IPC namespace


class Attr(ctypes.Structure):
    """struct mq_attr."""

    _fields_ = [(name, ctypes.c_long) for name in ("flags", "maxmsg", "msgsize", "curmsgs", *"abcd")]


def hold(messages: int, size: int) -> bool:
    """Whether there was room for one queue more, which lasts as long as its descriptor: over the exec."""
    libc = ctypes.CDLL(None, use_errno=True)
    queue = libc.mq_open(b"/held", os.O_CREAT | os.O_RDWR, 0o600, ctypes.byref(Attr(maxmsg=messages, msgsize=size)))
    if queue != -1:
        os.set_inheritable(queue, True)
        libc.mq_unlink(b"/held")
    return bool(queue != -1)


if __name__ == "__main__":
    for shape in (LARGEST, (1, 1024), (1, 1)):
        while hold(*shape):
            pass
    os.execvp(sys.argv[1], sys.argv[1:])
