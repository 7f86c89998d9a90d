"""Writes that count only while nobody has taken the batch over: each transaction takes the batch's fence first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from expectations_plugins.core.errors import LeaseLostError
from expectations_plugins.neo4j.connection import Graph
from pipeline.core.batches import short

SCHEMA = ("CREATE CONSTRAINT batch_key IF NOT EXISTS FOR (n:SluicegateBatch) REQUIRE n.batch_id IS UNIQUE",)

TAKE_FENCE = """
MERGE (b:SluicegateBatch {batch_id: $batch_id})
SET b.fence = CASE WHEN coalesce(b.fence, 0) < $fence THEN $fence ELSE b.fence END
RETURN b.fence AS fence
""".strip()
"""The highest fence that has written. The write locks the node, so that an older writer waits, and then sees it."""


def write(
    graph: Graph,
    batch_id: str,
    fence: int,
    statements: Sequence[str],
    parameters: Mapping[str, Any],
    *,
    doing: str,
    timeout: float,
) -> None:
    """Run statements in one transaction, which ends without them when a later fence has written.

    Args:
        graph: The graph.
        batch_id: The batch; also the parameter `batch_id`.
        fence: The writer's; also the parameter `fence`.
        statements: Cypher; values belong in the parameters.
        parameters: Theirs.
        doing: What is done, for errors.
        timeout: Seconds the server may take.

    Raises:
        LeaseLostError: Another run has taken the batch over; nothing was written.
    """

    def current(rows: Sequence[Mapping[str, Any]]) -> None:
        if any(int(row["fence"]) > fence for row in rows):
            raise LeaseLostError(
                f"Batch {short(batch_id)} was taken over by another run while {doing}.",
                next_step="Nothing needs to be done: the other run goes on with the batch.",
            )

    values = {**parameters, "batch_id": batch_id, "fence": fence}
    graph.write((TAKE_FENCE, *statements), values, doing=doing, timeout=timeout, first=current)
