"""`Neo4jVersionMark`: the graph's schema version, a node of its own that is tied to no other."""

from __future__ import annotations

from expectations_plugins.neo4j.connection import Graph, Rows
from pipeline.core.schema_versions import UNMARKED, version_in
from pipeline.stores.neo4j import version_queries as queries
from pipeline.stores.neo4j.schema import define

TIME_LIMIT = 30.0


class Neo4jVersionMark:
    """Implements `pipeline.ports.upgrades.VersionMark`.

    Args:
        graph: A handle from `connect`; the caller closes it.
    """

    store = "neo4j"

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.where = f"database {graph.database}" if graph.database else "the default database"

    def found(self) -> int | None:
        """The graph's version; None when it holds nothing of ours."""
        [row] = self._read(queries.FOUND) or [{"version": None}]
        if row["version"] is not None:
            return version_in(row["version"], self.store, self.where)
        return UNMARKED if any(self._read(query) for query in queries.HOLDS_DATA) else None

    def set(self, version: int) -> None:
        """Write the version down."""
        define(self._graph, queries.SCHEMA)
        statements = (queries.MARK, queries.FORGET_OLDER)
        doing = "writing the graph's schema version"
        self._graph.write(statements, {"version": version}, doing=doing, timeout=TIME_LIMIT)

    def _read(self, query: str) -> Rows:
        return self._graph.read(query, {}, doing="reading the graph's schema version", timeout=TIME_LIMIT)
