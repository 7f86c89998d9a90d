"""What the fields of a record mean: from a mapping to an `Interaction`, or to the reason why it cannot be one."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.core.fields import CAMPAIGN_ID, INTERACTION_ID, USER_ID
from pipeline.core.records import MAX_ID_LENGTH, MISSING, DeadReason, Interaction
from pipeline.sources.bson_limits import check_storable
from pipeline.sources.parsing import Refused, shown

KNOWN_FIELDS = frozenset({INTERACTION_ID, USER_ID, CAMPAIGN_ID, "type", "timestamp", "message"})
"""Fields with a place of their own; all others are kept in `extra`."""

_KEYS = (USER_ID, CAMPAIGN_ID, "type")
"""Metrics are grouped by them, and Neo4j refuses a whole write when a value is longer than its index takes."""

_UNUSABLE_IN_AN_ID = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ISO_8601 = re.compile(
    r"(\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?)?|\d{8}T\d{4}(\d\d)?)(\s?(Z|[+-]\d\d(:?\d\d)?))?",
    re.ASCII | re.IGNORECASE,
)


def interaction(record: Mapping[str, Any], *, line: int, size: int, raw: str, zone: ZoneInfo) -> Interaction:
    """One record.

    Args:
        record: Its fields, as parsed.
        line: Its line in the file, 1-based.
        size: Its bytes in the file.
        raw: Its text in the file; its start, when it is very long.
        zone: Where timestamps without an offset were written down.

    Raises:
        Refused: It has no usable interaction_id, a key is too long, or it holds what MongoDB cannot store.
    """
    interaction_id = _id(record)
    for name in _KEYS:
        _check_length(name, record.get(name))
    check_storable(record, size)
    extra = {name: value for name, value in record.items() if name not in KNOWN_FIELDS}
    timestamp = _timestamp(record.get("timestamp"), zone)
    if timestamp is None and record.get("timestamp") is not None:
        extra["timestamp"] = record["timestamp"]
    message = record.get("message")
    if message is not None and not (isinstance(message, str) and message.strip()):
        extra["message"] = message
    return Interaction(
        interaction_id=interaction_id,
        line=line,
        user_id=record.get(USER_ID, MISSING),
        campaign_id=record.get(CAMPAIGN_ID, MISSING),
        type=record.get("type", MISSING),
        timestamp=timestamp,
        message=None if "message" in extra else message,
        extra=extra,
        content_hash=content_hash(record),
        raw=raw,
    )


def id_in(record: Mapping[str, Any]) -> str:
    """The interaction_id of a record, whatever else is wrong with it; "" when it has none that can be one."""
    try:
        return _id(record)
    except Refused:
        return ""


def content_hash(record: Mapping[str, Any]) -> str:
    """sha256 of the record's canonical JSON: keys sorted, no spaces, ASCII only (in the manner of RFC 8785)."""
    canonical = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _id(record: Mapping[str, Any]) -> str:
    value = record.get(INTERACTION_ID)
    if value is None or (isinstance(value, str) and not value.strip()):
        what = "missing" if INTERACTION_ID not in record else "null" if value is None else "blank"
        raise Refused(DeadReason.MISSING_ID, f"interaction_id is {what}")
    if not isinstance(value, str):
        raise Refused(DeadReason.BAD_ID, f"interaction_id {shown(value)} is not text")
    if _UNUSABLE_IN_AN_ID.search(value):
        raise Refused(DeadReason.BAD_ID, f"interaction_id {shown(value)} has control characters or half a surrogate")
    _check_length(INTERACTION_ID, value)
    return value


def _check_length(name: str, value: object) -> None:
    length = len(value.encode("utf-8", "surrogatepass")) if isinstance(value, str) else 0
    if length > MAX_ID_LENGTH:
        raise Refused(DeadReason.BAD_ID, f"{name} has {length} bytes, more than {MAX_ID_LENGTH}")


def _timestamp(value: object, zone: ZoneInfo) -> datetime | None:
    """ISO 8601 only: a bare number may be seconds, milliseconds or a date, and is not guessed at."""
    if not isinstance(value, str) or not _ISO_8601.fullmatch(value.strip()):
        return None
    try:
        given = datetime.fromisoformat(value.strip().upper().replace(" Z", "Z"))
        aware = given if given.tzinfo is not None else given.replace(tzinfo=zone)
        utc = aware.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)  # what a BSON date holds
