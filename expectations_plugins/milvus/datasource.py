"""The Milvus data source and its engine, as GX knows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Optional, Union

from expectations_plugins.engine.backend import Backend
from expectations_plugins.engine.datasource import StoreAsset, _StoreDatasource, filled_in, written
from expectations_plugins.engine.execution import StoreExecutionEngine
from expectations_plugins.engine.gx_internals import ConfigStr
from expectations_plugins.engine.metrics import Direct, MetricCall, MetricSpec, Plan
from expectations_plugins.engine.registration import TABLE_DOMAIN
from expectations_plugins.engine.store_metrics import STORE_SPECS
from expectations_plugins.milvus.backend import MilvusBackend
from expectations_plugins.milvus.connection import connect
from expectations_plugins.stock import SPECS

VALIDITY_KEYS = (
    "sample_ids",
    "expected",
    "rejected",
    "embedding_batch_id",
    "dimension",
    "threshold",
    "min_invalid",
    "exact_scan",
    "batch_field",
)


def _validity(call: MetricCall) -> Plan:
    return Direct(lambda backend, data: backend.direct(call.name, data, call.values))


VECTOR_SPECS = {
    "sluicegate.vectors.validity": MetricSpec(
        "sluicegate.vectors.validity", _validity, domain_keys=TABLE_DOMAIN, value_keys=VALIDITY_KEYS
    )
}
"""Metrics of ExpectSampledVectorsToBeValid."""


class MilvusExecutionEngine(StoreExecutionEngine):
    """Runs expectations as filters, counts and reads by primary key.

    Args:
        uri: An http(s):// address.
        token: user:password or an API key.
    """

    backend_type: ClassVar[type[Backend]] = MilvusBackend
    specs: ClassVar[Mapping[str, MetricSpec]] = {**SPECS, **VECTOR_SPECS, **STORE_SPECS}

    def __init__(self, uri: str, token: str = "", **kwargs: Any) -> None:
        super().__init__(MilvusBackend(lambda: connect(uri, token)), **kwargs)


class VectorCollectionAsset(StoreAsset):
    """A collection with a vector field."""

    type: Literal["milvus_collection"] = "milvus_collection"
    collection: Union[ConfigStr, str]

    def target(self) -> str:
        """The collection's name, with variables of the GX project filled in."""
        return filled_in(self, self.collection)


class MilvusDatasource(_StoreDatasource):
    """Milvus collections, validated inside Milvus."""

    asset_types: ClassVar[list[type[StoreAsset]]] = [VectorCollectionAsset]
    engine_type: ClassVar[type[StoreExecutionEngine]] = MilvusExecutionEngine

    type: Literal["milvus"] = "milvus"
    uri: Union[ConfigStr, str]
    token: Optional[ConfigStr] = None
    assets: list[VectorCollectionAsset] = []

    def add_collection(
        self, name: str, collection: str | None = None, *, where: Any = None, allow_missing: bool = False
    ) -> VectorCollectionAsset:
        """Add a collection.

        Args:
            name: The asset's name in GX.
            collection: The collection's name; the asset's name when it is None.
            where: Which of its rows belong to the asset, as a GX row condition: `Column("model") == "m"`.
            allow_missing: Whether the collection may be created later; until then the asset is empty.

        Raises:
            TestConnectionError: The server does not answer, or has no such collection.
        """
        asset: VectorCollectionAsset = self._add_asset(
            VectorCollectionAsset(
                name=name, collection=collection or name, where=written(where), allow_missing=allow_missing
            )
        )
        return asset
