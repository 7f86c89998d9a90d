"""Neo4j as the engine sees it: one read query per question, on the handle of the driver's home."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from expectations_plugins.conditions.expressions import (
    Aggregate,
    Asked,
    Field,
    Measure,
    OutOfOrder,
    Records,
    Repeated,
    Row,
    Sample,
    TopValues,
    Values,
    condition_of,
)
from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.engine.backend import Absent, Slice, UnsupportedError
from expectations_plugins.neo4j import conditions, queries, sources
from expectations_plugins.neo4j.conditions import Cypher
from expectations_plugins.neo4j.connection import FETCHED, Graph
from expectations_plugins.neo4j.sources import Source
from expectations_plugins.neo4j.values import plain

TIME_LIMIT = 60.0


class Neo4jBackend:
    """Asks one database.

    Args:
        graph: A handle from `pipeline.stores.neo4j.connect`.
    """

    store: ClassVar[str] = "Neo4j"
    typed_fields: ClassVar[bool] = False

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._queries: dict[str, list[str]] = {}

    def ping(self) -> None:
        """Check that the server answers."""
        self.graph.read("RETURN 1 AS one", {}, doing="connecting", timeout=TIME_LIMIT)

    def close(self) -> None:
        """Close the driver."""
        self.graph.close()

    def absent(self, data: Slice) -> Absent | None:
        """A label or type that no node, relationship, constraint or index has."""
        for kind, name in self._names(data):
            doing = f"looking for {kind} {name}"
            if self.graph.read(sources.one(kind, name), {}, doing=doing, timeout=TIME_LIMIT):
                continue
            found = self.graph.read(sources.KNOWN[kind], {}, doing=doing, timeout=TIME_LIMIT)
            known = [str(row["name"]) for row in found]
            if name not in known:
                return Absent(kind, name, known)
        return None

    def _names(self, data: Slice) -> Sequence[tuple[str, str]]:
        """The labels and types a slice needs; of those in a query, the ones its server says are unknown."""
        if isinstance(data.target, str) or "query" not in data.target:
            return self._source(data).names
        query = data.target["query"]
        explained = self.graph.explain(query, doing="reading the query", timeout=TIME_LIMIT)
        if explained.writes:
            raise ConfigurationError(
                "Neo4j: the query of an asset changes data, which a check must not.",
                next_step="Give a query that only reads: MATCH … RETURN ….",
            )
        self.graph.explain(f"{sources.subquery(query)} RETURN *", doing="reading the query", timeout=TIME_LIMIT)
        # what it returns without a name that is unknown, only the query can say
        return () if data.allow_missing else explained.unknown

    def check(self, asked: Asked) -> None:
        """Compile without running."""
        conditions.condition(condition_of(asked), Cypher())

    def measure(self, data: Slice, measures: Sequence[Measure]) -> Sequence[Any]:
        """All measures in one row, but for those that group by several fields: one query each."""
        values: dict[str, Any] = {}
        together = [measure for measure in measures if not isinstance(measure, Repeated | OutOfOrder)]
        if together:
            [row] = self._ask(data, queries.measure_query(self._source(data), data, together), "counting")
            for number, measure in enumerate(together):
                value = plain(row.get(f"m{number}"))
                values[repr(measure)] = value if isinstance(measure, Aggregate) else int(value or 0)
        for alone in (measure for measure in measures if isinstance(measure, Repeated | OutOfOrder)):
            found = self._ask(data, queries.alone_query(self._source(data), data, alone), "counting values")
            values[repr(alone)] = int(found[0]["m"] or 0) if found else 0
        return [values[repr(measure)] for measure in measures]

    def sample(self, data: Slice, query: Records) -> Sequence[Row]:
        """Records by their key, or in the order a question is about; a missing property is absent."""
        found = self._ask(data, queries.records_query(self._source(data), data, query), "reading examples")
        return [_row(row, query.fields) for row in found]

    def stream(self, data: Slice, query: Sample) -> Iterator[Row]:
        """Records as the server gives them."""
        source = self._source(data)
        is_paged = len(query.fields) == 1 and bool(source.identity)  # a query's rows would be kept whole by the server
        asked = (queries.pages_query if is_paged else queries.stream_query)(source, data, query)
        doing, at_once = f"reading {source.name}", 1 if is_paged else FETCHED
        for row in self.graph.stream(asked.text, asked.parameters, doing=doing, timeout=TIME_LIMIT, at_once=at_once):
            if is_paged:
                yield from (_row({"f0": value}, query.fields) for value in row["page"])
            else:
                yield _row(row, query.fields)

    def values(self, data: Slice, query: Values) -> Sequence[Any]:
        """Values of one property."""
        found = self._ask(data, queries.values_query(self._source(data), data, query), "reading values")
        return [plain(row["value"]) for row in found]

    def top_values(self, data: Slice, query: TopValues) -> Sequence[tuple[Any, int]]:
        """(value, count), most frequent first."""
        found = self._ask(data, queries.top_values_query(self._source(data), data, query), "counting values")
        return [(plain(row["value"]), int(row["hits"])) for row in found]

    def columns(self, data: Slice) -> Mapping[str, str]:
        """Property names of the slice and Cypher's names of their types; sorted, but for a query's columns."""
        source = self._source(data)
        found = self._ask(data, queries.columns_query(source, data), "reading property names")
        types = {row["name"]: ", ".join(sorted(row["types"])) for row in found}
        return {name: types.get(name, "NULL") for name in source.columns} or types

    def explain(self, data: Slice, query: Sample) -> str:
        """The query to paste into a Cypher shell, parameters first."""
        cypher = queries.start(self._source(data), data, query.where)
        parameters = ", ".join(f"{name}: {conditions.written(value)}" for name, value in cypher.parameters.items())
        return f":params {{{parameters}}}\n{cypher.text} RETURN n;"

    def direct(self, metric: str, data: Slice, values: Mapping[str, Any]) -> Any:
        """Neo4j has no metrics of its own."""
        del data, values
        raise UnsupportedError(self.store, metric, "Use the store that has it.")

    def _source(self, data: Slice) -> Source:
        if isinstance(data.target, str):
            return sources.nodes(data.target)
        if "query" in data.target:
            return self._returned(data.target["query"])
        return sources.relationships(data.target["relationship"], data.target["start"], data.target["end"])

    def _returned(self, query: str) -> Source:
        if query not in self._queries:  # its columns are known only when it runs
            columns = self.graph.explain(query, doing="reading the query", timeout=TIME_LIMIT).columns
            if not columns:
                text = f"{sources.subquery(query)} RETURN * LIMIT 1"
                rows = self.graph.read(text, {}, doing="reading the query's columns", timeout=TIME_LIMIT)
                if not rows:
                    return sources.returned(query, [])
                columns = tuple(rows[0])
            self._queries[query] = list(columns)
        return sources.returned(query, self._queries[query])

    def _ask(self, data: Slice, query: Cypher, doing: str) -> Sequence[Mapping[str, Any]]:
        doing = f"{doing} of {self._source(data).name}"
        return self.graph.read(query.text, query.parameters, doing=doing, timeout=TIME_LIMIT)


def _row(row: Mapping[str, Any], fields: Sequence[Field]) -> Row:
    if fields:
        return {
            field.path: plain(value) for number, field in enumerate(fields) if (value := row[f"f{number}"]) is not None
        }
    ends = {f"{end}.{name}": value for end in ("start", "end") for name, value in (row.get(end) or {}).items()}
    return {name: plain(value) for name, value in {**row["record"], **ends}.items()}
