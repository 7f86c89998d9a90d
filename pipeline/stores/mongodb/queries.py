"""The raw store's documents, filters and aggregations: pure functions, golden in the tests.

Values stand where MongoDB takes a literal (`$eq`, `$gt`, a document to insert), so none is read as an operator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pipeline.core.fields import (
    CAMPAIGN_ID,
    CONVERTED,
    IMPLAUSIBLE,
    INTERACTION_ID,
    MAX_NUMBER,
    UNREADABLE,
    USER_ID,
    WINDOW_MINUTES,
)
from pipeline.core.locator import Locator
from pipeline.core.records import MISSING, Interaction
from pipeline.stores.mongodb.windows import EVER

Document = dict[str, Any]

_MARKED = {"quarantine": {"$exists": True}}
_MARKED_AT_ANY_TIME = {"quarantine.at": {"$gte": EVER}}

INDEXES: Sequence[Mapping[str, Any]] = (
    {"name": "batch_interaction", "keys": [("batch_id", 1), ("_id", 1)]},
    {
        "name": "batch_quarantine",
        "keys": [("batch_id", 1), ("quarantine.run_id", 1)],
        "partialFilterExpression": _MARKED,
    },
    {
        "name": "quarantined_by_time",
        "keys": [("quarantine.at", -1), ("_id", 1)],
        "partialFilterExpression": _MARKED_AT_ANY_TIME,
    },
)

PLACE = "place"

_JUDGED = (USER_ID, CAMPAIGN_ID, "type")


def interaction_document(batch_id: str, record: Interaction, received_at: datetime) -> Document:
    """The document of a record; a field the record did not have stays missing, a null one is null."""
    document: Document = {
        "_id": record.interaction_id,
        INTERACTION_ID: record.interaction_id,
        "batch_id": batch_id,
        **place_of(record.at),
        "received_at": received_at,
        "content_hash": record.content_hash,
    }
    for name in _JUDGED:
        value = getattr(record, name)
        if value is not MISSING:
            document[name] = value
    document["timestamp"] = record.timestamp
    if record.message is not None:
        document["message"] = record.message
    if record.value is not None:
        document["value"] = record.value
    document["extra"] = dict(record.extra)
    noted = {CONVERTED: record.converted, UNREADABLE: record.unreadable, IMPLAUSIBLE: record.implausible}
    return document | {name: dict(fields) for name, fields in noted.items() if fields}


def place_of(at: Locator) -> Document:
    """Where a record is, as documents have it: its key, and where that does not say all its text."""
    return {"line": at.key} if at.is_plain else {"line": at.key, PLACE: str(at)}


def located(row: Mapping[str, Any]) -> Locator:
    """Where a record is, from its document."""
    return Locator.of(int(row["line"]), row.get(PLACE))


def owned_filter(batch_id: str, interaction_id: str) -> Document:
    """A record, as long as it belongs to a batch."""
    return {"_id": {"$eq": interaction_id}, "batch_id": {"$eq": batch_id}}


def owners_filter(interaction_ids: Sequence[str]) -> Document:
    """Records by id."""
    return {"_id": {"$in": list(interaction_ids)}}


def counts_pipeline(batch_id: str) -> list[Document]:
    """Records of a batch by whether they are quarantined."""
    is_quarantined = {"$ne": [{"$type": "$quarantine"}, "missing"]}
    return [{"$match": _of_batch(batch_id)}, {"$group": {"_id": is_quarantined, "n": {"$sum": 1}}}]


def piece_filter(batch_id: str, after: str) -> Document:
    """Records of a batch whose id comes after another."""
    return {**_of_batch(batch_id), "_id": {"$gt": after}}


def quarantine_filter(
    batch_id: str, condition: Mapping[str, Any], after: str = "", last: str | None = None
) -> Document:
    """Records of a batch that meet a compiled condition and are not marked yet, in a piece of its ids.

    Args:
        batch_id: The batch.
        condition: An aggregation expression.
        after: The id before the piece.
        last: Its last id; None when it goes to the end.
    """
    ids = {"$gt": after} if last is None else {"$gt": after, "$lte": last}
    return {**_accepted(batch_id), "_id": ids, "$expr": condition}


def quarantined_filter(batch_id: str) -> Document:
    """Records of a batch that are marked."""
    return {**_of_batch(batch_id), **_MARKED}


def all_quarantined_filter() -> Document:
    """Records of any batch that are marked, as their index says it: by when."""
    return dict(_MARKED_AT_ANY_TIME)


def in_quarantine_filter(interaction_id: str) -> Document:
    """A record by its id, while it is marked."""
    return {"_id": {"$eq": interaction_id}, **_MARKED}


def released(changes: Mapping[str, Any], note: str, run_id: str) -> list[Document]:
    """The mark moves to the record's history, with the values that were changed as they were before."""
    before = {name: {"$ifNull": [f"${name}", None]} for name in changes}
    entry = {
        "mark": "$quarantine",
        "released_at": "$$NOW",
        "note": {"$literal": note},
        "run_id": {"$literal": run_id},
        "before": before,
    }
    history = {"$concatArrays": [{"$ifNull": ["$quarantine_history", []]}, [entry]]}
    new = {name: {"$literal": value} for name, value in changes.items()}
    settled = ["quarantine", *(f"{note}.{name}" for note in (UNREADABLE, IMPLAUSIBLE) for name in changes)]
    return [{"$set": {"quarantine_history": history}}, {"$set": new}, {"$unset": settled}]


def accepted_filter(batch_id: str, after: str, *, with_message: bool = False) -> Document:
    """Accepted records of a batch whose id comes after another; ids are never empty, so "" is before them all."""
    page = {**_accepted(batch_id), "_id": {"$gt": after}}
    return {**page, "message": {"$exists": True}} if with_message else page


def metrics_pipeline(batch_id: str, *, include_quarantined: bool) -> list[Document]:
    """Interactions, distinct users and value of a batch by campaign, type and 10-minute window.

    Grouped twice, by user first: a set of users per group would have to fit into one document.
    """
    match = _of_batch(batch_id) if include_quarantined else _accepted(batch_id)
    window = {"$dateTrunc": {"date": "$timestamp", "unit": "minute", "binSize": WINDOW_MINUTES}}
    is_plausible = {"$eq": [{"$type": f"${IMPLAUSIBLE}.timestamp"}, "missing"]}
    by_user = {
        CAMPAIGN_ID: _text_or_null(CAMPAIGN_ID),
        "type": _text_or_null("type"),
        "window_start": {"$cond": [is_plausible, window, None]},
        USER_ID: _text_or_null(USER_ID),
    }
    rows = {name: f"$_id.{name}" for name in (CAMPAIGN_ID, "type", "window_start")}
    return [
        {"$match": match},
        {"$group": {"_id": by_user, "interactions": {"$sum": 1}, "value": {"$sum": _summable()}}},
        {
            "$group": {
                "_id": rows,
                "interactions": {"$sum": "$interactions"},
                "distinct_users": {"$sum": {"$cond": [{"$eq": ["$_id.user_id", None]}, 0, 1]}},
                "value": {"$sum": "$value"},
            }
        },
        {"$sort": {"_id.campaign_id": 1, "_id.type": 1, "_id.window_start": 1}},
    ]


def _summable() -> Document:
    """The record's number: one that was read from a text, or the one it was given; 0 of what no sum may hold.

    As the decimal that its text says: MongoDB's own conversion of a float keeps 15 digits.
    """
    given = "$extra.value"
    in_bounds = [{"$isNumber": given}, {"$gte": [given, -MAX_NUMBER]}, {"$lte": [given, MAX_NUMBER]}]
    found = {"$cond": [{"$isNumber": "$value"}, "$value", {"$cond": [{"$and": in_bounds}, given, 0]}]}
    return {"$toDecimal": {"$toString": found}}


def _of_batch(batch_id: str) -> Document:
    return {"batch_id": {"$eq": batch_id}}


def _accepted(batch_id: str) -> Document:
    return {**_of_batch(batch_id), "quarantine": {"$exists": False}}


def _text_or_null(name: str) -> Document:
    return {"$cond": [{"$eq": [{"$type": f"${name}"}, "string"]}, f"${name}", None]}
