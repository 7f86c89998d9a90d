"""The Neo4j data source and its engine, as GX knows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Optional, Union

from expectations_plugins.engine.backend import Backend
from expectations_plugins.engine.custom_metrics import REFERENCE_SPECS, USER_ID_SPECS
from expectations_plugins.engine.datasource import StoreAsset, _StoreDatasource, written
from expectations_plugins.engine.execution import StoreExecutionEngine
from expectations_plugins.engine.gx_internals import ConfigStr
from expectations_plugins.engine.metrics import MetricSpec
from expectations_plugins.engine.store_metrics import STORE_SPECS
from expectations_plugins.neo4j.backend import Neo4jBackend
from expectations_plugins.neo4j.connection import connect
from expectations_plugins.stock import SPECS


class Neo4jExecutionEngine(StoreExecutionEngine):
    """Runs expectations as Cypher.

    Args:
        uri: A bolt:// or neo4j:// address, with +s for TLS.
        user: The user.
        password: Its password.
        database: The database; None or "" takes the server's default.
    """

    backend_type: ClassVar[type[Backend]] = Neo4jBackend
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


class RelationshipAsset(StoreAsset):
    """The relationships of a type; `start.x` and `end.x` are properties of the nodes they join."""

    type: Literal["neo4j_relationship"] = "neo4j_relationship"
    relationship: str
    start: str = ""
    end: str = ""
    key: str = ""

    def target(self) -> dict[str, str]:
        """The relationship's type and the labels of its ends."""
        return {"relationship": self.relationship, "start": self.start, "end": self.end}

    def record_key(self) -> str:
        """The property that names a relationship."""
        return self.key


class QueryAsset(StoreAsset):
    """What a Cypher query returns; a row is a record."""

    type: Literal["neo4j_query"] = "neo4j_query"
    query: str
    key: str = ""

    def target(self) -> dict[str, str]:
        """The query, without a semicolon at its end."""
        return {"query": self.query.strip().removesuffix(";").rstrip()}

    def record_key(self) -> str:
        """The column that names a row."""
        return self.key


class Neo4jDatasource(_StoreDatasource):
    """Neo4j nodes, validated by Cypher inside Neo4j."""

    asset_types: ClassVar[list[type[StoreAsset]]] = [NodeAsset, RelationshipAsset, QueryAsset]
    engine_type: ClassVar[type[StoreExecutionEngine]] = Neo4jExecutionEngine

    type: Literal["neo4j"] = "neo4j"
    uri: Union[ConfigStr, str]
    user: Union[ConfigStr, str] = "neo4j"
    password: Optional[ConfigStr] = None
    database: Union[ConfigStr, str, None] = None
    assets: list[Union[NodeAsset, RelationshipAsset, QueryAsset]] = []

    def add_node(
        self,
        name: str,
        label: str | None = None,
        key: str = "",
        *,
        sort_by: str = "",
        where: Any = None,
        allow_missing: bool = False,
    ) -> NodeAsset:
        """Add the nodes with a label.

        Args:
            name: The asset's name in GX.
            label: The label; the asset's name when it is None.
            key: The property that names a node.
            sort_by: The property that gives the nodes an order, for expectations that are about one.
            where: Which of the nodes belong to the asset, as a GX row condition: `Column("type") == "click"`.
            allow_missing: Whether nodes with the label may come later; until then the asset is empty.

        Raises:
            TestConnectionError: The server does not answer, or has no such label.
        """
        asset: NodeAsset = self._add_asset(
            NodeAsset(
                name=name,
                label=label or name,
                key=key,
                sort_by=sort_by,
                where=written(where),
                allow_missing=allow_missing,
            )
        )
        return asset

    def add_relationship(
        self,
        name: str,
        relationship: str | None = None,
        *,
        start: str = "",
        end: str = "",
        key: str = "",
        sort_by: str = "",
        where: Any = None,
        allow_missing: bool = False,
    ) -> RelationshipAsset:
        """Add the relationships of a type; the fields of their ends are called `start.x` and `end.x`.

        Args:
            name: The asset's name in GX.
            relationship: The type; the asset's name when it is None.
            start: The label of the nodes they begin at; "" for any.
            end: The label of the nodes they end at; "" for any.
            key: The property that names a relationship.
            sort_by: The property that gives them an order, for expectations that are about one.
            where: Which of them belong to the asset, as a GX row condition.
            allow_missing: Whether relationships of the type may come later; until then the asset is empty.

        Raises:
            TestConnectionError: The server does not answer, or has no such type or label.
        """
        asset: RelationshipAsset = self._add_asset(
            RelationshipAsset(
                name=name,
                relationship=relationship or name,
                start=start,
                end=end,
                key=key,
                sort_by=sort_by,
                where=written(where),
                allow_missing=allow_missing,
            )
        )
        return asset

    def add_query(
        self,
        name: str,
        query: str,
        *,
        key: str = "",
        sort_by: str = "",
        where: Any = None,
        allow_missing: bool = False,
    ) -> QueryAsset:
        """Add what a Cypher query returns.

        Args:
            name: The asset's name in GX.
            query: A reading query that ends with RETURN and names its columns (`RETURN n.id AS id`).
            key: The column that names a row.
            sort_by: The column that gives the rows an order, for expectations that are about one.
            where: Which of the rows belong to the asset, as a GX row condition.
            allow_missing: Whether labels and types in it may not exist yet; the query is run as it is.

        Raises:
            TestConnectionError: The server does not answer, the query is not valid, or names what does not exist.
        """
        asset: QueryAsset = self._add_asset(
            QueryAsset(
                name=name,
                query=query,
                key=key,
                sort_by=sort_by,
                where=written(where),
                allow_missing=allow_missing,
            )
        )
        return asset
