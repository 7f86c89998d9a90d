"""Questions as MongoDB aggregation pipelines; pure functions, golden in the tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeGuard

from expectations_plugins.conditions.expressions import (
    Aggregate,
    Always,
    And,
    AnyElement,
    Compare,
    Condition,
    Count,
    Distinct,
    DistinctValues,
    Field,
    IsNull,
    Kind,
    Modes,
    Not,
    Op,
    OutOfOrder,
    Records,
    Repeated,
    RepeatedSample,
    Sample,
    TopValues,
    Values,
    both,
    renamed,
)
from expectations_plugins.conditions.value_types import readings
from expectations_plugins.engine.backend import Slice, UnsupportedError
from expectations_plugins.mongodb.conditions import (
    OPERATORS,
    Expression,
    condition,
    elements,
    is_plain,
    reference,
    shown,
)

Stage = dict[str, Any]
Pipeline = list[Stage]

ACCUMULATORS: Mapping[Kind, str] = {
    Kind.COUNT: "sum",
    Kind.MIN: "min",
    Kind.MAX: "max",
    Kind.SUM: "sum",
    Kind.MEAN: "avg",
    Kind.STDEV: "stdDevSamp",
}


VALUE = "__sluicegate_value"
"""Where each value of a path that may have several is put while a pipeline runs."""

COUNT, BEFORE = "__sluicegate_count", "__sluicegate_before"
"""Where the number of records with the same value, and the value of the record before, are put."""


def measure_pipeline(data: Slice, measures: Sequence[Count | Aggregate]) -> Pipeline:
    """One $group for all measures of a slice; the n-th measure is field `m{n}`."""
    group: Stage = {"_id": None}
    for number, measure in enumerate(measures):
        group[f"m{number}"] = accumulator(measure)
    return [*match(data), {"$group": group}]


def accumulator(measure: Count | Aggregate) -> Expression:
    """A measure as a $group accumulator."""
    if measure == Count():
        return {"$sum": 1}
    if isinstance(measure, Count):
        return {"$sum": _one_if(condition(measure.where))}
    wanted = both(measure.where, Not(IsNull(measure.field)))
    value = 1 if measure.kind is Kind.COUNT else reference(measure.field)
    return {f"${ACCUMULATORS[measure.kind]}": {"$cond": [condition(wanted), value, None]}}


def _one_if(where: Expression) -> Expression:
    """1 where it holds, else 0, with as few operators as that takes: each costs for every document."""
    if list(where) == ["$not"]:
        return {"$cond": [where["$not"][0], 0, 1]}
    if list(where) == ["$cond"] and where["$cond"][2] is False:
        return {"$cond": [where["$cond"][0], _one_if(where["$cond"][1]), 0]}
    return {"$cond": [where, 1, 0]}


def alone_pipeline(data: Slice, measure: Distinct | Repeated | OutOfOrder) -> Pipeline:
    """A measure that needs stages of its own; its value is field `m`, and no document means none."""
    if isinstance(measure, OutOfOrder):
        return [*match(data), *_out_of_order(data, measure), {"$group": {"_id": None, "m": {"$sum": 1}}}]
    if isinstance(measure, Repeated):
        return [*match(data), *_counted_repeated(measure)]
    spread, field, where = _each_value(measure.field, measure.where)
    grouped: Stage = {"$group": {"_id": {"k0": reference(field)}}}
    found = [*match(data), *spread, *_where(_present(field, where)), grouped]
    return [*found, {"$group": {"_id": None, "m": {"$sum": 1}}}]


def values_measure_pipeline(data: Slice, field: Field, measures: Sequence[Aggregate]) -> Pipeline:
    """One $group for all aggregates of a path that may have several values; the n-th measure is field `m{n}`."""
    group: Stage = {"_id": None}
    for number, measure in enumerate(measures):
        _, value, where = _each_value(field, measure.where)
        group[f"m{number}"] = accumulator(Aggregate(measure.kind, value, where))
    spread, _, _ = _each_value(field, Always(True))
    return [*match(data), *spread, {"$group": group}]


def records_pipeline(data: Slice, query: Records) -> Pipeline:
    """Some records; a missing field stays missing. The n-th field is `f{n}`; no fields are the whole record."""
    if isinstance(query, Sample):
        return [*match(data), *_where(query.where), {"$sort": {"_id": 1}}, *_shown(query.fields, query.limit)]
    if isinstance(query, RepeatedSample):
        by_id: Stage = {"$sort": {"_id": 1}}
        return [*match(data), *_repeated(query.repeated), by_id, *_shown(query.fields, query.limit)]
    return [*match(data), *_out_of_order(data, query.found), *_shown(query.fields, query.limit)]


def values_pipeline(data: Slice, query: Values) -> Pipeline:
    """Values of one field, each in a document's `v`, or in `r{n}` for the n-th place asked for."""
    spread, field, where = _each_value(query.field, query.where)
    found = [*match(data), *spread, *_where(_present(field, where))]
    if isinstance(query, DistinctValues):
        return [*found, {"$group": {"_id": reference(field)}}, *_sorted_values(query.limit)]
    if isinstance(query, Modes):
        counted: Stage = {"$group": {"_id": reference(field), "n": {"$sum": 1}}}
        most: Stage = {"$setWindowFields": {"output": {"most": {"$max": "$n"}}}}
        return [*found, counted, most, {"$match": {"$expr": {"$eq": ["$n", "$most"]}}}, *_sorted_values(query.limit)]
    places = {f"r{number}": [{"$skip": rank}, {"$limit": 1}] for number, rank in enumerate(query.ranks)}
    return [*found, {"$project": {"_id": 0, "v": reference(field)}}, {"$sort": {"v": 1}}, {"$facet": places}]


def top_values_pipeline(data: Slice, query: TopValues) -> Pipeline:
    """The most frequent values."""
    spread, field, where = _each_value(query.field, query.where)
    return [
        *match(data),
        *spread,
        *_where(where),
        {"$group": {"_id": reference(field), "n": {"$sum": 1}}},
        {"$sort": {"n": -1, "_id": 1}},
        {"$limit": query.limit},
    ]


def columns_pipeline(data: Slice) -> Pipeline:
    """Every top-level field name once, with the types it has, by the first place it has in a document."""
    pairs = {"$objectToArray": "$$ROOT"}
    named = {"$map": {"input": pairs, "in": {"k": "$$this.k", "t": {"$type": "$$this.v"}}}}
    return [
        *match(data),
        {"$project": {"_id": 0, "names": named}},
        {"$unwind": {"path": "$names", "includeArrayIndex": "place"}},
        {"$group": {"_id": "$names.k", "place": {"$min": "$place"}, "types": {"$addToSet": "$names.t"}}},
        {"$sort": {"place": 1, "_id": 1}},
    ]


def stream_pipeline(data: Slice, query: Sample) -> Pipeline:
    """Records in no order, for a stream: sorting would keep the server busy before the first one."""
    return [*match(data), *_where(query.where), *_shown(query.fields, query.limit)]


def match(data: Slice) -> Pipeline:
    """The slice as first stages; a comparison of a plain field is written so that an index serves it."""
    parts = data.where.operands if isinstance(data.where, And) else (data.where,)
    return [stage for part in parts for stage in _slice_part(part)]


def _slice_part(part: Condition) -> Pipeline:
    if part == Always(True):
        return []
    if isinstance(part, AnyElement):
        bounds = part.where.operands if isinstance(part.where, And) else (part.where,)
        return [*({"$match": _comparison(bound)} for bound in bounds if _serves_an_index(bound)), *_where(part)]
    if not _serves_an_index(part):
        return _where(part)
    # a filter also finds an array one of whose members it would find; in its own stage an index still serves
    return [{"$match": _comparison(part)}, {"$match": {part.field.path: {"$not": {"$type": "array"}}}}]


def _serves_an_index(part: Condition) -> TypeGuard[Compare]:
    if not isinstance(part, Compare) or part.op not in _INDEXED or not is_plain(part.field):
        return False
    return isinstance(part.value, str | int | float | bool | datetime)


def _comparison(part: Compare) -> Stage:
    """A comparison as a filter."""
    path, values = part.field.path, readings((part.value,))
    if part.op is Op.EQ:
        return {path: {"$eq": values[0]} if len(values) == 1 else {"$in": list(values)}}
    found = [{path: {_INDEXED[part.op]: value}} for value in values]
    return found[0] if len(found) == 1 else {"$or": found}


def _where(where: Condition) -> Pipeline:
    return [] if where == Always(True) else [{"$match": {"$expr": condition(where)}}]


def _present(field: Field, where: Condition) -> Condition:
    return both(where, Not(IsNull(field)))


def _key(fields: Sequence[Field]) -> Stage:
    if len(fields) == 1:
        return {"k0": reference(fields[0])}
    null_as_one = [{"$cond": [condition(IsNull(field)), None, reference(field)]} for field in fields]
    return {f"k{number}": value for number, value in enumerate(null_as_one)}


def _each_value(field: Field, where: Condition) -> tuple[Pipeline, Field, Condition]:
    """Stages that give a document for each value of a path that may have several; the field and condition of those."""
    if len(field.parts) == 1:
        return [], field, where
    value = Field((VALUE,))
    return [{"$set": {VALUE: elements(field)}}, {"$unwind": f"${VALUE}"}], value, renamed(where, field, value)


def _counted_repeated(repeated: Repeated) -> Pipeline:
    if len(repeated.fields) == 1 and len(repeated.fields[0].parts) > 1:
        return [*_repeated(repeated), {"$group": {"_id": None, "m": {"$sum": 1}}}]
    grouped: Stage = {"$group": {"_id": _key(repeated.fields), "n": {"$sum": 1}}}
    summed: Stage = {"$group": {"_id": None, "m": {"$sum": "$n"}}}
    return [*_where(repeated.where), grouped, {"$match": {"n": {"$gt": 1}}}, summed]


def _repeated(repeated: Repeated) -> Pipeline:
    """The records; one with several values once, whichever of them is repeated."""
    spread: Pipeline = []
    if len(repeated.fields) == 1:
        spread, field, where = _each_value(repeated.fields[0], repeated.where)
        repeated = Repeated((field,), where)
    counted: Stage = {"$setWindowFields": {"partitionBy": _key(repeated.fields), "output": {COUNT: {"$sum": 1}}}}
    found = [*spread, *_where(repeated.where), counted, {"$match": {COUNT: {"$gt": 1}}}]
    if not spread:
        return [*found, {"$unset": COUNT}]
    once: Stage = {"$group": {"_id": "$_id", "record": {"$first": "$$ROOT"}}}
    return [*found, once, {"$replaceWith": "$record"}, {"$unset": [COUNT, VALUE]}]


def _out_of_order(data: Slice, measure: OutOfOrder) -> Pipeline:
    by = data.ordered_by("MongoDB")
    if not is_plain(by):
        raise UnsupportedError("MongoDB", f"the order of {by.path!r}", "Sort by a field with a plain name.")
    before = {"$shift": {"output": reference(measure.field), "by": -1}}
    in_order = {f"${OPERATORS[measure.allowed]}": [reference(measure.field), f"${BEFORE}"]}
    return [
        *_where(_present(measure.field, measure.where)),
        {"$setWindowFields": {"sortBy": {by.path: 1, "_id": 1}, "output": {BEFORE: before}}},
        {"$match": {"$expr": {"$and": [{"$ne": [f"${BEFORE}", None]}, {"$not": [in_order]}]}}},
        {"$unset": BEFORE},
    ]


def _sorted_values(limit: int) -> Pipeline:
    return [{"$sort": {"_id": 1}}, {"$limit": limit}, {"$project": {"_id": 0, "v": "$_id"}}]


def _shown(fields: Sequence[Field], limit: int) -> Pipeline:
    if not fields:
        return [{"$limit": limit}]
    project: Stage = {"_id": 0} | {f"f{number}": shown(field) for number, field in enumerate(fields)}
    return [{"$limit": limit}, {"$project": project}]


_INDEXED: Mapping[Op, str] = {Op.EQ: "$eq", Op.GE: "$gte", Op.LT: "$lt"}
"""Comparisons a slice is made of; in a $match they are false of a null."""
