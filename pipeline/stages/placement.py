"""In which collections a batch's vectors are: where its manifests say, whatever the settings are now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from expectations_plugins.core.errors import ConfigurationError
from pipeline.core.batch import Batch, EmbeddingState
from pipeline.core.batches import short
from pipeline.core.program import program
from pipeline.ports.vectors import VectorCollections, VectorStore


def current_manifest(batch: Batch) -> EmbeddingState | None:
    """The manifest of the latest embedding batch that was not rolled back: what the batch's vectors are now.

    Returns:
        The latest manifest when all were rolled back; None when there is none.
    """
    known = sorted(batch.manifests.values(), key=lambda one: one.number, reverse=True)
    return next((one for one in known if not one.rolled_back_at), batch.embedding)


def collections_of(batch: Batch, current: str) -> list[str]:
    """All collections that may hold vectors of a batch, that of its latest vectors first.

    Args:
        batch: The batch.
        current: The collection that the settings name; manifests of earlier versions name none.
    """
    manifests = (current_manifest(batch), *batch.manifests.values())
    return list(dict.fromkeys(one.collection if one and one.collection else current for one in manifests))


def located(collections: VectorCollections, batch_id: str, manifest: EmbeddingState | None, expected: int) -> str:
    """The collection of an embedding batch; the settings' one, if it holds any, when its manifest names none.

    Args:
        collections: Where vectors are.
        batch_id: The batch.
        manifest: The embedding batch, as the ledger has it; None for one that is new.
        expected: How many vectors of it there ought to be.

    Raises:
        ConfigurationError: An earlier version wrote it, which did not note its collection, and the settings' collection
            holds none of its vectors: they are elsewhere, or lost.
    """
    current = collections.current
    if manifest is None:
        return current
    if manifest.collection:
        return manifest.collection
    name = manifest.embedding_batch_id
    if not name or not expected or _holds(collections, current, name):
        return current
    raise ConfigurationError(
        f"The ledger expects {expected:,} vectors of embedding batch {name} of batch {short(batch_id)}, but collection"
        f" {current} holds none of them. An earlier version wrote it and did not note in which collection.",
        next_step="Set GEMINI_MODEL, or MILVUS_COLLECTION, as it was when the batch was embedded, and try again. If its"
        f" vectors are lost: {program()} rollback {short(batch_id)} --collection {current}, then"
        f" {program()} recheck {short(batch_id)} --redo",
    )


def refuse_elsewhere(batch_id: str, manifest: EmbeddingState | None, name: str) -> None:
    """Check that the collection a person names is the one that the manifest names; either may name none.

    Raises:
        ConfigurationError: It is another one.
    """
    if name and manifest and manifest.collection not in ("", name):
        raise ConfigurationError(
            f"The vectors of batch {short(batch_id)} are in collection {manifest.collection}: its manifest says so.",
            next_step="Leave --collection out.",
        )


def declared(collections: VectorCollections, batch_id: str, embedding_batch_id: str, name: str) -> str:
    """The collection that a person names for an embedding batch whose manifest names none.

    Args:
        collections: Where vectors are.
        batch_id, embedding_batch_id: Which.
        name: What the person says; the settings' one may not exist yet.

    Raises:
        ConfigurationError: It does not exist, or the vectors are in the settings' collection.
    """
    current = collections.current
    if name == current:
        return name
    if not collections.exists(name):
        raise ConfigurationError(
            f"Milvus has no collection {name}. The settings' collection is {current}.",
            next_step="Correct --collection.",
        )
    if _holds(collections, current, embedding_batch_id):
        raise ConfigurationError(
            f"The vectors of batch {short(batch_id)} are in collection {current}.",
            next_step="Leave --collection out.",
        )
    return name


def existing(collections: VectorCollections, names: Iterable[str]) -> Iterator[VectorStore]:
    """Those of these collections that exist, each once; one that was dropped is passed over, and not created again."""
    return (collections.open(name) for name in dict.fromkeys(names) if collections.exists(name))


def require_collection(collections: VectorCollections, batch_id: str, name: str) -> None:
    """Check that vectors of a batch can be written to a collection.

    Raises:
        ConfigurationError: It does not exist, and is not the settings' one, which is created.
    """
    if name != collections.current and not collections.exists(name):
        raise _dropped(batch_id, name)


def count_fallbacks(collections: VectorCollections, batch: Batch) -> int:
    """How many vectors of a batch no model made.

    Raises:
        ConfigurationError: The ledger expects some, in a collection that does not exist; or as `located`.
    """
    manifest = current_manifest(batch)
    name = located(collections, batch.batch_id, manifest, manifest.written if manifest else 0)
    if collections.exists(name):
        return len(collections.open(name).fallbacks(batch.batch_id))
    if manifest and manifest.fallback and not manifest.rolled_back_at:
        raise _dropped(batch.batch_id, name)
    return 0


def _dropped(batch_id: str, name: str) -> ConfigurationError:
    return ConfigurationError(
        f"The vectors of batch {short(batch_id)} were in collection {name}, which does not exist.",
        next_step="If MILVUS_URI is right and the collection was dropped:"
        f" {program()} rollback {short(batch_id)}, then {program()} recheck {short(batch_id)} --redo",
    )


def _holds(collections: VectorCollections, name: str, embedding_batch_id: str) -> bool:
    return collections.exists(name) and collections.open(name).count_of(embedding_batch_id) > 0
