"""Neo4j under test."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

import pytest

from expectations_plugins.engine.datasource import without_connecting
from expectations_plugins.neo4j.connection import connect
from pipeline.local import Endpoints
from tests.conformance.contract import Rows, StoreUnderTest


class Neo4jUnderTest(StoreUnderTest):
    """Nodes with a label of their own."""

    name: ClassVar[str] = "Neo4j"

    def __init__(self, context: Any, endpoints: Endpoints, patch: pytest.MonkeyPatch) -> None:
        uri, user, password = str(endpoints.neo4j_uri), str(endpoints.neo4j_user), str(endpoints.neo4j_password)
        database = endpoints.neo4j_database
        patch.setenv("CONFORMANCE_NEO4J", password)
        self._context, self._label = context, f"T{uuid.uuid4().hex[:10]}"
        self._graph = connect(uri, user, password, database=database)
        self._source = context.data_sources.add_neo4j(
            "neo4j", uri=uri, user=user, password="${CONFORMANCE_NEO4J}", database=database
        )

    def asset(self, rows: Rows, where: Any = None) -> Any:
        self._empty()
        fill = f"UNWIND $rows AS row CREATE (n:{self._label}) SET n += row"
        for start in range(0, len(rows), 2_000):
            part = [dict(row) for row in rows[start : start + 2_000]]
            self._graph.write([fill], {"rows": part}, doing="filling", timeout=60)
        name = f"rows {uuid.uuid4().hex}"
        return self._source.add_node(name, self._label, key="key", sort_by="key", where=where, allow_missing=True)

    def drop(self, asset: Any) -> None:
        del asset
        pytest.skip(
            "a label cannot be dropped; whether one that no node has any more is listed differs between servers"
        )

    def unreachable(self) -> Any:
        with without_connecting():
            source = self._context.data_sources.add_neo4j("no neo4j", uri="bolt://127.0.0.1:9")
            return source.add_node("rows", "Rows").add_batch_definition("all").get_batch()

    def close(self) -> None:
        self._empty()
        self._graph.close()

    def _empty(self) -> None:
        self._graph.write([f"MATCH (n:{self._label}) DETACH DELETE n"], {}, doing="emptying", timeout=60)
