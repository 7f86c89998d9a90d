"""Connecting to BigQuery from plain values."""

from __future__ import annotations

from google.api_core.exceptions import GoogleAPIError
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError
from google.cloud.bigquery import Client

from pipeline.errors import ConfigurationError

__all__ = ["Client", "connect"]


def connect(project: str, *, endpoint: str | None = None, location: str | None = None) -> Client:
    """A client; the caller closes it.

    Args:
        project: Google Cloud project.
        endpoint: Another endpoint than Google's, e.g. an emulator's, which asks for no credentials; None for Google's,
            with Application Default Credentials.
        location: Location of datasets and jobs.

    Raises:
        ConfigurationError: There are no credentials.
    """
    if endpoint:
        return Client(
            project=project,
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": endpoint},
            location=location,
        )
    try:
        return Client(project=project, location=location)
    except (DefaultCredentialsError, GoogleAPIError) as error:
        raise ConfigurationError(
            f"There are no Google Cloud credentials for project {project} ({type(error).__name__}).",
            next_step="Set GOOGLE_APPLICATION_CREDENTIALS, or run: gcloud auth application-default login",
        ) from None
