"""Where every store is: the settings, and for stores without an address the local stack's endpoints, as one value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from expectations_plugins.core.redaction import remember
from pipeline.config import Settings
from pipeline.local.endpoints import Endpoints

ALL_STORES = ("mongodb", "neo4j", "milvus", "bigquery", "gemini")


@dataclass(frozen=True, slots=True, repr=False)
class Connections:
    """Addresses and credentials; a store whose local server was not asked for has an empty address.

    `bigquery_endpoint` and `gemini_endpoint` are None for Google's own.
    """

    mongodb_uri: str
    mongodb_database: str
    neo4j_uri: str
    neo4j_user: str
    neo4j_password: str
    neo4j_database: str | None
    milvus_uri: str
    milvus_token: str
    milvus_collection: str
    bigquery_project: str
    bigquery_endpoint: str | None
    bigquery_location: str
    bigquery_dataset: str
    gemini_api_key: str
    gemini_endpoint: str | None

    def environment(self) -> Mapping[str, str]:
        """The variables the GX project refers to as ${NAME}."""
        return {
            "MONGODB_URI": self.mongodb_uri,
            "MONGODB_DATABASE": self.mongodb_database,
            "NEO4J_URI": self.neo4j_uri,
            "NEO4J_USER": self.neo4j_user,
            "NEO4J_PASSWORD": self.neo4j_password,
            "NEO4J_DATABASE": self.neo4j_database or "",
            "MILVUS_URI": self.milvus_uri,
            "MILVUS_TOKEN": self.milvus_token,
            "MILVUS_COLLECTION": self.milvus_collection,
        }

    def addresses(self) -> Mapping[str, str]:
        """By store name: its address without credentials, for people; "" for a local one that was not asked for."""
        return {
            "mongodb": without_credentials(self.mongodb_uri),
            "neo4j": without_credentials(self.neo4j_uri),
            "milvus": without_credentials(self.milvus_uri),
            "bigquery": self.bigquery_endpoint or f"project {self.bigquery_project}",
            "gemini": self.gemini_endpoint or "https://generativelanguage.googleapis.com",
        }


def without_credentials(uri: str) -> str:
    """`scheme://host:port` of an address: neither its user nor its options, either of which may hold a secret."""
    scheme, separator, rest = uri.partition("://")
    return f"{scheme}{separator}{_PATH_OR_OPTIONS.split(rest, maxsplit=1)[0].rpartition('@')[2]}"


_PATH_OR_OPTIONS = re.compile("[/?#]")


def resolve(settings: Settings, local: Endpoints) -> Connections:
    """Join what is configured with what the local stack serves; from now on logs and errors hide its passwords.

    Args:
        settings: The settings; a store is local when `settings.local_stores()` names it.
        local: Endpoints of the local servers that were asked for.

    Raises:
        ConfigurationError: Some stores are configured and others neither configured nor local.
    """
    names = settings.local_stores()
    remember(filter(None, (local.mongodb_uri, local.neo4j_password, local.milvus_token, local.gemini_api_key)))
    mongodb, neo4j, milvus, bigquery, gemini = (name in names for name in ALL_STORES)
    return Connections(
        mongodb_uri=(local.mongodb_uri or "") if mongodb else _plain(settings.mongodb_uri),
        mongodb_database=settings.mongodb_database,
        neo4j_uri=(local.neo4j_uri if neo4j else settings.neo4j_uri) or "",
        neo4j_user=(local.neo4j_user if neo4j else settings.neo4j_user) or "",
        neo4j_password=(local.neo4j_password or "") if neo4j else _plain(settings.neo4j_password),
        neo4j_database=local.neo4j_database if neo4j else settings.neo4j_database,
        milvus_uri=(local.milvus_uri if milvus else settings.milvus_uri) or "",
        milvus_token=(local.milvus_token or "") if milvus else _plain(settings.milvus_token),
        milvus_collection=settings.vector_collection,
        bigquery_project=(local.bigquery_project if bigquery else settings.bigquery_project) or "",
        bigquery_endpoint=local.bigquery_endpoint if bigquery else settings.bigquery_api_endpoint,
        bigquery_location=settings.bigquery_location,
        bigquery_dataset=settings.bigquery_dataset,
        gemini_api_key=(local.gemini_api_key or "") if gemini else _plain(settings.gemini_api_key),
        gemini_endpoint=local.gemini_endpoint if gemini else settings.gemini_api_endpoint,
    )


def _plain(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()
