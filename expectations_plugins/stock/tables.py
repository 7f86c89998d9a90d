"""Metrics of a whole slice."""

from __future__ import annotations

from expectations_plugins.expressions import Count
from expectations_plugins.metrics import Direct, Measures, MetricCall, MetricSpec, Plan


def _row_count(call: MetricCall) -> Plan:
    return Measures((Count(call.where),), lambda found: int(found[0]))


def _columns(_: MetricCall) -> Plan:
    return Direct(lambda backend, data: list(backend.columns(data)))


def _column_count(_: MetricCall) -> Plan:
    return Direct(lambda backend, data: len(backend.columns(data)))


TABLES: list[MetricSpec] = [
    MetricSpec("table.row_count", _row_count),
    MetricSpec("table.columns", _columns),
    MetricSpec("table.column_count", _column_count),
]
"""Every metric of a slice."""
