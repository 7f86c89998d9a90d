"""How the pipeline stands, asked of a real MongoDB; it takes no longer when the ledger holds more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from expectations_plugins.mongodb.connection import Database
from pipeline.ports.health import Standing
from pipeline.stores.mongodb.health import MongoStanding

NOW = datetime.now(UTC).replace(microsecond=0)
LONG_AGO = NOW - timedelta(days=400)


def ago(**amount: float) -> datetime:
    return NOW - timedelta(**amount)


@pytest.fixture
def reader(either: Database) -> MongoStanding:
    found = MongoStanding(either)
    found.prepare()
    return found


def batch(name: str, status: str, end_time: datetime | None, **others: Any) -> dict[str, Any]:
    ended = {} if end_time is None else {"end_time": end_time}
    return {"_id": name, "status": status, "first_seen": LONG_AGO, **ended, **others}


def test_an_empty_ledger_has_nothing(reader: MongoStanding) -> None:
    assert (reader.standing(), reader.last_finished()) == (Standing(), None)


def test_the_batch_halted_longest_is_found_whenever_it_was_first_seen(
    reader: MongoStanding, database: Database
) -> None:
    database["batches"].insert_many(
        [
            batch("a", "halted", ago(hours=2)),
            batch("b", "halted", ago(hours=3), first_seen=NOW),
            batch("c", "held", ago(hours=9)),
            batch("d", "running", None),
        ]
    )
    assert reader.standing().halted_since == ago(hours=3)


def test_what_was_dropped_or_replayed_waits_no_more(reader: MongoStanding, database: Database) -> None:
    database["batches"].insert_many(
        [batch("a", "dead", ago(days=9), dropped={"by": "me"}), batch("b", "dead", ago(days=2))]
    )
    database["dead_letters"].insert_many(
        [
            {"batch_id": "a", "line": 1, "buried_at": ago(days=8), "replayed_in": ["c"]},
            {"batch_id": "a", "line": 2, "buried_at": ago(days=7), "dropped": {"by": "me"}},
            {"batch_id": "a", "line": 3, "buried_at": ago(days=3)},
        ]
    )
    assert reader.standing().dead_since == ago(days=3)
    database["dead_letters"].delete_many({})
    assert reader.standing().dead_since == ago(days=2)


@pytest.mark.parametrize("age", [{"minutes": 5}, {"hours": 30}, {"days": 300}])
def test_the_batch_that_closed_last_is_found_however_long_ago(
    reader: MongoStanding, database: Database, age: dict[str, float]
) -> None:
    database["batches"].insert_many(
        [
            batch("old", "closed", LONG_AGO),
            batch("last", "closed", ago(**age)),
            batch("halted", "halted", ago(minutes=1)),
        ]
    )
    assert reader.last_finished() == (ago(**age), "last")


LOADED = "stage:load"


@pytest.mark.parametrize("age", [{"minutes": 5}, {"days": 300}])
def test_the_batch_whose_new_records_were_loaded_last_is_found(
    reader: MongoStanding, database: Database, age: dict[str, float]
) -> None:
    def loaded(name: str, status: str, at: datetime, accepted: int) -> dict[str, Any]:
        return batch(name, status, NOW, counts={"accepted": accepted}, steps={LOADED: {"end_time": at}})

    assert reader.last_loaded() is None
    database["batches"].insert_many(
        [
            loaded("last", "closed", ago(**age), 3),
            loaded("redone", "closed", LONG_AGO, 3),  # closed again just now
            loaded("known already", "closed", NOW, 0),
            loaded("halted", "halted", NOW, 3),
            batch("empty", "closed", NOW),
        ]
    )
    assert reader.last_loaded() == (ago(**age), "last")
    assert abs(reader.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_every_question_is_answered_from_an_index(reader: MongoStanding, database: Database) -> None:
    """What decides is the plan: no question looks at every batch, or at letters that were dealt with."""
    assert reader.standing() == Standing()
    questions = [
        ("batches", {"status": "halted", "dropped": None}, "end_time"),
        ("batches", {"status": "closed", "dropped": None, "end_time": {"$gte": LONG_AGO}}, "end_time"),
        ("dead_letters", {"dropped": None, "replayed_in": None}, "buried_at"),
    ]
    for collection, condition, by in questions:
        plan = str(database[collection].find(condition).sort(by, 1).limit(1).explain()["queryPlanner"]["winningPlan"])
        assert ("IXSCAN" in plan, "COLLSCAN" in plan) == (True, False), plan
