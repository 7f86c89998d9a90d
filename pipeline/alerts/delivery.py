"""Telling one channel: claim it in the book, send it, write down what became of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from expectations_plugins.core.errors import SluicegateError, TransientError
from expectations_plugins.core.retry import RetryPolicy, retry
from pipeline.alerts.channels import Channel
from pipeline.alerts.redaction import Secrecy
from pipeline.core.alert import Alert, Claim, ClaimAnswer, Delivery, DeliveryStatus, OpenAlert
from pipeline.ports.alert_state import AlertBook

BUSY_POLICY = RetryPolicy(attempts=60, wait=0.1, wait_max=1.0)
"""How to wait while another run tells the same; that is mostly over in less than a second."""


class Teller:
    """Tells a channel what the book says it was not told yet.

    When the book cannot be read the channel is told: better twice than never.

    Args:
        book: Who was told what.
        interval: Seconds before what goes on is told again.
        secrecy: Keeps secrets out of what is written down.
    """

    def __init__(self, book: AlertBook, interval: float, secrecy: Secrecy) -> None:
        self._book = book
        self._interval = interval
        self._secrecy = secrecy

    def tell(self, channel: Channel, alert: Alert) -> Delivery:
        """Tell of a failure, unless it was told lately."""
        claim = _claimed(lambda: self._book.claim(alert, channel.name, interval=self._interval))
        if claim is not None and claim.answer is not ClaimAnswer.GRANTED:
            return Delivery(channel.name, DeliveryStatus.SUPPRESSED, _why(claim))
        problem = self._sent(lambda: channel.trigger(alert), claim)
        if problem:
            return Delivery(channel.name, DeliveryStatus.FAILED, problem)
        _settled(claim, lambda given: self._book.told(given, alert))
        return Delivery(channel.name, DeliveryStatus.DELIVERED)

    def end(self, channel: Channel | None, row: OpenAlert) -> Delivery | None:
        """Tell that a failure is over; None when the channel knows.

        Args:
            channel: The channel; None when it is not configured any more.
            row: What is open on it.
        """
        claim = _claimed(lambda: self._book.claim_resolve(row.dedup_key, row.channel))
        if claim is None or claim.answer is ClaimAnswer.TOLD:
            return None
        if claim.answer is ClaimAnswer.BUSY:
            return Delivery(row.channel, DeliveryStatus.SUPPRESSED, _why(claim))
        problem = self._sent(lambda: channel.resolve(row.dedup_key, row.gate), claim) if channel else ""
        if problem:
            return Delivery(row.channel, DeliveryStatus.FAILED, f"{row.dedup_key} stays open: {problem}")
        _settled(claim, self._book.resolved)
        if channel is None:
            return Delivery(row.channel, DeliveryStatus.NOT_CONFIGURED, f"resolve {row.dedup_key} there by hand")
        return Delivery(row.channel, DeliveryStatus.DELIVERED, f"resolved {row.dedup_key}")

    def _sent(self, send: Callable[[], None], claim: Claim | None) -> str:
        """Send; what went wrong, "" when nothing did."""
        problem = problem_of(send)
        if problem:
            _settled(claim, lambda given: self._book.failed(given, self._secrecy.without(problem)))
        return problem


def problem_of(send: Callable[[], None]) -> str:
    """Call a channel; what went wrong in words, "" when nothing did."""
    try:
        send()
    except SluicegateError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a channel's bug stays the channel's; its text may hold anything
        return f"This is a bug in the channel: {type(error).__name__}."
    return ""


class _BusyError(TransientError):
    """Another run is telling the same just now."""

    def __init__(self, claim: Claim) -> None:
        super().__init__("Another run is telling the same.")
        self.claim = claim


def _claimed(claim: Callable[[], Claim]) -> Claim | None:
    """The claim, once no other run is telling the same; None when the book cannot be read."""

    def once() -> Claim | None:
        try:
            found = claim()
        except SluicegateError:  # not worth a wait: the alert is what matters
            return None
        if found.answer is ClaimAnswer.BUSY:
            raise _BusyError(found)
        return found

    try:
        return retry(once, BUSY_POLICY)
    except _BusyError as error:
        return error.claim


def _settled(claim: Claim | None, write: Callable[[Claim], None]) -> None:
    """Write down what became of a claim; when the book is down it expires, and the next run may tell it again."""
    if claim is None:
        return
    try:
        write(claim)
    except SluicegateError:
        return


def _why(claim: Claim) -> str:
    if claim.answer is ClaimAnswer.BUSY:
        return "another run is telling it"
    if claim.told_at is None:
        return "told lately"
    minutes = max(0, int((datetime.now(UTC) - claim.told_at).total_seconds() // 60))
    return f"told {minutes} min ago" if minutes else "told just now"
