"""The embed stage: messages to vectors, vectors into the vector store, and a manifest of what was written."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from expectations_plugins.core.errors import ConfigurationError, TerminalError
from pipeline.core.batch import Batch, EmbeddingState
from pipeline.core.batches import Lease, short
from pipeline.core.embeddings import (
    FALLBACK_SOURCE,
    REFUSED,
    TRUNCATED_MARK,
    BeforeImage,
    Embedding,
    EmbedManifest,
    VectorRow,
)
from pipeline.core.program import program
from pipeline.core.rollback_plan import removal
from pipeline.ports.ledger import Ledger
from pipeline.ports.steps import BatchContext
from pipeline.ports.stores import RawStore
from pipeline.ports.vectors import Embedder, UndoJournal, VectorCollections, VectorStore
from pipeline.stages.placement import collections_of, current_manifest, existing, located, require_collection
from pipeline.stages.rollback import Rollback
from pipeline.stages.sweep import Sweep

EMBED, REEMBED = "embed", "reembed"

NAMED = 100
"""Texts that were cut, and texts that were refused, which the manifest names at most; all are counted."""


@dataclass(slots=True)
class Tally:
    """What an embedding batch came to so far."""

    ids: list[str] = field(default_factory=list)
    sources: Counter[str] = field(default_factory=Counter)
    truncated: list[str] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    invalid: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    """What the API said of the texts that it refused, by id."""

    def wrote(self, sources: Mapping[str, str]) -> None:
        """Vectors that are there, by id: what made them."""
        self.sources.update(sources.values())
        self.truncated += [key for key, source in sources.items() if source.endswith(TRUNCATED_MARK)]

    def leave_out(self, interaction_id: str, embedding: Embedding) -> None:
        """A vector that must not be written."""
        reason = str(embedding.invalid)
        self.rejected[reason] += 1
        self.invalid.append(interaction_id)
        if reason == REFUSED:
            self.refused[interaction_id] = embedding.detail


class EmbedStage:
    """Embeds the messages of accepted records. What is there already is not embedded again.

    What a vector replaces is in the undo journal before it is written, so that the embedding batch can be taken back.
    An embedding batch that is gone on with stays in its collection, with its model; a new one is the settings'.

    Args:
        raw: Where the batch is.
        collections: Where the vectors go.
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

    def run(self, context: BatchContext) -> Mapping[str, Any]:
        """Embed one batch.

        Raises:
            TerminalError: The model refuses us. A model that is down gives fallback vectors instead.
            ConfigurationError: A model that is not the settings' any more refuses us, or its collection was dropped.
        """
        batch = self._undo_if_cut_off(context, self._read(context))
        started = begun(context.lease, batch, EMBED, self._collections, self._embedder.model)
        if self._raw.counts(context.batch_id)[0]:  # a rejected batch has nothing left to write
            require_collection(self._collections, context.batch_id, started.collection)
            self._collections.open(started.collection)  # before the ledger says that vectors may be in it
        self._ledger.set_embedding(context.lease, started)
        announce(context, started)
        Sweep(self._collections, self._journal).take_over(context.lease, batch, started)
        writer = Writer.of(context, started, self._collections, self._journal, self._embedder)
        messages, tally, accepted = self._raw.messages(context.batch_id), Tally(), set[str]()
        while chunk := list(islice(messages, self._chunk)):
            accepted.update(key for key, _ in chunk)
            _embed(writer, chunk, tally)
            context.progress.advance(self.name, len(tally.ids), None)
        names = (started.collection, *collections_of(batch, started.collection))
        for vectors in existing(self._collections, names):
            vectors.delete([key for key in vectors.of_batch(context.batch_id) if key not in accepted])
        manifest = finished(started, tally, self._sample_size, accepted=batch.goes_without_vectors)
        self._ledger.set_embedding(context.lease, manifest)
        return told(manifest)

    def _read(self, context: BatchContext) -> Batch:
        return self._ledger.batch(context.batch_id) or Batch(context.batch_id)

    def _undo_if_cut_off(self, context: BatchContext, batch: Batch) -> Batch:
        """Roll the latest embedding batch back if it was cut off elsewhere; the batch after that."""
        latest = batch.embedding
        if latest is None or not self._cut_off_elsewhere(latest):
            return batch
        rollback, name = Rollback(self._collections, self._journal, self._ledger), latest.embedding_batch_id
        plan = rollback.perform(context.lease, context.batch_id, name)
        why = f"It was cut off with {latest.model}, and GEMINI_MODEL is {self._embedder.model} now."
        context.progress.event(
            "rolled_back", batch_id=context.batch_id, embedding_batch_id=name, what=removal(plan.numbers()), why=why
        )
        return self._read(context)

    def _cut_off_elsewhere(self, latest: EmbeddingState) -> bool:
        """Whether an embedding batch was cut off, with another model or in another collection than the settings'."""
        done = latest.finished or latest.was_finished or latest.rolled_back_at
        if done or not latest.collection or not latest.model:
            return False
        return latest.collection != self._collections.current or latest.model != self._embedder.model


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes one embedding batch, with its model, to its collection.

    Args:
        context, manifest: The batch, and its embedding batch.
        collections: Where its collection is; opened when it is first used.
        journal: Where before-images go.
        embedder: Of the embedding batch's model.
        is_of_settings: Whether that is the settings' model.
    """

    context: BatchContext
    manifest: EmbedManifest
    collections: VectorCollections
    journal: UndoJournal
    embedder: Embedder
    is_of_settings: bool

    @classmethod
    def of(
        cls,
        context: BatchContext,
        manifest: EmbedManifest,
        collections: VectorCollections,
        journal: UndoJournal,
        embedder: Embedder,
    ) -> Writer:
        """The writer of an embedding batch.

        Args:
            context, manifest: The batch, and its embedding batch.
            collections, journal: As of the stage.
            embedder: Of the settings' model.
        """
        ours = manifest.model == embedder.model
        made_by = embedder if ours else embedder.with_model(manifest.model)
        return cls(context, manifest, collections, journal, made_by, ours)

    @property
    def vectors(self) -> VectorStore:
        """The embedding batch's collection."""
        return self.collections.open(self.manifest.collection)

    def made(
        self, messages: Sequence[tuple[str, str]], tally: Tally, fallbacks: Collection[str]
    ) -> Iterator[VectorRow]:
        """The rows to write of some messages; what must not be written is counted by reason.

        Args:
            messages: Ids and texts.
            tally: Where refused vectors and kept fallbacks are counted.
            fallbacks: Ids whose place holds a fallback vector of this embedding batch: it stays unless there is a real
                one.
        """
        embeddings = self._embeddings([text for _, text in messages]) if messages else []
        for (interaction_id, _), embedding in zip(messages, embeddings, strict=True):
            if interaction_id in fallbacks and (embedding.invalid is not None or embedding.source == FALLBACK_SOURCE):
                tally.sources[FALLBACK_SOURCE] += 1
                continue
            if embedding.invalid is not None:
                tally.leave_out(interaction_id, embedding)
                continue
            yield VectorRow(
                interaction_id=interaction_id,
                batch_id=self.context.batch_id,
                embedding_batch_id=self.manifest.embedding_batch_id,
                embedding_source=embedding.source,
                fence=self.context.lease.fence,
                vector=embedding.vector,
            )

    def write(self, rows: Sequence[VectorRow]) -> None:
        """Write rows; what they replace is in the undo journal before.

        Raises:
            LeaseLostError: Another run has taken the batch over.
        """
        before = self.vectors.rows([row.interaction_id for row in rows])
        ours = self.manifest.embedding_batch_id
        replaced = {key: row for key, row in before.items() if row.embedding_batch_id != ours}
        new = [row.interaction_id for row in rows if row.interaction_id not in before]
        images = [BeforeImage(key, row) for key, row in replaced.items()]
        self.journal.keep(self.context.lease, ours, [*images, *(BeforeImage(key, None) for key in new)])
        self.vectors.upsert(rows)

    def _embeddings(self, texts: Sequence[str]) -> Sequence[Embedding]:
        try:
            return self.embedder.embed(texts)
        except TerminalError as error:
            if self.is_of_settings:
                raise
            batch = short(self.context.batch_id)
            raise ConfigurationError(
                f"{error.message} The vectors of batch {batch} are of model {self.manifest.model}, in collection"
                f" {self.manifest.collection}; GEMINI_MODEL is another now.",
                next_step="If that model is gone, embed the batch with the new one:"
                f" {program()} rollback {batch}, then {program()} recheck {batch} --redo",
            ) from error


def _embed(writer: Writer, chunk: Sequence[tuple[str, str]], tally: Tally) -> None:
    manifest, owners = writer.manifest, writer.vectors.owners([interaction_id for interaction_id, _ in chunk])
    mine = {key: source for key, (owner, source) in owners.items() if owner == manifest.embedding_batch_id}
    if manifest.number > 1:  # what an earlier embedding batch wrote, and was not taken back, is not this one's
        alive = {key for key, (_, source) in owners.items() if source != FALLBACK_SOURCE and key not in mine}
        chunk = [(key, text) for key, text in chunk if key not in alive]
    done = {key: source for key, source in mine.items() if source != FALLBACK_SOURCE}
    tally.ids += [key for key, _ in chunk]
    tally.wrote(done)
    missing = [(key, text) for key, text in chunk if key not in done]
    rows = list(writer.made(missing, tally, set(mine)))
    writer.write(rows)
    tally.wrote({row.interaction_id: row.embedding_source for row in rows})


def begun(lease: Lease, batch: Batch, kind: str, collections: VectorCollections, model: str) -> EmbedManifest:
    """The embedding batch to write: a crashed run's, or a new one; one that was rolled back is never used again.

    The embed stage goes on with the latest one, also with a re-embedding, which may have been cut off unjudged. One
    that is gone on with, and a re-embedding, stay where the batch's vectors are and keep their model.

    Args:
        lease: The run's lease on the batch.
        batch: The batch.
        kind: `embed` or `reembed`.
        collections: Where a new embedding batch goes.
        model: What it is made with.

    Raises:
        ConfigurationError: The manifest does not say where the vectors are: not in the settings' collection.
    """
    home = latest = batch.embedding
    if latest and not latest.rolled_back_at and (kind == EMBED or not latest.finished):
        number, kind, was_finished = latest.number, latest.kind, latest.finished or latest.was_finished
    else:
        number, was_finished = (latest.number if latest else 0) + 1, False
        home = current_manifest(batch) if kind == REEMBED else None
    return EmbedManifest(
        embedding_batch(lease.batch_id, number),
        number=number,
        kind=kind,
        finished=False,
        was_finished=was_finished,
        fence=lease.fence,
        collection=located(collections, lease.batch_id, home, home.written if home else 0),
        model=home.model if home and home.model else model,
    )


def finished(manifest: EmbedManifest, tally: Tally, sample_size: int, *, accepted: bool = False) -> EmbedManifest:
    """The manifest of an embedding batch that wrote all it could.

    Args:
        manifest: As it was begun.
        tally: What it came to.
        sample_size: How many ids the vector gate samples at most.
        accepted: Whether a person let the batch go on without the texts that the API refuses.
    """
    ids = [key for key in tally.ids if key not in tally.refused] if accepted else tally.ids
    return replace(
        manifest,
        expected=len(ids),
        written=tally.sources.total(),
        fallback=tally.sources[FALLBACK_SOURCE],
        rejected=dict(tally.rejected),
        truncated=len(tally.truncated),
        truncated_ids=tuple(sorted(tally.truncated)[:NAMED]),
        refused=tuple(sorted(tally.refused.items())[:NAMED]),
        accepted=len(tally.refused) if accepted else 0,
        sample_ids=drawn(ids, manifest.embedding_batch_id, sample_size),
        finished=True,
        was_finished=False,
    )


def announce(context: BatchContext, manifest: EmbedManifest) -> None:
    """Report where an embedding batch goes."""
    context.progress.event(
        "embedding_batch",
        batch_id=context.batch_id,
        embedding_batch_id=manifest.embedding_batch_id,
        collection=manifest.collection,
        model=manifest.model,
    )


def told(manifest: EmbedManifest) -> dict[str, Any]:
    """The manifest's numbers, for the ledger's step."""
    texts = {
        "truncated": manifest.truncated,
        "refused": manifest.rejected.get(REFUSED, 0),
        "accepted": manifest.accepted,
    }
    return {
        "expected": manifest.expected,
        "written": manifest.written,
        "fallback": manifest.fallback,
        "rejected": sum(manifest.rejected.values()),
        **{name: number for name, number in texts.items() if number},
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
