"""Whether Milvus can be used, without writing anything."""

from __future__ import annotations

from pymilvus import MilvusClient

from expectations_plugins.milvus.errors import ERRORS
from pipeline.ports.checkup import Checkup
from pipeline.stores.milvus.vector_store import MilvusVectorStore


def examine(client: MilvusClient, collection: str) -> Checkup:
    """Look at the version and at the collection's fields.

    Args:
        client: A client from `connect`.
        collection: The settings' collection.

    Raises:
        TerminalError: The collection is another program's, or has vectors of another dimension.
        TransientError: It cannot be reached.
    """
    with ERRORS.guard("asking for its version"):
        version = str(client.get_server_version())
    if MilvusVectorStore(client, collection).examine():
        return Checkup(version)
    return Checkup(version, (f"There is no collection {collection}: the first run makes it.",))
