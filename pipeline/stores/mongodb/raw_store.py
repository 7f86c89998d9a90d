"""`MongoRawStore`: raw interactions in MongoDB. What is asked of MongoDB is built in `queries`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Any

from bson import Decimal128
from pymongo import ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.cursor import Cursor
from pymongo.errors import BulkWriteError, CursorNotFound

from expectations_plugins.core.errors import TerminalError, TransientError
from expectations_plugins.mongodb.connection import Database
from expectations_plugins.mongodb.errors import ERRORS, refuse_all_but_duplicates
from expectations_plugins.mongodb.values import plain
from pipeline.core.batches import Lease, short
from pipeline.core.fields import CAMPAIGN_ID, INTERACTIONS, MAX_DECIMALS, USER_ID
from pipeline.core.locator import Locator
from pipeline.core.records import GraphRecord, Interaction, MetricRow, Quarantined
from pipeline.ports.stores import RawStore
from pipeline.stores.mongodb.fencing import Fence
from pipeline.stores.mongodb.indexes import ensure
from pipeline.stores.mongodb.queries import (
    INDEXES,
    PLACE,
    accepted_filter,
    all_quarantined_filter,
    counts_pipeline,
    in_quarantine_filter,
    interaction_document,
    located,
    metrics_pipeline,
    owned_filter,
    owners_filter,
    piece_filter,
    quarantine_filter,
    quarantined_filter,
    released,
)

INSERT_RECORDS = 1_000
PAGE_RECORDS = 1_000
PIECE_RECORDS = 20_000
"""A server ends a transaction after a minute (transactionLifetimeLimitSeconds); this takes about a second."""
_GRAPH_FIELDS = (USER_ID, CAMPAIGN_ID, "type", "timestamp")


class MongoRawStore(RawStore):
    """The collection `interactions`.

    Args:
        database: A handle from `connect`; the caller closes its client.
        piece: Records that are looked through in one transaction when some are marked.
    """

    def __init__(self, database: Database, *, piece: int = PIECE_RECORDS) -> None:
        self._database = database
        self._piece = piece
        self._interactions: Collection[dict[str, Any]] = database.get_collection(INTERACTIONS)
        self._fence = Fence(database)

    def prepare(self) -> None:
        """Create indexes; idempotent."""
        ensure(self._database, INTERACTIONS, INDEXES)

    def insert(self, batch_id: str, records: Sequence[Interaction], received_at: datetime, *, fence: int) -> None:
        """Insert what is not there yet; of records that share an id, the first. Existing ids are left untouched."""
        first: dict[str, Interaction] = {}
        for record in records:
            first.setdefault(record.interaction_id, record)
        documents = [interaction_document(batch_id, record, received_at) for record in first.values()]
        for start in range(0, len(documents), INSERT_RECORDS):
            self._insert(batch_id, fence, documents[start : start + INSERT_RECORDS])

    def owners(self, interaction_ids: Sequence[str]) -> Mapping[str, tuple[str, Locator, str]]:
        """(batch_id, place, content_hash) of each id that is stored."""
        fields = ("batch_id", "line", PLACE, "content_hash")
        found: dict[str, tuple[str, Locator, str]] = {}
        with ERRORS.guard(f"looking up {len(interaction_ids):,} interactions"):
            size = self._database.capabilities.ids_at_once
            for start in range(0, len(interaction_ids), size):
                condition = owners_filter(interaction_ids[start : start + size])
                with self._interactions.find(condition, fields) as rows:
                    found |= {row["_id"]: (row["batch_id"], located(row), row["content_hash"]) for row in rows}
        return found

    def stored(self, interaction_ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """What is stored of each of these ids, as plain data."""
        found: dict[str, Mapping[str, Any]] = {}
        with ERRORS.guard(f"reading {len(interaction_ids):,} interactions"):
            size = self._database.capabilities.ids_at_once
            for start in range(0, len(interaction_ids), size):
                with self._interactions.find(owners_filter(interaction_ids[start : start + size])) as rows:
                    found |= {row["_id"]: plain(row) for row in rows}
        return found

    def take_over(self, lease: Lease, batch_id: str, records: Sequence[Interaction], received_at: datetime) -> None:
        """Give records of the lease's batch to another batch, with the values of these, in one transaction."""
        doing = f"giving records of batch {short(lease.batch_id)} to batch {short(batch_id)}"
        writes = [
            ReplaceOne(
                owned_filter(lease.batch_id, record.interaction_id), interaction_document(batch_id, record, received_at)
            )
            for record in records
        ]

        def given(session: ClientSession) -> None:
            if writes:
                self._interactions.bulk_write(writes, ordered=False, session=session)

        self._fence.write(lease.batch_id, lease.fence, given, doing=doing)

    def ids(self, batch_id: str) -> Iterator[str]:
        """The interaction_ids of a batch, in quarantine or not, in order."""
        condition = {"batch_id": {"$eq": batch_id}}
        with (
            ERRORS.guard(f"reading the ids of batch {short(batch_id)}"),
            self._interactions.find(condition, ["_id"]).sort("_id", 1).batch_size(PAGE_RECORDS) as rows,
        ):
            for row in rows:
                yield row["_id"]

    def counts(self, batch_id: str) -> tuple[int, int]:
        """(accepted, quarantined) of a batch."""
        rows = self._aggregate(counts_pipeline(batch_id), f"counting batch {short(batch_id)}")
        counted = {row["_id"]: int(row["n"]) for row in rows}
        return counted.get(False, 0), counted.get(True, 0)

    def quarantine(
        self, batch_id: str, condition: Mapping[str, Any], *, gate: str, reason: str, run_id: str, fence: int
    ) -> int:
        """Mark the records of a batch that meet a condition; those marked before keep their mark.

        Args:
            batch_id: The batch.
            condition: An aggregation expression, from the compiler of conditions.
            gate: The gate that named them.
            reason: Why, for people.
            run_id: The check that named them.
            fence: Of the lease of the run that marks them.

        Returns:
            How many records of the batch are marked now.
        """
        mark = {"gate": gate, "reason": reason, "run_id": run_id, "at": datetime.now(UTC)}
        update, doing = {"$set": {"quarantine": mark}}, f"quarantining records of batch {short(batch_id)}"

        for after, last in self._pieces(batch_id, doing):
            piece = quarantine_filter(batch_id, condition, after, last)

            def marked(session: ClientSession, piece: Mapping[str, Any] = piece) -> None:
                self._interactions.update_many(piece, update, session=session)

            self._fence.write(batch_id, fence, marked, doing=doing)
        with ERRORS.guard(doing):
            return self._interactions.count_documents(quarantined_filter(batch_id))

    def _pieces(self, batch_id: str, doing: str) -> Iterator[tuple[str, str | None]]:
        """The batch's ids in pieces: the id before each, and its last; None for the rest of them."""
        after: str = ""
        while True:
            with ERRORS.guard(doing):
                ids = self._interactions.find(piece_filter(batch_id, after), ["_id"]).sort("_id", 1)
                last = next((str(row["_id"]) for row in ids.skip(self._piece - 1).limit(1)), None)
            yield after, last
            if last is None:
                return
            after = last

    def quarantined(self, batch_id: str | None, limit: int) -> Sequence[Quarantined]:
        """Records in quarantine, of one batch or of all, newest mark first."""
        condition = quarantined_filter(batch_id) if batch_id else all_quarantined_filter()
        with ERRORS.guard("listing the quarantine"):
            rows = self._interactions.find(condition).sort([("quarantine.at", -1), ("_id", 1)]).limit(limit)
            return [_quarantined(row) for row in rows]

    def quarantined_ids(self, batch_id: str) -> Iterator[str]:
        """Ids of the batch's records in quarantine, in no order."""
        doing = f"reading the quarantine of batch {short(batch_id)}"
        with ERRORS.guard(doing), self._interactions.find(quarantined_filter(batch_id), ["_id"]) as rows:
            for row in rows:
                yield row["_id"]

    def in_quarantine(self, interaction_id: str) -> Quarantined | None:
        """One record in quarantine; None when it is not there."""
        with ERRORS.guard(f"reading interaction {interaction_id!r}"):
            row = self._interactions.find_one(in_quarantine_filter(interaction_id))
        return _quarantined(row) if row else None

    def release(self, lease: Lease, interaction_id: str, changes: Mapping[str, Any], *, note: str, run_id: str) -> bool:
        """Set fields of a record in quarantine and lift its mark; the history of both stays with the record.

        Returns:
            Whether it was in quarantine, in the batch of the lease.
        """
        mine = {**in_quarantine_filter(interaction_id), "batch_id": {"$eq": lease.batch_id}}
        update = released(changes, note, run_id)

        def lifted(session: ClientSession) -> bool:
            return bool(self._interactions.update_one(mine, update, session=session).matched_count)

        return self._fence.write(lease.batch_id, lease.fence, lifted, doing=f"releasing interaction {interaction_id!r}")

    def metrics(self, batch_id: str, *, include_quarantined: bool) -> Iterator[MetricRow]:
        """The batch's metrics, grouped in MongoDB, in a fixed order."""
        pipeline = metrics_pipeline(batch_id, include_quarantined=include_quarantined)
        for row in self._aggregate(pipeline, f"aggregating batch {short(batch_id)}"):
            yield MetricRow(
                batch_id=batch_id,
                campaign_id=row["_id"].get(CAMPAIGN_ID),
                type=row["_id"].get("type"),
                window_start=row["_id"].get("window_start"),
                interactions=int(row["interactions"]),
                distinct_users=int(row["distinct_users"]),
                value=_decimal(row["value"]),
            )

    def graph_records(self, batch_id: str) -> Iterator[GraphRecord]:
        """Accepted records, by interaction_id.

        Raises:
            TerminalError: An accepted record has a user_id that is not text; the raw gate ought to have stopped it.
        """
        for row in self._accepted(batch_id, _GRAPH_FIELDS, with_message=False):
            if not isinstance(row.get(USER_ID), str):
                raise TerminalError(
                    f"Interaction {row['_id']!r} of batch {short(batch_id)} is accepted, but its user_id is not text.",
                    next_step="Check the batch again at the raw gate, which quarantines such records.",
                )
            yield GraphRecord(
                interaction_id=row["_id"],
                user_id=row[USER_ID],
                campaign_id=_text(row.get(CAMPAIGN_ID)),
                type=_text(row.get("type")),
                timestamp=row.get("timestamp"),
            )

    def messages(self, batch_id: str) -> Iterator[tuple[str, str]]:
        """(interaction_id, message) of accepted records that have a message, by interaction_id."""
        for row in self._accepted(batch_id, ("message",), with_message=True):
            yield row["_id"], row["message"]

    def _insert(self, batch_id: str, fence: int, documents: Sequence[dict[str, Any]]) -> None:
        """All that is new, in one transaction. An id that exists ends it, so then only the others are inserted."""
        doing = f"inserting records of batch {short(batch_id)}"
        if self._insert_all(batch_id, fence, documents, doing):
            return
        there = self.owners([document["_id"] for document in documents])
        new = [document for document in documents if document["_id"] not in there]
        if not self._insert_all(batch_id, fence, new, doing):
            raise TransientError(
                f"MongoDB: {doing} met another batch with the same interaction_ids at the same time.",
                next_step="Run again: the first writer wins.",
            )

    def _insert_all(self, batch_id: str, fence: int, documents: Sequence[dict[str, Any]], doing: str) -> bool:
        """Whether all were inserted; otherwise none was, because one is there already."""

        def inserted(session: ClientSession) -> bool:
            try:
                if documents:
                    self._interactions.insert_many(documents, ordered=False, session=session)
            except BulkWriteError as error:
                refuse_all_but_duplicates(error)
                session.abort_transaction()
                return False
            return True

        return self._fence.write(batch_id, fence, inserted, doing=doing)

    def _accepted(self, batch_id: str, fields: Iterable[str], *, with_message: bool) -> Iterator[dict[str, Any]]:
        """One cursor; one that the server gave up, while the reader waited for an API, goes on after its last id."""
        after = ""
        while True:
            condition = accepted_filter(batch_id, after, with_message=with_message)
            resumed_after = after
            try:
                with ERRORS.guard(f"reading batch {short(batch_id)}"), self._find(condition, fields) as rows:
                    for row in rows:
                        after = row["_id"]
                        yield row
                    return
            except TransientError as error:
                if not isinstance(error.__cause__, CursorNotFound) or after == resumed_after:
                    raise

    def _find(self, condition: Mapping[str, Any], fields: Iterable[str]) -> Cursor[dict[str, Any]]:
        return self._interactions.find(condition, list(fields)).sort("_id", 1).batch_size(PAGE_RECORDS)

    def _aggregate(self, pipeline: list[dict[str, Any]], doing: str) -> Iterator[dict[str, Any]]:
        with ERRORS.guard(doing), self._interactions.aggregate(pipeline, allowDiskUse=True) as rows:
            yield from rows


def _quarantined(row: Mapping[str, Any]) -> Quarantined:
    mark = row["quarantine"]
    return Quarantined(
        interaction_id=row["_id"],
        batch_id=row["batch_id"],
        gate=str(mark.get("gate", "")),
        reason=str(mark.get("reason", "")),
        run_id=str(mark.get("run_id", "")),
        at=mark.get("at"),
        record=plain(row),
    )


def _decimal(value: Any) -> Decimal:
    """A sum with as many decimals as BigQuery keeps."""
    found = value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)
    kept = found.quantize(Decimal(1).scaleb(-MAX_DECIMALS), context=Context(prec=38))
    return kept or abs(kept)  # BigQuery has no -0


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
