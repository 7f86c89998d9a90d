"""Values through the metrics store and back: bit for bit, and never a part of the SQL."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from expectations_plugins.core.errors import ConfigurationError, TerminalError
from pipeline.core.records import MetricRow
from pipeline.local import Endpoints
from pipeline.stores.bigquery.connection import Client, connect
from pipeline.stores.bigquery.errors import ERRORS
from pipeline.stores.bigquery.metrics_store import BigQueryMetricsStore
from tests.fakes.hostile_texts import HOSTILE

BATCH, OTHER = "ab" * 32, "cd" * 32
NINE = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ROW = MetricRow(BATCH, "c_1", "click", NINE, 3, 2, Decimal("1.5"))

Published = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def client(endpoints: Endpoints) -> Iterator[Client]:
    with closing(connect(str(endpoints.bigquery_project), endpoint=endpoints.bigquery_endpoint)) as found:
        yield found


@pytest.fixture
def store(client: Client) -> Iterator[BigQueryMetricsStore]:
    dataset = f"t{uuid.uuid4().hex[:10]}"
    made = BigQueryMetricsStore(client, dataset)
    made.prepare()
    yield made
    client.delete_dataset(dataset, delete_contents=True)


@pytest.fixture
def published(client: Client, store: BigQueryMetricsStore) -> Published:
    def read(columns: str) -> list[tuple[Any, ...]]:
        sql = f"SELECT {columns} FROM `{store._dataset}.published_metrics` ORDER BY 1"
        return [tuple(row.values()) for row in client.query(sql).result()]

    return read


def test_hostile_texts_come_back_as_they_were(store: BigQueryMetricsStore, published: Published) -> None:
    store.publish(
        BATCH, [replace(ROW, campaign_id=text, type=text[::-1]) for text in HOSTILE], 3 * len(HOSTILE), fence=1
    )
    assert set(published("campaign_id, type")) == {(text, text[::-1]) for text in HOSTILE}


def test_hostile_texts_leave_other_batches_alone(store: BigQueryMetricsStore, published: Published) -> None:
    store.publish(OTHER, [replace(ROW, batch_id=OTHER)], 3, fence=1)
    store.publish(BATCH, [replace(ROW, campaign_id=text, type=text) for text in HOSTILE], 3 * len(HOSTILE), fence=1)
    store.publish(BATCH, [], 0, fence=1)
    assert published("batch_id") == [(OTHER,)]


def test_what_a_row_does_not_have_comes_back_as_null(store: BigQueryMetricsStore, published: Published) -> None:
    store.publish(BATCH, [replace(ROW, campaign_id=None, type=None, window_start=None)], 3, fence=1)
    assert published("campaign_id, type, window_start") == [(None, None, None)]


@pytest.mark.parametrize(
    "instant",
    [
        NINE,
        NINE + timedelta(microseconds=1),
        NINE.astimezone(timezone(timedelta(hours=5, minutes=45))),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 50, tzinfo=UTC),
    ],
)
def test_a_window_is_the_same_instant(store: BigQueryMetricsStore, published: Published, instant: datetime) -> None:
    store.publish(BATCH, [replace(ROW, window_start=instant)], 3, fence=1)
    assert published("window_start") == [(instant,)]


def test_numbers_keep_all_their_digits(store: BigQueryMetricsStore, published: Published) -> None:
    value = Decimal("-99999999999999999999999999999.999999999")
    store.publish(BATCH, [replace(ROW, interactions=2**53 + 1, distinct_users=2**62, value=value)], 2**53 + 1, fence=1)
    assert published("interactions, distinct_users, value") == [(2**53 + 1, 2**62, value)]


def test_sums_are_exact_decimals(store: BigQueryMetricsStore, published: Published) -> None:
    tenths = [replace(ROW, type=str(n), value=Decimal(n) / 10) for n in (1, 2)]
    store.publish(BATCH, tenths, 6, fence=1)
    assert published("SUM(value) = NUMERIC '0.3', SUM(value)") == [(True, Decimal("0.3"))]


def test_the_time_of_publishing_is_kept(store: BigQueryMetricsStore, published: Published) -> None:
    before = datetime.now(UTC) - timedelta(minutes=1)
    store.publish(BATCH, [ROW], 3, fence=1)
    [(published_at,)] = published("published_at")
    assert before < published_at < before + timedelta(minutes=2)


@pytest.mark.parametrize("dataset", ["", "a.b", "a`b", "a b", "x; DROP", "ünï"])
def test_what_is_no_dataset_name_never_reaches_sql(client: Client, dataset: str) -> None:
    with pytest.raises(ConfigurationError, match="BIGQUERY_DATASET"):
        BigQueryMetricsStore(client, dataset)


def test_a_table_that_is_not_there_is_terminal_and_says_what_was_done(client: Client) -> None:
    with pytest.raises(TerminalError, match="BigQuery: looking for sheep failed"), ERRORS.guard("looking for sheep"):
        client.get_table(f"{client.project}.t{uuid.uuid4().hex[:10]}.sheep")


def test_sql_that_is_wrong_is_terminal_and_says_what_was_done(client: Client) -> None:
    with pytest.raises(TerminalError, match="BigQuery: counting sheep failed"), ERRORS.guard("counting sheep"):
        client.query("SELEKT 1").result()
