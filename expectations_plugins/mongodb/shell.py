"""Pipelines as mongosh reads them: dates and large numbers have no form in JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

EXACT = 2**53
"""Up to it a number of JavaScript's is exact."""


def text(value: Any) -> str:
    """A value, a stage or a whole pipeline, to paste."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(str(name))}: {text(part)}" for name, part in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return "[" + ", ".join(map(text, value)) + "]"
    if isinstance(value, datetime):
        return f"ISODate({json.dumps(value.isoformat())})"
    if isinstance(value, int) and abs(value) > EXACT:
        return f'NumberLong("{value}")'
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return json.dumps(value, default=str)
