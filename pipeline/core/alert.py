"""What people are told, what became of telling them, and what is still open. No channel and no store is known here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

SEVERITIES = ("warning", "error", "critical")
"""From mild to grave: a gate warns; an outage or a dead-lettered batch; a gate failed."""

MAX_KEY = 255
"""Longest dedup key, in characters (PagerDuty Events API v2)."""

EXAMPLES_SHOWN = 3
_DIGEST = 32


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing people are told.

    Args:
        gate: The gate, or `pipeline`.
        severity: critical, error or warning.
        title: What happened, one line.
        summary: What failed, with counts, and what was done about it.
        batch_id: The batch; "" when it is about none.
        failure: A stable name of what failed: the same failure of the same gate is one incident.
        examples: Pairs of interaction_id and what is wrong with it, or the value that is wrong as it may be shown.
        docs: Address of the page with the details; "" for none.
        next_step: The command to run next.
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

    @property
    def dedup_key(self) -> str:
        """The same for the same failure of the same gate; at most `MAX_KEY` characters."""
        key = f"sluicegate:{self.gate}:{self.failure}"
        if len(key) <= MAX_KEY:
            return key
        digest = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:_DIGEST]
        return f"{key[: MAX_KEY - _DIGEST - 1]}:{digest}"

    @property
    def rank(self) -> int:
        """How grave it is; a graver alert under the same key is news."""
        return rank_of(self.severity)

    @property
    def web_page(self) -> str:
        """`docs` when others can open it in a browser; "" for a file of this machine."""
        return self.docs if self.docs.startswith(("https://", "http://")) else ""

    def shown_examples(self) -> tuple[tuple[str, str], ...]:
        """The first examples."""
        return self.examples[:EXAMPLES_SHOWN]


def rank_of(severity: str) -> int:
    """1 for a warning, 2 for an error; whatever else is said is taken for critical, 3."""
    return SEVERITIES.index(severity) + 1 if severity in SEVERITIES else len(SEVERITIES)


class DeliveryStatus(StrEnum):
    """What became of telling one channel."""

    DELIVERED = "delivered"
    SUPPRESSED = "suppressed"
    FAILED = "failed"
    NOT_CONFIGURED = "not configured"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of telling one channel; `detail` never holds a secret."""

    channel: str
    status: DeliveryStatus
    detail: str = ""


class ClaimAnswer(StrEnum):
    """What the book says to whoever wants to tell a channel something."""

    GRANTED = "granted"
    BUSY = "busy"
    """Another run is telling it just now."""
    TOLD = "told"
    """It was told lately, or of a resolve: it is not open."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to tell one channel about one key.

    Args:
        dedup_key, channel: About what, and whom.
        answer: Whether it was granted.
        token: Names this claim; "" when it was not granted.
        told_at: Of a claim that was not granted: when the channel was last told.
    """

    dedup_key: str
    channel: str
    answer: ClaimAnswer
    token: str = ""
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """An alert that a channel was told and that is not resolved.

    Args:
        dedup_key, channel, gate: What is open, and where.
        severity, title, batch_id, next_step: As last told; "" when it is being told for the first time.
        opened_at, told_at: When the channel was first and last told.
        told: How often it was.
        repeats: How often it was not, for it had been told lately.
    """

    dedup_key: str
    channel: str
    gate: str
    severity: str = ""
    title: str = ""
    batch_id: str = ""
    next_step: str = ""
    opened_at: datetime | None = None
    told_at: datetime | None = None
    told: int = 0
    repeats: int = 0
