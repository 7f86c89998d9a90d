"""Conditions as SQL for SQLite: the example of docs/adding-a-store.md. Values are parameters, names are quoted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from expectations_plugins.conditions.expressions import (
    Always,
    And,
    AnyElement,
    Compare,
    CompareFields,
    CompareLength,
    CompareSum,
    Condition,
    Field,
    HasType,
    InSet,
    IsNull,
    IsText,
    LeadsThroughList,
    Matches,
    Not,
    Op,
    Or,
    Related,
    Type,
)
from expectations_plugins.conditions.value_types import IN_WORDS, NUMBERS, kinds_of
from expectations_plugins.engine.backend import UnsupportedError, pattern_for

STORE = "SQLite"
Values = list[Any]

OPERATORS: Mapping[Op, str] = {Op.EQ: "=", Op.NE: "<>", Op.LT: "<", Op.LE: "<=", Op.GT: ">", Op.GE: ">="}
TYPES: Mapping[Type, str] = {Type.TEXT: "text", Type.INTEGER: "integer", Type.FLOAT: "real", Type.BYTES: "blob"}


def quoted(field: Field) -> str:
    """A column's name."""
    return '"' + ".".join(field.parts).replace('"', '""') + '"'


def condition(node: Condition, values: Values) -> str:
    """A condition as SQL that is 1 or 0; its values are appended in the order of their question marks.

    Raises:
        UnsupportedError: SQLite has no such condition.
    """
    compile_node = SUPPORTED.get(type(node))
    if compile_node is None:
        what = f"{IN_WORDS[type(node)]}: {UNSUPPORTED[type(node)]}"
        raise UnsupportedError(STORE, what, "Check it in Neo4j.")
    return compile_node(node, values)


def of_type(field: Field, types: Sequence[Type]) -> str:
    """The field's value is of one of these types."""
    names = ", ".join(f"'{TYPES[type_]}'" for type_ in types if type_ in TYPES) or "''"
    return f"typeof({quoted(field)}) IN ({names})"


def _always(node: Always, _: Values) -> str:
    return "1" if node.value else "0"


def _is_null(node: IsNull, _: Values) -> str:
    return f"{quoted(node.field)} IS NULL"


def _is_text(node: IsText, _: Values) -> str:
    return of_type(node.field, [Type.TEXT])


def _has_type(node: HasType, _: Values) -> str:
    return of_type(node.field, node.types)


def _compare(node: Compare, values: Values) -> str:
    kinds = of_type(node.field, kinds_of(node.value))
    values.append(node.value)
    return f"({kinds} AND {quoted(node.field)} {OPERATORS[node.op]} ?)"


def _compare_length(node: CompareLength, values: Values) -> str:
    values.append(node.value)
    return f"({of_type(node.field, [Type.TEXT])} AND length({quoted(node.field)}) {OPERATORS[node.op]} ?)"


def _compare_fields(node: CompareFields, _: Values) -> str:
    left, right = quoted(node.left), quoted(node.right)
    same = f"({of_type(node.left, NUMBERS)}) = ({of_type(node.right, NUMBERS)})"
    return f"({left} IS NOT NULL AND {right} IS NOT NULL AND {same} AND {left} {OPERATORS[node.op]} {right})"


def _compare_sum(node: CompareSum, values: Values) -> str:
    numbers = " AND ".join(of_type(field, NUMBERS) for field in node.fields)
    values.append(node.value)
    return f"({numbers} AND {' + '.join(map(quoted, node.fields))} {OPERATORS[node.op]} ?)"


def _in_set(node: InSet, values: Values) -> str:
    values.extend(node.values)
    return f"coalesce({quoted(node.field)} IN ({', '.join('?' * len(node.values))}), 0)"


def _matches(node: Matches, values: Values) -> str:
    values.append(pattern_for(STORE, node.pattern))
    return f"({of_type(node.field, [Type.TEXT])} AND {quoted(node.field)} REGEXP ?)"


def _any_element(node: AnyElement, values: Values) -> str:
    return condition(node.where, values)  # a column holds no documents: no path leads through a list


def _leads_through_list(_: LeadsThroughList, _values: Values) -> str:
    return "0"


def _not(node: Not, values: Values) -> str:
    return f"(NOT {condition(node.operand, values)})"


def _and(node: And, values: Values) -> str:
    return "(" + (" AND ".join(condition(part, values) for part in node.operands) or "1") + ")"


def _or(node: Or, values: Values) -> str:
    return "(" + (" OR ".join(condition(part, values) for part in node.operands) or "0") + ")"


SUPPORTED: Mapping[type, Callable[[Any, Values], str]] = {
    Always: _always,
    IsNull: _is_null,
    IsText: _is_text,
    HasType: _has_type,
    Compare: _compare,
    CompareLength: _compare_length,
    CompareFields: _compare_fields,
    CompareSum: _compare_sum,
    InSet: _in_set,
    Matches: _matches,
    AnyElement: _any_element,
    LeadsThroughList: _leads_through_list,
    Not: _not,
    And: _and,
    Or: _or,
}
"""What SQLite can compute; a condition that is not here is refused."""

UNSUPPORTED: Mapping[type, str] = {Related: "tables have no relationships"}
"""What it cannot, and why."""
