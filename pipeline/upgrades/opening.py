"""Checks, when a program opens its stores, that it may touch their data; and what a migration of them is made of.

Each database, dataset, graph and collection is asked once a process. Drivers are imported when a store is first asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations_plugins.core.errors import ConfigurationError, SluicegateError
from pipeline.core.program import program
from pipeline.core.schema_versions import SCHEMAS, check

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from expectations_plugins.milvus.connection import MilvusClient
    from expectations_plugins.mongodb.connection import Database
    from expectations_plugins.neo4j.connection import Graph
    from pipeline.ports.upgrades import VersionMark
    from pipeline.stores.bigquery.connection import Client
    from pipeline.upgrades.migration import Migration


class Versions:
    """The schema versions that one program has seen.

    Args:
        reaching: Around the first question to a store of this name.
    """

    def __init__(self, reaching: Callable[[str], AbstractContextManager[None]]) -> None:
        self._reaching = reaching
        self._checked: set[tuple[str, str]] = set()

    def check(self, mark: VersionMark) -> int | None:
        """Refuse data that this program must not touch.

        Returns:
            Its version, this program's when it was looked at before; None when there is no data yet.

        Raises:
            SchemaVersionError: It must not be touched.
        """
        name = (mark.store, mark.where)
        if name in self._checked:
            return SCHEMAS[mark.store].current
        with self._reaching(mark.store):
            found = mark.found()
        check(mark.store, found, mark.where)
        if found is not None:
            self._checked.add(name)
        return found

    def begin(self, mark: VersionMark) -> None:
        """As `check`; where there is no data yet, this program's version is written down.

        Raises:
            SchemaVersionError: It must not be touched.
        """
        if self.check(mark) is None:
            mark.set(SCHEMAS[mark.store].current)

    def check_those_that_answer(self, *marks: Callable[[], VersionMark]) -> None:
        """As `check`, of several; one whose store does not answer is checked again when it is opened.

        Raises:
            SchemaVersionError: One of them must not be touched.
            ConfigurationError: One of them refuses what is configured.
        """
        for mark in marks:
            try:
                self.check(mark())
            except ConfigurationError:  # also credentials that are refused: no batch can do anything about that
                raise
            except SluicegateError:
                continue


def of_database(database: Database) -> VersionMark:
    """Where a ledger says which version it has."""
    from pipeline.stores.mongodb.version_mark import MongoVersionMark

    return MongoVersionMark(database)


def of_dataset(client: Client, dataset: str) -> VersionMark:
    """Where a dataset says which version it has."""
    from pipeline.stores.bigquery.version_mark import BigQueryVersionMark

    return BigQueryVersionMark(client, dataset)


def of_graph(graph: Graph) -> VersionMark:
    """Where a graph says which version it has."""
    from pipeline.stores.neo4j.version_mark import Neo4jVersionMark

    return Neo4jVersionMark(graph)


def of_collection(client: MilvusClient, collection: str) -> VersionMark:
    """Where a collection says which version it has."""
    from pipeline.stores.milvus.version_mark import MilvusVersionMark

    return MilvusVersionMark(client, collection)


def note_of(mark: Callable[[], VersionMark], database: Callable[[], Database]) -> str:
    """What a person ought to know of the version of some data; "" when there is nothing, or its store does not answer.

    Args:
        mark: Where its version is.
        database: MongoDB's, asked for batches that an older program wrote into a ledger that was migrated.
    """
    from pipeline.stores.mongodb.upgrades import MongoOldLedger

    try:
        where, found, needed = (it := mark()).where, it.found(), SCHEMAS[it.store].current
        older = MongoOldLedger(database()).count() if (it.store, found) == ("mongodb", needed) else 0
    except SluicegateError:
        return ""
    if found is not None and found != needed:
        step = f"{program()} migrate --check" if found < needed else "upgrade this program"
        return f"The schema version of {where} is {found}, this program's is {needed}: {step}"
    return f"An older program wrote batches since {where} was migrated, {older:,}: {program()} migrate" if older else ""


def migration(
    database: Database, bigquery: tuple[Client, str], graph: Graph, milvus: tuple[MilvusClient, str], model: str
) -> Migration:
    """The migration of all four stores.

    Args:
        database: MongoDB's.
        bigquery: A client, and the dataset.
        graph: The graph.
        milvus: A client, and the settings' collection.
        model: The settings' embedding model.
    """
    from pipeline.stores.bigquery.upgrades import BigQueryOldMetrics
    from pipeline.stores.milvus.version_mark import MilvusOldVectors
    from pipeline.stores.mongodb.upgrades import MongoOldLedger
    from pipeline.upgrades.migration import Migration

    ledger, (client, current) = MongoOldLedger(database), milvus
    collections = dict.fromkeys((current, *ledger.collections()))
    marks = [
        of_database(database),
        of_dataset(*bigquery),
        of_graph(graph),
        *(of_collection(client, name) for name in collections),
    ]
    return Migration(ledger, BigQueryOldMetrics(*bigquery), MilvusOldVectors(client, current, model), marks)
