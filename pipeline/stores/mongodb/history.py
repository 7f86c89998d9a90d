"""`MongoHistory`: the ledger as pages read it. Every query is answered from an index, or stops at a limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from expectations_plugins.mongodb.capabilities import Capabilities
from expectations_plugins.mongodb.connection import Database
from expectations_plugins.mongodb.errors import ERRORS
from pipeline.core.batch import Batch
from pipeline.core.batches import BatchStatus
from pipeline.core.fields import DEAD_LETTERS, INTERACTIONS
from pipeline.core.topology import GATES, STEPS
from pipeline.ports.history import History, Stopped, Waiting
from pipeline.stores.mongodb.batches import batch_in
from pipeline.stores.mongodb.dead_queries import dead_filter, letters_filter
from pipeline.stores.mongodb.indexes import ensure
from pipeline.stores.mongodb.ledger_queries import BATCHES, FIRST_SEEN_INDEX, NEWEST_FIRST, OLDEST_FIRST
from pipeline.stores.mongodb.queries import all_quarantined_filter
from pipeline.stores.mongodb.windows import back_from, newest, on_from

SHOWN = 21
"""Batches of a kind that are read: one more than is told exactly."""

COUNTED = 10_001
"""Records are counted up to here: one more than is told exactly."""

LATEST_CHANGE_FIRST = [("updated", -1), ("_id", -1)]

BRIEF = [
    *("status", "reason", "source", "parent", "first_seen", "updated", "counts"),
    *("embedding.fallback", "embedding.rolled_back_at"),
    *(f"steps.{step.key}.{part}" for step in STEPS for part in ("status", "duration_s")),
    *(f"gates.{gate}.{part}" for gate in GATES for part in ("verdict", "rate")),
]
"""What lists and charts show of a batch; the rest is for its own page."""

STATE = ["status", "dropped", *(f"steps.{step.key}.status" for step in STEPS)]
"""What says where a batch is."""

DONE_BY = ["source", *(f"steps.{step.key}.code_version" for step in STEPS)]
"""What tells which version of the code did a batch."""

READ_WHOLE = 200
"""Up to so many batches a server that does not stop at a limit reads all of them sooner than window by window."""

SAME_MOMENT = 3
"""Batches that are looked at to find a neighbour: itself, one of the same millisecond, and the neighbour."""

INDEXES: Sequence[Mapping[str, Any]] = (
    {"name": FIRST_SEEN_INDEX, "keys": OLDEST_FIRST},
    {"name": "status_oldest", "keys": [("status", 1), ("span.oldest", 1)]},
    {"name": "updated_id", "keys": [("updated", 1), ("_id", 1)]},
    {"name": "status_first_seen", "keys": [("status", 1), ("first_seen", 1)]},
    {
        "name": "fallbacks",
        "keys": [("embedding.fallback", 1)],
        "partialFilterExpression": {"embedding.fallback": {"$gt": 0}},
    },
)


class MongoHistory(History):
    """The collections of the ledger, read only.

    Args:
        database: A handle from `connect`; the caller closes its client.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batches = database.get_collection(BATCHES)
        self._letters = database.get_collection(DEAD_LETTERS)
        self._interactions = database.get_collection(INTERACTIONS)

    def prepare(self) -> None:
        """Create indexes; idempotent."""
        ensure(self._database, BATCHES, INDEXES)

    def batch(self, batch_id: str) -> Batch | None:
        """A batch, whole; None when the ledger has never seen it."""
        with ERRORS.guard("reading a batch for its page"):
            found = self._batches.find_one({"_id": {"$eq": batch_id}})
        return batch_in(found) if found else None

    def states(self, batch_ids: Sequence[str]) -> Mapping[str, Batch]:
        """By id, those of these batches that the ledger knows: only their status and their steps'."""
        found: dict[str, Batch] = {}
        with ERRORS.guard("reading how batches stand"):
            size = self._database.capabilities.ids_at_once
            for start in range(0, len(batch_ids), size):
                condition = {"_id": {"$in": list(batch_ids[start : start + size])}}
                batches = map(batch_in, self._batches.find(condition, STATE))
                found.update((batch.batch_id, batch) for batch in batches)
        return found

    def latest(self, limit: int) -> Sequence[Batch]:
        """The newest batches, newest first, as briefs."""
        return self._last("first_seen", NEWEST_FIRST, limit, BRIEF)

    def changed(self, limit: int) -> Sequence[Batch]:
        """The batches that changed last, the latest change first: only their ids and when they changed."""
        return self._last("updated", LATEST_CHANGE_FIRST, limit, ["updated"])

    def neighbours(self, batch: Batch) -> tuple[Batch | None, Batch | None]:
        """The batches first seen just before and just after this one, as briefs."""
        at, own = batch.seen, _order(batch)
        before = (one for one in self._back_from(at, SAME_MOMENT) if _order(one) < own)
        after = (one for one in self._on_from(at, SAME_MOMENT) if _order(one) > own)
        return next(before, None), next(after, None)

    def place(self, batch: Batch) -> int:
        """How many batches of its day were first seen before it."""
        at = batch.seen
        start = at.replace(hour=0, minute=0, second=0, microsecond=0)
        earlier = self._count({"first_seen": {"$gte": start, "$lt": at}})
        return earlier + self._count({"first_seen": at, "_id": {"$lt": batch.batch_id}})

    def of_day(self, day: str, skip: int, limit: int) -> Sequence[Batch]:
        """Batches first seen on a day (YYYY-MM-DD, UTC), oldest first, as briefs."""
        return self._find(_on(day), OLDEST_FIRST, limit, skip)

    def batches_on(self, day: str) -> int:
        """How many batches were first seen on a day."""
        return self._count(_on(day))

    def since(self, day: str) -> Iterator[str]:
        """Ids of all batches first seen on a day or later, oldest first; they are read as they are used."""
        condition = {"first_seen": {"$gte": _start(day)}}
        with ERRORS.guard("reading the ledger's history"), self._batches.find(condition, {"_id": 1}) as rows:
            yield from (str(row["_id"]) for row in rows.sort(OLDEST_FIRST))

    def closed(self, start: datetime, end: datetime) -> Iterator[Batch]:
        """Closed batches whose first record is of `start` or later, and before `end`; their file and their steps."""
        within = {"$gte": start, "$lt": end}
        known = {"status": BatchStatus.CLOSED.value, "span.oldest": within}
        unknown = {"status": BatchStatus.CLOSED.value, "span.oldest": None, "first_seen": within}
        for condition in (known, unknown):
            with ERRORS.guard("reading closed batches"), self._batches.find(condition, DONE_BY) as rows:
                yield from map(batch_in, rows.sort(OLDEST_FIRST))

    def waiting(self) -> Waiting:
        """What waits for a person."""
        with_fallbacks = {"embedding.fallback": {"$gt": 0}, "status": BatchStatus.CLOSED.value}
        fallbacks = self._find(with_fallbacks, NEWEST_FIRST, SHOWN)
        with ERRORS.guard("counting what waits for a person"):
            quarantined = self._interactions.count_documents(all_quarantined_filter(), limit=COUNTED)
            letters = self._letters.count_documents(letters_filter(None, None, waiting=True), limit=COUNTED)
        return Waiting(
            halted=self._stopped({"status": BatchStatus.HALTED.value}),
            inconsistent=self._stopped({"status": BatchStatus.INCONSISTENT.value}),
            held=self._stopped({"status": BatchStatus.HELD.value}),
            dead=self._stopped(dead_filter(None, waiting=True)),
            quarantined=quarantined,
            dead_records=letters,
            fallbacks=tuple((one.batch_id, one.embedding.fallback) for one in fallbacks if one.embedding),
        )

    def _stopped(self, condition: Mapping[str, Any]) -> tuple[Stopped, ...]:
        found = self._find(condition, OLDEST_FIRST, SHOWN)
        return tuple(Stopped(one.batch_id, one.reason) for one in found)

    def _last(self, moment: str, order: Any, limit: int, shown: Sequence[str]) -> Sequence[Batch]:
        """Batches with the latest of these moments."""
        conditions = newest(moment, datetime.now(UTC), self._server)
        return self._first_with_enough(conditions, order, limit, shown)

    def _back_from(self, at: datetime, limit: int) -> Sequence[Batch]:
        """Batches up to a moment, newest first."""
        return self._first_with_enough(back_from("first_seen", at, self._server), NEWEST_FIRST, limit)

    def _on_from(self, at: datetime, limit: int) -> Sequence[Batch]:
        """Batches from a moment on, oldest first."""
        conditions = on_from("first_seen", at, datetime.now(UTC), self._server)
        return self._first_with_enough(conditions, OLDEST_FIRST, limit)

    @cached_property
    def _server(self) -> Capabilities:
        """What the server can do; where all there is is little, it is read at once, not by windows."""
        with ERRORS.guard("reading the ledger's history"):
            found = self._database.capabilities
            if found.stops_at_limit or self._batches.estimated_document_count() > READ_WHOLE:
                return found
            return replace(found, stops_at_limit=True)

    def _first_with_enough(
        self, conditions: Iterator[Mapping[str, Any]], order: Any, limit: int, shown: Sequence[str] = tuple(BRIEF)
    ) -> Sequence[Batch]:
        """What the first filter with `limit` results finds; what the last one finds when none has so many."""
        found: Sequence[Batch] = ()
        for condition in conditions:
            found = self._find(condition, order, limit, shown=shown)
            if len(found) == limit:
                break
        return found

    def _find(
        self, condition: Mapping[str, Any], order: Any, limit: int, skip: int = 0, shown: Sequence[str] = tuple(BRIEF)
    ) -> Sequence[Batch]:
        with ERRORS.guard("reading the ledger's history"):
            rows = self._batches.find(condition, list(shown)).sort(order).skip(skip).limit(limit)
            return [batch_in(row) for row in rows]

    def _count(self, condition: Mapping[str, Any]) -> int:
        with ERRORS.guard("counting batches of a day"):
            return self._batches.count_documents(condition)


def _order(batch: Batch) -> tuple[datetime, str]:
    return batch.seen, batch.batch_id


def _on(day: str) -> dict[str, Any]:
    start = _start(day)
    return {"first_seen": {"$gte": start, "$lt": start + timedelta(days=1)}}


def _start(day: str) -> datetime:
    return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
