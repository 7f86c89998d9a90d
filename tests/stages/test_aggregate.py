"""The aggregate stage over real stores: every record counted once, before anything is judged or seen by analysts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from expectations_plugins.core.errors import TerminalError
from pipeline.local import Endpoints
from pipeline.stages import AggregateStage, PublishStage
from tests.fakes.batch_metrics import BATCHES, METRICS, VIEW, BatchMetrics, Shrinking, batch_metrics

NINE, TEN_PAST = datetime(2026, 11, 20, 9, 0, tzinfo=UTC), datetime(2026, 11, 20, 9, 10, tzinfo=UTC)


@pytest.fixture
def made(endpoints: Endpoints, tmp_path: Path) -> Iterator[BatchMetrics]:
    with batch_metrics(endpoints, tmp_path) as found:
        yield found


def aggregate(made: BatchMetrics) -> object:
    return AggregateStage(made.batch.raw, made.store).run(made.batch.context)


def test_every_interaction_is_counted_in_its_campaign_and_window(made: BatchMetrics) -> None:
    assert aggregate(made) == {"rows": 4, "interactions": 12}
    found = made.rows(METRICS, "campaign_id, window_start, interactions, value")
    rows = {(row["campaign_id"], row["window_start"]): (row["interactions"], row["value"]) for row in found}
    assert rows == {
        (None, NINE): (3, 1.5),
        ("c_1", NINE): (3, 1.5),
        (None, TEN_PAST): (3, 1.5),
        ("c_1", None): (3, 1.5),
    }


def test_quarantined_records_are_counted_too(made: BatchMetrics) -> None:
    made.batch.quarantine("u_000")
    aggregate(made)
    assert made.interactions(METRICS) == 12


def test_nothing_is_seen_by_analysts(made: BatchMetrics) -> None:
    aggregate(made)
    assert (made.rows(VIEW), made.rows(BATCHES)) == ([], [])


def test_a_second_run_changes_nothing_and_says_the_same(made: BatchMetrics) -> None:
    first = aggregate(made)
    columns = "campaign_id, window_start, interactions, distinct_users, value"
    there = made.rows(METRICS, columns)
    assert aggregate(made) == first
    assert sorted(map(str, made.rows(METRICS, columns))) == sorted(map(str, there))


def test_a_published_batch_that_is_aggregated_again_is_hidden_until_it_is_published_again(made: BatchMetrics) -> None:
    PublishStage(made.batch.raw, made.store).run(made.batch.context)
    aggregate(made)
    assert made.interactions(VIEW) == 0


def test_rows_that_do_not_add_up_are_terminal_name_batch_and_both_numbers_and_change_nothing(
    made: BatchMetrics,
) -> None:
    aggregate(made)
    shrinking = Shrinking(made.batch.raw._interactions.database)
    with pytest.raises(TerminalError, match=rf"{made.batch.batch_id[:12]} add up to 9 interactions, MongoDB has 12"):
        AggregateStage(shrinking, made.store).run(made.batch.context)
    assert made.interactions(METRICS) == 12


def test_progress_tells_interactions_and_of_how_many(made: BatchMetrics) -> None:
    aggregate(made)
    assert made.batch.steps.advanced == [("aggregate", 12, 12)]
