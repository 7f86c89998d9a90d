"""The embed stage: messages to vectors, vectors into the vector store, and a manifest of what was written."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from pipeline.model import FALLBACK_SOURCE, BeforeImage, EmbedManifest, Lease, VectorRow
from pipeline.ports import BatchContext, Embedder, Ledger, RawStore, UndoJournal, VectorStore
from pipeline.stages.sweep import Sweep

EMBED, REEMBED = "embed", "reembed"


@dataclass(slots=True)
class Tally:
    """What an embedding batch came to so far."""

    ids: list[str] = field(default_factory=list)
    sources: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)


class EmbedStage:
    """Embeds the messages of accepted records. What is there already is not embedded again.

    What a vector replaces is in the undo journal before it is written, so that the embedding batch can be taken back.

    Args:
        raw: Where the batch is.
        vectors: Where the vectors go.
        journal: Where before-images go.
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
        journal: UndoJournal,
        embedder: Embedder,
        ledger: Ledger,
        *,
        sample_size: int = 100,
        chunk: int = 500,
    ) -> None:
        self._raw = raw
        self._vectors = vectors
        self._journal = journal
        self._embedder = embedder
        self._ledger = ledger
        self._sample_size = sample_size
        self._chunk = chunk

    def run(self, context: BatchContext) -> Mapping[str, Any]:
        """Embed one batch.

        Raises:
            TerminalError: The model refuses us. A model that is down gives fallback vectors instead.
        """
        document = self._ledger.batch(context.batch_id) or {"_id": context.batch_id}
        started = begun(context.lease, document, kind=EMBED)
        self._ledger.set_embedding(context.lease, started)
        Sweep(self._vectors, self._journal).take_over(context.lease, document, started)
        messages, tally, accepted = self._raw.messages(context.batch_id), Tally(), set[str]()
        while chunk := list(islice(messages, self._chunk)):
            accepted.update(key for key, _ in chunk)
            self._embed(context, started, chunk, tally)
            context.progress.advance(self.name, len(tally.ids), None)
        self._vectors.delete([key for key in self._vectors.of_batch(context.batch_id) if key not in accepted])
        manifest = finished(started, tally, self._sample_size)
        self._ledger.set_embedding(context.lease, manifest)
        return told(manifest)

    def _embed(
        self, context: BatchContext, manifest: EmbedManifest, chunk: Sequence[tuple[str, str]], tally: Tally
    ) -> None:
        owners = self._vectors.owners([interaction_id for interaction_id, _ in chunk])
        mine = {key: source for key, (owner, source) in owners.items() if owner == manifest.embedding_batch_id}
        if manifest.number > 1:  # what an earlier embedding batch wrote, and was not taken back, is not this one's
            alive = {key for key, (_, source) in owners.items() if source != FALLBACK_SOURCE and key not in mine}
            chunk = [(key, text) for key, text in chunk if key not in alive]
        done = {key: source for key, source in mine.items() if source != FALLBACK_SOURCE}
        tally.ids += [key for key, _ in chunk]
        tally.sources.update(done.values())
        missing = [(key, text) for key, text in chunk if key not in done]
        rows = list(made(self._embedder, context, manifest, missing, tally, set(mine)))
        write(self._vectors, self._journal, context.lease, manifest, rows)
        tally.sources.update(row.embedding_source for row in rows)


def made(  # noqa: PLR0917 - each is one thing the embed stage and a re-embedding have in common
    embedder: Embedder,
    context: BatchContext,
    manifest: EmbedManifest,
    messages: Sequence[tuple[str, str]],
    tally: Tally,
    fallbacks: Collection[str],
) -> Iterator[VectorRow]:
    """The rows to write of some messages; what must not be written is counted by reason.

    Args:
        embedder: Makes the vectors.
        context, manifest: The batch, and the embedding batch that writes them.
        messages: Ids and texts.
        tally: Where refused vectors and kept fallbacks are counted.
        fallbacks: Ids whose place holds a fallback vector of this embedding batch: it stays unless there is a real one.
    """
    embeddings = embedder.embed([text for _, text in messages]) if messages else []
    for (interaction_id, _), embedding in zip(messages, embeddings, strict=True):
        if interaction_id in fallbacks and (embedding.invalid is not None or embedding.source == FALLBACK_SOURCE):
            tally.sources[FALLBACK_SOURCE] += 1
            continue
        if embedding.invalid is not None:
            tally.rejected[embedding.invalid] += 1
            tally.refused.append(interaction_id)
            continue
        yield VectorRow(
            interaction_id=interaction_id,
            batch_id=context.batch_id,
            embedding_batch_id=manifest.embedding_batch_id,
            embedding_source=embedding.source,
            fence=context.lease.fence,
            vector=embedding.vector,
        )


def write(
    vectors: VectorStore, journal: UndoJournal, lease: Lease, manifest: EmbedManifest, rows: Sequence[VectorRow]
) -> None:
    """Write rows; what they replace is in the undo journal before.

    Raises:
        LeaseLostError: Another run has taken the batch over.
    """
    before = vectors.rows([row.interaction_id for row in rows])
    ours = manifest.embedding_batch_id
    replaced = {key: row for key, row in before.items() if row.embedding_batch_id != ours}
    new = [row.interaction_id for row in rows if row.interaction_id not in before]
    images = [BeforeImage(key, row) for key, row in replaced.items()]
    journal.keep(lease, ours, [*images, *(BeforeImage(key, None) for key in new)])
    vectors.upsert(rows)


def begun(lease: Lease, document: Mapping[str, Any], *, kind: str) -> EmbedManifest:
    """The embedding batch to write: a crashed run's, or a new one; one that was rolled back is never used again.

    The embed stage goes on with the latest one, also with a re-embedding, which may have been cut off unjudged.

    Args:
        lease: The run's lease on the batch.
        document: Its ledger document.
        kind: `embed` or `reembed`.
    """
    latest = document.get("embedding") or {}
    number = int(latest.get("number") or 1) if latest.get("embedding_batch_id") else 0
    ours = kind == EMBED or not latest.get("finished", True)
    if not number or latest.get("rolled_back_at") or not ours:
        number += 1
    else:
        kind = latest.get("kind", EMBED)
    name = embedding_batch(lease.batch_id, number)
    return EmbedManifest(name, number=number, kind=kind, finished=False, fence=lease.fence)


def finished(manifest: EmbedManifest, tally: Tally, sample_size: int) -> EmbedManifest:
    """The manifest of an embedding batch that wrote all it could."""
    return replace(
        manifest,
        expected=len(tally.ids),
        written=tally.sources.total(),
        fallback=tally.sources[FALLBACK_SOURCE],
        rejected=dict(tally.rejected),
        sample_ids=drawn(tally.ids, manifest.embedding_batch_id, sample_size),
        finished=True,
    )


def told(manifest: EmbedManifest) -> dict[str, Any]:
    """The manifest's numbers, for the ledger's step."""
    return {
        "expected": manifest.expected,
        "written": manifest.written,
        "fallback": manifest.fallback,
        "rejected": sum(manifest.rejected.values()),
    }


def embedding_batch(batch_id: str, number: int) -> str:
    """Id of a batch's n-th embedding batch: derived, so that a crashed run and its successor write the same one."""
    return hashlib.sha256(f"{batch_id}:embed:{number}".encode()).hexdigest()[:32]


def drawn(ids: Sequence[str], embedding_batch_id: str, size: int) -> tuple[str, ...]:
    """The sample the vector gate judges.

    Args:
        ids: Ids that ought to have a vector.
        embedding_batch_id: The seed, so that a crash cannot redraw a verdict.
        size: How many at most; with fewer ids, all.
    """
    chosen = random.Random(embedding_batch_id).sample(sorted(ids), min(size, len(ids)))  # noqa: S311 - no secret
    return tuple(sorted(chosen))
