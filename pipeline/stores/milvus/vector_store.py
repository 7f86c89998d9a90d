"""The vector store on Milvus: upserts by interaction_id, reads by primary key at consistency Strong."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pymilvus import DataType, MilvusClient, MilvusException

from expectations_plugins.core.errors import SluicegateError, TerminalError, TransientError
from expectations_plugins.core.retry import through_contention
from expectations_plugins.milvus import filters
from expectations_plugins.milvus.connection import ensure_loaded
from expectations_plugins.milvus.errors import ERRORS, is_being_made
from pipeline.core.batches import short
from pipeline.core.embeddings import FALLBACK_SOURCE, VectorRow
from pipeline.core.schema_versions import SCHEMAS
from pipeline.stores.milvus import queries

LOG = logging.getLogger(__name__)

PROPERTY = "sluicegate.schema_version"
"""The property of a collection that holds its schema version."""

CHUNK = 500
TIME_LIMIT = 60.0
BEING_MADE = 30.0
"""Seconds to wait for a collection that another run makes."""

MOST_ROWS = 16_384
"""The most rows one Milvus query gives."""


class MilvusVectorStore:
    """Implements `pipeline.ports.VectorStore`.

    Args:
        client: A client from `connect`.
        collection: The collection; one per embedding model.
    """

    def __init__(self, client: MilvusClient, collection: str) -> None:
        self._client = client
        self._collection = collection

    def exists(self) -> bool:
        """Whether there is such a collection."""
        with ERRORS.guard(f"looking for collection {self._collection}"):
            return self._exists()

    def prepare(self) -> None:
        """Create, index and load the collection; idempotent, also when several runs do it at once.

        A collection that an earlier version made gets the indexes it lacks. Servers up to 2.4 use them once it was
        released and loaded again.

        Raises:
            TerminalError: It exists with other fields, or with vectors of another dimension.
        """
        with ERRORS.guard(f"preparing collection {self._collection}"):
            through_contention(self._create, undone=is_being_made, seconds=BEING_MADE)
            self._check_fields(self._client.describe_collection(self._collection, timeout=TIME_LIMIT))
            self._index(queries.VECTOR)
        self._index_text()
        ensure_loaded(self._client, self._collection, timeout=TIME_LIMIT)

    def examine(self) -> bool:
        """Whether there is such a collection, which is then one that can be used; nothing is made.

        Raises:
            TerminalError: It has other fields, or vectors of another dimension.
        """
        with ERRORS.guard(f"looking at collection {self._collection}"):
            if not self._exists():
                return False
            self._check_fields(self._client.describe_collection(self._collection, timeout=TIME_LIMIT))
        return True

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
        owners = self.owners(interaction_ids).items()
        return {key: source for key, (owner, source) in owners if owner == embedding_batch_id}

    def owners(self, interaction_ids: Sequence[str]) -> Mapping[str, tuple[str, str]]:
        """(embedding_batch_id, embedding_source) of each of these ids that has a row now."""
        found: dict[str, tuple[str, str]] = {}
        fields = [queries.KEY, "embedding_batch_id", "embedding_source"]
        for page in queries.pages(interaction_ids, CHUNK):
            for row in self._query(filters.keys_filter(queries.KEY, page), fields, CHUNK):
                found[row[queries.KEY]] = (row["embedding_batch_id"], row["embedding_source"])
        return found

    def rows(self, interaction_ids: Sequence[str]) -> Mapping[str, VectorRow]:
        """The rows of these ids as they are now, vectors and all."""
        found: dict[str, VectorRow] = {}
        for page in queries.pages(interaction_ids, CHUNK):
            where, fields = filters.keys_filter(queries.KEY, page), list(queries.FIELDS)
            found |= {row[queries.KEY]: queries.vector_row(row) for row in self._query(where, fields, CHUNK)}
        return found

    def delete(self, interaction_ids: Sequence[str]) -> None:
        """Delete rows; an id that is not there is none the worse."""
        for page in queries.pages(interaction_ids, CHUNK):
            with ERRORS.guard(f"deleting from collection {self._collection}"):
                self._client.delete(self._collection, filter=filters.keys_filter(queries.KEY, page), timeout=TIME_LIMIT)

    def some_of(self, embedding_batch_id: str, limit: int) -> Sequence[str]:
        """Ids whose row this embedding batch wrote last, some of them, in no order."""
        rows = self._query(filters.equals("embedding_batch_id", embedding_batch_id), [queries.KEY], limit)
        return [row[queries.KEY] for row in rows]

    def count_of(self, embedding_batch_id: str) -> int:
        """How many rows this embedding batch wrote last."""
        [row] = self._query(filters.equals("embedding_batch_id", embedding_batch_id), ["count(*)"], None)
        return int(row["count(*)"])

    def of_batch(self, batch_id: str) -> Iterator[str]:
        """Ids of the batch that have a row."""
        return self._keys(filters.equals("batch_id", batch_id))

    def strays(self, batch_id: str, writers: Mapping[str, int], limit: int) -> Sequence[str]:
        """Ids of the batch whose row is of none of these writers: fences, by embedding batch."""
        rows = self._query(queries.strays(batch_id, writers), [queries.KEY], limit)
        return [row[queries.KEY] for row in rows]

    def fallbacks(self, batch_id: str) -> Sequence[str]:
        """Ids of the batch whose vector no model made, sorted."""
        where = f"{filters.equals('batch_id', batch_id)} and {filters.equals('embedding_source', FALLBACK_SOURCE)}"
        return sorted(self._keys(where))

    def _keys(self, where: str) -> Iterator[str]:
        """All keys that meet a filter. A query gives any rows up to its limit, so a full answer is cut in two."""
        keys = sorted(row[queries.KEY] for row in self._query(where, [queries.KEY], MOST_ROWS))
        if len(keys) < MOST_ROWS:
            yield from keys
            return
        middle = filters.literal(keys[len(keys) // 2])
        for part in (f"{queries.KEY} < {middle}", f"{queries.KEY} >= {middle}"):
            yield from self._keys(f"({where}) and {part}")

    def _query(self, where: str, fields: list[str], limit: int | None) -> list[dict[str, Any]]:
        bound = {} if limit is None else {"limit": limit}
        with ERRORS.guard(f"reading collection {self._collection}"):
            rows = self._client.query(
                self._collection,
                filter=where,
                output_fields=fields,
                timeout=TIME_LIMIT,
                consistency_level="Strong",
                **bound,
            )
        return [dict(row) for row in rows]

    def _create(self) -> None:
        if self._exists():
            return
        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        for name, length in queries.VARCHARS.items():
            schema.add_field(name, DataType.VARCHAR, max_length=length, is_primary=name == queries.KEY)
        schema.add_field("fence", DataType.INT64)
        schema.add_field(queries.VECTOR, DataType.FLOAT_VECTOR, dim=queries.DIMENSION)
        version = {PROPERTY: str(SCHEMAS["milvus"].current)}
        self._client.create_collection(self._collection, schema=schema, properties=version, timeout=TIME_LIMIT)

    def _exists(self) -> bool:
        return bool(self._client.has_collection(self._collection, timeout=TIME_LIMIT))

    def _index_text(self) -> None:
        """Index what rows are looked up by: quicker, but not needed, so a server that refuses it is told of only."""
        for field in queries.LOOKED_UP:
            try:
                with ERRORS.guard(f"indexing {field} of collection {self._collection}"):
                    self._index(field)
            except TransientError:
                raise
            except SluicegateError as error:
                LOG.warning("%s Batches take the longer the more vectors there are.", error.message)

    def _index(self, field: str) -> None:
        if self._is_indexed(field):
            return
        parameters = self._client.prepare_index_params()
        version = self._client.get_server_version(timeout=TIME_LIMIT)
        parameters.add_index(**(queries.INDEX if field == queries.VECTOR else queries.text_index(field, version)))
        try:
            self._client.create_index(self._collection, parameters, timeout=TIME_LIMIT, sync=False)
        except MilvusException:
            if not self._is_indexed(field):  # otherwise another run was quicker
                raise

    def _is_indexed(self, field: str) -> bool:
        return bool(self._client.list_indexes(self._collection, field_name=field, timeout=TIME_LIMIT))

    def _check_fields(self, description: Mapping[str, Any]) -> None:
        fields = {field["name"]: field for field in description["fields"]}
        there = int(fields.get(queries.VECTOR, {}).get("params", {}).get("dim", queries.DIMENSION))
        said = f"holds vectors of {there} components, not {queries.DIMENSION}" if there != queries.DIMENSION else ""
        if not said and (lacking := [name for name in queries.FIELDS if name not in fields]):
            said = f"is another program's: it has no field {', '.join(lacking)}"
        if said:
            raise TerminalError(
                f"Milvus: collection {self._collection} {said}.",
                next_step="Name another collection: MILVUS_COLLECTION.",
            )


def _check(row: VectorRow) -> None:
    if len(row.vector) != queries.DIMENSION or not all(map(math.isfinite, row.vector)):
        raise TerminalError(
            f"Milvus: the vector of {row.interaction_id!r} has {len(row.vector)} components, or one is not finite.",
            next_step="This is a bug in the embed stage: such a vector is counted, not written.",
        )
