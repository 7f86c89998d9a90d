"""Connecting to BigQuery from plain values."""

from __future__ import annotations

from http import HTTPStatus

from google.api_core.exceptions import GoogleAPIError
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud.bigquery import Client
from requests import Response
from requests.exceptions import ChunkedEncodingError

from expectations_plugins.core.errors import ConfigurationError

__all__ = ["Client", "connect"]


def connect(project: str, *, endpoint: str | None = None, location: str | None = None) -> Client:
    """A client; the caller closes it.

    Args:
        project: Google Cloud project.
        endpoint: Another endpoint than Google's; None for Google's. Credentials are Application Default Credentials;
            to an http:// address, an emulator's, none are sent.
        location: Location of datasets and jobs.

    Raises:
        ConfigurationError: There are no credentials, or they cannot be read; what is in them is not repeated.
    """
    in_clear = (endpoint or "").casefold().startswith("http://")
    try:
        client = Client(
            project=project,
            credentials=AnonymousCredentials() if in_clear else None,  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": endpoint} if endpoint else None,
            location=location,
        )
    except (GoogleAuthError, GoogleAPIError, OSError, ValueError) as error:
        raise ConfigurationError(
            f"There are no usable Google Cloud credentials for project {project} ({type(error).__name__}).",
            next_step="Set GOOGLE_APPLICATION_CREDENTIALS to a credentials file that can be read, "
            "or run: gcloud auth application-default login",
        ) from None
    client._http.hooks["response"].append(_refuse_broken_off)  # noqa: SLF001 - it offers no other place
    return client


def _refuse_broken_off(response: Response, *args: object, **options: object) -> None:
    """Say of an answer that its connection ended within its headers; the client would take it for one without content.

    Raises:
        ChunkedEncodingError: It says neither how long it is nor that it has no body, and has none.
    """
    del args, options
    says_its_length = {"content-length", "transfer-encoding"} & {name.lower() for name in response.headers}
    if response.status_code == HTTPStatus.OK and not says_its_length and not response.content:
        raise ChunkedEncodingError("the answer ended within its headers", response=response)
