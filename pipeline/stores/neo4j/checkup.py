"""Whether Neo4j can be used, without writing anything that stays."""

from __future__ import annotations

import contextlib

from expectations_plugins.neo4j.connection import Graph, Rows
from pipeline.core.fields import USER_ID
from pipeline.ports.checkup import Checkup
from pipeline.stores.neo4j import queries
from pipeline.stores.neo4j.schema import check

TIME_LIMIT = 30.0

WRITE = f"CREATE (n:User {{{USER_ID}: $key}}) RETURN n.{USER_ID} AS key"
"""Undone before it is committed."""

NOBODY = {"key": "sluicegate doctor"}


class _EnoughError(Exception):
    """The write was allowed, and is not wanted."""


def examine(graph: Graph) -> Checkup:
    """Look at version, permissions and keys.

    Raises:
        ConfigurationError: The database does not exist, the user may not write, or a key is there more than once.
        TransientError: It cannot be reached.
    """
    version = graph.version()
    with contextlib.suppress(_EnoughError):
        graph.write((WRITE,), NOBODY, doing="trying whether it may be written", timeout=TIME_LIMIT, first=_undo)
    check(graph, queries.SCHEMA)
    return Checkup(version)


def _undo(rows: Rows) -> None:
    del rows
    raise _EnoughError
