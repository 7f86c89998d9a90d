"""Settings: the one module that reads the environment and `.env`.

Secrets are `SecretStr`: their repr, str and JSON show asterisks. Endpoints are what the composition root resolves from
the settings and, where a store is local, from the local stack.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipeline.alerts.routes import parse_routes
from pipeline.errors import ConfigurationError
from pipeline.secrecy import remember
from pipeline.trust import combined

SCHEMES = {
    "bigquery_api_endpoint": ("http", "https"),
    "gemini_api_endpoint": ("http", "https"),
    "milvus_uri": ("http", "https"),
    "neo4j_uri": ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc"),
}
"""What an address may start with."""

HOLDS_PASSWORD = {"milvus_uri": "MILVUS_TOKEN", "neo4j_uri": "NEO4J_PASSWORD"}
"""Where the password of an address belongs; MongoDB's address is a secret as a whole."""

ENV_FILE = Path(".env")
OTHERS = stat.S_IRWXG | stat.S_IRWXO

SHOW_ALL = "none"
LOCAL = "local"
"""The value that asks for a local server for one store while others are configured."""


class Environment(StrEnum):
    """`production` refuses local servers."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Everything that can be configured; every field is an environment variable of the name given as alias."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

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
    gemini_concurrency: int = Field(
        2, ge=1, le=64, alias="GEMINI_CONCURRENCY", description="Requests in flight at most"
    )
    gemini_requests_per_second: float = Field(
        20.0, gt=0, alias="GEMINI_REQUESTS_PER_SECOND", description="Requests started per second at most"
    )

    slack_webhook_url: SecretStr | None = Field(
        None, alias="SLACK_WEBHOOK_URL", description="Incoming webhook of the Slack channel that is alerted"
    )
    pagerduty_routing_key: SecretStr | None = Field(
        None, alias="PAGERDUTY_ROUTING_KEY", description="Integration key (Events API v2) of the PagerDuty service"
    )
    pagerduty_events_url: str = Field(
        "https://events.pagerduty.com",
        alias="PAGERDUTY_EVENTS_URL",
        description="Events API of the account's region; EU: `https://events.eu.pagerduty.com`",
    )
    alert_routes: str = Field(
        "",
        alias="SLUICEGATE_ALERT_ROUTES",
        description="Who is alerted of what, the first that fits, e.g. `raw:critical=slack+pagerduty, *:warning=slack`;"
        " without one, critical and error go to every channel, warnings to Slack",
    )
    alert_interval: float = Field(
        3600.0,
        ge=0,
        alias="SLUICEGATE_ALERT_INTERVAL",
        description="Seconds before a failure that goes on is told again",
    )
    alert_ca_bundle: Path | None = Field(
        None,
        alias="SLUICEGATE_ALERT_CA_BUNDLE",
        description="PEM file of certificate authorities the alert channels trust besides the system's",
    )

    ca_file: Path | None = Field(
        None,
        alias="SLUICEGATE_CA_FILE",
        description="PEM file of certificate authorities that are trusted besides the public ones, for every store",
    )
    environment: Environment = Field(
        Environment.DEVELOPMENT, alias="SLUICEGATE_ENV", description="`production` refuses local servers"
    )
    home: Path = Field(Path(".sluicegate"), alias="SLUICEGATE_HOME", description="Folder of the local servers' data")
    spool: Path | None = Field(
        None, alias="SLUICEGATE_SPOOL", description="Folder for what outlives MongoDB; home/spool"
    )
    landing: Path = Field(Path("landing"), alias="SLUICEGATE_LANDING", description="Folder where log files arrive")
    gx_root: Path = Field(Path("gx"), alias="SLUICEGATE_GX", description="The Great Expectations project")
    source_timezone: str = Field("UTC", alias="SLUICEGATE_SOURCE_TIMEZONE", description="Zone of naive timestamps")
    user_id_pattern: str = Field(r"^u_\d{3,}$", alias="SLUICEGATE_USER_ID_PATTERN", description="Format of a user_id")
    user_id_tolerance: float = Field(
        0.0, ge=0, le=1, alias="SLUICEGATE_USER_ID_TOLERANCE", description="Share of bad user_ids a batch may have"
    )
    vector_tolerance: float = Field(
        0.05, ge=0, le=1, alias="SLUICEGATE_VECTOR_TOLERANCE", description="Share of invalid vectors a batch may have"
    )
    vector_sample: int = Field(100, ge=1, le=1000, alias="SLUICEGATE_VECTOR_SAMPLE", description="Vectors sampled")
    vector_min_invalid: int = Field(
        1,
        ge=1,
        alias="SLUICEGATE_VECTOR_MIN_INVALID",
        description="Invalid vectors a batch must have to fail, at least",
    )
    vector_exact_scan: bool = Field(
        True,
        alias="SLUICEGATE_VECTOR_EXACT_SCAN",
        description="Whether all vectors are read when the sample cannot decide",
    )
    halt_scope: Literal["batch", "pipeline"] = Field(
        "batch", alias="SLUICEGATE_HALT_SCOPE", description="`pipeline`: a halted batch stops those after it too"
    )
    fallback_tolerance: float = Field(
        0.05,
        ge=0,
        le=1,
        alias="SLUICEGATE_FALLBACK_TOLERANCE",
        description="Share of fallback vectors before a warning",
    )
    masked_fields: str = Field(
        "user_id",
        alias="SLUICEGATE_MASKED_FIELDS",
        description="Fields whose values pages and alerts show as their shape only, separated by commas; `none` shows all",
    )
    docs_keep_days: int = Field(
        90,
        ge=1,
        alias="SLUICEGATE_DOCS_KEEP_DAYS",
        description="Data Docs and GX's results of older batches are removed",
    )
    docs_keep_batches: int = Field(
        20_000, ge=1, alias="SLUICEGATE_DOCS_KEEP_BATCHES", description="And so are those of all but so many batches"
    )
    max_batch_records: int = Field(
        50_000,
        ge=1,
        alias="SLUICEGATE_MAX_BATCH_RECORDS",
        description="Larger files are split into batches of this size",
    )
    min_file_age: float = Field(
        0.0, ge=0, alias="SLUICEGATE_MIN_FILE_AGE", description="Seconds a landed file must be unchanged to be taken"
    )
    lease_seconds: float = Field(120.0, gt=0, alias="SLUICEGATE_LEASE_SECONDS", description="How long a lease lasts")
    retry_wait: float = Field(
        1.0, ge=0, alias="SLUICEGATE_RETRY_WAIT", description="First wait between attempts, seconds"
    )
    retry_wait_max: float = Field(60.0, ge=0, alias="SLUICEGATE_RETRY_WAIT_MAX", description="Longest wait, seconds")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", alias="SLUICEGATE_LOG_LEVEL", description="DEBUG, INFO, WARNING or ERROR"
    )

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

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

    @field_validator("slack_webhook_url")
    @classmethod
    def _an_https_webhook(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or value.get_secret_value().startswith("https://"):
            return value
        raise ValueError("it ought to start with https://")

    @field_validator("pagerduty_events_url")
    @classmethod
    def _an_https_address(cls, value: str) -> str:
        if value.startswith("https://"):
            return value
        raise ValueError("it ought to start with https://")

    @field_validator("alert_routes")
    @classmethod
    def _readable_routes(cls, value: str) -> str:
        parse_routes(value)
        return value

    @field_validator("source_timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is not a time zone, e.g. Europe/London") from error
        return value

    @field_validator("user_id_pattern")
    @classmethod
    def _anchored_pattern(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"{value!r} is not a regular expression: {error}") from error
        return value

    @property
    def masked(self) -> tuple[str, ...]:
        """Fields whose values are not shown."""
        names = [name.strip() for name in self.masked_fields.split(",") if name.strip()]
        return () if names == [SHOW_ALL] else tuple(names)

    @property
    def vector_collection(self) -> str:
        """The Milvus collection: one per embedding model unless it is named."""
        return self.milvus_collection or "interactions_" + re.sub(r"\W", "_", self.gemini_model)

    @property
    def spool_dir(self) -> Path:
        """The spool folder."""
        return self.spool or self.home / "spool"

    def secrets(self) -> Iterator[str]:
        """The values of all secrets that are set."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                yield value.get_secret_value()

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


VARIABLES = {
    "mongodb": "MONGODB_URI",
    "neo4j": "NEO4J_URI",
    "milvus": "MILVUS_URI",
    "bigquery": "BIGQUERY_PROJECT",
    "gemini": "GEMINI_API_KEY",
}
"""The variable that configures each store."""


def load_settings(**overrides: object) -> Settings:
    """Read the environment and `.env`; from now on logs and errors hide the secrets among them.

    Args:
        overrides: Values by alias that win over the environment, e.g. from command-line options.

    Raises:
        ConfigurationError: A variable has a value that cannot be used; its value is not repeated.
    """
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks the values
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise ConfigurationError(
            f"The configuration cannot be used: {problems}.", next_step="See docs/configuration.md."
        ) from None
    remember(settings.secrets())
    return settings


CA_VARIABLES = ("SSL_CERT_FILE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "REQUESTS_CA_BUNDLE")
"""Where OpenSSL (pymongo, neo4j), gRPC (Milvus) and requests (BigQuery, Gemini) look for what to trust."""


def exposed_env_file() -> Path | None:
    """The `.env` that is read, absolute, when others than its owner can read or change it; None when all is well."""
    try:
        mode = ENV_FILE.stat().st_mode
    except OSError:
        return None
    return ENV_FILE.resolve() if os.name == "posix" and mode & OTHERS else None


def shield_drivers(settings: Settings) -> None:
    """Keep drivers, in this process, from what the environment means for us or for the world outside.

    pymilvus reads MILVUS_URI when it is imported and refuses what is no address; several clients would ask a proxy for loopback.
    What certificates they trust, and which Google credentials they use, they take from the environment only.

    Raises:
        ConfigurationError: SLUICEGATE_CA_FILE holds no certificates.
    """
    os.environ.pop("MILVUS_URI", None)
    if settings.google_application_credentials is not None:
        os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = str(settings.google_application_credentials)
    if settings.ca_file is not None:
        bundle = str(combined(settings.ca_file, settings.home))
        os.environ.update(dict.fromkeys(CA_VARIABLES, bundle))
    if settings.local_stores():
        for name in ("NO_PROXY", "no_proxy"):
            hosts = [host for host in os.environ.get(name, "").split(",") if host]
            os.environ[name] = ",".join(dict.fromkeys([*hosts, "127.0.0.1", "localhost"]))


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
