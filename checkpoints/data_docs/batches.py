"""The page of one batch: where its records are, what each gate said, and what was done about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from checkpoints.data_docs.states import SYMBOLS, VERDICTS, Cell, cells, duration, row
from expectations_plugins.core.masking import Example, Masks
from pipeline.core.batch import Batch, EmbeddingState, GateState
from pipeline.core.next_steps import NextStep, next_steps
from pipeline.core.policy import DOCS, FLAG
from pipeline.core.rollback_plan import RollbackNumbers, removal
from pipeline.core.topology import GATE_STEPS, STEPS, StepKind
from pipeline.core.verdicts import Finding

EXAMPLES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What of the batches beside a batch can be linked to: there may be no page of them, or no longer.

    Args:
        before, after: Ids of the batches first seen before and after it; None for no page.
        parent: Whether the batch it was replayed from has a page.
    """

    before: str | None = None
    after: str | None = None
    parent: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Records in one place of the flow.

    Args:
        name: The place.
        count: Records there; None when the batch has not come so far.
        aside: What left the flow here, in words.
    """

    name: str
    count: int | None
    aside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step, with its times."""

    cell: Cell
    attempts: int
    start: datetime | None
    end: datetime | None
    seconds: float | None
    told: str


@dataclass(frozen=True, slots=True)
class FindingView:
    """What did not hold at a gate: the worst severity of those that say the same; `hidden` is the masked field."""

    severity: str
    summary: str
    expectation: str
    share: float | None
    column: str
    hidden: str
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class ActionView:
    """What a gate did, or is going to do."""

    action: str
    status: str
    detail: str


@dataclass(frozen=True, slots=True)
class GateView:
    """One gate's verdict and what followed; `page` is the path of its validation result, "" for none."""

    name: str
    state: str
    verdict: str
    passed_over: bool
    at: datetime | None
    page: str
    findings: tuple[FindingView, ...]
    actions: tuple[ActionView, ...]

    @property
    def symbol(self) -> str:
        """The sign of its verdict."""
        return SYMBOLS[self.state]


@dataclass(frozen=True, slots=True)
class BatchPage:
    """What a batch's page shows; `version` tells a page that is out of date."""

    batch_id: str
    name: str
    status: str
    reason: str
    source: str
    parent: str
    first_seen: datetime
    start: datetime | None
    end: datetime | None
    seconds: float
    next_steps: tuple[NextStep, ...]
    flow: tuple[Place, ...]
    steps: tuple[StepRow, ...]
    gates: tuple[GateView, ...]
    embedding: tuple[tuple[str, str], ...]
    beside: Neighbours
    version: str

    @property
    def symbol(self) -> str:
        """The sign of its status."""
        return SYMBOLS[self.status]


def batch_page(batch: Batch, beside: Neighbours, masks: Masks) -> BatchPage:
    """The page of a batch.

    Args:
        batch: The batch, whole.
        beside: What it links to.
        masks: Fields whose values are not shown.
    """
    listed, steps = row(batch), tuple(_steps(batch))
    return BatchPage(
        batch_id=listed.batch_id,
        name=listed.name,
        status=listed.status,
        reason=batch.reason,
        source=listed.source,
        parent=batch.parent,
        first_seen=listed.first_seen,
        start=min((step.start for step in steps if step.start), default=None),
        end=max((step.end for step in steps if step.end), default=None),
        seconds=duration(batch),
        next_steps=next_steps(batch),
        flow=tuple(_flow(batch)),
        steps=steps,
        gates=tuple(_gates(batch, masks)),
        embedding=tuple(_embedding(batch.embedding)) if batch.embedding else (),
        beside=beside,
        version=version(batch, beside),
    )


def _flow(batch: Batch) -> Iterator[Place]:
    counts = batch.counts
    lost = _asides({"duplicate": counts.duplicate, "in the dead letters": counts.dead})
    yield Place("read from the file", counts.read, lost)
    yield Place("in MongoDB", counts.accepted + counts.quarantined, _asides({"quarantined": counts.quarantined}))
    yield Place("counted in published metrics", _counted(batch, "stage:publish"))
    yield Place("in the graph", _counted(batch, "stage:graph"), _orphans(batch))
    yield _vectors(batch.embedding, counts.accepted) if batch.embedding else Place("vectors in Milvus", None)


def _vectors(embedding: EmbeddingState, accepted: int) -> Place:
    aside = _asides(
        {
            "without a message": max(accepted - embedding.expected - embedding.accepted, 0),
            "fallback vectors": embedding.fallback,
            "refused by their shape": sum(embedding.rejected.values()),
        }
    )
    if embedding.rolled_back_at:
        return Place("vectors in Milvus", 0, (*aside, "rolled back"))
    return Place("vectors in Milvus", embedding.written, aside)


def _asides(counts: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(f"{count:,} {name}" for name, count in counts.items() if count)


def _orphans(batch: Batch) -> tuple[str, ...]:
    flags = next((name for name, step in GATE_STEPS.items() if FLAG in step.actions), "")
    gate = batch.gates.get(flags) or GateState()
    return _asides({"orphaned": max((found.unexpected for found in gate.findings), default=0)})


def _counted(batch: Batch, step: str) -> int | None:
    count = batch.step(step).counts.get("interactions")
    return None if count is None else int(count)


def _steps(batch: Batch) -> Iterator[StepRow]:
    for step, cell in zip(STEPS, cells(batch), strict=True):
        known = batch.step(step.key)
        yield StepRow(
            cell=cell,
            attempts=known.attempts,
            start=_utc(known.start_time),
            end=_utc(known.end_time),
            seconds=known.duration_s,
            told=known.error or step.purpose,
        )


def _gates(batch: Batch, masks: Masks) -> Iterator[GateView]:
    for step in STEPS:
        gate = batch.gates.get(step.name) if step.kind is StepKind.GATE else None
        if gate and gate.verdict:
            yield GateView(
                name=step.name,
                state=VERDICTS[gate.verdict],
                verdict=str(gate.verdict),
                passed_over=step.name in batch.passed_over,
                at=_utc(gate.at),
                page=gate.page,
                findings=tuple(_findings(gate.findings, masks)),
                actions=tuple(_actions(gate)),
            )


def _findings(found: Sequence[Finding], masks: Masks) -> Iterator[FindingView]:
    worst: dict[tuple[str, str], Finding] = {}
    for finding in found:
        worst.setdefault((finding.expectation, finding.summary), finding)
    for first in worst.values():
        yield FindingView(
            severity=first.severity,
            summary=first.summary,
            expectation=first.expectation,
            share=first.unexpected / first.checked if first.checked else None,
            column=first.column,
            hidden=first.column if masks.hides(first.column) else "",
            examples=masks.examples(first.column, first.examples[:EXAMPLES_SHOWN]),
        )


def _actions(gate: GateState) -> Iterator[ActionView]:
    for intent in gate.intents:
        if intent.action != DOCS:  # this page is what became of it
            yield ActionView(intent.action, intent.status, intent.detail)


def _embedding(embedding: EmbeddingState) -> Iterator[tuple[str, str]]:
    yield "embedding batch", embedding.embedding_batch_id
    if embedding.collection:
        yield "collection", f"{embedding.collection}, model {embedding.model}"
    yield "written", f"{embedding.written:,} of {embedding.expected:,}"
    for reason, count in embedding.rejected.items():
        yield "not written", f"{count:,}: {reason}"
    if embedding.truncated:
        yield "cut at the model's limit", f"{embedding.truncated:,}"
    if embedding.accepted:
        yield "goes on without", f"{embedding.accepted:,} texts that the API refused: a person decided so"
    if at := _utc(embedding.rolled_back_at):
        yield "rolled back", f"{at:%Y-%m-%d %H:%M:%S}: {removal(embedding.rolled_back or RollbackNumbers())}"


def _utc(at: datetime | None) -> datetime | None:
    return at.astimezone(UTC) if at else None


def version(batch: Batch, beside: Neighbours) -> str:
    """Another one for every change of what a batch's page shows."""
    updated = _utc(batch.updated)
    return f"{updated.isoformat() if updated else '-'} {beside.before or '-'} {beside.after or '-'}"
