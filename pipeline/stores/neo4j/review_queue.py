"""The review queue on Neo4j: orphaned interactions, flagged where they are, with their history."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pipeline.model import ReviewItem, short
from pipeline.stores.neo4j import review_queries as queries
from pipeline.stores.neo4j.connection import Graph
from pipeline.stores.neo4j.values import plain

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
        for statement in queries.SCHEMA:
            self._graph.define(statement)

    def flag(self, batch_id: str, *, gate: str, run_id: str) -> int:
        """Flag every orphan of the batch, a chunk a transaction; one that a person resolved stays resolved.

        Returns:
            How many of the batch are flagged now.
        """
        at, doing = datetime.now(UTC), f"flagging orphans of batch {short(batch_id)}"
        parameters = {"batch_id": batch_id, "gate": gate, "run_id": run_id, "at": at, "limit": CHUNK}
        parameters["entry"] = entry("flagged", at, by=run_id)
        while self._number(queries.LEFT, {"batch_id": batch_id}, "left", doing):
            self._graph.write((queries.FLAG,), parameters, doing=doing, timeout=TIME_LIMIT)
        return self._number(queries.OPEN, {"batch_id": batch_id}, "open", doing)

    def list(self, limit: int, batch_id: str | None = None) -> Sequence[ReviewItem]:
        """What waits for a person, newest first, of one batch or of all."""
        query = queries.LIST if batch_id is None else queries.LIST_BATCH
        parameters = {"limit": limit, "batch_id": batch_id}
        rows = self._graph.read(query, parameters, doing="listing the review queue", timeout=TIME_LIMIT)
        return [_item(row) for row in rows]

    def show(self, interaction_id: str) -> ReviewItem | None:
        """One interaction that is or was in the queue; None when it never was."""
        doing = f"reading interaction {interaction_id!r}"
        rows = self._graph.read(queries.SHOW, {"interaction_id": interaction_id}, doing=doing, timeout=TIME_LIMIT)
        return _item(rows[0]) if rows and rows[0]["state"] else None

    def resolve(self, interaction_id: str, note: str) -> None:
        """A person looked: it is flagged no more, also not by a later check."""
        self._decide(queries.RESOLVE, "resolved", interaction_id, note)

    def reopen(self, interaction_id: str, note: str) -> None:
        """It waits for a person again."""
        self._decide(queries.REOPEN, "reopened", interaction_id, note)

    def counts(self) -> Mapping[str, int]:
        """How many interactions are in each state."""
        rows = self._graph.read(queries.COUNTS, {}, doing="counting the review queue", timeout=TIME_LIMIT)
        return {str(row["state"]): int(row["interactions"]) for row in rows}

    def _decide(self, query: str, what: str, interaction_id: str, note: str) -> None:
        parameters = {"interaction_id": interaction_id, "entry": entry(what, datetime.now(UTC), note=note)}
        self._graph.write((query,), parameters, doing=f"reviewing {interaction_id!r}", timeout=TIME_LIMIT)

    def _number(self, query: str, parameters: Mapping[str, Any], name: str, doing: str) -> int:
        [row] = self._graph.read(query, parameters, doing=doing, timeout=TIME_LIMIT)
        return int(row[name])


def entry(what: str, at: datetime, **more: str) -> str:
    """A line of history, as JSON text: a property holds lists of texts only."""
    return json.dumps({"at": at.isoformat(timespec="seconds"), "what": what, **more}, ensure_ascii=False)


def _item(row: Mapping[str, Any]) -> ReviewItem:
    since = plain(row["since"])
    return ReviewItem(
        interaction_id=str(row["interaction_id"]),
        batch_id=str(row["batch_id"]),
        campaign_id=row["campaign_id"],
        state=str(row["state"] or ""),
        reason=str(row["reason"] or ""),
        gate=str(row["gate"] or ""),
        run_id=str(row["run_id"] or ""),
        since=since.replace(tzinfo=UTC) if isinstance(since, datetime) and since.tzinfo is None else since,
        history=tuple(json.loads(line) for line in row["history"] or ()),
    )
