"""`MilvusVersionMark`: a collection's schema version, one of its properties; what a migration asks of old vectors."""

from __future__ import annotations

from pymilvus import MilvusClient

from expectations_plugins.milvus.connection import ensure_loaded
from expectations_plugins.milvus.errors import ERRORS
from pipeline.core.embeddings import FALLBACK_SOURCE, model_of
from pipeline.core.schema_versions import version_in
from pipeline.stores.milvus.vector_store import PROPERTY, TIME_LIMIT, MilvusVectorStore

SAMPLE = 100
"""Vectors looked at for the model that made them."""


class MilvusVersionMark:
    """Implements `pipeline.ports.upgrades.VersionMark`.

    Args:
        client: A client from `connect`; the caller closes it.
        collection: The collection.
    """

    store = "milvus"

    def __init__(self, client: MilvusClient, collection: str) -> None:
        self._client = client
        self._collection = collection
        self.where = f"collection {collection}"

    def found(self) -> int | None:
        """The collection's version; None when there is no such collection."""
        with ERRORS.guard(f"reading the schema version of collection {self._collection}"):
            if not self._client.has_collection(self._collection, timeout=TIME_LIMIT):
                return None
            described = self._client.describe_collection(self._collection, timeout=TIME_LIMIT)
        return version_in((described.get("properties") or {}).get(PROPERTY), self.store, self.where)

    def set(self, version: int) -> None:
        """Write the version down; other properties stay."""
        with ERRORS.guard(f"writing the schema version of collection {self._collection}"):
            self._client.alter_collection_properties(
                self._collection, properties={PROPERTY: str(version)}, timeout=TIME_LIMIT
            )


class MilvusOldVectors:
    """Implements `pipeline.ports.upgrades.OldVectors`.

    Args:
        client: A client from `connect`; the caller closes it.
        collection: The settings' collection.
        model: The settings' model.
    """

    def __init__(self, client: MilvusClient, collection: str, model: str) -> None:
        self._client = client
        self._model = model
        self._store = MilvusVectorStore(client, collection)
        self._is_there: bool | None = None
        self.collection = collection

    def model_of(self, embedding_batch_id: str) -> str | None:
        """The model that made vectors of this embedding batch, the settings' one when no model did.

        Returns:
            None when the collection holds no vector of it.
        """
        if not self._can_be_read():
            return None
        ids = self._store.some_of(embedding_batch_id, SAMPLE)
        sources = {model_of(source) for _, source in self._store.owners(ids).values()} - {FALLBACK_SOURCE}
        return min(sources, default=self._model) if ids else None

    def _can_be_read(self) -> bool:
        if self._is_there is None:
            self._is_there = self._store.exists()
            if self._is_there:
                ensure_loaded(self._client, self.collection, timeout=TIME_LIMIT)
        return self._is_there
