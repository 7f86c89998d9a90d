"""SQLite under test: a fourth store, as an example."""

from __future__ import annotations

import sqlite3
import tempfile
import uuid
from pathlib import Path
from typing import Any, ClassVar

import pytest

from expectations_plugins.engine.datasource import without_connecting
from pipeline.local import Endpoints
from tests.conformance.contract import EVERYTHING, Rows, StoreUnderTest
from tests.conformance.stores.sqlite_store import datasource


class SQLiteUnderTest(StoreUnderTest):
    """A table of a file of its own."""

    name: ClassVar[str] = "SQLite"
    can: ClassVar[frozenset[str]] = EVERYTHING - {"stdev"}

    def __init__(self, context: Any, endpoints: Endpoints, patch: pytest.MonkeyPatch) -> None:
        del endpoints
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "rows.db"
        patch.setenv("CONFORMANCE_SQLITE", str(self._path))
        self._context = context
        self._database = sqlite3.connect(self._path)
        datasource.register()
        self._source = context.data_sources.add_sqlite_store("sqlite", path="${CONFORMANCE_SQLITE}")

    def asset(self, rows: Rows, where: Any = None) -> Any:
        columns = list(dict.fromkeys(["key", *(name for row in rows for name in row)]))
        quoted = ['"' + name.replace('"', '""') + '"' for name in columns]
        marks = ", ".join("?" * len(columns))
        with self._database as database:
            database.execute("DROP TABLE IF EXISTS rows")
            database.execute(f"CREATE TABLE rows ({', '.join(quoted)})")
            database.executemany(
                f"INSERT INTO rows VALUES ({marks})", [[r.get(name) for name in columns] for r in rows]
            )
        name = f"rows {uuid.uuid4().hex}"
        return self._source.add_rows(name, "rows", key="key", sort_by="key", where=where)

    def drop(self, asset: Any) -> None:
        with self._database as database:
            database.execute(f'DROP TABLE "{asset.target()}"')

    def unreachable(self) -> Any:
        with without_connecting():
            source = self._context.data_sources.add_sqlite_store("no sqlite", path="/nowhere/rows.db")
            return source.add_rows("rows").add_batch_definition("all").get_batch()

    def close(self) -> None:
        self._database.close()
        self._folder.cleanup()
