"""The embed stage: messages to vectors, vectors into the vector store, and a manifest of what was written."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from pipeline.model import FALLBACK_SOURCE, EmbedManifest, VectorRow
from pipeline.ports import BatchContext, Embedder, Ledger, RawStore, VectorStore


class EmbedStage:
    """Embeds the messages of accepted records. What is there already is not embedded again.

    Args:
        raw: Where the batch is.
        vectors: Where the vectors go.
        embedder: Makes them.
        ledger: Where the manifest goes.
        sample_size: How many ids the vector gate samples at most.
        chunk: Records embedded at once.
    """

    name = "embed"

    def __init__(
        self,
        raw: RawStore,
        vectors: VectorStore,
        embedder: Embedder,
        ledger: Ledger,
        *,
        sample_size: int = 100,
        chunk: int = 500,
    ) -> None:
        self._raw = raw
        self._vectors = vectors
        self._embedder = embedder
        self._ledger = ledger
        self._sample_size = sample_size
        self._chunk = chunk

    def run(self, context: BatchContext) -> Mapping[str, Any]:
        """Embed one batch.

        Raises:
            TerminalError: The model refuses us. A model that is down gives fallback vectors instead.
        """
        embedding_batch_id = first_embedding_batch(context.batch_id)
        messages = self._raw.messages(context.batch_id)
        ids: list[str] = []
        sources: Counter[str] = Counter()
        rejected: Counter[str] = Counter()
        while chunk := list(islice(messages, self._chunk)):
            ids += [interaction_id for interaction_id, _ in chunk]
            self._embed(context, embedding_batch_id, chunk, sources, rejected)
            context.progress.advance(self.name, len(ids), None)
        manifest = EmbedManifest(
            embedding_batch_id=embedding_batch_id,
            expected=len(ids),
            written=sources.total(),
            fallback=sources[FALLBACK_SOURCE],
            rejected=dict(rejected),
            sample_ids=drawn(ids, embedding_batch_id, self._sample_size),
        )
        self._ledger.set_embedding(context.lease, manifest)
        return {
            "expected": manifest.expected,
            "written": manifest.written,
            "fallback": manifest.fallback,
            "rejected": rejected.total(),
        }

    def _embed(
        self,
        context: BatchContext,
        embedding_batch_id: str,
        chunk: Sequence[tuple[str, str]],
        sources: Counter[str],
        rejected: Counter[str],
    ) -> None:
        there = self._vectors.present(embedding_batch_id, [interaction_id for interaction_id, _ in chunk])
        done = {key: source for key, source in there.items() if source != FALLBACK_SOURCE}
        sources.update(done.values())
        missing = [(key, text) for key, text in chunk if key not in done]
        rows = list(self._rows(context, embedding_batch_id, missing, rejected))
        self._vectors.upsert(rows)
        sources.update(row.embedding_source for row in rows)

    def _rows(
        self,
        context: BatchContext,
        embedding_batch_id: str,
        missing: Sequence[tuple[str, str]],
        rejected: Counter[str],
    ) -> Iterator[VectorRow]:
        embeddings = self._embedder.embed([text for _, text in missing]) if missing else []
        for (interaction_id, _), embedding in zip(missing, embeddings, strict=True):
            if embedding.invalid is not None:
                rejected[embedding.invalid] += 1
                continue
            yield VectorRow(
                interaction_id=interaction_id,
                batch_id=context.batch_id,
                embedding_batch_id=embedding_batch_id,
                embedding_source=embedding.source,
                fence=context.lease.fence,
                vector=embedding.vector,
            )


def first_embedding_batch(batch_id: str) -> str:
    """Id of a batch's first embedding batch: derived, so that a crashed run and its successor write the same one."""
    return hashlib.sha256(f"{batch_id}:embed:1".encode()).hexdigest()[:32]


def drawn(ids: Sequence[str], embedding_batch_id: str, size: int) -> tuple[str, ...]:
    """The sample the vector gate judges.

    Args:
        ids: Ids that ought to have a vector.
        embedding_batch_id: The seed, so that a crash cannot redraw a verdict.
        size: How many at most; with fewer ids, all.
    """
    chosen = random.Random(embedding_batch_id).sample(sorted(ids), min(size, len(ids)))  # noqa: S311 - no secret
    return tuple(sorted(chosen))
