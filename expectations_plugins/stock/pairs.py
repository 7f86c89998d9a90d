"""Map metrics of two columns. `ignore_row_if` says which nulls leave a record out; others count as GX counts them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from expectations_plugins.conditions.expressions import (
    Always,
    And,
    Compare,
    CompareFields,
    Condition,
    Count,
    Field,
    IsNull,
    Not,
    Op,
    Or,
    both,
)
from expectations_plugins.engine.metrics import Measures, MetricCall, MetricSpec, Plan
from expectations_plugins.stock.arguments import check_choice
from expectations_plugins.stock.results import MapMetric, specs

Pair = tuple[Field, Field]
Expected = Callable[[Pair, Mapping[str, Any]], Condition]


def _equal(pair: Pair, _: Mapping[str, Any]) -> Condition:
    return CompareFields(Op.EQ, *pair)


def _greater(pair: Pair, values: Mapping[str, Any]) -> Condition:
    return CompareFields(Op.GE if values.get("or_equal") else Op.GT, *pair)


def _in_set(pair: Pair, values: Mapping[str, Any]) -> Condition:
    wanted = values["value_pairs_set"]
    if wanted is None:
        return Always(True)
    return Or(tuple(And((_is(pair[0], left), _is(pair[1], right))) for left, right in wanted))


def _is(field: Field, value: Any) -> Condition:
    return IsNull(field) if value is None else Compare(Op.EQ, field, value)


EXPECTED: dict[str, Expected] = {
    "column_pair_values.equal": _equal,
    "column_pair_values.a_greater_than_b": _greater,
    "column_pair_values.in_set": _in_set,
}


def _pair(call: MetricCall) -> Pair:
    return Field.of(call.domain["column_A"]), Field.of(call.domain["column_B"])


def _considered(call: MetricCall) -> Condition:
    nulls = tuple(IsNull(field) for field in _pair(call))
    ignored: dict[str, Condition] = {
        "both_values_are_missing": And(nulls),
        "either_value_is_missing": Or(nulls),
        "neither": Always(False),
    }
    rule = str(call.domain.get("ignore_row_if") or "both_values_are_missing")
    check_choice("ignore_row_if", rule, tuple(ignored))
    return call.where if rule == "neither" else both(call.where, Not(ignored[rule]))


def _unexpected(expected: Expected, call: MetricCall) -> Condition:
    return both(_considered(call), Not(expected(_pair(call), call.values)))


def _filtered_count(call: MetricCall) -> Plan:
    return Measures((Count(_considered(call)),), lambda found: int(found[0]))


def _columns(call: MetricCall) -> tuple[str, ...]:
    return str(call.domain["column_A"]), str(call.domain["column_B"])


def _tuple(values: Mapping[str, Any]) -> Any:
    return tuple(values.values())


PAIRS: list[MetricSpec] = [
    spec
    for name, expected in EXPECTED.items()
    for spec in (
        *specs(MapMetric(name, partial(_unexpected, expected), _columns, _tuple)),
        MetricSpec(f"{name}.filtered_row_count", _filtered_count),
    )
]
"""Every metric of two columns' values."""
