"""Map metrics of several columns. `ignore_row_if` says which nulls leave a record out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import combinations
from typing import Any

from expectations_plugins.conditions.expressions import (
    Always,
    And,
    CompareFields,
    CompareSum,
    Condition,
    Count,
    Field,
    IsNull,
    Not,
    Op,
    Or,
    Repeated,
    both,
)
from expectations_plugins.engine.metrics import Measures, MetricCall, MetricSpec, Plan
from expectations_plugins.stock.arguments import check_choice
from expectations_plugins.stock.results import MapMetric, specs

Columns = tuple[Field, ...]
Expected = Callable[[Columns, Mapping[str, Any]], Condition]


def _same(left: Field, right: Field) -> Condition:
    """Equal, or both null."""
    return Or((CompareFields(Op.EQ, left, right), And((IsNull(left), IsNull(right)))))


def _sum_equal(columns: Columns, values: Mapping[str, Any]) -> Condition:
    return CompareSum(Op.EQ, columns, values["sum_total"])


def _all_equal(columns: Columns, _: Mapping[str, Any]) -> Condition:
    return And(tuple(_same(columns[0], other) for other in columns[1:]))


def _unique_within(columns: Columns, _: Mapping[str, Any]) -> Condition:
    return Not(Or(tuple(_same(left, right) for left, right in combinations(columns, 2))))


EXPECTED: dict[str, Expected] = {
    "multicolumn_sum.equal": _sum_equal,
    "multicolumn_values.equal": _all_equal,
    "select_column_values.unique.within_record": _unique_within,
}
"""What a record must meet; the rest of those considered are unexpected."""

COMPOUND = "compound_columns.unique"


def _columns(call: MetricCall) -> Columns:
    return tuple(Field.of(name) for name in call.domain["column_list"])


def _considered(call: MetricCall) -> Condition:
    nulls = tuple(IsNull(field) for field in _columns(call))
    ignored: dict[str, Condition] = {
        "all_values_are_missing": And(nulls),
        "any_value_is_missing": Or(nulls),
        "never": Always(False),
    }
    rule = str(call.domain.get("ignore_row_if") or "all_values_are_missing")
    check_choice("ignore_row_if", rule, tuple(ignored))
    return call.where if rule == "never" else both(call.where, Not(ignored[rule]))


def _unexpected(expected: Expected, call: MetricCall) -> Condition:
    return both(_considered(call), Not(expected(_columns(call), call.values)))


def _repeated(call: MetricCall) -> Repeated:
    return Repeated(_columns(call), _considered(call))


def _filtered_count(call: MetricCall) -> Plan:
    return Measures((Count(_considered(call)),), lambda found: int(found[0]))


def _names(call: MetricCall) -> tuple[str, ...]:
    return tuple(map(str, call.domain["column_list"]))


METRICS = [
    MapMetric(COMPOUND, _repeated, _names, dict),
    *(MapMetric(name, partial(_unexpected, expected), _names, dict) for name, expected in EXPECTED.items()),
]

MULTICOLUMN: list[MetricSpec] = [
    spec
    for metric in METRICS
    for spec in (*specs(metric), MetricSpec(f"{metric.name}.filtered_row_count", _filtered_count))
]
"""Every metric of several columns' values."""
