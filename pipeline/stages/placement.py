"""In which collections a batch's vectors are: where its manifests say, whatever the settings are now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.errors import ConfigurationError
from pipeline.model import short
from pipeline.ports import VectorCollections

Document = Mapping[str, Any]


def current_manifest(document: Document) -> Document:
    """The manifest of the latest embedding batch that was not rolled back: what the batch's vectors are now.

    Args:
        document: The batch's ledger document.

    Returns:
        The latest manifest when all were rolled back; an empty one when there is none.
    """
    latest: Document = document.get("embedding") or {}
    known = sorted(_manifests(document), key=lambda one: int(one.get("number") or 0), reverse=True)
    return next((one for one in known if not one.get("rolled_back_at")), latest)


def collections_of(document: Document, current: str) -> list[str]:
    """All collections that may hold vectors of a batch, that of its latest vectors first.

    Args:
        document: The batch's ledger document.
        current: The collection that the settings name; manifests of earlier versions name none.
    """
    named = (str(one.get("collection") or current) for one in (current_manifest(document), *_manifests(document)))
    return list(dict.fromkeys(named))


def located(collections: VectorCollections, batch_id: str, manifest: Document, expected: int) -> str:
    """The collection of an embedding batch; the settings' one, if it holds any, when its manifest names none.

    Args:
        collections: Where vectors are.
        batch_id: The batch.
        manifest: The embedding batch, as the ledger has it.
        expected: How many vectors of it there ought to be.

    Raises:
        ConfigurationError: An earlier version wrote it, which did not note its collection, and the settings' collection
            holds none of its vectors: they are elsewhere, or lost.
    """
    if named := str(manifest.get("collection") or ""):
        return named
    name, current = str(manifest.get("embedding_batch_id") or ""), collections.current
    if not name or not expected or collections.open(current).count_of(name):
        return current
    raise ConfigurationError(
        f"The ledger expects {expected:,} vectors of embedding batch {name} of batch {short(batch_id)}, but collection"
        f" {current} holds none of them. An earlier version wrote it and did not note in which collection.",
        next_step="Set GEMINI_MODEL, or MILVUS_COLLECTION, as it was when the batch was embedded, and try again. If its"
        f" vectors are lost: run.py rollback {short(batch_id)} --collection {current}, then"
        f" run.py recheck {short(batch_id)} --redo",
    )


def _manifests(document: Document) -> Sequence[Document]:
    latest = document.get("embedding")
    return [*(document.get("embeddings") or {}).values(), *([latest] if latest else [])]
