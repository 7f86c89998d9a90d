"""The Neo4j data source and its engine, as GX knows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Optional, Union

from expectations_plugins.engine.backend import Backend
from expectations_plugins.engine.custom_metrics import REFERENCE_SPECS, USER_ID_SPECS
from expectations_plugins.engine.datasource import StoreAsset, _StoreDatasource, written
from expectations_plugins.engine.execution import StoreExecutionEngine
from expectations_plugins.engine.gx_internals import ConfigStr, pydantic
from expectations_plugins.engine.metrics import MetricSpec
from expectations_plugins.engine.store_metrics import STORE_SPECS
from expectations_plugins.neo4j.backend import Neo4jBackend
from expectations_plugins.neo4j.connection import TIMEOUT, connect
from expectations_plugins.neo4j.options import Scheme, driver_options
from expectations_plugins.stock import SPECS


class Neo4jExecutionEngine(StoreExecutionEngine):
    """Runs expectations as Cypher.

    Args:
        uri: A bolt:// or neo4j:// address, with +s for TLS.
        user: The user.
        password: Its password.
        database: The database; None or "" takes the server's default.
        token, auth, encrypted, trusted_certificates, timeout, options: As of the data source.
    """

    backend_type: ClassVar[type[Backend]] = Neo4jBackend
    specs: ClassVar[Mapping[str, MetricSpec]] = {**SPECS, **USER_ID_SPECS, **REFERENCE_SPECS, **STORE_SPECS}

    def __init__(
        self,
        uri: str,
        user: str = "neo4j",
        password: str | None = "",
        database: str | None = None,
        *,
        token: str | None = None,
        auth: Scheme | None = None,
        encrypted: bool | None = None,
        trusted_certificates: str | None = None,
        timeout: float | None = None,
        options: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        given = driver_options(encrypted=encrypted, trusted_certificates=trusted_certificates, options=options)
        graph = connect(
            uri,
            user,
            password or "",
            database=database or None,
            timeout=timeout or TIMEOUT,
            token=token or "",
            auth=auth,
            options=given,
        )
        super().__init__(Neo4jBackend(graph), **kwargs)


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
    """Neo4j nodes, validated by Cypher inside Neo4j.

    Args:
        uri: A bolt:// or neo4j:// address; +s encrypts, +ssc accepts a self-signed certificate.
        user: The user.
        password: Its password.
        token: A bearer token, or a Kerberos ticket in base64, in place of user and password.
        auth: How to sign on: "basic", "bearer", "kerberos" or "none"; it follows from the others if it is left out.
        database: The database; None takes the server's default.
        encrypted: Whether to speak TLS, where the address's scheme does not say.
        trusted_certificates: The file of the authorities that are trusted, for an address without +s.
        timeout: Seconds to wait for a connection.
        options: Other options of the driver, by its own names.
    """

    asset_types: ClassVar[list[type[StoreAsset]]] = [NodeAsset, RelationshipAsset, QueryAsset]
    engine_type: ClassVar[type[StoreExecutionEngine]] = Neo4jExecutionEngine

    type: Literal["neo4j"] = "neo4j"
    uri: Union[ConfigStr, str]
    user: Union[ConfigStr, str] = "neo4j"
    password: Union[ConfigStr, str, None] = None
    token: Union[ConfigStr, str, None] = None
    auth: Optional[Scheme] = None
    database: Union[ConfigStr, str, None] = None
    encrypted: Optional[bool] = None
    trusted_certificates: Union[ConfigStr, str, None] = None
    timeout: Optional[pydantic.PositiveFloat] = None
    options: dict[str, Union[ConfigStr, Any]] = {}
    assets: list[Union[NodeAsset, RelationshipAsset, QueryAsset]] = []

    @pydantic.validator("options")
    def _check_options(cls, options: dict[str, Any]) -> dict[str, Any]:  # noqa: N805 - pydantic's signature
        driver_options(options=options)
        return options

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
