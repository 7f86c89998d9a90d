"""The MongoDB data source and its engine, as GX knows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Optional, Union

from expectations_plugins.engine.arrival_metrics import ARRIVAL_SPECS
from expectations_plugins.engine.backend import Backend
from expectations_plugins.engine.custom_metrics import USER_ID_SPECS
from expectations_plugins.engine.datasource import StoreAsset, _StoreDatasource, filled_in, written
from expectations_plugins.engine.execution import StoreExecutionEngine
from expectations_plugins.engine.gx_internals import ConfigStr, pydantic
from expectations_plugins.engine.metrics import MetricSpec
from expectations_plugins.engine.store_metrics import STORE_SPECS
from expectations_plugins.mongodb.backend import MongoDBBackend
from expectations_plugins.mongodb.connection import TIMEOUT, connect
from expectations_plugins.mongodb.options import driver_options
from expectations_plugins.stock import SPECS


class MongoDBExecutionEngine(StoreExecutionEngine):
    """Runs expectations as aggregations.

    Args:
        connection_string: A mongodb:// or mongodb+srv:// address.
        database: The database's name.
        tls, tls_ca_file, auth_source: As of the data source.
        timeout: Seconds to wait for a server to be found, and for a connection to open.
        options: Options of MongoClient.
    """

    backend_type: ClassVar[type[Backend]] = MongoDBBackend
    specs: ClassVar[Mapping[str, MetricSpec]] = {**SPECS, **USER_ID_SPECS, **STORE_SPECS, **ARRIVAL_SPECS}

    def __init__(
        self,
        connection_string: str,
        database: str,
        *,
        tls: bool | None = None,
        tls_ca_file: str | None = None,
        auth_source: str | None = None,
        timeout: float | None = None,
        options: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        given = driver_options(tls=tls, tls_ca_file=tls_ca_file, auth_source=auth_source, options=options)
        handle = connect(connection_string, database, timeout=timeout or TIMEOUT, options=given)
        super().__init__(MongoDBBackend(handle), **kwargs)


class CollectionAsset(StoreAsset):
    """A collection."""

    type: Literal["mongodb_collection"] = "mongodb_collection"
    collection: Union[ConfigStr, str]

    def target(self) -> str:
        """The collection's name, with variables of the GX project filled in."""
        return filled_in(self, self.collection)


class MongoDBDatasource(_StoreDatasource):
    """MongoDB collections, validated by aggregations inside MongoDB.

    Args:
        connection_string: A mongodb:// or mongodb+srv:// address.
        database: The database's name.
        tls: Whether to speak TLS.
        tls_ca_file: The file of the authorities that are trusted.
        auth_source: The database that knows the user.
        timeout: Seconds to wait for a server to be found, and for a connection to open.
        options: Other options of MongoClient, by its own names.
    """

    asset_types: ClassVar[list[type[StoreAsset]]] = [CollectionAsset]
    engine_type: ClassVar[type[StoreExecutionEngine]] = MongoDBExecutionEngine

    type: Literal["mongodb"] = "mongodb"
    connection_string: Union[ConfigStr, str]
    database: Union[ConfigStr, str]
    tls: Optional[bool] = None
    tls_ca_file: Union[ConfigStr, str, None] = None
    auth_source: Union[ConfigStr, str, None] = None
    timeout: Optional[pydantic.PositiveFloat] = None
    options: dict[str, Union[ConfigStr, Any]] = {}
    assets: list[CollectionAsset] = []

    @pydantic.validator("options")
    def _check_options(cls, options: dict[str, Any]) -> dict[str, Any]:  # noqa: N805 - pydantic's signature
        driver_options(options=options)
        return options

    def add_collection(
        self,
        name: str,
        collection: str | None = None,
        *,
        sort_by: str = "",
        where: Any = None,
        allow_missing: bool = False,
    ) -> CollectionAsset:
        """Add a collection.

        Args:
            name: The asset's name in GX.
            collection: The collection's name; the asset's name when it is None.
            sort_by: The field that gives the documents an order, for expectations that are about one.
            where: Which of its documents belong to the asset, as a GX row condition: `Column("type") == "click"`.
            allow_missing: Whether the collection may be created later; until then the asset is empty.

        Raises:
            TestConnectionError: The server does not answer, or has no such collection.
        """
        asset: CollectionAsset = self._add_asset(
            CollectionAsset(
                name=name,
                collection=collection or name,
                sort_by=sort_by,
                where=written(where),
                allow_missing=allow_missing,
            )
        )
        return asset
