"""`MongoLineage`: what MongoDB knows of one record. Every read is by `_id` or by an index, and bounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from expectations_plugins.mongodb.connection import Database
from expectations_plugins.mongodb.errors import ERRORS
from expectations_plugins.mongodb.values import plain
from pipeline.core.batch import Batch
from pipeline.core.batches import short
from pipeline.core.fields import DEAD_LETTERS, INTERACTION_ID, INTERACTIONS
from pipeline.core.records import DeadReason
from pipeline.core.traces import DeadRecord, Mark, RawRecord, Release
from pipeline.ports.tracing import RawLineage
from pipeline.stores.mongodb.batches import batch_in, tombstone_in
from pipeline.stores.mongodb.ledger_queries import BATCHES
from pipeline.stores.mongodb.queries import PLACE, located, owners_filter

TIME_LIMIT_MS = 10_000
OURS = ("batch_id", "line", PLACE, "received_at", "content_hash", "quarantine", "quarantine_history", "_id")
"""Fields of a document that its log did not have."""

NEWEST_FIRST = [("buried_at", -1), ("batch_id", 1), ("line", 1)]


class MongoLineage(RawLineage):
    """The collections `interactions`, `dead_letters` and `batches`, read only.

    Args:
        database: A handle from `connect`; the caller closes its client.
    """

    def __init__(self, database: Database) -> None:
        self._interactions = database.get_collection(INTERACTIONS)
        self._letters = database.get_collection(DEAD_LETTERS)
        self._batches = database.get_collection(BATCHES)

    def record(self, interaction_id: str) -> RawRecord | None:
        """The record; None when it was never loaded."""
        with ERRORS.guard(f"reading interaction {interaction_id!r}"):
            row = self._interactions.find_one(record_filter(interaction_id), max_time_ms=TIME_LIMIT_MS)
        return _record(row) if row else None

    def dead(self, interaction_id: str, limit: int) -> Sequence[DeadRecord]:
        """Dead letters of this id, the newest first."""
        with ERRORS.guard(f"looking for dead letters of {interaction_id!r}"):
            rows = self._letters.find(dead_filter(interaction_id), {"raw": 0}, max_time_ms=TIME_LIMIT_MS)
            return [_dead(row) for row in rows.sort(NEWEST_FIRST).limit(limit)]

    def batch(self, batch_id: str) -> Batch | None:
        """A batch; None when the ledger does not know it."""
        with ERRORS.guard(f"reading batch {short(batch_id)}"):
            row = self._batches.find_one(record_filter(batch_id), max_time_ms=TIME_LIMIT_MS)
        return batch_in(plain(row)) if row else None

    def messages(self, interaction_ids: Sequence[str]) -> Mapping[str, str]:
        """The message of each of these records that has one."""
        with ERRORS.guard(f"reading {len(interaction_ids):,} messages"):
            rows = self._interactions.find(owners_filter(interaction_ids), {"message": 1}, max_time_ms=TIME_LIMIT_MS)
            return {row["_id"]: row["message"] for row in rows if "message" in row}


def record_filter(key: str) -> dict[str, Any]:
    """One document by its key."""
    return {"_id": {"$eq": key}}


def dead_filter(interaction_id: str) -> dict[str, Any]:
    """Dead letters of one id; the second condition is the index's own, so that it is used."""
    return {INTERACTION_ID: {"$eq": interaction_id, "$exists": True}}


def _record(row: Mapping[str, Any]) -> RawRecord:
    marked = row.get("quarantine")
    return RawRecord(
        batch_id=row["batch_id"],
        at=located(row),
        received_at=row.get("received_at"),
        fields={name: plain(value) for name, value in row.items() if name not in OURS},
        quarantine=_mark(marked) if marked else None,
        releases=tuple(map(_release, row.get("quarantine_history") or ())),
    )


def _mark(found: Mapping[str, Any]) -> Mark:
    gate, reason, run_id = (str(found.get(name) or "") for name in ("gate", "reason", "run_id"))
    return Mark(gate, reason, run_id, found.get("at"))


def _release(entry: Mapping[str, Any]) -> Release:
    return Release(
        mark=_mark(entry.get("mark") or {}),
        at=entry.get("released_at"),
        note=str(entry.get("note") or ""),
        run_id=str(entry.get("run_id") or ""),
        before=plain(dict(entry.get("before") or {})),
    )


def _dead(row: Mapping[str, Any]) -> DeadRecord:
    replayed = tuple(row.get("replayed_in") or ())
    return DeadRecord(
        batch_id=row["batch_id"],
        at=located(row),
        reason=DeadReason(row["reason"]),
        detail=str(row.get("detail") or ""),
        state="dropped" if tombstone_in(row) else "replayed" if replayed else "waiting",
        buried_at=row.get("buried_at"),
        replayed_in=replayed,
    )
