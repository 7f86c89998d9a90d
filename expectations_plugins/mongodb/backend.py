"""MongoDB as the engine sees it: one aggregation per question, on the handle of the driver's home."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, TypeGuard

from expectations_plugins.conditions.expressions import (
    Aggregate,
    Asked,
    Count,
    Distinct,
    Field,
    LeadsThroughList,
    Measure,
    OutOfOrder,
    Ranked,
    Records,
    Repeated,
    Row,
    Sample,
    TopValues,
    Values,
    both,
    condition_of,
)
from expectations_plugins.engine.backend import Absent, Slice, UnsupportedError, value_of_no_records
from expectations_plugins.mongodb import complements, conditions, queries, shell
from expectations_plugins.mongodb.connection import Database
from expectations_plugins.mongodb.errors import ERRORS
from expectations_plugins.mongodb.values import plain

TIME_LIMIT_MS = 60_000


class MongoDBBackend:
    """Asks one database.

    Args:
        database: A handle from `pipeline.stores.mongodb.connect`.
    """

    store: ClassVar[str] = "MongoDB"
    typed_fields: ClassVar[bool] = False

    def __init__(self, database: Database) -> None:
        self.database = database

    def ping(self) -> None:
        """Check that the server answers."""
        with ERRORS.guard("connecting"):
            self.database.command("ping")

    def close(self) -> None:
        """Close the client."""
        self.database.client.close()

    def absent(self, data: Slice) -> Absent | None:
        """The collection, if there is none; one that was created and is empty is there, and so is a view."""
        name = str(data.target)
        with ERRORS.guard("listing collections"):
            if self.database.list_collection_names(filter={"name": name}, authorizedCollections=True):
                return None
            known = self.database.list_collection_names(authorizedCollections=True)
        return Absent("collection", name, known, f"database {self.database.name}")

    def check(self, asked: Asked) -> None:
        """Compile without running."""
        conditions.condition(condition_of(asked))

    def measure(self, data: Slice, measures: Sequence[Measure]) -> Sequence[Any]:
        """Counts and aggregates in one $group; one more for each path of several names, and for each that groups."""
        nested = _aggregates_of_paths(measures)
        counted = [one for one in measures if isinstance(one, Count | Aggregate) and not _is_of_path(one)]
        together, followed = complements.plan(counted)
        values: dict[str, Any] = {}
        if together:
            values |= self._grouped(data, queries.measure_pipeline(data, together), together)
        values |= {asked: difference.of(values) for asked, difference in followed.items()}
        for field, aggregates in nested.items():
            values |= self._grouped(data, queries.values_measure_pipeline(data, field, aggregates), aggregates)
        for alone in measures:
            if isinstance(alone, Distinct | Repeated | OutOfOrder):
                self._check_order(data, alone)
                found = self._aggregate(data, queries.alone_pipeline(data, alone), "counting values")
                values[repr(alone)] = int(found[0]["m"]) if found else 0
        return [values[repr(measure)] for measure in measures]

    def _grouped(self, data: Slice, pipeline: queries.Pipeline, measures: Sequence[Measure]) -> dict[str, Any]:
        found = self._aggregate(data, pipeline, "counting")
        row = found[0] if found else {}  # $group says nothing of no documents
        named = ((f"m{number}", measure) for number, measure in enumerate(measures))
        return {repr(measure): plain(row.get(name, value_of_no_records(measure))) for name, measure in named}

    def _check_order(self, data: Slice, measure: Distinct | Repeated | OutOfOrder) -> None:
        """Refuse an order by a field that has several values in a record: MongoDB would take the smallest."""
        if not isinstance(measure, OutOfOrder) or len((by := data.ordered_by(self.store)).parts) == 1:
            return
        [records] = self.measure(data, [Count(both(measure.where, LeadsThroughList(by)))])
        if records:
            what = f"the order of {by.path!r}, whose path leads through a list in {records:,} records"
            raise UnsupportedError(self.store, what, "Sort by a field that has one value in each record.")

    def sample(self, data: Slice, query: Records) -> Sequence[Row]:
        """Records by _id, or in the order a question is about."""
        found = self._aggregate(data, queries.records_pipeline(data, query), "reading examples")
        return [_row(row, query.fields) for row in found]

    def stream(self, data: Slice, query: Sample) -> Iterator[Row]:
        """Records as the cursor gives them."""
        with ERRORS.guard(f"reading collection {data.target}"):
            collection = self.database.get_collection(str(data.target))
            with collection.aggregate(queries.stream_pipeline(data, query), maxTimeMS=TIME_LIMIT_MS) as cursor:
                for row in cursor:
                    yield _row(row, query.fields)

    def values(self, data: Slice, query: Values) -> Sequence[Any]:
        """Values of one field."""
        found = self._aggregate(data, queries.values_pipeline(data, query), "reading values")
        if isinstance(query, Ranked):
            found = [place[0] for number, _ in enumerate(query.ranks) if (place := found[0][f"r{number}"])]
        return [plain(row["v"]) for row in found]

    def top_values(self, data: Slice, query: TopValues) -> Sequence[tuple[Any, int]]:
        """(value, count), most frequent first."""
        found = self._aggregate(data, queries.top_values_pipeline(data, query), "counting values")
        return [(plain(row.get("_id")), int(row["n"])) for row in found]

    def columns(self, data: Slice) -> Mapping[str, str]:
        """Every top-level field name of the slice by its place in the documents, and BSON's names of its types."""
        found = self._aggregate(data, queries.columns_pipeline(data), "reading field names")
        return {str(row["_id"]): ", ".join(sorted(row["types"])) for row in found}

    def explain(self, data: Slice, query: Sample) -> str:
        """The aggregation to paste into mongosh."""
        pipeline = [*queries.match(data), {"$match": {"$expr": conditions.condition(query.where)}}]
        return f"db.getCollection({shell.text(data.target)}).aggregate({shell.text(pipeline)})"

    def direct(self, metric: str, data: Slice, values: Mapping[str, Any]) -> Any:
        """MongoDB has no metrics of its own."""
        del data, values
        raise UnsupportedError(self.store, metric, "Use the store that has it.")

    def _aggregate(self, data: Slice, pipeline: list[dict[str, Any]], doing: str) -> list[dict[str, Any]]:
        with ERRORS.guard(f"{doing} in collection {data.target}"):
            collection = self.database.get_collection(str(data.target))
            with collection.aggregate(pipeline, maxTimeMS=TIME_LIMIT_MS, allowDiskUse=True) as cursor:
                return list(cursor)


def _row(row: Mapping[str, Any], fields: Sequence[Field]) -> Row:
    if not fields:
        return {str(name): plain(value) for name, value in row.items()}
    return {field.path: plain(row[f"f{number}"]) for number, field in enumerate(fields) if f"f{number}" in row}


def _is_of_path(measure: Measure) -> TypeGuard[Aggregate]:
    return isinstance(measure, Aggregate) and len(measure.field.parts) > 1


def _aggregates_of_paths(measures: Sequence[Measure]) -> dict[Field, list[Aggregate]]:
    found: dict[Field, list[Aggregate]] = {}
    for measure in measures:
        if _is_of_path(measure):
            found.setdefault(measure.field, []).append(measure)
    return found
