"""Metrics of our own expectations that any store with counts and samples can compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from expectations_plugins.conditions.expressions import (
    CompareLength,
    Condition,
    Count,
    Field,
    IsNull,
    IsText,
    Matches,
    Not,
    Op,
    Or,
    Related,
    Sample,
    TopValues,
    any_element,
    both,
)
from expectations_plugins.engine.metrics import Direct, Known, Measures, MetricCall, MetricSpec, Plan, Question
from expectations_plugins.engine.registration import COLUMN_DOMAIN, TABLE_DOMAIN

EXAMPLES = 20
"""How many examples a result shows."""

EXPLAINED = 1_000
"""How many records a query shows that a person pastes into the store's own shell."""


CONTROL = r"[\x00-\x1f\x7f]"
"""No id holds a control character; `$` in a pattern would let a last newline pass."""


LONGEST_USER_ID = 256
"""In characters; a longer one is malformed whatever the pattern."""


def malformed_user_id(column: str, pattern: str) -> Condition:
    """Records whose user id is null, not text, or not of the format."""
    field = Field.of(column)
    return any_element(field, Or((IsNull(field), _wrong_format(field, pattern))))


def _wrong_format(field: Field, pattern: str) -> Condition:
    is_long = CompareLength(Op.GT, field, LONGEST_USER_ID)  # first: such a text is not searched
    return Or((is_long, Not(Matches(field, pattern)), Matches(field, CONTROL)))


def _user_id_counts(call: MetricCall) -> Plan:
    field, pattern = Field.of(call.domain["column"]), call.values["pattern"]
    not_text = both(Not(IsNull(field)), Not(IsText(field)))
    wrong_format = both(IsText(field), _wrong_format(field, pattern))
    faults = _once(field, (IsNull(field), not_text, wrong_format))
    parts = (Count(call.where), *(Count(both(call.where, fault)) for fault in faults))
    return Measures(parts, lambda found: dict(zip(("checked", "null", "not_text", "wrong_format"), found, strict=True)))


def _once(field: Field, faults: Sequence[Condition]) -> list[Condition]:
    """The faults, so that a record whose path has several values counts by the first one it has."""
    found = [any_element(field, fault) for fault in faults]
    if len(field.parts) == 1:  # one value has one fault
        return found
    return [both(fault, *map(Not, found[:number])) for number, fault in enumerate(found)]


def _user_id_examples(call: MetricCall) -> Plan:
    counts: Mapping[str, int] = call.metrics["sluicegate.user_ids.counts"]
    if not counts["null"] + counts["not_text"] + counts["wrong_format"]:
        return Known([])
    column = call.domain["column"]
    bad = both(call.where, malformed_user_id(column, call.values["pattern"]))
    key = Field.of(call.values["key"])
    return Question(
        Sample(bad, (key, Field.of(column)), EXAMPLES),
        lambda rows: [(row.get(key.path), row.get(column)) for row in rows],
    )


def _user_id_query(call: MetricCall) -> Plan:
    bad = both(call.where, malformed_user_id(call.domain["column"], call.values["pattern"]))
    return found_by(bad)


def found_by(condition: Condition) -> Plan:
    """The query, in the store's own language, that finds all records of a condition; nothing is asked."""
    return Direct(lambda backend, data: backend.explain(data, Sample(condition, (), EXPLAINED)))


USER_ID_SPECS: dict[str, MetricSpec] = {
    spec.name: spec
    for spec in (
        MetricSpec("sluicegate.user_ids.counts", _user_id_counts, domain_keys=COLUMN_DOMAIN, value_keys=("pattern",)),
        MetricSpec(
            "sluicegate.user_ids.examples",
            _user_id_examples,
            depends=("sluicegate.user_ids.counts",),
            domain_keys=COLUMN_DOMAIN,
            value_keys=("pattern", "key"),
        ),
        MetricSpec("sluicegate.user_ids.query", _user_id_query, domain_keys=COLUMN_DOMAIN, value_keys=("pattern",)),
    )
}
"""Metrics of ExpectUserIdsToBeWellFormed."""


def orphaned(values: Mapping[str, Any]) -> Condition:
    """Records without a relationship to a target that really exists; a stub without the marker is none."""
    return Not(Related(values["relationship"], values["target_label"], values["marker"]))


def _reference_counts(call: MetricCall) -> Plan:
    column = Field.of(call.values["column"])
    orphan = both(call.where, orphaned(call.values))
    parts = (Count(call.where), Count(orphan), Count(both(orphan, IsNull(column))))
    return Measures(parts, lambda found: dict(zip(("checked", "orphans", "without_key"), found, strict=True)))


def _reference_examples(call: MetricCall) -> Plan:
    if not call.metrics["sluicegate.references.counts"]["orphans"]:
        return Known([])
    key, column = Field.of(call.values["key"]), Field.of(call.values["column"])
    return Question(
        Sample(both(call.where, orphaned(call.values)), (key, column), EXAMPLES),
        lambda rows: [(row.get(key.path), row.get(column.path)) for row in rows],
    )


def _reference_groups(call: MetricCall) -> Plan:
    if not call.metrics["sluicegate.references.counts"]["orphans"]:
        return Known([])
    orphan = both(call.where, orphaned(call.values))
    return Question(TopValues(orphan, Field.of(call.values["column"]), EXAMPLES), _pairs)


def _reference_query(call: MetricCall) -> Plan:
    return found_by(both(call.where, orphaned(call.values)))


def _pairs(found: Sequence[tuple[Any, int]]) -> list[tuple[Any, int]]:
    return list(found)


REFERENCE_KEYS = ("relationship", "target_label", "marker", "column", "key")

REFERENCE_SPECS: dict[str, MetricSpec] = {
    spec.name: spec
    for spec in (
        MetricSpec(
            "sluicegate.references.counts", _reference_counts, domain_keys=TABLE_DOMAIN, value_keys=REFERENCE_KEYS
        ),
        MetricSpec(
            "sluicegate.references.examples",
            _reference_examples,
            depends=("sluicegate.references.counts",),
            domain_keys=TABLE_DOMAIN,
            value_keys=REFERENCE_KEYS,
        ),
        MetricSpec(
            "sluicegate.references.query", _reference_query, domain_keys=TABLE_DOMAIN, value_keys=REFERENCE_KEYS
        ),
        MetricSpec(
            "sluicegate.references.groups",
            _reference_groups,
            depends=("sluicegate.references.counts",),
            domain_keys=TABLE_DOMAIN,
            value_keys=REFERENCE_KEYS,
        ),
    )
}
"""Metrics of ExpectInteractionsToReferenceExistingCampaigns and the general expectation below it."""
