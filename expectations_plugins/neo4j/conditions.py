"""Conditions as Cypher; pure functions, golden in the tests.

Every value is a query parameter; labels, types and property names are quoted identifiers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
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
from expectations_plugins.conditions.value_types import IN_WORDS, as_date
from expectations_plugins.engine.backend import UnsupportedError, pattern_for

MIDNIGHT = time()


@dataclass(slots=True)
class Cypher:
    """A query and its parameters, which grow as conditions are compiled.

    Args:
        text: The query so far.
        parameters: The values its `$p0`, `$p1`, … stand for.
        ends: What else a field may belong to, by the first part of its path: an expression for each.
    """

    text: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    ends: Mapping[str, str] = field(default_factory=dict)

    def bind(self, value: Any) -> str:
        """A new parameter that holds the value."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = _sent(value)
        return f"${name}"

    def reference(self, of: Field) -> str:
        """A property of the record `n`, whose path is one name; or of one end of a relationship."""
        if len(of.parts) > 1 and of.parts[0] in self.ends:
            return f"{self.ends[of.parts[0]]}.{quoted('.'.join(of.parts[1:]))}"
        return f"n.{quoted('.'.join(of.parts))}"


def _sent(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_sent(part) for part in value]
    return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value


def quoted(name: str) -> str:
    r"""A label, type or property name as an identifier; a backtick in it is doubled.

    Neo4j reads `\u0060` anywhere in a query as a backtick, before it looks for names: so escapes are read first here.
    """
    while (read := _ESCAPE.sub(lambda found: chr(int(found[1], 16)), name)) != name:
        name = read  # what was read may be an escape again
    return "`" + name.replace("`", "``") + "`"


_ESCAPE = re.compile(r"\\u+([0-9A-Fa-f]{4})")


def written(value: Any) -> str:
    """A parameter's value as a person pastes it; dates have types of their own."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, datetime):
        return f"{'datetime' if value.tzinfo else 'localdatetime'}({json.dumps(value.isoformat())})"
    if isinstance(value, date):
        return f"date({json.dumps(value.isoformat())})"
    return json.dumps(value, default=str, ensure_ascii=False)


def condition(node: Condition, query: Cypher) -> str:
    """A condition on record `n` that is true or false.

    Raises:
        UnsupportedError: Cypher has no such condition.
    """
    compile_node = SUPPORTED.get(type(node))
    if compile_node is None:
        what = f"{IN_WORDS[type(node)]}: {UNSUPPORTED[type(node)]}"
        raise UnsupportedError("Neo4j", what, "Check it in MongoDB.")
    return compile_node(node, query)


def _always(node: Always, _: Cypher) -> str:
    return "true" if node.value else "false"


def _is_null(node: IsNull, query: Cypher) -> str:
    value = query.reference(node.field)
    return f"({value} IS NULL OR coalesce({value} <> {value}, false))"  # only a NaN differs from itself


def _is_text(node: IsText, query: Cypher) -> str:
    return f"coalesce({query.reference(node.field)} STARTS WITH '', false)"  # null of anything but text


def _has_type(node: HasType, query: Cypher) -> str:
    value = query.reference(node.field)
    names = [name for type_ in node.types for name in _TYPES[type_]]
    named = " OR ".join(f"valueType({value}) STARTS WITH '{name}'" for name in names) or "false"
    return f"(NOT {_is_null(IsNull(node.field), query)} AND ({named}))"


def _compare(node: Compare, query: Cypher) -> str:
    """Values of two kinds do not compare in Cypher: the answer is null, here false."""
    value = query.reference(node.field)
    if node.op is Op.NE:
        return f"({value} IS NOT NULL AND NOT {_compare(Compare(Op.EQ, node.field, node.value), query)})"
    compared = [(operator, query.bind(bound)) for operator, bound in comparisons(node.op, node.value)]
    parts = [f"coalesce({value} {operator} {bound}, false)" for operator, bound in compared]
    return f"({value} IS NOT NULL AND {parts[0] if len(parts) == 1 else '(' + ' OR '.join(parts) + ')'})"


def comparisons(op: Op, value: Any) -> list[tuple[str, Any]]:
    """A comparison with a date as one with each of the types Cypher has for it, which do not compare with each other.

    A day is its midnight: it is after nine o'clock of the day before, and not after nine of its own.
    """
    at = as_date(value)
    if at is None:
        return [(OPERATORS[op], value)]
    found: list[tuple[str, Any]] = [(OPERATORS[op], one) for one in (at, at.replace(tzinfo=None))]
    if at.time() == MIDNIGHT:
        found = [(OPERATORS[op], at.date()), *found]
    elif op is not Op.EQ:
        found = [(">" if op in (Op.GE, Op.GT) else "<=", at.date()), *found]
    return found if isinstance(value, date) else [(OPERATORS[op], value), *found]


def _text(of: Field, query: Cypher, *, shown: bool) -> str:
    """A field's text, and null of what is none."""
    value = query.reference(of)
    text = f"CASE WHEN {_is_text(IsText(of), query)} THEN {value}"
    if shown:
        integer, boolean = (f"valueType({value}) STARTS WITH '{name}'" for name in ("INTEGER", "BOOLEAN"))
        text += f" WHEN {integer} THEN toString({value})"
        text += f" WHEN {boolean} THEN CASE WHEN {value} THEN 'True' ELSE 'False' END"
    return f"{text} END"


def _compare_length(node: CompareLength, query: Cypher) -> str:
    length = f"size({_text(node.field, query, shown=node.shown)})"
    return f"coalesce({length} {OPERATORS[node.op]} {query.bind(node.value)}, false)"


def _compare_fields(node: CompareFields, query: Cypher) -> str:
    left, right = query.reference(node.left), query.reference(node.right)
    return f"({left} IS NOT NULL AND {right} IS NOT NULL AND coalesce({left} {OPERATORS[node.op]} {right}, false))"


def _compare_sum(node: CompareSum, query: Cypher) -> str:
    values = [query.reference(field) for field in node.fields]
    numbers = " AND ".join(_is_number(value) for value in values)
    total = " + ".join(values)  # what is no number cannot be added: the CASE keeps it from being tried
    return f"CASE WHEN {numbers} THEN {total} {OPERATORS[node.op]} {query.bind(node.value)} ELSE false END"


def _is_number(value: str) -> str:
    return f"coalesce({value} <= 0 OR {value} > 0, false)"


def _in_set(node: InSet, query: Cypher) -> str:
    value = query.reference(node.field)
    given = [value for value in node.values if value is not None and value == value]  # noqa: PLR0124 - a NaN
    values = [bound for one in given for _, bound in comparisons(Op.EQ, one)]
    return f"({value} IS NOT NULL AND coalesce({value} IN {query.bind(values)}, false))"


def _matches(node: Matches, query: Cypher) -> str:
    # =~ matches the whole text; a search is that with anything around it, newlines included.
    # There are servers that match a number's digits: so only what is text is matched.
    pattern = query.bind(f"(?s).*?(?-s:{pattern_for('Neo4j', node.pattern)}).*")
    return f"coalesce({_text(node.field, query, shown=node.shown)} =~ {pattern}, false)"


def _related(node: Related, query: Cypher) -> str:
    marker = f" WHERE t.{quoted(node.marker)} = {query.bind(True)}" if node.marker else ""
    return f"EXISTS {{ MATCH (n)-[:{quoted(node.relationship)}]->(t:{quoted(node.label)}){marker} }}"


def _any_element(node: AnyElement, query: Cypher) -> str:
    return condition(node.where, query)  # a property holds no documents: no path leads through a list


def _leads_through_list(_: LeadsThroughList, _query: Cypher) -> str:
    return "false"


def _not(node: Not, query: Cypher) -> str:
    return f"(NOT {condition(node.operand, query)})"


def _and(node: And, query: Cypher) -> str:
    return "(" + (" AND ".join(condition(part, query) for part in node.operands) or "true") + ")"


def _or(node: Or, query: Cypher) -> str:
    return "(" + (" OR ".join(condition(part, query) for part in node.operands) or "false") + ")"


OPERATORS: Mapping[Op, str] = {Op.EQ: "=", Op.NE: "<>", Op.LT: "<", Op.LE: "<=", Op.GT: ">", Op.GE: ">="}

_TYPES: Mapping[Type, tuple[str, ...]] = {
    Type.TEXT: ("STRING",),
    Type.INTEGER: ("INTEGER",),
    Type.FLOAT: ("FLOAT",),
    Type.DECIMAL: (),
    Type.BOOLEAN: ("BOOLEAN",),
    Type.DATETIME: ("ZONED DATETIME", "LOCAL DATETIME"),
    Type.DATE: ("DATE",),
    Type.LIST: ("LIST",),
    Type.MAP: ("MAP",),
    Type.BYTES: ("BYTEARRAY",),
    Type.OBJECT_ID: (),
}
"""How valueType() begins (Neo4j 5.13 and later)."""

SUPPORTED: Mapping[type, Callable[[Any, Cypher], str]] = {
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
    Related: _related,
    AnyElement: _any_element,
    LeadsThroughList: _leads_through_list,
    Not: _not,
    And: _and,
    Or: _or,
}
"""What Neo4j can compute; a condition that is not here is refused."""

UNSUPPORTED: Mapping[type, str] = {}
"""What it cannot, and why."""
