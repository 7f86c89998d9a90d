"""What the Data Docs show, and for how long."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings

SHOW_ALL = "none"


class DocsSettings(BaseSettings):
    """Masking and retention."""

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

    @property
    def masked(self) -> tuple[str, ...]:
        """Fields whose values are not shown."""
        names = [name.strip() for name in self.masked_fields.split(",") if name.strip()]
        return () if names == [SHOW_ALL] else tuple(names)
