"""Queries and updates of schema versions and migrations: pure functions, golden in the tests."""

from __future__ import annotations

from typing import Any

from pipeline.stores.mongodb.ledger_queries import LEDGER_VERSION, literal

Document = dict[str, Any]

MARK = {"_id": "schema"}
"""The document of `ledger_meta` that holds the ledger's version."""

NO_COLLECTION = [None, ""]
"""What a manifest has in place of its collection when it names none; None is also a field that is missing."""

READ = {"schema_version": 1, "embedding": 1, "embeddings": 1}
"""What a migration reads of a batch."""

NAMED = {"embeddings": 1}


def marked(version: int) -> Document:
    """The ledger is of this version."""
    return {"$set": {"version": version}}


def marked_if_new(version: int) -> Document:
    """A ledger without a version is of this one."""
    return {"$setOnInsert": {"version": version}}


def held_now() -> Document:
    """Leases that have not expired, by the server's clock."""
    return {"$expr": {"$gt": [{"$toLong": "$expires_at"}, {"$toLong": "$$NOW"}]}}


def older() -> Document:
    """Batches that an older program began, or whose version a program of this one never wrote."""
    return {"schema_version": {"$ne": LEDGER_VERSION}}


def incomplete() -> Document:
    """Batches of an older version, and such as have a manifest without a collection, whatever their version says.

    A program that was running when the ledger was migrated may have written either of them since.
    """
    manifests = {"$objectToArray": {"$ifNull": ["$embeddings", {}]}}
    no_home = {"$eq": [{"$ifNull": ["$$this.v.collection", ""]}, ""]}
    any_homeless = {"$anyElementTrue": [{"$map": {"input": manifests, "in": no_home}}]}
    return {"$or": [older(), {"$expr": any_homeless}]}


def homeless(batch_id: str, name: str) -> Document:
    """The batch, as long as the manifest of this embedding batch names no collection."""
    return {"_id": {"$eq": batch_id}, f"embeddings.{name}.collection": {"$in": NO_COLLECTION}}


def placed(name: str, collection: str, model: str) -> list[Document]:
    """A manifest with its collection and its model; the same in the latest one, if it is that."""
    found = literal({"collection": collection, "model": model})
    is_latest = {"$eq": ["$embedding.embedding_batch_id", literal(name)]}
    latest = {"$cond": [is_latest, {"$mergeObjects": ["$embedding", found]}, "$embedding"]}
    # of the latest one the ledger may hold this copy alone
    base = {"$cond": [is_latest, "$embedding", {}]}
    return [
        {"$set": {f"embeddings.{name}": {"$mergeObjects": [base, f"$embeddings.{name}", found]}, "embedding": latest}}
    ]


def finished(version: int) -> Document:
    """A batch is of this version."""
    return {"$set": {"schema_version": version}}
