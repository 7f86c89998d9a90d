"""The review queue on Neo4j: orphaned interactions, flagged where they are, with their history."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from expectations_plugins.neo4j.connection import Graph
from expectations_plugins.neo4j.values import plain
from pipeline.core.batches import short
from pipeline.core.fields import CAMPAIGN_ID, INTERACTION_ID
from pipeline.core.records import ReviewItem
from pipeline.stores.neo4j import fencing
from pipeline.stores.neo4j import review_queries as queries
from pipeline.stores.neo4j.schema import define

CHUNK = 1_000
TIME_LIMIT = 120.0


class Neo4jReviewQueue:
    """Implements `pipeline.ports.ReviewQueue`.

    Args:
        graph: A handle from `connect`.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def prepare(self) -> None:
        """Create indexes; idempotent."""
        define(self._graph, (*queries.SCHEMA, *fencing.SCHEMA))

    def flag(self, batch_id: str, *, gate: str, run_id: str, fence: int) -> int:
        """Flag every orphan of the batch, a chunk a transaction; what a person resolved stays resolved.

        One whose campaign came while the batch was written is linked instead, and its flag lifts if it had one. An
        orphan whose reason is another than the one that was resolved is flagged again.

        Returns:
            How many of the batch are flagged now.
        """
        at, doing = datetime.now(UTC), f"flagging orphans of batch {short(batch_id)}"
        found = self._graph.read(queries.OF_BATCH, {"batch_id": batch_id}, doing=doing, timeout=TIME_LIMIT)
        rows = queries.flag_rows(found, at, gate=gate, run_id=run_id)
        for start in range(0, len(rows), CHUNK):
            fencing.write(
                self._graph,
                batch_id,
                fence,
                (queries.LINK, queries.LIFT, queries.FLAG),
                {"rows": rows[start : start + CHUNK], "gate": gate, "run_id": run_id, "at": at},
                doing=doing,
                timeout=TIME_LIMIT,
            )
        return self.counts(batch_id).get("open", 0)

    def list(self, limit: int, batch_id: str | None = None) -> Sequence[ReviewItem]:
        """What waits for a person, newest first, of one batch or of all."""
        query = queries.LIST if batch_id is None else queries.LIST_BATCH
        parameters = {"limit": limit, "batch_id": batch_id}
        rows = self._graph.read(query, parameters, doing="listing the review queue", timeout=TIME_LIMIT)
        return [item_in(row) for row in rows]

    def waiting(self, limit: int) -> int:
        """How many wait for a person; counted up to `limit`."""
        doing = "counting what is to be reviewed"
        [row] = self._graph.read(queries.WAITING, {"limit": limit}, doing=doing, timeout=TIME_LIMIT)
        return int(row["interactions"])

    def show(self, interaction_id: str) -> ReviewItem | None:
        """One interaction that is or was in the queue; None when it never was."""
        doing = f"reading interaction {interaction_id!r}"
        rows = self._graph.read(queries.SHOW, {INTERACTION_ID: interaction_id}, doing=doing, timeout=TIME_LIMIT)
        return item_in(rows[0]) if rows and rows[0]["state"] else None

    def resolve(self, interaction_id: str, note: str) -> bool:
        """A person looked: it is flagged no more, also not by a later check. False when it was not open."""
        return self._decide(queries.RESOLVE, "resolved", interaction_id, note)

    def reopen(self, interaction_id: str, note: str) -> bool:
        """What was resolved waits for a person again. False when it was not resolved."""
        return self._decide(queries.REOPEN, "reopened", interaction_id, note)

    def counts(self, batch_id: str | None = None) -> Mapping[str, int]:
        """How many interactions are in each state, of one batch or of all."""
        query = queries.COUNTS if batch_id is None else queries.COUNTS_BATCH
        parameters = {"batch_id": batch_id}
        rows = self._graph.read(query, parameters, doing="counting the review queue", timeout=TIME_LIMIT)
        return {str(row["state"]): int(row["interactions"]) for row in rows}

    def _decide(self, query: str, what: str, interaction_id: str, note: str) -> bool:
        line, doing = queries.entry(what, datetime.now(UTC), note=note), f"reviewing {interaction_id!r}"
        parameters = {INTERACTION_ID: interaction_id, "entry": line}
        self._graph.write((query,), parameters, doing=doing, timeout=TIME_LIMIT)
        rows = self._graph.read(queries.SHOW, {INTERACTION_ID: interaction_id}, doing=doing, timeout=TIME_LIMIT)
        return any(line in (row["history"] or ()) for row in rows)


def item_in(row: Mapping[str, Any]) -> ReviewItem:
    """The review queue's entry in a row of `review_queries.FIELDS`."""
    since = plain(row["since"])
    return ReviewItem(
        interaction_id=str(row[INTERACTION_ID]),
        batch_id=str(row["batch_id"]),
        campaign_id=row[CAMPAIGN_ID],
        state=str(row["state"] or ""),
        reason=str(row["reason"] or ""),
        gate=str(row["gate"] or ""),
        run_id=str(row["run_id"] or ""),
        since=since.replace(tzinfo=UTC) if isinstance(since, datetime) and since.tzinfo is None else since,
        history=tuple(json.loads(line) for line in row["history"] or ()),
    )
