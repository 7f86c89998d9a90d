"""`MongoDeadQueue`: dead batches and records, as the commands of the dead-letter queue see and change them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from expectations_plugins.mongodb.connection import Database
from expectations_plugins.mongodb.errors import ERRORS
from pipeline.core.batch import Batch, Tombstone
from pipeline.core.batches import Lease, short
from pipeline.core.fields import DEAD_LETTERS
from pipeline.core.records import DeadReason
from pipeline.ports.dead_letters import DeadQueue, Letter, LetterGroup
from pipeline.stores.mongodb.batches import batch_in, tombstone_in
from pipeline.stores.mongodb.dead_queries import (
    batch_dropped,
    dead_filter,
    groups_pipeline,
    letter_filter,
    letters_dropped,
    letters_filter,
    lines_filter,
    parent_set,
)
from pipeline.stores.mongodb.leases import lost
from pipeline.stores.mongodb.ledger_queries import BATCHES, held_filter
from pipeline.stores.mongodb.queries import located


class MongoDeadQueue(DeadQueue):
    """The dead in the collections `batches` and `dead_letters`, whose indexes the ledger makes.

    Args:
        database: A handle from `connect`; the caller closes its client.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batches = database.get_collection(BATCHES)
        self._letters = database.get_collection(DEAD_LETTERS)

    def batches(self, limit: int, batch_id: str | None = None, *, waiting: bool = False) -> Sequence[Batch]:
        """Dead batches, of one or all, latest death first; `waiting` leaves out dropped ones."""
        condition = dead_filter(batch_id, waiting=waiting)
        with ERRORS.guard("listing dead batches"):
            rows = self._batches.find(condition).sort([("end_time", -1), ("_id", 1)]).limit(limit)
            return [batch_in(row) for row in rows]

    def groups(
        self, limit: int, batch_id: str | None = None, reason: DeadReason | None = None, *, waiting: bool = False
    ) -> Sequence[LetterGroup]:
        """Dead records by batch and reason, the latest first; `waiting` leaves out what was replayed or dropped."""
        condition = letters_filter(batch_id, reason.value if reason else None, waiting=waiting)
        with ERRORS.guard("grouping dead letters"):
            rows = list(self._letters.aggregate(groups_pipeline(condition, limit)))
        return [
            LetterGroup(
                batch_id=row["_id"]["batch_id"],
                reason=DeadReason(row["_id"]["reason"]),
                letters=int(row["letters"]),
                waiting=int(row["waiting"]),
                first=located(row["first"]),
                first_detail=row["first"]["detail"],
                buried_at=row["buried_at"],
            )
            for row in rows
        ]

    def letters(
        self, batch_id: str | None = None, reason: DeadReason | None = None, *, waiting: bool = False, limit: int = 0
    ) -> Iterator[Letter]:
        """Dead records by batch and line; `waiting` leaves out what was replayed or dropped, a limit of 0 is none."""
        condition = letters_filter(batch_id, reason.value if reason else None, waiting=waiting)
        with (
            ERRORS.guard("reading dead letters"),
            self._letters.find(condition).sort([("batch_id", 1), ("line", 1)]).limit(limit) as rows,
        ):
            for row in rows:
                yield _letter(row)

    def letter(self, batch_id: str, line: int) -> Letter | None:
        """One dead record; None when there is none."""
        with ERRORS.guard(f"reading the dead letter {short(batch_id)}:{line}"):
            row = self._letters.find_one(letter_filter(batch_id, line))
        return _letter(row) if row else None

    def adopt(self, batch_id: str, parent: str) -> None:
        """Write down that a batch holds repaired records of another; the first parent stays."""
        with ERRORS.guard(f"writing down the parent of batch {short(batch_id)}"):
            self._batches.update_one({"_id": {"$eq": batch_id}}, parent_set(parent))

    def replayed(self, batch_id: str, lines: Sequence[int], into: str) -> None:
        """Write down in which batch records were replayed."""
        with ERRORS.guard(f"marking dead letters of batch {short(batch_id)} as replayed"):
            size = self._database.capabilities.ids_at_once
            for start in range(0, len(lines), size):
                condition = lines_filter(batch_id, lines[start : start + size])
                self._letters.update_many(condition, {"$addToSet": {"replayed_in": into}})

    def drop_letters(self, batch_id: str, lines: Sequence[int] | None, tombstone: Tombstone) -> int:
        """Remove the content of dead records, of these lines or all; how many had not been dropped before."""
        condition = {**lines_filter(batch_id, lines), "dropped": {"$exists": False}}
        with ERRORS.guard(f"dropping dead letters of batch {short(batch_id)}"):
            return self._letters.update_many(condition, letters_dropped(tombstone)).modified_count

    def drop_batch(self, lease: Lease, tombstone: Tombstone) -> None:
        """Write down that a dead batch was dropped; the first tombstone stays.

        Raises:
            LeaseLostError: Another run has taken the batch over.
        """
        with ERRORS.guard(f"dropping batch {short(lease.batch_id)}"):
            done = self._batches.update_one(held_filter(lease.batch_id, lease.fence), batch_dropped(tombstone))
        if not done.matched_count:
            raise lost(lease, "dropping it")


def _letter(row: Mapping[str, Any]) -> Letter:
    return Letter(
        batch_id=row["batch_id"],
        at=located(row),
        reason=DeadReason(row["reason"]),
        detail=row["detail"],
        raw=row["raw"],
        buried_at=row.get("buried_at"),
        replayed_in=tuple(row.get("replayed_in") or ()),
        dropped=tombstone_in(row),
    )
