"""The raw gate on MongoDB: inside the store, as one aggregation by hand, and by find() into pandas."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import great_expectations.expectations as gxe
import pandas as pd
import pymongo
from pymongo.monitoring import CommandListener, CommandStartedEvent

from benchmarks.workload import (
    FLOOR,
    PANDAS,
    PUSH_DOWN,
    SAME_QUERY,
    Address,
    Batch,
    Check,
    by_batch,
    chunks,
    context,
    frames,
    require,
    validate,
)
from expectations_plugins.expectations import ExpectUserIdsToBeWellFormed

COLLECTION = "interactions"
PATTERN = r"^u_\d{3,}$"
CONTROL = r"[\x00-\x1f\x7f]"
TYPES = ["view", "click", "add_to_cart", "purchase"]
MOST_LINES = 1_000_000
CHUNK = 5_000
START = datetime(2026, 11, 20, 9, tzinfo=UTC)


class Filler:
    """Fills a database of its own with documents of the raw store's shape."""

    def __init__(self, address: Address) -> None:
        self._client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(address.uri)
        self._database = self._client[address.space]
        self._database[COLLECTION].create_index([("batch_id", 1), ("_id", 1)])

    def fill(self, size: int) -> Batch:
        """Write a batch."""
        batch = Batch(hashlib.sha256(f"batch {size}".encode()).hexdigest(), size)
        for numbers in chunks(size, CHUNK):
            self._database[COLLECTION].insert_many([_document(batch.batch_id, number) for number in numbers])
        return batch

    def drop(self) -> None:
        """Drop the database."""
        self._client.drop_database(self._database.name)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def _document(batch_id: str, number: int) -> dict[str, Any]:
    key = f"i_{batch_id[:8]}_{number:07d}"
    return {
        "_id": key,
        "interaction_id": key,
        "batch_id": batch_id,
        "line": number + 1,
        "received_at": START,
        "content_hash": hashlib.sha256(key.encode()).hexdigest(),
        "user_id": f"u_{number % 5000:05d}",
        "campaign_id": f"c_{number % 100:03d}",
        "type": TYPES[number % len(TYPES)],
        "timestamp": START + timedelta(milliseconds=number),
        "message": f"Order {number}: two mugs and a lantern, please, to the usual address",
        "extra": {"value": number % 97, "country": "GB"},
    }


def push_down(address: Address) -> Check:
    """The suite on this project's MongoDB data source."""
    os.environ["BENCHMARK_MONGODB_URI"] = address.uri
    source = context().data_sources.add_mongodb(
        "mongodb", connection_string="${BENCHMARK_MONGODB_URI}", database=address.space
    )
    batches = by_batch(source.add_collection(COLLECTION))

    def check(batch: Batch) -> None:
        user_ids = ExpectUserIdsToBeWellFormed(pattern=PATTERN)
        validate(batches.get_batch({"batch_id": batch.batch_id}), [user_ids, *_stock(batch)])

    return check


def floor(address: Address) -> Check:
    """One aggregation and the driver."""
    collection = pymongo.MongoClient[dict[str, Any]](address.uri)[address.space][COLLECTION]

    def check(batch: Batch) -> None:
        with collection.aggregate(_pipeline(batch)) as cursor:
            [found] = list(cursor)
        rows = found.pop("rows")
        require(rows == batch.size and not any(found.values()), found)

    return check


class _Aggregations(CommandListener):
    """Keeps what push-down sends."""

    def __init__(self) -> None:
        self.seen: list[list[dict[str, Any]]] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "aggregate":
            self.seen.append(list(event.command["pipeline"]))

    def succeeded(self, event: object) -> None:
        """Nothing to keep."""

    def failed(self, event: object) -> None:
        """Nothing to keep."""


def same_query(address: Address) -> Check:
    """Push-down's own aggregation and the driver."""
    sent = _Aggregations()
    pymongo.monitoring.register(sent)  # for clients made from here on
    check_by_gx = push_down(address)
    collection = pymongo.MongoClient[dict[str, Any]](address.uri)[address.space][COLLECTION]

    def check(batch: Batch) -> None:
        if not sent.seen:  # the warm-up
            check_by_gx(batch)
            require(len(sent.seen) == 1, f"push-down sent {len(sent.seen)} queries, not one")
        pipeline = [{"$match": {"batch_id": {"$eq": batch.batch_id}}}, *sent.seen[0][1:]]
        with collection.aggregate(pipeline) as cursor:
            require(batch.size in next(iter(cursor)).values(), "another number of records")

    return check


def pandas(address: Address) -> Check:
    """Everything into a data frame, then stock expectations."""
    collection = pymongo.MongoClient[dict[str, Any]](address.uri, tz_aware=True)[address.space][COLLECTION]
    batches = frames(context())

    def check(batch: Batch) -> None:
        frame = pd.DataFrame(list(collection.find({"batch_id": batch.batch_id})))
        user_ids = [
            gxe.ExpectColumnValuesToNotBeNull(column="user_id"),
            gxe.ExpectColumnValuesToMatchRegex(column="user_id", regex=PATTERN),
            gxe.ExpectColumnValuesToNotMatchRegex(column="user_id", regex=CONTROL),
        ]
        validate(batches.get_batch({"dataframe": frame}), [*user_ids, *_stock(batch)])

    return check


def _stock(batch: Batch) -> list[Any]:
    return [
        gxe.ExpectTableRowCountToEqual(value=batch.size),
        gxe.ExpectColumnValuesToNotBeNull(column="timestamp"),
        gxe.ExpectColumnValuesToNotBeNull(column="type"),
        gxe.ExpectColumnValuesToBeInSet(column="type", value_set=TYPES),
        gxe.ExpectColumnValuesToBeBetween(column="line", min_value=1, max_value=MOST_LINES),
    ]


def _pipeline(batch: Batch) -> list[dict[str, Any]]:
    """The same counts as somebody who knows MongoDB would write them."""
    text = {"$eq": [{"$type": "$user_id"}, "string"]}
    format_ = {"$regexMatch": {"input": "$user_id", "regex": PATTERN}}
    clean = {"$not": [{"$regexMatch": {"input": "$user_id", "regex": CONTROL}}]}
    line = {"$and": [{"$gte": ["$line", 1]}, {"$lte": ["$line", MOST_LINES]}]}
    good = {
        "bad_user_ids": {"$and": [text, format_, clean]},
        "without_timestamp": {"$ne": [{"$ifNull": ["$timestamp", None]}, None]},
        "without_type": {"$ne": [{"$ifNull": ["$type", None]}, None]},
        "unknown_type": {"$in": ["$type", TYPES]},
        "line_out_of_range": line,
    }
    counts = {name: {"$sum": {"$cond": [condition, 0, 1]}} for name, condition in good.items()}
    return [{"$match": {"batch_id": batch.batch_id}}, {"$group": {"_id": None, "rows": {"$sum": 1}, **counts}}]


WAYS = {PUSH_DOWN: push_down, SAME_QUERY: same_query, FLOOR: floor, PANDAS: pandas}
