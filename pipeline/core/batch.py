"""A batch as the ledger keeps it: one frozen value, which the store makes of what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pipeline.core.batches import BatchStatus, LoadCounts, short
from pipeline.core.decision import WITHOUT_VECTORS, Decision, DecisionKind
from pipeline.core.embeddings import EmbedManifest
from pipeline.core.rollback_plan import RollbackNumbers
from pipeline.core.topology import GATES, STEPS, Step, StepKind
from pipeline.core.verdicts import ActionOutcome, Finding, Intent, Verdict

RESUMED = "resumed"
"""Among the counts of a gate that a person let a batch pass."""

WITHOUT_FILE = "without_file"
"""Among the counts of a load that a person ended where it was cut off."""

EARLIER = "earlier"
"""Among the counts of a load: other batches that had brought records of it before, each with their number."""

TAKEN_OVER = "taken_over"
"""Among the counts of a load: how many of its records a newer batch took over that had said something else of them."""

DROPPED = "dropped"
"""How counts of a load begin of what lay between records and was passed over: byte order marks, NULs, headers."""

COMPLETES = "completes"
"""Among the counts of a load: ids of batches whose file ended in the middle of a record that it brings whole."""

COMPLETED = "completed"
"""Among the counts of a load: how many records a newer batch brought whole, of which the file had the first half."""

CHECKSUM = "checksum"
"""Among the counts of a stage: the checksum of what it wrote, see `expectations_plugins.core.checksums`."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class StepStatus(StrEnum):
    """How far a step of a batch is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REOPENED = "reopened"
    """It was done, and is to be done again; what a person decided about it is kept."""


@dataclass(frozen=True, slots=True)
class StepState:
    """One step of a batch. All is empty of a step that was never begun.

    Args:
        status: How far it is.
        attempts: How often it was tried.
        start_time, end_time: Of the last attempt, UTC, aware; None when it did not come so far.
        duration_s: Seconds the last attempt took.
        counts: What the stage counted; of a gate its verdict, and whether a person let the batch pass.
        error: Why the last attempt failed; "" when it did not.
        code_version: Of the program that made the last attempt.
    """

    status: StepStatus | None = None
    attempts: int = 0
    start_time: datetime | None = None
    end_time: datetime | None = None
    duration_s: float | None = None
    counts: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    code_version: str = ""


@dataclass(frozen=True, slots=True)
class IntentState(Intent):
    """An intent, and when its outcome was written down; None while there is none."""

    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class GateState:
    """What a gate said last. `verdict` is None where a read left it out; all else as in `GateReport`.

    Args:
        at: When it was written down.
        superseded: Whether the gate is to be checked again, so that this does not hold any more.
    """

    verdict: Verdict | None = None
    run_id: str = ""
    findings: tuple[Finding, ...] = ()
    actions: tuple[ActionOutcome, ...] = ()
    docs: str = ""
    page: str = ""
    rate: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    transient: bool = False
    intents: tuple[IntentState, ...] = ()
    at: datetime | None = None
    superseded: bool = False


@dataclass(frozen=True, slots=True)
class EmbeddingState(EmbedManifest):
    """An embedding batch, and what became of it.

    Args:
        rollback: What taking it back was going to do; None when nobody began to.
        rolled_back, rolled_back_at: What taking it back did, and when; None when it was not taken back.
    """

    rollback: RollbackNumbers | None = None
    rolled_back: RollbackNumbers | None = None
    rolled_back_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """The times of the first and the last of a batch's records; None when none could be read."""

    oldest: datetime | None = None
    newest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tombstone:
    """Who dropped something of the dead-letter queue, why, and when (UTC, aware)."""

    by: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as the ledger keeps it; a read that leaves something out says so.

    Args:
        batch_id: sha256 of its bytes, 64 hex digits.
        status: Where it is; None when the ledger does not know the batch, or the read left it out.
        source: Where its file was found last.
        size: Bytes of that file.
        reason: Why it does not go on, or ended; "" when all is well.
        parent: The batch whose repaired records it holds; "" for none.
        first_seen, start_time, end_time, updated: When it was found, begun, ended and changed last; None for not.
        counted: What became of its records; None before they were counted.
        span: The times of its records; None before they were read.
        steps: By key (`stage:load`), those that were begun, in the order in which they were.
        gates: What was said last, by gate, also while the gate is to be checked again.
        embedding: The latest embedding batch; None when there is none.
        embeddings: All embedding batches, by id.
        dropped: Who dropped it of the dead-letter queue; None when nobody did.
        decision: What a person decided and no command has finished yet; None for nothing.
        decisions: The latest decisions about it, the oldest first, the unfinished one too.
        attempts: How often its lease was taken.
        fence: Of its last lease.
        schema_version: Of the ledger's documents.
    """

    batch_id: str
    status: BatchStatus | None = None
    source: str = ""
    size: int = 0
    reason: str = ""
    parent: str = ""
    first_seen: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    updated: datetime | None = None
    counted: LoadCounts | None = None
    span: Span | None = None
    steps: Mapping[str, StepState] = field(default_factory=dict)
    gates: Mapping[str, GateState] = field(default_factory=dict)
    embedding: EmbeddingState | None = None
    embeddings: Mapping[str, EmbeddingState] = field(default_factory=dict)
    dropped: Tombstone | None = None
    decision: Decision | None = None
    decisions: tuple[Decision, ...] = ()
    attempts: int = 0
    fence: int = 0
    schema_version: int = 0

    @property
    def name(self) -> str:
        """Its id as people read and type it."""
        return short(self.batch_id)

    @property
    def is_known(self) -> bool:
        """Whether the ledger knows the batch."""
        return self.status is not None or self.first_seen is not None

    @property
    def counts(self) -> LoadCounts:
        """What became of its records; zeros before they were counted."""
        return self.counted or LoadCounts()

    @property
    def seen(self) -> datetime:
        """When it was first seen, in UTC; the epoch when the read left it out."""
        return (self.first_seen or _EPOCH).astimezone(UTC)

    @property
    def goes_without_vectors(self) -> bool:
        """Whether a person let it go on without the vectors of texts that the API refuses."""
        return any(one.kind is DecisionKind.RESUME and one.data.get(WITHOUT_VECTORS) for one in self.decisions)

    def step(self, key: str) -> StepState:
        """A step; an empty one when it was never begun."""
        return self.steps.get(key) or StepState()

    def is_done(self, key: str) -> bool:
        """Whether a step needs no more work."""
        return self.step(key).status is StepStatus.DONE

    def failed_gate(self) -> Step | None:
        """The gate that did not let the batch pass; None when there is none."""
        gates = (step for step in STEPS if step.kind is StepKind.GATE)
        return next((step for step in gates if self.step(step.key).status is StepStatus.FAILED), None)

    @property
    def halting_findings(self) -> tuple[Finding, ...]:
        """What the gate that stopped it found; nothing when none did."""
        gate = self.failed_gate()
        return self.gates.get(gate.name, GateState()).findings if gate else ()

    @property
    def earlier(self) -> dict[str, int]:
        """By id, other batches that had brought some of its records before, and how many; the load stage says it."""
        pairs = (str(one).partition(" ") for one in self.step("stage:load").counts.get(EARLIER) or ())
        return {batch_id: int(number) for batch_id, _, number in pairs if number.isdigit()}

    @property
    def manifests(self) -> dict[str, EmbeddingState]:
        """All its embedding batches, by id; the first programs kept only the latest."""
        latest = self.embedding
        return {**({latest.embedding_batch_id: latest} if latest else {}), **self.embeddings}

    @property
    def verdicts(self) -> dict[str, str]:
        """The verdict of each gate."""
        return {name: str(gate.verdict or "") for name, gate in self.gates.items()}

    @property
    def passed_over(self) -> tuple[str, ...]:
        """Names of the failed gates that a person let the batch pass."""
        gates = (step for step in STEPS if step.kind is StepKind.GATE)
        return tuple(step.name for step in gates if self.step(step.key).counts.get(RESUMED))

    @property
    def docs(self) -> str:
        """Address of the page of the last gate that wrote one; "" when none did."""
        pages = [self.gates[name].docs for name in GATES if name in self.gates]
        return next((page for page in reversed(pages) if page), "")
