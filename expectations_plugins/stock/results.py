"""What a map metric shows of the records it found: by rule the same for every family, after its count is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import pandas as pd

from expectations_plugins.conditions.expressions import (
    AnyElement,
    Condition,
    Count,
    Field,
    IsNull,
    LeadsThroughList,
    Measure,
    Not,
    OutOfOrder,
    OutOfOrderSample,
    Records,
    Repeated,
    RepeatedSample,
    Sample,
    both,
)
from expectations_plugins.engine.backend import Backend, Slice, UnsupportedError
from expectations_plugins.engine.metrics import Direct, Known, Measures, MetricCall, MetricSpec, Plan, Question

ROW_LIMIT = 200
"""GX caps lists of unexpected values at 200 even in COMPLETE results; so does every query here."""

STREAM_LIMIT = 100_000
"""The most values a check reads that no store can compute."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """Records whose value a store cannot judge: read one by one, counted, and forgotten.

    Args:
        field: The field whose value is judged.
        where: Which records are read.
        accepts: Whether a value is as expected.
    """

    field: Field
    where: Condition
    accepts: Callable[[Any], bool]


Found = Condition | Repeated | OutOfOrder | Streamed
"""How a map metric's unexpected records are found."""

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class MapMetric:
    """One map metric.

    Args:
        name: GX's name of it, without suffix.
        found: The records it counts as unexpected.
        columns: The fields whose values it shows.
        shown: What a row's values look like in `unexpected_list`.
    """

    name: str
    found: Callable[[MetricCall], Found]
    columns: Callable[[MetricCall], tuple[str, ...]]
    shown: Callable[[Mapping[str, Any]], Any]


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


def _count(metric: MapMetric, call: MetricCall) -> Plan:
    found = metric.found(call)
    half_null = _half_null(metric, call, found)
    if isinstance(found, Streamed):
        return Direct(partial(_streamed_count, call, found, half_null))
    measure: Measure = found if isinstance(found, Repeated | OutOfOrder) else Count(found)
    checked = () if half_null is None else (Count(half_null),)

    def finish(values: Sequence[Any]) -> int:
        unexpected, *others = map(int, values)
        if unexpected and any(others):
            raise _refusal(call, others[0])
        return unexpected

    return measured((measure, *checked), finish, _without_lists(metric, call, found), call)


def _streamed_count(
    call: MetricCall, found: Streamed, half_null: Condition | None, backend: Backend, data: Slice
) -> int:
    unexpected = sum(1 for _ in _unaccepted(backend, data, found, ()))
    if unexpected and half_null is not None:
        [records] = backend.measure(data, [Count(half_null)])
        if records:
            raise _refusal(call, int(records))
    return unexpected


def _half_null(metric: MapMetric, call: MetricCall, found: Found) -> Condition | None:
    """Records that are null and may be unexpected too, where one field has several values; None where none can be."""
    columns = metric.columns(call)
    field = Field.of(columns[0])
    if len(columns) > 1 or len(field.parts) == 1 or metric.name in ABOUT_NULLS or isinstance(found, OutOfOrder):
        return None
    null = AnyElement(field, IsNull(field))
    if isinstance(found, Repeated | Streamed):  # only the store's pipeline, or this program, knows which they are
        return both(call.where, null, AnyElement(field, Not(IsNull(field))))
    return both(found, null)


ABOUT_NULLS = ("column_values.nonnull", "column_values.null")
"""Map metrics over all records."""


def _refusal(call: MetricCall, records: int) -> UnsupportedError:
    """GX counts a record as null or as unexpected: its shares would be wrong where one is both."""
    return UnsupportedError(
        "A store engine",
        f"{call.name} of {call.domain['column']!r}: {records:,} records have a null beside another value",
        "Check with ExpectColumnValuesToNotBeNull first, or give a row_condition that leaves them out.",
    )


def measured(
    measures: tuple[Measure, ...], finish: Callable[[Sequence[Any]], Any], single: Sequence[str], call: MetricCall
) -> Measures:
    """Measures that make sense only where some fields have one value in each record.

    Args:
        measures: The measures.
        finish: Makes the metric's value of theirs.
        single: Names of those fields; it is counted in how many records their path leads through a list.
        call: The metric.
    """
    nested = [name for name in single if len(Field.of(name).parts) > 1]
    lists = tuple(Count(both(call.where, LeadsThroughList(Field.of(name)))) for name in nested)

    def checked(values: Sequence[Any]) -> Any:
        for name, records in zip(nested, values[len(measures) :], strict=True):
            if records:
                raise UnsupportedError(
                    "A store engine",
                    f"{call.name} of {name!r}, whose path leads through a list in {records:,} records",
                    "Give a row_condition that leaves them out, or check the list's values one column at a time.",
                )
        return finish(values[: len(measures)])

    return Measures((*measures, *lists), checked)


def _without_lists(metric: MapMetric, call: MetricCall, found: Found) -> tuple[str, ...]:
    """The columns whose values are compared with those of other columns, or with those of other records in order."""
    columns = metric.columns(call)
    return columns if len(columns) > 1 or isinstance(found, OutOfOrder) else ()


def _unaccepted(
    backend: Backend, data: Slice, found: Streamed, fields: tuple[Field, ...]
) -> Iterator[Mapping[str, Any]]:
    asked = Sample(found.where, tuple(dict.fromkeys((found.field, *fields))), STREAM_LIMIT + 1)
    for number, row in enumerate(backend.stream(data, asked)):
        if number == STREAM_LIMIT:
            raise UnsupportedError(
                backend.store,
                f"a check that has to read more than {STREAM_LIMIT:,} values of {found.field.path!r}",
                "Check smaller batches, or use a regular expression or a type, which the store computes itself.",
            )
        if not found.accepts(row.get(found.field.path)):
            yield row


def _index_columns(call: MetricCall) -> tuple[str, ...]:
    names = result_format(call).get("unexpected_index_column_names") or ()
    if isinstance(names, str):
        raise TypeError(f"unexpected_index_column_names is a list of names, not {names!r}")
    return tuple(names)


def _shown(metric: MapMetric, call: MetricCall) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*metric.columns(call), *_index_columns(call))))


def _query(found: Condition | Repeated | OutOfOrder, names: Sequence[str], limit: int) -> Records:
    fields = tuple(Field.of(name) for name in names)
    if isinstance(found, Repeated):
        return RepeatedSample(found, fields, limit)
    if isinstance(found, OutOfOrder):
        return OutOfOrderSample(found, fields, limit)
    return Sample(found, fields, limit)


def _examples(metric: MapMetric, call: MetricCall, names: Sequence[str], finish: Callable[[Rows], Any]) -> Plan:
    if not call.metrics[f"{metric.name}.unexpected_count"] or row_limit(call) == 0:
        return Known(finish([]))
    found = metric.found(call)
    if isinstance(found, Streamed):
        fields = tuple(Field.of(name) for name in names)
        return Direct(
            lambda backend, data: finish(list(islice(_unaccepted(backend, data, found, fields), row_limit(call))))
        )
    return Question(_query(found, names, row_limit(call)), finish)


def _values(metric: MapMetric, call: MetricCall) -> Plan:
    columns = metric.columns(call)
    return _examples(
        metric,
        call,
        _shown(metric, call),
        lambda rows: [metric.shown({name: row.get(name) for name in columns}) for row in rows],
    )


def _index_list(metric: MapMetric, call: MetricCall) -> Plan:
    if not _index_columns(call):
        return Known(None)
    names = _shown(metric, call)
    return _examples(metric, call, names, lambda rows: [{name: row.get(name) for name in names} for row in rows])


def _rows(metric: MapMetric, call: MetricCall) -> Plan:
    def finish(rows: Rows) -> Any:
        frame = pd.DataFrame([dict(row) for row in rows], dtype=object)
        absent = [name for name in _shown(metric, call) if name not in frame]  # a store leaves out what is null
        return frame.reindex(columns=[*frame.columns, *absent])

    return _examples(metric, call, (), finish)


def _index_query(metric: MapMetric, call: MetricCall) -> Plan:
    found = metric.found(call)
    if isinstance(found, Repeated | OutOfOrder | Streamed):
        return Known(None)
    return Direct(lambda backend, data: backend.explain(data, Sample(found, (), ROW_LIMIT)))


SUFFIXES: dict[str, Callable[[MapMetric, MetricCall], Plan]] = {
    "unexpected_values": _values,
    "unexpected_index_list": _index_list,
    "unexpected_rows": _rows,
    "unexpected_index_query": _index_query,
}
"""What GX asks of a map metric after its count."""
