"""What type checkers and editors know of `context.data_sources`: GX adds our methods while it runs, and they see none.

The parameters are the data sources' own, in the three ways GX takes them: to add, to update, or whichever is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from great_expectations.datasource.datasource_dict import DatasourceDict
    from great_expectations.datasource.fluent import Datasource

    from expectations_plugins.milvus.datasource import MilvusDatasource
    from expectations_plugins.mongodb.datasource import MongoDBDatasource
    from expectations_plugins.neo4j.datasource import Neo4jDatasource
    from expectations_plugins.neo4j.options import Scheme


class MakesMongoDB(Protocol):
    """Makes a MongoDB data source."""

    def __call__(
        self,
        name_or_datasource: str | MongoDBDatasource | None = None,
        *,
        name: str = ...,
        connection_string: str = ...,
        database: str = ...,
        tls: bool | None = None,
        tls_ca_file: str | None = None,
        auth_source: str | None = None,
        timeout: float | None = None,
        options: Mapping[str, Any] = ...,
    ) -> MongoDBDatasource:
        """The data source, saved with the project; see `MongoDBDatasource`.

        Raises:
            TestConnectionError: The server does not answer.
        """


class MakesNeo4j(Protocol):
    """Makes a Neo4j data source."""

    def __call__(
        self,
        name_or_datasource: str | Neo4jDatasource | None = None,
        *,
        name: str = ...,
        uri: str = ...,
        user: str = "neo4j",
        password: str | None = None,
        token: str | None = None,
        auth: Scheme | None = None,
        database: str | None = None,
        encrypted: bool | None = None,
        trusted_certificates: str | None = None,
        timeout: float | None = None,
        options: Mapping[str, Any] = ...,
    ) -> Neo4jDatasource:
        """The data source, saved with the project; see `Neo4jDatasource`.

        Raises:
            TestConnectionError: The server does not answer.
        """


class MakesMilvus(Protocol):
    """Makes a Milvus data source."""

    def __call__(
        self,
        name_or_datasource: str | MilvusDatasource | None = None,
        *,
        name: str = ...,
        uri: str = ...,
        token: str | None = None,
        user: str | None = None,
        password: str | None = None,
        db_name: str | None = None,
        secure: bool | None = None,
        server_pem_path: str | None = None,
        timeout: float | None = None,
        options: Mapping[str, Any] = ...,
    ) -> MilvusDatasource:
        """The data source, saved with the project; see `MilvusDatasource`.

        Raises:
            TestConnectionError: The server does not answer.
        """


class DataSources(Protocol):
    """`context.data_sources`, as far as our data sources are concerned; its other methods are GX's."""

    @property
    def add_mongodb(self) -> MakesMongoDB:
        """Adds a MongoDB data source."""

    @property
    def update_mongodb(self) -> MakesMongoDB:
        """Puts another in the place of the one of this name."""

    @property
    def add_or_update_mongodb(self) -> MakesMongoDB:
        """Adds it, or puts it in the place of the one of this name."""

    @property
    def add_neo4j(self) -> MakesNeo4j:
        """Adds a Neo4j data source."""

    @property
    def update_neo4j(self) -> MakesNeo4j:
        """Puts another in the place of the one of this name."""

    @property
    def add_or_update_neo4j(self) -> MakesNeo4j:
        """Adds it, or puts it in the place of the one of this name."""

    @property
    def add_milvus(self) -> MakesMilvus:
        """Adds a Milvus data source."""

    @property
    def update_milvus(self) -> MakesMilvus:
        """Puts another in the place of the one of this name."""

    @property
    def add_or_update_milvus(self) -> MakesMilvus:
        """Adds it, or puts it in the place of the one of this name."""

    def delete_mongodb(self, name: str) -> None:
        """Remove it; GX would rather be asked by `delete`."""

    def delete_neo4j(self, name: str) -> None:
        """Remove it; GX would rather be asked by `delete`."""

    def delete_milvus(self, name: str) -> None:
        """Remove it; GX would rather be asked by `delete`."""

    def delete(self, name: str) -> None:
        """Remove a data source of any kind."""

    def get(self, name: str) -> Datasource[Any, Any]:
        """A data source of any kind.

        Raises:
            KeyError: There is none of that name.
        """

    def all(self) -> DatasourceDict:
        """Every data source of the project by its name."""
