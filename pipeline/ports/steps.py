"""What a run is made of: stages, gates, alarms, and where it shows its progress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pipeline.core.alert import Alert, Delivery
from pipeline.core.batches import BatchSource, Lease
from pipeline.core.verdicts import GateReport


class Gate(Protocol):
    """A checkpoint between stages."""

    @property
    def name(self) -> str:
        """The gate's name in the topology."""

    def check(self, batch_id: str, lease: Lease | None) -> GateReport:
        """Judge the batch. With a lease, the checkpoint's actions act; without one they only say what they would do.
        Never raises for bad data or an outage: those are FAIL and ERROR.
        """


class Alarms(Protocol):
    """Tells people, by whatever is configured. Never raises; each delivery's outcome is in the answer."""

    def raise_(self, alert: Alert) -> Sequence[Delivery]:
        """Send an alert, unless it was sent a short while ago."""

    def all_green(self, gate: str, keep: Sequence[str] = ()) -> Sequence[Delivery]:
        """Resolve the gate's open alerts, but for those with a dedup key in `keep`."""

    def decided(self, batch_id: str, gates: Sequence[str] | None = None) -> Sequence[Delivery]:
        """Resolve the open alerts of these gates, or all, that were told of this batch last: a person has decided."""


class Progress(Protocol):
    """What a run shows while it works."""

    def event(self, name: str, **fields: object) -> None:
        """Something happened."""

    def advance(self, step: str, done: int, total: int | None) -> None:
        """`done` of `total` records of a step are through."""


@dataclass(frozen=True, slots=True)
class BatchContext:
    """What a stage gets besides its stores.

    Args:
        source: The batch.
        lease: The run's lease on it.
        received_at: When the batch was first seen (UTC, aware).
        progress: Where to report progress.
    """

    source: BatchSource
    lease: Lease
    received_at: datetime
    progress: Progress

    @property
    def batch_id(self) -> str:
        """The batch's id."""
        return self.source.batch_id


class Stage(Protocol):
    """A step that moves data. Idempotent by key: running it again is how a batch is resumed."""

    @property
    def name(self) -> str:
        """The stage's name in the topology."""

    def run(self, context: BatchContext) -> Mapping[str, Any]:
        """Do the step for one batch; counts for the ledger, counted in the stores.

        Raises:
            TransientError: Worth another attempt.
            TerminalError: Not worth one.
            LeaseLostError: Another run took the batch over.
        """
