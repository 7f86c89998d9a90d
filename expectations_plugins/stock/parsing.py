"""Values no store can judge: whether a text is a date of a format, any date, or JSON. As GX's pandas engine judges."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from dateutil.parser import parse

from expectations_plugins.core.errors import TerminalError


def _has_format(value: Any, values: Mapping[str, Any]) -> bool:
    try:
        datetime.strptime(_text(value, "ExpectColumnValuesToMatchStrftimeFormat"), values["strftime_format"])  # noqa: DTZ007
    except ValueError:
        return False
    return True


def _is_date(value: Any, _: Mapping[str, Any]) -> bool:
    try:
        parse(_text(value, "ExpectColumnValuesToBeDateutilParseable"))
    except (ValueError, OverflowError):
        return False
    return True


def _is_json(value: Any, _: Mapping[str, Any]) -> bool:
    try:
        json.loads(value)
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def _text(value: Any, expectation: str) -> str:
    if isinstance(value, str):
        return value
    raise TerminalError(
        f"{expectation} reads text, but met a value of type {type(value).__name__}.",
        next_step="Check the type first, with ExpectColumnValuesToBeOfType, or give a row_condition.",
    )


PARSERS: Mapping[str, Callable[[Any, Mapping[str, Any]], bool]] = {
    "column_values.match_strftime_format": _has_format,
    "column_values.dateutil_parseable": _is_date,
    "column_values.json_parseable": _is_json,
}
"""Whether a value is as expected, by the metric's name."""
