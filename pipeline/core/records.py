"""One record on its way: as it was read, as a dead letter, in quarantine, in the review queue, in metrics and graph."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any, Final

from pipeline.core.fields import MAX_DECIMALS
from pipeline.core.locator import Locator

MAX_ID_LENGTH = 256
"""Longest interaction_id, user_id and campaign_id taken, in UTF-8 bytes (Milvus VARCHAR and index keys are bounded)."""


class Missing(Enum):
    """The type of `MISSING`; an enum, so that a type checker can tell it from every JSON value.

    It is falsy, as None is, so that `record.user_id or ""` reads both alike; whoever must tell a field that was not
    there from one that was null compares with `is MISSING`.
    """

    MISSING = "missing"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing.MISSING
"""A field the record did not have; None is a field that was null."""


class DeadReason(StrEnum):
    """Why a record cannot be loaded."""

    INCOMPLETE = "incomplete"
    """The file ends in this record, or cannot be read any further: what followed it did not arrive."""
    UNPARSABLE = "unparsable"
    NOT_AN_OBJECT = "not_an_object"
    MISSING_ID = "missing_id"
    BAD_ID = "bad_id"
    UNSTORABLE = "unstorable"
    CONFLICT = "conflict"
    SUPERSEDED = "superseded"
    """A newer batch brought the record again, with other content, and took it over."""


@dataclass(frozen=True, slots=True)
class Interaction:
    """One raw log record that could be read.

    Args:
        interaction_id: The record's key in every store.
        at: Where it is in the source file.
        user_id, campaign_id, type: Text; a whole number as text, anything else as given: the raw gate judges it.
            `MISSING` when the record did not have the field, None when it was null.
        timestamp: Timezone-aware, UTC; None when missing or unreadable.
        message: The text that is embedded; None when missing, blank or not text.
        extra: Every other field, as given; and as given what was converted, or could not be read.
        content_hash: sha256 of the record's canonical JSON as given: equal content, equal hash.
        raw: Its text in the file (of CSV with the header row), for the dead letter it may become.
        value: The number that the text in `value` means; None where it is a number, or means none.
        converted: Fields that were read from another type or notation, and which.
        unreadable: Fields that were given and could not be read, and the type they had.
        implausible: Fields that were read and cannot be right, and why.
    """

    interaction_id: str
    at: Locator
    user_id: Any
    campaign_id: Any
    type: Any
    timestamp: datetime | None
    message: str | None
    extra: Mapping[str, Any]
    content_hash: str
    raw: str = field(default="", repr=False)
    value: int | float | None = None
    converted: Mapping[str, str] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    implausible: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One record that could not be loaded, kept with all that is needed to repair and replay it.

    `interaction_id` is "" when it has none, or none that can be one.
    """

    batch_id: str
    at: Locator
    reason: DeadReason
    detail: str
    raw: str
    interaction_id: str = ""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A record that goes no further until a person releases it.

    Args:
        interaction_id, batch_id: The record, and the batch that brought it.
        gate, reason, run_id, at: Who marked it, why, in which check and when.
        record: The whole document, as it is stored.
    """

    interaction_id: str
    batch_id: str
    gate: str
    reason: str
    run_id: str
    at: datetime | None
    record: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """An interaction that is, or was, in the review queue.

    Args:
        interaction_id, batch_id, campaign_id: The interaction.
        state: open, resolved (by a person) or lifted (the campaign arrived).
        reason, gate, run_id, since: Why it was flagged, by which check and when.
        history: What happened to the flag, oldest first.
    """

    interaction_id: str
    batch_id: str
    campaign_id: str | None
    state: str
    reason: str
    gate: str
    run_id: str
    since: datetime | None
    history: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One aggregated metrics row: interactions of a batch by campaign, type and 10-minute window (UTC).

    `distinct_users` counts within the row only: it must never be summed over rows. `value` is None where an older
    version's sum could not be kept as a decimal.
    """

    batch_id: str
    campaign_id: str | None
    type: str | None
    window_start: datetime | None
    interactions: int
    distinct_users: int
    value: Decimal | None

    @property
    def counted(self) -> str:
        """What it counts, how many interactions that are, and their sum, as one text."""
        window = self.window_start.astimezone(UTC).isoformat() if self.window_start else None
        value = None if self.value is None else format(self.value, f".{MAX_DECIMALS}f")
        return json.dumps([self.campaign_id, self.type, window, self.interactions, value])


@dataclass(frozen=True, slots=True)
class GraphRecord:
    """What the graph keeps of an accepted interaction."""

    interaction_id: str
    user_id: str
    campaign_id: str | None
    type: str | None
    timestamp: datetime | None
