"""The table of capabilities says the truth of the server under test: each field is held against what the server does.

A newer local server that does what it did not do makes a test here fail; then change the table. Which documents a query
reads is judged by time, beside a query that every server answers from an index: not every server's `explain` is true.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pymongo.errors
import pytest

from expectations_plugins.mongodb.capabilities import COMPILED, LOCAL, MONGODB, Capabilities, capabilities_of
from expectations_plugins.mongodb.connection import NOT_ANSWERED, Database, connect
from pipeline.local import Endpoints
from pipeline.stores.mongodb.windows import EVER, back_from, newest, on_from
from tests.faults.fail_points import EXCEEDED_TIME_LIMIT, FailPoints

DOCUMENTS = 4_000
MARKED = 200
"""Every so many documents are in the partial indexes."""

AS_QUICK = 4
"""A query that takes no longer than so many times another is answered as that one is."""

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def filled(endpoints: Endpoints) -> Iterator[Database]:
    """A database with a collection `rows`."""
    found = connect(str(endpoints.mongodb_uri), f"capabilities_{time.time_ns()}")
    found.rows.insert_many(row(number) for number in range(DOCUMENTS))
    found.rows.create_index([("at", 1), ("_id", 1)])
    found.rows.create_index([("batch", 1), ("line", 1)])
    found.rows.create_index("mark", partialFilterExpression={"mark": {"$exists": True}})
    found.rows.create_index("rank", partialFilterExpression={"rank": {"$gte": 0}})
    yield found
    found.client.drop_database(found.name)
    found.client.close()


def row(number: int) -> dict[str, Any]:
    mark = {"mark": number, "rank": number} if number % MARKED == 0 else {}
    return {"_id": number, "at": moment(number), "batch": "b", "line": number, **mark}


def moment(number: int) -> datetime:
    return START + timedelta(minutes=number)


def as_quick(ask: Callable[[], object], as_this: Callable[[], object]) -> bool:
    return seconds(ask) < AS_QUICK * seconds(as_this)


def seconds(ask: Callable[[], object]) -> float:
    """The shortest time of five."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        ask()
        times.append(time.perf_counter() - start)
    return min(times)


def value(database: Database, document: dict[str, Any], expression: Any) -> Any:
    """What an expression is of a document; None where it is missing."""
    database.one.replace_one({"_id": 1}, document, upsert=True)
    return next(iter(database.one.aggregate([{"$project": {"v": expression}}]))).get("v")


def works(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except pymongo.errors.OperationFailure:
        return False
    return True


def stops_at_limit(database: Database) -> bool:
    def newest_from(number: int) -> object:
        condition = {"at": {"$gte": moment(number)}}
        return list(database.rows.find(condition).sort([("at", -1), ("_id", -1)]).limit(1))

    return as_quick(lambda: newest_from(0), lambda: newest_from(DOCUMENTS - 5))


def modifies_by_key(database: Database) -> bool:
    by_key, change = {"_id": 7, "batch": "b"}, {"$inc": {"n": 1}}
    return as_quick(
        lambda: database.rows.find_one_and_update(by_key, change, {"n": 1}),
        lambda: database.rows.update_one(by_key, change),
    )


def combines_eq(database: Database) -> bool:
    return as_quick(
        lambda: list(database.rows.find({"batch": {"$eq": "b"}, "line": {"$eq": 7}})),
        lambda: list(database.rows.find({"batch": "b", "line": 7})),
    )


def serves_exists(database: Database) -> bool:
    return as_quick(
        lambda: list(database.rows.find({"mark": {"$exists": True}})),
        lambda: list(database.rows.find({"rank": {"$gte": 0}})),
    )


def subtracts_now(database: Database) -> bool:
    elapsed = {"$subtract": ["$$NOW", "$at"]}
    in_ms = {"$subtract": [{"$toLong": "$$NOW"}, {"$toLong": "$at"}]}
    assert works(lambda: database.rows.update_one({"_id": 1}, [{"$set": {"elapsed": in_ms}}]))
    return works(lambda: database.rows.update_one({"_id": 1}, [{"$set": {"elapsed": elapsed}}]))


def types_missing(database: Database) -> bool:
    found = {"$getField": {"field": "a.b", "input": "$$ROOT"}}
    assert value(database, {}, {"$type": {"$ifNull": [found, None]}}) == "null"
    return bool(value(database, {}, {"$type": found}) == "missing")


def sums_past_int64(database: Database) -> bool:
    total = [{"$group": {"_id": None, "n": {"$sum": 2**62}}}]
    return works(lambda: list(database.rows.aggregate(total)))


def reads_through_arrays(database: Database) -> bool:
    document = {"items": [{"sku": "a"}, {"sku": "b"}]}
    found = value(database, document, "$items.sku")
    assert database.one.count_documents({"items.sku": "b"}) == 1, "a filter looks at each element"
    return bool(found == ["a", "b"])


CLAIMS: dict[str, Callable[[Database], bool]] = {
    claim.__name__: claim
    for claim in (
        stops_at_limit,
        modifies_by_key,
        combines_eq,
        serves_exists,
        subtracts_now,
        types_missing,
        sums_past_int64,
        reads_through_arrays,
    )
}


@pytest.mark.parametrize("name", CLAIMS)
def test_the_server_does_what_the_table_says_and_no_more(filled: Database, name: str) -> None:
    assert CLAIMS[name](filled) is getattr(filled.capabilities, name)


def test_the_time_for_ids_grows_with_their_square_where_only_few_are_asked_for_at_once(filled: Database) -> None:
    def looked_up(count: int) -> float:
        return seconds(lambda: list(filled.rows.find({"_id": {"$in": list(range(count))}}, {"at": 1})))

    ratio = looked_up(1_000) / looked_up(50)  # 20 times the ids
    assert (ratio < 60) is (filled.capabilities.ids_at_once == MONGODB.ids_at_once)


def test_every_field_has_its_test() -> None:
    assert {field.name for field in fields(Capabilities)} == {*CLAIMS, "ids_at_once"}


@pytest.mark.parametrize(
    ("build", "capabilities"),
    [
        (
            {"version": "8.0.4", "gitVersion": "bc35ab4305d9920d9d0491c1c9ef9b72383d31f9", "buildEnvironment": {}},
            MONGODB,
        ),
        ({"version": "8.2.11", "secantusVersion": "0.7.0b3"}, LOCAL),
        ({"version": "8.2.11", "secantusVersion": "0.5.3-beta.196", "buildEnvironment": {"cc": "rustc"}}, COMPILED),
        ({"version": "7.0.0"}, MONGODB),
    ],
)
def test_a_server_is_known_by_what_it_says_of_its_build(build: dict[str, Any], capabilities: Capabilities) -> None:
    assert capabilities_of(build) is capabilities


def test_mongodb_is_asked_once_for_the_newest_and_for_neighbours() -> None:
    at = NOW - timedelta(hours=2)
    assert list(newest("first_seen", NOW, MONGODB)) == [{"first_seen": {"$gte": EVER}}]
    assert list(back_from("first_seen", at, MONGODB)) == [{"first_seen": {"$gte": EVER, "$lte": at}}]
    assert list(on_from("first_seen", at, NOW, MONGODB)) == [{"first_seen": {"$gte": at}}]


def test_the_local_server_is_asked_for_the_last_hours_first() -> None:
    hours = [6, 24, 168, 1_440]
    starts = [one["first_seen"]["$gte"] for one in newest("first_seen", NOW, LOCAL)]
    assert starts == [*(NOW - timedelta(hours=number) for number in hours), EVER]
    assert [one["first_seen"]["$gte"] for one in back_from("first_seen", NOW, LOCAL)] == starts


def test_a_window_that_would_end_in_the_future_has_no_end() -> None:
    at = NOW - timedelta(hours=10)
    assert list(on_from("first_seen", at, NOW, LOCAL)) == [
        {"first_seen": {"$gte": at, "$lte": at + timedelta(hours=6)}},
        {"first_seen": {"$gte": at}},
    ]


@pytest.mark.parametrize("code", sorted(NOT_ANSWERED))
def test_a_server_that_does_not_say_what_it_is_is_taken_for_mongodb(
    database: Database, failing: FailPoints, code: int
) -> None:
    failing.fail("buildInfo", code, 1)
    assert database.capabilities is MONGODB


def test_an_outage_is_not_taken_for_an_answer(database: Database, failing: FailPoints) -> None:
    failing.fail("buildInfo", EXCEEDED_TIME_LIMIT, 9)
    with pytest.raises(pymongo.errors.PyMongoError):
        _ = database.capabilities
    failing.heal()
    known = database.capabilities
    failing.fail("buildInfo", EXCEEDED_TIME_LIMIT, 9)
    assert database.capabilities is known
