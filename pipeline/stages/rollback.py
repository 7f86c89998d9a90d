"""Taking an embedding batch back: exactly the rows that are its own now, to what they were before, verified.

Safe to interrupt and to do again: what is left to do is what the store still holds, and the journal stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from pipeline.errors import ConfigurationError, TransientError
from pipeline.model import BeforeImage, Lease, RollbackPlan, VectorRow, short
from pipeline.ports import Ledger, UndoJournal, VectorStore

CHUNK = 200


class Rollback:
    """Rolls embedding batches back.

    Args:
        vectors: Where the vectors are.
        journal: What they were before.
        ledger: Where it is written down.
    """

    def __init__(self, vectors: VectorStore, journal: UndoJournal, ledger: Ledger) -> None:
        self._vectors = vectors
        self._journal = journal
        self._ledger = ledger

    def plan(self, document: Mapping[str, Any]) -> RollbackPlan:
        """What taking a batch's latest embedding batch back would do.

        Args:
            document: The batch's ledger document.

        Raises:
            ConfigurationError: It has none, or that was rolled back already.
        """
        batch_id, embedding = str(document["_id"]), document.get("embedding") or {}
        if not embedding.get("embedding_batch_id"):
            raise ConfigurationError(f"Batch {short(batch_id)} has no embedding batch.")
        if embedding.get("rolled_back_at"):
            raise ConfigurationError(
                f"The latest embedding batch of {short(batch_id)} was rolled back already.",
                next_step=f"Embed it again: run.py recheck {short(batch_id)} --redo",
            )
        return self._planned(batch_id, str(embedding["embedding_batch_id"]))

    def perform(self, lease: Lease, batch_id: str, embedding_batch_id: str) -> RollbackPlan:
        """Remove what the embedding batch wrote, and put back what it replaced.

        Raises:
            ConfigurationError: A later embedding batch wrote over its vectors.
            TransientError: The store did not do all it said; calling again goes on.
        """
        plan = self._planned(batch_id, embedding_batch_id)
        if plan.later:
            raise ConfigurationError(
                f"Embedding batch {embedding_batch_id} cannot be rolled back: later ones wrote over its vectors:"
                f" {', '.join(plan.later)}.",
                next_step="Roll those back first.",
            )
        self._take_back(embedding_batch_id)
        self._verify(embedding_batch_id)
        self._journal.rolled_back(embedding_batch_id)
        self._ledger.set_rolled_back(lease, plan)
        return plan

    def _planned(self, batch_id: str, embedding_batch_id: str) -> RollbackPlan:
        removed, restored = self._journal.counts(embedding_batch_id)
        later = tuple(self._journal.later(embedding_batch_id))
        return RollbackPlan(batch_id, embedding_batch_id, removed, restored, later)

    def _take_back(self, embedding_batch_id: str) -> None:
        seen: set[str] = set()
        while ids := self._vectors.some_of(embedding_batch_id, CHUNK):
            if seen.issuperset(ids):
                raise self._unfinished(embedding_batch_id, "the store says it changed them, and did not")
            seen.update(ids)
            images = self._journal.images(embedding_batch_id, ids)
            before = [row for key in ids if (row := _row(images.get(key))) is not None]
            restored = {row.interaction_id for row in before}
            self._vectors.upsert(before)
            self._vectors.delete([key for key in ids if key not in restored])

    def _verify(self, embedding_batch_id: str) -> None:
        if left := self._vectors.count_of(embedding_batch_id):
            raise self._unfinished(embedding_batch_id, f"{left:,} of its vectors are still there")
        for images in _chunks(self._journal.restorable(embedding_batch_id)):
            now = self._vectors.rows([image.interaction_id for image in images])
            wrong = [image for image in images if now.get(image.interaction_id) != image.row]
            self._vectors.upsert([row for image in wrong if (row := image.row) is not None])
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
