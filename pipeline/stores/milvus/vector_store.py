"""The vector store on Milvus: upserts by interaction_id, reads by primary key at consistency Strong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pymilvus import DataType, MilvusClient

from pipeline.errors import TerminalError
from pipeline.model import VectorRow, short
from pipeline.stores.milvus import queries
from pipeline.stores.milvus.errors import ERRORS

CHUNK = 500
TIME_LIMIT = 60.0


class MilvusVectorStore:
    """Implements `pipeline.ports.VectorStore`.

    Args:
        client: A client from `connect`.
        collection: The collection; one per embedding model.
    """

    def __init__(self, client: MilvusClient, collection: str) -> None:
        self._client = client
        self._collection = collection

    def prepare(self) -> None:
        """Create and load the collection; idempotent.

        Raises:
            TerminalError: It exists with vectors of another dimension.
        """
        with ERRORS.guard(f"preparing collection {self._collection}"):
            if not self._client.has_collection(self._collection, timeout=TIME_LIMIT):
                self._create()
            self._client.load_collection(self._collection, timeout=TIME_LIMIT)
            description = self._client.describe_collection(self._collection, timeout=TIME_LIMIT)
        self._check_dimension(description)

    def upsert(self, rows: Sequence[VectorRow]) -> None:
        """Write vectors by interaction_id.

        Raises:
            TerminalError: A vector has the wrong length or a component that is not finite; nothing was written.
        """
        for row in rows:
            _check(row)
        for start in range(0, len(rows), CHUNK):
            chunk = rows[start : start + CHUNK]
            with ERRORS.guard(f"writing vectors of batch {short(chunk[0].batch_id)}"):
                self._client.upsert(self._collection, [queries.entity(row) for row in chunk], timeout=TIME_LIMIT)

    def present(self, embedding_batch_id: str, interaction_ids: Sequence[str]) -> Mapping[str, str]:
        """embedding_source of each of these ids that this embedding batch has written."""
        found: dict[str, str] = {}
        for page in queries.pages(interaction_ids, CHUNK):
            with ERRORS.guard(f"reading vectors of embedding batch {embedding_batch_id}"):
                rows = self._client.query(
                    self._collection,
                    filter=queries.keys_filter(queries.KEY, page),
                    output_fields=[queries.KEY, "embedding_batch_id", "embedding_source"],
                    timeout=TIME_LIMIT,
                    consistency_level="Strong",
                )
            written = (row for row in rows if row["embedding_batch_id"] == embedding_batch_id)
            found.update({row[queries.KEY]: row["embedding_source"] for row in written})
        return found

    def _create(self) -> None:
        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        for name, length in queries.VARCHARS.items():
            schema.add_field(name, DataType.VARCHAR, max_length=length, is_primary=name == queries.KEY)
        schema.add_field("fence", DataType.INT64)
        schema.add_field(queries.VECTOR, DataType.FLOAT_VECTOR, dim=queries.DIMENSION)
        index = self._client.prepare_index_params()
        index.add_index(**queries.INDEX)
        self._client.create_collection(self._collection, schema=schema, index_params=index, timeout=TIME_LIMIT)

    def _check_dimension(self, description: Mapping[str, Any]) -> None:
        field = next((field for field in description["fields"] if field["name"] == queries.VECTOR), None)
        there = int(field["params"]["dim"]) if field else 0
        if there != queries.DIMENSION:
            raise TerminalError(
                f"Milvus: collection {self._collection} holds vectors of {there} components, not {queries.DIMENSION}.",
                next_step="Name another collection: MILVUS_COLLECTION.",
            )


def _check(row: VectorRow) -> None:
    if len(row.vector) != queries.DIMENSION or not all(map(math.isfinite, row.vector)):
        raise TerminalError(
            f"Milvus: the vector of {row.interaction_id!r} has {len(row.vector)} components, or one is not finite.",
            next_step="This is a bug in the embed stage: such a vector is counted, not written.",
        )
