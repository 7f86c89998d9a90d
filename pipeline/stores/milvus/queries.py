"""The schema and rows of the vector store, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.model import MAX_ID_LENGTH, VECTOR_DIMENSION, VectorRow

KEY = "interaction_id"
VECTOR = "vector"
BATCH_ID_LENGTH = 64
SOURCE_LENGTH = 128

VARCHARS = {
    KEY: MAX_ID_LENGTH,
    "batch_id": BATCH_ID_LENGTH,
    "embedding_batch_id": BATCH_ID_LENGTH,
    "embedding_source": SOURCE_LENGTH,
}
"""Text fields and their longest values, in bytes."""

INDEX = {"field_name": VECTOR, "index_type": "AUTOINDEX", "metric_type": "COSINE"}
DIMENSION = VECTOR_DIMENSION


def entity(row: VectorRow) -> dict[str, Any]:
    """A row as Milvus takes it."""
    return {
        KEY: row.interaction_id,
        "batch_id": row.batch_id,
        "embedding_batch_id": row.embedding_batch_id,
        "embedding_source": row.embedding_source,
        "fence": row.fence,
        VECTOR: list(row.vector),
    }


def pages(ids: Sequence[str], size: int) -> list[list[str]]:
    """Ids in pages."""
    return [list(ids[start : start + size]) for start in range(0, len(ids), size)]
