"""A batch, as far as one record of it is concerned."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.core.batch import Batch, GateState
from pipeline.core.topology import EMBED, GATES, STEPS, gate_of
from pipeline.core.traces import BatchSeen, EmbeddingSeen, FindingSeen, GateSeen, StepSeen
from pipeline.core.verdicts import Finding

SAMPLING_GATE = gate_of(EMBED).name


def batch_seen(batch: Batch, interaction_id: str) -> BatchSeen:
    """The batch that brought a record.

    Args:
        batch: The batch, whole.
        interaction_id: The record.
    """
    return BatchSeen(
        batch_id=batch.batch_id,
        source=batch.source,
        status=str(batch.status or ""),
        reason=batch.reason,
        parent=batch.parent,
        first_seen=batch.first_seen,
        start_time=batch.start_time,
        end_time=batch.end_time,
        accepted=batch.counts.accepted,
        steps=tuple(_steps(batch)),
        gates=tuple(_gate(name, batch, interaction_id) for name in GATES if name in batch.gates),
        embeddings=tuple(_embeddings(batch)),
    )


def _steps(batch: Batch) -> Iterator[StepSeen]:
    for step in STEPS:
        known = batch.step(step.key)
        yield StepSeen(
            name=step.name,
            kind=str(step.kind),
            status=str(known.status or ""),
            attempts=known.attempts,
            start_time=known.start_time,
            end_time=known.end_time,
            error=known.error,
        )


def _gate(name: str, batch: Batch, interaction_id: str) -> GateSeen:
    gate, sample = batch.gates[name], batch.embedding.sample_ids if batch.embedding else ()
    return GateSeen(
        name=name,
        verdict=str(gate.verdict or ""),
        run_id=gate.run_id,
        at=gate.at,
        passed_over=name in batch.passed_over,
        superseded=gate.superseded,
        findings=tuple(_finding(found, interaction_id) for found in gate.findings),
        actions=tuple(_actions(gate)),
        docs=gate.docs,
        sampled=interaction_id in sample if name == SAMPLING_GATE else None,
    )


def _finding(found: Finding, interaction_id: str) -> FindingSeen:
    return FindingSeen(
        expectation=found.expectation,
        severity=found.severity,
        summary=found.summary,
        column=found.column,
        value=next((value for key, value in found.examples if key == interaction_id), None),
        unexpected=found.unexpected,
        examples=len(found.examples),
    )


def _actions(gate: GateState) -> Iterator[tuple[str, str, str]]:
    """What was intended, with its outcome; what is only in the report, after it."""
    said = {one.action: (one.status, one.detail) for one in gate.intents}
    said |= {one.action: (one.status, one.detail) for one in gate.actions}
    return ((kind, *outcome) for kind, outcome in said.items())


def _embeddings(batch: Batch) -> Iterator[EmbeddingSeen]:
    for name, one in sorted(batch.embeddings.items(), key=lambda item: item[1].number):
        yield EmbeddingSeen(
            embedding_batch_id=name,
            kind=one.kind,
            fence=one.fence,
            rejected=sum(one.rejected.values()),
            rolled_back_at=one.rolled_back_at,
            collection=one.collection,
        )
