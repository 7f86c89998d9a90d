"""Where the values of suite parameters come from: the settings and the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.config import Settings
from pipeline.core.batch import Batch
from pipeline.core.embeddings import EmbedManifest
from pipeline.ports.stores import RawStore
from pipeline.stages.sweep import writers


def parameters(gate: str, settings: Settings, batch: Batch, raw_store: RawStore) -> dict[str, Any]:
    """The suite parameters of a gate for one batch.

    Args:
        gate: The gate's name.
        settings: What a person set.
        batch: The batch.
        raw_store: Asked for what is accepted now.
    """
    return GATES[gate](settings, batch, raw_store)


def expected(gate: str, values: Mapping[str, Any]) -> int:
    """How many records the gate ought to find; with none, its verdict is EMPTY."""
    return int(values[{"raw": "loaded", "graph": "accepted", "vectors": "embeddings"}[gate]])


def _raw(settings: Settings, batch: Batch, _: RawStore) -> dict[str, Any]:
    counts = batch.counts
    return {
        "user_id_pattern": settings.user_id_pattern,
        "user_id_tolerance": settings.user_id_tolerance,
        "loaded": counts.read - counts.duplicate - counts.dead,
        "at_least": 1 if counts.read > counts.duplicate else 0,
    }


def _graph(_: Settings, batch: Batch, raw_store: RawStore) -> dict[str, Any]:
    accepted, _quarantined = raw_store.counts(batch.batch_id)
    return {"accepted": accepted}


def _vectors(settings: Settings, batch: Batch, _: RawStore) -> dict[str, Any]:
    embedding = batch.embedding or EmbedManifest("")
    return {
        "embedding_batch_id": embedding.embedding_batch_id,
        "sample_ids": list(embedding.sample_ids),
        "fences": sorted(set(writers(batch).values())) or [0],
        "embeddings": embedding.expected,
        "rejected": dict(embedding.rejected),
        "vector_tolerance": settings.vector_tolerance,
        "vector_min_invalid": settings.vector_min_invalid,
        "vector_exact_scan": settings.vector_exact_scan,
        "fallback_tolerance": settings.fallback_tolerance,
    }


MEANINGS = {
    "user_id_pattern": "the regular expression in SLUICEGATE_USER_ID_PATTERN",
    "user_id_tolerance": "the share in SLUICEGATE_USER_ID_TOLERANCE",
    "loaded": "the records the load stage says it wrote: read, without duplicates and dead letters",
    "at_least": "1, or 0 when the file held nothing but duplicates",
    "accepted": "the batch's records in MongoDB that are not in quarantine",
    "fences": "the leases under which this batch's vectors were written",
    "vector_tolerance": "the share in SLUICEGATE_VECTOR_TOLERANCE",
    "fallback_tolerance": "the share in SLUICEGATE_FALLBACK_TOLERANCE",
}
"""What the parameters that are named in sentences stand for."""

GATES: dict[str, Callable[[Settings, Batch, RawStore], dict[str, Any]]] = {
    "raw": _raw,
    "graph": _graph,
    "vectors": _vectors,
}
