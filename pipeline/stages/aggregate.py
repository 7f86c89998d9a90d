"""The aggregate stage: the batch's metrics into the metrics store, not yet visible to analysts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.ports.steps import BatchContext
from pipeline.ports.stores import MetricsStore, RawStore


class AggregateStage:
    """Groups the batch in the raw store and replaces its rows in the metrics store.

    Args:
        raw: Where the batch is.
        metrics: Where its metrics go.
    """

    name = "aggregate"

    def __init__(self, raw: RawStore, metrics: MetricsStore) -> None:
        self._raw = raw
        self._metrics = metrics

    def run(self, context: BatchContext) -> Mapping[str, Any]:
        """Aggregate one batch, quarantined records included: the raw gate has not judged them yet.

        Raises:
            TerminalError: The rows do not add up to the batch's records.
        """
        batch_id = context.batch_id
        expected = sum(self._raw.counts(batch_id))
        rows = list(self._raw.metrics(batch_id, include_quarantined=True))
        written = self._metrics.replace(batch_id, rows, expected, fence=context.lease.fence)
        context.progress.advance(self.name, written, expected)
        return {"rows": len(rows), "interactions": written}
