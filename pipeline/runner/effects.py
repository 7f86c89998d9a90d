"""What carrying a person's decision out changes in the stores; doing any of it again changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.core.batch import Tombstone
from pipeline.core.batches import Lease
from pipeline.core.decision import Decision
from pipeline.core.fields import INTERACTION_ID
from pipeline.core.records import Quarantined
from pipeline.core.rollback_plan import RollbackPlan
from pipeline.ports.steps import BatchContext
from pipeline.stages.supersede import Leased

PERSON, REJECTED = "person", "rejected"
"""The gate, and how the reason starts, of the marks of a batch that a person gave up."""

AT_ONCE = 500


class MarksRecords(Protocol):
    """The part of a raw store that decisions need."""

    def quarantined(self, batch_id: str | None, limit: int) -> Sequence[Quarantined]:
        """Records in quarantine, newest mark first."""

    def release(self, lease: Lease, interaction_id: str, changes: Mapping[str, Any], *, note: str, run_id: str) -> bool:
        """Set fields of a record in quarantine and lift its mark; whether it was there."""


class Drops(Protocol):
    """The part of the dead-letter queue that decisions need."""

    def drop_batch(self, lease: Lease, tombstone: Tombstone) -> None:
        """Write down that a dead batch was dropped; the first tombstone stays."""

    def drop_letters(self, batch_id: str, lines: Sequence[int] | None, tombstone: Tombstone) -> int:
        """Remove the content of dead records."""


class RollsBack(Protocol):
    """Takes an embedding batch back."""

    def perform(self, lease: Lease, batch_id: str, embedding_batch_id: str, collection: str = "") -> RollbackPlan:
        """Remove what the embedding batch wrote, and put back what it replaced."""


class TakesOver(Protocol):
    """Gives a batch the records that it brings again of older ones."""

    def perform(self, context: BatchContext, older: Sequence[str], leased: Leased, *, by: str) -> None:
        """Do it; doing it again goes on."""


@dataclass(frozen=True, slots=True)
class DecisionEffects:
    """What decisions act on; each is opened when it is first needed.

    Args:
        raw_store: Where records are marked.
        dead_queue: Where dead batches are dropped.
        rollback: Takes embedding batches back.
        supersede: Gives a batch the records of older ones.
    """

    raw_store: Callable[[], MarksRecords]
    dead_queue: Callable[[], Drops]
    rollback: Callable[[], RollsBack]
    supersede: Callable[[], TakesOver]

    def release(self, lease: Lease, decision: Decision) -> None:
        """Lift the mark of a record, with repaired values."""
        data = decision.data
        run_id = f"release-{lease.fence}"
        key, changes = str(data[INTERACTION_ID]), dict(data.get("changes") or {})
        self.raw_store().release(lease, key, changes, note=decision.note, run_id=run_id)

    def rejected(self, batch_id: str) -> Sequence[Quarantined]:
        """Some of the records that are marked because a person gave the batch up; none when there are no more."""
        marked = self.raw_store().quarantined(batch_id, AT_ONCE)  # those marks are the batch's newest
        return [one for one in marked if one.gate == PERSON and one.reason.startswith(REJECTED)]

    def lift_rejection(self, lease: Lease) -> None:
        """Lift the marks that giving the batch up set."""
        while marked := self.rejected(lease.batch_id):
            for one in marked:
                run_id = f"replay-{lease.fence}"
                self.raw_store().release(lease, one.interaction_id, {}, note="replayed", run_id=run_id)

    def roll_back(self, lease: Lease, decision: Decision) -> None:
        """Take the embedding batch back that the decision names."""
        data = decision.data
        name, collection = str(data["embedding_batch_id"]), str(data.get("collection") or "")
        self.rollback().perform(lease, lease.batch_id, name, collection)

    def drop(self, lease: Lease, tombstone: Tombstone) -> None:
        """Remove the content of the batch's dead records, and write down who dropped it."""
        self.dead_queue().drop_batch(lease, tombstone)
        self.dead_queue().drop_letters(lease.batch_id, None, tombstone)
