"""How fast requests may start, and when to stop asking: a rate limit and a circuit breaker."""

from __future__ import annotations

import threading
import time


class RateLimit:
    """Spaces out the starts of requests; shared by threads.

    Args:
        per_second: Requests started per second at most.
    """

    def __init__(self, per_second: float) -> None:
        self._interval = 1.0 / per_second
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when a request may start."""
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next)
            self._next = start + self._interval
        time.sleep(max(0.0, start - now))


class CircuitBreaker:
    """Opens after several requests in a row failed for good, so that an API that is down is not asked all day.

    Args:
        threshold: Failures in a row that open it.
    """

    def __init__(self, threshold: int) -> None:
        self._threshold = threshold
        self._failures = 0
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Whether requests are pointless."""
        return self._failures >= self._threshold

    def succeeded(self) -> None:
        """A request was answered."""
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        """A request failed with all its retries."""
        with self._lock:
            self._failures += 1
