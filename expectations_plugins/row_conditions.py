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

from expectations_plugins.backend import UnsupportedError
from expectations_plugins.expressions import Always, And, Compare, Condition, Field, InSet, IsNull, Not, Op, Or, both

OPERATORS = {
    Operator.EQUAL: Op.EQ,
    Operator.NOT_EQUAL: Op.NE,
    Operator.LESS_THAN: Op.LT,
    Operator.LESS_THAN_OR_EQUAL: Op.LE,
    Operator.GREATER_THAN: Op.GT,
    Operator.GREATER_THAN_OR_EQUAL: Op.GE,
}


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
        column = Field.of(condition.column.name)
        if condition.operator in (Operator.IN, Operator.NOT_IN):
            found = InSet(column, tuple(condition.parameter))
            return found if condition.operator is Operator.IN else both(Not(IsNull(column)), Not(found))
        return Compare(OPERATORS[condition.operator], column, condition.parameter)

    def _nullity_condition_to_filter_clause(self, condition: NullityCondition) -> Condition:
        is_null = IsNull(Field.of(condition.column.name))
        return is_null if condition.is_null else Not(is_null)

    def _and_condition_to_filter_clause(self, condition: AndCondition) -> Condition:
        return And(tuple(self.condition_to_filter_clause(part) for part in condition.conditions))  # type: ignore[attr-defined]

    def _or_condition_to_filter_clause(self, condition: OrCondition) -> Condition:
        return Or(tuple(self.condition_to_filter_clause(part) for part in condition.conditions))  # type: ignore[attr-defined]
