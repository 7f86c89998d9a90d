"""The metrics store on BigQuery: load jobs append a batch's rows under a revision, one INSERT says which one counts.

Nothing here changes or deletes what is there, so that batches cannot be in each other's way (decision 0023).
"""

from __future__ import annotations

import hashlib
import io
import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from google.api_core.exceptions import Conflict, GoogleAPICallError
from google.cloud import bigquery

from expectations_plugins.core.errors import LeaseLostError, TerminalError, TransientError
from pipeline.core.batches import short
from pipeline.core.fields import CAMPAIGN_ID
from pipeline.core.records import MetricRow
from pipeline.stores.bigquery import queries
from pipeline.stores.bigquery.errors import ERRORS, is_quota
from pipeline.stores.bigquery.tables import METRICS_SCHEMA, PATIENCE, RETRY, TIMEOUT, Tables

UPLOAD_RETRIES = 2
LOADS = 2
"""How often rows are appended before it is an error that they are not there, each once: a job may run twice."""

Row = dict[str, Any]


class BigQueryMetricsStore:
    """Implements `pipeline.ports.MetricsStore`.

    Args:
        client: A client from `connect`.
        dataset: The dataset's name.
    """

    def __init__(self, client: bigquery.Client, dataset: str) -> None:
        self._client = client
        self._tables = Tables(client, dataset)
        self._dataset = self._tables.dataset

    def prepare(self) -> None:
        """Create dataset, tables and view; idempotent."""
        with ERRORS.guard(f"preparing dataset {self._dataset}"):
            self._tables.make()

    def replace(self, batch_id: str, rows: Iterable[MetricRow], expected: int, *, fence: int) -> int:
        """Append the batch's rows in place of those that count, and un-publish it."""
        return self._write(_Content.of(batch_id, rows), expected, publish=False, fence=fence)

    def publish(self, batch_id: str, rows: Iterable[MetricRow], expected: int, *, fence: int) -> int:
        """Append the batch's rows, unless this fence has just done so, and publish it."""
        return self._write(_Content.of(batch_id, rows), expected, publish=True, fence=fence)

    def published(self, batch_id: str) -> Sequence[MetricRow]:
        """The rows of the batch that analysts see; none when it is not published."""
        with ERRORS.guard(f"reading the published metrics of batch {short(batch_id)}"):
            found = self._tables.run(queries.published(self._dataset, batch_id))
        return [MetricRow(**{column: row[column] for column in queries.COLUMNS}) for row in found]

    def _write(self, content: _Content, expected: int, *, publish: bool, fence: int) -> int:
        batch = short(content.batch_id)
        if content.interactions != expected:
            raise TerminalError(
                f"BigQuery: the metrics of batch {batch} add up to {content.interactions:,} interactions, "
                f"MongoDB has {expected:,}; nothing was changed.",
                next_step="Look whether records of the batch were changed while it was aggregated, then run again.",
            )
        with ERRORS.guard(f"{'publishing' if publish else 'writing'} metrics of batch {batch}"):
            if not (publish and self._publishes_latest(content, fence)):
                self._append(content, publish=publish, fence=fence)
        return content.interactions

    def _publishes_latest(self, content: _Content, fence: int) -> bool:
        """Whether the rows that this fence has appended are the same, and are published now."""
        batch_id, total = content.batch_id, content.interactions
        self._tables.run(
            queries.publish_latest(self._dataset, batch_id, content.digest, interactions=total, fence=fence)
        )
        row = self._latest(batch_id, fence)
        is_ours = bool(row and row["published"] and row["fence"] == fence)
        return is_ours and str(row["revision"]).startswith(f"{content.digest}_")

    def _append(self, content: _Content, *, publish: bool, fence: int) -> None:
        for _ in range(LOADS):
            revision = f"{content.digest}_{uuid.uuid4().hex[:16]}"
            if content.rows:
                self._load(content.lines(revision, fence), f"sluicegate-{short(content.batch_id)}-{revision}")
            self._tables.run(
                queries.publish_revision(
                    self._dataset,
                    content.batch_id,
                    revision,
                    rows=len(content.rows),
                    interactions=content.interactions,
                    published=publish,
                    fence=fence,
                )
            )
            if self._latest(content.batch_id, fence).get("revision") == revision:
                return
        raise TransientError(
            f"BigQuery: the metrics of batch {short(content.batch_id)} were appended {LOADS} times, and each time not"
            " all rows were there, each once.",
            next_step="Run again. If it happens again, look at the load jobs of this batch in BigQuery.",
        )

    def _latest(self, batch_id: str, fence: int) -> Row:
        """The batch's publication that counts; an empty one when there is none.

        Raises:
            LeaseLostError: A later fence has written it.
        """
        found = self._tables.run(queries.latest_of(queries.Layout(self._dataset), batch_id))
        row = dict(found[0]) if found else {}
        if row.get("fence", fence) > fence:
            raise LeaseLostError(
                f"Batch {short(batch_id)} was taken over by another run while its metrics were written.",
                next_step="Nothing needs to be done: the other run goes on with the batch.",
            )
        return row

    def _load(self, lines: bytes, job_id: str) -> None:
        """Append rows; through a table of their own when the table's load jobs of the day are used up."""
        try:
            self._load_into(queries.METRICS, lines, job_id)
        except GoogleAPICallError as error:
            if not is_quota(error):
                raise
            own = f"load_{job_id.rpartition('-')[2]}"
            table = self._tables.table(own, METRICS_SCHEMA)
            table.expires = datetime.now(UTC) + timedelta(days=1)  # should a crash leave it behind
            self._client.create_table(table, retry=RETRY, timeout=TIMEOUT)
            self._load_into(own, lines, f"{job_id}-own")
            self._tables.run(queries.append_from(self._dataset, own))
            self._client.delete_table(f"{self._dataset}.{own}", not_found_ok=True, retry=RETRY, timeout=TIMEOUT)

    def _load_into(self, table: str, lines: bytes, job_id: str) -> None:
        config = bigquery.LoadJobConfig(
            schema=METRICS_SCHEMA,
            source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
            write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
            create_disposition=bigquery.CreateDisposition.CREATE_NEVER,
        )
        tries = iter(range(1_000))

        def once() -> None:
            named = f"{job_id}-{next(tries)}"
            try:
                job: Any = self._client.load_table_from_file(
                    io.BytesIO(lines),
                    f"{self._dataset}.{table}",
                    job_id=named,
                    job_config=config,
                    num_retries=UPLOAD_RETRIES,
                    timeout=TIMEOUT,
                )
            except Conflict:  # its answer was lost, and the client sent it again
                job = self._client.get_job(named, retry=RETRY, timeout=TIMEOUT)
            job.result(retry=RETRY, timeout=TIMEOUT)

        PATIENCE(once)()


@dataclass(frozen=True, slots=True)
class _Content:
    """The rows of a batch as they are loaded.

    Args:
        batch_id: The batch.
        rows: As JSON, without what differs from one attempt to the next.
        interactions: What they add up to.
        digest: Hash of the rows.
    """

    batch_id: str
    rows: Sequence[Row]
    interactions: int
    digest: str

    @classmethod
    def of(cls, batch_id: str, rows: Iterable[MetricRow]) -> _Content:
        """The content of these rows, whatever their order."""
        batch_id, found = queries.checked_batch_id(batch_id), [_json_row(row) for row in rows]
        lines = sorted(json.dumps(row, sort_keys=True) for row in found)
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
        return cls(batch_id, found, sum(row["interactions"] for row in found), digest)

    def lines(self, revision: str, fence: int) -> bytes:
        """What is loaded in one attempt."""
        attempt = {"revision": revision, "fence": fence, "loaded_at": datetime.now(UTC).isoformat()}
        return "".join(json.dumps(row | attempt, sort_keys=True) + "\n" for row in self.rows).encode()


def _json_row(row: MetricRow) -> Row:
    return {
        "batch_id": row.batch_id,
        CAMPAIGN_ID: row.campaign_id,
        "type": row.type,
        "window_start": row.window_start.isoformat() if row.window_start else None,
        "interactions": row.interactions,
        "distinct_users": row.distinct_users,
        "value": None if row.value is None else format(row.value, "f"),  # a text: a JSON number is read as a float
    }
