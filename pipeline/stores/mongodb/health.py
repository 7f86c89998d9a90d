"""`MongoStanding`: how the pipeline stands, from two indexes; every query reads one entry of a range."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pymongo.collection import Collection

from expectations_plugins.mongodb.connection import Database
from expectations_plugins.mongodb.errors import ERRORS
from pipeline.core.batches import WAITING, BatchStatus
from pipeline.core.fields import DEAD_LETTERS
from pipeline.core.topology import STEPS
from pipeline.ports.health import Standing, StandingReader
from pipeline.stores.mongodb.indexes import ensure
from pipeline.stores.mongodb.ledger_queries import BATCHES
from pipeline.stores.mongodb.windows import newest

LOADED_AT = f"steps.{STEPS[0].key}.end_time"
BROUGHT_RECORDS = {"counts.accepted": {"$gt": 0}}

BATCH_INDEXES = (
    {"name": "status_dropped_end_time", "keys": [("status", 1), ("dropped", 1), ("end_time", 1)]},
    {"name": "status_loaded", "keys": [("status", 1), (LOADED_AT, 1)], "partialFilterExpression": BROUGHT_RECORDS},
)
LETTER_INDEXES = ({"name": "waiting_buried_at", "keys": [("dropped", 1), ("replayed_in", 1), ("buried_at", 1)]},)
"""Equality first, then the order: the oldest that still waits is the first entry, however many were dealt with."""


class MongoStanding(StandingReader):
    """The ledger, read only.

    Args:
        database: A handle from `connect`; the caller closes its client.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batches = database.get_collection(BATCHES)
        self._letters = database.get_collection(DEAD_LETTERS)

    def prepare(self) -> None:
        """Create indexes; idempotent."""
        ensure(self._database, BATCHES, BATCH_INDEXES)
        ensure(self._database, DEAD_LETTERS, LETTER_INDEXES)

    def standing(self) -> Standing:
        """What has waited longest, and when a batch last closed."""
        stopped = [_oldest(self._batches, _ended(status), "end_time") for status in sorted(WAITING)]
        dead_batch = _oldest(self._batches, _ended(BatchStatus.DEAD), "end_time")
        dead_record = _oldest(self._letters, {"dropped": None, "replayed_in": None}, "buried_at")
        dead = [moment for moment in (dead_batch, dead_record) if moment is not None]
        finished = self.last_finished()
        return Standing(
            halted_since=min((moment for moment in stopped if moment), default=None),
            dead_since=min(dead, default=None),
            finished_at=finished[0] if finished else None,
            finished=finished[1] if finished else "",
        )

    def last_finished(self) -> tuple[datetime, str] | None:
        """When a batch last closed, and which; None when none ever did."""
        return self._last("end_time", _ended(BatchStatus.CLOSED))

    def last_loaded(self) -> tuple[datetime, str] | None:
        """When new records were last loaded that came through all gates, and in which batch."""
        return self._last(LOADED_AT, {"status": BatchStatus.CLOSED.value, **BROUGHT_RECORDS})

    def now(self) -> datetime:
        """The ledger's clock."""
        with ERRORS.guard("asking for the time"):
            return self._database.server_time()

    def _last(self, moment: str, condition: Mapping[str, Any]) -> tuple[datetime, str] | None:
        """The latest of a moment, and of which batch."""
        with ERRORS.guard("reading how the pipeline stands"):
            server = self._database.capabilities
        for within in newest(moment, datetime.now(UTC), server):
            found = _first(self._batches, {**condition, **within}, moment, latest=True)
            if found is not None and (at := _value(found, moment)) is not None:
                return at, str(found["_id"])
        return None


def _value(document: Mapping[str, Any], path: str) -> datetime | None:
    """The time at a path of a document."""
    found: Any = document
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, datetime) else None


def _ended(status: BatchStatus) -> dict[str, Any]:
    # plain values, not $eq: see Capabilities.combines_eq
    return {"status": status.value, "dropped": None}


def _oldest(collection: Collection[dict[str, Any]], condition: Mapping[str, Any], by: str) -> datetime | None:
    found = _first(collection, condition, by)
    return found.get(by) if found is not None else None


def _first(
    collection: Collection[dict[str, Any]], condition: Mapping[str, Any], by: str, *, latest: bool = False
) -> Mapping[str, Any] | None:
    with ERRORS.guard("reading how the pipeline stands"):
        return collection.find_one(condition, {by: 1}, sort=[(by, -1 if latest else 1)])
