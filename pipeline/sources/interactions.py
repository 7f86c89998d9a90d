"""What the fields of a record mean: from a mapping to an `Interaction`, or to the reason why it cannot be one."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.core.fields import CAMPAIGN_ID, INTERACTION_ID, USER_ID
from pipeline.core.locator import Locator
from pipeline.core.records import MAX_ID_LENGTH, MISSING, DeadReason, Interaction
from pipeline.sources.bson_limits import check_storable
from pipeline.sources.canonical import TOO_FINE, TOO_LARGE, key_text, kind_of, number, rounded
from pipeline.sources.parsing import Refused, shown
from pipeline.sources.timestamps import moment

KNOWN_FIELDS = frozenset({INTERACTION_ID, USER_ID, CAMPAIGN_ID, "type", "timestamp", "message"})
"""Fields with a place of their own; all others are kept in `extra`."""

_KEYS = (USER_ID, CAMPAIGN_ID, "type")
"""Metrics are grouped by them, and Neo4j refuses a whole write when a value is longer than its index takes."""

_UNUSABLE_IN_AN_ID = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def interaction(record: Mapping[str, Any], *, at: Locator, size: int, raw: str, zone: ZoneInfo) -> Interaction:
    """One record.

    Args:
        record: Its fields, as parsed.
        at: Where it is in the file.
        size: Its bytes in the file.
        raw: Its text in the file; its start, when it is very long.
        zone: Where timestamps without an offset were written down.

    Raises:
        Refused: It has no usable interaction_id, a key is too long, or it holds what MongoDB cannot store.
    """
    interaction_id = _id(record)
    fields = _Fields(record)
    keys = {name: fields.key(name) for name in _KEYS}
    for name, value in keys.items():
        _check_length(name, value)
    check_storable(record, size)
    return Interaction(
        interaction_id=interaction_id,
        at=at,
        user_id=keys[USER_ID],
        campaign_id=keys[CAMPAIGN_ID],
        type=keys["type"],
        timestamp=fields.timestamp(zone),
        message=fields.message(),
        value=fields.value(),
        extra=fields.kept(interaction_id),
        content_hash=content_hash(record),
        raw=raw,
        converted=fields.converted,
        unreadable=fields.unreadable,
    )


class _Fields:
    """A record's fields as they are read, and what is noted of those that are not what they ought to be.

    Args:
        record: As parsed.
    """

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._record = record
        self._kept = {name: value for name, value in record.items() if name not in KNOWN_FIELDS}
        self.converted: dict[str, str] = {}
        self.unreadable: dict[str, str] = {}

    def key(self, name: str) -> Any:
        """The field as text, where it can be; otherwise as given."""
        given = self._record.get(name, MISSING)
        if given is MISSING or given is None or isinstance(given, str):
            return given
        text = key_text(given)
        if text is not None:
            self._converted(name, kind_of(given))
        elif name != USER_ID:  # which has a check of its own
            self._not_read(name, kind_of(given))
        return given if text is None else text

    def timestamp(self, zone: ZoneInfo) -> datetime | None:
        """The record's time."""
        given = self._record.get("timestamp")
        if given is None:
            return None
        at, notation = moment(given, zone) or (None, "")
        if at is None:
            self._not_read("timestamp", kind_of(given))
        elif notation:
            self._converted("timestamp", notation)
        return at

    def message(self) -> str | None:
        """The text to embed."""
        given = self._record.get("message")
        if isinstance(given, str) and given.strip():
            return given
        if isinstance(given, str):
            self._kept["message"] = given
        elif given is not None:
            self._not_read("message", kind_of(given))
        return None

    def value(self) -> int | float | None:
        """The number a text means, and one that was rounded; any other is where it was given."""
        given = self._record.get("value")
        if given is None:
            return None
        found = number(given)
        if found is None:
            is_number = isinstance(given, int | float) and not isinstance(given, bool)
            self._not_read("value", TOO_LARGE if is_number else kind_of(given))
            return None
        kept = rounded(found)
        if kept == given:
            return None
        self._converted("value", "text" if isinstance(given, str) else TOO_FINE)
        return kept

    def kept(self, interaction_id: str) -> dict[str, Any]:
        """The other fields, and as given what was converted or could not be read."""
        if self._record[INTERACTION_ID] != interaction_id:
            self._converted(INTERACTION_ID, "number")
        return self._kept

    def _converted(self, name: str, what: str) -> None:
        self._kept[name] = self._record[name]
        self.converted[name] = what

    def _not_read(self, name: str, what: str) -> None:
        self._kept[name] = self._record[name]
        self.unreadable[name] = what


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
    given = record.get(INTERACTION_ID)
    value = given if key_text(given) is None else key_text(given)
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
