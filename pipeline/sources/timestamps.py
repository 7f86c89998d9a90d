"""When a record was written, from the notations that mean one moment only; what needs a guess is not read.

ISO 8601 is the notation of logs. Of the others, one is read when no second reading of it exists: a number of ten
digits is seconds since 1970, for a date of ten digits would be in the years after 2033; "11/12/2026" is two days.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

Read = tuple[datetime, str]
"""The moment in UTC, and the notation it came in; "" for ISO 8601 of one moment."""

TWICE, NEVER = "local time that comes twice", "local time that never comes"
"""An hour ends summer time and one begins it: of the one the earlier is taken, of the other the same time later."""

_ISO_8601 = re.compile(
    r"(\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?)?|\d{8}T\d{4}(\d\d)?)"
    r"(\s?(Z|UTC|GMT|[+-]\d\d(:?\d\d)?)(\[[\w/+-]+\])?)?",
    re.ASCII | re.IGNORECASE,
)
_END_OF_DAY = re.compile(r"(?<=[T ])24(?=:00(:00([.,]0+)?)?(Z|[+-]|$))", re.ASCII)
_LEAP_SECOND = re.compile(r"(?<=:\d\d:)60(?=[.,Z+-]|$)", re.ASCII)
_ZONE = re.compile(r"\s?(UTC|GMT)$", re.ASCII)
_ZONE_NAME = re.compile(r"\[.*\]$", re.ASCII)
_EPOCH = re.compile(r"\d{10,19}(\.\d{1,9})?", re.ASCII)
_EPOCH_UNITS: Mapping[str, int] = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
_EPOCH_SECONDS = (1_000_000_000, 2_000_000_000)
"""September 2001 to May 2033: a number of one unit in these years is not in them in another unit, and is no date."""

_RFC_2822 = re.compile(
    r"([A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d(:\d\d)? ([+-]\d{4}|GMT|UTC|UT|Z)", re.ASCII
)
_APACHE = re.compile(r"\d\d/([A-Z][a-z]{2})/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}", re.ASCII)
"""The time of the common log format of web servers."""


def moment(value: Any, zone: ZoneInfo) -> Read | None:
    """The moment a timestamp means; None when it cannot be read, or could mean several.

    Args:
        value: As parsed from JSON or CSV.
        zone: Where one without an offset was written down.
    """
    try:
        found = _extended(value, zone) if isinstance(value, dict) else _read(value, zone)
        utc = found[0].astimezone(UTC) if found else None
    except (ValueError, OverflowError):
        return None
    if found is None or utc is None:
        return None
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000), found[1]  # what a BSON date holds


def _read(value: Any, zone: ZoneInfo) -> Read | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = value.strip() if isinstance(value, str) else str(value)
    if isinstance(value, str) and _ISO_8601.fullmatch(text):
        return _iso(text, zone)
    if _EPOCH.fullmatch(text):
        return _since_1970(text)
    if _RFC_2822.fullmatch(text):
        return _mail_date(text), "RFC 2822"
    if _APACHE.fullmatch(text):
        day, month, rest = text.split("/")
        return _mail_date(f"{day} {month} {rest.replace(':', ' ', 1)}"), "common log format"
    return None


def _extended(given: Mapping[str, Any], zone: ZoneInfo) -> Read | None:
    """MongoDB's Extended JSON, as mongoexport writes it: ISO 8601, or milliseconds since 1970 or their text."""
    value = given["$date"] if list(given) == ["$date"] else None
    if isinstance(value, Mapping) and list(value) == ["$numberLong"]:
        value = value["$numberLong"]
    is_text = isinstance(value, str) and _ISO_8601.fullmatch(value) is not None
    found = _iso(str(value), zone) if is_text else _since_1970(str(value)) if _EPOCH.fullmatch(str(value)) else None
    return (found[0], "extended JSON") if found and found[1] in {"", "epoch milliseconds"} else None


def _iso(text: str, zone: ZoneInfo) -> Read:
    later, notation, plain = timedelta(), "", text.upper()
    try:
        given = datetime.fromisoformat(plain)
    except ValueError:  # what Python does not read of it: names of zones, the end of a day, a leap second
        plain = _ZONE.sub("Z", _ZONE_NAME.sub("", plain)).replace(" Z", "Z")
        midnight, leap = _END_OF_DAY.sub("00", plain), _LEAP_SECOND.sub("59", plain)
        if leap != plain:
            given, later, notation = datetime.fromisoformat(leap), timedelta(seconds=1), "leap second"
        else:
            given, later = datetime.fromisoformat(midnight), timedelta(days=int(midnight != plain))
    if given.tzinfo is not None:
        return given + later, notation
    local = given.replace(tzinfo=zone)
    return local.astimezone(UTC) + later if later else local, notation or _odd_hour(local)


def _odd_hour(local: datetime) -> str:
    """Whether a time on the clocks of a zone comes twice, or never."""
    if local.utcoffset() == local.replace(fold=1).utcoffset():
        return ""
    is_there = local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) == local.replace(tzinfo=None)
    return TWICE if is_there else NEVER


def _mail_date(text: str) -> datetime:
    found = parsedate_to_datetime(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)  # -0000 is UTC of an unknown place


def _since_1970(text: str) -> Read | None:
    whole, _, part = text.partition(".")
    for unit, scale in _EPOCH_UNITS.items():
        first, last = (limit * scale for limit in _EPOCH_SECONDS)
        if first <= int(whole) < last:
            seconds, rest = divmod(int(whole), scale)
            fraction = rest / scale + float(f"0.{part or 0}") / scale
            return datetime.fromtimestamp(seconds, UTC) + timedelta(seconds=fraction), f"epoch {unit}"
    return None
