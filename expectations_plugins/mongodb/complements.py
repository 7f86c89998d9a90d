"""Counts that need not be taken, because others of the same query add up to them; pure functions.

A server evaluates every operator for every document. GX asks how many records are not null and yet outside a set, where
the records, the nulls and the members are counted anyway, or are cheaper to count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from expectations_plugins.conditions.expressions import (
    Aggregate,
    And,
    Compare,
    CompareLength,
    Condition,
    Count,
    Field,
    InSet,
    IsNull,
    IsText,
    Matches,
    Not,
    Op,
    both,
)

Asked = Count | Aggregate

ORDERED = frozenset({Op.LT, Op.LE, Op.GT, Op.GE})


@dataclass(frozen=True, slots=True)
class Difference:
    """A count as `whole - nulls - others`."""

    whole: Count
    nulls: Count
    others: Count

    def of(self, values: Mapping[str, Any]) -> int:
        """The count.

        Args:
            values: What was counted, by the measure's repr.
        """
        return int(values[repr(self.whole)] - values[repr(self.nulls)] - values[repr(self.others)])


def plan(measures: Sequence[Asked]) -> tuple[list[Asked], Mapping[str, Difference]]:
    """What to ask the server, and which measures follow from the answers, by their repr."""
    followed = {
        repr(one): found for one in measures if isinstance(one, Count) and (found := _difference(one, measures))
    }
    asked = [one for one in measures if repr(one) not in followed]
    distinct = {repr(one): one for one in [*asked, *(difference.others for difference in followed.values())]}
    return list(distinct.values()), followed  # a condition's values may be without a hash


def _difference(count: Count, measures: Sequence[Asked]) -> Difference | None:
    """The count of what is neither null nor so, when the records and the nulls are asked for as well."""
    parts = count.where.operands if isinstance(count.where, And) else ()
    for absent, other in _pairs(parts):
        rest = both(*(part for part in parts if part not in (Not(absent), Not(other))))
        found = Difference(Count(rest), Count(both(rest, absent)), Count(both(rest, other)))
        if found.whole in measures and found.nulls in measures:
            return found
    return None


def _pairs(parts: Sequence[Condition]) -> list[tuple[IsNull, Condition]]:
    negated = [part.operand for part in parts if isinstance(part, Not)]
    absent = [part for part in negated if isinstance(part, IsNull)]
    return [(one, other) for one in absent for other in negated if other != one and _false_of_null(other, one.field)]


def _false_of_null(node: Condition, field: Field) -> bool:
    """Whether the condition is certainly false of a record whose field is missing, null or NaN."""
    if isinstance(node, And):
        return any(_false_of_null(part, field) for part in node.operands)
    if isinstance(node, Compare):
        return node.field == field and node.op in ORDERED
    return isinstance(node, InSet | IsText | Matches | CompareLength) and node.field == field
