"""Which of BigQuery's exceptions may heal; a test holds the table complete."""

from __future__ import annotations

import re

import google.api_core.exceptions as driver
import google.auth.exceptions as auth
import requests.exceptions as transport

from expectations_plugins.core.error_table import ErrorTable

HEALING_REASONS = frozenset(
    {
        "rateLimitExceeded",
        "jobRateLimitExceeded",
        "quotaExceeded",
        "backendError",
        "jobBackendError",
        "internalError",
        "jobInternalError",
        "badGateway",
        "stopped",
        "tableUnavailable",
    }
)
"""Reasons that heal, whatever the HTTP status: quotas come as 403, a job stopped at its time limit as 200."""

CONTENTION_REASONS = frozenset({"rateLimitExceeded", "jobRateLimitExceeded"})
CONTENTION_TEXTS = ("due to concurrent update", "exceeded rate limits", "too many dml statements outstanding")
"""A statement that changes what another one changes, or a table's update limit: often 400 invalidQuery."""

DAILY_QUOTA = "quotaExceeded"
LOST_UPLOAD = re.compile(r"404 PUT \S+/upload/")
"""The service has lost an upload that was begun, or has finished it and its answer was lost."""


def is_contention(error: BaseException) -> bool:
    """Whether somebody else did something to the same table, so that the same call succeeds in a while."""
    return isinstance(error, driver.GoogleAPICallError) and (
        bool(_reasons(error) & CONTENTION_REASONS) or any(part in str(error).casefold() for part in CONTENTION_TEXTS)
    )


def is_quota(error: BaseException) -> bool:
    """Whether a quota is used up, for the rest of the day."""
    return isinstance(error, driver.GoogleAPICallError) and DAILY_QUOTA in _reasons(error)


def _reasons(error: driver.GoogleAPICallError) -> set[object]:
    return {detail.get("reason") for detail in error.errors if isinstance(detail, dict)}


def _refine(error: BaseException) -> bool | None:
    """By BigQuery's reason, or by its text where the reason says as little as the HTTP status."""
    if isinstance(error, auth.RefreshError):
        return bool(error.retryable)
    if not isinstance(error, driver.GoogleAPICallError):
        return None
    is_lost_upload = isinstance(error, driver.NotFound) and LOST_UPLOAD.match(str(error))
    return True if is_lost_upload or is_contention(error) or _reasons(error) & HEALING_REASONS else None


ERRORS = ErrorTable(
    store="BigQuery",
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
        transport.JSONDecodeError,  # an answer that was cut off in its headers looks like one without a body
        auth.TransportError,
        auth.TimeoutError,
        TimeoutError,  # a job that took longer than we wait
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
        auth.GoogleAuthError,
        auth.RefreshError,
        auth.UserAccessTokenError,
        auth.DefaultCredentialsError,
        auth.MutualTLSChannelError,
        auth.ClientCertError,
        auth.OAuthError,
        auth.ReauthFailError,
        auth.ReauthSamlChallengeFailError,
        auth.MalformedError,
        auth.InvalidResource,
        auth.InvalidOperation,
        auth.InvalidValue,
        auth.InvalidType,
        auth.OSError,
        auth.ResponseError,
    ),
    base=(
        driver.GoogleAPIError,
        driver.AsyncRestUnsupportedParameterError,
        transport.RequestException,
        auth.GoogleAuthError,
        TimeoutError,
    ),
    refine=_refine,
    refused=(driver.Unauthorized, driver.Forbidden, auth.GoogleAuthError, transport.SSLError),
)
"""The exceptions of google.api_core, of google.auth, and of the HTTP client below them."""
