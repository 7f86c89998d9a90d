"""What is told to whom watches: metrics, traces, lineage, and the watchdog of freshness."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings


class TelemetrySettings(BaseSettings):
    """OpenTelemetry, Prometheus, OpenLineage; nothing is exported unless it is configured."""

    otlp_endpoint: str | None = Field(
        None,
        alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="OpenTelemetry collector that gets traces and metrics (OTLP over HTTP), e.g. `http://collector:4318`",
    )
    otlp_headers: SecretStr | None = Field(
        None,
        alias="OTEL_EXPORTER_OTLP_HEADERS",
        description="Headers of what is sent there, e.g. `api-key=abc,tenant=shop`; values percent-encoded",
    )
    otlp_temporality: Literal["delta", "cumulative"] = Field(
        "delta",
        alias="OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        description="`delta`: each process sends what it counted; `cumulative`: its count since it began",
    )
    metrics_file: Path | None = Field(
        None,
        alias="SLUICEGATE_METRICS_FILE",
        description="Prometheus text file that metrics are kept in, e.g. `/var/lib/node_exporter/textfile/sluicegate.prom`",
    )
    lineage_url: str | None = Field(
        None,
        alias="OPENLINEAGE_URL",
        description="OpenLineage receiver that gets run events, e.g. `http://marquez:5000`",
    )
    lineage_api_key: SecretStr | None = Field(None, alias="OPENLINEAGE_API_KEY", description="Its API key")
    lineage_file: Path | None = Field(
        None,
        alias="SLUICEGATE_LINEAGE_FILE",
        description="File that OpenLineage run events are appended to, one JSON a line",
    )
    lineage_namespace: str = Field(
        "sluicegate", alias="OPENLINEAGE_NAMESPACE", description="OpenLineage namespace of the jobs"
    )
    telemetry_timeout: float = Field(
        5.0,
        gt=0,
        alias="SLUICEGATE_TELEMETRY_TIMEOUT",
        description="Seconds the end of a run waits at most for telemetry that is not delivered yet",
    )
    freshness_minutes: float = Field(
        30.0,
        gt=0,
        alias="SLUICEGATE_FRESHNESS_MINUTES",
        description="The command `watch` alerts when no new records came through for so many minutes",
    )

    @field_validator("otlp_endpoint", "lineage_url")
    @classmethod
    def _an_address_without_password(cls, value: str | None) -> str | None:
        if value is None:
            return None
        address = urlsplit(value)
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise ValueError("it ought to start with http:// or https://")
        if address.username is not None or address.password is not None:
            raise ValueError("a password belongs into OTEL_EXPORTER_OTLP_HEADERS or OPENLINEAGE_API_KEY")
        return value
