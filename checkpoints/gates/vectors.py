"""The vector gate: what was written to Milvus."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe
from great_expectations.expectations.metadata_types import FailureSeverity

from checkpoints.core.assets import embeddings
from checkpoints.gates import Stores, parameter
from expectations_plugins.core.defaults import VECTOR_DIMENSION
from expectations_plugins.expectations.fallbacks import ExpectFallbackEmbeddingRateToBeBelow
from expectations_plugins.expectations.vectors import ExpectSampledVectorsToBeValid
from pipeline.config import Settings
from pipeline.core.batch import Batch
from pipeline.core.embeddings import EmbedManifest
from pipeline.stages.sweep import writers

EXPECTED = "embeddings"
MEANINGS = {
    "fences": "the leases under which this batch's vectors were written",
    "vector_tolerance": "the share in SLUICEGATE_VECTOR_TOLERANCE",
    "fallback_tolerance": "the share in SLUICEGATE_FALLBACK_TOLERANCE",
}

batches = embeddings


def suite() -> list[Any]:
    """What was written to Milvus."""
    return [
        ExpectSampledVectorsToBeValid(
            sample_ids=parameter("sample_ids"),
            expected=parameter("embeddings"),
            embedding_batch_id=parameter("embedding_batch_id"),
            rejected=parameter("rejected"),
            dimension=VECTOR_DIMENSION,
            threshold=parameter("vector_tolerance"),
            min_invalid=parameter("vector_min_invalid"),
            exact_scan=parameter("vector_exact_scan"),
            severity=FailureSeverity.CRITICAL,
            notes="Search over broken vectors is silently wrong.",
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="fence",
            value_set=parameter("fences"),
            severity=FailureSeverity.CRITICAL,
            notes="A vector with another fence was written by a run that had lost the batch; it is swept.",
        ),
        ExpectFallbackEmbeddingRateToBeBelow(
            max_rate=parameter("fallback_tolerance"),
            severity=FailureSeverity.WARNING,
            notes="Fallback vectors keep the pipeline flowing while Gemini is down; they are to be replaced.",
        ),
    ]


def parameters(settings: Settings, batch: Batch, _: Stores) -> dict[str, Any]:
    """From the settings, and the manifest of the batch's latest embedding batch."""
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
