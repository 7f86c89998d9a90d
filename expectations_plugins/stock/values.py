"""Metrics whose value is values of a column: the middle one, the most common ones, those a set lacks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd

from expectations_plugins.conditions.expressions import (
    Condition,
    Distinct,
    DistinctValues,
    Field,
    InSet,
    IsNull,
    Modes,
    Not,
    Ranked,
    TopValues,
    both,
)
from expectations_plugins.conditions.value_types import Moment, as_date, moment, readings
from expectations_plugins.core.errors import TerminalError
from expectations_plugins.engine.metrics import Known, Measures, MetricCall, MetricSpec, Plan, Question
from expectations_plugins.stock.arguments import check_choice

MOST_VALUES = 10_000
"""The most different values one check reads."""

EXAMPLES = 20
"""GX shows as many values of a set."""

NEAREST = "nearest"
INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", NEAREST)


def _field(call: MetricCall) -> Field:
    return Field.of(call.domain["column"])


def _places(size: int, quantile: float) -> tuple[int, int, float]:
    """The two places a quantile lies between, and how far from the first: (n - 1) * q, as numpy's percentile."""
    place = (size - 1) * quantile
    low = math.floor(place)
    return low, min(low + 1, size - 1), place - low


def _interpolated(low: Any, high: Any, part: float, place: int, rule: str) -> Any:
    if rule == NEAREST:  # half way, numpy and Python both take the even place
        return high if round(place + part) > place else low
    if rule in ("lower", "higher"):
        return high if rule == "higher" and part > 0 else low
    share = 0.5 if rule == "midpoint" and part > 0 else part
    return low + (high - low) * (Decimal(str(share)) if isinstance(high - low, Decimal) else share)


def _quantiles(call: MetricCall, quantiles: Sequence[float], rule: str) -> Plan:
    size = int(call.metrics["column.non_null_count"])
    if not size:
        return Known([float("nan") for _ in quantiles])
    places = [_places(size, quantile) for quantile in quantiles]
    ranks = tuple(sorted({rank for low, high, _ in places for rank in (low, high)}))

    def finish(found: Sequence[Any]) -> list[Any]:
        _numbers(found, call)
        at = dict(zip(ranks, map(Moment.of, found), strict=True))
        return [_interpolated(at[low], at[high], part, low, rule) for low, high, part in places]

    return Question(Ranked(_field(call), call.where, ranks), finish)


def _numbers(found: Sequence[Any], call: MetricCall) -> None:
    for value in found:
        if isinstance(value, str | bool | list | dict):
            raise TerminalError(
                f"{call.name} of {call.domain['column']!r} needs numbers or dates, but met {type(value).__name__}.",
                next_step="Check the type first, with ExpectColumnValuesToBeOfType, or give a row_condition.",
            )


def _quantile_values(call: MetricCall) -> Plan:
    rule = call.values.get("allow_relative_error") or NEAREST
    check_choice("allow_relative_error", rule, INTERPOLATIONS)
    return _quantiles(call, [float(quantile) for quantile in call.values["quantiles"]], rule)


def _median(call: MetricCall) -> Plan:
    plan = _quantiles(call, [0.5], "midpoint")
    if isinstance(plan, Question):
        return Question(plan.query, lambda found: plan.finish(found)[0])
    return Known(None)


def _most_common(call: MetricCall) -> Plan:
    present = both(call.where, Not(IsNull(_field(call))))
    return Question(Modes(_field(call), present, MOST_VALUES + 1), lambda found: _bounded(found, call))


def _distinct_values(call: MetricCall) -> Plan:
    return Question(DistinctValues(_field(call), call.where, MOST_VALUES + 1), lambda found: set(_bounded(found, call)))


def _bounded(found: Sequence[Any], call: MetricCall) -> list[Any]:
    if len(found) > MOST_VALUES:
        raise TerminalError(
            f"{call.name} of {call.domain['column']!r} has more than {MOST_VALUES:,} values.",
            next_step="Count them with ExpectColumnUniqueValueCountToBeBetween, or check a smaller batch.",
        )
    for value in found:
        if isinstance(value, list | dict):
            raise TerminalError(
                f"{call.name} of {call.domain['column']!r} compares values, but met a {type(value).__name__}.",
                next_step="Check the type first, with ExpectColumnValuesToBeOfType, or give a row_condition.",
            )
    return list(found)


def _value_counts(call: MetricCall) -> Plan:
    present = both(call.where, Not(IsNull(_field(call))))

    def finish(found: Sequence[tuple[Any, int]]) -> Any:
        counts = dict(found)
        _bounded(list(counts), call)
        index = pd.Index(list(counts), name="value", dtype=object)
        counted = pd.Series(list(counts.values()), index=index, name="count")
        return counted.sort_index(key=lambda keys: keys.map(str)) if call.values.get("sort") == "value" else counted

    return Question(TopValues(present, _field(call), MOST_VALUES + 1), finish)


def _set(call: MetricCall) -> tuple[Any, ...]:
    return tuple(call.values.get("value_set") or ())


def _outside(call: MetricCall) -> Condition:
    return both(call.where, Not(InSet(_field(call), _set(call))))


def _inside(call: MetricCall) -> Condition:
    return both(call.where, InSet(_field(call), _set(call)))


def _not_in_set_count(call: MetricCall) -> Plan:
    return Measures((Distinct(_field(call), _outside(call)),), lambda found: int(found[0]))


def _not_in_set(call: MetricCall) -> Plan:
    if not call.metrics["column.distinct_values.not_in_set.count"]:
        return Known([])
    limit = int(call.values.get("limit") or EXAMPLES)
    return Question(DistinctValues(_field(call), _outside(call), limit), list)


def _missing_count(call: MetricCall) -> Plan:
    wanted = len(set(_set(call)))
    if len(readings(_set(call))) == len(_set(call)):
        return Measures((Distinct(_field(call), _inside(call)),), lambda found: wanted - int(found[0]))
    # a date and its text are two values of a field, and one of a set
    return _values_inside(call, lambda found: len(_lacking(call, found)))


def _missing(call: MetricCall) -> Plan:
    if not call.metrics["column.distinct_values.missing_from_column.count"]:
        return Known([])
    limit = int(call.values.get("limit") or EXAMPLES)
    return _values_inside(call, lambda found: _lacking(call, found)[:limit])


def _values_inside(call: MetricCall, finish: Callable[[Sequence[Any]], Any]) -> Question:
    return Question(DistinctValues(_field(call), _inside(call), len(readings(_set(call)))), finish)


def _lacking(call: MetricCall, found: Sequence[Any]) -> list[Any]:
    """The values of the set that were not found, neither as they are nor as the date they read as."""
    present = {moment(value) if isinstance(value, date) else value for value in found}
    return [value for value in dict.fromkeys(_set(call)) if value not in present and as_date(value) not in present]


SIZE = ("column.non_null_count",)

VALUES: list[MetricSpec] = [
    MetricSpec("column.median", _median, depends=SIZE),
    MetricSpec("column.quantile_values", _quantile_values, depends=SIZE),
    MetricSpec("column.most_common_value", _most_common),
    MetricSpec("column.distinct_values", _distinct_values),
    MetricSpec("column.value_counts", _value_counts),
    MetricSpec("column.distinct_values.not_in_set.count", _not_in_set_count),
    MetricSpec("column.distinct_values.not_in_set", _not_in_set, depends=("column.distinct_values.not_in_set.count",)),
    MetricSpec("column.distinct_values.missing_from_column.count", _missing_count),
    MetricSpec(
        "column.distinct_values.missing_from_column",
        _missing,
        depends=("column.distinct_values.missing_from_column.count",),
    ),
]
"""Every metric whose value is values of a column."""
