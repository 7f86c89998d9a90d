"""Metrics that make one number of a column. Nulls are left out of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from expectations_plugins.expressions import Aggregate, Count, Distinct, Field, IsNull, Kind, Not, both
from expectations_plugins.metrics import Measures, MetricCall, MetricSpec, Plan

KINDS = {
    "column.min": Kind.MIN,
    "column.max": Kind.MAX,
    "column.sum": Kind.SUM,
    "column.mean": Kind.MEAN,
    "column.standard_deviation": Kind.STDEV,
}


def _aggregate(kind: Kind, call: MetricCall) -> Plan:
    return Measures((Aggregate(kind, Field.of(call.domain["column"]), call.where),), lambda found: found[0])


def _present(call: MetricCall) -> Count:
    return Count(both(call.where, Not(IsNull(Field.of(call.domain["column"])))))


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
    return Measures((_present(call), Count(call.where)), _share)


AGGREGATES: list[MetricSpec] = [
    *(MetricSpec(name, partial(_aggregate, kind)) for name, kind in KINDS.items()),
    MetricSpec("column.distinct_values.count", _distinct_count),
    MetricSpec("column.unique_proportion", _unique_proportion),
    MetricSpec("column.non_null_count", _non_null_count),
    MetricSpec("column.non_null_proportion", _non_null_proportion),
]
"""Every metric that makes one number of a column."""
