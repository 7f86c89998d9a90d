"""Vectors of runs that had lost their batch: Milvus cannot refuse such a write, so its rows carry the writer's fence.

A row counts only when it was written under the fence that the ledger has for its embedding batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from expectations_plugins.core.errors import TransientError
from pipeline.core.batch import Batch
from pipeline.core.batches import Lease, short
from pipeline.core.embeddings import EmbedManifest
from pipeline.ports.vectors import UndoJournal, VectorCollections, VectorStore
from pipeline.stages.placement import collections_of, existing

CHUNK = 500


def writers(batch: Batch) -> dict[str, int]:
    """The fence of each embedding batch of a batch that was not rolled back."""
    return {one.embedding_batch_id: one.fence for one in batch.embeddings.values() if not one.rolled_back_at}


class Sweep:
    """Removes rows that do not count, from every collection that exists and may hold vectors of the batch.

    Args:
        collections: Where the vectors are.
        journal: Asked to keep nothing: it checks the lease, which Milvus cannot.
    """

    def __init__(self, collections: VectorCollections, journal: UndoJournal) -> None:
        self._collections = collections
        self._journal = journal

    def perform(self, lease: Lease, batch: Batch) -> Sequence[str]:
        """Remove them; their ids.

        Raises:
            LeaseLostError: It is we who have lost the batch.
            TransientError: The store did not do what it said.
        """
        known, names = writers(batch), collections_of(batch, self._collections.current)
        stores = existing(self._collections, names)
        return [key for vectors in stores for key in self._sweep(vectors, lease, known, None)]

    def take_over(self, lease: Lease, batch: Batch, manifest: EmbedManifest) -> Sequence[str]:
        """Before an embedding batch is written, or gone on with: what a crashed run wrote of it becomes this run's.

        Rows that do not count otherwise are removed, so that none is taken for done, or for a before-image.

        Returns:
            The ids of those that were removed.
        """
        taken, names = manifest.embedding_batch_id, collections_of(batch, manifest.collection)
        known = writers(batch) | {taken: manifest.fence}
        stores = existing(self._collections, (manifest.collection, *names))
        return [key for vectors in stores for key in self._sweep(vectors, lease, known, taken)]

    def _sweep(self, vectors: VectorStore, lease: Lease, known: Mapping[str, int], taken: str | None) -> list[str]:
        seen: set[str] = set()
        removed: list[str] = []
        while ids := vectors.strays(lease.batch_id, known, CHUNK):
            if seen.issuperset(ids):
                raise TransientError(
                    f"Milvus: stale vectors of batch {short(lease.batch_id)} are still there after they were removed.",
                    next_step="Run again.",
                )
            seen.update(ids)
            self._journal.keep(lease, taken or "", ())
            rows = vectors.rows(ids)
            kept = [
                replace(row, fence=known[taken]) for row in rows.values() if taken and row.embedding_batch_id == taken
            ]
            vectors.upsert(kept)
            gone = sorted(set(ids) - {row.interaction_id for row in kept})
            vectors.delete(gone)
            removed += gone
        return removed
