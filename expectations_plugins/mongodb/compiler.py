"""Conditions and measures as MongoDB aggregation expressions; pure functions, golden in the tests.

Values only ever appear under `$literal`, so no value of a record or a suite can be read as an operator or a field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from expectations_plugins.backend import Slice, UnsupportedError
from expectations_plugins.expressions import (
    Aggregate,
    Always,
    And,
    Compare,
    CompareFields,
    CompareLength,
    Condition,
    Count,
    Distinct,
    Field,
    InSet,
    IsNull,
    IsText,
    Kind,
    Matches,
    Not,
    Op,
    Or,
    Related,
    Repeated,
    RepeatedSample,
    Sample,
    TopValues,
    both,
)

Expression = Any
Pipeline = list[dict[str, Any]]

NULLISH = ["missing", "null", "undefined"]


def condition(node: Condition) -> Expression:
    """A condition as an aggregation expression that is true or false.

    Raises:
        UnsupportedError: MongoDB has no such condition.
    """
    compile_node = SUPPORTED.get(type(node))
    if compile_node is None:
        raise UnsupportedError("MongoDB", f"a condition on {type(node).__name__}", "Check it in the store that has it.")
    return compile_node(node)


def reference(field: Field) -> Expression:
    """A field's value; names with a dot or a dollar sign are read with $getField."""
    if all(_plain(part) for part in field.parts):
        return "$" + ".".join(field.parts)
    value: Expression = "$$ROOT"
    for part in field.parts:
        value = {"$getField": {"field": {"$literal": part}, "input": value}}
    return value


def measure_pipeline(data: Slice, measures: Sequence[Count | Aggregate]) -> Pipeline:
    """One $group for all measures of a slice; the n-th measure is field `m{n}`."""
    group: dict[str, Any] = {"_id": None}
    for number, measure in enumerate(measures):
        group[f"m{number}"] = accumulator(measure)
    return [*match(data), {"$group": group}]


def accumulator(measure: Count | Aggregate) -> Expression:
    """A measure as a $group accumulator."""
    if isinstance(measure, Count):
        return {"$sum": {"$cond": [condition(measure.where), 1, 0]}}
    wanted = both(measure.where, Not(IsNull(measure.field)))
    return {f"${_ACCUMULATORS[measure.kind]}": {"$cond": [condition(wanted), reference(measure.field), None]}}


def grouped_pipeline(data: Slice, measure: Distinct | Repeated) -> Pipeline:
    """A measure that needs a $group of its own; its value is field `m`, and no document means 0."""
    fields = (measure.field,) if isinstance(measure, Distinct) else measure.fields
    present = Not(IsNull(measure.field)) if isinstance(measure, Distinct) else Always(True)
    key = {f"k{number}": reference(field) for number, field in enumerate(fields)}
    stages: Pipeline = [
        *match(data),
        {"$match": {"$expr": condition(both(measure.where, present))}},
        {"$group": {"_id": key, "n": {"$sum": 1}}},
    ]
    if isinstance(measure, Distinct):
        return [*stages, {"$group": {"_id": None, "m": {"$sum": 1}}}]
    return [*stages, {"$match": {"n": {"$gt": 1}}}, {"$group": {"_id": None, "m": {"$sum": "$n"}}}]


def repeated_pipeline(data: Slice, query: RepeatedSample) -> Pipeline:
    """Some records that share their values, by _id."""
    key = {f"k{number}": reference(field) for number, field in enumerate(query.repeated.fields)}
    return [
        *match(data),
        {"$match": {"$expr": condition(query.repeated.where)}},
        {"$setWindowFields": {"partitionBy": key, "output": {"__n": {"$sum": 1}}}},
        {"$match": {"__n": {"$gt": 1}}},
        *_shown(query.fields, query.limit),
    ]


def sample_pipeline(data: Slice, query: Sample) -> Pipeline:
    """Some records, by _id; a missing field stays missing."""
    return [*match(data), {"$match": {"$expr": condition(query.where)}}, *_shown(query.fields, query.limit)]


def top_values_pipeline(data: Slice, query: TopValues) -> Pipeline:
    """The most frequent values."""
    return [
        *match(data),
        {"$match": {"$expr": condition(query.where)}},
        {"$group": {"_id": reference(query.field), "n": {"$sum": 1}}},
        {"$sort": {"n": -1, "_id": 1}},
        {"$limit": query.limit},
    ]


def columns_pipeline(data: Slice) -> Pipeline:
    """Every top-level field name, once."""
    return [
        *match(data),
        {"$project": {"_id": 0, "names": {"$map": {"input": {"$objectToArray": "$$ROOT"}, "in": "$$this.k"}}}},
        {"$unwind": "$names"},
        {"$group": {"_id": "$names"}},
    ]


def match(data: Slice) -> Pipeline:
    """The slice as a first stage; equality on a plain field is written so that an index serves it."""
    where = data.where
    if where == Always(True):
        return []
    indexed = isinstance(where, Compare) and where.op is Op.EQ and all(_plain(part) for part in where.field.parts)
    if indexed and isinstance(where, Compare) and isinstance(where.value, str | int | float | bool):
        return [{"$match": {where.field.path: {"$eq": where.value}}}]
    return [{"$match": {"$expr": condition(where)}}]


def _shown(fields: Sequence[Field], limit: int) -> Pipeline:
    project: dict[str, Any] = {"_id": 0} | {f"f{number}": reference(field) for number, field in enumerate(fields)}
    return [{"$sort": {"_id": 1}}, {"$limit": limit}, {"$project": project}]


def _plain(name: str) -> bool:
    return bool(name) and not name.startswith("$") and "." not in name and "\0" not in name


def _always(node: Always) -> Expression:
    return {"$literal": node.value}


def _is_null(node: IsNull) -> Expression:
    value = reference(node.field)
    return {"$or": [{"$in": [{"$type": value}, NULLISH]}, {"$eq": [value, {"$literal": float("nan")}]}]}


def _is_text(node: IsText) -> Expression:
    return {"$eq": [{"$type": reference(node.field)}, "string"]}


def _compare(node: Compare) -> Expression:
    value = reference(node.field)
    compared = {f"${_OPERATORS[node.op]}": [value, {"$literal": node.value}]}
    return {"$and": [{"$not": [_is_null(IsNull(node.field))]}, compared]}


def _compare_length(node: CompareLength) -> Expression:
    text = {"$cond": [_is_text(IsText(node.field)), reference(node.field), ""]}
    compared = {f"${_OPERATORS[node.op]}": [{"$strLenCP": text}, {"$literal": node.value}]}
    return {"$and": [_is_text(IsText(node.field)), compared]}


def _compare_fields(node: CompareFields) -> Expression:
    present = [{"$not": [_is_null(IsNull(field))]} for field in (node.left, node.right)]
    return {"$and": [*present, {f"${_OPERATORS[node.op]}": [reference(node.left), reference(node.right)]}]}


def _in_set(node: InSet) -> Expression:
    present = {"$not": [_is_null(IsNull(node.field))]}
    return {"$and": [present, {"$in": [reference(node.field), {"$literal": list(node.values)}]}]}


def _matches(node: Matches) -> Expression:
    # $regexMatch refuses what is not text, and $and does not promise to stop at its first false part
    text = {"$cond": [_is_text(IsText(node.field)), reference(node.field), None]}
    found = {"$regexMatch": {"input": text, "regex": {"$literal": node.pattern}}}
    return {"$and": [_is_text(IsText(node.field)), found]}


def _not(node: Not) -> Expression:
    return {"$not": [condition(node.operand)]}


def _and(node: And) -> Expression:
    return {"$and": [condition(part) for part in node.operands]}


def _or(node: Or) -> Expression:
    return {"$or": [condition(part) for part in node.operands]}


_OPERATORS: Mapping[Op, str] = {
    Op.EQ: "eq",
    Op.NE: "ne",
    Op.LT: "lt",
    Op.LE: "lte",
    Op.GT: "gt",
    Op.GE: "gte",
}

_ACCUMULATORS: Mapping[Kind, str] = {
    Kind.MIN: "min",
    Kind.MAX: "max",
    Kind.SUM: "sum",
    Kind.MEAN: "avg",
    Kind.STDEV: "stdDevSamp",
}

SUPPORTED: Mapping[type, Callable[[Any], Expression]] = {
    Always: _always,
    IsNull: _is_null,
    IsText: _is_text,
    Compare: _compare,
    CompareLength: _compare_length,
    CompareFields: _compare_fields,
    InSet: _in_set,
    Matches: _matches,
    Not: _not,
    And: _and,
    Or: _or,
}
"""What MongoDB can compute; a condition that is not here is refused."""

UNSUPPORTED: Mapping[type, str] = {Related: "MongoDB has no relationships"}
"""What it cannot, and why."""
