"""Which of Gemini's exceptions may heal; a test holds the table complete."""

from __future__ import annotations

import google.api_core.exceptions as driver
import requests.exceptions as transport

from pipeline.stores.error_table import ErrorTable

ERRORS = ErrorTable(
    store="Gemini",
    transient=(
        driver.TooManyRequests,
        driver.ResourceExhausted,
        driver.InternalServerError,
        driver.BadGateway,
        driver.ServiceUnavailable,
        driver.GatewayTimeout,
        driver.DeadlineExceeded,
        driver.Aborted,
        driver.Cancelled,
        driver.Unknown,
        driver.RetryError,
        transport.ConnectionError,
        transport.Timeout,
        transport.ChunkedEncodingError,
    ),
    terminal=(
        driver.GoogleAPIError,
        driver.GoogleAPICallError,
        driver.Redirection,
        driver.MovedPermanently,
        driver.NotModified,
        driver.TemporaryRedirect,
        driver.ResumeIncomplete,
        driver.ClientError,
        driver.BadRequest,
        driver.InvalidArgument,
        driver.FailedPrecondition,
        driver.OutOfRange,
        driver.Unauthorized,
        driver.Unauthenticated,
        driver.Forbidden,
        driver.PermissionDenied,
        driver.NotFound,
        driver.MethodNotAllowed,
        driver.Conflict,
        driver.AlreadyExists,
        driver.LengthRequired,
        driver.PreconditionFailed,
        driver.RequestRangeNotSatisfiable,
        driver.ServerError,
        driver.MethodNotImplemented,
        driver.DataLoss,
        driver.AsyncRestUnsupportedParameterError,
        driver.DuplicateCredentialArgs,
        transport.RequestException,
    ),
    base=(driver.GoogleAPIError, transport.RequestException),
)
"""google.api_core's exceptions, and those of the HTTP client below it."""


def retry_after(error: BaseException) -> float | None:
    """Seconds the API asked us to wait; None when it did not say, or not in seconds."""
    response = getattr(error, "response", None)
    headers = getattr(response, "headers", None) or {}
    value = headers.get("Retry-After")
    try:
        return None if value is None else max(0.0, float(value))
    except ValueError:
        return None
