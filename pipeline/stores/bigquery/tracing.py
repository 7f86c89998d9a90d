"""`BigQueryLineage`: the metrics rows a record counts in. Values are parameters; rows are found by batch and window."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from google.cloud import bigquery

from pipeline.core.batches import short
from pipeline.core.fields import CAMPAIGN_ID
from pipeline.core.records import MetricRow
from pipeline.core.traces import MetricsSeen, Place
from pipeline.ports.tracing import MetricsLineage
from pipeline.stores.bigquery import queries
from pipeline.stores.bigquery.errors import ERRORS
from pipeline.stores.bigquery.tables import JOB_TIME_LIMIT_MS, RETRY, TIMEOUT, Tables

MOST_ROWS = 10
KINDS = {CAMPAIGN_ID: "STRING", "type": "STRING", "window_start": "TIMESTAMP"}


class BigQueryLineage(MetricsLineage):
    """The tables of the metrics, read only.

    Args:
        client: A client from `connect`.
        dataset: The dataset's name.
    """

    def __init__(self, client: bigquery.Client, dataset: str) -> None:
        self._client = client
        self._tables = Tables(client, dataset)

    def at(self, place: Place) -> MetricsSeen | None:
        """What is at a place; None when neither rows nor a published batch are."""
        queries.checked_batch_id(place.batch_id)
        with ERRORS.guard(f"tracing metrics of batch {short(place.batch_id)}"):
            version = self._tables.version()
            if version is None:  # nothing was ever written there
                return None
            layout = self._tables.layout(version)
            latest = self._tables.run(queries.latest_of(layout, place.batch_id))
            rows = self._read(rows_query(layout, place), place) if latest else []
        batch = dict(latest[0]) if latest else {"published": False}
        if not rows and not batch["published"]:
            return None
        seen = MetricsSeen(tuple(map(_row, rows)))
        if not batch["published"]:
            return seen
        return MetricsSeen(seen.rows, _utc(batch["written_at"]), batch["interactions"])

    def _read(self, sql: str, place: Place) -> list[Mapping[str, Any]]:
        config = bigquery.QueryJobConfig(
            job_timeout_ms=JOB_TIME_LIMIT_MS,
            query_parameters=[
                bigquery.ScalarQueryParameter(name, kind, getattr(place, name))
                for name, kind in KINDS.items()
                if f"@{name}" in sql
            ],
        )
        job = self._client.query(sql, job_config=config, retry=RETRY, job_retry=None, timeout=TIMEOUT)
        return [dict(row) for row in job.result(retry=RETRY, timeout=TIMEOUT)]


def rows_query(layout: queries.Layout, place: Place) -> str:
    """The rows that count at a place; BigQuery has no parameter that `=` takes for NULL."""
    columns = ", ".join(f"m.{name}" for name in queries.COLUMNS)
    batch = f"m.batch_id = '{queries.checked_batch_id(place.batch_id)}'"
    places = [f"m.{name} {'IS NULL' if getattr(place, name) is None else f'= @{name}'}" for name in KINDS]
    return f"""SELECT {columns} FROM {layout.rows} AS m
JOIN ({queries.latest_of(layout, place.batch_id)}) AS p ON p.batch_id = m.batch_id AND p.revision = m.revision
WHERE {" AND ".join([batch, *places])} LIMIT {MOST_ROWS}"""


def _row(row: Mapping[str, Any]) -> MetricRow:
    return MetricRow(
        batch_id=row["batch_id"],
        campaign_id=row[CAMPAIGN_ID],
        type=row["type"],
        window_start=_utc(row["window_start"]),
        interactions=int(row["interactions"]),
        distinct_users=int(row["distinct_users"]),
        value=row["value"],
    )


def _utc(value: object) -> datetime | None:
    return value.astimezone(UTC) if isinstance(value, datetime) else None
