"""Where every store is: the settings, and for stores without an address the local stack's endpoints, as one value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

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

    def address(self, store: str) -> str:
        """A store's address as it is configured, with credentials and options; "" for Google's own."""
        own = {"mongodb": self.mongodb_uri, "neo4j": self.neo4j_uri, "milvus": self.milvus_uri}
        return own.get(store) or (self.bigquery_endpoint if store == "bigquery" else self.gemini_endpoint) or ""

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
    remember(filter(None, (local.mongodb_uri, local.neo4j_password, local.milvus_token, local.gemini_api_key)))
    served = _served(local)
    ours = {name: value for store in settings.local_stores() for name, value in served[store].items()}
    return replace(_configured(settings), **ours)


def _configured(settings: Settings) -> Connections:
    return Connections(
        mongodb_uri=_plain(settings.mongodb_uri),
        mongodb_database=settings.mongodb_database,
        neo4j_uri=_text(settings.neo4j_uri),
        neo4j_user=_text(settings.neo4j_user),
        neo4j_password=_plain(settings.neo4j_password),
        neo4j_database=settings.neo4j_database,
        milvus_uri=_text(settings.milvus_uri),
        milvus_token=_plain(settings.milvus_token),
        milvus_collection=settings.vector_collection,
        bigquery_project=_text(settings.bigquery_project),
        bigquery_endpoint=settings.bigquery_api_endpoint,
        bigquery_location=settings.bigquery_location,
        bigquery_dataset=settings.bigquery_dataset,
        gemini_api_key=_plain(settings.gemini_api_key),
        gemini_endpoint=settings.gemini_api_endpoint,
    )


def _served(local: Endpoints) -> Mapping[str, Mapping[str, Any]]:
    """By store, what the local stack serves in the place of what is configured."""
    return {
        "mongodb": {"mongodb_uri": _text(local.mongodb_uri)},
        "neo4j": {
            "neo4j_uri": _text(local.neo4j_uri),
            "neo4j_user": _text(local.neo4j_user),
            "neo4j_password": _text(local.neo4j_password),
            "neo4j_database": local.neo4j_database,
        },
        "milvus": {"milvus_uri": _text(local.milvus_uri), "milvus_token": _text(local.milvus_token)},
        "bigquery": {
            "bigquery_project": _text(local.bigquery_project),
            "bigquery_endpoint": local.bigquery_endpoint,
        },
        "gemini": {"gemini_api_key": _text(local.gemini_api_key), "gemini_endpoint": local.gemini_endpoint},
    }


def _text(value: str | None) -> str:
    return value or ""


def _plain(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()
