"""The vector gate: what was written to Milvus."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe
from great_expectations.expectations.metadata_types import FailureSeverity

from checkpoints.core.assets import embeddings
from checkpoints.gates import Stores, parameter
from expectations_plugins.core.defaults import VECTOR_DIMENSION
from expectations_plugins.expectations.fallbacks import ExpectFallbackEmbeddingRateToBeBelow
from expectations_plugins.expectations.texts import (
    ExpectRefusedTextRateToBeBelow,
    ExpectTruncatedTextRateToBeBelow,
)
from expectations_plugins.expectations.vectors import ExpectSampledVectorsToBeValid
from pipeline.config import Settings
from pipeline.core.batch import Batch
from pipeline.core.embeddings import REFUSED, EmbedManifest
from pipeline.stages.sweep import writers

EXPECTED = "embeddings"
MEANINGS = {
    "fences": "the leases under which this batch's vectors were written",
    "vector_tolerance": "the share in SLUICEGATE_VECTOR_TOLERANCE",
    "fallback_tolerance": "the share in SLUICEGATE_FALLBACK_TOLERANCE",
    "texts": "the texts of this embedding batch, also those that a person lets the batch go on without",
    "truncated": "texts that were cut at GEMINI_MAX_TOKENS",
    "truncated_examples": "some of them, by interaction_id",
    "truncated_tolerance": "the share in SLUICEGATE_TRUNCATED_TOLERANCE",
    "refused": "texts that the API refused, without those that a person lets the batch go on without",
    "refused_examples": "some of them, by interaction_id, with what the API said",
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
        ExpectTruncatedTextRateToBeBelow(
            texts=parameter("truncated"),
            records=parameter("texts"),
            max_rate=parameter("truncated_tolerance"),
            named=parameter("truncated_examples"),
            severity=FailureSeverity.WARNING,
            notes="The model read the start of these texts only; their vectors say nothing of the rest.",
        ),
        ExpectRefusedTextRateToBeBelow(
            texts=parameter("refused"),
            records=parameter("texts"),
            named=parameter("refused_examples"),
            severity=FailureSeverity.WARNING,
            notes="They have no vector. A person lets a batch go on without them: resume --without-vectors.",
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
        "texts": embedding.expected + embedding.accepted,
        "truncated": embedding.truncated,
        "truncated_examples": [[key, "cut"] for key in embedding.truncated_ids],
        "truncated_tolerance": settings.truncated_tolerance,
        "refused": 0 if embedding.accepted else embedding.rejected.get(REFUSED, 0),
        "refused_examples": [] if embedding.accepted else [list(one) for one in embedding.refused],
    }
