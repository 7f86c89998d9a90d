"""Which of Gemini's exceptions may heal; a test holds the table complete."""

from __future__ import annotations

import re
from collections.abc import Iterator

import google.api_core.exceptions as driver
import requests.exceptions as transport
from google.protobuf.json_format import ParseError

from expectations_plugins.core.error_table import ErrorTable
from expectations_plugins.core.errors import ConfigurationError, SluicegateError, TerminalError, TransientError
from expectations_plugins.core.redaction import hidden

TOO_LARGE = 413
SAID_CHARACTERS = 200
_ADDRESS = re.compile(r"^[A-Z]+ \S+: ")
"""What google.api_core puts before the API's own message."""

NO_MODEL = "Set GEMINI_MODEL to a model that the API has: this one is misspelt or retired. See docs/operations.md."
KEY_INVALID = ("API_KEY_INVALID", "API key not valid", "API key expired")


def _refuses(error: BaseException) -> bool:
    """Google answers 400 to a key it does not know."""
    return isinstance(error, driver.BadRequest) and any(part in f"{error} {error.details}" for part in KEY_INVALID)


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
        transport.ConnectTimeout,
        transport.ReadTimeout,
        transport.ProxyError,
        transport.RetryError,
        transport.ContentDecodingError,  # what a proxy or a balancer answers in the service's place
        transport.JSONDecodeError,
        ParseError,  # an answer that was cut off in its headers looks like one without a body
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
        transport.SSLError,
        transport.HTTPError,
        transport.InvalidJSONError,
        transport.URLRequired,
        transport.TooManyRedirects,
        transport.MissingSchema,
        transport.InvalidSchema,
        transport.InvalidURL,
        transport.InvalidHeader,
        transport.InvalidProxyURL,
        transport.StreamConsumedError,
        transport.UnrewindableBodyError,
    ),
    base=(driver.GoogleAPIError, driver.AsyncRestUnsupportedParameterError, transport.RequestException, ParseError),
    refused=(driver.Unauthorized, driver.Forbidden, transport.SSLError),
    refuses=_refuses,
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

    said = ""
    """What the API said, in its words, of bounded length."""


def classified(error: BaseException, doing: str) -> SluicegateError:
    """A driver's exception as ours, with the wait the API asked for."""
    ours = ERRORS.classify(error, doing)
    if isinstance(ours, TransientError):
        ours.retry_after = retry_after(error)
    elif isinstance(ours, ConfigurationError):
        return ours
    elif isinstance(error, driver.NotFound):
        return ConfigurationError(ours.message, next_step=NO_MODEL)
    elif isinstance(error, driver.BadRequest | driver.InvalidArgument) or getattr(error, "code", None) == TOO_LARGE:
        refused = RequestRefusedError(ours.message, next_step=ours.next_step)
        refused.said = hidden(_ADDRESS.sub("", str(getattr(error, "message", error))))[:SAID_CHARACTERS]
        return refused
    return ours
