"""Load jobs where job ids are taken once, as BigQuery does, and what an outage in the middle leaves behind."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from expectations_plugins.core.errors import TransientError
from pipeline.core.records import MetricRow
from pipeline.local import Endpoints
from pipeline.stores.bigquery.connection import Client, connect
from pipeline.stores.bigquery.metrics_store import BigQueryMetricsStore
from tests.fakes.strict_bigquery import StrictBigQuery, strict_bigquery

BATCH = "ab" * 32
ROW = MetricRow(BATCH, "c_1", "click", datetime(2026, 11, 20, 9, 10, tzinfo=UTC), 3, 2, 1.5)


@dataclass(frozen=True, slots=True)
class Loads:
    """A store behind the strict proxy."""

    store: BigQueryMetricsStore
    client: Client
    dataset: str
    strict: StrictBigQuery

    def published(self) -> list[tuple[Any, ...]]:
        sql = f"SELECT campaign_id, interactions FROM `{self.dataset}.published_metrics` ORDER BY 1"
        return [tuple(row.values()) for row in self.client.query(sql).result()]


@pytest.fixture
def loads(endpoints: Endpoints) -> Iterator[Loads]:
    dataset = f"t{uuid.uuid4().hex[:10]}"
    with strict_bigquery(str(endpoints.bigquery_endpoint)) as strict:
        client = connect(str(endpoints.bigquery_project), endpoint=strict.endpoint)
        with closing(client):
            store = BigQueryMetricsStore(client, dataset)
            store.prepare()
            yield Loads(store, client, dataset, strict)
            strict.down_for = None
            client.delete_dataset(dataset, delete_contents=True)


def test_a_job_id_is_the_batch_its_content_and_the_attempt(loads: Loads) -> None:
    loads.store.replace(BATCH, [ROW], 3, fence=1)
    [job_id] = loads.strict.job_ids
    assert job_id.startswith(f"sluicegate-{BATCH[:12]}-")
    assert job_id.endswith("-0")


def test_the_same_content_is_loaded_again_under_the_next_attempt(loads: Loads) -> None:
    for _ in range(3):
        assert loads.store.publish(BATCH, [ROW], 3, fence=1) == 3
    assert [job_id.rsplit("-", 1)[1] for job_id in loads.strict.job_ids] == ["0", "0", "1", "0", "1", "2"]
    assert loads.published() == [("c_1", 3)]


def test_other_content_takes_another_job_id(loads: Loads) -> None:
    loads.store.replace(BATCH, [ROW], 3, fence=1)
    loads.store.replace(BATCH, [replace(ROW, interactions=4)], 4, fence=1)
    assert len(set(loads.strict.job_ids)) == 2


def test_the_same_content_comes_back_after_other_content(loads: Loads) -> None:
    for interactions in (3, 4, 3):
        loads.store.publish(BATCH, [replace(ROW, interactions=interactions)], interactions, fence=1)
    assert loads.published() == [("c_1", 3)]


def test_an_empty_batch_needs_no_load_job(loads: Loads) -> None:
    loads.store.publish(BATCH, [], 0, fence=1)
    assert loads.strict.job_ids == []


@pytest.mark.parametrize("down_for", [b"BEGIN TRANSACTION", b"sluicegate-"], ids=bytes.decode)
def test_an_outage_in_the_middle_is_transient_names_the_batch_and_changes_nothing(
    loads: Loads, down_for: bytes
) -> None:
    loads.store.publish(BATCH, [ROW], 3, fence=1)
    loads.strict.down_for = down_for
    with pytest.raises(TransientError, match=rf"BigQuery: publishing metrics of batch {BATCH[:12]} failed"):
        loads.store.publish(BATCH, [replace(ROW, interactions=5)], 5, fence=1)
    loads.strict.down_for = None
    assert loads.published() == [("c_1", 3)]


def test_a_run_after_an_outage_replaces_what_the_interrupted_one_staged(loads: Loads) -> None:
    loads.strict.down_for = b"BEGIN TRANSACTION"
    with pytest.raises(TransientError):
        loads.store.publish(BATCH, [ROW], 3, fence=1)
    loads.strict.down_for = None
    assert loads.store.publish(BATCH, [ROW], 3, fence=1) == 3
    assert loads.published() == [("c_1", 3)]
