"""Metrics of a whole slice."""

from __future__ import annotations

from typing import Any

import pandas as pd

from expectations_plugins.conditions.expressions import Count, Sample
from expectations_plugins.engine.backend import Backend, Slice, UnsupportedError
from expectations_plugins.engine.metrics import Direct, Measures, MetricCall, MetricSpec, Plan, Question

MOST_ROWS = 1_000
"""The most records a look at a batch shows."""


def _row_count(call: MetricCall) -> Plan:
    return Measures((Count(call.where),), lambda found: int(found[0]))


def _columns(_: MetricCall) -> Plan:
    return Direct(lambda backend, data: list(backend.columns(data)))


def _column_types(_: MetricCall) -> Plan:
    return Direct(_types)


def _types(backend: Backend, data: Slice) -> list[dict[str, Any]]:
    return [{"name": name, "type": type_} for name, type_ in backend.columns(data).items()]


def _column_count(_: MetricCall) -> Plan:
    return Direct(lambda backend, data: len(backend.columns(data)))


def _head(call: MetricCall) -> Plan:
    asked = call.values.get("n_rows")
    rows = 5 if asked is None else int(asked)
    if call.values.get("fetch_all") or not 0 <= rows <= MOST_ROWS:
        raise UnsupportedError(
            "A store engine", "a look at all records of a batch", f"Ask for {MOST_ROWS:,} rows at most."
        )
    return Question(
        Sample(call.where, (), rows), lambda found: pd.DataFrame([dict(row) for row in found], dtype=object)
    )


TABLES: list[MetricSpec] = [
    MetricSpec("table.row_count", _row_count),
    MetricSpec("table.columns", _columns),
    MetricSpec("table.column_types", _column_types),
    MetricSpec("table.column_count", _column_count),
    MetricSpec("table.head", _head),
]
"""Every metric of a slice."""
