"""Vectors: one text's, one row's, one embedding batch's, and what was there before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

FALLBACK_SOURCE = "fallback"
"""`embedding_source` of a vector that no model made."""


TRUNCATED_MARK = " (truncated)"
"""How `embedding_source` of a vector ends whose text was cut: the model read its start only."""

REFUSED = "refused"
"""Why a text has no vector that the API takes in no form."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """The vector of one text.

    Args:
        vector: Its components.
        source: The model, marked when the text was cut, or `fallback`.
        invalid: Why it must not be written; None when it may.
        detail: What the API said of a text that it refused.
    """

    vector: tuple[float, ...]
    source: str
    invalid: str | None = None
    detail: str = ""

    def cut(self) -> Embedding:
        """The same vector, as one of a text that was cut; a fallback, or none, is no model's and stays as it is."""
        is_plain = self.source != FALLBACK_SOURCE and self.invalid is None
        return replace(self, source=model_of(self.source) + TRUNCATED_MARK) if is_plain else self


def model_of(source: str) -> str:
    """The model in an `embedding_source`, without the mark of a text that was cut."""
    return source.removesuffix(TRUNCATED_MARK)


@dataclass(frozen=True, slots=True)
class VectorRow:
    """One row of the vector store."""

    interaction_id: str
    batch_id: str
    embedding_batch_id: str
    embedding_source: str
    fence: int
    vector: tuple[float, ...]


ONLY_IF_ANY = frozenset({"truncated", "truncated_ids", "refused", "accepted"})
"""Fields of a manifest that are kept and shown only when there is something in them."""


@dataclass(frozen=True, slots=True)
class EmbedManifest:
    """What one embedding batch wrote.

    Args:
        embedding_batch_id: Id of the embedding batch.
        expected: Ids that ought to have a vector.
        written: Vectors written.
        fallback: How many of the written ones are fallback vectors.
        rejected: How many the API returned but must not be written, by reason; they count as invalid.
        truncated: How many of the written ones are of texts that were cut at the model's limit.
        truncated_ids: Some of their ids.
        refused: Some of the texts that the API refused: (interaction_id, what it said).
        accepted: How many refused texts a person let the batch go on without; they are not expected.
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
    truncated: int = 0
    truncated_ids: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    accepted: int = 0
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
