"""Which of Gemini's exceptions may heal; a test holds the table complete."""

from __future__ import annotations

from collections.abc import Iterator

import google.api_core.exceptions as driver
import requests.exceptions as transport

from pipeline.errors import SluicegateError, TerminalError, TransientError
from pipeline.stores.error_table import ErrorTable

TOO_LARGE = 413

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
    """Seconds the API asked us to wait; None when it did not say, or not in seconds.

    It says so in the header Retry-After, or in a `google.rpc.RetryInfo` of the answer (https://google.aip.dev/193).
    """
    for value in _waits(error):
        try:
            return max(0.0, float(value))
        except ValueError:
            continue
    return None


def _waits(error: BaseException) -> Iterator[str]:
    response = getattr(error, "response", None)
    header = (getattr(response, "headers", None) or {}).get("Retry-After")
    if header is not None:
        yield str(header)
    for detail in getattr(error, "details", None) or ():
        if isinstance(detail, dict) and "retryDelay" in detail:
            yield str(detail["retryDelay"]).removesuffix("s")


class RequestRefusedError(TerminalError):
    """The API takes this request no time: one of its texts is to blame, or what all requests have in common."""


def classified(error: BaseException, doing: str) -> SluicegateError:
    """A driver's exception as ours, with the wait the API asked for."""
    ours = ERRORS.classify(error, doing)
    if isinstance(ours, TransientError):
        ours.retry_after = retry_after(error)
    elif isinstance(error, driver.BadRequest | driver.InvalidArgument) or getattr(error, "code", None) == TOO_LARGE:
        return RequestRefusedError(ours.message, next_step=ours.next_step)
    return ours
