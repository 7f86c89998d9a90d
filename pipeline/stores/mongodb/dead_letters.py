"""Dead letters: records that could not be loaded, kept until somebody repairs or drops them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from expectations_plugins.mongodb.connection import Database
from expectations_plugins.mongodb.errors import ERRORS, refuse_all_but_duplicates
from pipeline.core.batches import short
from pipeline.core.fields import DEAD_LETTERS, INTERACTION_ID
from pipeline.core.records import DeadLetter, DeadReason
from pipeline.stores.mongodb.dead_queries import letter_buried, letter_filter, lines_filter
from pipeline.stores.mongodb.indexes import ensure
from pipeline.stores.mongodb.ledger_queries import plain
from pipeline.stores.mongodb.queries import located, place_of

BURY_LETTERS = 500

INDEXES = (
    {"name": "batch_line", "keys": [("batch_id", 1), ("line", 1)], "unique": True},
    {
        "name": "interaction",
        "keys": [(INTERACTION_ID, 1)],
        "partialFilterExpression": {INTERACTION_ID: {"$exists": True}},
    },
)


class DeadLetters:
    """The collection `dead_letters`; one letter a batch and line.

    Args:
        database: A handle from `connect`; the caller closes its client.
    """

    def __init__(self, database: Database) -> None:
        self._letters_database = database
        self._letters = database.get_collection(DEAD_LETTERS)

    def prepare(self) -> None:
        """Create indexes; idempotent."""
        ensure(self._letters_database, DEAD_LETTERS, INDEXES)

    def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Keep dead letters; the same batch and line again replaces the letter; it keeps when it was first
        buried, and one that was dropped stays without content.
        """
        now = datetime.now(UTC)
        with ERRORS.guard(f"keeping {len(letters):,} dead letters"):
            for start in range(0, len(letters), BURY_LETTERS):
                chunk = letters[start : start + BURY_LETTERS]
                again = [_upsert(chunk[place], now) for place in self._inserted_but(chunk, now)]
                if again:
                    self._letters.bulk_write(again, ordered=False)

    def _inserted_but(self, letters: Sequence[DeadLetter], now: datetime) -> Sequence[int]:
        """Insert letters in one command; the places of those whose batch and line are there already.

        An insert is one entry for the server; an upsert is a question first, and costs several times as much.
        """
        try:
            self._letters.insert_many([_document(letter, now) for letter in letters], ordered=False)
        except BulkWriteError as error:
            refuse_all_but_duplicates(error)
            return [problem["index"] for problem in error.details["writeErrors"]]
        return []

    def exhume(self, batch_id: str, lines: Sequence[int], reason: DeadReason) -> None:
        """Forget letters of these lines that were kept for this reason: their records are in the store now."""
        with ERRORS.guard(f"removing dead letters of batch {short(batch_id)}"):
            for start in range(0, len(lines), BURY_LETTERS):
                condition = lines_filter(batch_id, lines[start : start + BURY_LETTERS])
                self._letters.delete_many({**condition, "reason": {"$eq": reason.value}})

    def complete(self, batch_id: str, lines: Sequence[int], into: str) -> None:
        """Write down that a newer batch brings these records whole, so that their letters wait for nobody."""
        with ERRORS.guard(f"completing dead letters of batch {short(batch_id)}"):
            self._letters.update_many(lines_filter(batch_id, lines), {"$addToSet": {"replayed_in": into}})

    def dead_letters(self, batch_id: str) -> Iterator[DeadLetter]:
        """Dead letters of a batch, by line."""
        with (
            ERRORS.guard(f"reading the dead letters of batch {short(batch_id)}"),
            self._letters.find({"batch_id": {"$eq": batch_id}}).sort("line", 1) as rows,
        ):
            for row in rows:
                known = (batch_id, located(row), DeadReason(row["reason"]), row["detail"], row["raw"])
                yield DeadLetter(*known, row.get(INTERACTION_ID, ""))


def _content(letter: DeadLetter) -> dict[str, Any]:
    named = {INTERACTION_ID: letter.interaction_id} if letter.interaction_id else {}
    return {**named, "reason": letter.reason.value, "detail": plain(letter.detail), "raw": plain(letter.raw)}


def _document(letter: DeadLetter, now: datetime) -> dict[str, Any]:
    return {"batch_id": letter.batch_id, **place_of(letter.at), **_content(letter), "buried_at": now}


def _upsert(letter: DeadLetter, now: datetime) -> UpdateOne:
    buried = letter_buried(letter.batch_id, letter.at, _content(letter), now)
    return UpdateOne(letter_filter(letter.batch_id, letter.at.key), buried, upsert=True)
