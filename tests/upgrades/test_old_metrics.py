"""Metrics that older versions wrote: seen beside new ones, and copied once, wherever a copy ended before."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from google.cloud import bigquery

from expectations_plugins.core.errors import TransientError
from pipeline.core.records import MetricRow
from pipeline.core.traces import Place
from pipeline.local import Endpoints
from pipeline.stores.bigquery.connection import Client, connect
from pipeline.stores.bigquery.metrics_store import BigQueryMetricsStore
from pipeline.stores.bigquery.tracing import BigQueryLineage
from pipeline.stores.bigquery.upgrades import BigQueryOldMetrics
from pipeline.stores.bigquery.version_mark import BigQueryVersionMark
from tests.fakes.strict_bigquery import StrictBigQuery, strict_bigquery

SEEN, HIDDEN, NEW = "ab" * 32, "cd" * 32, "ef" * 32
NINE = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PUBLISHED = datetime(2026, 11, 20, 9, 12, 1, tzinfo=UTC)
S = bigquery.SchemaField
OLD = {
    "interaction_metrics": (
        S("batch_id", "STRING"),
        S("campaign_id", "STRING"),
        S("type", "STRING"),
        S("window_start", "TIMESTAMP"),
        S("interactions", "INTEGER"),
        S("distinct_users", "INTEGER"),
        S("value", "FLOAT"),
    ),
    "batches": (S("batch_id", "STRING"), S("published_at", "TIMESTAMP"), S("interactions", "INTEGER")),
    "fences": (S("batch_id", "STRING"), S("fence", "INTEGER")),
}
ROW = {"campaign_id": "c_1", "type": "click", "window_start": NINE.isoformat(), "interactions": 3, "distinct_users": 2}
ROWS: dict[str, list[dict[str, Any]]] = {
    "interaction_metrics": [
        {"batch_id": SEEN, **ROW, "value": 0.1 + 0.2},
        {"batch_id": SEEN, **ROW, "type": "view", "value": "inf"},
        {"batch_id": SEEN, **ROW, "type": "open", "window_start": "0001-01-01T00:00:00+00:00", "value": 1.5},
        {"batch_id": HIDDEN, **ROW, "value": 2.5},
    ],
    "batches": [{"batch_id": SEEN, "published_at": PUBLISHED.isoformat(), "interactions": 9}],
    "fences": [{"batch_id": SEEN, "fence": 7}, {"batch_id": HIDDEN, "fence": 8}],
}
COPIED = [
    (SEEN, "click", NINE, Decimal("0.3"), PUBLISHED),
    (SEEN, "open", None, Decimal("1.5"), PUBLISHED),
    (SEEN, "view", NINE, None, PUBLISHED),
]
"""What analysts see of them afterwards."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset of version 2, behind the strict proxy."""

    client: Client
    name: str
    strict: StrictBigQuery

    @property
    def store(self) -> BigQueryMetricsStore:
        return BigQueryMetricsStore(self.client, self.name)

    @property
    def old(self) -> BigQueryOldMetrics:
        return BigQueryOldMetrics(self.client, self.name)

    @property
    def mark(self) -> BigQueryVersionMark:
        return BigQueryVersionMark(self.client, self.name)

    def migrate(self) -> None:
        """As `Migration.perform` does it."""
        self.old.copy()
        self.mark.set(3)

    def seen(self) -> list[tuple[Any, ...]]:
        columns = "batch_id, type, window_start, value, published_at"
        sql = f"SELECT {columns} FROM `{self.name}.published_metrics` ORDER BY batch_id, type"
        return [tuple(row.values()) for row in self.client.query(sql).result()]

    def rows(self, table: str) -> list[dict[str, Any]]:
        return [dict(row) for row in self.client.query(f"SELECT * FROM `{self.name}.{table}`").result()]

    def put(self, table: str, rows: list[dict[str, Any]]) -> None:
        config = bigquery.LoadJobConfig(schema=OLD[table], source_format="NEWLINE_DELIMITED_JSON")
        lines = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
        self.client.load_table_from_file(io.BytesIO(lines), f"{self.name}.{table}", job_config=config).result()


@pytest.fixture
def dataset(endpoints: Endpoints) -> Iterator[Dataset]:
    name = f"t{uuid.uuid4().hex[:10]}"
    with (
        strict_bigquery(str(endpoints.bigquery_endpoint)) as strict,
        closing(connect(str(endpoints.bigquery_project), endpoint=strict.endpoint)) as client,
    ):
        made = Dataset(client, name, strict)
        client.create_dataset(name)
        for table, schema in OLD.items():
            one = bigquery.Table(f"{client.project}.{name}.{table}", schema=list(schema))
            one.labels = {"sluicegate_schema": "2"} if table == "interaction_metrics" else {}
            client.create_table(one)
            made.put(table, ROWS[table])
        yield made
        strict.up_for = None
        client.delete_dataset(name, delete_contents=True)


def test_old_and_new_metrics_are_seen_side_by_side_before_a_migration(dataset: Dataset) -> None:
    dataset.store.prepare()
    assert (dataset.mark.found(), dataset.old.left()) == (2, 2)
    assert [row[:2] for row in dataset.seen()] == [(SEEN, "click"), (SEEN, "open"), (SEEN, "view")]
    row = MetricRow(NEW, "c_1", "click", NINE, 3, 2, Decimal("0.5"))
    dataset.store.publish(NEW, [row], 3, fence=9)
    dataset.store.publish(HIDDEN, [replace(row, batch_id=HIDDEN)], 3, fence=9)
    assert [row[0] for row in dataset.seen()] == [SEEN] * 3 + [HIDDEN, NEW]


def test_an_older_program_that_writes_a_batch_later_is_believed_until_a_newer_fence_comes(dataset: Dataset) -> None:
    dataset.store.prepare()
    row = MetricRow(SEEN, "c_2", "click", NINE, 3, 2, Decimal("0.5"))
    dataset.store.publish(SEEN, [row], 3, fence=6)
    assert len(dataset.seen()) == 3
    dataset.store.publish(SEEN, [row], 3, fence=8)
    assert len(dataset.seen()) == 1


def test_a_migration_copies_all_and_analysts_see_what_they_saw_as_exact_decimals(dataset: Dataset) -> None:
    before = {table: dataset.rows(table) for table in OLD}
    assert [row.split(" of ")[0] for row in dataset.old.changes()] == ["1 row", "1 row"]
    dataset.migrate()
    assert (dataset.mark.found(), dataset.old.left(), dataset.seen()) == (3, 0, COPIED)
    assert {table: dataset.rows(table) for table in OLD} == before
    assert {(row["batch_id"], row["fence"], row["published"]) for row in dataset.rows("publications")} == {
        (SEEN, 7, True),
        (HIDDEN, 8, False),
    }
    dataset.store.prepare()
    assert dataset.seen() == COPIED
    dataset.migrate()
    assert (dataset.seen(), len(dataset.rows("metric_revisions"))) == (COPIED, 4)


def test_a_migration_that_ends_at_any_request_shows_the_same_and_is_finished_by_the_next(dataset: Dataset) -> None:
    seen = [row[:2] for row in COPIED]
    for requests in range(1, 60):
        dataset.strict.asked, dataset.strict.up_for = 0, requests
        try:
            dataset.migrate()
        except TransientError:
            dataset.strict.up_for = None
            dataset.store.prepare()
            assert [row[:2] for row in dataset.seen()] == seen, requests
        else:
            break
    dataset.strict.up_for = None
    assert requests > 10
    assert (dataset.mark.found(), dataset.old.left(), dataset.seen()) == (3, 0, COPIED)
    assert len(dataset.rows("metric_revisions")) == 4


def test_what_an_older_program_writes_after_a_migration_is_left_to_copy_and_copied(dataset: Dataset) -> None:
    dataset.migrate()
    dataset.put("interaction_metrics", [{"batch_id": NEW, **ROW, "value": 1.0}])
    dataset.put("batches", [{"batch_id": NEW, "published_at": PUBLISHED.isoformat(), "interactions": 3}])
    dataset.put("fences", [{"batch_id": NEW, "fence": 9}])
    assert dataset.old.left() == 1
    dataset.old.copy()
    assert (dataset.old.left(), len(dataset.seen())) == (0, 4)


@pytest.mark.parametrize("prepared", [False, True], ids=["never prepared", "prepared"])
def test_a_trace_finds_old_metrics(dataset: Dataset, prepared: bool) -> None:
    if prepared:
        dataset.store.prepare()
    reads = BigQueryLineage(dataset.client, dataset.name)
    seen, hidden = reads.at(Place(SEEN, "c_1", "click", NINE)), reads.at(Place(HIDDEN, "c_1", "click", NINE))
    assert seen is not None
    assert ([row.value for row in seen.rows], seen.published_at, seen.published) == ([Decimal("0.3")], PUBLISHED, 9)
    assert hidden is not None
    assert ([row.value for row in hidden.rows], hidden.published_at) == ([Decimal("2.5")], None)


def test_a_dataset_without_older_tables_has_nothing_to_copy(dataset: Dataset) -> None:
    other = BigQueryMetricsStore(dataset.client, f"{dataset.name}_new")
    other.prepare()
    old = BigQueryOldMetrics(dataset.client, f"{dataset.name}_new")
    assert (old.left(), old.changes()) == (0, ())
    dataset.client.delete_dataset(f"{dataset.name}_new", delete_contents=True)
