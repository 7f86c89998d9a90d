"""The Milvus data source and its engine, as GX knows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Optional, Union

from expectations_plugins.core.options import check_options
from expectations_plugins.engine.backend import Backend
from expectations_plugins.engine.datasource import StoreAsset, _StoreDatasource, filled_in, written
from expectations_plugins.engine.execution import StoreExecutionEngine
from expectations_plugins.engine.gx_internals import ConfigStr, pydantic
from expectations_plugins.engine.metrics import Direct, MetricCall, MetricSpec, Plan
from expectations_plugins.engine.registration import TABLE_DOMAIN
from expectations_plugins.engine.store_metrics import STORE_SPECS
from expectations_plugins.milvus.backend import MilvusBackend
from expectations_plugins.milvus.connection import TIMEOUT, MilvusClient, connect
from expectations_plugins.milvus.options import OPTIONS, OURS, driver_options, sign_on
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
        user, password, db_name, secure, server_pem_path, timeout, options: As of the data source.
    """

    backend_type: ClassVar[type[Backend]] = MilvusBackend
    specs: ClassVar[Mapping[str, MetricSpec]] = {**SPECS, **VECTOR_SPECS, **STORE_SPECS}

    def __init__(
        self,
        uri: str,
        token: str | None = "",
        *,
        user: str | None = None,
        password: str | None = None,
        db_name: str | None = None,
        secure: bool | None = None,
        server_pem_path: str | None = None,
        timeout: float | None = None,
        options: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        secret = sign_on(token or "", user or "", password or "")
        given = driver_options(server_pem_path=server_pem_path, db_name=db_name, options=options)

        def client() -> MilvusClient:
            return connect(uri, secret, timeout=timeout or TIMEOUT, secure=secure, options=given)

        super().__init__(MilvusBackend(client), **kwargs)


class VectorCollectionAsset(StoreAsset):
    """A collection with a vector field."""

    type: Literal["milvus_collection"] = "milvus_collection"
    collection: Union[ConfigStr, str]

    def target(self) -> str:
        """The collection's name, with variables of the GX project filled in."""
        return filled_in(self, self.collection)


class MilvusDatasource(_StoreDatasource):
    """Milvus collections, validated inside Milvus.

    Args:
        uri: An http:// address, or https:// for TLS; its path is the database.
        token: An API key, or user:password.
        user: The user, in place of a token.
        password: Its password.
        db_name: The database.
        secure: Whether to speak TLS; None leaves it to the address.
        server_pem_path: The file of the server's certificate, or of its authority's.
        timeout: Seconds to wait for the connection.
        options: Other options of MilvusClient, by its own names.
    """

    asset_types: ClassVar[list[type[StoreAsset]]] = [VectorCollectionAsset]
    engine_type: ClassVar[type[StoreExecutionEngine]] = MilvusExecutionEngine

    type: Literal["milvus"] = "milvus"
    uri: Union[ConfigStr, str]
    token: Union[ConfigStr, str, None] = None
    user: Union[ConfigStr, str, None] = None
    password: Union[ConfigStr, str, None] = None
    db_name: Union[ConfigStr, str, None] = None
    secure: Optional[bool] = None
    server_pem_path: Union[ConfigStr, str, None] = None
    timeout: Optional[pydantic.PositiveFloat] = None
    options: dict[str, Union[ConfigStr, Any]] = {}
    assets: list[VectorCollectionAsset] = []

    @pydantic.validator("options")
    def _check_options(cls, options: dict[str, Any]) -> dict[str, Any]:  # noqa: N805 - pydantic's signature
        check_options("Milvus", options, OPTIONS, elsewhere=OURS)  # a file may be another machine's
        return options

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
