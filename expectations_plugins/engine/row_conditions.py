"""GX row conditions as conditions of ours: the four methods GX asks of an engine, and the reading of suites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from great_expectations.expectations.row_conditions import (
    AndCondition,
    ComparisonCondition,
    NullityCondition,
    Operator,
    OrCondition,
    PassThroughCondition,
    deserialize_row_condition,
)
from great_expectations.expectations.row_conditions import Condition as GXCondition

from expectations_plugins.conditions.expressions import (
    Always,
    And,
    Compare,
    Condition,
    Field,
    InSet,
    IsNull,
    Not,
    Op,
    Or,
    any_element,
    both,
)
from expectations_plugins.engine.backend import UnsupportedError

COMPARISONS = {
    Operator.EQUAL: Op.EQ,
    Operator.LESS_THAN: Op.LT,
    Operator.LESS_THAN_OR_EQUAL: Op.LE,
    Operator.GREATER_THAN: Op.GT,
    Operator.GREATER_THAN_OR_EQUAL: Op.GE,
}
"""GX's operators that compare with one value, and say what is, not what is not."""


class RowConditions:
    """Mixed into the engine: `TFilter` is our backend-neutral condition."""

    def row_condition(self, given: Any, parser: str | None) -> Condition:
        """The condition a suite gives, in ours.

        Raises:
            UnsupportedError: It is a string in a dialect of pandas, Spark or SQL.
        """
        if given is None:
            return Always(True)
        if isinstance(given, Mapping):
            given = deserialize_row_condition(dict(given))
        if isinstance(given, PassThroughCondition) or not isinstance(given, GXCondition):
            raise UnsupportedError(
                "A store engine",
                f"the row_condition string {given!r} (condition_parser {parser!r})",
                'Write it as Column("name") == value instead.',
            )
        converted: Condition = self.condition_to_filter_clause(given)  # type: ignore[attr-defined]
        return converted

    def _comparison_condition_to_filter_clause(self, condition: ComparisonCondition) -> Condition:
        field = Field.of(condition.column.name)
        operator = Operator(condition.operator)  # GX keeps it as text
        if operator in (Operator.NOT_EQUAL, Operator.NOT_IN):
            given = condition.parameter if operator == Operator.NOT_IN else (condition.parameter,)
            return _none_of(field, InSet(field, tuple(given)))
        if operator == Operator.IN:
            return any_element(field, InSet(field, tuple(condition.parameter)))
        return any_element(field, Compare(COMPARISONS[operator], field, condition.parameter))

    def _nullity_condition_to_filter_clause(self, condition: NullityCondition) -> Condition:
        field = Field.of(condition.column.name)
        is_null = any_element(field, IsNull(field))
        return is_null if condition.is_null else Not(is_null)

    def _and_condition_to_filter_clause(self, condition: AndCondition) -> Condition:
        return And(tuple(self.condition_to_filter_clause(part) for part in condition.conditions))  # type: ignore[attr-defined]

    def _or_condition_to_filter_clause(self, condition: OrCondition) -> Condition:
        return Or(tuple(self.condition_to_filter_clause(part) for part in condition.conditions))  # type: ignore[attr-defined]


def _none_of(field: Field, found: InSet) -> Condition:
    """The field has a value, and none that is found: as in SQL, a null is not unequal to anything."""
    return both(any_element(field, Not(IsNull(field))), Not(any_element(field, found)))
