"""Raw records, metrics, the graph and its review queue: what stages and gates ask of these stores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pipeline.core.batches import Lease
from pipeline.core.locator import Locator
from pipeline.core.records import GraphRecord, Interaction, MetricRow, Quarantined, ReviewItem


class RawStore(Protocol):
    """Raw interactions (MongoDB). First writer wins: an interaction_id belongs to the batch that brought it first."""

    def prepare(self) -> None:
        """Create indexes; idempotent."""

    def insert(self, batch_id: str, records: Sequence[Interaction], received_at: datetime, *, fence: int) -> None:
        """Insert what is not there yet; ids that exist are left untouched, whoever brought them.

        Raises:
            LeaseLostError: The fence is not the batch's any more; so for every write that takes a fence or a lease.
        """

    def owners(self, interaction_ids: Sequence[str]) -> Mapping[str, tuple[str, Locator, str]]:
        """(batch_id, place, content_hash) of each id that is stored."""

    def stored(self, interaction_ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """What is stored of each of these ids, as plain data."""

    def take_over(self, lease: Lease, batch_id: str, records: Sequence[Interaction], received_at: datetime) -> None:
        """Give records of the lease's batch to another batch, with the values of these, in one transaction.

        What does not belong to the lease's batch is left untouched.
        """

    def ids(self, batch_id: str) -> Iterator[str]:
        """The interaction_ids of a batch, in quarantine or not, in order."""

    def counts(self, batch_id: str) -> tuple[int, int]:
        """(accepted, quarantined) of a batch, counted in the store."""

    def quarantine(
        self, batch_id: str, condition: Mapping[str, Any], *, gate: str, reason: str, run_id: str, fence: int
    ) -> int:
        """Mark every record of the batch that meets a compiled condition (an aggregation expression).

        Returns:
            How many records of the batch are marked now.
        """

    def quarantined(self, batch_id: str | None, limit: int) -> Sequence[Quarantined]:
        """Records in quarantine, of one batch or of all, newest mark first."""

    def quarantined_ids(self, batch_id: str) -> Iterator[str]:
        """Ids of the batch's records in quarantine, in no order."""

    def in_quarantine(self, interaction_id: str) -> Quarantined | None:
        """One record in quarantine; None when it is not there."""

    def release(self, lease: Lease, interaction_id: str, changes: Mapping[str, Any], *, note: str, run_id: str) -> bool:
        """Set fields of a record in quarantine and lift its mark, both kept as history; False when it is not there."""

    def metrics(self, batch_id: str, *, include_quarantined: bool) -> Iterator[MetricRow]:
        """The batch's metrics, grouped in the store."""

    def graph_records(self, batch_id: str) -> Iterator[GraphRecord]:
        """Accepted records, by interaction_id."""

    def messages(self, batch_id: str) -> Iterator[tuple[str, str]]:
        """(interaction_id, message) of accepted records that have a message, by interaction_id."""


class MetricsStore(Protocol):
    """Aggregated metrics (BigQuery)."""

    def prepare(self) -> None:
        """Create dataset, tables and view; idempotent."""

    def replace(self, batch_id: str, rows: Iterable[MetricRow], expected: int, *, fence: int) -> int:
        """Write rows in place of the batch's, unpublished, whole or not at all; the interactions they add up to.

        Raises:
            TerminalError: That is something else than `expected`; nothing was changed.
        """

    def publish(self, batch_id: str, rows: Iterable[MetricRow], expected: int, *, fence: int) -> int:
        """Write rows in place of the batch's and mark it published, whole or not at all.

        Raises:
            TerminalError: The rows add up to something else than `expected` interactions.
        """

    def published(self, batch_id: str) -> Sequence[MetricRow]:
        """The rows of the batch that analysts see; none when it is not published."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """What is kept of the metrics store and counts no more.

    Args:
        rows: Rows of revisions that are not the current one of their batch.
        publications: Publications that are not the current one of their batch.
    """

    rows: int
    publications: int


class MetricsCollector(Protocol):
    """Deletes superseded metrics (BigQuery); what counts is never touched."""

    def count(self, before: datetime) -> Superseded:
        """What is superseded and was written before a time."""

    def collect(self, before: datetime) -> Superseded:
        """Delete it; what was deleted."""


class GraphStore(Protocol):
    """Users, interactions and campaigns (Neo4j)."""

    def prepare(self) -> None:
        """Create constraints and indexes; idempotent."""

    def write(self, batch_id: str, records: Sequence[GraphRecord], *, fence: int) -> None:
        """Merge users and interactions and link them to campaigns that exist; never creates a campaign."""

    def load_campaigns(self, campaigns: Sequence[Mapping[str, Any]]) -> None:
        """Merge catalogue entries by campaign_id."""

    def count(self, batch_id: str) -> int:
        """Interactions of the batch."""

    def prune(self, batch_id: str, *, fence: int) -> None:
        """Delete the batch's interactions that were last written under an older fence; users and campaigns stay."""


class ReviewQueue(Protocol):
    """Orphaned interactions that wait for a person, or for the campaign they refer to (Neo4j)."""

    def flag(self, batch_id: str, *, gate: str, run_id: str, fence: int) -> int:
        """Flag every orphan of the batch; how many of it are flagged now."""

    def list(self, limit: int, batch_id: str | None = None) -> Sequence[ReviewItem]:
        """What waits for a person, newest first, of one batch or of all."""

    def waiting(self, limit: int) -> int:
        """How many wait for a person; counted up to `limit`."""

    def show(self, interaction_id: str) -> ReviewItem | None:
        """One interaction that is or was in the queue; None when it never was."""

    def resolve(self, interaction_id: str, note: str) -> bool:
        """A person looked: it is flagged no more, also not by a later check. False when it was not open."""

    def reopen(self, interaction_id: str, note: str) -> bool:
        """What was resolved waits for a person again. False when it was not resolved."""

    def counts(self, batch_id: str | None = None) -> Mapping[str, int]:
        """How many interactions are in each state, of one batch or of all."""
