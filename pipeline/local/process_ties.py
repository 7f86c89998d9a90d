"""Ties a server's process to its supervisor's, so that no server outlives it, whatever killed it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

START_SECONDS = 300.0
"""How long a server that lives is waited for: on a busy machine five of them take minutes to import what they need."""

GRACE_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.5


def tie_to_parent(parent_pid: int) -> threading.Event:
    """Return an event that is set when this process has to stop: on SIGTERM, on SIGINT, or when the parent is gone.

    A process that has not ended within `GRACE_SECONDS` after that is ended hard. Call it first, in the main thread.

    Args:
        parent_pid: The process this one must not outlive.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    _ask_the_kernel()
    threading.Thread(target=_watch, args=(parent_pid, stop), name="parent-watch", daemon=True).start()
    return stop


def _ask_the_kernel() -> None:
    """On Linux the kernel sends SIGTERM at the parent's death, at once; elsewhere the watch below is all there is."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _watch(parent_pid: int, stop: threading.Event) -> None:
    while os.getppid() == parent_pid and not stop.wait(_POLL_SECONDS):
        pass
    stop.set()
    time.sleep(GRACE_SECONDS)
    os._exit(1)
