"""The publish stage over real stores: what analysts see of a batch is its accepted records, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from expectations_plugins.core.errors import TerminalError
from pipeline.local import Endpoints
from pipeline.stages import PublishStage
from tests.fakes.batch_metrics import BATCHES, METRICS, VIEW, BatchMetrics, Shrinking, batch_metrics


@pytest.fixture
def made(endpoints: Endpoints, tmp_path: Path) -> Iterator[BatchMetrics]:
    with batch_metrics(endpoints, tmp_path) as found:
        yield found


def publish(made: BatchMetrics) -> object:
    """What was counted, without the checksum."""
    found = PublishStage(made.batch.raw, made.store).run(made.batch.context)
    return {name: found[name] for name in ("rows", "interactions")}


def test_accepted_records_are_seen_by_analysts(made: BatchMetrics) -> None:
    assert publish(made) == {"rows": 4, "interactions": 12}
    assert made.interactions(VIEW) == 12


def test_quarantined_records_are_neither_seen_nor_kept(made: BatchMetrics) -> None:
    made.batch.quarantine("u_000")
    assert publish(made) == {"rows": 4, "interactions": 8}
    assert (made.interactions(VIEW), made.interactions(METRICS)) == (8, 8)
    assert {row["distinct_users"] for row in made.rows(VIEW)} == {2}


def test_records_quarantined_after_publishing_leave_with_the_next_run(made: BatchMetrics) -> None:
    publish(made)
    made.batch.quarantine("u_000", "u_001")
    publish(made)
    assert made.interactions(VIEW) == 4


def test_a_second_run_changes_nothing_and_says_the_same(made: BatchMetrics) -> None:
    columns = "campaign_id, window_start, interactions, distinct_users, value"
    first, there = publish(made), made.rows(VIEW, columns)
    assert publish(made) == first
    assert sorted(map(str, made.rows(VIEW, columns))) == sorted(map(str, there))


def test_the_batch_is_listed_once_with_its_interactions(made: BatchMetrics) -> None:
    publish(made)
    publish(made)
    assert made.rows(BATCHES, "batch_id, interactions") == [{"batch_id": made.batch.batch_id, "interactions": 12}]


def test_a_batch_that_is_wholly_quarantined_is_published_with_nothing(made: BatchMetrics) -> None:
    made.batch.quarantine("u_000", "u_001", "u_002")
    assert publish(made) == {"rows": 0, "interactions": 0}
    assert made.rows(BATCHES, "batch_id, interactions") == [{"batch_id": made.batch.batch_id, "interactions": 0}]


def test_rows_that_do_not_add_up_are_terminal_name_batch_and_both_numbers_and_publish_nothing(
    made: BatchMetrics,
) -> None:
    shrinking = Shrinking(made.batch.raw._interactions.database)
    with pytest.raises(TerminalError, match=rf"{made.batch.batch_id[:12]} add up to 9 interactions, MongoDB has 12"):
        PublishStage(shrinking, made.store).run(made.batch.context)
    assert (made.rows(VIEW), made.rows(BATCHES)) == ([], [])
