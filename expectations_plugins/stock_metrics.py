"""GX's own metrics, restated as conditions and measures. One line a condition; the seven suffixes follow by rule.

`CONDITIONS` says of each map metric which records are *unexpected*; GX leaves null fields out of every one of them
but the two that are about nulls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from expectations_plugins.expressions import (
    Compare,
    Condition,
    Count,
    Field,
    InSet,
    IsNull,
    Matches,
    Not,
    Op,
    Or,
    Sample,
    TopValues,
    both,
)
from expectations_plugins.metrics import Direct, Known, Measures, MetricCall, MetricSpec, Plan, Question

ROW_LIMIT = 200
"""GX caps lists of unexpected values at 200 even in COMPLETE results; so does every query here."""

Unexpected = Callable[[Field, Mapping[str, Any]], Condition]


def _in_set(column: Field, values: Mapping[str, Any]) -> Condition:
    return Not(InSet(column, tuple(values["value_set"] or ())))


def _not_in_set(column: Field, values: Mapping[str, Any]) -> Condition:
    return InSet(column, tuple(values["value_set"] or ()))


def _match_regex(column: Field, values: Mapping[str, Any]) -> Condition:
    return Not(Matches(column, values["regex"]))


def _not_match_regex(column: Field, values: Mapping[str, Any]) -> Condition:
    return Matches(column, values["regex"])


def _between(column: Field, values: Mapping[str, Any]) -> Condition:
    low, high = values.get("min_value"), values.get("max_value")
    below = Compare(Op.LE if values.get("strict_min") else Op.LT, column, low)
    above = Compare(Op.GE if values.get("strict_max") else Op.GT, column, high)
    return Or(tuple(part for part, bound in ((below, low), (above, high)) if bound is not None))


CONDITIONS: dict[str, Unexpected] = {
    "column_values.in_set": _in_set,
    "column_values.not_in_set": _not_in_set,
    "column_values.match_regex": _match_regex,
    "column_values.not_match_regex": _not_match_regex,
    "column_values.between": _between,
}
"""Map metrics over records whose field is not null."""

NULLITY: dict[str, Unexpected] = {
    "column_values.nonnull": lambda column, _: IsNull(column),
    "column_values.null": lambda column, _: Not(IsNull(column)),
}
"""Map metrics over all records."""


def unexpected(metric: str, call: MetricCall) -> Condition:
    """The records a map metric counts as unexpected, within the call's row condition."""
    column = Field.of(call.domain["column"])
    if metric in NULLITY:
        return both(call.where, NULLITY[metric](column, call.values))
    return both(call.where, Not(IsNull(column)), CONDITIONS[metric](column, call.values))


def result_format(call: MetricCall) -> Mapping[str, Any]:
    """The result format GX asks for, as a mapping."""
    given = call.values.get("result_format")
    return given if isinstance(given, Mapping) else {"result_format": given or "BASIC"}


def row_limit(call: MetricCall) -> int:
    """How many records a result can show: as many as asked for, ROW_LIMIT at most."""
    asked = result_format(call)
    if asked.get("result_format") == "COMPLETE":
        return ROW_LIMIT
    return min(int(asked.get("partial_unexpected_count") or 0), ROW_LIMIT)


def _row_count(call: MetricCall) -> Plan:
    return Measures((Count(call.where),), lambda found: int(found[0]))


def _columns(_: MetricCall) -> Plan:
    return Direct(lambda backend, data: list(backend.columns(data)))


def _column_count(_: MetricCall) -> Plan:
    return Direct(lambda backend, data: len(backend.columns(data)))


def _unexpected_count(metric: str, call: MetricCall) -> Plan:
    return Measures((Count(unexpected(metric, call)),), lambda found: int(found[0]))


def _index_columns(call: MetricCall) -> tuple[str, ...]:
    return tuple(result_format(call).get("unexpected_index_column_names") or ())


def _sample(metric: str, call: MetricCall) -> Sample:
    fields = dict.fromkeys((call.domain["column"], *_index_columns(call)))
    return Sample(unexpected(metric, call), tuple(Field.of(name) for name in fields), row_limit(call))


def _found_nothing(metric: str, call: MetricCall) -> bool:
    return not call.metrics[f"{metric}.unexpected_count"] or row_limit(call) == 0


def _unexpected_values(metric: str, call: MetricCall) -> Plan:
    if _found_nothing(metric, call):
        return Known([])
    column = call.domain["column"]
    return Question(_sample(metric, call), lambda rows: [row.get(column) for row in rows])


def _unexpected_index_list(metric: str, call: MetricCall) -> Plan:
    names = _index_columns(call)
    if not names:
        return Known(None)
    if _found_nothing(metric, call):
        return Known([])
    keys = dict.fromkeys((call.domain["column"], *names))
    return Question(_sample(metric, call), lambda rows: [{key: row.get(key) for key in keys} for row in rows])


def _unexpected_rows(metric: str, call: MetricCall) -> Plan:
    if _found_nothing(metric, call):
        return Known([])
    return Question(_sample(metric, call), lambda rows: [dict(row) for row in rows])


def _unexpected_index_query(metric: str, call: MetricCall) -> Plan:
    return Direct(lambda backend, data: backend.explain(data, _sample(metric, call)))


def _unexpected_value_counts(metric: str, call: MetricCall) -> Plan:
    if _found_nothing(metric, call):
        return Known([])
    query = TopValues(unexpected(metric, call), Field.of(call.domain["column"]), row_limit(call))
    return Question(query, list)


SUFFIXES: dict[str, Callable[[str, MetricCall], Plan]] = {
    "unexpected_values": _unexpected_values,
    "unexpected_index_list": _unexpected_index_list,
    "unexpected_rows": _unexpected_rows,
    "unexpected_value_counts": _unexpected_value_counts,
    "unexpected_index_query": _unexpected_index_query,
}
"""What GX asks of a map metric after its count; each waits for the count, so that a passing check asks nothing more."""


def _map_specs(metric: str) -> list[MetricSpec]:
    count = f"{metric}.unexpected_count"
    suffixed = [
        MetricSpec(f"{metric}.{suffix}", partial(plan, metric), depends=(count,)) for suffix, plan in SUFFIXES.items()
    ]
    return [MetricSpec(count, partial(_unexpected_count, metric)), *suffixed]


TABLE: list[MetricSpec] = [
    MetricSpec("table.row_count", _row_count),
    MetricSpec("table.columns", _columns),
    MetricSpec("table.column_count", _column_count),
]

SPECS: dict[str, MetricSpec] = {
    spec.name: spec for metric in (*NULLITY, *CONDITIONS) for spec in _map_specs(metric)
} | {spec.name: spec for spec in TABLE}
"""Every stock metric a store engine can be asked for, by name."""
