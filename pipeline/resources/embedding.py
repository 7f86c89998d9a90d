"""The embedder of one program, from its settings."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from expectations_plugins.core.retry import RetryPolicy
from pipeline.config import Settings
from pipeline.config.connections import Connections
from pipeline.embedding import GeminiEmbedder
from pipeline.ports.vectors import Embedder


def embedder(
    to: Connections, settings: Settings, attempts: int, reaching: Callable[[], AbstractContextManager[None]]
) -> Embedder:
    """Asks Gemini; nothing is asked yet.

    Args:
        to: Where it is.
        settings: The model, its limit, the pace and the waits.
        attempts: How often one request is tried.
        reaching: Stands around each request, and tells an address that is wrong from an outage.
    """
    return GeminiEmbedder(
        to.gemini_api_key,
        endpoint=to.gemini_endpoint,
        model=settings.gemini_model,
        concurrency=settings.gemini_concurrency,
        requests_per_second=settings.gemini_requests_per_second,
        max_tokens=settings.gemini_max_tokens,
        policy=RetryPolicy(attempts, settings.retry_wait, settings.retry_wait_max),
        reaching=reaching,
    )
