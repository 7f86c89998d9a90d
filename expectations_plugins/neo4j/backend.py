"""Neo4j as the engine sees it: one read query per question, on the handle of the driver's home."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from expectations_plugins.backend import Slice, UnsupportedError
from expectations_plugins.expressions import (
    Aggregate,
    Field,
    Measure,
    Repeated,
    RepeatedSample,
    Row,
    Sample,
    TopValues,
)
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
        """All measures in one row, but for those that group by several fields: one query each."""
        values: dict[str, Any] = {}
        together = [measure for measure in measures if not isinstance(measure, Repeated)]
        if together:
            [row] = self._ask(data, compiler.measure_query(data, together), "counting")
            for number, measure in enumerate(together):
                value = plain(row.get(f"m{number}"))
                values[repr(measure)] = value if isinstance(measure, Aggregate) else int(value or 0)
        for alone in (measure for measure in measures if isinstance(measure, Repeated)):
            found = self._ask(data, compiler.repeated_query(data, alone), "counting values")
            values[repr(alone)] = int(found[0]["m"] or 0) if found else 0
        return [values[repr(measure)] for measure in measures]

    def sample(self, data: Slice, query: Sample) -> Sequence[Row]:
        """Nodes by their key; a missing property is absent."""
        return self._rows(data, compiler.sample_query(data, query), query.fields)

    def repeated(self, data: Slice, query: RepeatedSample) -> Sequence[Row]:
        """Nodes that share their values, by their key."""
        return self._rows(data, compiler.repeated_sample_query(data, query), query.fields)

    def _rows(self, data: Slice, query: compiler.Cypher, fields: Sequence[Field]) -> Sequence[Row]:
        found = self._ask(data, query, "reading examples")
        names = {f"f{number}": field.path for number, field in enumerate(fields)}
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
