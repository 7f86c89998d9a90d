"""Conditions as MongoDB aggregation expressions; pure functions, golden in the tests.

Values only ever appear under `$literal`, or are of a form that cannot be read as an operator or a field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeGuard

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
    renamed,
)
from expectations_plugins.conditions.value_types import IN_WORDS, NUMBERS, as_date, kinds_of, readings, storable
from expectations_plugins.engine.backend import UnsupportedError, pattern_for

Expression = Any

NAN = float("nan")
"""In BSON's order, which comparisons follow, a NaN comes right after missing and null and before everything else."""

Fields = frozenset[Field]
NONE: Fields = frozenset()


def condition(node: Condition, texts: Fields = NONE) -> Expression:
    """A condition as an aggregation expression that is true or false.

    Args:
        node: The condition.
        texts: Fields that are known to be text where it is evaluated.

    Raises:
        UnsupportedError: MongoDB has no such condition.
    """
    compile_node = SUPPORTED.get(type(node))
    if compile_node is None:
        what = f"{IN_WORDS[type(node)]}: {UNSUPPORTED[type(node)]}"
        raise UnsupportedError("MongoDB", what, "Check it in Neo4j.")
    return compile_node(node, texts)


ELEMENT = Field(("$$element",))
"""One value of a field that may have several, where each is looked at."""


def reference(field: Field) -> Expression:
    """A field's value; names with a dot or a dollar sign are read with $getField."""
    if field == ELEMENT:
        return "$$element"
    if is_plain(field):
        return "$" + ".".join(field.parts)
    value: Expression = "$$ROOT"
    for part in field.parts:
        value = _part(value, part)
    return {"$ifNull": [value, None]}  # Capabilities.types_missing


def elements(field: Field) -> Expression:
    """All values of a field as an array, null where an element has none: lists on its path are looked through."""
    values: Expression = {"$let": {"vars": {"one": _part("$$ROOT", field.parts[0])}, "in": _as_array("$$one")}}
    for part in field.parts[1:-1]:
        inner: Expression = {"$let": {"vars": {"one": _part("$$this", part)}, "in": _as_array("$$one")}}
        joined = {"$concatArrays": ["$$value", inner]}
        values = {"$reduce": {"input": values, "initialValue": [], "in": joined}}
    last = {"$ifNull": [_part("$$element", field.parts[-1]), None]}
    return {"$map": {"input": values, "as": "element", "in": last}}


def shown(field: Field) -> Expression:
    """A field's value to show; all of them where it has several."""
    if len(field.parts) == 1:
        return reference(field)
    return {"$cond": [_leads_through_list(LeadsThroughList(field), NONE), elements(field), reference(field)]}


def _as_array(value: Expression) -> Expression:
    return {"$cond": [{"$isArray": [value]}, value, [value]]}


def _part(value: str | Expression, name: str) -> Expression:
    if isinstance(value, str) and _plain(name):
        return f"${name}" if value == "$$ROOT" else f"{value}.{name}"
    return {"$getField": {"field": {"$literal": name}, "input": value}}


def literal(value: Any) -> Expression:
    """A value that is never read as an operator or a field; numbers and dates cannot be."""
    return value if isinstance(value, int | float | datetime) else {"$literal": value}


def all_of(parts: Sequence[Expression]) -> Expression:
    """The conjunction, flat: each operator costs for each document."""
    flat = [inner for part in parts for inner in (part["$and"] if list(part) == ["$and"] else [part])]
    return flat[0] if len(flat) == 1 else {"$and": flat}


def is_plain(field: Field) -> bool:
    """Whether the field's path can be written as it is: no part is empty, has a dot or begins with a dollar sign."""
    return all(_plain(part) for part in field.parts)


def _plain(name: str) -> bool:
    return bool(name) and not name.startswith("$") and "." not in name and "\0" not in name


def _always(node: Always, _: Fields) -> Expression:
    return {"$literal": node.value}


def _is_null(node: IsNull, _: Fields) -> Expression:
    return {"$lte": [reference(node.field), NAN]}


def _present(field: Field) -> Expression:
    return {"$gt": [reference(field), NAN]}


def _is_text(node: IsText, _: Fields = NONE) -> Expression:
    return {"$eq": [{"$type": reference(node.field)}, "string"]}


def _has_type(node: HasType, _: Fields) -> Expression:
    named = _named(node.field, node.types)
    return all_of([_present(node.field), named]) if Type.FLOAT in node.types else named


def _named(field: Field, types: Sequence[Type]) -> Expression:
    return {"$in": [{"$type": reference(field)}, [alias for type_ in types for alias in _TYPES[type_]]]}


def _compare(node: Compare, _: Fields) -> Expression:
    if node.op in (Op.EQ, Op.NE):
        found = _in_set(InSet(node.field, (node.value,)), NONE)
        return found if node.op is Op.EQ else all_of([_present(node.field), {"$not": [found]}])
    bounds = dict.fromkeys((storable(node.value), as_date(node.value)))
    ordered = [_ordered(node.op, node.field, bound) for bound in bounds if bound is not None]
    return ordered[0] if len(ordered) == 1 else {"$or": ordered}


def _ordered(op: Op, field: Field, bound: Any) -> Expression:
    """BSON has an order across types: without a look at the type, every text is more than every number."""
    compared = {f"${OPERATORS[op]}": [reference(field), literal(bound)]}
    if kinds_of(bound) != NUMBERS:
        return all_of([_named(field, kinds_of(bound)), compared])
    # what comes before numbers is null and NaN, what comes after them is of another type
    rest = _present(field) if op in (Op.LT, Op.LE) else {"$isNumber": reference(field)}
    return all_of([rest, compared])


def _text(field: Field, *, shown: bool) -> Expression:
    """A field's text, and null of what is none; $regexMatch and $strLenCP refuse anything else."""
    value, otherwise = reference(field), None
    if shown:
        integer = {"case": {"$in": [{"$type": value}, list(_TYPES[Type.INTEGER])]}, "then": {"$toString": value}}
        boolean = {"case": {"$eq": [{"$type": value}, "bool"]}, "then": {"$cond": [value, "True", "False"]}}
        otherwise = {"$switch": {"branches": [integer, boolean], "default": None}}
    return {"$cond": [_is_text(IsText(field)), value, otherwise]}


def _compare_length(node: CompareLength, _: Fields) -> Expression:
    compared = {f"${OPERATORS[node.op]}": [{"$strLenCP": "$$text"}, literal(node.value)]}
    is_text = {"$cond": [{"$eq": ["$$text", None]}, False, compared]}
    return {"$let": {"vars": {"text": _text(node.field, shown=node.shown)}, "in": is_text}}


def _compare_fields(node: CompareFields, _: Fields) -> Expression:
    left, right = reference(node.left), reference(node.right)
    same_kind = {"$cond": [{"$isNumber": left}, {"$isNumber": right}, {"$eq": [{"$type": left}, {"$type": right}]}]}
    compared = {f"${OPERATORS[node.op]}": [left, right]}
    return {"$and": [_present(node.left), _present(node.right), same_kind, compared]}


def _compare_sum(node: CompareSum, _: Fields) -> Expression:
    numbers = [{"$isNumber": reference(field)} for field in node.fields]
    addends = [{"$cond": [{"$isNumber": reference(field)}, reference(field), 0]} for field in node.fields]
    return {"$and": [*numbers, {f"${OPERATORS[node.op]}": [{"$add": addends}, literal(node.value)]}]}


def _in_set(node: InSet, _: Fields) -> Expression:
    values = [storable(value) for value in readings(node.values)]
    if len(values) == 1:
        return {"$eq": [reference(node.field), literal(values[0])]}
    return {"$in": [reference(node.field), {"$literal": values}]}


def _matches(node: Matches, texts: Fields) -> Expression:
    # the input is null, and the answer false, of what is no text
    text = reference(node.field) if node.field in texts else _text(node.field, shown=node.shown)
    pattern = pattern_for("MongoDB", node.pattern)
    # only what begins with a dollar is read as more than text, and each operator costs for each document
    return {"$regexMatch": {"input": text, "regex": literal(pattern) if pattern.startswith("$") else pattern}}


def _any_element(node: AnyElement, texts: Fields) -> Expression:
    found = condition(renamed(node.where, node.field, ELEMENT))
    each = {"$map": {"input": elements(node.field), "as": "element", "in": found}}
    through = _leads_through_list(LeadsThroughList(node.field), NONE)
    return {"$cond": [through, {"$anyElementTrue": [each]}, condition(node.where, texts)]}


def _leads_through_list(node: LeadsThroughList, _: Fields) -> Expression:
    prefixes = [Field(node.field.parts[:length]) for length in range(1, len(node.field.parts))]
    arrays = [{"$isArray": [reference(prefix)]} for prefix in prefixes]  # the first list is reached through none
    return arrays[0] if len(arrays) == 1 else {"$or": arrays}


def _not(node: Not, texts: Fields) -> Expression:
    operand = node.operand
    return _present(operand.field) if isinstance(operand, IsNull) else {"$not": [condition(operand, texts)]}


def _and(node: And, texts: Fields) -> Expression:
    """With a text among the parts the others need not ask again; $cond, unlike $and, evaluates only what it takes."""
    known = texts | {part.field for part in node.operands if isinstance(part, IsText)}
    ranges = _ranges(node.operands)
    others = [part for part in node.operands if not isinstance(part, IsText)]
    rest = all_of([_bare(part) if _bounds(part, ranges) else condition(part, known) for part in others])
    for part in node.operands:
        if isinstance(part, IsText) and part.field not in texts:
            rest = {"$cond": [_is_text(part), rest, False]}
    return rest


def _ranges(parts: Sequence[Condition]) -> Fields:
    """Fields between two numbers: in BSON's order nothing but a number is."""
    bounds = [part for part in parts if isinstance(part, Compare) and _numeric(part)]
    above = {part.field for part in bounds if part.op in (Op.GT, Op.GE)}
    return frozenset(part.field for part in bounds if part.op in (Op.LT, Op.LE) and part.field in above)


def _bounds(part: Condition, ranges: Fields) -> TypeGuard[Compare]:
    return isinstance(part, Compare) and part.field in ranges and _numeric(part)


def _numeric(part: Compare) -> bool:
    bound = storable(part.value)
    return kinds_of(bound) == NUMBERS and bound == bound and part.op not in (Op.EQ, Op.NE)  # noqa: PLR0124 - a NaN


def _bare(part: Compare) -> Expression:
    return {f"${OPERATORS[part.op]}": [reference(part.field), literal(storable(part.value))]}


def _or(node: Or, texts: Fields) -> Expression:
    return {"$or": [condition(part, texts) for part in node.operands]}


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

SUPPORTED: Mapping[type, Callable[[Any, Fields], Expression]] = {
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
"""What MongoDB can compute; a condition that is not here is refused."""

UNSUPPORTED: Mapping[type, str] = {Related: "MongoDB has no relationships"}
"""What it cannot, and why."""
