"""Conditions as Milvus filter strings; pure functions, golden in the tests.

Values are JSON literals, which Milvus reads as its own: a quote or a backslash in a value stays a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
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
    both,
)
from expectations_plugins.conditions.value_types import IN_WORDS
from expectations_plugins.engine.backend import Slice, UnsupportedError
from expectations_plugins.milvus.filters import literal as store_literal

EXACT = 2.0**53
"""Below it every whole number is one floating number."""

NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


def condition(node: Condition) -> str:
    """A condition as a filter.

    Raises:
        UnsupportedError: Milvus filters have no such condition.
    """
    compile_node = SUPPORTED.get(type(node))
    if compile_node is None:
        what = f"{IN_WORDS[type(node)]}: {UNSUPPORTED[type(node)]}"
        raise UnsupportedError("Milvus", what, "Check it in MongoDB.")
    return compile_node(node)


def filter_of(data: Slice, more: Condition = Always(True)) -> str:
    """The filter of a slice, with a further condition; "" selects everything."""
    whole = both(data.where, more)
    return "" if whole == Always(True) else condition(whole)


def literal(value: Any) -> str:
    """A value as Milvus reads it.

    Raises:
        UnsupportedError: It is not text, a number or a boolean.
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        value = int(value)  # GX's limits are floats, which older servers do not compare with integers
    try:
        return store_literal(value)
    except ValueError as error:
        what = f"a comparison with {value!r}"
        raise UnsupportedError("Milvus", what, "Compare with text, a finite number or a boolean.") from error


def reference(field: Field) -> str:
    """A scalar field's name."""
    if NAME.fullmatch(field.path):
        return field.path
    raise UnsupportedError(
        "Milvus", f"a condition on the field {field.path!r}", "Field names are letters, digits and _."
    )


def _always(node: Always) -> str:
    return "true" if node.value else "false"


def _is_null(node: IsNull) -> str:
    return f"{reference(node.field)} is null"


def _compare(node: Compare) -> str:
    return f"({reference(node.field)} {_OPERATORS[node.op]} {literal(node.value)})"


def _in_set(node: InSet) -> str:
    values = ", ".join(literal(value) for value in node.values if value is not None)
    return f"({reference(node.field)} in [{values}])"


def _any_element(node: AnyElement) -> str:
    return condition(node.where)  # which refuses the path by its name


def _not(node: Not) -> str:
    if isinstance(node.operand, IsNull):
        return f"{reference(node.operand.field)} is not null"
    return f"(not {condition(node.operand)})"


def _and(node: And) -> str:
    return "(" + (" and ".join(condition(part) for part in node.operands) or "true") + ")"


def _or(node: Or) -> str:
    return "(" + (" or ".join(condition(part) for part in node.operands) or "false") + ")"


_OPERATORS: Mapping[Op, str] = {Op.EQ: "==", Op.NE: "!=", Op.LT: "<", Op.LE: "<=", Op.GT: ">", Op.GE: ">="}

SUPPORTED: Mapping[type, Callable[[Any], str]] = {
    Always: _always,
    IsNull: _is_null,
    Compare: _compare,
    InSet: _in_set,
    AnyElement: _any_element,
    Not: _not,
    And: _and,
    Or: _or,
}
"""What Milvus filters can say; a condition that is not here is refused."""

UNSUPPORTED: Mapping[type, str] = {
    CompareLength: "filters know no lengths",
    CompareFields: "filters compare fields with values only",
    CompareSum: "filters know no sums",
    HasType: "a field of a schema has one type",
    IsText: "a field of a schema has one type",
    LeadsThroughList: "a schema has no documents",
    Matches: "filters know LIKE, not regular expressions",
    Related: "Milvus has no relationships",
}
"""What they cannot, and why."""
