"""The graph stage: users and interactions into the graph, linked to the campaigns that exist."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from expectations_plugins.core.errors import TerminalError
from pipeline.core.batches import short
from pipeline.ports.steps import BatchContext
from pipeline.ports.stores import GraphStore, RawStore


class GraphStage:
    """Streams accepted records into the graph.

    Args:
        raw: Where the batch is.
        graph: Where it goes.
        chunk: Records written at once.
    """

    name = "graph"

    def __init__(self, raw: RawStore, graph: GraphStore, *, chunk: int = 1_000) -> None:
        self._raw = raw
        self._graph = graph
        self._chunk = chunk

    def run(self, context: BatchContext) -> Mapping[str, Any]:
        """Write one batch.

        Raises:
            TerminalError: The graph does not hold exactly the accepted records afterwards.
        """
        batch_id, written = context.batch_id, 0
        accepted, _quarantined = self._raw.counts(batch_id)
        records = self._raw.graph_records(batch_id)
        while chunk := list(islice(records, self._chunk)):
            self._graph.write(batch_id, chunk, fence=context.lease.fence)
            written += len(chunk)
            context.progress.advance(self.name, written, accepted)
        if self._graph.count(batch_id) > accepted:  # records were quarantined since an earlier run wrote them
            self._graph.prune(batch_id, fence=context.lease.fence)
        there = self._graph.count(batch_id)
        if there != accepted:
            raise TerminalError(
                f"Neo4j holds {there:,} interactions of batch {short(batch_id)}, MongoDB accepted {accepted:,}.",
                next_step="Look whether its interactions were changed in Neo4j by something else.",
            )
        return {"interactions": there}
