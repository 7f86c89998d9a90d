"""The ledger: batches, leases and dead letters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from pipeline.core.batch import Batch
from pipeline.core.batches import BatchStatus, Lease, LoadCounts
from pipeline.core.decision import Decision, Opening
from pipeline.core.embeddings import EmbedManifest
from pipeline.core.records import DeadLetter, DeadReason
from pipeline.core.rollback_plan import RollbackPlan
from pipeline.core.verdicts import ActionOutcome, GateReport


class Ledger(Protocol):
    """Batches, leases and dead letters. Batches are read whole."""

    def prepare(self) -> None:
        """Create indexes and check the schema version; idempotent.

        Raises:
            ConfigurationError: The ledger has another schema version.
        """

    def open_batch(self, batch_id: str, *, source: str, size: int) -> Batch:
        """The batch, created when it is new."""

    def batch(self, batch_id: str) -> Batch | None:
        """The batch; None when the ledger has never seen it."""

    def find(self, prefix: str) -> Batch:
        """The one batch whose id starts with `prefix`.

        Raises:
            ConfigurationError: None does, or several do.
        """

    def recent(self, limit: int) -> Sequence[Batch]:
        """The newest batches, newest first."""

    def halted(self, limit: int, source: str | None = None) -> Sequence[Batch]:
        """Batches that are halted or inconsistent, of one file or all, the oldest first."""

    def unfinished_decisions(self) -> Sequence[Batch]:
        """Batches about which a person decided something that no command has finished, the oldest decision first."""

    def acquire(self, batch_id: str, holder: str, seconds: float) -> Lease:
        """Take the batch's lease.

        Raises:
            LeaseHeldError: Another holder's lease has not expired.
        """

    def renew(self, lease: Lease, seconds: float) -> None:
        """Extend the lease to `seconds` from now, by the ledger's clock.

        Raises:
            LeaseLostError: It is no longer ours.
        """

    def release(self, lease: Lease) -> None:
        """Give the lease back; nothing happens when it is no longer ours."""

    def start_step(self, lease: Lease, step: str) -> int:
        """Record the start of an attempt; its number, 1-based."""

    def end_step(self, lease: Lease, step: str, *, ok: bool, counts: Mapping[str, Any], error: str = "") -> None:
        """Record the end of the attempt."""

    def record_gate(self, lease: Lease, report: GateReport) -> None:
        """Record a gate's verdict, findings and action outcomes."""

    def record_action(self, lease: Lease, gate: str, run_id: str, outcome: ActionOutcome) -> None:
        """Record what became of an intent of this check; nothing happens when another check is recorded now."""

    def clear_steps(self, lease: Lease, steps: Sequence[str]) -> None:
        """Forget that these steps were done, so that the next run does them again."""

    def reopen_steps(self, lease: Lease, steps: Sequence[str]) -> None:
        """Have these steps done again, without forgetting what a person decided of them."""

    def decide(self, lease: Lease, decision: Decision, opening: Opening) -> None:
        """Record what a person decided, and what changes at once with it, in one write."""

    def finish_decision(self, lease: Lease) -> None:
        """Record that the decision is carried out."""

    def set_status(self, lease: Lease, status: BatchStatus, *, reason: str = "") -> None:
        """Set the batch's status; where it ends the batch's work, it finishes a decision too."""

    def set_counts(self, lease: Lease, counts: LoadCounts) -> None:
        """Record what became of the records."""

    def set_span(self, lease: Lease, oldest: datetime | None, newest: datetime | None) -> None:
        """Record the times of the first and the last of the batch's records; None when none could be read."""

    def set_embedding(self, lease: Lease, manifest: EmbedManifest) -> None:
        """Record the batch's latest embedding batch."""

    def begin_rollback(self, lease: Lease, plan: RollbackPlan) -> None:
        """Record what taking an embedding batch back is going to do, before it does."""

    def set_rolled_back(self, lease: Lease, plan: RollbackPlan) -> None:
        """Record that an embedding batch was taken back."""

    def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Keep dead letters, idempotent by batch and line."""

    def exhume(self, batch_id: str, lines: Sequence[int], reason: DeadReason) -> None:
        """Forget letters of these lines that were kept for this reason: their records are in the store now."""

    def complete(self, batch_id: str, lines: Sequence[int], into: str) -> None:
        """Write down that a newer batch brings these records whole, so that their letters wait for nobody."""

    def dead_letters(self, batch_id: str) -> Iterator[DeadLetter]:
        """Dead letters of a batch, by line."""
