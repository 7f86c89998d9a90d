"""Load jobs where job ids are taken once, as BigQuery does, and what an outage in the middle leaves behind."""

from __future__ import annotations

import contextlib
import itertools
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from expectations_plugins.core.errors import LeaseLostError, TransientError
from pipeline.core.records import MetricRow
from pipeline.local import Endpoints
from pipeline.stores.bigquery.connection import Client, connect
from pipeline.stores.bigquery.metrics_store import BigQueryMetricsStore
from tests.fakes.strict_bigquery import StrictBigQuery, strict_bigquery

BATCH = "ab" * 32
ROW = MetricRow(BATCH, "c_1", "click", datetime(2026, 11, 20, 9, 10, tzinfo=UTC), 3, 2, Decimal("1.5"))


@dataclass(frozen=True, slots=True)
class Loads:
    """A store behind the strict proxy."""

    store: BigQueryMetricsStore
    client: Client
    dataset: str
    strict: StrictBigQuery

    def published(self) -> list[tuple[Any, ...]]:
        self.strict.down_for, self.strict.up_for = None, None
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
            strict.down_for, strict.up_for = None, None
            client.delete_dataset(dataset, delete_contents=True)


def test_a_job_id_is_the_batch_its_content_the_write_and_the_try(loads: Loads) -> None:
    loads.store.replace(BATCH, [ROW], 3, fence=1)
    loads.store.replace(BATCH, [ROW], 3, fence=1)
    first, second = loads.strict.job_ids
    assert first.startswith(f"sluicegate-{BATCH[:12]}-")
    assert first.endswith("-0")
    assert first.rsplit("_", 1)[0] == second.rsplit("_", 1)[0]
    assert first != second


def test_what_the_same_fence_has_just_appended_is_published_without_a_load_job(loads: Loads) -> None:
    loads.store.replace(BATCH, [ROW], 3, fence=1)
    assert loads.store.publish(BATCH, [ROW], 3, fence=1) == 3
    assert (loads.published(), len(loads.strict.job_ids)) == ([("c_1", 3)], 1)


@pytest.mark.parametrize(("interactions", "fence"), [(4, 1), (3, 2)], ids=["other rows", "another fence"])
def test_other_rows_and_those_of_another_fence_are_appended(loads: Loads, interactions: int, fence: int) -> None:
    loads.store.replace(BATCH, [ROW], 3, fence=1)
    loads.store.publish(BATCH, [replace(ROW, interactions=interactions)], interactions, fence=fence)
    assert (loads.published(), len(loads.strict.job_ids)) == ([("c_1", interactions)], 2)


def test_the_same_content_comes_back_after_other_content(loads: Loads) -> None:
    for interactions in (3, 4, 3):
        loads.store.publish(BATCH, [replace(ROW, interactions=interactions)], interactions, fence=1)
    assert loads.published() == [("c_1", 3)]


def test_an_empty_batch_needs_no_load_job(loads: Loads) -> None:
    loads.store.publish(BATCH, [], 0, fence=1)
    assert loads.strict.job_ids == []


@pytest.mark.parametrize("down_for", [b"INSERT INTO", b"sluicegate-"], ids=bytes.decode)
def test_an_outage_in_the_middle_is_transient_names_the_batch_and_changes_nothing(
    loads: Loads, down_for: bytes
) -> None:
    loads.store.publish(BATCH, [ROW], 3, fence=1)
    loads.strict.down_for = down_for
    with pytest.raises(TransientError, match=rf"BigQuery: publishing metrics of batch {BATCH[:12]} failed"):
        loads.store.publish(BATCH, [replace(ROW, interactions=5)], 5, fence=1)
    assert loads.published() == [("c_1", 3)]


def test_a_write_that_ends_at_any_request_leaves_one_revision_whole_and_the_next_write_counts(loads: Loads) -> None:
    rows = [replace(ROW, type=str(n)) for n in range(3)]
    loads.store.publish(BATCH, [ROW], 3, fence=1)
    for requests in itertools.count(1):
        loads.strict.asked, loads.strict.up_for = 0, requests
        try:
            loads.store.publish(BATCH, rows, 9, fence=requests + 1)
        except TransientError:
            assert loads.published() in ([("c_1", 3)], [("c_1", 3)] * 3)
            loads.store.publish(BATCH, [ROW], 3, fence=requests + 1)
            assert loads.published() == [("c_1", 3)]
        else:
            break
    assert requests > 5
    assert loads.published() == [("c_1", 3)] * 3


def test_a_load_job_that_ran_twice_is_not_counted_and_appended_once_more(loads: Loads) -> None:
    loads.strict.doubles = 1
    assert loads.store.publish(BATCH, [ROW], 3, fence=1) == 3
    assert (loads.published(), len(loads.strict.job_ids)) == ([("c_1", 3)], 2)


def test_load_jobs_that_always_run_twice_are_an_error_and_publish_nothing(loads: Loads) -> None:
    loads.strict.doubles = 9
    with pytest.raises(TransientError, match=rf"metrics of batch {BATCH[:12]} were appended 2 times"):
        loads.store.publish(BATCH, [ROW], 3, fence=1)
    assert loads.published() == []


def test_a_table_without_quota_for_load_jobs_is_written_through_a_table_of_the_batchs_own(loads: Loads) -> None:
    loads.strict.full = "metric_revisions"
    assert loads.store.publish(BATCH, [ROW], 3, fence=1) == 3
    assert loads.published() == [("c_1", 3)]
    names = {table.table_id for table in loads.client.list_tables(loads.dataset)}
    assert names == {"metric_revisions", "publications", "published_metrics"}


def test_a_statement_that_is_cancelled_because_of_another_one_is_done_again(loads: Loads) -> None:
    loads.strict.cancels = 2
    assert loads.store.publish(BATCH, [ROW], 3, fence=1) == 3
    assert (loads.strict.cancels, loads.published()) == (0, [("c_1", 3)])


def test_a_late_writer_with_an_older_fence_changes_nothing_wherever_it_is(loads: Loads) -> None:
    """The old one is paused before each of its requests in turn, and wakes up after the new one has published."""
    new = [replace(ROW, type=str(n)) for n in range(2)]
    for requests in range(1, 7):
        batch = f"{requests:02x}" * 32
        loads.strict.asked, loads.strict.up_for = 0, requests
        with contextlib.suppress(TransientError):
            loads.store.publish(batch, [replace(ROW, batch_id=batch)], 3, fence=1)
        loads.strict.up_for = None
        loads.store.publish(batch, [replace(row, batch_id=batch) for row in new], 6, fence=2)
        with pytest.raises(LeaseLostError, match="taken over by another run while"):
            loads.store.publish(batch, [replace(ROW, batch_id=batch)], 3, fence=1)
        assert len(loads.store.published(batch)) == 2
