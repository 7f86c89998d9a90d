"""The Neo4j data source and its engine, as GX knows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Optional, Union

from expectations_plugins.custom_metrics import REFERENCE_SPECS, USER_ID_SPECS
from expectations_plugins.datasource import StoreAsset, _StoreDatasource
from expectations_plugins.engine import StoreExecutionEngine
from expectations_plugins.gx_internals import ConfigStr
from expectations_plugins.metrics import MetricSpec
from expectations_plugins.neo4j.backend import Neo4jBackend
from expectations_plugins.registration import register
from expectations_plugins.stock import SPECS
from expectations_plugins.store_metrics import STORE_SPECS
from pipeline.stores.neo4j import connect


class Neo4jExecutionEngine(StoreExecutionEngine):
    """Runs expectations as Cypher.

    Args:
        uri: A bolt:// or neo4j:// address, with +s for TLS.
        user: The user.
        password: Its password.
        database: The database; None or "" takes the server's default.
    """

    specs: ClassVar[Mapping[str, MetricSpec]] = {**SPECS, **USER_ID_SPECS, **REFERENCE_SPECS, **STORE_SPECS}

    def __init__(
        self, uri: str, user: str = "neo4j", password: str = "", database: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(Neo4jBackend(connect(uri, user, password, database=database or None)), **kwargs)


class NodeAsset(StoreAsset):
    """The nodes with a label."""

    type: Literal["neo4j_node"] = "neo4j_node"
    label: str
    key: str = ""

    def target(self) -> str:
        """The label."""
        return self.label

    def record_key(self) -> str:
        """The property that names a node."""
        return self.key


class Neo4jDatasource(_StoreDatasource):
    """Neo4j nodes, validated by Cypher inside Neo4j."""

    asset_types: ClassVar[list[type[StoreAsset]]] = [NodeAsset]
    engine_type: ClassVar[type[StoreExecutionEngine]] = Neo4jExecutionEngine

    type: Literal["neo4j"] = "neo4j"
    uri: Union[ConfigStr, str]
    user: Union[ConfigStr, str] = "neo4j"
    password: Optional[ConfigStr] = None
    database: Union[ConfigStr, str, None] = None
    assets: list[NodeAsset] = []

    def add_node(self, name: str, label: str | None = None, key: str = "") -> NodeAsset:
        """Add the nodes with a label.

        Args:
            name: The asset's name in GX.
            label: The label; the asset's name when it is None.
            key: The property that names a node.
        """
        asset: NodeAsset = self._add_asset(NodeAsset(name=name, label=label or name, key=key))
        return asset


register(Neo4jExecutionEngine, Neo4jExecutionEngine.specs.values())
