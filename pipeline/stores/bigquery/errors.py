"""Which of BigQuery's exceptions may heal; a test holds the table complete."""

from __future__ import annotations

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

HEALING_TEXTS = ("due to concurrent update", "exceeded rate limits")
"""A transaction that met another batch's, or a table's update limit: BigQuery calls both 400 invalidQuery."""


def _refine(error: BaseException) -> bool | None:
    """By BigQuery's reason, or by its text where the reason says as little as the HTTP status."""
    if isinstance(error, auth.RefreshError):
        return bool(error.retryable)
    if not isinstance(error, driver.GoogleAPICallError):
        return None
    reasons = {detail.get("reason") for detail in error.errors if isinstance(detail, dict)}
    text = str(error).casefold()
    return True if reasons & HEALING_REASONS or any(part in text for part in HEALING_TEXTS) else None


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
