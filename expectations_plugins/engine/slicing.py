"""Which records a batch is: by the values of fields, by day, hour or window of some minutes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from expectations_plugins.conditions.expressions import Compare, Condition, Field, IsNull, Op, any_element, both
from expectations_plugins.core.errors import ConfigurationError

WINDOW = "window"
PARTS = ("year", "month", "day", "hour", "minute")
NAMED_BY_FIELD = {
    "date_format_string": "partition_on_converted_datetime",
    "datetime_parts": "partition_on_date_parts",
}
"""Which partitioner has a field that no other has."""
LENGTHS = {"day": timedelta(days=1), "hour": timedelta(hours=1), "minute": timedelta(minutes=1)}


def window_rule(minutes: int) -> str:
    """How a batch definition says that its windows are this long.

    Raises:
        ConfigurationError: Windows of this length do not fill a day.
    """
    if minutes < 1 or (24 * 60) % minutes:
        raise ConfigurationError(
            f"Windows of {minutes} minutes do not fill a day.", next_step="Choose a divisor of 1440, such as 10 or 60."
        )
    return f"{minutes}min"


def parameters(partitioner: Any) -> tuple[str, ...]:
    """The batch parameters a partitioner needs.

    Raises:
        ConfigurationError: Store data sources cannot slice that way.
    """
    if partitioner is None:
        return ()
    method = getattr(partitioner, "method_name", "")
    if method == "partition_on_column_value":
        return (str(partitioner.column_name),)
    if method == "partition_on_multi_column_values":
        return tuple(partitioner.column_names)
    if method == "partition_on_converted_datetime":
        _minutes(partitioner)
        return (WINDOW,)
    parts = _parts(partitioner)
    if parts:
        return parts
    raise ConfigurationError(
        f"Store data sources cannot slice by {type(partitioner).__name__}.",
        next_step="Slice by field values, day, hour or windows of minutes: asset.add_batch_definition_by(...), "
        "_daily, _hourly, _window.",
    )


def written_out(partitioner: Any) -> Any:
    """The partitioner with all its fields given, also those that have a default.

    GX leaves out of a saved file what was not given, and recognises the class of a saved partitioner by its fields:
    without its `method_name` a day is read back as a value.
    """
    return None if partitioner is None else type(partitioner)(**partitioner.dict())


def distinguished_by(partitioner: Any, options: Mapping[str, Any]) -> list[str]:
    """What else than batch parameters distinguishes batches of an asset: the field, the length, a value's type."""
    if partitioner is None:
        return []
    if _is_time(partitioner):
        return [partitioner.column_name, getattr(partitioner, "date_format_string", "")]
    return [type(value).__name__ for value in options.values() if not isinstance(value, str)]


def read_back(saved: Mapping[str, Any]) -> dict[str, Any]:
    """A saved batch definition, its partitioner named: earlier versions saved it without, see `written_out`.

    One that has nothing but a column stays as it is, and is a value's: it may have been a day's.
    """
    partitioner = dict(saved.get("partitioner") or {})
    named = next((method for field, method in NAMED_BY_FIELD.items() if field in partitioner), None)
    if named is None:
        return dict(saved)
    return {**saved, "partitioner": {"method_name": named, **partitioner}}


def selection(partitioner: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a batch spec that says which records: plain data, so that a result can hold it."""
    if not _is_time(partitioner):
        return {"equals": dict(options)}
    begin, end = _bounds(partitioner, options)
    window = {"column": partitioner.column_name, "from": begin.isoformat(), "to": end.isoformat()}
    return {"equals": {}, "window": window}


def condition(spec: Mapping[str, Any]) -> Condition:
    """The records a batch spec selects, but for the user's own filter."""
    parts = [_of_each(name, (Op.EQ, value)) for name, value in spec["equals"].items()]
    window = spec.get("window")
    if window:
        begin, end = (datetime.fromisoformat(window[side]) for side in ("from", "to"))
        parts.append(_of_each(window["column"], (Op.GE, begin), (Op.LT, end)))
    return both(*parts)


def _of_each(name: str, *bounds: tuple[Op, Any]) -> Condition:
    field = Field.of(name)
    return any_element(field, both(*(_bound(op, field, value) for op, value in bounds)))


def _bound(op: Op, field: Field, value: Any) -> Condition:
    is_null = value is None or value != value  # noqa: PLR0124 - a NaN
    return IsNull(field) if is_null else Compare(op, field, value)


def shown(value: Any) -> Any:
    """A batch parameter as a result shows it."""
    return value.isoformat() if isinstance(value, datetime) else value


def _is_time(partitioner: Any) -> bool:
    return getattr(partitioner, "method_name", "") == "partition_on_converted_datetime" or bool(_parts(partitioner))


def _parts(partitioner: Any) -> tuple[str, ...]:
    method = getattr(partitioner, "method_name", "")
    if method == "partition_on_year_and_month_and_day":
        return PARTS[:3]
    given = tuple(getattr(partitioner, "datetime_parts", ()) if method == "partition_on_date_parts" else ())
    return given if len(given) > 2 and given == PARTS[: len(given)] else ()  # noqa: PLR2004 - a day at least


def _minutes(partitioner: Any) -> int:
    number, unit = partitioner.date_format_string[:-3], partitioner.date_format_string[-3:]
    if unit == "min" and number.isdigit():
        return int(number)
    raise ConfigurationError(
        f"{partitioner.date_format_string!r} is no length of a window.",
        next_step="Define it with asset.add_batch_definition_window(name, column, minutes=10).",
    )


def _bounds(partitioner: Any, options: Mapping[str, Any]) -> tuple[datetime, datetime]:
    parts = _parts(partitioner)
    try:
        if parts:
            numbers = [_whole(options[part]) for part in parts]
            begin = datetime(*numbers, tzinfo=UTC)  # type: ignore[misc, arg-type]
            return begin, begin + LENGTHS[parts[-1]]
        return _window(options[WINDOW], _minutes(partitioner))
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigurationError(
            f"The batch parameters {dict(options)!r} name no moment: {error}.",
            next_step="Give numbers for year, month, day and hour, or ISO 8601 text for window.",
        ) from error


def _whole(given: Any) -> int:
    number = int(given)
    if isinstance(given, float) and given != number:
        raise ValueError(f"{given!r} is not a whole number")
    return number


def _window(given: Any, minutes: int) -> tuple[datetime, datetime]:
    begin = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
    begin = begin.replace(tzinfo=UTC) if begin.tzinfo is None else begin.astimezone(UTC)
    since_midnight = begin - begin.replace(hour=0, minute=0, second=0, microsecond=0)
    if since_midnight % timedelta(minutes=minutes):
        raise ValueError(f"no window of {minutes} minutes begins at {begin.isoformat()}")
    return begin, begin + timedelta(minutes=minutes)
