"""Where files are: log files, the spool, results and pages; each a folder, or an address fsspec knows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator
from pydantic_settings import BaseSettings

from expectations_plugins.core.errors import ConfigurationError
from pipeline.core.batches import LOG_FILES
from pipeline.storage.location import Place, Remote, place

FIRST_PAGE = "index.html"

_SECRETS = re.compile(
    r"AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|AZURE_STORAGE_(?:ACCOUNT_KEY|CONNECTION_STRING|SAS_TOKEN|KEY)"
    r"|AZURE_CLIENT_SECRET|FSSPEC_\w*(?:SECRET|KEY|TOKEN|PASSWORD)\w*"
)
"""Variables of the packages for locations that hold a secret."""


def _placed(given: object) -> object:
    """As `place`, with errors that the settings report without the value."""
    if not isinstance(given, str | Path | Remote):
        return given
    try:
        return place(given)
    except ConfigurationError as error:
        raise ValueError(str(error)) from None


APlace = Annotated[Path | Remote, BeforeValidator(_placed)]


class LocationSettings(BaseSettings):
    """The landing folder, the spool, results and pages."""

    home: Path = Field(Path(".sluicegate"), alias="SLUICEGATE_HOME", description="Folder of the local servers' data")
    start_seconds: float = Field(
        300.0,
        gt=0,
        alias="SLUICEGATE_START_SECONDS",
        description="How long a local server is waited for while its process lives",
    )
    spool: APlace | None = Field(
        None, alias="SLUICEGATE_SPOOL", description="Folder or address for what outlives MongoDB; home/spool"
    )
    landing: APlace = Field(
        Path("landing"),
        alias="SLUICEGATE_LANDING",
        description="Folder or address where log files arrive, e.g. `s3://logs/landing`: docs/locations.md",
    )
    files: str = Field(
        ",".join(LOG_FILES),
        alias="SLUICEGATE_FILES",
        description="Globs of the log files in a folder and those below it, separated by commas; `!` before one excludes:"
        " docs/locations.md",
    )
    gx_root: Path = Field(Path("gx"), alias="SLUICEGATE_GX", description="The Great Expectations project")
    results_url: APlace | None = Field(
        None,
        alias="SLUICEGATE_RESULTS_URL",
        description="Folder or address of GX's validation results; gx/uncommitted/validations",
    )
    docs_url: APlace | None = Field(
        None,
        alias="SLUICEGATE_DOCS_URL",
        description="Folder or address of the Data Docs; gx/uncommitted/data_docs/local_site",
    )
    docs_public_url: str | None = Field(
        None,
        alias="SLUICEGATE_DOCS_PUBLIC_URL",
        description="Where browsers find the Data Docs, e.g. `https://docs.example.com/`; alerts link there",
    )

    @field_validator("files")
    @classmethod
    def _a_pattern(cls, value: str) -> str:
        if not any(not one.startswith("!") for one in _split(value)):
            raise ValueError("it needs at least one glob of files that are read, e.g. *.jsonl")
        return value

    @field_validator("docs_public_url")
    @classmethod
    def _a_web_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        found = urlsplit(value)
        if found.scheme not in ("http", "https") or not found.netloc:
            raise ValueError("it ought to start with https:// or http://")
        if "@" in found.netloc or found.query or found.fragment:
            raise ValueError("it must hold no password and no query string")
        return f"{value.rstrip('/')}/"

    @property
    def log_files(self) -> tuple[str, ...]:
        """Globs of the names that are log files."""
        return _split(self.files)

    @property
    def docs_index(self) -> Path | str:
        """First page of the Data Docs: an absolute path, or elsewhere the address that is nearest to a browser's."""
        if isinstance(self.docs_url, Remote):
            return f"{self.docs_public_url or f'{self.docs_url}/'}{FIRST_PAGE}"
        folder = self.docs_url or self.gx_root / "uncommitted" / "data_docs" / "local_site"
        return folder.resolve() / FIRST_PAGE

    @property
    def spool_dir(self) -> Place:
        """The spool."""
        return self.spool or self.home / "spool"


def _split(globs: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in globs.split(",") if one.strip())


def secrets_of_locations() -> Iterator[str]:
    """What the packages for locations find in the environment and nobody else shall see."""
    yield from (value for name, value in os.environ.items() if _SECRETS.fullmatch(name))
