"""`BigQueryLineage`: the metrics rows a record counts in. Values are parameters; rows are found by batch and window."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from pipeline.core.batches import short
from pipeline.core.fields import CAMPAIGN_ID
from pipeline.core.records import MetricRow
from pipeline.core.traces import MetricsSeen, Place
from pipeline.ports.tracing import MetricsLineage
from pipeline.stores.bigquery import queries
from pipeline.stores.bigquery.errors import ERRORS
from pipeline.stores.bigquery.metrics_store import JOB_TIME_LIMIT_MS, RETRY, TIMEOUT

MOST_ROWS = 10
KINDS = {"batch_id": "STRING", CAMPAIGN_ID: "STRING", "type": "STRING", "window_start": "TIMESTAMP"}


class BigQueryLineage(MetricsLineage):
    """The tables of the metrics, read only.

    Args:
        client: A client from `connect`.
        dataset: The dataset's name.
    """

    def __init__(self, client: bigquery.Client, dataset: str) -> None:
        self._client = client
        self._dataset = queries.dataset_path(client.project, dataset)

    def at(self, place: Place) -> MetricsSeen | None:
        """What is at a place; None when neither rows nor a published batch are."""
        queries.checked_batch_id(place.batch_id)
        with ERRORS.guard(f"tracing metrics of batch {short(place.batch_id)}"):
            rows = self._read(rows_query(self._dataset, place), place)
            published = self._read(published_query(self._dataset), place)
        if not rows and not published:
            return None
        first: Mapping[str, Any] = published[0] if published else {}
        return MetricsSeen(tuple(map(_row, rows)), _utc(first.get("published_at")), first.get("interactions"))

    def _read(self, sql: str, place: Place) -> list[Mapping[str, Any]]:
        config = bigquery.QueryJobConfig(
            job_timeout_ms=JOB_TIME_LIMIT_MS,
            query_parameters=[
                bigquery.ScalarQueryParameter(name, kind, getattr(place, name))
                for name, kind in KINDS.items()
                if f"@{name}" in sql
            ],
        )
        try:
            job = self._client.query(sql, job_config=config, retry=RETRY, job_retry=None, timeout=TIMEOUT)
            return [dict(row) for row in job.result(retry=RETRY, timeout=TIMEOUT)]
        except NotFound:  # nothing was ever written there
            return []


def rows_query(dataset: str, place: Place) -> str:
    """Metrics rows at a place; BigQuery has no parameter that `=` takes for NULL."""
    columns = ", ".join(queries.COLUMNS)
    places = [
        f"{name} {'IS NULL' if getattr(place, name) is None else f'= @{name}'}" for name in KINDS if name != "batch_id"
    ]
    where = " AND ".join(["batch_id = @batch_id", *places])
    return f"SELECT {columns} FROM `{dataset}.{queries.METRICS}` WHERE {where} LIMIT {MOST_ROWS}"  # noqa: S608


def published_query(dataset: str) -> str:
    """Whether a batch is published."""
    return f"SELECT published_at, interactions FROM `{dataset}.{queries.BATCHES}` WHERE batch_id = @batch_id LIMIT 1"  # noqa: S608


def _row(row: Mapping[str, Any]) -> MetricRow:
    return MetricRow(
        batch_id=row["batch_id"],
        campaign_id=row[CAMPAIGN_ID],
        type=row["type"],
        window_start=_utc(row["window_start"]),
        interactions=int(row["interactions"]),
        distinct_users=int(row["distinct_users"]),
        value=float(row["value"]),
    )


def _utc(value: object) -> datetime | None:
    return value.astimezone(UTC) if isinstance(value, datetime) else None
