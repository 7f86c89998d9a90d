"""The alert book's filters and updates: pure functions, golden in the tests. Times are the server's."""

from __future__ import annotations

from typing import Any

from pipeline.core.alert import Alert
from pipeline.stores.mongodb.ledger_queries import NEVER, literal, plain, server_time_in

Document = dict[str, Any]
Update = list[Document]

ALERTS = "alerts"
CLAIM_SECONDS = 60.0
"""How long a claim lasts; a process that died while it told a channel blocks it no longer."""

NEW, OPEN, RESOLVED = "new", "open", "resolved"

_NOW_MS = {"$toLong": "$$NOW"}
_UNCLAIMED = {"$lte": [{"$toLong": "$claim_until"}, _NOW_MS]}
_CLAIMED = {"$gt": [{"$toLong": "$claim_until"}, _NOW_MS]}
_IS_OPEN = {"$eq": ["$state", OPEN]}


def key_of(dedup_key: str, channel: str) -> str:
    """One document a channel and key."""
    return f"{channel}|{plain(dedup_key)}"


def fresh(dedup_key: str, channel: str, gate: str) -> Document:
    """A key that was never told, where there is none: an upsert may not compare with the server's clock."""
    defaults = {
        "dedup_key": plain(dedup_key),
        "channel": channel,
        "gate": plain(gate),
        "state": NEW,
        "rank": 0,
        "told": 0,
        "repeats": 0,
        "told_at": NEVER,
        "claim": "",
        "claim_until": NEVER,
    }
    return {"$setOnInsert": defaults}


def to_tell_filter(key: str, rank: int, interval: float) -> Document:
    """The key, when nobody is telling it and it is not open, was told long ago, or as something milder."""
    due = {"$lte": [{"$add": [{"$toLong": "$told_at"}, int(interval * 1000)]}, _NOW_MS]}
    news = {"$or": [{"$ne": ["$state", OPEN]}, due, {"$lt": ["$rank", rank]}]}
    return {"_id": {"$eq": key}, "$expr": {"$and": [_UNCLAIMED, news]}}


def to_resolve_filter(key: str) -> Document:
    """The key, when nobody is telling it and it is open."""
    return {"_id": {"$eq": key}, "$expr": {"$and": [_UNCLAIMED, _IS_OPEN]}}


def claimed_filter(key: str) -> Document:
    """The key, while somebody is telling it."""
    return {"_id": {"$eq": key}, "$expr": _CLAIMED}


def claimed(token: str) -> Update:
    """The right to tell it is somebody's."""
    return [{"$set": {"claim": literal(token), "claim_until": server_time_in(CLAIM_SECONDS)}}]


def held_filter(key: str, token: str) -> Document:
    """The key, as long as this claim is the last one."""
    return {"_id": {"$eq": key}, "claim": {"$eq": token}}


def repeated(rank: int) -> Update:
    """It failed again and nobody was told; when it is milder now, growing worse again is news."""
    return [{"$set": {"repeats": {"$add": ["$repeats", 1]}, "rank": {"$min": ["$rank", rank]}, "seen_at": "$$NOW"}}]


def told(alert: Alert) -> Update:
    """The channel was told."""
    said = {name: getattr(alert, name) for name in ("gate", "severity", "title", "summary", "batch_id", "next_step")}
    return [
        {
            "$set": {
                **{name: literal(plain(value)) for name, value in said.items()},
                **_unclaimed(),
                "state": OPEN,
                "rank": alert.rank,
                "opened_at": {"$cond": [_IS_OPEN, "$opened_at", "$$NOW"]},
                "told": {"$cond": [_IS_OPEN, {"$add": ["$told", 1]}, 1]},
                "repeats": {"$cond": [_IS_OPEN, "$repeats", 0]},
                "told_at": "$$NOW",
                "seen_at": "$$NOW",
                "error": "",
            }
        }
    ]


def resolved() -> Update:
    """The channel was told that it is over."""
    return [{"$set": {**_unclaimed(), "state": RESOLVED, "rank": 0, "resolved_at": "$$NOW", "error": ""}}]


def failed(detail: str) -> Update:
    """The channel could not be told."""
    return [{"$set": {**_unclaimed(), "failed_at": "$$NOW", "error": literal(plain(detail))}}]


def open_filter(gate: str | None) -> Document:
    """What is open, or is just being told."""
    live: Document = {"$expr": {"$or": [_IS_OPEN, _CLAIMED]}}
    return live if gate is None else {"gate": {"$eq": gate}, **live}


def _unclaimed() -> Document:
    return {"claim": "", "claim_until": NEVER}
