"""The metrics store on a real BigQuery REST server: rows are appended, and analysts see the last ones of each batch."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from expectations_plugins.core.errors import ConfigurationError, TerminalError
from pipeline.core.records import MetricRow
from pipeline.local import Endpoints
from pipeline.stores.bigquery import old_queries as old
from pipeline.stores.bigquery import queries
from pipeline.stores.bigquery.connection import Client, connect
from pipeline.stores.bigquery.metrics_store import BigQueryMetricsStore
from tests.conftest import GOLDEN

BATCH = "ab" * 32
OTHER = "cd" * 32
NASTY = "\"); DROP TABLE batches; -- ' ` \\ \n ünï"


@pytest.fixture(scope="module")
def client(endpoints: Endpoints) -> Iterator[Client]:
    found = connect(str(endpoints.bigquery_project), endpoint=endpoints.bigquery_endpoint, location="US")
    yield found
    found.close()


@pytest.fixture
def store(client: Client) -> BigQueryMetricsStore:
    made = BigQueryMetricsStore(client, f"t{uuid.uuid4().hex[:10]}")
    made.prepare()
    return made


@pytest.fixture
def ask(client: Client, store: BigQueryMetricsStore) -> Callable[[str], list[Any]]:
    def asked(sql: str) -> list[Any]:
        return [dict(row) for row in client.query(sql.format(dataset=store._dataset)).result()]

    return asked


def rows(batch: str = BATCH, count: int = 5, campaign: str | None = "c_1") -> list[MetricRow]:
    start = datetime(2026, 11, 20, 9, 10, tzinfo=UTC)
    return [MetricRow(batch, campaign, f"type {n}", start, 3, 2, Decimal("1.5")) for n in range(count)]


PUBLISHED = "SELECT COUNT(*) AS n, COALESCE(SUM(interactions), 0) AS i FROM `{dataset}.published_metrics`"
ALL = "SELECT COUNT(*) AS n FROM `{dataset}.metric_revisions`"


def test_preparing_twice_changes_nothing(store: BigQueryMetricsStore) -> None:
    store.prepare()


def test_aggregated_rows_are_not_seen_by_analysts(store: BigQueryMetricsStore, ask: Any) -> None:
    assert store.replace(BATCH, rows(), 15, fence=1) == 15
    assert (ask(ALL), ask(PUBLISHED)) == ([{"n": 5}], [{"n": 0, "i": 0}])


def test_published_rows_are_seen(store: BigQueryMetricsStore, ask: Any) -> None:
    assert store.publish(BATCH, rows(), 15, fence=1) == 15
    assert ask(PUBLISHED) == [{"n": 5, "i": 15}]


def test_writing_the_same_again_changes_nothing(store: BigQueryMetricsStore, ask: Any) -> None:
    for _ in range(3):
        store.publish(BATCH, rows(), 15, fence=1)
    assert ask(PUBLISHED) == [{"n": 5, "i": 15}]


def test_aggregating_a_published_batch_again_unpublishes_it(store: BigQueryMetricsStore, ask: Any) -> None:
    store.publish(BATCH, rows(), 15, fence=1)
    store.publish(OTHER, rows(OTHER, 1), 3, fence=1)
    store.replace(BATCH, rows(count=2), 6, fence=1)
    assert ask(PUBLISHED) == [{"n": 1, "i": 3}]


def test_rows_that_do_not_add_up_change_nothing(store: BigQueryMetricsStore, ask: Any) -> None:
    store.publish(BATCH, rows(), 15, fence=1)
    with pytest.raises(TerminalError, match="15 interactions, MongoDB has 16"):
        store.publish(BATCH, rows(), 16, fence=1)
    assert ask(PUBLISHED) == [{"n": 5, "i": 15}]


def test_an_empty_batch_is_published_with_nothing(store: BigQueryMetricsStore, ask: Any) -> None:
    assert store.publish(BATCH, [], 0, fence=1) == 0
    assert ask("SELECT interactions AS i, published AS p FROM `{dataset}.publications`") == [{"i": 0, "p": True}]


def test_text_comes_back_as_it_was(store: BigQueryMetricsStore, ask: Any) -> None:
    store.publish(BATCH, rows(count=1, campaign=NASTY), 3, fence=1)
    assert ask("SELECT campaign_id AS c FROM `{dataset}.published_metrics`") == [{"c": NASTY}]


def test_batches_published_at_the_same_time_do_not_disturb_each_other(store: BigQueryMetricsStore, ask: Any) -> None:
    batches = [f"{number:02x}" * 32 for number in range(6)]
    with ThreadPoolExecutor(3) as pool:
        published = list(pool.map(lambda batch: store.publish(batch, rows(batch, 2), 6, fence=1), batches))
    assert (published, ask(PUBLISHED)) == ([6] * 6, [{"n": 12, "i": 36}])


def test_two_tables_and_a_view_are_all_there_is(store: BigQueryMetricsStore, client: Client) -> None:
    store.publish(BATCH, rows(), 15, fence=1)
    names = {table.table_id for table in client.list_tables(store._dataset)}
    assert names == {"metric_revisions", "publications", "published_metrics"}


def test_rows_are_kept_by_month_and_batch(store: BigQueryMetricsStore, client: Client) -> None:
    table = client.get_table(f"{store._dataset}.metric_revisions")
    assert (table.time_partitioning.type_, table.time_partitioning.field) == ("MONTH", "window_start")
    assert table.clustering_fields == ["batch_id", "window_start"]
    assert {field.name: field.field_type for field in table.schema}["value"] == "NUMERIC"


@pytest.mark.parametrize("batch", ["", "x' OR '1'='1", "ab`cd", "AB" * 32, "ab" * 33, "ab" * 32 + "\n"])
def test_what_is_no_batch_id_never_reaches_sql(store: BigQueryMetricsStore, batch: str) -> None:
    with pytest.raises(ConfigurationError):
        store.replace(batch, [], 0, fence=1)


def test_sql_is_golden(golden: Callable[[str, str], None]) -> None:
    dataset, before = queries.dataset_path("project", "dataset"), datetime(2026, 11, 20, 9, tzinfo=UTC)
    revision = f"{'0' * 16}_{'1' * 16}"
    layout, both = queries.Layout(dataset), queries.Layout(dataset, has_old=True)
    parts = [
        queries.publish_revision(dataset, BATCH, revision, rows=5, interactions=15, published=False, fence=7),
        queries.publish_latest(dataset, BATCH, "0" * 16, interactions=15, fence=7),
        queries.append_from(dataset, "load_1"),
        queries.latest_of(layout, BATCH),
        queries.view(layout),
        queries.published(dataset, BATCH),
        queries.count(queries.superseded_rows(dataset, before)),
        queries.delete(queries.superseded_rows(dataset, before)),
        queries.delete(queries.superseded_publications(dataset, before)),
        queries.view(both),
        old.left(dataset, queries.PUBLICATIONS),
        old.changed(dataset),
        old.copy_rows(dataset, queries.METRICS),
        old.copy_publications(dataset, queries.PUBLICATIONS),
    ]
    golden("bigquery_metrics.sql", "\n\n".join(parts) + "\n")


def test_nothing_in_a_batchs_way_changes_or_deletes_a_row() -> None:
    text = (GOLDEN / "bigquery_metrics.sql").read_text("utf-8")
    changing = [part for part in text.split("\n\n") if re.search(r"\b(DELETE|UPDATE|MERGE|TRANSACTION)\b", part)]
    assert [part.split(" WHERE")[0] for part in changing] == [
        "DELETE FROM `project.dataset.metric_revisions` AS m",
        "DELETE FROM `project.dataset.publications` AS q",
    ]
