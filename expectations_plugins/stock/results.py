"""What a map metric shows of the records it found: by rule the same for every family, after its count is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from expectations_plugins.expressions import Condition, Count, Field, Measure, Repeated, RepeatedSample, Sample
from expectations_plugins.metrics import Direct, Known, Measures, MetricCall, MetricSpec, Plan, Question

ROW_LIMIT = 200
"""GX caps lists of unexpected values at 200 even in COMPLETE results; so does every query here."""

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class MapMetric:
    """One map metric.

    Args:
        name: GX's name of it, without suffix.
        found: The records it counts as unexpected: a condition, or those that share values.
        columns: The fields whose values it shows.
        shown: What a row's values look like in `unexpected_list`.
    """

    name: str
    found: Callable[[MetricCall], Condition | Repeated]
    columns: Callable[[MetricCall], tuple[str, ...]]
    shown: Callable[[Sequence[Any]], Any]


def specs(metric: MapMetric) -> list[MetricSpec]:
    """The count, and what waits for it, so that a passing check asks nothing more."""
    count = f"{metric.name}.unexpected_count"
    suffixed = [
        MetricSpec(f"{metric.name}.{suffix}", partial(plan, metric), depends=(count,))
        for suffix, plan in SUFFIXES.items()
    ]
    return [MetricSpec(count, partial(_count, metric)), *suffixed]


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


def _measure(metric: MapMetric, call: MetricCall) -> Measure:
    found = metric.found(call)
    return found if isinstance(found, Repeated) else Count(found)


def _count(metric: MapMetric, call: MetricCall) -> Plan:
    return Measures((_measure(metric, call),), lambda found: int(found[0]))


def _index_columns(call: MetricCall) -> tuple[str, ...]:
    return tuple(result_format(call).get("unexpected_index_column_names") or ())


def _query(metric: MapMetric, call: MetricCall) -> Sample | RepeatedSample:
    names = dict.fromkeys((*metric.columns(call), *_index_columns(call)))
    fields, found = tuple(Field.of(name) for name in names), metric.found(call)
    if isinstance(found, Repeated):
        return RepeatedSample(found, fields, row_limit(call))
    return Sample(found, fields, row_limit(call))


def _found_nothing(metric: MapMetric, call: MetricCall) -> bool:
    return not call.metrics[f"{metric.name}.unexpected_count"] or row_limit(call) == 0


def _values(metric: MapMetric, call: MetricCall) -> Plan:
    if _found_nothing(metric, call):
        return Known([])
    columns = metric.columns(call)
    return Question(
        _query(metric, call), lambda rows: [metric.shown([row.get(name) for name in columns]) for row in rows]
    )


def _index_list(metric: MapMetric, call: MetricCall) -> Plan:
    if not _index_columns(call):
        return Known(None)
    if _found_nothing(metric, call):
        return Known([])
    keys = dict.fromkeys((*metric.columns(call), *_index_columns(call)))
    return Question(_query(metric, call), lambda rows: [{key: row.get(key) for key in keys} for row in rows])


def _rows(metric: MapMetric, call: MetricCall) -> Plan:
    if _found_nothing(metric, call):
        return Known([])
    return Question(_query(metric, call), lambda rows: [dict(row) for row in rows])


def _index_query(metric: MapMetric, call: MetricCall) -> Plan:
    query = _query(metric, call)
    if isinstance(query, RepeatedSample):
        return Known(None)
    return Direct(lambda backend, data: backend.explain(data, query))


SUFFIXES: dict[str, Callable[[MapMetric, MetricCall], Plan]] = {
    "unexpected_values": _values,
    "unexpected_index_list": _index_list,
    "unexpected_rows": _rows,
    "unexpected_index_query": _index_query,
}
"""What GX asks of a map metric after its count."""
