"""The SQLite data source and its engine, as GX knows them; `register` makes the engine known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from expectations_plugins.engine.backend import Backend
from expectations_plugins.engine.custom_metrics import USER_ID_SPECS
from expectations_plugins.engine.datasource import StoreAsset, _StoreDatasource, written
from expectations_plugins.engine.execution import StoreExecutionEngine
from expectations_plugins.engine.gx_internals import ConfigStr
from expectations_plugins.engine.metrics import MetricSpec
from expectations_plugins.engine.registration import register_engine
from expectations_plugins.stock import SPECS
from tests.conformance.stores.sqlite_store.backend import SQLiteBackend


class SQLiteExecutionEngine(StoreExecutionEngine):
    """Runs expectations as SQL.

    Args:
        path: The database's file.
    """

    backend_type: ClassVar[type[Backend]] = SQLiteBackend
    specs: ClassVar[Mapping[str, MetricSpec]] = {**SPECS, **USER_ID_SPECS}

    def __init__(self, path: str, **kwargs: Any) -> None:
        super().__init__(SQLiteBackend(path), **kwargs)


class TableAsset(StoreAsset):
    """A table."""

    type: Literal["sqlite_rows"] = "sqlite_rows"
    table: str
    key: str = ""

    def target(self) -> str:
        """The table's name."""
        return self.table

    def record_key(self) -> str:
        """The column that names a row."""
        return self.key


class SQLiteRowsDatasource(_StoreDatasource):
    """Tables of a SQLite file, validated inside SQLite."""

    asset_types: ClassVar[list[type[StoreAsset]]] = [TableAsset]
    engine_type: ClassVar[type[StoreExecutionEngine]] = SQLiteExecutionEngine

    type: Literal["sqlite_store"] = "sqlite_store"
    path: ConfigStr | str
    assets: list[TableAsset] = []  # noqa: RUF012 - a field, as pydantic has them

    def add_rows(
        self,
        name: str,
        table: str | None = None,
        key: str = "",
        *,
        sort_by: str = "",
        where: Any = None,
        allow_missing: bool = False,
    ) -> Any:
        """Add a table."""
        settings = {"key": key, "sort_by": sort_by, "where": written(where), "allow_missing": allow_missing}
        return self._add_asset(TableAsset(name=name, table=table or name, **settings))


def register() -> None:
    """Have the engine compute its metrics; GX knows the data source by its class."""
    register_engine(SQLiteExecutionEngine)
