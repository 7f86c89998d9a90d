"""What a run says of one step while it does it: that it started, and how and when it ended."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from pipeline.core.outcome import StepOutcome


class Tells(Protocol):
    """Reports an event of a batch."""

    def __call__(self, name: str, **fields: object) -> None:
        """Something happened."""


class StepLog:
    """One step; that it started is told when this is made.

    Args:
        tell: Where to report.
        key: `stage:load`, `gate:raw`.
    """

    def __init__(self, tell: Tells, key: str) -> None:
        self._tell = tell
        self._key = key
        self._start = datetime.now(UTC)
        self._clock = time.perf_counter()
        tell("step_started", step=key, start_time=self._start.isoformat())

    def ended(self, *, ok: bool, attempts: int, counts: Mapping[str, Any], reason: str = "") -> StepOutcome:
        """Tell that the step is over.

        Args:
            ok: Whether the batch can go on after it.
            attempts: How often this run tried it.
            counts: What the stage counted; of a gate its verdict.
            reason: Why the batch cannot go on; "" when it can.
        """
        outcome = StepOutcome(
            key=self._key,
            ok=ok,
            start_time=self._start,
            end_time=datetime.now(UTC),
            duration_s=self._duration_s(),
            attempts=attempts,
            counts=counts,
        )
        self._tell(
            "step_ended",
            step=self._key,
            ok=ok,
            start_time=self._start.isoformat(),
            end_time=outcome.end_time.isoformat(),
            duration_s=outcome.duration_s,
            attempts=attempts,
            **({"reason": reason} if reason else {}),
            **counts,
        )
        return outcome

    def stopped(self, attempts: int) -> None:
        """Tell that the work on the step was broken off: a signal, a lost lease, a ledger that is down, a setting."""
        self._tell(
            "step_stopped",
            step=self._key,
            start_time=self._start.isoformat(),
            end_time=datetime.now(UTC).isoformat(),
            duration_s=self._duration_s(),
            attempts=attempts,
        )

    def _duration_s(self) -> float:
        return round(time.perf_counter() - self._clock, 3)
