"""The port of the alerts' memory: who was told what, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pipeline.core.alert import Alert, Claim, OpenAlert


class AlertBook(Protocol):
    """Who was told what and when, so that several runs at once tell it once. Every call is bounded in time, and raises
    a SluicegateError when the book cannot be read or written.
    """

    def claim(self, alert: Alert, channel: str, *, interval: float) -> Claim:
        """Take the right to tell a channel, for a minute, atomically.

        Granted when the key is not open on the channel, was last told `interval` seconds ago, or as something milder.
        """

    def claim_resolve(self, dedup_key: str, channel: str) -> Claim:
        """Take the right to tell a channel that an open key is over."""

    def told(self, claim: Claim, alert: Alert) -> None:
        """The channel was told: the key is open there."""

    def resolved(self, claim: Claim) -> None:
        """The channel was told that it is over."""

    def failed(self, claim: Claim, detail: str) -> None:
        """The channel could not be told; whoever comes next may try."""

    def open_alerts(self, gate: str | None = None) -> Sequence[OpenAlert]:
        """What is open, or just being told, of one gate or of all; by key and channel."""
