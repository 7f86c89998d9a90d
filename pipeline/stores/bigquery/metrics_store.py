"""The metrics store on BigQuery: load jobs into a staging table, then one transaction per batch."""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from google.api_core.exceptions import Conflict
from google.api_core.retry import Retry, if_transient_error
from google.cloud import bigquery

from expectations_plugins.core.errors import LeaseLostError, TerminalError
from pipeline.core.batches import short
from pipeline.core.fields import CAMPAIGN_ID
from pipeline.core.records import MetricRow
from pipeline.core.schema_versions import SCHEMAS
from pipeline.stores.bigquery import queries
from pipeline.stores.bigquery.errors import ERRORS

TIMEOUT = 60.0
JOB_TIME_LIMIT_MS = 50_000
"""Before we stop waiting, so that a script we gave up on does not commit behind its successor's back."""

RETRY = Retry(predicate=if_transient_error, initial=0.2, maximum=2.0, timeout=5.0)
"""Short: the runner retries. Without it the client would retry a 500 for ten minutes."""

UPLOAD_RETRIES = 2
ATTEMPTS = 50
"""Job ids tried for one content; a batch that is loaded again needs the next one."""

LABEL = "sluicegate_schema"
"""The label of the table of metrics that holds the dataset's schema version."""

STRING, INTEGER = bigquery.SqlTypeNames.STRING, bigquery.SqlTypeNames.INTEGER
METRICS_SCHEMA = (
    bigquery.SchemaField("batch_id", STRING, mode="REQUIRED"),
    bigquery.SchemaField(CAMPAIGN_ID, STRING),
    bigquery.SchemaField("type", STRING),
    bigquery.SchemaField("window_start", bigquery.SqlTypeNames.TIMESTAMP),
    bigquery.SchemaField("interactions", INTEGER, mode="REQUIRED"),
    bigquery.SchemaField(
        "distinct_users", INTEGER, mode="REQUIRED", description="Within this row; never to be summed over rows."
    ),
    bigquery.SchemaField("value", bigquery.SqlTypeNames.FLOAT, mode="REQUIRED"),
)
BATCHES_SCHEMA = (
    bigquery.SchemaField("batch_id", STRING, mode="REQUIRED"),
    bigquery.SchemaField("published_at", bigquery.SqlTypeNames.TIMESTAMP, mode="REQUIRED"),
    bigquery.SchemaField("interactions", INTEGER, mode="REQUIRED"),
)
FENCES_SCHEMA = (
    bigquery.SchemaField("batch_id", STRING, mode="REQUIRED"),
    bigquery.SchemaField("fence", INTEGER, mode="REQUIRED", description="The highest that has written the batch."),
)


class BigQueryMetricsStore:
    """Implements `pipeline.ports.MetricsStore`.

    Args:
        client: A client from `connect`.
        dataset: The dataset's name.
    """

    def __init__(self, client: bigquery.Client, dataset: str) -> None:
        self._client = client
        self._dataset = queries.dataset_path(client.project, dataset)

    def prepare(self) -> None:
        """Create dataset, tables and view; idempotent."""
        with ERRORS.guard(f"preparing dataset {self._dataset}"):
            self._client.create_dataset(self._dataset, exists_ok=True, retry=RETRY, timeout=TIMEOUT)
            metrics = self._table(queries.METRICS, METRICS_SCHEMA)
            # by year: a table has 10,000 partitions and a job writes to 4,000, and what a log calls a day may be any
            metrics.time_partitioning = bigquery.TimePartitioning(bigquery.TimePartitioningType.YEAR, "window_start")
            metrics.clustering_fields = ["batch_id", "window_start"]
            metrics.labels = {LABEL: str(SCHEMAS["bigquery"].current)}  # of a table that exists, its own stay
            view = bigquery.Table(f"{self._dataset}.{queries.VIEW}")
            view.view_query = queries.view(self._dataset)
            fences = self._table(queries.FENCES, FENCES_SCHEMA)
            for table in (metrics, self._table(queries.BATCHES, BATCHES_SCHEMA), fences, view):
                self._client.create_table(table, exists_ok=True, retry=RETRY, timeout=TIMEOUT)

    def replace(self, batch_id: str, rows: Iterable[MetricRow], expected: int, *, fence: int) -> int:
        """Replace the batch's rows and un-publish it, in one transaction."""
        return self._write(batch_id, rows, expected, publish=False, fence=fence)

    def publish(self, batch_id: str, rows: Iterable[MetricRow], expected: int, *, fence: int) -> int:
        """Replace the batch's rows and publish it, in one transaction."""
        return self._write(batch_id, rows, expected, publish=True, fence=fence)

    def published(self, batch_id: str) -> Sequence[MetricRow]:
        """The rows of the batch that analysts see; none when it is not published."""
        with ERRORS.guard(f"reading the published metrics of batch {short(batch_id)}"):
            found = self._run(queries.published(self._dataset, batch_id))
        return [MetricRow(**{column: row[column] for column in queries.COLUMNS}) for row in found]

    def _write(self, batch_id: str, rows: Iterable[MetricRow], expected: int, *, publish: bool, fence: int) -> int:
        content = "".join(json.dumps(_json_row(row), sort_keys=True) + "\n" for row in rows).encode()
        digest = hashlib.sha256(content).hexdigest()[:16]
        staging = queries.staging_table(batch_id, digest)
        with ERRORS.guard(f"{'publishing' if publish else 'writing'} metrics of batch {short(batch_id)}"):
            self._stage(staging, content, job_id=f"sluicegate-{short(batch_id)}-{digest}")
            staged = self._staged_sum(staging)
            if staged != expected:
                raise TerminalError(
                    f"BigQuery: the metrics of batch {short(batch_id)} add up to {staged:,} interactions, "
                    f"MongoDB has {expected:,}; nothing was changed.",
                    next_step="Look whether records of the batch were changed while it was aggregated, then run again.",
                )
            published = staged if publish else None
            self._run(queries.replace_script(self._dataset, batch_id, staging, published=published, fence=fence))
            self._check_fence(batch_id, fence)
            self._client.delete_table(f"{self._dataset}.{staging}", not_found_ok=True, retry=RETRY, timeout=TIMEOUT)
        return staged

    def _stage(self, staging: str, content: bytes, *, job_id: str) -> None:
        table = f"{self._dataset}.{staging}"
        # truncated here and not by the job: BigQuery takes no load job of an empty file
        self._client.delete_table(table, not_found_ok=True, retry=RETRY, timeout=TIMEOUT)
        wanted = self._table(staging, METRICS_SCHEMA)
        wanted.expires = datetime.now(UTC) + timedelta(days=1)  # should a crash leave it behind
        created = self._client.create_table(wanted, retry=RETRY, timeout=TIMEOUT)
        if not content:
            return
        config = bigquery.LoadJobConfig(
            schema=METRICS_SCHEMA,
            source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
            write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
            create_disposition=bigquery.CreateDisposition.CREATE_NEVER,  # a job of a crashed run must not revive it
        )
        for attempt in range(ATTEMPTS):
            try:
                job = self._client.load_table_from_file(
                    io.BytesIO(content),
                    created,
                    job_id=f"{job_id}-{attempt}",
                    job_config=config,
                    num_retries=UPLOAD_RETRIES,
                    timeout=TIMEOUT,
                )
            except Conflict:
                continue  # an earlier attempt's job: it loaded into a table that is gone
            job.result(retry=RETRY, timeout=TIMEOUT)
            return
        raise TerminalError(
            f"BigQuery: load job {job_id} was submitted {ATTEMPTS} times with the same content.",
            next_step="Look what keeps sending this batch; BigQuery keeps job ids for months.",
        )

    def _check_fence(self, batch_id: str, fence: int) -> None:
        [row] = self._run(queries.highest_fence(self._dataset, batch_id))
        if int(row["fence"]) > fence:
            raise LeaseLostError(
                f"Batch {short(batch_id)} was taken over by another run while its metrics were written.",
                next_step="Nothing needs to be done: the other run goes on with the batch.",
            )

    def _staged_sum(self, staging: str) -> int:
        [row] = self._run(queries.staged_sum(self._dataset, staging))
        return int(row["interactions"])

    def _run(self, sql: str) -> list[Any]:
        config = bigquery.QueryJobConfig(job_timeout_ms=JOB_TIME_LIMIT_MS)
        job = self._client.query(sql, job_config=config, retry=RETRY, job_retry=None, timeout=TIMEOUT)
        return list(job.result(retry=RETRY, timeout=TIMEOUT))

    def _table(self, name: str, schema: Sequence[bigquery.SchemaField]) -> bigquery.Table:
        return bigquery.Table(f"{self._dataset}.{name}", schema=list(schema))


def _json_row(row: MetricRow) -> dict[str, Any]:
    return {
        "batch_id": row.batch_id,
        CAMPAIGN_ID: row.campaign_id,
        "type": row.type,
        "window_start": row.window_start.isoformat() if row.window_start else None,
        "interactions": row.interactions,
        "distinct_users": row.distinct_users,
        "value": row.value if math.isfinite(row.value) else str(row.value),  # JSON has no NaN and no infinity
    }
