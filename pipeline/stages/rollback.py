"""Taking an embedding batch back: exactly the rows that are its own now, to what they were before, verified.

It acts in the collection that the embedding batch's manifest names. What it is going to remove is counted there and
is in the ledger before anything is removed, so that an interrupted one that is done again still says the whole number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import islice

from expectations_plugins.core.errors import ConfigurationError, TransientError
from pipeline.core.batch import Batch, EmbeddingState
from pipeline.core.batches import Lease
from pipeline.core.embeddings import BeforeImage, VectorRow
from pipeline.core.program import program
from pipeline.core.rollback_plan import RollbackPlan
from pipeline.ports.ledger import Ledger
from pipeline.ports.vectors import UndoJournal, VectorCollections, VectorStore
from pipeline.stages.placement import declared, existing, located, refuse_elsewhere

CHUNK = 200


class Rollback:
    """Rolls embedding batches back.

    Args:
        collections: Where the vectors are.
        journal: What they were before.
        ledger: Where it is written down.
    """

    def __init__(self, collections: VectorCollections, journal: UndoJournal, ledger: Ledger) -> None:
        self._collections = collections
        self._journal = journal
        self._ledger = ledger

    def plan(self, batch: Batch, collection: str = "") -> RollbackPlan:
        """What taking a batch's latest embedding batch back would do, counted in the store.

        Args:
            batch: The batch.
            collection: Where a person says that its vectors are, or were: for manifests that do not say it.

        Raises:
            ConfigurationError: It has none, or that was rolled back already, or is in another collection, or
                `collection` does not exist, or its manifest names none and the settings' one holds none of its vectors.
        """
        embedding = batch.embedding
        if embedding is None or not embedding.embedding_batch_id:
            raise ConfigurationError(f"Batch {batch.name} has no embedding batch.")
        if embedding.rolled_back_at:
            raise ConfigurationError(
                f"The latest embedding batch of {batch.name} was rolled back already.",
                next_step=f"Embed it again: {program()} recheck {batch.name} --redo",
            )
        return self._planned(batch.batch_id, embedding, collection)

    def perform(self, lease: Lease, batch_id: str, embedding_batch_id: str, collection: str = "") -> RollbackPlan:
        """Remove what the embedding batch wrote, and put back what it replaced.

        Returns:
            What was done: what the store held of it before, and holds no more.

        Raises:
            ConfigurationError: As `plan`; or a later embedding batch wrote over its vectors.
            TransientError: The store did not do all it said; calling again goes on.
        """
        plan = self._planned(batch_id, self._manifest(batch_id, embedding_batch_id), collection)
        if plan.later:
            raise ConfigurationError(
                f"Embedding batch {embedding_batch_id} cannot be rolled back: later ones wrote over its vectors:"
                f" {', '.join(plan.later)}.",
                next_step="Roll those back first.",
            )
        self._ledger.begin_rollback(lease, plan)
        for vectors in existing(self._collections, [plan.collection]):
            self._take_back(vectors, embedding_batch_id)
            self._verify(vectors, embedding_batch_id)
        self._journal.rolled_back(embedding_batch_id)
        self._ledger.set_rolled_back(lease, plan)
        return plan

    def _manifest(self, batch_id: str, embedding_batch_id: str) -> EmbeddingState:
        batch = self._ledger.batch(batch_id) or Batch(batch_id)
        return batch.embeddings.get(embedding_batch_id) or EmbeddingState(embedding_batch_id)

    def _planned(self, batch_id: str, manifest: EmbeddingState, collection: str) -> RollbackPlan:
        name, noted = manifest.embedding_batch_id, manifest.collection
        refuse_elsewhere(batch_id, manifest, collection)
        later = tuple(self._journal.later(name))
        if begun := manifest.rollback:
            return RollbackPlan(batch_id, name, **asdict(begun), later=later)
        expected = manifest.written or sum(self._journal.counts(name))
        if collection and not noted:
            where = declared(self._collections, batch_id, name, collection)
        else:
            where = located(self._collections, batch_id, manifest, expected)
        exists = self._collections.exists(where)
        removed, restored = self._counted(self._collections.open(where), name) if exists else (0, 0)
        return RollbackPlan(batch_id, name, where, removed, restored, expected, later, exists=exists)

    def _counted(self, vectors: VectorStore, embedding_batch_id: str) -> tuple[int, int]:
        """Rows of it that are there now: (those that replaced nothing, those that replaced another)."""
        there, restored = vectors.count_of(embedding_batch_id), 0
        for images in _chunks(self._journal.restorable(embedding_batch_id)):
            restored += len(vectors.present(embedding_batch_id, [image.interaction_id for image in images]))
        return there - restored, restored

    def _take_back(self, vectors: VectorStore, embedding_batch_id: str) -> None:
        seen: set[str] = set()
        while ids := vectors.some_of(embedding_batch_id, CHUNK):
            if seen.issuperset(ids):
                raise self._unfinished(embedding_batch_id, "the store says it changed them, and did not")
            seen.update(ids)
            images = self._journal.images(embedding_batch_id, ids)
            before = [row for key in ids if (row := _row(images.get(key))) is not None]
            restored = {row.interaction_id for row in before}
            vectors.upsert(before)
            vectors.delete([key for key in ids if key not in restored])

    def _verify(self, vectors: VectorStore, embedding_batch_id: str) -> None:
        if left := vectors.count_of(embedding_batch_id):
            raise self._unfinished(embedding_batch_id, f"{left:,} of its vectors are still there")
        for images in _chunks(self._journal.restorable(embedding_batch_id)):
            now = vectors.rows([image.interaction_id for image in images])
            wrong = [image for image in images if now.get(image.interaction_id) != image.row]
            vectors.upsert([row for image in wrong if (row := image.row) is not None])
            if wrong:
                raise self._unfinished(embedding_batch_id, f"{len(wrong):,} vectors are not what they were before")

    def _unfinished(self, embedding_batch_id: str, why: str) -> TransientError:
        return TransientError(
            f"Milvus: embedding batch {embedding_batch_id} is not rolled back: {why}.",
            next_step="Trying again goes on.",
        )


def _row(image: BeforeImage | None) -> VectorRow | None:
    return image.row if image else None


def _chunks(images: Iterator[BeforeImage]) -> Iterator[Sequence[BeforeImage]]:
    while chunk := list(islice(images, CHUNK)):
        yield chunk
