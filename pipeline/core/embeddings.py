"""Vectors: one text's, one row's, one embedding batch's, and what was there before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FALLBACK_SOURCE = "fallback"
"""`embedding_source` of a vector that no model made."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """The vector of one text; `source` is the model or `fallback`; `invalid` says why it must not be written."""

    vector: tuple[float, ...]
    source: str
    invalid: str | None = None


@dataclass(frozen=True, slots=True)
class VectorRow:
    """One row of the vector store."""

    interaction_id: str
    batch_id: str
    embedding_batch_id: str
    embedding_source: str
    fence: int
    vector: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class EmbedManifest:
    """What one embedding batch wrote.

    Args:
        embedding_batch_id: Id of the embedding batch.
        expected: Ids that ought to have a vector.
        written: Vectors written.
        fallback: How many of the written ones are fallback vectors.
        rejected: How many the API returned but must not be written, by reason; they count as invalid.
        sample_ids: At most 100 of the expected ids, drawn from them sorted, seeded by the embedding batch id.
        number: Which of the batch's embedding batches it is, 1-based; one that was rolled back is never used again.
        kind: `embed`, or `reembed` for one that replaces fallback vectors.
        finished: False until everything is written: whoever comes after a crash goes on with the same one.
        was_finished: Whether everything was written once, and it is only gone on with: it is not one that was cut off.
        fence: What its rows carry; a row with another one was written by a run that had lost the batch.
        collection: Where its vectors are; "" in manifests of earlier versions.
        model: The model that made them; "" in manifests of earlier versions.
    """

    embedding_batch_id: str
    expected: int = 0
    written: int = 0
    fallback: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    sample_ids: tuple[str, ...] = ()
    number: int = 1
    kind: str = "embed"
    finished: bool = True
    was_finished: bool = False
    fence: int = 0
    collection: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class BeforeImage:
    """What a vector's place held before an embedding batch wrote there; None when it was empty."""

    interaction_id: str
    row: VectorRow | None
