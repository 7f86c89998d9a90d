"""Making constraints and indexes, and what to do where a graph already holds a key twice."""

from __future__ import annotations

import re
from collections.abc import Iterable

from expectations_plugins.core.errors import ConfigurationError, SluicegateError
from expectations_plugins.neo4j.connection import Graph

TIME_LIMIT = 120.0
UNIQUE = re.compile(r"FOR \(n:(?P<label>\w+)\) REQUIRE n\.(?P<key>\w+) IS UNIQUE$")


def repeated(label: str, key: str) -> str:
    """Cypher that finds keys that more than one node has."""
    return f"MATCH (n:{label}) WITH n.{key} AS key, count(n) AS nodes WHERE nodes > 1 RETURN key, nodes"


def define(graph: Graph, statements: Iterable[str]) -> None:
    """Run schema statements; idempotent.

    Raises:
        ConfigurationError: A constraint cannot be made: a key is there more than once.
        SluicegateError: The driver's error, mapped.
    """
    for statement in statements:
        try:
            graph.define(statement)
        except SluicegateError as error:
            if unique := UNIQUE.search(statement):
                _refuse_repeated(graph, unique["label"], unique["key"], error)
            raise


def _refuse_repeated(graph: Graph, label: str, key: str, error: SluicegateError) -> None:
    """Say that a key is there more than once, if that is why there is an error; the server's own texts differ."""
    query = repeated(label, key)
    doing = f"looking for repeated keys of (:{label})"
    found = graph.read(f"{query} ORDER BY key LIMIT 1", {}, doing=doing, timeout=TIME_LIMIT)
    for row in found:
        raise ConfigurationError(
            f"Neo4j holds {row['nodes']:,} nodes (:{label}) with the {key} {row['key']!r}, and each key must be there"
            " once: an older program, or another one, wrote them.",
            next_step=f"Find them all: {query}. Delete or merge them, or name another database: NEO4J_DATABASE.",
        ) from error
