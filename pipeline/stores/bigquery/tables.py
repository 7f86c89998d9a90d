"""The dataset's tables and view: what is there, making them, and running a statement on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.api_core.exceptions import NotFound
from google.api_core.retry import Retry, if_transient_error
from google.cloud import bigquery

from pipeline.core.fields import CAMPAIGN_ID
from pipeline.core.schema_versions import SCHEMAS, version_in
from pipeline.stores.bigquery import old_queries as old
from pipeline.stores.bigquery import queries
from pipeline.stores.bigquery.errors import is_contention

TIMEOUT = 60.0
JOB_TIME_LIMIT_MS = 50_000
"""Before we stop waiting, so that a statement we gave up on does not commit behind its successor's back."""

LONG = 600
"""Seconds for a statement over the whole table: copying, collecting."""

RETRY = Retry(predicate=if_transient_error, initial=0.2, maximum=2.0, timeout=5.0)
"""Short: the runner retries. Without it the client would retry a 500 for ten minutes."""

PATIENCE = Retry(predicate=is_contention, initial=0.5, maximum=15.0, timeout=180.0)
"""With what others do to a table: it is over in seconds, and is none of the batch's attempts."""

LABEL = "sluicegate_schema"
"""The label of the tables of rows, and of the view, that holds the schema version."""

STORE = "bigquery"
CURRENT = SCHEMAS[STORE].current
STRING, INTEGER = bigquery.SqlTypeNames.STRING, bigquery.SqlTypeNames.INTEGER
TIMESTAMP = bigquery.SqlTypeNames.TIMESTAMP
METRICS_SCHEMA = (
    bigquery.SchemaField("batch_id", STRING, mode="REQUIRED"),
    bigquery.SchemaField(CAMPAIGN_ID, STRING),
    bigquery.SchemaField("type", STRING),
    bigquery.SchemaField("window_start", TIMESTAMP),
    bigquery.SchemaField("interactions", INTEGER, mode="REQUIRED"),
    bigquery.SchemaField(
        "distinct_users", INTEGER, mode="REQUIRED", description="Within this row; never to be summed over rows."
    ),
    bigquery.SchemaField(
        "value", bigquery.SqlTypeNames.NUMERIC, description="NULL: an older version's sum that NUMERIC cannot hold."
    ),
    bigquery.SchemaField("revision", STRING, mode="REQUIRED", description="Of one attempt to write the batch."),
    bigquery.SchemaField("fence", INTEGER, mode="REQUIRED", description="The writer's."),
    bigquery.SchemaField("loaded_at", TIMESTAMP, mode="REQUIRED", description="By the writer's clock."),
)
PUBLICATIONS_SCHEMA = (
    bigquery.SchemaField("batch_id", STRING, mode="REQUIRED"),
    bigquery.SchemaField("fence", INTEGER, mode="REQUIRED", description="Of a batch's publications the highest counts"),
    bigquery.SchemaField("sequence", INTEGER, mode="REQUIRED", description="and of these the highest."),
    bigquery.SchemaField("revision", STRING, mode="REQUIRED", description="Whose rows count."),
    bigquery.SchemaField("interactions", INTEGER, mode="REQUIRED", description="What they add up to."),
    bigquery.SchemaField(
        "published", bigquery.SqlTypeNames.BOOLEAN, mode="REQUIRED", description="Whether analysts see them."
    ),
    bigquery.SchemaField("written_at", TIMESTAMP, mode="REQUIRED"),
)


class Tables:
    """One dataset.

    Args:
        client: A client from `connect`.
        dataset: The dataset's name.
    """

    def __init__(self, client: bigquery.Client, dataset: str) -> None:
        self.client = client
        self.dataset = queries.dataset_path(client.project, dataset)

    def version(self) -> int | None:
        """The schema version of what is there; None when nothing is."""
        for name in (queries.METRICS, old.METRICS):
            table = self.find(name)
            if table is not None:
                return version_in((table.labels or {}).get(LABEL), STORE, f"dataset {self.dataset}")
        return None

    def layout(self, version: int) -> queries.Layout:
        """Which tables are to be read in a dataset of this version."""
        is_old = version < CURRENT
        return queries.Layout(self.dataset, not is_old or self.find(queries.PUBLICATIONS) is not None, is_old)

    def make(self) -> None:
        """Create dataset, tables and view, whatever of them is there; idempotent.

        Beside tables of an older version, which nobody has migrated, the view shows what is in either.
        """
        self.client.create_dataset(self.dataset, exists_ok=True, retry=RETRY, timeout=TIMEOUT)
        version = self.version() or CURRENT
        # by month: a table has 10,000 partitions, and a job writes to 4,000
        metrics = self.table(queries.METRICS, METRICS_SCHEMA)
        metrics.time_partitioning = bigquery.TimePartitioning(bigquery.TimePartitioningType.MONTH, "window_start")
        metrics.clustering_fields = ["batch_id", "window_start"]
        metrics.labels = {LABEL: str(version)}  # of a table that exists, its own stay
        publications = self.table(queries.PUBLICATIONS, PUBLICATIONS_SCHEMA)
        publications.clustering_fields = ["batch_id"]
        for table in (publications, metrics):
            self.client.create_table(table, exists_ok=True, retry=RETRY, timeout=TIMEOUT)
        self.show(version)

    def show(self, version: int) -> None:
        """Let the view show what a dataset of this schema version has."""
        view = bigquery.Table(f"{self.dataset}.{queries.VIEW}")
        view.view_query = queries.view(queries.Layout(self.dataset, has_old=version < CURRENT))
        view.labels = {LABEL: f"{CURRENT}_of_{version}"}
        there = self.client.create_table(view, exists_ok=True, retry=RETRY, timeout=TIMEOUT)
        if (there.labels or {}).get(LABEL) != view.labels[LABEL]:
            self.client.update_table(view, ["view_query", "labels"], retry=RETRY, timeout=TIMEOUT)

    def find(self, name: str) -> bigquery.Table | None:
        """A table; None when there is none."""
        try:
            return self.client.get_table(f"{self.dataset}.{name}", retry=RETRY, timeout=TIMEOUT)
        except NotFound:
            return None

    def table(self, name: str, schema: Sequence[bigquery.SchemaField]) -> bigquery.Table:
        """A table to be created."""
        return bigquery.Table(f"{self.dataset}.{name}", schema=list(schema))

    def run(self, sql: str) -> list[Any]:
        """The rows of one statement, which is done again while it is in another one's way."""
        return list(self._done(sql, JOB_TIME_LIMIT_MS, TIMEOUT)[1])

    def changed_by(self, sql: str) -> int:
        """How many rows one statement changed, which may take long; as `run`."""
        job, _ = self._done(sql, LONG * 1_000, LONG)
        return int(job.num_dml_affected_rows or 0)

    def _done(self, sql: str, limit_ms: int, timeout: float) -> tuple[Any, Any]:
        def once() -> tuple[Any, Any]:
            config = bigquery.QueryJobConfig(job_timeout_ms=limit_ms)
            job = self.client.query(sql, job_config=config, retry=RETRY, job_retry=None, timeout=TIMEOUT)
            return job, job.result(retry=RETRY, timeout=timeout)

        return PATIENCE(once)()
