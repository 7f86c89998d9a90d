"""The protocols between the runner and everything it uses; fakes in tests stand only here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pipeline.alerts.message import Alert, Delivery
from pipeline.model import (
    ActionOutcome,
    BatchSource,
    BatchStatus,
    BeforeImage,
    DeadLetter,
    Embedding,
    EmbedManifest,
    GateReport,
    GraphRecord,
    Interaction,
    Lease,
    LoadCounts,
    MetricRow,
    Quarantined,
    ReviewItem,
    VectorRow,
)
from pipeline.rollback_plan import RollbackPlan


class RawStore(Protocol):
    """Raw interactions (MongoDB). First writer wins: an interaction_id belongs to the batch that brought it first."""

    def prepare(self) -> None:
        """Create indexes; idempotent."""

    def insert(self, batch_id: str, records: Sequence[Interaction], received_at: datetime, *, fence: int) -> None:
        """Insert what is not there yet; ids that exist are left untouched, whoever brought them.

        Raises:
            LeaseLostError: The fence is not the batch's any more; so for every write that takes a fence or a lease.
        """

    def owners(self, interaction_ids: Sequence[str]) -> Mapping[str, tuple[str, int, str]]:
        """(batch_id, line, content_hash) of each id that is stored."""

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
        """Replace the batch's rows, unpublished, in one transaction; the interactions they add up to.

        Raises:
            TerminalError: That is something else than `expected`; nothing was changed.
        """

    def publish(self, batch_id: str, rows: Iterable[MetricRow], expected: int, *, fence: int) -> int:
        """Replace the rows and mark the batch published, in one transaction.

        Raises:
            TerminalError: The rows add up to something else than `expected` interactions.
        """


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


class VectorStore(Protocol):
    """Embeddings (Milvus)."""

    def prepare(self) -> None:
        """Create and load the collection; idempotent."""

    def upsert(self, rows: Sequence[VectorRow]) -> None:
        """Write vectors by interaction_id."""

    def present(self, embedding_batch_id: str, interaction_ids: Sequence[str]) -> Mapping[str, str]:
        """embedding_source of each of these ids that this embedding batch has written."""

    def owners(self, interaction_ids: Sequence[str]) -> Mapping[str, tuple[str, str]]:
        """(embedding_batch_id, embedding_source) of each of these ids that has a row now."""

    def rows(self, interaction_ids: Sequence[str]) -> Mapping[str, VectorRow]:
        """The rows of these ids as they are now, vectors and all."""

    def delete(self, interaction_ids: Sequence[str]) -> None:
        """Delete rows; an id that is not there is none the worse."""

    def some_of(self, embedding_batch_id: str, limit: int) -> Sequence[str]:
        """Ids whose row this embedding batch wrote last, some of them, in no order."""

    def count_of(self, embedding_batch_id: str) -> int:
        """How many rows this embedding batch wrote last."""

    def of_batch(self, batch_id: str) -> Iterator[str]:
        """Ids of the batch that have a row."""

    def strays(self, batch_id: str, writers: Mapping[str, int], limit: int) -> Sequence[str]:
        """Ids of the batch whose row is of none of these writers: fences, by embedding batch."""

    def fallbacks(self, batch_id: str) -> Sequence[str]:
        """Ids of the batch whose vector no model made, sorted."""


class VectorCollections(Protocol):
    """The collections of the vector store: one per embedding model, unless the settings name one."""

    @property
    def current(self) -> str:
        """The settings' one: new embedding batches go there; all others are where their manifest says."""

    def exists(self, name: str) -> bool:
        """Whether there is a collection of this name; none is created."""

    def open(self, name: str) -> VectorStore:
        """A collection, prepared. The settings' one is created when it does not exist; no other ever is.

        Raises:
            ConfigurationError: Another one does not exist.
        """


class UndoJournal(Protocol):
    """What vectors were before an embedding batch wrote over them; written first, so that it can be taken back."""

    def prepare(self) -> None:
        """Create indexes; idempotent."""

    def keep(self, lease: Lease, embedding_batch_id: str, images: Sequence[BeforeImage]) -> None:
        """Keep before-images; the first one of an id stays, so that a retry does not keep its own rows."""

    def images(self, embedding_batch_id: str, interaction_ids: Sequence[str]) -> Mapping[str, BeforeImage]:
        """Before-images of these ids."""

    def restorable(self, embedding_batch_id: str) -> Iterator[BeforeImage]:
        """Before-images that hold a row."""

    def counts(self, embedding_batch_id: str) -> tuple[int, int]:
        """(places that were empty, places that held a row)."""

    def later(self, embedding_batch_id: str) -> Sequence[str]:
        """Embedding batches that wrote over rows of this one and were not rolled back."""

    def rolled_back(self, embedding_batch_id: str) -> None:
        """Mark the embedding batch's images: they stand in nobody's way any more."""


class Embedder(Protocol):
    """Texts to vectors. Never raises for an API that is down: such texts get a fallback vector, marked."""

    @property
    def model(self) -> str:
        """Name of the real model."""

    def with_model(self, model: str) -> Embedder:
        """The same API, asked for another model's vectors."""

    def embed(self, texts: Sequence[str]) -> Sequence[Embedding]:
        """One embedding per text, in order."""


class Ledger(Protocol):
    """Batches, leases and dead letters."""

    def prepare(self) -> None:
        """Create indexes and check the schema version; idempotent.

        Raises:
            SchemaVersionError: The ledger is newer than this program, or too old to be used as it is.
        """

    def open_batch(self, batch_id: str, *, source: str, size: int) -> Mapping[str, Any]:
        """The batch's document, created when it is new."""

    def batch(self, batch_id: str) -> Mapping[str, Any] | None:
        """The batch's document."""

    def find(self, prefix: str) -> Mapping[str, Any]:
        """The one batch whose id starts with `prefix`.

        Raises:
            ConfigurationError: None does, or several do.
        """

    def recent(self, limit: int) -> Sequence[Mapping[str, Any]]:
        """The newest batches, newest first."""

    def halted(self, other_than: str) -> Mapping[str, Any] | None:
        """The batch that has been halted longest, this one aside; None when none is."""

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

    def set_status(self, lease: Lease, status: BatchStatus, *, reason: str = "", passed: str = "") -> None:
        """Set the batch's status, and in the same write that a person let it pass a gate, by its step's key."""

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

    def dead_letters(self, batch_id: str) -> Iterator[DeadLetter]:
        """Dead letters of a batch, by line."""


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
