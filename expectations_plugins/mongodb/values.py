"""Driver values as plain Python, for whoever must not know the driver: reports, pages, JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bson.dbref import DBRef
from bson.decimal128 import Decimal128


def plain(value: Any) -> Any:
    """A value as plain Python: ids and everything else that only BSON knows become text."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, DBRef):  # the driver makes one of every object with $ref and $id
        return plain(dict(value.as_doc()))
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, str | int | float | datetime) else str(value)
