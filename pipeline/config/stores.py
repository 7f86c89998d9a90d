"""Where the stores are, and how they are spoken to."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from expectations_plugins.core.errors import ConfigurationError

SCHEMES = {
    "bigquery_api_endpoint": ("http", "https"),
    "gemini_api_endpoint": ("http", "https"),
    "milvus_uri": ("http", "https"),
    "neo4j_uri": ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc"),
}
"""What an address may start with."""

HOLDS_PASSWORD = {"milvus_uri": "MILVUS_TOKEN", "neo4j_uri": "NEO4J_PASSWORD"}
"""Where the password of an address belongs; MongoDB's address is a secret as a whole."""

LOCAL = "local"
"""The value that asks for a local server for one store while others are configured."""


VARIABLES = {
    "mongodb": "MONGODB_URI",
    "neo4j": "NEO4J_URI",
    "milvus": "MILVUS_URI",
    "bigquery": "BIGQUERY_PROJECT",
    "gemini": "GEMINI_API_KEY",
}
"""The variable that configures each store."""


def mongodb_options(uri: str) -> dict[str, str]:
    """The options of a MongoDB connection string, names and values in lower case."""
    return {name.lower(): value.lower() for name, value in parse_qsl(uri.partition("?")[2])}


class Environment(StrEnum):
    """`production` refuses local servers."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class StoreSettings(BaseSettings):
    """MongoDB, Neo4j, Milvus, BigQuery and Gemini."""

    mongodb_uri: SecretStr | None = Field(
        None, alias="MONGODB_URI", description="MongoDB connection string, or `local`"
    )
    mongodb_database: str = Field("sluicegate", alias="MONGODB_DATABASE", description="MongoDB database")
    neo4j_uri: str | None = Field(
        None, alias="NEO4J_URI", description="Neo4j bolt:// or neo4j+s:// address, or `local`"
    )
    neo4j_user: str = Field("neo4j", alias="NEO4J_USER", description="Neo4j user")
    neo4j_password: SecretStr | None = Field(None, alias="NEO4J_PASSWORD", description="Neo4j password")
    neo4j_database: str | None = Field(None, alias="NEO4J_DATABASE", description="Neo4j database; the server's default")
    milvus_uri: str | None = Field(
        None, alias="MILVUS_URI", description="Milvus http(s):// address, or `local`; options: docs/security.md"
    )
    milvus_token: SecretStr | None = Field(
        None, alias="MILVUS_TOKEN", description="Milvus token, user:password or API key"
    )
    milvus_collection: str | None = Field(
        None,
        alias="MILVUS_COLLECTION",
        description="Milvus collection; named after the embedding model, for vectors of two models must not share one",
    )
    bigquery_project: str | None = Field(None, alias="BIGQUERY_PROJECT", description="Google Cloud project, or `local`")
    bigquery_dataset: str = Field("sluicegate", alias="BIGQUERY_DATASET", description="BigQuery dataset")
    bigquery_location: str = Field("US", alias="BIGQUERY_LOCATION", description="Location of the dataset")
    bigquery_api_endpoint: str | None = Field(
        None,
        alias="BIGQUERY_API_ENDPOINT",
        description="Another endpoint than Google's; credentials are sent to https:// only",
    )
    google_application_credentials: Path | None = Field(
        None,
        alias="GOOGLE_APPLICATION_CREDENTIALS",
        description="Service account file for BigQuery; else Google's default credentials",
    )
    gemini_api_key: SecretStr | None = Field(None, alias="GEMINI_API_KEY", description="Gemini API key, or `local`")
    gemini_api_endpoint: str | None = Field(
        None, alias="GEMINI_API_ENDPOINT", description="Another endpoint than Google's"
    )
    gemini_model: str = Field("gemini-embedding-001", alias="GEMINI_MODEL", description="Embedding model")
    gemini_max_tokens: int = Field(
        2_048,
        ge=16,
        le=1_000_000,
        alias="GEMINI_MAX_TOKENS",
        description="Tokens of a text that the model reads; longer texts are cut (gemini-embedding-2 reads 8192)",
    )
    gemini_concurrency: int = Field(
        2, ge=1, le=64, alias="GEMINI_CONCURRENCY", description="Requests in flight at most"
    )
    gemini_requests_per_second: float = Field(
        20.0, gt=0, alias="GEMINI_REQUESTS_PER_SECOND", description="Requests started per second at most"
    )
    ca_file: Path | None = Field(
        None,
        alias="SLUICEGATE_CA_FILE",
        description="PEM file of certificate authorities that are trusted besides the public ones, for every store",
    )
    environment: Environment = Field(
        Environment.DEVELOPMENT, alias="SLUICEGATE_ENV", description="`production` refuses local servers"
    )

    @field_validator("milvus_uri", "neo4j_uri", "bigquery_api_endpoint", "gemini_api_endpoint")
    @classmethod
    def _an_address(cls, value: str | None, info: ValidationInfo) -> str | None:
        name = str(info.field_name)
        if value is None or (value == LOCAL and name in HOLDS_PASSWORD):
            return value
        if value.split("://")[0] not in SCHEMES[name]:
            starts = " or ".join(f"{scheme}://" for scheme in SCHEMES[name])
            raise ValueError(f"it ought to start with {starts}{', or be `local`' if name in HOLDS_PASSWORD else ''}")
        if "@" in urlsplit(value).netloc:  # shown in logs and pages, so it must hold no secret
            belongs = f"; that belongs in {HOLDS_PASSWORD[name]}" if name in HOLDS_PASSWORD else ""
            raise ValueError(f"it must hold no password{belongs}")
        return value

    @field_validator("mongodb_uri")
    @classmethod
    def _reads_what_was_written(cls, value: SecretStr | None) -> SecretStr | None:
        """The ledger and the gates read what was just written; a secondary may not have it yet."""
        options = mongodb_options(value.get_secret_value() if value else "")
        if options.get("readpreference", "primary") != "primary":
            raise ValueError("its readPreference must be primary: the ledger and the gates read what was just written")
        if options.get("w") == "0":
            raise ValueError("its w must not be 0: a batch goes on when a write was acknowledged")
        return value

    @property
    def vector_collection(self) -> str:
        """The Milvus collection: one per embedding model unless it is named."""
        return self.milvus_collection or "interactions_" + re.sub(r"\W", "_", self.gemini_model)

    def local_stores(self) -> tuple[str, ...]:
        """Names of the stores that want a local server.

        Raises:
            ConfigurationError: Some stores are configured and others are neither configured nor `local`, or a local
                server is wanted in production.
        """
        wanted = {
            "mongodb": _plain(self.mongodb_uri),
            "neo4j": self.neo4j_uri,
            "milvus": self.milvus_uri,
            "bigquery": self.bigquery_project,
            "gemini": _plain(self.gemini_api_key),
        }
        local = tuple(name for name, value in wanted.items() if value in (None, LOCAL))
        unset = [name for name, value in wanted.items() if value is None]
        if local and self.environment is Environment.PRODUCTION:
            raise ConfigurationError(
                f"SLUICEGATE_ENV=production, but there is no address for: {', '.join(local)}.",
                next_step=f"Set {', '.join(VARIABLES[name] for name in local)}.",
            )
        if unset and len(unset) < len(wanted):
            raise ConfigurationError(
                f"Some stores are configured, but not: {', '.join(unset)}.",
                next_step=f"Set {', '.join(VARIABLES[name] for name in unset)}; the value `local` starts a local server.",
            )
        return local


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
