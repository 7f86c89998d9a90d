"""The ledger as pages read it: a batch's neighbours, however far apart they were first seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from expectations_plugins.mongodb.connection import Database
from pipeline.stores.mongodb.history import MongoHistory

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def history(either: Database) -> MongoHistory:
    """Batches named by their order: two of one moment, a gap of days, one of months, and the newest of just now."""
    ages = {
        "a": timedelta(days=400),
        "b": timedelta(days=3),
        "c": timedelta(hours=20),
        "d": timedelta(hours=20),
        "e": timedelta(minutes=1),
        "f": timedelta(0),
    }
    either["batches"].insert_many([{"_id": name, "first_seen": NOW - age} for name, age in ages.items()])
    found = MongoHistory(either)
    found.prepare()
    return found


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("a", None, "b"),
        ("b", "a", "c"),
        ("c", "b", "d"),
        ("d", "c", "e"),
        ("e", "d", "f"),
        ("f", "e", None),
    ],
)
def test_the_neighbours_of_a_batch_are_those_first_seen_before_and_after_it(
    history: MongoHistory, name: str, before: str | None, after: str | None
) -> None:
    batch = history.batch(name)
    assert batch
    found = history.neighbours(batch)
    assert [other and other.batch_id for other in found] == [before, after]


def test_a_batch_that_a_server_whose_clock_is_ahead_saw_first_has_its_neighbours(either: Database) -> None:
    ahead = NOW + timedelta(minutes=50)
    either["batches"].insert_many([{"_id": "a", "first_seen": NOW}, {"_id": "b", "first_seen": ahead}])
    history = MongoHistory(either)
    history.prepare()
    first, second = history.batch("a"), history.batch("b")
    assert first
    assert second
    assert [other and other.batch_id for other in (*history.neighbours(first), *history.neighbours(second))] == [
        None,
        "b",
        "a",
        None,
    ]


def test_the_newest_batches_are_found_however_old_they_are(history: MongoHistory) -> None:
    assert [[one.batch_id for one in history.latest(limit)] for limit in (1, 4, 9)] == [
        ["f"],
        list("fedc"),
        list("fedcba"),
    ]


def test_batches_are_looked_up_by_more_ids_than_one_query_takes(history: MongoHistory) -> None:
    assert set(history.states([*(f"unknown {number}" for number in range(1_100)), "a", "f"])) == {"a", "f"}
