"""The stores of one program: each connected and prepared when it is first asked for, closed with the program."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar

from expectations_plugins.core.errors import ConfigurationError, TerminalError
from pipeline.core.program import program
from pipeline.upgrades import opening

if TYPE_CHECKING:
    from expectations_plugins.milvus.connection import MilvusClient
    from expectations_plugins.mongodb.connection import Database
    from expectations_plugins.neo4j.connection import Graph
    from pipeline.config.connections import Connections
    from pipeline.ports.dead_letters import DeadQueue
    from pipeline.ports.health import Standing, StandingReader
    from pipeline.ports.history import History
    from pipeline.ports.ledger import Ledger
    from pipeline.ports.stores import GraphStore, MetricsCollector, MetricsStore, RawStore, ReviewQueue
    from pipeline.ports.tracing import GraphLineage, LineageReaders, MetricsLineage, RawLineage, VectorLineage
    from pipeline.ports.upgrades import VersionMark
    from pipeline.ports.vectors import UndoJournal, VectorCollections, VectorStore
    from pipeline.resources.reach import Reached
    from pipeline.stores.bigquery.connection import Client
    from pipeline.stores.milvus.vector_store import MilvusVectorStore
    from pipeline.upgrades.migration import Migration


class _Closable(Protocol):
    def close(self) -> None: ...


Closable = TypeVar("Closable", bound=_Closable)
Port = TypeVar("Port")


class _Prepared(Protocol):
    def prepare(self) -> None: ...


def _prepare(store: _Prepared) -> None:
    """Make what a store needs.

    Raises:
        ConfigurationError: It cannot be made, or what is there is not ours: no batch can do anything about that.
        TransientError: The server cannot be reached.
    """
    try:
        store.prepare()
    except TerminalError as error:
        raise ConfigurationError(error.message, next_step=error.next_step) from error


class Through(Protocol):
    """Stands between a port and all who use it; the seam where tests make stores fail and processes die."""

    def __call__(self, name: str, port: Port, /) -> Port:
        """The port, or something that stands in front of it."""


class OpenedStores:
    """Every store behind its port, handed out `through` a seam. Drivers are imported when a store is first used.

    Args:
        connections: Where the stores of these names are; starts those that are local.
        through: The seam.
        resources: Closes the clients.
        reached: Which servers have answered before.
    """

    def __init__(
        self,
        connections: Callable[..., Connections],
        through: Through,
        resources: contextlib.ExitStack,
        reached: Reached,
    ) -> None:
        self._reached = reached
        self._connections = connections
        self._through = through
        self._resources = resources
        self.versions = opening.Versions(self.reaching)

    @property
    def ledger(self) -> Ledger:
        """The ledger."""
        return self._mongodb[0]

    @property
    def raw_store(self) -> RawStore:
        """The raw store."""
        return self._mongodb[1]

    @property
    def dead_queue(self) -> DeadQueue:
        """The dead-letter queue's part of the ledger."""
        return self._mongodb[2]

    @cached_property
    def history(self) -> History:
        """The ledger as pages read it."""
        from pipeline.stores.mongodb.history import MongoHistory

        history = MongoHistory(self.checked_database)
        _prepare(history)
        return history

    @cached_property
    def standing(self) -> StandingReader:
        """How the pipeline stands."""
        from pipeline.stores.mongodb.health import MongoStanding

        standing = MongoStanding(self.checked_database)
        _prepare(standing)
        return standing

    @property
    def standing_if_used(self) -> Standing | None:
        """How the pipeline stands; None when nothing has asked for MongoDB, which is then not connected for it."""
        return self.standing.standing() if "database" in self.__dict__ else None

    @cached_property
    def graph_store(self) -> GraphStore:
        """The graph store."""
        from pipeline.stores.neo4j.graph_store import Neo4jGraphStore

        store: GraphStore = Neo4jGraphStore(self.graph)
        self.versions.begin(opening.of_graph(self.graph))
        _prepare(store)
        return self._through("graph_store", store)

    @cached_property
    def review_queue(self) -> ReviewQueue:
        """The review queue."""
        from pipeline.stores.neo4j.review_queue import Neo4jReviewQueue

        queue = Neo4jReviewQueue(self.graph)
        self.versions.begin(opening.of_graph(self.graph))
        _prepare(queue)
        return self._through("review_queue", queue)

    @cached_property
    def journal(self) -> UndoJournal:
        """What vectors were before."""
        from pipeline.stores.mongodb.undo_journal import MongoUndoJournal

        journal: UndoJournal = MongoUndoJournal(self.checked_database)
        _prepare(journal)
        return self._through("journal", journal)

    @cached_property
    def graph(self) -> Graph:
        """Neo4j itself, for what has no port of its own."""
        from expectations_plugins.neo4j.connection import connect

        to = self._connections("neo4j")
        return self._closing(connect(to.neo4j_uri, to.neo4j_user, to.neo4j_password, database=to.neo4j_database))

    @cached_property
    def metrics(self) -> MetricsStore:
        """The metrics store."""
        client, dataset = self.dataset
        from pipeline.stores.bigquery.metrics_store import BigQueryMetricsStore

        self.versions.check(opening.of_dataset(client, dataset))
        store: MetricsStore = BigQueryMetricsStore(client, dataset)
        _prepare(store)
        return self._through("metrics", store)

    @cached_property
    def metrics_collector(self) -> MetricsCollector:
        """What deletes superseded metrics."""
        _ = self.metrics  # checked and prepared
        from pipeline.stores.bigquery.collecting import BigQueryCollector

        return BigQueryCollector(*self.dataset)

    @cached_property
    def vectors(self) -> VectorCollections:
        """The vector store's collections."""
        return _Collections(*self.collection, self._through, self.versions)

    @property
    def checked_database(self) -> Database:
        """MongoDB itself, whose ledger this program may touch."""
        self.versions.check(opening.of_database(self.database))
        return self.database

    def check_versions(self, but: Collection[str]) -> None:
        """Before anything is written to one store: that the program may touch all those that answer.

        Args:
            but: Stores that are not asked.

        Raises:
            SchemaVersionError: It must not touch one of them.
        """
        self.versions.check_those_that_answer(*(mark for store, mark in self._marks.items() if store not in but))

    def schema_note(self, store: str) -> str:
        """What a person ought to know of the version of a store's data; "" when there is nothing."""
        mark = self._marks.get(store)
        return opening.note_of(mark, lambda: self.database) if mark else ""

    @property
    def _marks(self) -> Mapping[str, Callable[[], VersionMark]]:
        return {
            "mongodb": lambda: opening.of_database(self.database),
            "bigquery": lambda: opening.of_dataset(*self.dataset),
            "neo4j": lambda: opening.of_graph(self.graph),
            "milvus": lambda: opening.of_collection(*self.collection),
        }

    def migration(self, model: str) -> Migration:
        """What brings older data of all four stores to this program's schema versions; nothing is prepared.

        Args:
            model: The settings' embedding model.
        """
        return opening.migration(self.database, self.dataset, self.graph, self.collection, model)

    @cached_property
    def lineage(self) -> LineageReaders:
        """What each store knows of one record; read only, so nothing is prepared."""
        return _Lineage(self)

    @cached_property
    def collection(self) -> tuple[MilvusClient, str]:
        """A client of Milvus, and the name of the settings' collection."""
        from expectations_plugins.milvus.connection import connect

        to = self._connections("milvus")
        with self.reaching("milvus"):
            client = connect(to.milvus_uri, to.milvus_token)
        return self._closing(client), to.milvus_collection

    @cached_property
    def dataset(self) -> tuple[Client, str]:
        """A client of BigQuery, and the dataset's name."""
        from pipeline.stores.bigquery.connection import connect

        to = self._connections("bigquery")
        with self._reached.connecting("bigquery", to.bigquery_endpoint or ""):
            client = connect(to.bigquery_project, endpoint=to.bigquery_endpoint, location=to.bigquery_location)
        return self._closing(client), to.bigquery_dataset

    @cached_property
    def database(self) -> Database:
        """MongoDB itself, for what has no port of its own."""
        to = self._connections("mongodb")
        from expectations_plugins.mongodb.connection import connect

        database = connect(to.mongodb_uri, to.mongodb_database)
        self._resources.callback(database.client.close)
        return database

    @cached_property
    def _mongodb(self) -> tuple[Ledger, RawStore, DeadQueue]:
        database = self.database
        from pipeline.stores.mongodb.dead_queue import MongoDeadQueue
        from pipeline.stores.mongodb.ledger import MongoLedger
        from pipeline.stores.mongodb.raw_store import MongoRawStore

        ledger: Ledger = MongoLedger(database)
        raw_store: RawStore = MongoRawStore(database)
        with self.reaching("mongodb"):
            _prepare(ledger)
        _prepare(raw_store)
        dead: DeadQueue = MongoDeadQueue(database)
        return self._through("ledger", ledger), self._through("raw_store", raw_store), self._through("dead_queue", dead)

    def reaching(self, store: str) -> contextlib.AbstractContextManager[None]:
        """Stands around a store's first questions: a wrong address is a setting, and no outage.

        Args:
            store: One of `VARIABLES`.
        """
        return self._reached.reaching(store, self._connections(store).address(store))

    def _closing(self, client: Closable) -> Closable:
        self._resources.callback(client.close)
        return client


class _Collections:
    """Implements pipeline.ports.vectors.VectorCollections: each collection is prepared when it is first opened."""

    def __init__(self, client: MilvusClient, current: str, through: Through, versions: opening.Versions) -> None:
        self.current = current
        self._client = client
        self._through = through
        self._versions = versions
        self._opened: dict[str, VectorStore] = {}

    def exists(self, name: str) -> bool:
        """Whether there is such a collection; asked each time, for somebody may drop it."""
        return self._store(name).exists()

    def open(self, name: str) -> VectorStore:
        """A collection, prepared; only the settings' one is created."""
        if name not in self._opened:
            if name != self.current and not self.exists(name):
                raise ConfigurationError(
                    f"Milvus has no collection {name}, which the manifest of a batch names.",
                    next_step=f"If it was dropped: {program()} rollback BATCH, then {program()} recheck BATCH --redo",
                )
            store = self._store(name)
            self._versions.check(opening.of_collection(self._client, name))
            _prepare(store)
            self._opened[name] = self._through("vectors", store)
        return self._opened[name]

    def _store(self, name: str) -> MilvusVectorStore:
        from pipeline.stores.milvus.vector_store import MilvusVectorStore

        return MilvusVectorStore(self._client, name)


class _Lineage:
    """Implements pipeline.ports.tracing.LineageReaders."""

    def __init__(self, stores: OpenedStores) -> None:
        self._stores = stores

    @cached_property
    def raw(self) -> RawLineage:
        """MongoDB's."""
        database = self._stores.checked_database
        from pipeline.stores.mongodb.tracing import MongoLineage

        return MongoLineage(database)

    @cached_property
    def metrics(self) -> MetricsLineage:
        """BigQuery's."""
        client, dataset = self._stores.dataset
        self._stores.versions.check(opening.of_dataset(client, dataset))
        from pipeline.stores.bigquery.tracing import BigQueryLineage

        return BigQueryLineage(client, dataset)

    @cached_property
    def graph(self) -> GraphLineage:
        """Neo4j's."""
        graph = self._stores.graph
        self._stores.versions.check(opening.of_graph(graph))
        from pipeline.stores.neo4j.tracing import Neo4jLineage

        return Neo4jLineage(graph)

    @cached_property
    def vectors(self) -> VectorLineage:
        """Milvus'."""
        client, collection = self._stores.collection
        self._stores.versions.check(opening.of_collection(client, collection))
        from pipeline.stores.milvus.tracing import MilvusLineage

        return MilvusLineage(client, collection)
