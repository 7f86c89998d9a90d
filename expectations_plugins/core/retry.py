"""Retries: the one module that waits and tries again. Only `TransientError` is retried, and callers say so by name."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import tenacity

from expectations_plugins.core.errors import TransientError

T = TypeVar("T")
LOG = logging.getLogger(__name__)

CONTENTION_SECONDS = 300.0
"""How long a transaction is tried again that its server undoes in favour of another one."""

CONTENTION_WAIT = 5.0
"""The longest wait between two tries of it, in seconds; the first is 20 ms, with full jitter."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently a call is tried.

    Args:
        attempts: Calls at most, the first included.
        wait: First wait in seconds; it doubles with every retry, with full jitter.
        wait_max: Longest wait in seconds; a server's Retry-After is honoured up to it.
    """

    attempts: int = 4
    wait: float = 1.0
    wait_max: float = 60.0


def retry(
    call: Callable[[], T],
    policy: RetryPolicy,
    *,
    on_retry: Callable[[int, TransientError, float], None] | None = None,
) -> T:
    """Call until it succeeds, raises anything but a TransientError, or the attempts are used up.

    Args:
        call: What to do; must be safe to repeat.
        policy: Attempts and waits.
        on_retry: Told before each wait: the attempt that failed (1-based), its error, seconds until the next.

    Raises:
        TransientError: The last attempt's error.
    """

    def before_sleep(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if on_retry is not None and isinstance(error, TransientError):
            on_retry(state.attempt_number, error, state.upcoming_sleep)

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(TransientError),
        stop=tenacity.stop_after_attempt(policy.attempts),
        wait=_waits(policy),
        before_sleep=before_sleep,
        reraise=True,
    )
    return retrying(call)


def through_contention(
    call: Callable[[], T],
    undone: Callable[[BaseException], bool],
    *,
    seconds: float = CONTENTION_SECONDS,
    longest: float = CONTENTION_WAIT,
) -> T:
    """Call a transaction again while its server undoes it because another one was in its way.

    That is neither an outage nor bad data, only two batches with a user in common, or two runs that make the same
    collection: not worth one of a stage's attempts. The more writers there are, the more often it happens, so time is
    the limit, not a number of tries. It is what the stores' drivers do themselves in their managed transactions,
    without their patience with a server that is gone: that is the runner's to decide.

    Args:
        call: One whole transaction, or whatever else may be done again from its beginning.
        undone: Whether an error says so.
        seconds: No further try begins after them.
        longest: The longest wait between two tries, in seconds.

    Raises:
        BaseException: The call's error: any other at once, this one when the time is over.
    """
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(undone),
        stop=tenacity.stop_after_delay(seconds),
        wait=tenacity.wait_random_exponential(multiplier=0.02, max=longest),
        before_sleep=_log_undone,
        reraise=True,
    )
    return retrying(call)


def _log_undone(state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    LOG.debug("%s: undone in favour of another one, tried again (%d)", error, state.attempt_number)


def _waits(policy: RetryPolicy) -> Callable[[tenacity.RetryCallState], float]:
    backoff = tenacity.wait_random_exponential(multiplier=policy.wait, max=policy.wait_max)

    def wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, TransientError) else None
        return backoff(state) if asked is None else min(asked, policy.wait_max)

    return wait
