"""Metrics that make one number of a column. Nulls are left out of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from expectations_plugins.conditions.expressions import (
    Aggregate,
    Count,
    Distinct,
    Field,
    HasType,
    IsNull,
    Kind,
    Not,
    any_element,
    both,
)
from expectations_plugins.conditions.value_types import NUMBERS, Moment
from expectations_plugins.core.errors import TerminalError
from expectations_plugins.engine.metrics import Measures, MetricCall, MetricSpec, Plan

NUMERIC = {
    "column.sum": Kind.SUM,
    "column.mean": Kind.MEAN,
    "column.standard_deviation": Kind.STDEV,
}
"""Made of numbers only."""


def _numeric(kind: Kind, call: MetricCall) -> Plan:
    """Numbers are added; where there is anything else, as in pandas, there is no answer: a store would pass over it."""
    field = Field.of(call.domain["column"])
    number = HasType(field, NUMBERS)
    others = Count(both(call.where, any_element(field, both(Not(IsNull(field)), Not(number)))))

    def finish(found: Sequence[Any]) -> Any:
        if found[1]:
            raise _mixed(call, "numbers", f"records with a value that is not one, as a boolean is not: {found[1]:,}")
        return found[0]

    return Measures((Aggregate(kind, field, both(call.where, number)), others), finish)


def _extreme(kind: Kind, call: MetricCall) -> Plan:
    """Stores have an order across types; the ends of one that is mixed are of two types, and have no answer."""
    field = Field.of(call.domain["column"])
    ends = tuple(Aggregate(end, field, call.where) for end in (Kind.MIN, Kind.MAX))

    def finish(found: Sequence[Any]) -> Any:
        low, high = found
        if _family(low) != _family(high):
            raise _mixed(
                call, "values of one kind", f"they range from {_family(low).__name__} to {_family(high).__name__}"
            )
        if isinstance(low, list | dict):
            raise _mixed(call, "values that have an order", f"they are of type {type(low).__name__}")
        return Moment.of(low if kind is Kind.MIN else high)

    return Measures(ends, finish)


class Zoned(datetime):
    """The type of a date-time with a zone, for messages."""


def _family(value: Any) -> type:
    if isinstance(value, datetime):  # Neo4j orders zoned and local ones apart
        return Zoned if value.tzinfo else datetime
    return float if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else type(value)


def _mixed(call: MetricCall, what: str, how: str) -> TerminalError:
    column = call.domain["column"]
    return TerminalError(
        f"{call.name} of {column!r} needs {what}, but {how}.",
        next_step="Check the type first, with ExpectColumnValuesToBeOfType, or give a row_condition.",
    )


def _present(call: MetricCall) -> Count | Aggregate:
    """How many values there are; a path that may lead through lists has other numbers of values than of records."""
    field = Field.of(call.domain["column"])
    if len(field.parts) > 1:
        return Aggregate(Kind.COUNT, field, call.where)
    return Count(both(call.where, Not(IsNull(field))))


def _distinct(call: MetricCall) -> Distinct:
    return Distinct(Field.of(call.domain["column"]), call.where)


def _share(found: Sequence[Any]) -> float:
    part, whole = found
    return part / whole if whole else 0


def _distinct_count(call: MetricCall) -> Plan:
    return Measures((_distinct(call),), lambda found: int(found[0]))


def _non_null_count(call: MetricCall) -> Plan:
    return Measures((_present(call),), lambda found: int(found[0]))


def _unique_proportion(call: MetricCall) -> Plan:
    return Measures((_distinct(call), _present(call)), _share)


def _non_null_proportion(call: MetricCall) -> Plan:
    field = Field.of(call.domain["column"])
    present = Count(both(call.where, Not(any_element(field, IsNull(field)))))
    return Measures((present, Count(call.where)), _share)


AGGREGATES: list[MetricSpec] = [
    *(MetricSpec(name, partial(_numeric, kind)) for name, kind in NUMERIC.items()),
    MetricSpec("column.min", partial(_extreme, Kind.MIN)),
    MetricSpec("column.max", partial(_extreme, Kind.MAX)),
    MetricSpec("column.distinct_values.count", _distinct_count),
    MetricSpec("column.unique_proportion", _unique_proportion),
    MetricSpec("column.non_null_count", _non_null_count),
    MetricSpec("column.non_null_proportion", _non_null_proportion),
]
"""Every metric that makes one number of a column."""
