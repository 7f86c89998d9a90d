"""A loaded batch beside a dataset of its own on a real BigQuery server, and a raw store that changes under a stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.core.records import MetricRow
from pipeline.local import Endpoints
from pipeline.stores.bigquery import queries
from pipeline.stores.bigquery.connection import Client, connect
from pipeline.stores.bigquery.metrics_store import BigQueryMetricsStore
from pipeline.stores.mongodb.raw_store import MongoRawStore
from tests.fakes.loaded_batch import LoadedBatch, loaded_batch

METRICS, VIEW, BATCHES = "the rows that count", "published_metrics", "the published batches"
WINDOWS = ("2026-11-20T09:00:00Z", "2026-11-20T09:05:00Z", "2026-11-20T09:10:00Z", None)
RECORDS: Sequence[dict[str, Any]] = [
    {
        "interaction_id": f"i_{number:02d}",
        "user_id": f"u_{number % 3:03d}",
        "campaign_id": "c_1" if number % 2 else None,
        "type": "click",
        "timestamp": WINDOWS[number % 4],
        "value": 0.5,
    }
    for number in range(12)
]
"""Twelve interactions of three users, four each; windows of ten minutes, and one of records without a time."""


@dataclass(frozen=True, slots=True)
class BatchMetrics:
    """The batch, the store its metrics go to, and a way to ask what is there."""

    batch: LoadedBatch
    store: BigQueryMetricsStore
    client: Client

    def rows(self, table: str, columns: str = "*") -> list[dict[str, Any]]:
        layout = queries.Layout(self.batch.name)
        latest = queries.latest(layout)
        sources = {
            METRICS: f"(SELECT m.* FROM {layout.rows} AS m JOIN ({latest}) AS p USING (batch_id, revision))",
            BATCHES: f"(SELECT * FROM ({latest}) WHERE published)",
        }
        source = sources.get(table, f"`{self.batch.name}.{table}`")
        found = self.client.query(f"SELECT {columns} FROM {source} ORDER BY 1").result()
        return [dict(row) for row in found]

    def interactions(self, table: str) -> int:
        [row] = self.rows(table, "COALESCE(SUM(interactions), 0) AS n")
        return int(row["n"])


class Shrinking(MongoRawStore):
    """A raw store that loses a group of records between counting and grouping them."""

    def metrics(self, batch_id: str, *, include_quarantined: bool) -> Iterator[MetricRow]:
        yield from list(super().metrics(batch_id, include_quarantined=include_quarantined))[1:]


@contextmanager
def batch_metrics(endpoints: Endpoints, folder: Path) -> Iterator[BatchMetrics]:
    """`RECORDS`, loaded, and an empty dataset."""
    client = connect(str(endpoints.bigquery_project), endpoint=endpoints.bigquery_endpoint)
    with closing(client), loaded_batch(str(endpoints.mongodb_uri), folder, RECORDS) as batch:
        store = BigQueryMetricsStore(client, batch.name)
        store.prepare()
        yield BatchMetrics(batch, store, client)
        client.delete_dataset(batch.name, delete_contents=True, not_found_ok=True)
