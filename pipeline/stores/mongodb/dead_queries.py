"""Queries and updates of dead batches and records: pure functions.

Values stand under `$eq` and `$literal`, but where an index of several fields is to be used: see
`Capabilities.combines_eq`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pipeline.core.batches import BatchStatus
from pipeline.core.fields import INTERACTION_ID
from pipeline.core.locator import Locator
from pipeline.stores.mongodb.ledger_queries import Document, Update, literal, plain
from pipeline.stores.mongodb.queries import PLACE, place_of


def letter_buried(batch_id: str, at: Locator, content: Document, now: datetime) -> Update:
    """A letter with its latest content; one that was dropped gets none back."""
    is_dropped = {"$ne": [{"$ifNull": ["$dropped", None]}, None]}
    named = {INTERACTION_ID: literal(content[INTERACTION_ID])} if INTERACTION_ID in content else {}
    return [
        {
            "$set": {
                **named,
                "batch_id": literal(batch_id),
                **{name: literal(value) for name, value in place_of(at).items()},
                "reason": literal(content["reason"]),
                "detail": {"$cond": [is_dropped, "", literal(content["detail"])]},
                "raw": {"$cond": [is_dropped, "", literal(content["raw"])]},
                "buried_at": {"$ifNull": ["$buried_at", literal(now)]},
            }
        }
    ]


def letter_filter(batch_id: str, line: int) -> Document:
    """One letter."""
    return {"batch_id": str(batch_id), "line": int(line)}


def letters_filter(batch_id: str | None, reason: str | None, *, waiting: bool) -> Document:
    """Letters of one batch or all, for one reason or any; `waiting`: neither replayed nor dropped."""
    condition: Document = {"batch_id": {"$eq": batch_id}} if batch_id else {}
    if reason:
        condition["reason"] = {"$eq": reason}
    if waiting:
        condition |= {"dropped": None, "replayed_in": None}  # as the index of those that wait has them
    return condition


def lines_filter(batch_id: str, lines: Sequence[int] | None) -> Document:
    """Letters of a batch with these lines, or all of its letters."""
    of_lines = {} if lines is None else {"line": {"$in": list(lines)}}
    return {"batch_id": str(batch_id), **of_lines}


def groups_pipeline(condition: Document, limit: int) -> list[Document]:
    """Letters by batch and reason."""
    is_done = {"$or": [{"$gt": ["$dropped", None]}, {"$gt": [{"$size": {"$ifNull": ["$replayed_in", []]}}, 0]}]}
    group = {
        "_id": {"batch_id": "$batch_id", "reason": "$reason"},
        "letters": {"$sum": 1},
        "waiting": {"$sum": {"$cond": [is_done, 0, 1]}},
        "first": {"$min": {"line": "$line", "detail": "$detail", PLACE: "$place"}},
        "buried_at": {"$min": "$buried_at"},
    }
    order = {"buried_at": -1, "_id.batch_id": 1, "_id.reason": 1}
    return [{"$match": condition}, {"$group": group}, {"$sort": order}, {"$limit": limit}]


def dead_filter(batch_id: str | None, *, waiting: bool) -> Document:
    """Dead batches, one or all; `waiting`: not dropped."""
    condition: Document = {"status": {"$eq": BatchStatus.DEAD.value}}
    if waiting:
        condition["dropped"] = {"$exists": False}
    return {"_id": {"$eq": batch_id}, **condition} if batch_id else condition


def parent_set(parent: str) -> Update:
    """A batch's parent, unless it has one."""
    return [{"$set": {"parent": {"$ifNull": ["$parent", literal(parent)]}, "updated": "$$NOW"}}]


def batch_dropped(tombstone: object) -> Update:
    """A batch was dropped, unless it was before."""
    return [{"$set": {"dropped": {"$ifNull": ["$dropped", literal(plain(tombstone))]}, "updated": "$$NOW"}}]


def letters_dropped(tombstone: object) -> dict[str, Any]:
    """Letters lose what they hold of the record, and say who dropped them."""
    return {"$set": {"raw": "", "detail": "", "dropped": plain(tombstone)}}
