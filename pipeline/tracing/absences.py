"""Why a store has nothing of a record: sentences for what is as it should be. What is not is a contradiction."""

from __future__ import annotations

from dataclasses import replace

from pipeline.core.batches import BatchStatus, short
from pipeline.core.traces import BatchSeen, Trace

NEVER_LOADED = "it was never loaded into MongoDB"


def explained(found: Trace) -> Trace:
    """The trace, with the reason at every store that answered and has nothing."""
    if found.raw.problem:
        return found
    return replace(
        found,
        raw=replace(found.raw, why_none="" if found.raw.value else _why_not_loaded(found)),
        metrics=replace(found.metrics, why_none=_why_not_counted(found)),
        graph=replace(found.graph, why_none="" if found.graph.value else _why_not_yet(found, "stage:graph")),
        vector=replace(found.vector, why_none="" if found.vector.value else _why_no_vector(found)),
    )


def _why_not_loaded(found: Trace) -> str:
    return "it died before it was loaded: see its dead letters" if found.dead.value else NEVER_LOADED


def _why_not_counted(found: Trace) -> str:
    """Also when there is a row at its place: others may count there."""
    if found.raw.value is None:
        return NEVER_LOADED
    if found.raw.value.quarantine and (found.metrics.value is None or found.metrics.value.published_at):
        return "it is in quarantine, and published metrics leave such records out"
    if found.metrics.value is None:
        return _why_not_yet(found, "stage:aggregate")
    return ""


def _why_no_vector(found: Trace) -> str:
    raw = found.raw.value
    if raw is not None and not raw.has_message:
        return "it has no message, so there is nothing to embed"
    return _rolled_back(found.batch.value) or _why_not_yet(found, "stage:embed")


def _rolled_back(batch: BatchSeen | None) -> str:
    latest = batch.embeddings[-1] if batch and batch.embeddings else None
    if latest is None or latest.rolled_back_at is None:
        return ""
    return f"embedding batch {latest.embedding_batch_id} was rolled back"


def _why_not_yet(found: Trace, step: str) -> str:
    raw, batch = found.raw.value, found.batch.value
    if raw is None:
        return NEVER_LOADED
    if batch is not None and batch.status == BatchStatus.DEAD:
        return f"batch {short(batch.batch_id)} is in the dead-letter queue"
    if raw.quarantine:
        return "it is in quarantine, and goes no further until it is released"
    if batch is not None and not batch.did(step):
        return f"batch {short(batch.batch_id)} is {batch.status or 'unknown'} and has not come so far"
    return ""
