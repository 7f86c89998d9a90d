"""Connecting to BigQuery from plain values."""

from __future__ import annotations

from google.api_core.exceptions import GoogleAPIError
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud.bigquery import Client
from requests import Response
from requests.exceptions import ContentDecodingError

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
    client._http.hooks["response"].append(_refuse_foreign)  # noqa: SLF001 - it offers no other place
    return client


def _refuse_foreign(response: Response, *args: object, **options: object) -> None:
    """Refuse what BigQuery does not answer: a part of an answer, or what a gateway or another server says in its place.

    The client would fail within itself, or take it for an answer without content.

    Raises:
        ContentDecodingError: It is none of BigQuery's answers.
    """
    del args, options
    request = response.request
    may_be_empty = request.method == "DELETE" or "/upload/" in str(request.url)
    if not response.content:
        if response.ok and not may_be_empty:
            raise ContentDecodingError("the answer is empty", response=response)
        return
    try:
        answer = response.json()
    except ValueError:
        return  # the client says so by itself
    is_ours = isinstance(answer, dict) and ("kind" in answer or isinstance(answer.get("error"), dict))
    if not is_ours:
        raise ContentDecodingError(f"HTTP {response.status_code}, and no answer of BigQuery", response=response)
