"""A listener behind a queue and a thread of its own: whoever reports to it never waits, and never gets its errors."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from expectations_plugins.core.errors import SluicegateError
from expectations_plugins.core.redaction import hidden

MOST_WAITING = 10_000
"""Events that may wait for a listener; what comes after is lost, and counted."""


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of a run.

    Args:
        name, fields: As it was reported.
        at: When, in nanoseconds since the epoch.
    """

    name: str
    fields: Mapping[str, object] = field(default_factory=dict)
    at: int = field(default_factory=time.time_ns)

    def text(self, name: str) -> str:
        """A field as text; "" when it is not there."""
        value = self.fields.get(name)
        return "" if value is None else str(value)

    def number(self, name: str) -> float | None:
        """A field as a number; None when it is none."""
        value = self.fields.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


class Listener(Protocol):
    """Turns events into what one kind of receiver reads. Called from one thread; may raise and may take its time."""

    name: str
    """How people know it."""

    def hear(self, happened: Happened) -> None:
        """An event happened."""

    def close(self) -> None:
        """Deliver what is left."""


class Listening:
    """Hands events to a listener, in order, and keeps what goes wrong to be told.

    Args:
        listener: The listener; it is closed in its thread too.
        most: Events that may wait.
    """

    def __init__(self, listener: Listener, *, most: int = MOST_WAITING) -> None:
        self._listener = listener
        self._queue: queue.SimpleQueue[Happened | None] = queue.SimpleQueue()
        self._most = most
        self._lost = 0
        self._problem = ""
        # it does not keep the process alive: no client can be trusted to give up in time
        self._thread = threading.Thread(target=self._listen, name=f"telemetry-{listener.name}", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        """The listener's name."""
        return self._listener.name

    def put(self, happened: Happened) -> None:
        """Hand an event over; never waits."""
        if self._queue.qsize() < self._most:
            self._queue.put(happened)
        else:
            self._lost += 1

    def close(self) -> None:
        """Let the listener deliver what is left; does not wait for it."""
        self._queue.put(None)

    def join(self, until: float) -> None:
        """Wait for the listener.

        Args:
            until: When that is over, as `time.monotonic()` counts, whatever it has not delivered.
        """
        self._thread.join(max(0.0, until - time.monotonic()))
        if self._thread.is_alive():
            self._lost += self._queue.qsize()
            self._keep("it was not done in time")

    def problem(self) -> str:
        """The first thing that went wrong, and how many events were lost by now; "" when nothing did."""
        lost = f" {self._lost:,} events were not delivered." if self._lost else ""
        return f"{self._problem or 'it is slower than the run'}.{lost}" if self._problem or lost else ""

    def _listen(self) -> None:
        while (happened := self._queue.get()) is not None:
            self._try(happened)
        self._try(None)

    def _try(self, happened: Happened | None) -> None:
        try:
            if happened is None:
                self._listener.close()
            else:
                self._listener.hear(happened)
        except Exception as error:  # noqa: BLE001 - whatever a listener trips over says nothing of the batch
            known = isinstance(error, SluicegateError)
            self._keep(str(error) if known else f"{type(error).__name__}: {error}")

    def _keep(self, problem: str) -> None:
        self._problem = self._problem or hidden(problem).rstrip(".")
