"""The undo journal: what vectors were before an embedding batch wrote over them, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy
from pymongo import UpdateOne
from pymongo.client_session import ClientSession

from expectations_plugins.mongodb.connection import Database
from expectations_plugins.mongodb.errors import ERRORS
from pipeline.core.batches import Lease
from pipeline.core.embeddings import BeforeImage, VectorRow
from pipeline.core.fields import INTERACTION_ID
from pipeline.stores.mongodb.fencing import Fence
from pipeline.stores.mongodb.indexes import ensure

COLLECTION = "undo_journal"
INDEXES = (
    {"name": "embedding_batch", "keys": [("embedding_batch_id", 1), (INTERACTION_ID, 1)]},
    {"name": "before", "keys": [("before.embedding_batch_id", 1)], "sparse": True},
)
FLOAT32 = "<f4"
"""What Milvus keeps of a component."""


class MongoUndoJournal:
    """Implements `pipeline.ports.UndoJournal`.

    Args:
        database: A handle from `connect`; the caller closes its client.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._images = database.get_collection(COLLECTION)
        self._fence = Fence(database)

    def prepare(self) -> None:
        """Create indexes; idempotent."""
        ensure(self._database, COLLECTION, INDEXES)

    def keep(self, lease: Lease, embedding_batch_id: str, images: Sequence[BeforeImage]) -> None:
        """Keep before-images; the first one of an id stays, so that a retry does not keep its own rows."""
        writes = [
            UpdateOne(
                {"_id": _key(embedding_batch_id, one)}, {"$setOnInsert": _document(embedding_batch_id, one)}, True
            )
            for one in images
        ]
        doing = f"keeping before-images of embedding batch {embedding_batch_id}"

        def kept(session: ClientSession) -> None:
            if writes:
                self._images.bulk_write(writes, ordered=False, session=session)

        self._fence.write(lease.batch_id, lease.fence, kept, doing=doing)

    def images(self, embedding_batch_id: str, interaction_ids: Sequence[str]) -> Mapping[str, BeforeImage]:
        """Before-images of these ids."""
        found: dict[str, BeforeImage] = {}
        with ERRORS.guard(f"reading before-images of embedding batch {embedding_batch_id}"):
            size = self._database.capabilities.ids_at_once
            for start in range(0, len(interaction_ids), size):
                keys = [f"{embedding_batch_id}:{key}" for key in interaction_ids[start : start + size]]
                with self._images.find({"_id": {"$in": keys}}) as rows:
                    found |= {row[INTERACTION_ID]: _image(row) for row in rows}
        return found

    def restorable(self, embedding_batch_id: str) -> Iterator[BeforeImage]:
        """Before-images that hold a row."""
        condition = {"embedding_batch_id": {"$eq": embedding_batch_id}, "before": {"$ne": None}}
        with (
            ERRORS.guard(f"reading before-images of embedding batch {embedding_batch_id}"),
            self._images.find(condition).batch_size(200) as rows,
        ):
            for row in rows:
                yield _image(row)

    def counts(self, embedding_batch_id: str) -> tuple[int, int]:
        """(places that were empty, places that held a row)."""
        of_batch = {"embedding_batch_id": {"$eq": embedding_batch_id}}
        with ERRORS.guard(f"counting before-images of embedding batch {embedding_batch_id}"):
            whole = self._images.count_documents(of_batch)
            held = self._images.count_documents({**of_batch, "before": {"$ne": None}})
        return whole - held, held

    def later(self, embedding_batch_id: str) -> Sequence[str]:
        """Embedding batches that wrote over rows of this one and were not rolled back."""
        condition = {"before.embedding_batch_id": {"$eq": embedding_batch_id}, "rolled_back": {"$ne": True}}
        with ERRORS.guard(f"looking for what wrote over embedding batch {embedding_batch_id}"):
            return sorted(self._images.distinct("embedding_batch_id", condition))

    def rolled_back(self, embedding_batch_id: str) -> None:
        """Mark the embedding batch's images: they stand in nobody's way any more."""
        with ERRORS.guard(f"marking before-images of embedding batch {embedding_batch_id}"):
            self._images.update_many(
                {"embedding_batch_id": {"$eq": embedding_batch_id}}, {"$set": {"rolled_back": True}}
            )


def _key(embedding_batch_id: str, image: BeforeImage) -> str:
    return f"{embedding_batch_id}:{image.interaction_id}"


def _document(embedding_batch_id: str, image: BeforeImage) -> dict[str, Any]:
    return {
        "embedding_batch_id": embedding_batch_id,
        INTERACTION_ID: image.interaction_id,
        "before": None if image.row is None else _row_document(image.row),
        "rolled_back": False,
    }


def _row_document(row: VectorRow) -> dict[str, Any]:
    return {
        "batch_id": row.batch_id,
        "embedding_batch_id": row.embedding_batch_id,
        "embedding_source": row.embedding_source,
        "fence": row.fence,
        "vector": numpy.asarray(row.vector, dtype=FLOAT32).tobytes(),
    }


def _image(document: Mapping[str, Any]) -> BeforeImage:
    before = document["before"]
    if before is None:
        return BeforeImage(document[INTERACTION_ID], None)
    vector = tuple(float(component) for component in numpy.frombuffer(before["vector"], dtype=FLOAT32))
    row = VectorRow(
        interaction_id=document[INTERACTION_ID],
        batch_id=before["batch_id"],
        embedding_batch_id=before["embedding_batch_id"],
        embedding_source=before["embedding_source"],
        fence=int(before["fence"]),
        vector=vector,
    )
    return BeforeImage(document[INTERACTION_ID], row)
