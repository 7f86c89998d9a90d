"""PagerDuty: Events API v2, trigger and resolve. The client `pagerduty` is imported here and nowhere else."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pagerduty

from expectations_plugins.core.errors import ConfigurationError, SluicegateError, TerminalError, TransientError
from expectations_plugins.core.retry import RetryPolicy, retry
from pipeline.alerts.channels import trusted
from pipeline.config import Settings
from pipeline.core.alert import Alert

TIMEOUT = 10
"""Seconds for one request to connect, and for each of its reads."""

ATTEMPTS = 3
WAIT_MAX = 10.0
"""Longest wait between attempts, in seconds; Retry-After is honoured up to it."""

SUMMARY_LENGTH = 1024
"""Longest summary (PagerDuty Events API v2)."""

REASON_LENGTH = 200
SEVERITY = {"critical": "critical", "error": "error", "warning": "warning"}
ACCEPTED, RATE_LIMITED, SERVER_ERRORS, REDIRECTS = 202, 429, range(500, 600), range(300, 400)


class PagerDutyChannel:
    """Incidents of the service a routing key belongs to; a dedup key is one incident.

    Args:
        routing_key: The service's integration key; it is a secret.
        url: The events API of the service's region.
        trust: Certificates that are trusted.
        wait: First wait before a retry, in seconds.

    Raises:
        ConfigurationError: The address cannot be used.
    """

    name = "pagerduty"
    keeps_incidents = True

    def __init__(self, routing_key: str, url: str, trust: ssl.SSLContext, *, wait: float = 1.0) -> None:
        try:
            self._client = _OneAttempt(routing_key, base_url=url.rstrip("/"), verify=trust)
        except pagerduty.UrlError as error:
            raise ConfigurationError(
                f"PagerDuty's address cannot be used: {error}.", next_step="Check PAGERDUTY_EVENTS_URL."
            ) from None
        self._client.timeout = TIMEOUT
        self._client.max_network_attempts = 0
        self._policy = RetryPolicy(ATTEMPTS, wait, WAIT_MAX)

    @classmethod
    def configured(cls, settings: Settings) -> PagerDutyChannel | None:
        """The channel of PAGERDUTY_ROUTING_KEY."""
        if settings.pagerduty_routing_key is None:
            return None
        key = settings.pagerduty_routing_key.get_secret_value()
        return cls(key, settings.pagerduty_events_url, trusted(settings), wait=settings.retry_wait)

    def trigger(self, alert: Alert) -> None:
        """Open the incident, or add to it while it is open.

        Raises:
            TransientError: PagerDuty cannot be reached, or is too busy.
            TerminalError: PagerDuty refuses the event or the key.
        """
        links = [{"href": alert.web_page, "text": "Data Docs"}] if alert.web_page else []
        self._send(
            lambda: self._client.trigger(
                _cut(f"{alert.title}. {alert.summary}"),
                "sluicegate",
                dedup_key=alert.dedup_key,
                severity=SEVERITY.get(alert.severity, "critical"),
                payload={"component": alert.gate, "class": alert.failure, "custom_details": details_of(alert)},
                links=links,
            )
        )

    def resolve(self, alert: Alert) -> None:
        """Resolve the incident; nothing happens when there is none.

        Raises:
            TransientError: PagerDuty cannot be reached, or is too busy.
            TerminalError: PagerDuty refuses the event or the key.
        """
        self._send(lambda: self._client.resolve(alert.dedup_key))

    def _send(self, event: Callable[[], str]) -> None:
        retry(lambda: _sent(event), self._policy)


def details_of(alert: Alert) -> dict[str, Any]:
    """What the incident's page shows."""
    return {
        "gate": alert.gate,
        "batch": alert.batch_id,
        "summary": alert.summary,
        "examples": [f"{key}: {what}" for key, what in alert.shown_examples()],
        "run_next": alert.next_step,
        "docs": alert.docs,
    }


def _sent(event: Callable[[], str]) -> None:
    try:
        event()
    except SluicegateError:
        raise
    except pagerduty.HttpError:
        raise TerminalError(
            "What answered is not PagerDuty's events API.", next_step="Check PAGERDUTY_EVENTS_URL."
        ) from None
    except pagerduty.Error as error:
        why = error.__cause__ or error
        raise TransientError(
            f"PagerDuty cannot be reached: {type(why).__name__}.",
            next_step="Check PAGERDUTY_EVENTS_URL and the network.",
        ) from None


class _OneAttempt(pagerduty.EventsApiV2Client):
    """The client without retries of its own: those have no limit on 429 and take no notice of Retry-After."""

    def postprocess(self, response: Any) -> None:
        """Judge every response before the client would try again.

        Raises:
            TransientError: Worth another attempt.
            TerminalError: Refused.
        """
        status = response.status_code
        if status == RATE_LIMITED or status in SERVER_ERRORS:
            raise TransientError(
                f"PagerDuty answered {status}.", retry_after=_seconds(response.headers.get("retry-after"))
            )
        if status in REDIRECTS:  # the client says what it is
            return
        if status != ACCEPTED or _body(response).get("status") != "success":
            raise TerminalError(
                f"PagerDuty answered {status}{self._reason(response)}, which is no success.",
                next_step="Check PAGERDUTY_ROUTING_KEY, and outside the US region PAGERDUTY_EVENTS_URL.",
            )

    def _reason(self, response: Any) -> str:
        """PagerDuty's words for why it refuses; of an answer that is not PagerDuty's, nothing."""
        body = _body(response)
        errors = body.get("errors")
        words = [body.get("message"), *(errors if isinstance(errors, list) else [])]
        said = "; ".join(str(word) for word in words if word).replace(self.auth_method.secret, "***")
        return f": {_cut(said)[:REASON_LENGTH]}" if said else ""


def _body(response: Any) -> dict[str, Any]:
    """The answer, when it is a JSON object."""
    try:
        body = response.json()  # the client's own decoding logs what it cannot read
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _seconds(asked: str | None) -> float | None:
    """Retry-After, seconds or a date, as seconds."""
    if not asked:
        return None
    if asked.strip().isdecimal():
        return float(asked)
    try:
        return max(0.0, (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def _cut(text: str) -> str:
    line = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    return line if len(line) <= SUMMARY_LENGTH else f"{line[: SUMMARY_LENGTH - 1]}…"
