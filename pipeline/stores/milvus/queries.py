"""The schema and rows of the vector store, as plain data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from expectations_plugins.core.defaults import VECTOR_DIMENSION
from expectations_plugins.milvus.filters import equals
from pipeline.core.embeddings import VectorRow
from pipeline.core.fields import INTERACTION_ID
from pipeline.core.records import MAX_ID_LENGTH

KEY = INTERACTION_ID
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

LOOKED_UP = ("batch_id", "embedding_batch_id")
"""Text fields that rows are looked up by. Without an index a batch of ten costs as much as all rows there are."""

INVERTED, TRIE = "INVERTED", "Trie"
_BEFORE_INVERTED = re.compile(r"v?2\.[0-3]\.")

DIMENSION = VECTOR_DIMENSION


def text_index(field: str, version: str) -> dict[str, str]:
    """The index of a text field.

    Args:
        field: The field; the index has its name.
        version: The server's version, as it says it: servers before 2.4 have another kind of index for text.
    """
    kind = TRIE if _BEFORE_INVERTED.match(version) else INVERTED
    return {"field_name": field, "index_type": kind, "index_name": field}


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


FIELDS = (*VARCHARS, "fence", VECTOR)
"""All fields of a row."""


def vector_row(row: Mapping[str, Any]) -> VectorRow:
    """A row as Milvus gives it."""
    return VectorRow(
        interaction_id=row[KEY],
        batch_id=row["batch_id"],
        embedding_batch_id=row["embedding_batch_id"],
        embedding_source=row["embedding_source"],
        fence=int(row["fence"]),
        vector=tuple(float(component) for component in row[VECTOR]),
    )


def strays(batch_id: str, writers: Mapping[str, int]) -> str:
    """Rows of a batch that none of these writers wrote: fences, by embedding batch."""
    of_batch = equals("batch_id", batch_id)
    known = [f"({equals('embedding_batch_id', name)} and fence == {int(fence)})" for name, fence in writers.items()]
    return f"{of_batch} and not ({' or '.join(known)})" if known else of_batch


def pages(ids: Sequence[str], size: int) -> list[list[str]]:
    """Ids in pages."""
    return [list(ids[start : start + size]) for start in range(0, len(ids), size)]
