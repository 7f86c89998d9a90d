"""What the gates tolerate."""

from __future__ import annotations

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from expectations_plugins.conditions.patterns import PatternError, common


class GateSettings(BaseSettings):
    """Formats, tolerances and samples."""

    user_id_pattern: str = Field(
        r"^u_\d{3,}$",
        alias="SLUICEGATE_USER_ID_PATTERN",
        description="Format of a user_id; a longer one than 256 characters is malformed",
    )
    user_id_tolerance: float = Field(
        0.0, ge=0, le=1, alias="SLUICEGATE_USER_ID_TOLERANCE", description="Share of bad user_ids a batch may have"
    )
    dead_tolerance: float = Field(
        0.05,
        ge=0,
        le=1,
        alias="SLUICEGATE_DEAD_TOLERANCE",
        description="Share of records that cannot be loaded before the raw gate fails; any is a warning",
    )
    unreadable_tolerance: float = Field(
        0.05,
        ge=0,
        le=1,
        alias="SLUICEGATE_UNREADABLE_TOLERANCE",
        description="Share of records with an unreadable value, by field, before the raw gate fails; any is a warning",
    )
    duplicate_tolerance: float = Field(
        0.2,
        ge=0,
        le=1,
        alias="SLUICEGATE_DUPLICATE_TOLERANCE",
        description="Share of records that had arrived before, before a warning",
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
    fallback_tolerance: float = Field(
        0.05,
        ge=0,
        le=1,
        alias="SLUICEGATE_FALLBACK_TOLERANCE",
        description="Share of fallback vectors before a warning",
    )
    truncated_tolerance: float = Field(
        0.05,
        ge=0,
        le=1,
        alias="SLUICEGATE_TRUNCATED_TOLERANCE",
        description="Share of texts cut at the model's limit before a warning",
    )

    @field_validator("user_id_pattern")
    @classmethod
    def _anchored_pattern(cls, value: str) -> str:
        try:
            common(value)
        except PatternError as error:
            raise ValueError(str(error)) from None
        return value
