"""Driver values as plain Python, for whoever must not know the driver: reports, pages, JSON."""

from __future__ import annotations

from typing import Any

import neo4j.time


def plain(value: Any) -> Any:
    """A value as plain Python: temporal values become Python's, everything else that only Neo4j knows becomes text."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, neo4j.time.DateTime | neo4j.time.Date | neo4j.time.Time):
        return value.to_native()
    if isinstance(value, bytes | bytearray):
        return bytes(value).hex()
    return value if value is None or isinstance(value, str | int | float) else str(value)
