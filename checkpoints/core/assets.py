"""The parts of the stores that gates look at, as batch definitions of the GX project; each is added once."""

from __future__ import annotations

from typing import Any

from great_expectations.core.partitioners import PartitionerColumnValue
from great_expectations.expectations.row_conditions import Column

from pipeline.core.fields import DEAD_LETTERS, INTERACTION_ID, INTERACTIONS

MONGODB = "mongodb"
BY_BATCH = "by batch_id"


def interactions(context: Any) -> Any:
    """The raw records of a batch in MongoDB.

    Args:
        context: A GX data context.
    """
    source = _known(context, MONGODB) or context.data_sources.add_mongodb(
        MONGODB, connection_string="${MONGODB_URI}", database="${MONGODB_DATABASE}"
    )
    return _by_batch(source, INTERACTIONS, lambda: source.add_collection(INTERACTIONS))


def loaded(context: Any) -> Any:
    """The same, and beside them in MongoDB the dead letters of a batch, which wait for a person."""
    found = interactions(context)
    source = context.data_sources.get(MONGODB)
    waiting = Column("replayed_in").is_null() & Column("dropped").is_null()
    _by_batch(source, DEAD_LETTERS, lambda: source.add_collection(DEAD_LETTERS, where=waiting, allow_missing=True))
    return found


def graph(context: Any) -> Any:
    """The interactions of a batch in Neo4j."""
    source = _known(context, "neo4j") or context.data_sources.add_neo4j(
        "neo4j",
        uri="${NEO4J_URI}",
        user="${NEO4J_USER}",
        password="${NEO4J_PASSWORD}",  # noqa: S106 - the name of a variable
        database="${NEO4J_DATABASE}",
    )
    return _by_batch(
        source, INTERACTIONS, lambda: source.add_node(INTERACTIONS, label="Interaction", key=INTERACTION_ID)
    )


def embeddings(context: Any) -> Any:
    """The vectors of a batch in Milvus, in a collection that is created with the first text."""
    source = _known(context, "milvus") or context.data_sources.add_milvus(
        "milvus",
        uri="${MILVUS_URI}",
        token="${MILVUS_TOKEN}",  # noqa: S106 - the name of a variable
    )
    return _by_batch(
        source,
        "embeddings",
        lambda: source.add_collection("embeddings", collection="${MILVUS_COLLECTION}", allow_missing=True),
    )


def _known(context: Any, name: str) -> Any:
    return context.data_sources.all().get(name)


def _by_batch(source: Any, name: str, added: Any) -> Any:
    if name in source.get_asset_names():
        return source.get_asset(name).get_batch_definition(BY_BATCH)
    return added().add_batch_definition(BY_BATCH, partitioner=PartitionerColumnValue(column_name="batch_id"))
