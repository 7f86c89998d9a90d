"""What a trace is made of: one frozen value for each thing a store knows of a record. Nothing here touches a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from pipeline.core.locator import Locator
from pipeline.core.records import DeadReason, MetricRow, ReviewItem

T = TypeVar("T")

MOST_COUNTED = 10_000
"""Neighbours in the graph are counted up to here; one more says that there are more."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What a store said, or why it said nothing.

    Args:
        value: What it knows; None when it knows nothing, or was not asked, or could not answer.
        problem: Why it could not answer, and what to do; "" when it did.
        why_none: Why there is nothing, in words; "" when that needs no words.
        outage: Of a problem: whether the store may answer later.
    """

    value: T | None = None
    problem: str = ""
    why_none: str = ""
    outage: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A record's mark of quarantine: which gate set it, why, in which check and when."""

    gate: str
    reason: str
    run_id: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """A mark that was lifted.

    Args:
        mark: The mark.
        at: When it was lifted.
        note, run_id: Why, and in which command.
        before: The values that were changed, as they were before.
    """

    mark: Mark
    at: datetime | None = None
    note: str = ""
    run_id: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RawRecord:
    """The record in MongoDB.

    Args:
        batch_id, at: The batch that brought it first, and where in its file.
        received_at: When that batch was first seen.
        fields: What it holds, without what is ours.
        quarantine: Its mark; None when it is accepted.
        releases: Marks that were lifted, oldest first.
    """

    batch_id: str
    at: Locator
    received_at: datetime | None
    fields: Mapping[str, Any]
    quarantine: Mark | None = None
    releases: tuple[Release, ...] = ()

    @property
    def has_message(self) -> bool:
        """Whether there is something to embed."""
        return isinstance(self.fields.get("message"), str)


@dataclass(frozen=True, slots=True)
class DeadRecord:
    """A dead letter of the same id: another record that could not be loaded.

    Args:
        batch_id, at: Where it was.
        reason, detail: Why it died; the detail is gone when it was dropped.
        state: `waiting`, `replayed` or `dropped`.
        buried_at: When it was first found dead.
        replayed_in: Batches it was replayed in.
    """

    batch_id: str
    at: Locator
    reason: DeadReason
    detail: str
    state: str
    buried_at: datetime | None = None
    replayed_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record counts in the metrics: its batch, campaign, type and 10-minute window."""

    batch_id: str
    campaign_id: str | None
    type: str | None
    window_start: datetime | None


@dataclass(frozen=True, slots=True)
class MetricsSeen:
    """What BigQuery holds at a record's place.

    Args:
        rows: Metrics rows there; more than one is a fault.
        published_at: When the batch was published; None while analysts do not see it.
        published: Interactions it was published with.
    """

    rows: tuple[MetricRow, ...]
    published_at: datetime | None = None
    published: int | None = None


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The record in the graph, and what is next to it.

    Args:
        batch_id, campaign_id, type, timestamp: Its properties.
        users: Users it is linked to; one, unless something is wrong.
        linked_to: Campaigns it is linked to, whether the catalogue knows them or not.
        in_catalogue: Whether one of them is the catalogue's: otherwise it is an orphan.
        campaign_exists: Whether the catalogue has a campaign of its campaign_id.
        of_user, of_campaign: Other interactions of its user and of its campaign, counted up to `MOST_COUNTED` + 1.
        review: Its place in the review queue; None when it was never there.
    """

    batch_id: str
    campaign_id: str | None
    type: str | None
    timestamp: datetime | None
    users: tuple[str, ...]
    linked_to: tuple[str, ...]
    in_catalogue: bool
    campaign_exists: bool
    of_user: int
    of_campaign: int
    review: ReviewItem | None = None


@dataclass(frozen=True, slots=True)
class VectorSeen:
    """The record's vector, without its components.

    Args:
        batch_id, embedding_batch_id, embedding_source, fence: As its row says.
        dimension: How many components it has.
        norm: Its Euclidean length; not finite when a component is not.
        collection: Where it is.
    """

    batch_id: str
    embedding_batch_id: str
    embedding_source: str
    fence: int
    dimension: int
    norm: float
    collection: str = ""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A record whose vector is near.

    Args:
        interaction_id: The record.
        similarity: Cosine of the angle between the two vectors, at most 1.
        message: Its text; "" when it could not be read.
    """

    interaction_id: str
    similarity: float
    message: str = ""


@dataclass(frozen=True, slots=True)
class StepSeen:
    """A step of the batch: its name, state, tries, start and end."""

    name: str
    kind: str
    status: str
    attempts: int
    start_time: datetime | None = None
    end_time: datetime | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class FindingSeen:
    """What a gate found, and whether it says so of this record.

    Args:
        expectation, severity, summary: The finding.
        column: The field it is about; "" when it is about none.
        value: What is wrong with this record, when it is one of the examples; None when it is not.
        unexpected, examples: How many records it is about, and how many of them the ledger names.
    """

    expectation: str
    severity: str
    summary: str
    column: str = ""
    value: str | None = None
    unexpected: int = 0
    examples: int = 0


@dataclass(frozen=True, slots=True)
class GateSeen:
    """A gate's verdict of the batch.

    Args:
        name, verdict, run_id, at: The check.
        passed_over: Whether a person let the batch pass all the same.
        superseded: Whether it is going to be checked again, so that this verdict stands no more.
        findings: What it found.
        actions: Kind, status and detail of what was done about it.
        docs: Address of its page; "" for none.
        sampled: Of the vector gate: whether this record's vector was in the sample; None for any other gate.
    """

    name: str
    verdict: str
    run_id: str
    at: datetime | None
    passed_over: bool = False
    superseded: bool = False
    findings: tuple[FindingSeen, ...] = ()
    actions: tuple[tuple[str, str, str], ...] = ()
    docs: str = ""
    sampled: bool | None = None


@dataclass(frozen=True, slots=True)
class EmbeddingSeen:
    """An embedding batch of the batch: its fence, its collection, and when it was rolled back, if it was."""

    embedding_batch_id: str
    kind: str
    fence: int
    rejected: int
    rolled_back_at: datetime | None = None
    collection: str = ""


@dataclass(frozen=True, slots=True)
class BatchSeen:
    """The batch that brought the record.

    Args:
        batch_id, source, status, reason, parent: As the ledger says.
        first_seen, start_time, end_time: Its times.
        accepted: How many of its records are accepted.
        steps, gates, embeddings: What was done with it, in order.
    """

    batch_id: str
    source: str
    status: str
    reason: str = ""
    parent: str = ""
    first_seen: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    accepted: int = 0
    steps: tuple[StepSeen, ...] = ()
    gates: tuple[GateSeen, ...] = ()
    embeddings: tuple[EmbeddingSeen, ...] = ()

    def collections(self) -> tuple[str, ...]:
        """Where its vectors may be, the latest that were not rolled back first; () when the ledger does not say."""
        latest_first = self.embeddings[::-1]
        not_rolled_back = [one for one in latest_first if one.rolled_back_at is None]
        return tuple(dict.fromkeys(one.collection for one in (*not_rolled_back, *latest_first) if one.collection))

    def did(self, key: str) -> bool:
        """Whether a step, by its key in the topology, is done."""
        return any(f"{step.kind}:{step.name}" == key and step.status == "done" for step in self.steps)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two stores that do not agree about the record, in words, and the command that helps; "" when none does."""

    words: str
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """One record in all stores.

    Args:
        interaction_id: The record.
        raw, dead: In MongoDB: the record, and dead letters of the same id.
        metrics, place: In BigQuery, and where it would count there; None when that is not known.
        graph: In Neo4j.
        vector, neighbours: In Milvus.
        batch: In the ledger.
        contradictions: Where they disagree.
    """

    interaction_id: str
    raw: Answer[RawRecord] = field(default_factory=Answer)
    dead: Answer[tuple[DeadRecord, ...]] = field(default_factory=Answer)
    metrics: Answer[MetricsSeen] = field(default_factory=Answer)
    place: Place | None = None
    graph: Answer[Neighbourhood] = field(default_factory=Answer)
    vector: Answer[VectorSeen] = field(default_factory=Answer)
    neighbours: Answer[tuple[Neighbour, ...]] = field(default_factory=Answer)
    batch: Answer[BatchSeen] = field(default_factory=Answer)
    contradictions: tuple[Contradiction, ...] = ()

    @property
    def found(self) -> bool:
        """Whether any store knows the id."""
        return bool(self.raw.value or self.dead.value or self.graph.value or self.vector.value)
