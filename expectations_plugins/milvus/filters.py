"""Milvus filters, as text: values are literals, so that none is read as a part of the filter."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence


def literal(value: object) -> str:
    """A value as Milvus filters read it: a JSON literal, so that a quote or a backslash in it stays a value.

    pymilvus' own reads by key put text keys between single quotes as they are; a key with a quote would be read as
    part of the filter.

    Raises:
        ValueError: It is not text, a finite number or a boolean.
    """
    if isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return json.dumps(value, ensure_ascii=False)
    raise ValueError(f"{value!r} cannot stand in a Milvus filter")


def equals(field: str, value: str) -> str:
    """Rows whose field has this value."""
    return f"{field} == {literal(value)}"


def keys_filter(field: str, ids: Sequence[str]) -> str:
    """Rows with one of these keys."""
    return f"{field} in [{', '.join(literal(key) for key in ids)}]"
