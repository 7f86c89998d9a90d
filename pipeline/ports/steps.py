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
    """Keeps incidents and notifies people of them, by whatever is configured. Never raises; each delivery's outcome is
    in the answer.
    """

    def raise_(self, alert: Alert) -> Sequence[Delivery]:
        """A batch shows a failure: it belongs to the incident of its kind."""

    def passed(self, gate: str, batch_id: str, keep: Sequence[str] = ()) -> Sequence[Delivery]:
        """A batch with checked records passed the gate, or shows only what has a dedup key in `keep`.

        It waits there no longer. What nobody has to decide about, a warning, is over.
        """

    def decided(self, batch_id: str, gates: Sequence[str] | None = None) -> Sequence[Delivery]:
        """The batch waits at these gates, or anywhere, no longer: a person has decided."""

    def recovered(self, key: str, why: str) -> Sequence[Delivery]:
        """The condition with this dedup key is over; no batch waits for it."""

    def batch_ended(self, batch_id: str, *, closed: bool) -> Sequence[Delivery]:
        """The ledger was reached, and the work on a batch has ended; what is owed is sent."""


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
