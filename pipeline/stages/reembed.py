"""Replacing fallback vectors once the model is back: an embedding batch of its own, gated like any other."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from pipeline.core.batch import Batch
from pipeline.core.embeddings import FALLBACK_SOURCE, EmbedManifest
from pipeline.ports.ledger import Ledger
from pipeline.ports.steps import BatchContext
from pipeline.ports.stores import RawStore
from pipeline.ports.vectors import Embedder, UndoJournal, VectorCollections
from pipeline.stages.embed import REEMBED, Tally, Writer, announce, begun, finished
from pipeline.stages.sweep import Sweep


class Reembedder:
    """Replaces a batch's fallback vectors by real ones of the batch's model, in the collection where they are.

    Args:
        raw, collections, journal, embedder, ledger, sample_size, chunk: As of the embed stage.
    """

    def __init__(
        self,
        raw: RawStore,
        collections: VectorCollections,
        journal: UndoJournal,
        embedder: Embedder,
        ledger: Ledger,
        *,
        sample_size: int = 100,
        chunk: int = 500,
    ) -> None:
        self._raw = raw
        self._collections = collections
        self._journal = journal
        self._embedder = embedder
        self._ledger = ledger
        self._sample_size = sample_size
        self._chunk = chunk

    def run(self, context: BatchContext, begin: Callable[[], None]) -> EmbedManifest | None:
        """Replace what can be replaced.

        Args:
            context: The batch.
            begin: Called before the first write: what is written from then on is judged, whatever ends this.

        Returns:
            What was written; None when there was nothing to replace, or the model is still down.
        """
        batch = self._ledger.batch(context.batch_id) or Batch(context.batch_id)
        started = begun(context.lease, batch, REEMBED, self._collections, self._embedder.model)
        swept = Sweep(self._collections, self._journal).take_over(context.lease, batch, started)
        writer = Writer.of(context, started, self._collections, self._journal, self._embedder)
        waiting = {*writer.vectors.fallbacks(context.batch_id), *swept}
        messages = ((key, text) for key, text in self._raw.messages(context.batch_id) if key in waiting)
        tally, recorded = Tally(), False
        while chunk := list(islice(messages, self._chunk)):
            part = Tally()
            rows = [row for row in writer.made(chunk, part, ()) if row.embedding_source != FALLBACK_SOURCE]
            if not rows and not part.rejected:
                break  # the model is still down: the rest would only wait for it
            if not recorded:
                self._ledger.set_embedding(context.lease, started)  # first: what is begun below goes on with it
                begin()
                announce(context, started)
                recorded = True
            writer.write(rows)
            tally.ids += [*(row.interaction_id for row in rows), *part.invalid]
            tally.rejected.update(part.rejected)
            tally.refused |= part.refused
            tally.wrote({row.interaction_id: row.embedding_source for row in rows})
            context.progress.advance("reembed", len(tally.ids), len(waiting))
        if not recorded:
            return None
        manifest = finished(started, tally, self._sample_size, accepted=batch.goes_without_vectors)
        self._ledger.set_embedding(context.lease, manifest)
        return manifest
