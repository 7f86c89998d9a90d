"""The metrics rows a record counts in, on a real BigQuery REST server."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from expectations_plugins.core.errors import ConfigurationError
from pipeline.core.records import MetricRow
from pipeline.core.traces import Place
from pipeline.local import Endpoints
from pipeline.stores.bigquery import queries
from pipeline.stores.bigquery.connection import Client, connect
from pipeline.stores.bigquery.metrics_store import BigQueryMetricsStore
from pipeline.stores.bigquery.tracing import BigQueryLineage, rows_query
from tests.fakes.hostile_texts import HOSTILE

BATCH, OTHER = "ab" * 32, "cd" * 32
WINDOW = datetime(2026, 11, 20, 9, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def client(endpoints: Endpoints) -> Iterator[Client]:
    found = connect(str(endpoints.bigquery_project), endpoint=endpoints.bigquery_endpoint, location="US")
    yield found
    found.close()


@pytest.fixture(scope="module")
def dataset(client: Client) -> str:
    """A published batch with a row for every combination of nothing and something, and one that is not published."""
    name = f"t{uuid.uuid4().hex[:10]}"
    store = BigQueryMetricsStore(client, name)
    store.prepare()
    keys = list(itertools.product(("c_1", None), ("click", None), (WINDOW, None)))
    keys += [("c_1", "click", WINDOW + timedelta(minutes=10))]
    keys += [(text, text, WINDOW) for text in HOSTILE]
    rows = [MetricRow(BATCH, *key, number + 1, 1, Decimal("0.5")) for number, key in enumerate(keys)]
    store.publish(BATCH, rows, sum(row.interactions for row in rows), fence=1)
    store.replace(OTHER, [MetricRow(OTHER, "c_1", "click", WINDOW, 9, 4, Decimal(2))], 9, fence=1)
    return name


@pytest.mark.parametrize(
    ("place", "interactions"),
    [
        (Place(BATCH, "c_1", "click", WINDOW), 1),
        (Place(BATCH, "c_1", "click", None), 2),
        (Place(BATCH, "c_1", None, WINDOW), 3),
        (Place(BATCH, None, None, None), 8),
        (Place(BATCH, "c_1", "click", WINDOW + timedelta(minutes=10)), 9),
    ],
)
def test_a_place_has_exactly_its_row(client: Client, dataset: str, place: Place, interactions: int) -> None:
    seen = BigQueryLineage(client, dataset).at(place)
    assert seen is not None
    [row] = seen.rows
    assert Place(row.batch_id, row.campaign_id, row.type, row.window_start) == place
    assert (row.interactions, seen.published_at is not None) == (interactions, True)


def test_a_batch_that_is_not_published_says_so(client: Client, dataset: str) -> None:
    seen = BigQueryLineage(client, dataset).at(Place(OTHER, "c_1", "click", WINDOW))
    assert seen is not None
    assert ([row.interactions for row in seen.rows], seen.published_at, seen.published) == ([9], None, None)


def test_a_published_batch_without_a_row_there_is_told_apart_from_one_that_is_unknown(
    client: Client, dataset: str
) -> None:
    reads = BigQueryLineage(client, dataset)
    seen = reads.at(Place(BATCH, "c_2", "click", WINDOW))
    assert seen is not None
    assert (seen.rows, seen.published) == ((), sum(range(1, 10 + len(HOSTILE))))
    assert reads.at(Place("ef" * 32, "c_1", "click", WINDOW)) is None


def test_a_dataset_that_was_never_made_has_nothing(client: Client) -> None:
    assert BigQueryLineage(client, "never_made").at(Place(BATCH, None, None, None)) is None


@pytest.mark.parametrize("text", HOSTILE)
def test_a_name_is_only_ever_a_name(client: Client, dataset: str, text: str) -> None:
    seen = BigQueryLineage(client, dataset).at(Place(BATCH, text, text, WINDOW))
    assert seen is not None
    assert [(row.campaign_id, row.type) for row in seen.rows] == [(text, text)]


def test_what_is_no_batch_id_is_refused(client: Client, dataset: str) -> None:
    with pytest.raises(ConfigurationError):
        BigQueryLineage(client, dataset).at(Place("x' OR '1'='1", None, None, None))


def test_sql_is_golden(golden: Callable[[str, str], None]) -> None:
    layout, old = queries.Layout("project.dataset"), queries.Layout("project.dataset", has_new=False, has_old=True)
    parts = [
        rows_query(layout, Place(BATCH, "c_1", "click", WINDOW)),
        rows_query(layout, Place(BATCH, None, None, None)),
        rows_query(old, Place(BATCH, None, None, None)),
    ]
    golden("bigquery_lineage.sql", "\n\n".join(parts) + "\n")
