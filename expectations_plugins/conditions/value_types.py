"""Kinds of values, and conditions in words: what compilers need to know besides a condition itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from expectations_plugins.conditions.expressions import (
    Always,
    And,
    AnyElement,
    Compare,
    CompareFields,
    CompareLength,
    CompareSum,
    HasType,
    InSet,
    IsNull,
    IsText,
    LeadsThroughList,
    Matches,
    Not,
    Or,
    Related,
    Type,
)

NUMBERS = (Type.INTEGER, Type.FLOAT, Type.DECIMAL)


def kinds_of(value: Any) -> tuple[Type, ...]:
    """The types a value can be compared with."""
    if isinstance(value, bool):
        return (Type.BOOLEAN,)
    if isinstance(value, int | float | Decimal):
        return NUMBERS
    if isinstance(value, str):
        return (Type.TEXT,)
    return (Type.DATETIME, Type.DATE) if isinstance(value, date) else ()


def as_date(value: Any) -> datetime | None:
    """The moment a date, or a text of ISO 8601, means, in UTC where it names no zone; None of everything else."""
    if isinstance(value, date):
        return moment(value)
    if not isinstance(value, str) or not value[:4].isdigit():
        return None
    try:
        return moment(datetime.fromisoformat(value))
    except ValueError:
        return None


def moment(value: date) -> datetime:
    """A date as its midnight, a datetime without a zone as UTC; in UTC, for drivers read other zones differently."""
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def readings(values: Iterable[Any]) -> tuple[Any, ...]:
    """The values, and the dates their texts read as: suites are saved as JSON, which has none; nulls are left out."""
    given = [value for value in values if value is not None and value == value]  # noqa: PLR0124 - a NaN
    dates = [as_date(value) for value in given if isinstance(value, str)]
    return (*given, *(value for value in dates if value is not None))


def storable(value: Any) -> Any:
    """A value of a suite as a driver takes it."""
    return moment(value) if isinstance(value, date) else value


class Moment(datetime):
    """A datetime that compares also with one without a zone, taken for UTC: GX compares it with a suite's limits."""

    @classmethod
    def of(cls, value: Any) -> Any:
        """A datetime, or a date's midnight, as a Moment; everything else as it is."""
        if not isinstance(value, date):
            return value
        at = moment(value)
        return cls(at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond, tzinfo=UTC)

    def __lt__(self, other: date) -> bool:
        return super().__lt__(moment(other))

    def __le__(self, other: date) -> bool:
        return super().__le__(moment(other))

    def __gt__(self, other: date) -> bool:
        return super().__gt__(moment(other))

    def __ge__(self, other: date) -> bool:
        return super().__ge__(moment(other))


IN_WORDS: Mapping[type, str] = {
    Always: "a constant",
    IsNull: "whether a field is null",
    IsText: "whether a field is text",
    HasType: "the type of a value",
    Compare: "a comparison with a value",
    CompareLength: "the length of a text",
    CompareFields: "a comparison of two fields",
    CompareSum: "a sum of fields",
    InSet: "whether a value is in a set",
    Matches: "a regular expression or a LIKE pattern",
    Related: "a relationship to another record",
    AnyElement: "each value of a field that has several",
    LeadsThroughList: "whether a path leads through a list",
    Not: "a negation",
    And: "a conjunction",
    Or: "a disjunction",
}
"""What a condition is about, for messages."""
