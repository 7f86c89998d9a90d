"""How batches are taken in and run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings


class RunSettings(BaseSettings):
    """Batches, leases and retries."""

    source_timezone: str = Field("UTC", alias="SLUICEGATE_SOURCE_TIMEZONE", description="Zone of naive timestamps")
    earliest: datetime = Field(
        datetime(2000, 1, 1, tzinfo=UTC),
        alias="SLUICEGATE_EARLIEST",
        description="Day or time (UTC) before which no record can be; such a one counts in no window, and is a warning",
    )
    ahead_hours: float = Field(
        24.0,
        ge=0,
        le=24 * 365,
        alias="SLUICEGATE_AHEAD_HOURS",
        description="Hours a record's time may be after it was received; a later one counts in no window, and is a warning",
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
    halt_scope: Literal["batch", "pipeline"] = Field(
        "batch",
        alias="SLUICEGATE_HALT_SCOPE",
        description="`pipeline`: a halted or inconsistent batch stops those after it too",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", alias="SLUICEGATE_LOG_LEVEL", description="DEBUG, INFO, WARNING or ERROR"
    )

    @field_validator("earliest")
    @classmethod
    def _in_utc(cls, value: datetime) -> datetime:
        return value if value.tzinfo else value.replace(tzinfo=UTC)

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("source_timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is not a time zone, e.g. Europe/London") from error
        return value
