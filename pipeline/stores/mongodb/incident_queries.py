"""Filters and documents of the collection `incidents`: pure functions, golden in the tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.core.incident import Incident, as_document
from pipeline.stores.mongodb.ledger_queries import plain

Document = dict[str, Any]

INCIDENTS = "incidents"
FORMER = "alerts"
"""Where programs before incidents kept what was open: a document a key and channel."""

LATEST_FIRST = [("key", -1), ("occurrence", -1)]

INDEXES: Sequence[Mapping[str, Any]] = (
    {"name": "key_occurrence", "keys": [("key", 1), ("occurrence", 1)]},
    {"name": "unsettled", "keys": [("is_settled", 1)], "partialFilterExpression": {"is_settled": False}},
)


def document_of(incident: Incident) -> Document:
    """The incident as it is written: its next version. Channels are a list, for their names come from files."""
    document: Document = plain(as_document(incident))
    channels = [{"name": name, **state} for name, state in document["channels"].items()]
    return {**document, "_id": id_of(incident), "version": incident.version + 1, "channels": channels}


def id_of(incident: Incident) -> str:
    """One document an incident."""
    return f"{plain(incident.key)}|{incident.occurrence}"


def plain_channels(document: Mapping[str, Any]) -> Document:
    """What was written, with the channels by name again."""
    return {**document, "channels": {str(state["name"]): state for state in document["channels"]}}


def of_key_filter(key: str) -> Document:
    """All incidents of a key."""
    return {"key": {"$eq": plain(key)}}


def unchanged_filter(incident: Incident) -> Document:
    """The incident, while it is the version that was read."""
    return {"_id": {"$eq": id_of(incident)}, "version": {"$eq": incident.version}}


def unsettled_filter() -> Document:
    """What is open, or over without a channel knowing it."""
    return {"is_settled": False}


def former_filter() -> Document:
    """What a program before incidents left open."""
    return {"state": {"$eq": "open"}}


def former_moved() -> Document:
    """It is an incident now; programs before incidents see nothing open."""
    return {"$set": {"state": "resolved", "moved": True}}
