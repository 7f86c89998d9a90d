"""What an asset of Neo4j is: nodes, relationships, or what a query returns. Each gives records called `n`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from expectations_plugins.neo4j.conditions import quoted


@dataclass(frozen=True, slots=True)
class Source:
    """Where the records come from.

    Args:
        text: The clauses that bind each record to `n`; a WHERE may follow.
        ends: Further things a field may belong to, see `Cypher`.
        identity: An expression that names a record where the asset has no key; "" when there is none.
        name: For messages.
        columns: The columns a query returns, in its order.
        names: The labels and types it needs: what each is, and its name.
    """

    text: str
    ends: Mapping[str, str] = field(default_factory=dict)
    identity: str = "elementId(n)"
    name: str = ""
    columns: tuple[str, ...] = ()
    names: tuple[tuple[str, str], ...] = ()


LABEL, RELATIONSHIP = "label", "relationship type"

KNOWN = {
    LABEL: "CALL db.labels() YIELD label RETURN label AS name",
    RELATIONSHIP: "CALL db.relationshipTypes() YIELD relationshipType RETURN relationshipType AS name",
}
"""How the names are asked for that nodes, relationships, constraints and indexes have."""


def one(kind: str, name: str) -> str:
    """A query for one node or relationship with a name: cheap, and needs no right to call procedures."""
    pattern = f"(n:{quoted(name)})" if kind == LABEL else f"()-[n:{quoted(name)}]->()"
    return f"MATCH {pattern} RETURN 1 AS one LIMIT 1"


def nodes(label: str) -> Source:
    """The nodes with a label."""
    return Source(f"MATCH (n:{quoted(label)})", name=f"label {label}", names=((LABEL, label),))


def relationships(type_: str, start: str = "", end: str = "") -> Source:
    """The relationships of a type; `start.x` and `end.x` are properties of the nodes they join."""
    left, right = (f":{quoted(label)}" if label else "" for label in (start, end))
    return Source(
        f"MATCH ({left})-[n:{quoted(type_)}]->({right})",
        ends={"start": "startNode(n)", "end": "endNode(n)"},
        name=f"relationship {type_}",
        names=((RELATIONSHIP, type_), *((LABEL, label) for label in (start, end) if label)),
    )


def returned(query: str, columns: Sequence[str]) -> Source:
    """What a query returns, each row as a map of its columns."""
    row = ", ".join(f"{quoted(column)}: {quoted(column)}" for column in columns)
    text = f"{subquery(query)} WITH {{{row}}} AS n"
    return Source(text, identity="", name="the query", columns=tuple(columns))


def subquery(query: str) -> str:
    """A query as a part of another one; a comment at its end stays in its line."""
    return f"CALL {{ {query}\n}}"
