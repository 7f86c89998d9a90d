"""Milvus as the engine sees it: counts by filter, reads by primary key, all at consistency Strong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from expectations_plugins.backend import Slice, UnsupportedError
from expectations_plugins.expressions import Compare, Field, Measure, Op, Row, Sample, TopValues, both
from expectations_plugins.milvus import compiler
from expectations_plugins.milvus.vectors import Rule, judge
from pipeline.errors import TerminalError
from pipeline.stores.milvus import ERRORS, MilvusClient

PAGE = 500
TIME_LIMIT = 60.0
VECTOR_TYPES = frozenset({100, 101, 102, 103})  # wire numbers: binary, float, float16, bfloat16


class MilvusBackend:
    """Asks one database.

    Args:
        client: A client from `pipeline.stores.milvus.connect`.
    """

    store = "Milvus"

    def __init__(self, client: MilvusClient) -> None:
        self.client = client

    def ping(self) -> None:
        """Check that the server answers."""
        with ERRORS.guard("connecting"):
            self.client.list_collections(timeout=TIME_LIMIT)

    def close(self) -> None:
        """Close the client."""
        self.client.close()

    def check(self, measure: Measure) -> None:
        """Compile without running."""
        compiler.condition(measure.where)

    def measure(self, data: Slice, measures: Sequence[Measure]) -> Sequence[Any]:
        """One count(*) a measure: a Milvus query carries one filter."""
        return [self._count(data, measure) for measure in measures]

    def sample(self, data: Slice, query: Sample) -> Sequence[Row]:
        """Rows by primary key."""
        names = [compiler.reference(field) for field in query.fields]
        rows = self._query(data, compiler.filter_of(data, query.where), names, limit=query.limit)
        return [{name: row[name] for name in names if row.get(name) is not None} for row in rows]

    def top_values(self, data: Slice, query: TopValues) -> Sequence[tuple[Any, int]]:
        """Milvus cannot group."""
        del data, query
        raise UnsupportedError(self.store, "the most frequent values", "Ask for a sample instead.")

    def columns(self, data: Slice) -> Sequence[str]:
        """Field names of the collection's schema."""
        return [str(field["name"]) for field in self._schema(data)["fields"]]

    def explain(self, data: Slice, query: Sample) -> str:
        """The call to paste into Python."""
        where = compiler.filter_of(data, query.where)
        return f"client.query({data.target!r}, filter={where!r}, output_fields=['*'], limit=16384)"

    def direct(self, metric: str, data: Slice, values: Mapping[str, Any]) -> Any:
        """The validity of an embedding batch's vectors."""
        if metric != "sluicegate.vectors.validity":
            raise UnsupportedError(self.store, metric, "Use the store that has it.")
        vector, key = self._vector_field(data), self._key(data)
        rule = Rule(
            dimension=int(values["dimension"]),
            threshold=float(values["threshold"]),
            min_invalid=int(values["min_invalid"]),
            exact_scan=bool(values["exact_scan"]),
        )
        batch = str(values["embedding_batch_id"])
        rows = partial(self._vectors_by_key, data, batch, key, vector["name"])
        pages = partial(self._vector_pages, data, batch, key, vector["name"])
        found = judge(list(values["sample_ids"]), int(values["expected"]), rule, rows, pages).as_dict()
        return found | {"schema_dimension": int(vector["params"]["dim"]), "rejected": dict(values["rejected"] or {})}

    def _vectors_by_key(
        self, data: Slice, batch: str, key: str, vector: str, ids: Sequence[str]
    ) -> dict[str, Sequence[float]]:
        found: dict[str, Sequence[float]] = {}
        for start in range(0, len(ids), PAGE):
            with ERRORS.guard(f"reading sampled vectors of embedding batch {batch}"):
                rows = self.client.get(
                    data.target,
                    list(ids[start : start + PAGE]),
                    output_fields=[key, vector, "embedding_batch_id"],
                    timeout=TIME_LIMIT,
                    consistency_level="Strong",
                )
            found.update({row[key]: row[vector] for row in rows if row["embedding_batch_id"] == batch})
        return found

    def _vector_pages(self, data: Slice, batch: str, key: str, vector: str) -> Iterator[Mapping[str, Sequence[float]]]:
        written = Compare(Op.EQ, Field.of("embedding_batch_id"), batch)
        last = ""
        while True:
            where = compiler.condition(both(written, Compare(Op.GT, Field.of(key), last)))
            rows = self._query(data, where, [key, vector], limit=PAGE)
            if not rows:
                return
            yield {row[key]: row[vector] for row in rows}
            last = max(row[key] for row in rows)

    def _count(self, data: Slice, measure: Measure) -> int:
        rows = self._query(data, compiler.filter_of(data, measure.where), ["count(*)"])
        return int(rows[0]["count(*)"])

    def _query(self, data: Slice, where: str, names: list[str], limit: int | None = None) -> list[dict[str, Any]]:
        bound = {} if limit is None else {"limit": limit}
        with ERRORS.guard(f"reading collection {data.target}"):
            rows = self.client.query(
                data.target,
                filter=where,
                output_fields=names,
                timeout=TIME_LIMIT,
                consistency_level="Strong",
                **bound,
            )
        return [dict(row) for row in rows]

    def _schema(self, data: Slice) -> dict[str, Any]:
        with ERRORS.guard(f"describing collection {data.target}"):
            return dict(self.client.describe_collection(data.target, timeout=TIME_LIMIT))

    def _key(self, data: Slice) -> str:
        return next(str(field["name"]) for field in self._schema(data)["fields"] if field.get("is_primary"))

    def _vector_field(self, data: Slice) -> dict[str, Any]:
        for field in self._schema(data)["fields"]:
            if int(field["type"]) in VECTOR_TYPES:
                return dict(field)
        raise TerminalError(f"Milvus: collection {data.target} has no vector field.")
