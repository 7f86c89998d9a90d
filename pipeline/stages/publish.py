"""The publish stage: metrics without quarantined records become visible to analysts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from expectations_plugins.core.checksums import Checksum
from pipeline.core.batch import CHECKSUM
from pipeline.ports.steps import BatchContext
from pipeline.ports.stores import MetricsStore, RawStore


class PublishStage:
    """Recomputes the batch's rows from accepted records only, and marks the batch published.

    Args:
        raw: Where the batch is.
        metrics: Where its metrics are.
    """

    name = "publish"

    def __init__(self, raw: RawStore, metrics: MetricsStore) -> None:
        self._raw = raw
        self._metrics = metrics

    def run(self, context: BatchContext) -> Mapping[str, Any]:
        """Publish one batch.

        Raises:
            TerminalError: The rows do not add up to the accepted records; nothing was published.
        """
        batch_id = context.batch_id
        accepted, _quarantined = self._raw.counts(batch_id)
        rows = list(self._raw.metrics(batch_id, include_quarantined=False))
        written = self._metrics.publish(batch_id, rows, accepted, fence=context.lease.fence)
        context.progress.advance(self.name, written, accepted)
        checksum = Checksum.of(row.counted for row in rows)
        return {"rows": len(rows), "interactions": written, CHECKSUM: checksum.as_list()}
