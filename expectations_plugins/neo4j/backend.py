"""Neo4j as the engine sees it: one read query per question, on the handle of the driver's home."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from expectations_plugins.backend import Slice, UnsupportedError
from expectations_plugins.expressions import Measure, Row, Sample, TopValues
from expectations_plugins.neo4j import compiler
from pipeline.stores.neo4j import Graph, plain

TIME_LIMIT = 60.0


class Neo4jBackend:
    """Asks one database.

    Args:
        graph: A handle from `pipeline.stores.neo4j.connect`.
    """

    store = "Neo4j"

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def ping(self) -> None:
        """Check that the server answers."""
        self.graph.read("RETURN 1 AS one", {}, doing="connecting", timeout=TIME_LIMIT)

    def close(self) -> None:
        """Close the driver."""
        self.graph.close()

    def check(self, measure: Measure) -> None:
        """Compile without running."""
        compiler.condition(measure.where, compiler.Cypher())

    def measure(self, data: Slice, measures: Sequence[Measure]) -> Sequence[Any]:
        """All measures in one row; over no nodes every count is 0."""
        found = self._ask(data, compiler.measure_query(data, measures), "counting")
        return [found[0].get(f"m{number}") or 0 for number in range(len(measures))]

    def sample(self, data: Slice, query: Sample) -> Sequence[Row]:
        """Nodes by their key; a missing property is absent."""
        found = self._ask(data, compiler.sample_query(data, query), "reading examples")
        names = {f"f{number}": field.path for number, field in enumerate(query.fields)}
        return [{names[key]: plain(value) for key, value in row.items() if value is not None} for row in found]

    def top_values(self, data: Slice, query: TopValues) -> Sequence[tuple[Any, int]]:
        """(value, count), most frequent first."""
        found = self._ask(data, compiler.top_values_query(data, query), "counting values")
        return [(plain(row["value"]), int(row["hits"])) for row in found]

    def columns(self, data: Slice) -> Sequence[str]:
        """Every property name of the slice, sorted: nodes share no schema."""
        found = self._ask(data, compiler.columns_query(data), "reading property names")
        return [row["name"] for row in found]

    def explain(self, data: Slice, query: Sample) -> str:
        """The query to paste into a Cypher shell, parameters first."""
        cypher = compiler.Cypher()
        where = compiler.match(data, cypher, query.where)
        parameters = json.dumps(cypher.parameters, default=str, ensure_ascii=False)
        return f":params {parameters}\n{where} RETURN n"

    def direct(self, metric: str, data: Slice, values: Mapping[str, Any]) -> Any:
        """Neo4j has no metrics of its own."""
        del data, values
        raise UnsupportedError(self.store, metric, "Use the store that has it.")

    def _ask(self, data: Slice, query: compiler.Cypher, doing: str) -> Sequence[Mapping[str, Any]]:
        doing = f"{doing} of label {data.target}"
        return self.graph.read(query.text, query.parameters, doing=doing, timeout=TIME_LIMIT)
