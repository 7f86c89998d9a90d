"""Conditions as MongoDB aggregation expressions; pure functions, golden in the tests.

Values only ever appear under `$literal`, so no value of a record or a suite can be read as an operator or a field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from expectations_plugins.backend import UnsupportedError, pattern_for
from expectations_plugins.expressions import (
    Always,
    And,
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
    Matches,
    Not,
    Op,
    Or,
    Related,
    Type,
)
from expectations_plugins.kinds import IN_WORDS, as_date, kinds_of, storable

Expression = Any

NULLISH = ["missing", "null", "undefined"]


def condition(node: Condition) -> Expression:
    """A condition as an aggregation expression that is true or false.

    Raises:
        UnsupportedError: MongoDB has no such condition.
    """
    compile_node = SUPPORTED.get(type(node))
    if compile_node is None:
        what = f"{IN_WORDS[type(node)]}: {UNSUPPORTED[type(node)]}"
        raise UnsupportedError("MongoDB", what, "Check it in Neo4j.")
    return compile_node(node)


def reference(field: Field) -> Expression:
    """A field's value; names with a dot or a dollar sign are read with $getField."""
    if is_plain(field):
        return "$" + ".".join(field.parts)
    value: Expression = "$$ROOT"
    for part in field.parts:
        value = {"$getField": {"field": {"$literal": part}, "input": value}}
    return {"$ifNull": [value, None]}  # not every server knows the $type of what $getField does not find


def is_plain(field: Field) -> bool:
    """Whether the field's path can be written as it is: no part is empty, has a dot or begins with a dollar sign."""
    return all(_plain(part) for part in field.parts)


def _plain(name: str) -> bool:
    return bool(name) and not name.startswith("$") and "." not in name and "\0" not in name


def _always(node: Always) -> Expression:
    return {"$literal": node.value}


def _is_null(node: IsNull) -> Expression:
    value = reference(node.field)
    return {"$or": [{"$in": [{"$type": value}, NULLISH]}, {"$eq": [value, {"$literal": float("nan")}]}]}


def _is_text(node: IsText) -> Expression:
    return {"$eq": [{"$type": reference(node.field)}, "string"]}


def _has_type(node: HasType) -> Expression:
    value = reference(node.field)
    named = {"$in": [{"$type": value}, [alias for type_ in node.types for alias in _TYPES[type_]]]}
    return {"$and": [{"$not": [_is_null(IsNull(node.field))]}, named]}


def _compare(node: Compare) -> Expression:
    value = reference(node.field)
    if node.op in (Op.EQ, Op.NE):
        compared = {f"${OPERATORS[node.op]}": [value, {"$literal": storable(node.value)}]}
        return {"$and": [{"$not": [_is_null(IsNull(node.field))]}, compared]}
    bounds = dict.fromkeys((storable(node.value), as_date(node.value)))
    ordered = [_ordered(node.op, node.field, bound) for bound in bounds if bound is not None]
    return ordered[0] if len(ordered) == 1 else {"$or": ordered}


def _ordered(op: Op, field: Field, bound: Any) -> Expression:
    """BSON has an order across types: without a look at the type, every text is more than every number."""
    value = reference(field)
    compared = {f"${OPERATORS[op]}": [value, {"$literal": bound}]}
    return {"$and": [_has_type(HasType(field, kinds_of(bound))), compared]}


def _text(field: Field, *, shown: bool) -> Expression:
    """A field's text, and null of what is none; $regexMatch and $strLenCP refuse anything else."""
    value = reference(field)
    if not shown:
        return {"$cond": [_is_text(IsText(field)), value, None]}
    branches = [
        {"case": {"$in": [{"$type": value}, list(_TYPES[Type.INTEGER])]}, "then": {"$toString": value}},
        {"case": {"$eq": [{"$type": value}, "bool"]}, "then": {"$cond": [value, "True", "False"]}},
        {"case": _is_text(IsText(field)), "then": value},
    ]
    return {"$switch": {"branches": branches, "default": None}}


def _compare_length(node: CompareLength) -> Expression:
    compared = {f"${OPERATORS[node.op]}": [{"$strLenCP": "$$text"}, {"$literal": node.value}]}
    is_text = {"$cond": [{"$eq": ["$$text", None]}, False, compared]}
    return {"$let": {"vars": {"text": _text(node.field, shown=node.shown)}, "in": is_text}}


def _compare_fields(node: CompareFields) -> Expression:
    left, right = reference(node.left), reference(node.right)
    present = [{"$not": [_is_null(IsNull(field))]} for field in (node.left, node.right)]
    same_kind = {"$cond": [{"$isNumber": left}, {"$isNumber": right}, {"$eq": [{"$type": left}, {"$type": right}]}]}
    return {"$and": [*present, same_kind, {f"${OPERATORS[node.op]}": [left, right]}]}


def _compare_sum(node: CompareSum) -> Expression:
    numbers = [{"$isNumber": reference(field)} for field in node.fields]
    addends = [{"$cond": [{"$isNumber": reference(field)}, reference(field), 0]} for field in node.fields]
    return {"$and": [*numbers, {f"${OPERATORS[node.op]}": [{"$add": addends}, {"$literal": node.value}]}]}


def _in_set(node: InSet) -> Expression:
    present = {"$not": [_is_null(IsNull(node.field))]}
    return {
        "$and": [present, {"$in": [reference(node.field), {"$literal": [storable(value) for value in node.values]}]}]
    }


def _matches(node: Matches) -> Expression:
    # the input is null, and the answer false, of what is no text
    return {
        "$regexMatch": {
            "input": _text(node.field, shown=node.shown),
            "regex": {"$literal": pattern_for("MongoDB", node.pattern)},
        }
    }


def _not(node: Not) -> Expression:
    return {"$not": [condition(node.operand)]}


def _and(node: And) -> Expression:
    return {"$and": [condition(part) for part in node.operands]}


def _or(node: Or) -> Expression:
    return {"$or": [condition(part) for part in node.operands]}


OPERATORS: Mapping[Op, str] = {
    Op.EQ: "eq",
    Op.NE: "ne",
    Op.LT: "lt",
    Op.LE: "lte",
    Op.GT: "gt",
    Op.GE: "gte",
}

_TYPES: Mapping[Type, tuple[str, ...]] = {
    Type.TEXT: ("string", "symbol"),
    Type.INTEGER: ("int", "long"),
    Type.FLOAT: ("double",),
    Type.DECIMAL: ("decimal",),
    Type.BOOLEAN: ("bool",),
    Type.DATETIME: ("date", "timestamp"),
    Type.DATE: (),
    Type.LIST: ("array",),
    Type.MAP: ("object",),
    Type.BYTES: ("binData",),
    Type.OBJECT_ID: ("objectId",),
}
"""BSON's aliases; it has no date without a time."""

SUPPORTED: Mapping[type, Callable[[Any], Expression]] = {
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
    Not: _not,
    And: _and,
    Or: _or,
}
"""What MongoDB can compute; a condition that is not here is refused."""

UNSUPPORTED: Mapping[type, str] = {Related: "MongoDB has no relationships"}
"""What it cannot, and why."""
