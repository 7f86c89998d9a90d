"""Conditions and measures as Cypher; pure functions, golden in the tests.

Every value is a query parameter; labels, types and property names are quoted identifiers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Cypher:
    """A query and its parameters, which grow as conditions are compiled."""

    text: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)

    def bind(self, value: Any) -> str:
        """A new parameter that holds the value."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}"


def quoted(name: str) -> str:
    """A label, type or property name as an identifier; a backtick in it is doubled."""
    return "`" + name.replace("`", "``") + "`"


def condition(node: Condition, query: Cypher) -> str:
    """A condition on node `n` that is true or false.

    Raises:
        UnsupportedError: Cypher has no such condition.
    """
    compile_node = SUPPORTED.get(type(node))
    if compile_node is None:
        raise UnsupportedError("Neo4j", f"a condition on {type(node).__name__}", "Check it in the store that has it.")
    return compile_node(node, query)


def measure_query(data: Slice, measures: Sequence[Count | Aggregate | Distinct]) -> Cypher:
    """All measures of a slice in one row; the n-th is column `m{n}`."""
    query = Cypher()
    where = match(data, query)
    columns = [f"{aggregation(measure, query)} AS m{number}" for number, measure in enumerate(measures)]
    query.text = f"{where} RETURN {', '.join(columns)}"
    return query


def aggregation(measure: Count | Aggregate | Distinct, query: Cypher) -> str:
    """A measure as an aggregating expression; Cypher's leave nulls out."""
    if isinstance(measure, Count):
        return f"sum(CASE WHEN {condition(measure.where, query)} THEN 1 ELSE 0 END)"
    wanted = condition(both(measure.where, Not(IsNull(measure.field))), query)
    value = f"CASE WHEN {wanted} THEN {reference(measure.field)} END"
    if isinstance(measure, Distinct):
        return f"count(DISTINCT {value})"
    if measure.kind is Kind.STDEV:  # Neo4j says 0 of a single value, where the sample's deviation is not defined
        return f"CASE WHEN count({value}) > 1 THEN stDev({value}) END"
    return f"{_AGGREGATIONS[measure.kind]}({value})"


def repeated_query(data: Slice, measure: Repeated) -> Cypher:
    """How many nodes share their values."""
    query = Cypher()
    where = match(data, query, measure.where)
    keys = ", ".join(f"{reference(field)} AS k{number}" for number, field in enumerate(measure.fields))
    query.text = f"{where} WITH {keys}, count(*) AS hits WHERE hits > 1 RETURN sum(hits) AS m"
    return query


def repeated_sample_query(data: Slice, sample: RepeatedSample) -> Cypher:
    """Some nodes that share their values, by their key."""
    query = Cypher()
    where = match(data, query, sample.repeated.where)
    keys = ", ".join(f"{reference(field)} AS k{number}" for number, field in enumerate(sample.repeated.fields))
    shared = f"WITH {keys}, collect(n) AS nodes WHERE size(nodes) > 1 UNWIND nodes AS n"
    query.text = f"{where} {shared} {_shown(data, sample.fields, sample.limit, query)}"
    return query


def sample_query(data: Slice, sample: Sample) -> Cypher:
    """Some nodes, by their key."""
    query = Cypher()
    where = match(data, query, sample.where)
    query.text = f"{where} {_shown(data, sample.fields, sample.limit, query)}"
    return query


def top_values_query(data: Slice, top: TopValues) -> Cypher:
    """The most frequent values."""
    query = Cypher()
    where = match(data, query, top.where)
    limit = query.bind(top.limit)
    query.text = (
        f"{where} RETURN {reference(top.field)} AS value, count(*) AS hits ORDER BY hits DESC, value LIMIT {limit}"
    )
    return query


def columns_query(data: Slice) -> Cypher:
    """Property names of a slice's nodes."""
    query = Cypher()
    where = match(data, query)
    query.text = f"{where} UNWIND keys(n) AS name RETURN DISTINCT name ORDER BY name"
    return query


def match(data: Slice, query: Cypher, more: Condition | None = None) -> str:
    """The MATCH clause of a slice, with a further condition."""
    parts = [part for part in (data.where, more) if part is not None and part != Always(True)]
    text = f"MATCH (n:{quoted(data.target)})"
    if not parts:
        return text
    return f"{text} WHERE {' AND '.join(_slice_part(part, query) for part in parts)}"


def reference(field_: Field) -> str:
    """A property of `n`; properties are flat, so a dotted path is one name."""
    return f"n.{quoted(field_.path)}"


def _shown(data: Slice, fields: Sequence[Field], limit: int, query: Cypher) -> str:
    columns = ", ".join(f"{reference(field)} AS f{number}" for number, field in enumerate(fields))
    order = f"n.{quoted(data.key)}" if data.key else "elementId(n)"
    return f"WITH n ORDER BY {order} LIMIT {query.bind(limit)} RETURN {columns}"


def _slice_part(node: Condition, query: Cypher) -> str:
    if isinstance(node, Compare) and node.op is Op.EQ:  # without the null check an index serves it
        return f"{reference(node.field)} = {query.bind(node.value)}"
    return condition(node, query)


def _always(node: Always, _: Cypher) -> str:
    return "true" if node.value else "false"


def _is_null(node: IsNull, _: Cypher) -> str:
    value = reference(node.field)
    return f"({value} IS NULL OR coalesce({value} <> {value}, false))"  # only a NaN differs from itself


def _is_text(node: IsText, _: Cypher) -> str:
    return f"coalesce({reference(node.field)} STARTS WITH '', false)"  # null of anything but text


def _compare(node: Compare, query: Cypher) -> str:
    value = reference(node.field)
    compared = f"{value} {_OPERATORS[node.op]} {query.bind(node.value)}"
    return f"({value} IS NOT NULL AND coalesce({compared}, false))"


def _compare_length(node: CompareLength, query: Cypher) -> str:
    text = _is_text(IsText(node.field), query)
    length = f"CASE WHEN {text} THEN size({reference(node.field)}) END"
    return f"coalesce({length} {_OPERATORS[node.op]} {query.bind(node.value)}, false)"


def _compare_fields(node: CompareFields, _: Cypher) -> str:
    left, right = reference(node.left), reference(node.right)
    return f"({left} IS NOT NULL AND {right} IS NOT NULL AND coalesce({left} {_OPERATORS[node.op]} {right}, false))"


def _in_set(node: InSet, query: Cypher) -> str:
    value = reference(node.field)
    return f"({value} IS NOT NULL AND coalesce({value} IN {query.bind(list(node.values))}, false))"


def _matches(node: Matches, query: Cypher) -> str:
    # =~ matches the whole text; a search is that with anything around it, newlines included
    pattern = query.bind(f"(?s).*?(?-s:{node.pattern}).*")
    text = _is_text(IsText(node.field), query)  # there are servers that match a number's digits
    return f"({text} AND coalesce({reference(node.field)} =~ {pattern}, false))"


def _related(node: Related, query: Cypher) -> str:
    marker = f" WHERE t.{quoted(node.marker)} = {query.bind(True)}" if node.marker else ""
    return f"EXISTS {{ MATCH (n)-[:{quoted(node.relationship)}]->(t:{quoted(node.label)}){marker} }}"


def _not(node: Not, query: Cypher) -> str:
    return f"(NOT {condition(node.operand, query)})"


def _and(node: And, query: Cypher) -> str:
    return "(" + (" AND ".join(condition(part, query) for part in node.operands) or "true") + ")"


def _or(node: Or, query: Cypher) -> str:
    return "(" + (" OR ".join(condition(part, query) for part in node.operands) or "false") + ")"


_OPERATORS: Mapping[Op, str] = {Op.EQ: "=", Op.NE: "<>", Op.LT: "<", Op.LE: "<=", Op.GT: ">", Op.GE: ">="}

_AGGREGATIONS: Mapping[Kind, str] = {
    Kind.MIN: "min",
    Kind.MAX: "max",
    Kind.SUM: "sum",
    Kind.MEAN: "avg",
}

SUPPORTED: Mapping[type, Callable[[Any, Cypher], str]] = {
    Always: _always,
    IsNull: _is_null,
    IsText: _is_text,
    Compare: _compare,
    CompareLength: _compare_length,
    CompareFields: _compare_fields,
    InSet: _in_set,
    Matches: _matches,
    Related: _related,
    Not: _not,
    And: _and,
    Or: _or,
}
"""What Neo4j can compute; a condition that is not here is refused."""

UNSUPPORTED: Mapping[type, str] = {}
"""What it cannot, and why."""
