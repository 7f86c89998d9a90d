"""Retries: what is tried again, how often, how long it waits."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from expectations_plugins.core.errors import TerminalError, TransientError
from expectations_plugins.core.retry import RetryPolicy, retry, through_contention

AT_ONCE = RetryPolicy(attempts=4, wait=0, wait_max=0)


def failing(*errors: Exception) -> Callable[[], int]:
    """Raises each error once; after them it returns how often it was called."""
    left, calls = list(errors), [0]

    def call() -> int:
        calls[0] += 1
        if left:
            raise left.pop(0)
        return calls[0]

    return call


def test_a_transient_error_is_tried_again() -> None:
    assert retry(failing(TransientError("down"), TransientError("down")), AT_ONCE) == 3


def test_the_last_error_is_raised_when_the_attempts_are_used_up() -> None:
    errors = [TransientError(f"down {number}") for number in range(1, 6)]
    with pytest.raises(TransientError, match="down 4"):
        retry(failing(*errors), AT_ONCE)


@pytest.mark.parametrize("error", [TerminalError("refused"), ValueError("unknown"), TimeoutError("a bare one")])
def test_anything_else_is_raised_at_once(error: Exception) -> None:
    call = failing(error)
    with pytest.raises(type(error)):
        retry(call, AT_ONCE)
    assert call() == 2


def test_each_wait_is_told_before_it_begins() -> None:
    told: list[tuple[int, str]] = []
    retry(
        failing(TransientError("first"), TransientError("second")),
        AT_ONCE,
        on_retry=lambda number, error, _: told.append((number, error.message)),
    )
    assert told == [(1, "first"), (2, "second")]


def test_a_servers_retry_after_is_honoured_up_to_the_longest_wait() -> None:
    waits: list[float] = []
    retry(
        failing(TransientError("quota", retry_after=0.001), TransientError("quota", retry_after=3600)),
        RetryPolicy(attempts=4, wait=0, wait_max=0.002),
        on_retry=lambda _number, _error, wait: waits.append(wait),
    )
    assert waits == [0.001, 0.002]


def test_waits_never_exceed_the_longest_wait() -> None:
    waits: list[float] = []
    retry(
        failing(*[TransientError("down")] * 3),
        RetryPolicy(attempts=4, wait=1000, wait_max=0.001),
        on_retry=lambda _number, _error, wait: waits.append(wait),
    )
    assert max(waits) <= 0.001


def undone(error: BaseException) -> bool:
    return isinstance(error, BlockingIOError)


def test_a_transaction_undone_for_another_one_is_called_again() -> None:
    assert through_contention(failing(BlockingIOError(), BlockingIOError()), undone) == 3


def test_any_other_error_of_a_transaction_is_raised_at_once() -> None:
    call = failing(TransientError("down"))
    with pytest.raises(TransientError, match="down"):
        through_contention(call, undone)
    assert call() == 2


def test_a_transaction_is_called_again_however_often_others_are_in_its_way() -> None:
    assert through_contention(failing(*[BlockingIOError()] * 50), undone, longest=0.001) == 51


def test_a_transaction_that_is_always_undone_ends_with_its_error() -> None:
    def always() -> None:
        raise BlockingIOError

    with pytest.raises(BlockingIOError):
        through_contention(always, undone, seconds=0.05, longest=0.001)
