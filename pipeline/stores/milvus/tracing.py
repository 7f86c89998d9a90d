"""`MilvusLineage`: a record's vector and its nearest neighbours, by primary key and index, at consistency Strong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pymilvus import MilvusClient

from expectations_plugins.milvus import filters
from expectations_plugins.milvus.connection import ensure_loaded
from expectations_plugins.milvus.errors import ERRORS
from pipeline.core.embeddings import VectorRow
from pipeline.core.traces import Neighbour, VectorSeen
from pipeline.ports.tracing import VectorLineage
from pipeline.stores.milvus import queries

TIME_LIMIT = 30.0
DOING = "tracing an interaction"


class MilvusLineage(VectorLineage):
    """The collections, read only; one is loaded when it is not, for nothing can be read of it otherwise.

    Args:
        client: A client from `connect`.
        collection: The settings' collection.
    """

    def __init__(self, client: MilvusClient, collection: str) -> None:
        self._client = client
        self._collection = collection
        self._loaded: dict[str, bool] = {}

    def vector(self, interaction_id: str, collections: Sequence[str] = ()) -> VectorSeen | None:
        """The vector, of the first of these collections that holds one; of the settings' one where none is named."""
        seen = (self._seen(interaction_id, collection) for collection in collections or (self._collection,))
        return next((one for one in seen if one is not None), None)

    def _seen(self, interaction_id: str, collection: str) -> VectorSeen | None:
        row = self._row(interaction_id, collection)
        if row is None:
            return None
        return VectorSeen(
            batch_id=row.batch_id,
            embedding_batch_id=row.embedding_batch_id,
            embedding_source=row.embedding_source,
            fence=row.fence,
            dimension=len(row.vector),
            norm=math.hypot(*row.vector),
            collection=collection,
        )

    def nearest(self, interaction_id: str, limit: int, collection: str = "") -> Sequence[Neighbour]:
        """Other records of the collection with a vector of the same source that are nearest; the nearest first."""
        where = collection or self._collection
        row = self._row(interaction_id, where) if limit else None
        if row is None:
            return []
        with ERRORS.guard(DOING):
            [hits] = self._client.search(where, data=[list(row.vector)], **search_of(row, limit))
        return [Neighbour(str(hit[queries.KEY]), float(hit["distance"])) for hit in hits]

    def _row(self, interaction_id: str, collection: str) -> VectorRow | None:
        if not self._load(collection):
            return None
        with ERRORS.guard(DOING):
            rows = self._client.query(
                collection,
                filter=filters.equals(queries.KEY, interaction_id),
                output_fields=list(queries.FIELDS),
                limit=1,
                timeout=TIME_LIMIT,
                consistency_level="Strong",
            )
        return queries.vector_row(rows[0]) if rows else None

    def _load(self, collection: str) -> bool:
        """Whether there is such a collection."""
        if collection not in self._loaded:
            with ERRORS.guard(DOING):
                self._loaded[collection] = bool(self._client.has_collection(collection, timeout=TIME_LIMIT))
            if self._loaded[collection]:
                ensure_loaded(self._client, collection, timeout=TIME_LIMIT)
        return self._loaded[collection]


def search_of(row: VectorRow, limit: int) -> dict[str, Any]:
    """What a search is told besides the vector."""
    return {
        "filter": neighbours_filter(row),
        "limit": limit,
        "anns_field": queries.VECTOR,
        "search_params": {"metric_type": queries.INDEX["metric_type"]},
        "output_fields": [queries.KEY],
        "timeout": TIME_LIMIT,
        "consistency_level": "Strong",
    }


def neighbours_filter(row: VectorRow) -> str:
    """Other rows of the same source: a fallback vector says nothing of its text."""
    same = filters.equals("embedding_source", row.embedding_source)
    return f"{same} and {queries.KEY} != {filters.literal(row.interaction_id)}"
