"""What people are notified of, and what became of notifying them. No channel and no store is known here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

SEVERITIES = ("warning", "error", "critical")
"""The worst last: a gate warns; an outage or a dead-lettered batch; a gate failed."""

MAX_KEY = 255
"""Longest dedup key, in characters (PagerDuty Events API v2)."""

EXAMPLES_SHOWN = 3
_DIGEST = 32


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing people are notified of: that one batch shows a failure, or a message about several of them.

    Args:
        gate: The gate, or `pipeline`.
        severity: critical, error or warning.
        title: What happened, one line.
        summary: What failed, with counts, and what was done about it.
        batch_id: The batch; "" when it is about none, or about several.
        failure: A stable name of what failed: the same failure of the same gate is one incident.
        examples: Pairs of interaction_id and what is wrong with it, or the value that is wrong as it may be shown.
        docs: Address of the page with the details; "" for none.
        next_step: The command to run next.
        title_of_many: The title when several batches show it, with `{count}` in it.
        share: Share of the batch's records that are bad, 0..1; 0 when nothing was counted.
        waits: Whether the batch does not go on: its incident is open until that has ended.
        part: Which of several incidents of this kind it is, 1 for the first: one incident has room for so many batches.
    """

    gate: str
    severity: str
    title: str
    summary: str
    batch_id: str
    failure: str
    examples: tuple[tuple[str, str], ...] = ()
    docs: str = ""
    next_step: str = ""
    title_of_many: str = ""
    share: float = 0.0
    waits: bool = False
    part: int = 1

    @property
    def dedup_key(self) -> str:
        """The same for the same failure of the same gate; at most `MAX_KEY` characters."""
        key = f"sluicegate:{self.gate}:{self.failure}{f' ({self.part})' if self.part > 1 else ''}"
        if len(key) <= MAX_KEY:
            return key
        digest = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:_DIGEST]
        return f"{key[: MAX_KEY - _DIGEST - 1]}:{digest}"

    @property
    def rank(self) -> int:
        """How severe it is; a worse one in the same incident is sent at once."""
        return rank_of(self.severity)

    @property
    def web_page(self) -> str:
        """`docs` when others can open it in a browser; "" for a file of this machine."""
        return self.docs if self.docs.startswith(("https://", "http://")) else ""

    def shown_examples(self) -> tuple[tuple[str, str], ...]:
        """The first examples."""
        return self.examples[:EXAMPLES_SHOWN]


def rank_of(severity: str) -> int:
    """1 for a warning, 2 for an error, 3 for critical and for a word that is not known."""
    return SEVERITIES.index(severity) + 1 if severity in SEVERITIES else len(SEVERITIES)


class DeliveryStatus(StrEnum):
    """What became of notifying one channel."""

    DELIVERED = "delivered"
    SUPPRESSED = "suppressed"
    """It was notified a short while ago, or another run is notifying it."""
    FAILED = "failed"
    NOT_CONFIGURED = "not configured"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of notifying one channel; `detail` never holds a secret."""

    channel: str
    status: DeliveryStatus
    detail: str = ""
