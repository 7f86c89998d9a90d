"""The graph store on Neo4j: idempotent merges by key, in chunks; a missing campaign is never created."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from expectations_plugins.neo4j.connection import Graph
from pipeline.core.batches import short
from pipeline.core.records import GraphRecord
from pipeline.stores.neo4j import fencing, queries, review_queries
from pipeline.stores.neo4j.schema import define

CHUNK = 1_000
TIME_LIMIT = 120.0


class Neo4jGraphStore:
    """Implements `pipeline.ports.GraphStore`.

    Args:
        graph: A handle from `connect`.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def prepare(self) -> None:
        """Create constraints and indexes; idempotent."""
        define(self._graph, (*queries.SCHEMA, *fencing.SCHEMA))

    def write(self, batch_id: str, records: Sequence[GraphRecord], *, fence: int) -> None:
        """Merge users and interactions and link them to campaigns that exist."""
        for start in range(0, len(records), CHUNK):
            rows = queries.interaction_rows(records[start : start + CHUNK])
            self._fenced(
                batch_id,
                fence,
                (queries.MERGE_INTERACTIONS, queries.LINK_TO_CAMPAIGNS),
                {"rows": rows, "links": queries.link_rows(rows)},
                doing=f"writing interactions of batch {short(batch_id)}",
            )

    def load_campaigns(self, campaigns: Sequence[Mapping[str, Any]]) -> None:
        """Merge catalogue entries, then link the interactions that waited for them and lift their flags.

        An interaction is linked and its flag lifted in one transaction. Loading again finishes what was interrupted.
        """
        for start in range(0, len(campaigns), CHUNK):
            rows = queries.campaign_rows(campaigns[start : start + CHUNK])
            self._write((queries.MERGE_CAMPAIGNS,), rows)
            found = self._graph.read(
                review_queries.OF_CAMPAIGNS, {"rows": rows}, doing="loading campaigns", timeout=TIME_LIMIT
            )
            waiting = review_queries.lift_rows(found, datetime.now(UTC), "arrived")
            for first in range(0, len(waiting), CHUNK):
                self._write((review_queries.LINK, review_queries.LIFT), waiting[first : first + CHUNK])

    def count(self, batch_id: str) -> int:
        """Interactions of the batch."""
        doing = f"counting interactions of batch {short(batch_id)}"
        [row] = self._graph.read(queries.COUNT, {"batch_id": batch_id}, doing=doing, timeout=TIME_LIMIT)
        return int(row["interactions"])

    def prune(self, batch_id: str, *, fence: int) -> None:
        """Delete the batch's interactions that were last written under an older fence; users and campaigns stay."""
        doing = f"removing interactions of batch {short(batch_id)}"
        self._fenced(batch_id, fence, queries.PRUNE, {}, doing=doing)

    def _fenced(
        self, batch_id: str, fence: int, statements: Sequence[str], parameters: Mapping[str, Any], *, doing: str
    ) -> None:
        fencing.write(self._graph, batch_id, fence, statements, parameters, doing=doing, timeout=TIME_LIMIT)

    def _write(self, statements: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        self._graph.write(statements, {"rows": rows}, doing="loading campaigns", timeout=TIME_LIMIT)
