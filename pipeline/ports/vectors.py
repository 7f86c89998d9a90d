"""The vector store, what its rows held before, and the embedder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from pipeline.core.batches import Lease
from pipeline.core.embeddings import BeforeImage, Embedding, VectorRow


class VectorStore(Protocol):
    """Embeddings (Milvus)."""

    def prepare(self) -> None:
        """Create and load the collection; idempotent."""

    def upsert(self, rows: Sequence[VectorRow]) -> None:
        """Write vectors by interaction_id."""

    def present(self, embedding_batch_id: str, interaction_ids: Sequence[str]) -> Mapping[str, str]:
        """embedding_source of each of these ids that this embedding batch has written."""

    def owners(self, interaction_ids: Sequence[str]) -> Mapping[str, tuple[str, str]]:
        """(embedding_batch_id, embedding_source) of each of these ids that has a row now."""

    def rows(self, interaction_ids: Sequence[str]) -> Mapping[str, VectorRow]:
        """The rows of these ids as they are now, vectors and all."""

    def delete(self, interaction_ids: Sequence[str]) -> None:
        """Delete rows; an id that is not there is none the worse."""

    def some_of(self, embedding_batch_id: str, limit: int) -> Sequence[str]:
        """Ids whose row this embedding batch wrote last, some of them, in no order."""

    def count_of(self, embedding_batch_id: str) -> int:
        """How many rows this embedding batch wrote last."""

    def of_batch(self, batch_id: str) -> Iterator[str]:
        """Ids of the batch that have a row."""

    def strays(self, batch_id: str, writers: Mapping[str, int], limit: int) -> Sequence[str]:
        """Ids of the batch whose row is of none of these writers: fences, by embedding batch."""

    def fallbacks(self, batch_id: str) -> Sequence[str]:
        """Ids of the batch whose vector no model made, sorted."""


class VectorCollections(Protocol):
    """The collections of the vector store: one per embedding model, unless the settings name one."""

    @property
    def current(self) -> str:
        """The settings' one: new embedding batches go there; all others are where their manifest says."""

    def exists(self, name: str) -> bool:
        """Whether there is a collection of this name; none is created."""

    def open(self, name: str) -> VectorStore:
        """A collection, prepared. The settings' one is created when it does not exist; no other ever is.

        Raises:
            ConfigurationError: Another one does not exist.
        """


class UndoJournal(Protocol):
    """What vectors were before an embedding batch wrote over them; written first, so that it can be taken back."""

    def prepare(self) -> None:
        """Create indexes; idempotent."""

    def keep(self, lease: Lease, embedding_batch_id: str, images: Sequence[BeforeImage]) -> None:
        """Keep before-images; the first one of an id stays, so that a retry does not keep its own rows."""

    def images(self, embedding_batch_id: str, interaction_ids: Sequence[str]) -> Mapping[str, BeforeImage]:
        """Before-images of these ids."""

    def restorable(self, embedding_batch_id: str) -> Iterator[BeforeImage]:
        """Before-images that hold a row."""

    def counts(self, embedding_batch_id: str) -> tuple[int, int]:
        """(places that were empty, places that held a row)."""

    def later(self, embedding_batch_id: str) -> Sequence[str]:
        """Embedding batches that wrote over rows of this one and were not rolled back."""

    def rolled_back(self, embedding_batch_id: str) -> None:
        """Mark the embedding batch's images: they stand in nobody's way any more."""


class Embedder(Protocol):
    """Texts to vectors. Never raises for an API that is down: such texts get a fallback vector, marked."""

    @property
    def model(self) -> str:
        """Name of the real model."""

    def with_model(self, model: str) -> Embedder:
        """The same API, asked for another model's vectors."""

    def embed(self, texts: Sequence[str]) -> Sequence[Embedding]:
        """One embedding per text, in order."""
