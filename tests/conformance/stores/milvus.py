"""Milvus under test."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

import pytest
from pymilvus import DataType

from expectations_plugins.engine.datasource import without_connecting
from expectations_plugins.milvus.connection import connect
from pipeline.local import Endpoints
from tests.conformance.contract import Rows, StoreUnderTest

LONGEST = 4_096


class MilvusUnderTest(StoreUnderTest):
    """A collection a batch: its fields have types and none may be absent."""

    name: ClassVar[str] = "Milvus"
    can: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, context: Any, endpoints: Endpoints, patch: pytest.MonkeyPatch) -> None:
        uri, token = str(endpoints.milvus_uri), endpoints.milvus_token or ""
        patch.setenv("CONFORMANCE_MILVUS", token)
        self._context, self._made = context, list[str]()
        self._client = connect(uri, token)
        self._source = context.data_sources.add_milvus("milvus", uri=uri, token="${CONFORMANCE_MILVUS}")

    def asset(self, rows: Rows, where: Any = None) -> Any:
        name = f"t{uuid.uuid4().hex[:10]}"
        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("key", DataType.VARCHAR, max_length=LONGEST, is_primary=True)
        schema.add_field("s", DataType.VARCHAR, max_length=LONGEST)
        schema.add_field("n", DataType.INT64)
        schema.add_field("v", DataType.FLOAT_VECTOR, dim=2)
        index = self._client.prepare_index_params()
        index.add_index(field_name="v", index_type="AUTOINDEX", metric_type="L2")
        self._client.create_collection(name, schema=schema, index_params=index, consistency_level="Strong")
        self._made.append(name)
        entities = [{"key": row["key"], "s": row["s"], "n": row["n"], "v": [1.0, 0.5]} for row in rows]
        for start in range(0, len(entities), 5_000):
            self._client.insert(name, entities[start : start + 5_000])
        self._client.load_collection(name)
        return self._source.add_collection(name, where=where)

    def drop(self, asset: Any) -> None:
        self._client.drop_collection(asset.target())
        self._made.remove(asset.target())

    def unreachable(self) -> Any:
        with without_connecting():
            source = self._context.data_sources.add_milvus("no milvus", uri="http://127.0.0.1:9")
            return source.add_collection("rows").add_batch_definition("all").get_batch()

    def close(self) -> None:
        for name in self._made:
            self._client.drop_collection(name)
        self._client.close()
