"""Milvus: connection, error table and vector store. pymilvus is imported here and nowhere else."""

from __future__ import annotations

from pipeline.stores.milvus.connection import MilvusClient, connect, ensure_loaded, type_name
from pipeline.stores.milvus.errors import ERRORS
from pipeline.stores.milvus.queries import keys_filter, literal
from pipeline.stores.milvus.vector_store import MilvusVectorStore
from pipeline.stores.milvus.version_mark import MilvusOldVectors, MilvusVersionMark

__all__ = [
    "ERRORS",
    "MilvusClient",
    "MilvusOldVectors",
    "MilvusVectorStore",
    "MilvusVersionMark",
    "connect",
    "ensure_loaded",
    "keys_filter",
    "literal",
    "type_name",
]
