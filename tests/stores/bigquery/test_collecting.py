"""Superseded rows are deleted; what counts, and what is being written, never is."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from expectations_plugins.core.errors import LeaseLostError, TransientError
from pipeline.core.records import MetricRow
from pipeline.local import Endpoints
from pipeline.ports.stores import Superseded
from pipeline.stores.bigquery.collecting import BigQueryCollector
from pipeline.stores.bigquery.connection import Client, connect
from pipeline.stores.bigquery.metrics_store import BigQueryMetricsStore
from tests.fakes.strict_bigquery import StrictBigQuery, strict_bigquery

BATCHES = [f"{number:02x}" * 32 for number in range(1, 5)]
ROW = MetricRow("", "c_1", "click", datetime(2026, 11, 20, 9, 10, tzinfo=UTC), 3, 2, Decimal("1.5"))


@dataclass(frozen=True, slots=True)
class Warehouse:
    """A store, its collector, and what is there."""

    store: BigQueryMetricsStore
    collector: BigQueryCollector
    client: Client
    strict: StrictBigQuery
    name: str

    def rows(self, table: str) -> list[str]:
        found = self.client.query(f"SELECT * FROM `{self.name}.{table}`").result()
        return sorted(str(dict(row)) for row in found)


@pytest.fixture
def warehouse(endpoints: Endpoints) -> Iterator[Warehouse]:
    name = f"t{uuid.uuid4().hex[:10]}"
    with (
        strict_bigquery(str(endpoints.bigquery_endpoint)) as strict,
        closing(connect(str(endpoints.bigquery_project), endpoint=strict.endpoint)) as client,
    ):
        store = BigQueryMetricsStore(client, name)
        store.prepare()
        yield Warehouse(store, BigQueryCollector(client, name), client, strict, name)
        client.delete_dataset(name, delete_contents=True)


def write(warehouse: Warehouse, batch: str, rows: int, *, publish: bool, fence: int) -> None:
    content = [replace(ROW, batch_id=batch, type=str(n)) for n in range(rows)]
    (warehouse.store.publish if publish else warehouse.store.replace)(batch, content, rows * 3, fence=fence)


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


def test_what_newer_rows_have_taken_the_place_of_is_counted_and_deleted(warehouse: Warehouse) -> None:
    write(warehouse, BATCHES[0], 3, publish=False, fence=1)
    write(warehouse, BATCHES[0], 2, publish=True, fence=1)
    seen = warehouse.rows("published_metrics")
    assert warehouse.collector.count(soon()) == Superseded(rows=3, publications=1)
    assert len(warehouse.rows("metric_revisions")) == 5
    assert warehouse.collector.collect(soon()) == Superseded(rows=3, publications=1)
    assert warehouse.collector.count(soon()) == Superseded(0, 0)
    assert (warehouse.rows("published_metrics"), len(warehouse.rows("metric_revisions"))) == (seen, 2)


def test_what_is_younger_than_the_margin_stays(warehouse: Warehouse) -> None:
    for fence in (1, 2):
        write(warehouse, BATCHES[0], 3, publish=True, fence=fence)
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    assert warehouse.collector.count(hour_ago) == warehouse.collector.collect(hour_ago) == Superseded(0, 0)
    assert len(warehouse.rows("metric_revisions")) == 6


def test_rows_that_nobody_published_are_deleted_once_they_are_old(warehouse: Warehouse) -> None:
    warehouse.strict.down_for = b"INSERT INTO"
    with pytest.raises(TransientError, match="backendError"):
        write(warehouse, BATCHES[0], 3, publish=False, fence=1)
    warehouse.strict.down_for = None
    assert warehouse.collector.collect(soon()) == Superseded(rows=3, publications=0)
    write(warehouse, BATCHES[0], 3, publish=True, fence=1)
    assert len(warehouse.rows("published_metrics")) == 3


def test_a_batch_that_is_not_published_keeps_the_rows_that_count_and_is_published_with_them(
    warehouse: Warehouse,
) -> None:
    write(warehouse, BATCHES[0], 3, publish=False, fence=1)
    assert warehouse.collector.collect(soon()) == Superseded(0, 0)
    loads = len(warehouse.strict.job_ids)
    write(warehouse, BATCHES[0], 3, publish=True, fence=1)
    assert (len(warehouse.rows("published_metrics")), len(warehouse.strict.job_ids)) == (3, loads)


def test_collecting_that_is_cancelled_because_of_another_one_is_done_again(warehouse: Warehouse) -> None:
    for fence in (1, 2):
        write(warehouse, BATCHES[0], 3, publish=True, fence=fence)
    warehouse.strict.cancels = 2
    assert warehouse.collector.collect(soon()) == Superseded(rows=3, publications=1)
    assert warehouse.strict.cancels == 0


@pytest.mark.parametrize("seed", range(4))
def test_the_view_always_shows_what_the_highest_fence_wrote_last_and_collecting_changes_nothing_of_it(
    warehouse: Warehouse, seed: int
) -> None:
    """Writes in any order, by current and by late writers, against the plainest model of it."""
    chance, model = random.Random(seed), dict[str, tuple[int, int, bool]]()
    for _ in range(14):
        batch, rows, publish = chance.choice(BATCHES), chance.randrange(4), chance.random() < 0.6
        fence = chance.randrange(1, 6)
        if fence < model.get(batch, (0, 0, False))[0]:
            with pytest.raises(LeaseLostError):
                write(warehouse, batch, rows, publish=publish, fence=fence)
        else:
            write(warehouse, batch, rows, publish=publish, fence=fence)
            model[batch] = (fence, rows, publish)
        if chance.random() < 0.3:
            warehouse.collector.collect(soon())
        assert shown(warehouse) == {name: count for name, (_, count, seen) in model.items() if seen and count}


def shown(warehouse: Warehouse) -> dict[str, Any]:
    sql = "SELECT batch_id, COUNT(*) AS n, COUNT(DISTINCT type) AS d FROM `{}.published_metrics` GROUP BY 1"
    found = [dict(row) for row in warehouse.client.query(sql.format(warehouse.name)).result()]
    assert all(row["n"] == row["d"] for row in found)
    return {row["batch_id"]: row["n"] for row in found}
