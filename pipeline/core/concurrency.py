"""Calls side by side, none of which can hold up its caller or the others for longer than a given time."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")


def side_by_side(calls: Mapping[str, Callable[[], T]], until: float) -> Mapping[str, T]:
    """Make all calls at once, and give what those returned that were through in time.

    A call that hangs is left to itself, in a thread that does not keep the process alive: no client can be trusted to
    time out against a server that sends a byte now and then. A call that raises gives nothing either.

    Args:
        calls: By name.
        until: When it is over for all of them, as `time.monotonic()` counts.
    """
    threads = {name: _Call(name, call) for name, call in calls.items()}
    for thread in threads.values():
        thread.start()
    for thread in threads.values():
        thread.join(max(0.0, until - time.monotonic()))
    return {name: thread.returned[0] for name, thread in threads.items() if thread.returned}


class _Call(threading.Thread, Generic[T]):
    def __init__(self, name: str, call: Callable[[], T]) -> None:
        super().__init__(name=f"alert-{name}", daemon=True)
        self._call = call
        self.returned: list[T] = []

    def run(self) -> None:
        """Make the call."""
        with contextlib.suppress(Exception):  # the caller sees that nothing came back; a traceback may hold a secret
            self.returned.append(self._call())
