"""`TelemetryProgress`: what a run reports goes to whoever shows it, as before, and to the listeners."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict

from pipeline.core.concurrency import side_by_side
from pipeline.ports.health import Standing
from pipeline.ports.steps import Progress
from pipeline.telemetry.event_dispatch import Happened, Listener, Listening

STANDING = "standing"
"""The event that tells listeners, last of all, how the pipeline stands according to the ledger."""


class TelemetryProgress(Progress):
    """Passes progress on. What goes wrong with a listener is told once, as an event, to whoever shows events.

    Args:
        shown: Where reports go first.
        listeners: Who hears of events too.
        timeout: Seconds the end of a run may wait for all listeners together.
    """

    def __init__(self, shown: Progress, listeners: Iterable[Listener], *, timeout: float) -> None:
        self._shown = shown
        self._listening = [Listening(listener) for listener in listeners]
        self._timeout = timeout
        self._told: set[str] = set()

    def event(self, name: str, **fields: object) -> None:
        """Something happened."""
        self._shown.event(name, **fields)
        self._put(Happened(name, fields))
        self._tell()

    def advance(self, step: str, done: int, total: int | None) -> None:
        """`done` of `total` records of a step are through; listeners do not hear of it."""
        self._shown.advance(step, done, total)

    def finish(self, standing: Callable[[], Standing | None]) -> None:
        """Let the listeners deliver what is left, all together within the timeout.

        Args:
            standing: Asks the ledger how the pipeline stands; None when it was not used, and raises when it is down.
        """
        if not self._listening:
            return
        until = time.monotonic() + self._timeout
        # half of the time at most: counts that are delivered late are better than none
        self._put(Happened(STANDING, asked(standing, self._timeout / 2)))
        for one in self._listening:
            one.close()
        for one in self._listening:
            one.join(until)
        self._tell()

    def _put(self, happened: Happened) -> None:
        for one in self._listening:
            one.put(happened)

    def _tell(self) -> None:
        for one in self._listening:
            if one.name not in self._told and (problem := one.problem()):
                self._told.add(one.name)
                self._shown.event("telemetry_failed", listener=one.name, error=problem)


def asked(standing: Callable[[], Standing | None], seconds: float) -> Mapping[str, object]:
    """How the pipeline stands, as the fields of an event; that the ledger is down when it does not answer in time.

    Args:
        standing: Asks the ledger; None when it was not used, and raises when it is down.
        seconds: How long to wait.
    """
    answers = side_by_side({STANDING: standing}, time.monotonic() + seconds)
    if STANDING not in answers:
        return {"ledger_up": False}
    found = answers[STANDING]
    return {} if found is None else {"ledger_up": True, **asdict(found)}
