"""Making constraints and indexes, and what to do where a graph already holds a key twice."""

from __future__ import annotations

import re
from collections.abc import Iterable

from expectations_plugins.core.errors import ConfigurationError, SluicegateError
from expectations_plugins.neo4j.connection import Graph

TIME_LIMIT = 120.0
UNIQUE = re.compile(r"FOR \(n:(?P<label>\w+)\) REQUIRE n\.(?P<key>\w+) IS UNIQUE$")


CONSTRAINTS = "SHOW CONSTRAINTS YIELD labelsOrTypes, properties RETURN labelsOrTypes AS labels, properties AS keys"


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


def check(graph: Graph, statements: Iterable[str]) -> None:
    """Look whether the constraints among these statements can be made; nothing is made.

    Raises:
        ConfigurationError: A key is there more than once.
    """
    there = graph.read(CONSTRAINTS, {}, doing="looking for constraints", timeout=TIME_LIMIT)
    held = {(label, key) for row in there for label in row["labels"] or () for key in row["keys"] or ()}
    for unique in filter(None, map(UNIQUE.search, statements)):
        if (unique["label"], unique["key"]) not in held:  # a graph that has the constraint holds no key twice
            _refuse_repeated(graph, unique["label"], unique["key"], None)


def _refuse_repeated(graph: Graph, label: str, key: str, error: SluicegateError | None) -> None:
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
