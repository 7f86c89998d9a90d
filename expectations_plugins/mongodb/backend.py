"""MongoDB as the engine sees it: one aggregation per question, on the handle of the driver's home."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from expectations_plugins.backend import Slice, UnsupportedError
from expectations_plugins.expressions import (
    Aggregate,
    Count,
    Distinct,
    Field,
    Measure,
    Repeated,
    RepeatedSample,
    Row,
    Sample,
    TopValues,
)
from expectations_plugins.mongodb import compiler
from pipeline.stores.mongodb import ERRORS, Database, plain

TIME_LIMIT_MS = 60_000


class MongoDBBackend:
    """Asks one database.

    Args:
        database: A handle from `pipeline.stores.mongodb.connect`.
    """

    store = "MongoDB"

    def __init__(self, database: Database) -> None:
        self.database = database

    def ping(self) -> None:
        """Check that the server answers."""
        with ERRORS.guard("connecting"):
            self.database.command("ping")

    def close(self) -> None:
        """Close the client."""
        self.database.client.close()

    def check(self, measure: Measure) -> None:
        """Compile without running."""
        compiler.condition(measure.where)

    def measure(self, data: Slice, measures: Sequence[Measure]) -> Sequence[Any]:
        """Counts and aggregates in one $group, and one more for each measure that groups by a value."""
        values: dict[str, Any] = {}
        together = [measure for measure in measures if isinstance(measure, Count | Aggregate)]
        if together:
            found = self._aggregate(data, compiler.measure_pipeline(data, together), "counting")
            row = found[0] if found else {}
            for number, measure in enumerate(together):
                values[repr(measure)] = plain(row.get(f"m{number}", 0 if isinstance(measure, Count) else None))
        for alone in (measure for measure in measures if isinstance(measure, Distinct | Repeated)):
            found = self._aggregate(data, compiler.grouped_pipeline(data, alone), "counting values")
            values[repr(alone)] = int(found[0]["m"]) if found else 0
        return [values[repr(measure)] for measure in measures]

    def sample(self, data: Slice, query: Sample) -> Sequence[Row]:
        """Records by _id."""
        return self._rows(data, compiler.sample_pipeline(data, query), query.fields)

    def repeated(self, data: Slice, query: RepeatedSample) -> Sequence[Row]:
        """Records that share their values, by _id."""
        return self._rows(data, compiler.repeated_pipeline(data, query), query.fields)

    def _rows(self, data: Slice, pipeline: compiler.Pipeline, fields: Sequence[Field]) -> Sequence[Row]:
        found = self._aggregate(data, pipeline, "reading examples")
        return [
            {field.path: plain(row[f"f{number}"]) for number, field in enumerate(fields) if f"f{number}" in row}
            for row in found
        ]

    def top_values(self, data: Slice, query: TopValues) -> Sequence[tuple[Any, int]]:
        """(value, count), most frequent first."""
        found = self._aggregate(data, compiler.top_values_pipeline(data, query), "counting values")
        return [(plain(row.get("_id")), int(row["n"])) for row in found]

    def columns(self, data: Slice) -> Sequence[str]:
        """Every top-level field name of the slice, sorted: documents share no schema."""
        found = self._aggregate(data, compiler.columns_pipeline(data), "reading field names")
        return sorted(str(row["_id"]) for row in found)

    def explain(self, data: Slice, query: Sample) -> str:
        """The aggregation to paste into mongosh."""
        pipeline = [*compiler.match(data), {"$match": {"$expr": compiler.condition(query.where)}}]
        return f"db.getCollection({json.dumps(data.target)}).aggregate({json.dumps(pipeline, default=str)})"

    def direct(self, metric: str, data: Slice, values: Mapping[str, Any]) -> Any:
        """MongoDB has no metrics of its own."""
        del data, values
        raise UnsupportedError(self.store, metric, "Use the store that has it.")

    def _aggregate(self, data: Slice, pipeline: list[dict[str, Any]], doing: str) -> list[dict[str, Any]]:
        with ERRORS.guard(f"{doing} in collection {data.target}"):
            collection = self.database.get_collection(data.target)
            with collection.aggregate(pipeline, maxTimeMS=TIME_LIMIT_MS) as cursor:
                return list(cursor)
