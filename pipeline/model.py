"""The values that cross layers: frozen, slotted, without behaviour that touches a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, Final

from pipeline.locations.place import Place

VECTOR_DIMENSION = 768
"""Length of every embedding, in components."""

MAX_ID_LENGTH = 256
"""Longest interaction_id, user_id and campaign_id taken, in UTF-8 bytes (Milvus VARCHAR and index keys are bounded)."""

FALLBACK_SOURCE = "fallback"
"""`embedding_source` of a vector that no model made."""


class Missing(Enum):
    """The type of `MISSING`; an enum, so that a type checker can tell it from every JSON value.

    It is falsy, as None is, so that `record.user_id or ""` reads both alike; whoever must tell a field that was not
    there from one that was null compares with `is MISSING`.
    """

    MISSING = "missing"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing.MISSING
"""A field the record did not have; None is a field that was null."""


def short(batch_id: str) -> str:
    """The batch id as people read and type it: its first 12 hex digits."""
    return batch_id[:12]


class Verdict(StrEnum):
    """What a gate says of a batch."""

    PASS = "PASS"
    WARN = "WARN"
    FAIL = "FAIL"
    ERROR = "ERROR"
    EMPTY = "EMPTY"


class BatchStatus(StrEnum):
    """Where a batch stands in the ledger."""

    RUNNING = "running"
    HALTED = "halted"
    """A gate said FAIL; a person decides (resume, reject, recheck)."""
    HELD = "held"
    """A gate could not be checked (ERROR); the next run checks it again."""
    CLOSED = "closed"
    DEAD = "dead"
    """Moved whole to the dead-letter queue."""


class DeadReason(StrEnum):
    """Why a record cannot be loaded."""

    UNPARSABLE = "unparsable"
    NOT_AN_OBJECT = "not_an_object"
    MISSING_ID = "missing_id"
    BAD_ID = "bad_id"
    UNSTORABLE = "unstorable"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class FileStamp:
    """How a file looked when it was listed.

    Args:
        size: Bytes on disk.
        changed: Last change, in nanoseconds since the epoch.
        number: The file itself, whatever its name.
    """

    size: int
    changed: int
    number: int


@dataclass(frozen=True, slots=True)
class BatchSource:
    """One micro-batch to process: a file, or a part of one that was split at `max_batch_records`.

    Args:
        batch_id: sha256 (64 hex digits) of the uncompressed bytes of the whole file, or of the part.
        path: The file or the object the records are read from.
        first_record: Index of the first record taken (0-based).
        max_records: How many records are taken at most; None takes the rest of the file.
        stamp: The file as it was when the batch was named after it; None when that does not matter.
    """

    batch_id: str
    path: Place
    first_record: int = 0
    max_records: int | None = None
    stamp: FileStamp | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Interaction:
    """One raw log record that could be read.

    Args:
        interaction_id: The record's key in every store.
        line: Its line in the source file, 1-based.
        user_id, campaign_id, type: As given, of any JSON type: the raw gate judges them. `MISSING` when the record
            did not have the field, None when it was null.
        timestamp: Timezone-aware, UTC; None when missing or unreadable.
        message: The text that is embedded; None when missing, blank or not text.
        extra: Every other field, as given.
        content_hash: sha256 of the record's canonical JSON: equal content, equal hash.
        raw: Its text in the file (of CSV with the header row), for the dead letter it may become.
    """

    interaction_id: str
    line: int
    user_id: Any
    campaign_id: Any
    type: Any
    timestamp: datetime | None
    message: str | None
    extra: Mapping[str, Any]
    content_hash: str
    raw: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One record that could not be loaded, kept with all that is needed to repair and replay it.

    `interaction_id` is "" when it has none, or none that can be one.
    """

    batch_id: str
    line: int
    reason: DeadReason
    detail: str
    raw: str
    interaction_id: str = ""


@dataclass(frozen=True, slots=True)
class LoadCounts:
    """What became of a batch's records: read = accepted + quarantined + duplicate + dead."""

    read: int = 0
    accepted: int = 0
    quarantined: int = 0
    duplicate: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A record that goes no further until a person releases it.

    Args:
        interaction_id, batch_id: The record, and the batch that brought it.
        gate, reason, run_id, at: Who marked it, why, in which check and when.
        record: The whole document, as it is stored.
    """

    interaction_id: str
    batch_id: str
    gate: str
    reason: str
    run_id: str
    at: datetime | None
    record: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """An interaction that is, or was, in the review queue.

    Args:
        interaction_id, batch_id, campaign_id: The interaction.
        state: open, resolved (by a person) or lifted (the campaign arrived).
        reason, gate, run_id, since: Why it was flagged, by which check and when.
        history: What happened to the flag, oldest first.
    """

    interaction_id: str
    batch_id: str
    campaign_id: str | None
    state: str
    reason: str
    gate: str
    run_id: str
    since: datetime | None
    history: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One aggregated metrics row: interactions of a batch by campaign, type and 10-minute window (UTC).

    `distinct_users` counts within the row only: it must never be summed over rows.
    """

    batch_id: str
    campaign_id: str | None
    type: str | None
    window_start: datetime | None
    interactions: int
    distinct_users: int
    value: float


@dataclass(frozen=True, slots=True)
class GraphRecord:
    """What the graph keeps of an accepted interaction."""

    interaction_id: str
    user_id: str
    campaign_id: str | None
    type: str | None
    timestamp: datetime | None


@dataclass(frozen=True, slots=True)
class Embedding:
    """The vector of one text; `source` is the model or `fallback`; `invalid` says why it must not be written."""

    vector: tuple[float, ...]
    source: str
    invalid: str | None = None


@dataclass(frozen=True, slots=True)
class VectorRow:
    """One row of the vector store."""

    interaction_id: str
    batch_id: str
    embedding_batch_id: str
    embedding_source: str
    fence: int
    vector: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class EmbedManifest:
    """What one embedding batch wrote.

    Args:
        embedding_batch_id: Id of the embedding batch.
        expected: Ids that ought to have a vector.
        written: Vectors written.
        fallback: How many of the written ones are fallback vectors.
        rejected: How many the API returned but must not be written, by reason; they count as invalid.
        sample_ids: At most 100 of the expected ids, drawn from them sorted, seeded by the embedding batch id.
        number: Which of the batch's embedding batches it is, 1-based; one that was rolled back is never used again.
        kind: `embed`, or `reembed` for one that replaces fallback vectors.
        finished: False until everything is written: whoever comes after a crash goes on with the same one.
        was_finished: Whether everything was written once, and it is only gone on with: it is not one that was cut off.
        fence: What its rows carry; a row with another one was written by a run that had lost the batch.
        collection: Where its vectors are; "" in manifests of earlier versions.
        model: The model that made them; "" in manifests of earlier versions.
    """

    embedding_batch_id: str
    expected: int = 0
    written: int = 0
    fallback: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    sample_ids: tuple[str, ...] = ()
    number: int = 1
    kind: str = "embed"
    finished: bool = True
    was_finished: bool = False
    fence: int = 0
    collection: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class BeforeImage:
    """What a vector's place held before an embedding batch wrote there; None when it was empty."""

    interaction_id: str
    row: VectorRow | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One expectation that did not hold, or could not be checked, in words.

    `examples` are at most 20 pairs of interaction_id and what was wrong with it: the value of the field `column`, or
    words of ours where that is empty.
    """

    expectation: str
    severity: str
    summary: str
    unexpected: int = 0
    checked: int = 0
    examples: tuple[tuple[str, str], ...] = ()
    column: str = ""


@dataclass(frozen=True, slots=True)
class Intent:
    """What a checkpoint action is going to do, written down before any of them acts, so that a crash loses none.

    Args:
        action: The action's kind, e.g. `quarantine`.
        data: All it needs, as plain data: whoever finds it in the ledger can do it.
        status: `pending` until it is done; then its outcome's.
        detail: What became of it, in words.
    """

    action: str
    data: Mapping[str, Any] = field(default_factory=dict)
    status: str = "pending"
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ActionOutcome:
    """What one checkpoint action did, or would have done outside a run."""

    action: str
    status: str
    detail: str


@dataclass(frozen=True, slots=True)
class GateReport:
    """What a gate found.

    Args:
        gate: The gate's name.
        verdict: The verdict.
        run_id: Id of this check; actions are idempotent by it.
        findings: Expectations that did not hold or could not be checked.
        actions: What the checkpoint's actions did.
        docs: Address of the validation result's page, "" when none was written.
        page: Its path from the first page of the site.
        rate: Share of the records that the gate's first counting expectation names as bad, 0..1; None for none.
        parameters: The suite parameters the check ran with, so that it can be repeated.
        transient: Of an ERROR verdict: whether the same check may work later.
        intents: What the checkpoint's actions are going to do; in the ledger before the first of them acts.
    """

    gate: str
    verdict: Verdict
    run_id: str
    findings: tuple[Finding, ...] = ()
    actions: tuple[ActionOutcome, ...] = ()
    docs: str = ""
    page: str = ""
    rate: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    transient: bool = False
    intents: tuple[Intent, ...] = ()


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a batch; `fence` grows with every new holder, `expires_at`: when it ends if not renewed."""

    batch_id: str
    holder: str
    fence: int
    expires_at: datetime
