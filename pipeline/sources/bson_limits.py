"""What MongoDB can store, without its driver: BSON's limits, checked before a record travels."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from pipeline.core.records import DeadReason
from pipeline.sources.parsing import Refused, shown

MAX_NESTING = 90
"""Levels of objects and arrays; MongoDB takes 100, and we store the record inside a document."""

MAX_DOCUMENT_BYTES = 15 * 1024 * 1024
"""A little under MongoDB's 16 MiB: our own fields come on top."""

_MAX_EXPANSION = 8
"""An array of digits, `[1,1,…`, is what grows most from JSON to BSON: two bytes to at most 15."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_INT64 = range(-(2**63), 2**63)


def check_storable(record: Mapping[str, Any], size: int) -> None:
    """Refuse what MongoDB would.

    Args:
        record: Parsed JSON: only dict, list, str, int, float, bool and None.
        size: Bytes of its text.

    Raises:
        Refused: With the field and what is wrong with it.
    """
    for name, value in record.items():
        fault = _fault_of_key(name) or _fault(value, 2)
        if fault:
            raise Refused(DeadReason.UNSTORABLE, f"{shown(name)}: {fault}")
    if size * _MAX_EXPANSION > MAX_DOCUMENT_BYTES and _bson_size(record) > MAX_DOCUMENT_BYTES:
        raise Refused(DeadReason.UNSTORABLE, f"it takes more than the {MAX_DOCUMENT_BYTES:,} bytes of a document")


def _fault(value: Any, level: int) -> str:
    if isinstance(value, str):
        return "half a surrogate pair cannot be encoded" if _has_surrogate(value) else ""
    if isinstance(value, dict | list):
        return _fault_inside(value, level)
    if isinstance(value, float):
        return "" if math.isfinite(value) else "a number is beyond 64-bit floating point"
    if isinstance(value, int):
        return "" if int(value) in _INT64 else "an integer has more than 64 bits"
    return ""


def _fault_inside(value: dict[str, Any] | list[Any], level: int) -> str:
    if level > MAX_NESTING:
        return f"it is nested deeper than {MAX_NESTING} levels"
    if isinstance(value, list):
        return next(filter(None, (_fault(item, level + 1) for item in value)), "")
    return next(filter(None, (_fault_of_key(key) or _fault(item, level + 1) for key, item in value.items())), "")


def _fault_of_key(key: str) -> str:
    if "\0" in key:
        return f"the key {shown(key)} has a NUL character"
    return f"the key {shown(key)} has half a surrogate pair" if _has_surrogate(key) else ""


def _has_surrogate(text: str) -> bool:
    return not text.isascii() and _SURROGATE.search(text) is not None


def _bson_size(value: Any) -> int:
    """Bytes of a value in BSON, element type and key apart (bsonspec.org)."""
    if isinstance(value, str):
        return 5 + len(value.encode("utf-8"))
    if isinstance(value, dict):
        return 5 + sum(2 + len(key.encode("utf-8")) + _bson_size(item) for key, item in value.items())
    if isinstance(value, list):
        return 5 + sum(2 + len(str(index)) + _bson_size(item) for index, item in enumerate(value))
    return 0 if value is None else 1 if isinstance(value, bool) else 8
