"""Questions as Cypher queries; pure functions, golden in the tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from expectations_plugins.conditions.expressions import (
    Aggregate,
    Always,
    And,
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
)
from expectations_plugins.engine.backend import Slice
from expectations_plugins.neo4j.conditions import OPERATORS, Cypher, comparisons, condition, quoted
from expectations_plugins.neo4j.sources import Source

PAGE = 1_000
"""Values in a row of `pages_query`."""

AGGREGATIONS: Mapping[Kind, str] = {
    Kind.COUNT: "count",
    Kind.MIN: "min",
    Kind.MAX: "max",
    Kind.SUM: "sum",
    Kind.MEAN: "avg",
}


def measure_query(source: Source, data: Slice, measures: Sequence[Count | Aggregate | Distinct]) -> Cypher:
    """All measures of a slice in one row; the n-th is column `m{n}`."""
    query = start(source, data)
    columns = [f"{aggregation(measure, query)} AS m{number}" for number, measure in enumerate(measures)]
    query.text += f" RETURN {', '.join(columns)}"
    return query


def aggregation(measure: Count | Aggregate | Distinct, query: Cypher) -> str:
    """A measure as an aggregating expression; Cypher's leave nulls out."""
    if isinstance(measure, Count):
        return f"sum(CASE WHEN {condition(measure.where, query)} THEN 1 ELSE 0 END)"
    wanted = condition(_present(measure.field, measure.where), query)
    value = f"CASE WHEN {wanted} THEN {query.reference(measure.field)} END"
    if isinstance(measure, Distinct):
        return f"count(DISTINCT {value})"
    if measure.kind is Kind.STDEV:  # Neo4j says 0 of a single value, where the sample's deviation is not defined
        return f"CASE WHEN count({value}) > 1 THEN stDev({value}) END"
    return f"{AGGREGATIONS[measure.kind]}({value})"


def alone_query(source: Source, data: Slice, measure: Repeated | OutOfOrder) -> Cypher:
    """A measure that needs a query of its own; its value is column `m`."""
    if isinstance(measure, OutOfOrder):
        query = _out_of_order(source, data, measure)
        query.text += " RETURN count(*) AS m"
        return query
    query = start(source, data, measure.where)
    query.text += f" WITH {_keys(measure, query)}, count(*) AS hits WHERE hits > 1 RETURN sum(hits) AS m"
    return query


def records_query(source: Source, data: Slice, asked: Records) -> Cypher:
    """Some records; the n-th field is `f{n}`, and no fields are the whole record as `record`."""
    if isinstance(asked, Sample):
        query = start(source, data, asked.where)
        return _shown(query, asked.fields, asked.limit, order=_order(source, data))
    if isinstance(asked, RepeatedSample):
        query = start(source, data, asked.repeated.where)
        keys = _keys(asked.repeated, query)
        query.text += f" WITH {keys}, collect(n) AS records WHERE size(records) > 1 UNWIND records AS n"
        return _shown(query, asked.fields, asked.limit, order=_order(source, data))
    return _shown(_out_of_order(source, data, asked.found), asked.fields, asked.limit, order="")


def stream_query(source: Source, data: Slice, asked: Sample) -> Cypher:
    """Records in no order, for a stream: sorting would keep the server busy before the first one."""
    return _shown(start(source, data, asked.where), asked.fields, asked.limit, order="")


def pages_query(source: Source, data: Slice, asked: Sample) -> Cypher:
    """A stream of one field, whose values are lists in column `page`: a row costs the driver more than a value.

    The server keeps what its records are, and reads their values a page at a time.
    """
    query = start(source, data, asked.where)
    value = query.reference(asked.fields[0])
    query.text += (
        f" WITH n LIMIT {query.bind(asked.limit)} WITH collect(n) AS found"
        f" UNWIND range(0, size(found) - 1, {PAGE}) AS place"
        f" RETURN [n IN found[place..place + {PAGE}] | {value}] AS page"
    )
    return query


def values_query(source: Source, data: Slice, asked: Values) -> Cypher:
    """Values of one field, as column `value`."""
    query = start(source, data, _present(asked.field, asked.where))
    value = query.reference(asked.field)
    if isinstance(asked, DistinctValues):
        query.text += f" RETURN DISTINCT {value} AS value ORDER BY value LIMIT {query.bind(asked.limit)}"
    elif isinstance(asked, Modes):
        query.text += (
            f" WITH {value} AS value, count(*) AS hits"
            " WITH max(hits) AS most, collect({value: value, hits: hits}) AS found"
            " UNWIND found AS one WITH one, most WHERE one.hits = most"
            f" RETURN one.value AS value ORDER BY value LIMIT {query.bind(asked.limit)}"
        )
    else:
        query.text += (
            f" WITH {value} AS value ORDER BY value WITH collect(value) AS found"
            f" UNWIND {query.bind(list(asked.ranks))} AS place RETURN found[place] AS value"
        )
    return query


def top_values_query(source: Source, data: Slice, top: TopValues) -> Cypher:
    """The most frequent values."""
    query = start(source, data, top.where)
    value, limit = query.reference(top.field), query.bind(top.limit)
    query.text += f" RETURN {value} AS value, count(*) AS hits ORDER BY hits DESC, value LIMIT {limit}"
    return query


def columns_query(source: Source, data: Slice) -> Cypher:
    """Names of the records' properties and the types they have."""
    query = start(source, data)
    query.text += (
        " UNWIND keys(n) AS name WITH name, split(valueType(n[name]), ' NOT NULL')[0] AS type"
        " RETURN name, collect(DISTINCT type) AS types ORDER BY name"
    )
    return query


def start(source: Source, data: Slice, more: Condition = Always(True)) -> Cypher:
    """The clauses that find a slice's records, with a further condition."""
    query = Cypher(ends=source.ends)
    parts = [*(data.where.operands if isinstance(data.where, And) else (data.where,))]
    texts = [_slice_part(part, query) for part in parts if part != Always(True)]
    if more != Always(True):
        texts.append(condition(more, query))
    query.text = source.text + (f" WHERE {' AND '.join(texts)}" if texts else "")
    return query


def _slice_part(part: Condition, query: Cypher) -> str:
    if isinstance(part, Compare) and part.op is not Op.NE:  # without the null check an index serves it
        value = query.reference(part.field)
        found = [f"{value} {operator} {query.bind(bound)}" for operator, bound in comparisons(part.op, part.value)]
        return found[0] if len(found) == 1 else f"({' OR '.join(found)})"
    return condition(part, query)


def _present(field: Field, where: Condition) -> Condition:
    return both(where, Not(IsNull(field)))


def _keys(repeated: Repeated, query: Cypher) -> str:
    values = [query.reference(field) for field in repeated.fields]
    if len(values) > 1:  # a NaN is as null as a null is
        nulls = [condition(IsNull(field), query) for field in repeated.fields]
        values = [f"CASE WHEN NOT {null} THEN {value} END" for null, value in zip(nulls, values, strict=True)]
    return ", ".join(f"{value} AS k{number}" for number, value in enumerate(values))


def _out_of_order(source: Source, data: Slice, measure: OutOfOrder) -> Cypher:
    query = start(source, data, _present(measure.field, measure.where))
    value, op = query.reference(measure.field), OPERATORS[measure.allowed]
    by = query.reference(data.ordered_by("Neo4j"))
    query.text += (
        f" WITH n ORDER BY {by} WITH collect(n) AS records"
        " UNWIND range(1, size(records) - 1) AS place WITH records[place - 1] AS n, records[place] AS after"
        f" WITH after, {value} AS before WITH after AS n, before WHERE NOT coalesce({value} {op} before, false)"
    )
    return query


def _order(source: Source, data: Slice) -> str:
    return f"n.{quoted(data.key)}" if data.key else source.identity


def _shown(query: Cypher, fields: Sequence[Field], limit: int, order: str) -> Cypher:
    sorted_by = f" ORDER BY {order}" if order else ""
    query.text += f" WITH n{sorted_by} LIMIT {query.bind(limit)} RETURN "
    columns = [f"{query.reference(field)} AS f{number}" for number, field in enumerate(fields)]
    query.text += ", ".join(columns) if columns else _whole(query)
    return query


def _whole(query: Cypher) -> str:
    ends = [f"properties({node}) AS {quoted(name)}" for name, node in query.ends.items()]
    return ", ".join(["properties(n) AS record", *ends])
