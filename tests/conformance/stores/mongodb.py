"""MongoDB under test: the local server, or the one that tests/conftest.py takes in its place."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

import pytest

from expectations_plugins.engine.datasource import without_connecting
from expectations_plugins.mongodb.connection import connect
from pipeline.local import Endpoints
from tests.conformance.contract import Rows, StoreUnderTest


class MongoDBUnderTest(StoreUnderTest):
    """A collection of a database of its own."""

    name: ClassVar[str] = "MongoDB"

    def __init__(self, context: Any, endpoints: Endpoints, patch: pytest.MonkeyPatch) -> None:
        uri = str(endpoints.mongodb_uri)
        patch.setenv("CONFORMANCE_MONGODB", uri)
        patch.setenv("CONFORMANCE_NO_MONGODB", "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200")
        self._context = context
        self._database = connect(uri, f"t{uuid.uuid4().hex[:10]}")
        self._source = context.data_sources.add_mongodb(
            "mongodb", connection_string="${CONFORMANCE_MONGODB}", database=self._database.name
        )

    def asset(self, rows: Rows, where: Any = None) -> Any:
        self._database.rows.delete_many({})
        if rows:
            present = [{name: value for name, value in row.items() if value is not None} for row in rows]
            self._database.rows.insert_many([{"_id": row["key"], **row} for row in present])
        return self._source.add_collection(
            f"rows {uuid.uuid4().hex}", "rows", sort_by="key", where=where, allow_missing=True
        )

    def drop(self, asset: Any) -> None:
        self._database.drop_collection(asset.target())

    def unreachable(self) -> Any:
        with without_connecting():
            source = self._context.data_sources.add_mongodb(
                "no mongodb", connection_string="${CONFORMANCE_NO_MONGODB}", database="none"
            )
            return source.add_collection("rows").add_batch_definition("all").get_batch()

    def close(self) -> None:
        self._database.client.drop_database(self._database.name)
        self._database.client.close()
