"""Slack: an incoming webhook and Block Kit. slack_sdk is imported here and nowhere else."""

from __future__ import annotations

import http.client
import logging
import re
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

from slack_sdk.errors import SlackClientError
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)
from slack_sdk.http_retry.builtin_interval_calculators import BackoffRetryIntervalCalculator
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.webhook import WebhookClient

from expectations_plugins.core.errors import TerminalError, TransientError
from pipeline.alerts.channels import trusted
from pipeline.config import Settings
from pipeline.core.alert import Alert
from pipeline.core.batches import short

TIMEOUT = 10
"""Seconds for one request."""

RETRIES = 2
WAIT = 0.5
"""First wait before a retry, in seconds; it doubles, and the client adds up to a second of jitter."""

WAIT_MAX = 10
"""Longest Retry-After that is waited for, in seconds; a longer one is a failure now and another try at the next run."""

MARKS = {"critical": ":rotating_light:", "error": ":red_circle:", "warning": ":warning:"}
HEADER_LENGTH, TEXT_LENGTH, CODE_LENGTH, ADDRESS_LENGTH = 150, 2900, 200, 500
"""Longest texts; Slack takes 150 characters in a header and 3,000 in a section."""

Block = dict[str, Any]

_REASON_LENGTH = 80
_REASON = re.compile("[a-z_ ]+")

SERVER_ERRORS = range(500, 600)
RATE_LIMITED = 429
DELIVERED = (200, "ok")
"""What Slack answers when it has taken a message, and nothing else is (api.slack.com/messaging/webhooks)."""


class SlackChannel:
    """Messages to the channel a webhook belongs to.

    Args:
        url: The webhook; it is a secret.
        trust: Certificates that are trusted.
        wait: First wait before a retry, in seconds.
    """

    name = "slack"
    keeps_incidents = False

    def __init__(self, url: str, trust: ssl.SSLContext, *, wait: float = WAIT) -> None:
        backoff = BackoffRetryIntervalCalculator(backoff_factor=wait)
        # the client logs its address, which is the secret, so it gets a logger that nobody listens to
        silent = logging.Logger("slack", level=logging.CRITICAL + 1)
        self._client = WebhookClient(
            url,
            timeout=TIMEOUT,
            ssl=trust,
            logger=silent,
            retry_handlers=[
                _PatientRateLimit(RETRIES),
                _AnyServerError(RETRIES, backoff),
                ConnectionErrorRetryHandler(RETRIES, backoff),
            ],
        )

    @classmethod
    def configured(cls, settings: Settings) -> SlackChannel | None:
        """The channel of SLACK_WEBHOOK_URL."""
        if settings.slack_webhook_url is None:
            return None
        return cls(settings.slack_webhook_url.get_secret_value(), trusted(settings), wait=settings.retry_wait / 2)

    def trigger(self, alert: Alert) -> None:
        """Post the alert.

        Raises:
            TransientError: Slack cannot be reached, or is too busy.
            TerminalError: Slack refuses the message or the webhook.
        """
        self._send(f"{MARKS.get(alert.severity, '')} {alert.title}. {alert.summary}".strip(), blocks_of(alert))

    def resolve(self, alert: Alert) -> None:
        """Post that it is over.

        Raises:
            TransientError: Slack cannot be reached, or is too busy.
            TerminalError: Slack refuses the message or the webhook.
        """
        self._send(f":white_check_mark: {alert.title}. {alert.summary}".strip(), end_blocks(alert))

    def _send(self, text: str, blocks: Sequence[Block]) -> None:
        try:
            answer = self._client.send(
                text=_safe(text, TEXT_LENGTH), blocks=blocks, unfurl_links=False, unfurl_media=False
            )
        except (SlackClientError, http.client.HTTPException, OSError, ValueError) as error:
            why = getattr(error, "reason", None) or error
            raise TransientError(
                f"Slack cannot be reached: {type(why).__name__}.", next_step="Check SLACK_WEBHOOK_URL and the network."
            ) from None
        if answer.status_code in (RATE_LIMITED, *SERVER_ERRORS):
            raise TransientError(f"Slack answered {answer.status_code}, and retries did not help.")
        if (answer.status_code, answer.body.strip()) != DELIVERED:
            raise TerminalError(
                f"Slack answered {answer.status_code}{_reason(answer.body)}, which is not its `ok`.",
                next_step="Check SLACK_WEBHOOK_URL, and whether a proxy answers in Slack's place.",
            )


def blocks_of(alert: Alert) -> list[Block]:
    """The alert in Block Kit: what failed, where, three examples, what to run next, the page with the details."""
    head = _cut(f"{MARKS.get(alert.severity, '')} {alert.title}".strip(), HEADER_LENGTH)
    blocks: list[Block] = [
        {"type": "header", "text": {"type": "plain_text", "text": head, "emoji": True}},
        *([_section(_safe(alert.summary, TEXT_LENGTH))] if alert.summary.strip() else []),
        {"type": "section", "fields": [_text(f"*{name}*\n{value}") for name, value in _facts(alert).items()]},
    ]
    if examples := alert.shown_examples():
        lines = [f"• {_code(key)} {_code(what)}" for key, what in examples]
        blocks.append(_section("\n".join(["*Examples*", *lines])))
    if alert.next_step:
        blocks.append(_section(f"*Run next*\n{_code(alert.next_step, ADDRESS_LENGTH)}"))
    if 0 < len(alert.web_page) <= TEXT_LENGTH:
        button = {"type": "button", "text": {"type": "plain_text", "text": "Open the Data Docs"}, "url": alert.web_page}
        blocks.append({"type": "actions", "elements": [button]})
    elif alert.docs:
        blocks.append(_section(f"*Data Docs*\n{_code(alert.docs, ADDRESS_LENGTH)}"))
    return [*blocks, _footer(alert.dedup_key)]


def end_blocks(alert: Alert) -> list[Block]:
    """That it is over, in Block Kit."""
    head = f":white_check_mark: *{_safe(alert.title, CODE_LENGTH)}*"
    why = [_section(_safe(alert.summary, TEXT_LENGTH))] if alert.summary.strip() else []
    return [_section(head), *why, _footer(alert.dedup_key)]


def _reason(body: str) -> str:
    """Slack's word for why it refuses, e.g. `invalid_blocks`; nothing else, for it could be anybody's page."""
    words = _cut(body, _REASON_LENGTH)
    return f": {words}" if _REASON.fullmatch(words) else ""


def _facts(alert: Alert) -> Mapping[str, str]:
    facts = {"Gate": _safe(alert.gate, CODE_LENGTH), "Severity": _safe(alert.severity, CODE_LENGTH)}
    return {**facts, "Batch": _code(short(alert.batch_id))} if alert.batch_id else facts


def _section(text: str) -> Block:
    return {"type": "section", "text": _text(text)}


def _footer(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "plain_text", "text": _cut(text, TEXT_LENGTH), "emoji": False}]}


def _text(text: str) -> Block:
    # verbatim: what data holds is no link and no mention
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _code(text: str, length: int = CODE_LENGTH) -> str:
    inside = _safe(text, length).replace("`", "'").strip()
    return f"`{inside or '(empty)'}`"


def _safe(text: str, length: int) -> str:
    """At most so many characters, escaped; a text that escaping makes too long is cut for the worst of cases."""
    escaped = _escaped(_cut(text, length))
    return escaped if len(escaped) <= length else _escaped(_cut(text, length // len("&amp;")))


def _escaped(text: str) -> str:
    """Slack's three characters that mean something (docs.slack.dev, formatting message text)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, length: int) -> str:
    line = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


class _PatientRateLimit(RateLimitErrorRetryHandler):
    """Waits for as long as Retry-After asks, unless that is too long or cannot be read."""

    def _can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        asked = [
            value
            for name, values in (response.headers if response else {}).items()
            if name.lower() == "retry-after"
            for value in values
        ]
        bearable = all(value.isdecimal() and int(value) <= WAIT_MAX for value in asked)
        return bearable and super()._can_retry(state=state, request=request, response=response, error=error)


class _AnyServerError(ServerErrorRetryHandler):
    """The client's own takes 500 and 503 only."""

    def _can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        del state, request, error
        return response is not None and response.status_code in SERVER_ERRORS
