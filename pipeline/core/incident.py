"""An incident: a gate's failures of one kind, over all the batches that show it, and what each channel knows of it.

Values only. What may change, and when, is in `pipeline/alerts/transitions.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from pipeline.core.alert import SEVERITIES, Alert

MAX_WAITING = 500
"""Most batches that wait in one incident; the next one opens another, so that no batch's name is ever lost."""

MAX_GOING_ON = 10
"""How many batches that go on (a warning) are named; the others are counted."""


class IncidentState(StrEnum):
    """Where an incident is. Commands open and resolve; the states between are for what a person may do later."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    ASSIGNED = "assigned"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class IncidentBatch:
    """A batch of an incident.

    Args:
        number: Its place among the incident's batches, from 1: a channel remembers up to which it was notified.
        since: When it was first seen in the incident.
        alert: What it showed last.
    """

    number: int
    since: datetime
    alert: Alert

    @property
    def batch_id(self) -> str:
        """The batch's id."""
        return self.alert.batch_id


@dataclass(frozen=True, slots=True)
class ChannelState:
    """What one channel was sent of an incident, and how the attempts went.

    Args:
        notified_at: When it was last notified; None when it never was.
        messages: How often.
        severity, share: The worst it was notified of.
        last_number: The last batch it was notified of.
        is_resolved: Whether it was sent the end, or needs none.
        attempts: Failed attempts since the last success.
        next_try: When a run tries again by itself; None for at once.
        error: Why the last attempt failed; "" when it did not.
        claim, claim_until: Who is sending now, and until when that is believed; "" and None for nobody.
    """

    notified_at: datetime | None = None
    messages: int = 0
    severity: str = ""
    share: float = 0.0
    last_number: int = 0
    is_resolved: bool = False
    attempts: int = 0
    next_try: datetime | None = None
    error: str = ""
    claim: str = ""
    claim_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """A gate's failures of one kind.

    Args:
        key: The dedup key: the gate and the kind of failure.
        alert: What was raised last.
        opened_at, updated_at: When it began, and when a batch was last added or removed.
        occurrence: Its place among the incidents of its key, from 1.
        state: Where it is.
        batches: Those that wait, all of them, and the last of those that went on.
        seen: How many batches ever showed it.
        channels: By name, what each was sent.
        reason: Why it is resolved; "" while it is not.
        resolved_at: When; None while it is not.
        resolved_by, acknowledged_by, assignee: Names of people; "" for nobody.
        snoozed_until: Until when nobody is reminded; None for not snoozed.
        version: How often it was written: a store writes only over the version that was read.
    """

    key: str
    alert: Alert
    opened_at: datetime
    updated_at: datetime
    occurrence: int = 1
    state: IncidentState = IncidentState.OPEN
    batches: tuple[IncidentBatch, ...] = ()
    seen: int = 0
    channels: Mapping[str, ChannelState] = field(default_factory=dict)
    reason: str = ""
    resolved_at: datetime | None = None
    resolved_by: str = ""
    acknowledged_by: str = ""
    assignee: str = ""
    snoozed_until: datetime | None = None
    version: int = 0

    @property
    def gate(self) -> str:
        """The gate, or `pipeline`, or `freshness`."""
        return self.alert.gate

    @property
    def is_over(self) -> bool:
        """Whether it is resolved."""
        return self.state is IncidentState.RESOLVED

    @property
    def waiting(self) -> tuple[IncidentBatch, ...]:
        """The batches that do not go on."""
        return tuple(one for one in self.batches if one.alert.waits)

    @property
    def severity(self) -> str:
        """The worst of its batches."""
        ranks = [one.alert.rank for one in self.batches]
        return SEVERITIES[max(ranks) - 1] if ranks else SEVERITIES[self.alert.rank - 1]

    @property
    def share(self) -> float:
        """The worst share of bad records of its batches."""
        return max((one.alert.share for one in self.batches), default=self.alert.share)

    @property
    def is_settled(self) -> bool:
        """Whether it is over and no channel has to be sent that."""
        return self.is_over and all(state.is_resolved for state in self.channels.values())

    def channel(self, name: str) -> ChannelState:
        """What a channel was sent; an empty one when nothing."""
        return self.channels.get(name) or ChannelState()


def as_document(incident: Incident) -> dict[str, Any]:
    """The incident as plain data, times as they are."""
    return {**asdict(incident), "state": incident.state.value, "is_settled": incident.is_settled}


def incident_in(plain_data: Mapping[str, Any]) -> Incident:
    """The incident in plain data; what a newer program has added is left out.

    Raises:
        KeyError, TypeError, ValueError: It is not one of ours.
    """
    plain = _fields(Incident, plain_data)
    batches = tuple(
        IncidentBatch(int(one["number"]), _moment(one["since"]), _alert(one["alert"])) for one in plain["batches"]
    )
    channels = {str(name): _channel(state) for name, state in plain["channels"].items()}
    times = {name: _moment_or_none(plain.get(name)) for name in ("resolved_at", "snoozed_until")}
    moments = {name: _moment(plain[name]) for name in ("opened_at", "updated_at")}
    state, alert = IncidentState(plain["state"]), _alert(plain["alert"])
    parts = {"state": state, "alert": alert, "batches": batches, "channels": channels}
    return Incident(**{**plain, **times, **moments, **parts})


def _fields(kind: type[Any], plain_data: Mapping[str, Any]) -> dict[str, Any]:
    return {one.name: plain_data[one.name] for one in fields(kind) if one.name in plain_data}


def _alert(plain_data: Mapping[str, Any]) -> Alert:
    plain = _fields(Alert, plain_data)
    examples = tuple((str(key), str(what)) for key, what in plain.get("examples", ()))
    return Alert(**{**plain, "examples": examples})


def _channel(plain_data: Mapping[str, Any]) -> ChannelState:
    plain = _fields(ChannelState, plain_data)
    times = {name: _moment_or_none(plain.get(name)) for name in ("notified_at", "next_try", "claim_until")}
    return ChannelState(**{**plain, **times})


def _moment(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def _moment_or_none(value: Any) -> datetime | None:
    return None if value is None else _moment(value)
