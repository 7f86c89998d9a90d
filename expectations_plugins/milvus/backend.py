"""Milvus as the engine sees it: counts by filter, reads by primary key, all at consistency Strong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from expectations_plugins.conditions.expressions import (
    Aggregate,
    Always,
    Asked,
    Compare,
    Condition,
    Count,
    Distinct,
    DistinctValues,
    Field,
    Measure,
    Modes,
    Op,
    OutOfOrder,
    OutOfOrderSample,
    Ranked,
    Records,
    Repeated,
    RepeatedSample,
    Row,
    Sample,
    TopValues,
    Values,
    both,
)
from expectations_plugins.engine.backend import Absent, Slice, UnsupportedError
from expectations_plugins.milvus import conditions, schema
from expectations_plugins.milvus.connection import MilvusClient, ensure_loaded, type_name
from expectations_plugins.milvus.errors import ERRORS
from expectations_plugins.milvus.filters import keys_filter
from expectations_plugins.milvus.vectors import Rule, judge

PAGE = 500
TIME_LIMIT = 60.0
MOST_ROWS = 16_384
"""The most rows one Milvus query gives."""

LISTING = """\
import math

def invalid(vector):
    return len(vector) != {dimension} or not all(map(math.isfinite, vector)) or not any(vector)

there, bad = set(), []
pages = client.query_iterator({target!r}, filter={where!r}, output_fields=[{key!r}, {vector!r}])
while rows := pages.next():
    there.update(row[{key!r}] for row in rows)
    bad.extend(row[{key!r}] for row in rows if invalid(row[{vector!r}]))
print(bad)  # a record that is not in `there` has no vector; a rollback leaves none
"""
"""Every invalid vector, page by page."""

FIRST_VECTOR = 100
"""Wire number of the first vector type."""

FLOAT_VECTOR = 101
"""Wire number of the one vector type whose components can be judged; the others come as bytes."""


WITHOUT: Mapping[type, str] = {
    Aggregate: "aggregates of a field",
    Distinct: "how many different values a field has",
    Repeated: "values that occur more than once",
    RepeatedSample: "values that occur more than once",
    OutOfOrder: "the order of records",
    OutOfOrderSample: "the order of records",
    Modes: "the most common values",
    DistinctValues: "the different values of a field",
    Ranked: "quantiles",
    TopValues: "the most frequent values",
}
"""What its queries cannot say: they filter and count, but do not group or sort."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """Names of the fields of a collection that the vector check reads."""

    key: str
    vector: str
    batch: str


class MilvusBackend:
    """Asks one database.

    Args:
        client: A client from `pipeline.stores.milvus.connect`, or what connects one when it is first needed.
    """

    store: ClassVar[str] = "Milvus"
    typed_fields: ClassVar[bool] = True

    def __init__(self, client: MilvusClient | Callable[[], MilvusClient]) -> None:
        self._client = client
        self._schemas: dict[Any, schema.Schema] = {}
        self._loaded: set[Any] = set()

    @property
    def client(self) -> MilvusClient:
        """The client. Milvus's connect at once; here a server that is down fails the first question, not sooner."""
        if not isinstance(self._client, MilvusClient):
            self._client = self._client()
        return self._client

    def ping(self) -> None:
        """Check that the server answers."""
        with ERRORS.guard("connecting"):
            self.client.list_collections(timeout=TIME_LIMIT)

    def close(self) -> None:
        """Close the client, if there is one."""
        if isinstance(self._client, MilvusClient):
            self._client.close()

    def absent(self, data: Slice) -> Absent | None:
        """The collection, if there is none; an alias is one."""
        name = str(data.target)
        self._schemas.pop(data.target, None)  # a check begins, and what was known may be of an older collection
        self._loaded.discard(data.target)
        with ERRORS.guard("listing collections"):
            if self.client.has_collection(name, timeout=TIME_LIMIT):
                return None
            return Absent("collection", name, self.client.list_collections(timeout=TIME_LIMIT))

    def check(self, asked: Asked) -> None:
        """Compile without running."""
        if not isinstance(asked, Count | Sample):
            raise UnsupportedError(self.store, WITHOUT[type(asked)], "Check it in MongoDB, or ask for a sample.")
        schema.check(asked.where)

    def measure(self, data: Slice, measures: Sequence[Measure]) -> Sequence[Any]:
        """One count(*) a measure: a Milvus query carries one filter."""
        return [self._count(data, measure) for measure in measures]

    def sample(self, data: Slice, query: Records) -> Sequence[Row]:
        """The rows Milvus finds first, which has no order of its own, sorted by the fields asked for."""
        self.check(query)
        assert isinstance(query, Sample)
        names = [conditions.reference(field) for field in query.fields] or self._scalars(data)
        where = self._where(data, query.where)
        rows = [] if where == Always(False) else self._query(data, _filter(where), names, limit=query.limit)
        found = [{name: row[name] for name in names if row.get(name) is not None} for row in rows]
        return sorted(found, key=lambda row: [str(row.get(name)) for name in names])

    def stream(self, data: Slice, query: Sample) -> Iterator[Row]:
        """Rows in bounded reads by key, which together may be more than one query gives."""
        names = [conditions.reference(field) for field in query.fields]
        where = self._where(data, query.where)
        if where == Always(False):
            return
        key, given = self._key(data), 0
        for keys in self._keys(data, key, where):
            for row in ({key: found} for found in keys) if names == [key] else self._rows(data, key, keys, names):
                if given == query.limit:
                    return
                given += 1
                yield {name: row[name] for name in names if row.get(name) is not None}

    def _rows(self, data: Slice, key: str, keys: Sequence[Any], names: list[str]) -> Iterator[dict[str, Any]]:
        """The fields of the rows that have these keys."""
        for start in range(0, len(keys), PAGE):
            asked = keys_filter(key, keys[start : start + PAGE])
            yield from self._query(data, asked, list({*names, key}), limit=PAGE)

    def values(self, data: Slice, query: Values) -> Sequence[Any]:
        """Milvus cannot group or sort."""
        del data
        self.check(query)
        return []

    def top_values(self, data: Slice, query: TopValues) -> Sequence[tuple[Any, int]]:
        """Milvus cannot group."""
        del data
        self.check(query)
        return []

    def columns(self, data: Slice) -> Mapping[str, str]:
        """Field names of the collection's schema and Milvus's names of their types."""
        return {str(field["name"]): type_name(field) for field in self._described(data)["fields"]}

    def _scalars(self, data: Slice) -> list[str]:
        return [str(field["name"]) for field in self._described(data)["fields"] if int(field["type"]) < FIRST_VECTOR]

    def explain(self, data: Slice, query: Sample) -> str:
        """The call to paste into Python."""
        where = _filter(self._where(data, query.where))
        return f"client.query({data.target!r}, filter={where!r}, output_fields=['*'], limit=16384)"

    def direct(self, metric: str, data: Slice, values: Mapping[str, Any]) -> Any:
        """The validity of an embedding batch's vectors."""
        if metric != "sluicegate.vectors.validity":
            raise UnsupportedError(self.store, metric, "Use the store that has it.")
        if data.allow_missing and self.absent(data) is not None:
            return self._of_none(values)
        vector = self._vector_field(data)
        columns = _Columns(self._key(data), str(vector["name"]), str(values["batch_field"]))
        rule = _rule(values)
        batch = str(values["embedding_batch_id"])
        rows = partial(self._vectors, data, columns, batch)
        pages = partial(self._vector_pages, data, columns, batch)
        found = judge(list(values["sample_ids"]), int(values["expected"]), rule, rows, pages).as_dict()
        return found | {
            "schema_dimension": int(vector["params"]["dim"]),
            "rejected": dict(values["rejected"] or {}),
            "query": self._listing(data, columns, batch, rule.dimension),
        }

    @staticmethod
    def _of_none(values: Mapping[str, Any]) -> dict[str, Any]:
        """The validity of vectors whose collection is missing and may be: each that was expected is missing."""
        rule = _rule(values)
        found = judge(
            list(values["sample_ids"]), int(values["expected"]), rule, lambda _: {}, lambda: iter(())
        ).as_dict()
        return found | {"schema_dimension": rule.dimension, "rejected": dict(values["rejected"] or {}), "query": None}

    def _listing(self, data: Slice, columns: _Columns, batch: str, dimension: int) -> str:
        """Python to paste, which lists every invalid vector of an embedding batch: no Milvus filter can."""
        where = conditions.filter_of(data, Compare(Op.EQ, Field.of(columns.batch), batch))
        return LISTING.format(
            target=data.target, where=where, key=columns.key, vector=columns.vector, dimension=dimension
        )

    def _vectors(self, data: Slice, columns: _Columns, batch: str, ids: Sequence[str]) -> dict[str, Sequence[float]]:
        """Vectors of this embedding batch, of the ids asked for, in bounded reads by key."""
        found: dict[str, Sequence[float]] = {}
        for start in range(0, len(ids), PAGE):
            where = keys_filter(columns.key, ids[start : start + PAGE])
            for row in self._query(data, where, [columns.key, columns.vector, columns.batch], limit=PAGE):
                if row[columns.batch] == batch:
                    found[row[columns.key]] = row[columns.vector]
        return found

    def _vector_pages(self, data: Slice, columns: _Columns, batch: str) -> Iterator[Mapping[str, Sequence[float]]]:
        written = Compare(Op.EQ, Field.of(columns.batch), batch)
        for keys in self._keys(data, columns.key, written):
            for start in range(0, len(keys), PAGE):
                yield self._vectors(data, columns, batch, keys[start : start + PAGE])

    def _keys(self, data: Slice, key: str, where: Condition) -> Iterator[Sequence[Any]]:
        """All keys that meet a condition, in bounded lists.

        A Milvus query with a limit gives any rows, in any order: a range of keys is complete only when it gave fewer
        than the limit, and is halved at one of its keys when it did not.
        """
        rows = self._query(data, _filter(where), [key], limit=MOST_ROWS)
        keys = sorted(row[key] for row in rows)
        if len(keys) < MOST_ROWS:
            yield keys
            return
        middle = keys[len(keys) // 2]
        for op in (Op.LT, Op.GE):
            yield from self._keys(data, key, both(where, Compare(op, Field.of(key), middle)))

    def _count(self, data: Slice, measure: Measure) -> int:
        where = self._where(data, measure.where)
        if where == Always(False):
            return 0
        rows = self._query(data, _filter(where), ["count(*)"])
        return int(rows[0]["count(*)"])

    def _where(self, data: Slice, more: Condition) -> Condition:
        """The slice and a further condition, without what the schema decides."""
        known = self._schemas.get(data.target)
        if known is None:
            known = self._schemas[data.target] = schema.read(self._described(data))
        return schema.simplified(both(data.where, more), known)

    def _query(self, data: Slice, where: str, names: list[str], limit: int | None = None) -> list[dict[str, Any]]:
        bound = {} if limit is None else {"limit": limit}
        if data.target not in self._loaded:
            ensure_loaded(self.client, str(data.target), timeout=TIME_LIMIT)
            self._loaded.add(data.target)
        with ERRORS.guard(f"reading collection {data.target}"):
            rows = self.client.query(
                str(data.target),
                filter=where,
                output_fields=names,
                timeout=TIME_LIMIT,
                consistency_level="Strong",
                **bound,
            )
        return [dict(row) for row in rows]

    def _described(self, data: Slice) -> dict[str, Any]:
        with ERRORS.guard(f"describing collection {data.target}"):
            return dict(self.client.describe_collection(str(data.target), timeout=TIME_LIMIT))

    def _key(self, data: Slice) -> str:
        return next(str(field["name"]) for field in self._described(data)["fields"] if field.get("is_primary"))

    def _vector_field(self, data: Slice) -> dict[str, Any]:
        for field in self._described(data)["fields"]:
            if int(field["type"]) == FLOAT_VECTOR:
                return dict(field)
        raise UnsupportedError(self.store, f"the vectors of {data.target}", "Only FLOAT_VECTOR fields can be judged.")


def _rule(values: Mapping[str, Any]) -> Rule:
    return Rule(
        dimension=int(values["dimension"]),
        threshold=float(values["threshold"]),
        min_invalid=int(values["min_invalid"]),
        exact_scan=bool(values["exact_scan"]),
    )


def _filter(where: Condition) -> str:
    return "" if where == Always(True) else conditions.condition(where)
