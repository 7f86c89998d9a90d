"""The one form of a key or a number that was written down in several: canonical text for keys, a number for numbers.

What cannot be read without a guess is not read: it is counted by its type, and shown to a person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pipeline.core.fields import MAX_DECIMALS, MAX_NUMBER

TOO_LARGE, TOO_FINE = "number that is too large", "number with more than 9 decimals"
_NUMBER = re.compile(r"[+-]?\d{1,400}(\.\d{1,400})?([eE][+-]?\d{1,4})?", re.ASCII)
_KINDS: Mapping[type, str] = {
    str: "text",
    bool: "boolean",
    int: "number",
    float: "number",
    dict: "object",
    list: "array",
    type(None): "null",
}


def kind_of(value: Any) -> str:
    """The type of a parsed value, as JSON calls it, and text for a string."""
    return _KINDS[type(value)]


def key_text(value: Any) -> str | None:
    """A key as text: 42 and 42.0 are "42"; None of what is neither text nor a whole number."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int):
        return str(value)
    return str(int(value)) if value.is_integer() and abs(value) <= MAX_NUMBER else None


def number(value: Any) -> int | float | None:
    """A number, also one that came as text: "19.90" is 19.9; None of "19,90", and of one that no sum can hold."""
    if isinstance(value, str):
        text = value.strip()
        found: Any = _parsed(text) if _NUMBER.fullmatch(text) else None
    else:
        found = value
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return found if -MAX_NUMBER <= found <= MAX_NUMBER else None


def rounded(value: int | float) -> int | float:
    """A number with as many decimals as a sum has: 0.30000000000000004 is 0.3."""
    if isinstance(value, int):
        return value
    text = repr(value)
    if "e" not in text and len(text.partition(".")[2]) <= MAX_DECIMALS:
        return value
    found = Decimal(text)
    return value if -int(found.as_tuple().exponent) <= MAX_DECIMALS else float(round(found, MAX_DECIMALS))


def _parsed(text: str) -> int | float:
    return float(text) if set(text) & set(".eE") else int(text)
