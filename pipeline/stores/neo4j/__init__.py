"""Neo4j: connection, error table and graph store. The neo4j driver is imported here and nowhere else."""

from __future__ import annotations

from pipeline.stores.neo4j.connection import Graph, connect
from pipeline.stores.neo4j.errors import ERRORS
from pipeline.stores.neo4j.graph_store import Neo4jGraphStore
from pipeline.stores.neo4j.review_queue import Neo4jReviewQueue
from pipeline.stores.neo4j.values import plain
from pipeline.stores.neo4j.version_mark import Neo4jVersionMark

__all__ = ["ERRORS", "Graph", "Neo4jGraphStore", "Neo4jReviewQueue", "Neo4jVersionMark", "connect", "plain"]
