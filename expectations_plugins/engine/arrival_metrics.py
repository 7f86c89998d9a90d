"""Metrics of what arrived and could not be used: values that could not be read, records that could not be loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from expectations_plugins.conditions.expressions import (
    Compare,
    Condition,
    Count,
    Field,
    IsNull,
    Not,
    Op,
    Sample,
    TopValues,
    both,
)
from expectations_plugins.engine.backend import Backend, Slice
from expectations_plugins.engine.custom_metrics import EXAMPLES, found_by
from expectations_plugins.engine.metrics import Direct, Known, Measures, MetricCall, MetricSpec, Plan, Question
from expectations_plugins.engine.registration import COLUMN_DOMAIN, TABLE_DOMAIN
from expectations_plugins.engine.store_metrics import other_side

READABLE_COUNTS = "sluicegate.readable.counts"
READABLE_TYPES = "sluicegate.readable.types"
READABLE_EXAMPLES = "sluicegate.readable.examples"
READABLE_QUERY = "sluicegate.readable.query"
DEAD_LETTERS = "sluicegate.dead_letters"
PLACE = "place"
"""The field of a dead letter that says where it is, when that is no line."""

REASONS = 10
"""How many reasons are told apart."""


def noted(map_field: str, column: str) -> Condition:
    """Records that note something of a field, in a map of notes by field."""
    return Not(IsNull(_inside(map_field, column)))


def _inside(map_field: str, column: str) -> Field:
    return Field((*Field.of(map_field).parts, *Field.of(column).parts))


def _unreadable(call: MetricCall) -> Condition:
    return both(call.where, noted(call.values["unreadable_in"], call.domain["column"]))


def _readable_counts(call: MetricCall) -> Plan:
    converted = both(call.where, noted(call.values["converted_in"], call.domain["column"]))
    parts = (Count(call.where), Count(_unreadable(call)), Count(converted))
    return Measures(parts, lambda found: dict(zip(("checked", "unreadable", "converted"), found, strict=True)))


def _readable_types(call: MetricCall) -> Plan:
    if not call.metrics[READABLE_COUNTS]["unreadable"]:
        return Known([])
    found_type = _inside(call.values["unreadable_in"], call.domain["column"])
    return Question(TopValues(_unreadable(call), found_type, REASONS), list)


def _readable_examples(call: MetricCall) -> Plan:
    if not call.metrics[READABLE_COUNTS]["unreadable"]:
        return Known([])
    key, given = Field.of(call.values["key"]), _inside(call.values["given_in"], call.domain["column"])
    return Question(
        Sample(_unreadable(call), (key, given), EXAMPLES),
        lambda rows: [(row.get(key.path), row.get(given.path)) for row in rows],
    )


def _readable_query(call: MetricCall) -> Plan:
    return found_by(_unreadable(call))


def _dead_letters(call: MetricCall) -> Plan:
    values = call.values
    there = {
        "comparison_data_source": values["data_source"],
        "comparison_asset": values["asset"],
        "comparison_row_condition": values["letters_row_condition"],
        "key": values["line"],
    }

    def ask(backend: Backend, data: Slice) -> list[Mapping[str, Any]]:
        del backend
        side = other_side(there, data)
        reason = Field.of(values["reason"])
        groups = side.backend.top_values(side.data, TopValues(side.where, reason, REASONS))
        shown = (side.key, Field.of(values["detail"]), Field.of(PLACE))
        found: list[Mapping[str, Any]] = []
        for name, count in groups:
            of_reason = both(side.where, Compare(Op.EQ, reason, name))
            rows = side.backend.sample(side.data, Sample(of_reason, shown, EXAMPLES))
            examples = [_example(*(row.get(field.path) for field in shown)) for row in rows]
            found.append({"reason": str(name), "count": int(count), "examples": examples})
        return found

    return Direct(ask)


def _example(line: Any, detail: Any, place: Any) -> tuple[str, Any]:
    """Where a record is, which of a plain line its number says, and what is wrong with it."""
    return str(place or f"line {line}"), detail


READABLE_KEYS = ("unreadable_in", "converted_in", "given_in", "key")
ARRIVAL_SPECS: dict[str, MetricSpec] = {
    READABLE_COUNTS: MetricSpec(READABLE_COUNTS, _readable_counts, domain_keys=COLUMN_DOMAIN, value_keys=READABLE_KEYS),
    READABLE_TYPES: MetricSpec(
        READABLE_TYPES,
        _readable_types,
        depends=(READABLE_COUNTS,),
        domain_keys=COLUMN_DOMAIN,
        value_keys=READABLE_KEYS,
    ),
    READABLE_EXAMPLES: MetricSpec(
        READABLE_EXAMPLES,
        _readable_examples,
        depends=(READABLE_COUNTS,),
        domain_keys=COLUMN_DOMAIN,
        value_keys=READABLE_KEYS,
    ),
    READABLE_QUERY: MetricSpec(READABLE_QUERY, _readable_query, domain_keys=COLUMN_DOMAIN, value_keys=READABLE_KEYS),
    DEAD_LETTERS: MetricSpec(
        DEAD_LETTERS,
        _dead_letters,
        domain_keys=TABLE_DOMAIN,
        value_keys=("data_source", "asset", "letters_row_condition", "reason", "detail", "line"),
    ),
}
"""Metrics of ExpectGivenValuesToBeReadable and ExpectDeadLetterRateToBeBelow."""
