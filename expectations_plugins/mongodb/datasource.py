"""The MongoDB data source and its engine, as GX knows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Union

from expectations_plugins.custom_metrics import USER_ID_SPECS
from expectations_plugins.datasource import StoreAsset, _StoreDatasource
from expectations_plugins.engine import StoreExecutionEngine
from expectations_plugins.gx_internals import ConfigStr
from expectations_plugins.metrics import MetricSpec
from expectations_plugins.mongodb.backend import MongoDBBackend
from expectations_plugins.registration import register
from expectations_plugins.stock import SPECS
from expectations_plugins.store_metrics import STORE_SPECS
from pipeline.stores.mongodb import connect


class MongoDBExecutionEngine(StoreExecutionEngine):
    """Runs expectations as aggregations.

    Args:
        connection_string: A mongodb:// or mongodb+srv:// address.
        database: The database's name.
    """

    specs: ClassVar[Mapping[str, MetricSpec]] = {**SPECS, **USER_ID_SPECS, **STORE_SPECS}

    def __init__(self, connection_string: str, database: str, **kwargs: Any) -> None:
        super().__init__(MongoDBBackend(connect(connection_string, database)), **kwargs)


class CollectionAsset(StoreAsset):
    """A collection."""

    type: Literal["mongodb_collection"] = "mongodb_collection"
    collection: str

    def target(self) -> str:
        """The collection's name."""
        return self.collection


class MongoDBDatasource(_StoreDatasource):
    """MongoDB collections, validated by aggregations inside MongoDB."""

    asset_types: ClassVar[list[type[StoreAsset]]] = [CollectionAsset]
    engine_type: ClassVar[type[StoreExecutionEngine]] = MongoDBExecutionEngine

    type: Literal["mongodb"] = "mongodb"
    connection_string: Union[ConfigStr, str]
    database: Union[ConfigStr, str]
    assets: list[CollectionAsset] = []

    def add_collection(self, name: str, collection: str | None = None) -> CollectionAsset:
        """Add a collection.

        Args:
            name: The asset's name in GX.
            collection: The collection's name; the asset's name when it is None.
        """
        asset: CollectionAsset = self._add_asset(CollectionAsset(name=name, collection=collection or name))
        return asset


register(MongoDBExecutionEngine, MongoDBExecutionEngine.specs.values())
