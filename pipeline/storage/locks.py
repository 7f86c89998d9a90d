"""flock in three words: hold exclusively, hold shared, is it held.

The kernel lets go when the holder dies, by whatever signal; hence these locks, not process ids, say who lives.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import TracebackType

from expectations_plugins.core.errors import ConfigurationError

try:
    import fcntl
except ImportError as error:  # no flock, no ownership: better not to start than to leave servers behind
    raise ConfigurationError(
        "The local stack runs on Linux and macOS.", next_step="Set the URIs of your own servers instead."
    ) from error

POLL_SECONDS = 0.05


class FileLock:
    """A lock on a file, open for as long as the object holds it. Children do not inherit it."""

    def __init__(self, path: Path) -> None:
        self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def try_exclusive(self) -> bool:
        """Take it for us alone, now or not at all. A shared hold of ours is given up either way."""
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Take it together with others, now or not at all."""
        return self._try(fcntl.LOCK_SH)

    def await_exclusive(self, seconds: float) -> bool:
        """Take it for us alone; False when others still held it after so many seconds."""
        return self._await(fcntl.LOCK_EX, seconds)

    def await_shared(self, seconds: float) -> bool:
        """Take it together with others; False when someone still held it exclusively after so many seconds."""
        return self._await(fcntl.LOCK_SH, seconds)

    def release(self) -> None:
        """Let go, keeping the file open for another try."""
        if self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go for good."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _await(self, kind: int, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not self._try(kind):
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def _try(self, kind: int) -> bool:
        if self._descriptor is None:
            raise ValueError("the lock is closed")
        try:
            fcntl.flock(self._descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def is_held(path: Path) -> bool:
    """Whether some process holds the lock exclusively."""
    if not path.exists():
        return False
    with FileLock(path) as lock:
        return not lock.try_shared()
