"""`python -m pipeline.local.supervisor HOME`: a small detached process that starts and watches the servers.

It follows the order in `wanted.json` and answers in `state.json`. Unless the order says persistent, it stops everything
as soon as it can take the in-use lock exclusively: then nobody uses the stack any more, even if the last user was
killed. It keeps that lock until it ends, so that a new user waits and then starts afresh.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from pipeline.local.children import Child, stop_all
from pipeline.local.credentials import load_or_create
from pipeline.local.layout import Layout
from pipeline.local.state import ServerState, StackState, Wanted, read_wanted, write_state
from pipeline.storage.locks import FileLock

POLL_SECONDS = 0.1
LOCK_SECONDS = 5.0


def main(arguments: list[str]) -> int:
    """Detach from the caller, then supervise until ordered to stop or left alone.

    Args:
        arguments: The home folder.
    """
    layout = Layout(Path(arguments[0]))
    alone = FileLock(layout.supervisor_lock)
    if not alone.await_exclusive(LOCK_SECONDS):
        return 0  # another one lives and follows the same orders
    # A fork shares the lock: when the caller sees this process end, the supervisor already holds it.
    if _detached():
        Supervisor(layout, FileLock(layout.use_lock)).run()
        # Only the end of the process lets go of the locks: who gets one knows that nothing of us is left.
        sys.stderr.flush()
        os._exit(0)
    return 0


class Supervisor:
    """Follows the orders for one home; the caller holds its lock."""

    def __init__(self, layout: Layout, in_use: FileLock) -> None:
        self._layout = layout
        self._in_use = in_use
        self._credentials = load_or_create(layout)
        self._children: dict[str, Child] = {}
        self._order = Wanted()
        self._published: StackState | None = None
        self._signalled = threading.Event()

    def run(self) -> None:
        """Start, watch, and at the end stop every server."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._signalled.set())
        try:
            while not self._has_to_end():
                self._follow(read_wanted(self._layout))
                self._publish()
                self._signalled.wait(POLL_SECONDS)
        finally:
            stop_all(self._children.values())
            self._layout.state.unlink(missing_ok=True)

    def _has_to_end(self) -> bool:
        if self._signalled.is_set() or read_wanted(self._layout).stop:
            return True
        if read_wanted(self._layout).persistent or not self._in_use.try_exclusive():
            return False
        # Whoever promotes the stack holds the lock shared while ordering it, so this second reading is the last word.
        if read_wanted(self._layout).persistent:
            self._in_use.release()
            return False
        return True

    def _follow(self, wanted: Wanted) -> None:
        if wanted.generation == self._order.generation:
            return
        self._order = wanted
        for name in wanted.names:
            if name not in self._children or self._children[name].record.state is ServerState.DIED:
                self._children[name] = Child(name, self._layout, self._credentials, wanted.start_seconds)

    def _publish(self) -> None:
        servers = {name: child.refresh() for name, child in self._children.items()}
        state = StackState(os.getpid(), self._order.generation, self._order.persistent, servers)
        if state != self._published:
            write_state(self._layout, state)
            self._published = state


def _detached() -> bool:
    """Fork into a session of our own; False in the process the caller waits for."""
    if os.fork():
        return False
    os.setsid()
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
