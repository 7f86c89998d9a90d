"""How an incident changes, and what a channel is owed of it: pure functions, the same for every store.

A store reads an incident, one of these makes the next, and the store writes it if nobody else has written meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from pipeline.core.alert import EXAMPLES_SHOWN, Alert, rank_of
from pipeline.core.incident import (
    MAX_GOING_ON,
    MAX_WAITING,
    ChannelState,
    Incident,
    IncidentBatch,
    IncidentState,
)

CLAIM = timedelta(seconds=60)
"""How long a claim lasts; a process that died while it sent blocks its channel no longer."""

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=15)
"""Before a run tries a channel again by itself; it doubles with every attempt. `alerts send` does not wait."""

SUMMARY_KEPT = 1000
"""Characters that are kept of each batch's summary."""


class Kind(StrEnum):
    """What a channel is owed."""

    NEWS = "news"
    REMINDER = "reminder"
    END = "end"


@dataclass(frozen=True, slots=True)
class Owed:
    """A message that a channel has to be sent, since when, and the moment from which on it is sent."""

    kind: Kind
    since: datetime
    due: datetime


@dataclass(frozen=True, slots=True)
class Timing:
    """Between two messages about new batches of one incident, and before a reminder of what still waits."""

    interval: timedelta
    reminder: timedelta


def raised(found: Incident | None, alert: Alert, channels: Collection[str], now: datetime) -> Incident:
    """The incident, with a batch that shows it.

    Args:
        found: The latest incident of the key.
        alert: What the batch shows.
        channels: Names of those that are owed it.
        now: The store's time.
    """
    incident = _open(found, alert, now)
    alert = replace(alert, summary=alert.summary[:SUMMARY_KEPT], examples=alert.examples[:EXAMPLES_SHOWN])
    known = next((one for one in incident.batches if one.batch_id == alert.batch_id), None)
    others = tuple(one for one in incident.batches if one is not known)
    seen = incident.seen + (1 if alert.batch_id and known is None else 0)
    batch = IncidentBatch(known.number if known else seen, known.since if known else now, alert)
    named = _bounded((*others, batch)) if alert.batch_id else others
    states = {name: incident.channel(name) for name in (*incident.channels, *channels)}
    return replace(incident, alert=alert, batches=named, seen=seen, channels=states, updated_at=now)


def has_room(found: Incident | None, batch_id: str) -> bool:
    """Whether a batch can be added to the incident."""
    if found is None or found.is_over or len(found.waiting) < MAX_WAITING:
        return True
    return any(one.batch_id == batch_id for one in found.batches)


def without(found: Incident, gone: Callable[[IncidentBatch], bool], why: str, now: datetime) -> Incident:
    """The incident without some of its batches; resolved when none is left.

    Args:
        found: The incident.
        gone: Which batches.
        why: What ended for them, a sentence.
        now: The store's time.
    """
    left = tuple(one for one in found.batches if not gone(one))
    if found.is_over or len(left) == len(found.batches):
        return found
    if not left:
        last = f" It was the last of {found.seen:,} batches." if found.seen > 1 else ""
        return resolved(found, f"{why}{last}", now)
    milder = replace(found, batches=left, updated_at=now)
    worst = rank_of(milder.severity)
    states = {
        name: replace(state, severity=milder.severity) if state.severity and rank_of(state.severity) > worst else state
        for name, state in found.channels.items()
    }
    return replace(milder, channels=states)


def resolved(found: Incident, why: str, now: datetime, by: str = "") -> Incident:
    """The incident is over.

    Args:
        found: The incident.
        why: A sentence.
        now: The store's time.
        by: Who decided that; "" when it ended by itself.
    """
    if found.is_over:
        return found
    return replace(
        found,
        state=IncidentState.RESOLVED,
        batches=(),
        reason=why,
        resolved_at=now,
        resolved_by=by,
        updated_at=now,
    )


def owed(incident: Incident, channel: str, timing: Timing, *, wanted: bool) -> Owed | None:
    """What a channel has to be sent of the incident as it is; None when nothing.

    Args:
        incident: The incident.
        channel: The channel's name.
        timing: What is bundled, and when a reminder is due.
        wanted: Whether the routes send an incident of this severity to the channel.
    """
    state = incident.channel(channel)
    if incident.is_over:
        at = incident.resolved_at or incident.updated_at
        return None if channel not in incident.channels or state.is_resolved else Owed(Kind.END, at, at)
    if state.notified_at is None or state.is_resolved:
        since = incident.opened_at if state.notified_at is None else incident.updated_at
        return Owed(Kind.NEWS, since, since) if wanted else None
    if not wanted:  # it has become milder than what this channel is for
        return Owed(Kind.END, incident.updated_at, incident.updated_at)
    return _next_message(incident, state, state.notified_at, timing)


def _next_message(incident: Incident, state: ChannelState, last: datetime, timing: Timing) -> Owed | None:
    if rank_of(incident.severity) > rank_of(state.severity) or incident.share >= 2 * state.share > 0:
        return Owed(Kind.NEWS, incident.updated_at, incident.updated_at)
    reminder = Owed(Kind.REMINDER, last + timing.reminder, last + timing.reminder)
    new = [one.since for one in incident.batches if one.number > state.last_number]
    news = [Owed(Kind.NEWS, min(new), last + timing.interval)] if new else []
    # without a batch it is a condition, such as stale data, that lasts until it is seen to be over
    lasts = bool(incident.waiting) or not incident.batches
    return min([*news, *([reminder] if lasts else [])], key=lambda one: one.due, default=None)


def is_claimed(state: ChannelState, now: datetime) -> bool:
    """Whether another run is sending; a claim that ends later than any can is of a clock that jumped."""
    return state.claim_until is not None and now < state.claim_until <= now + CLAIM


def claimed(incident: Incident, channel: str, token: str, now: datetime) -> Incident:
    """Somebody is sending."""
    return _with_state(incident, channel, replace(incident.channel(channel), claim=token, claim_until=now + CLAIM))


def notified(found: Incident, channel: str, token: str, sent: Incident, now: datetime) -> Incident:
    """The channel was notified.

    Args:
        found: The incident as it is now.
        channel: The channel's name.
        token: The claim; a claim that has expired and was taken by another changes nothing.
        sent: The incident as the channel was sent it.
        now: The store's time.
    """
    state = found.channel(channel)
    if state.claim != token:
        return found
    share = 0.0 if state.is_resolved else state.share
    done = ChannelState(now, state.messages + 1, sent.severity, max(sent.share, share), sent.seen)
    return _with_state(found, channel, done)


def ended(found: Incident, channel: str, token: str) -> Incident:
    """The channel knows that it is over."""
    state = found.channel(channel)
    if state.claim != token:
        return found
    return _with_state(found, channel, replace(_free(state), is_resolved=True))


def failed(found: Incident, channel: str, token: str, error: str, now: datetime) -> Incident:
    """The channel could not be notified: it is still owed that."""
    state = found.channel(channel)
    if state.claim != token:
        return found
    wait = min(FIRST_WAIT * 2 ** min(state.attempts, 10), LONGEST_WAIT)
    free = replace(_free(state), attempts=state.attempts + 1, error=error, next_try=now + wait)
    return _with_state(found, channel, free)


def merged(stored: Incident | None, spooled: Incident) -> Incident:
    """What was noted in the spool while the store was down, in the store.

    Args:
        stored: The latest incident of the key in the store.
        spooled: The one in the spool.
    """
    if stored is None or stored.is_settled:
        return replace(spooled, occurrence=stored.occurrence + 1 if stored else 1, version=0)
    known = {one.batch_id for one in stored.batches}
    new = [one for one in spooled.batches if one.batch_id not in known]
    added = tuple(replace(one, number=stored.seen + place) for place, one in enumerate(new, start=1))
    both = replace(stored, batches=_bounded((*stored.batches, *added)), seen=stored.seen + len(added))
    names = dict.fromkeys((*stored.channels, *spooled.channels))
    states = {name: _later(stored.channel(name), spooled.channel(name), both.seen) for name in names}
    if stored.is_over and not spooled.is_over:
        both = replace(both, state=IncidentState.OPEN, reason="", resolved_at=None, opened_at=spooled.opened_at)
    return replace(both, alert=spooled.alert, channels=states, updated_at=spooled.updated_at)


def _later(stored: ChannelState, spooled: ChannelState, seen: int) -> ChannelState:
    """What a channel was sent last; the spool's message named all batches of the spool."""
    if spooled.notified_at is None or (stored.notified_at and stored.notified_at >= spooled.notified_at):
        return stored
    return replace(spooled, messages=stored.messages + spooled.messages, last_number=seen)


def _open(found: Incident | None, alert: Alert, now: datetime) -> Incident:
    if found is None:
        return Incident(alert.dedup_key, alert, opened_at=now, updated_at=now)
    if not found.is_over:
        return found
    if found.is_settled:
        return Incident(found.key, alert, opened_at=now, updated_at=now, occurrence=found.occurrence + 1)
    # a channel still believes it is open: it goes on, so that a late end cannot end what is open again
    left = {name: state for name, state in found.channels.items() if not state.is_resolved}
    fresh = Incident(found.key, alert, opened_at=now, updated_at=now, occurrence=found.occurrence)
    return replace(fresh, seen=found.seen, channels=left, version=found.version)


def _bounded(batches: tuple[IncidentBatch, ...]) -> tuple[IncidentBatch, ...]:
    going_on = [one for one in batches if not one.alert.waits]
    dropped = set(going_on[:-MAX_GOING_ON])
    return tuple(one for one in batches if one not in dropped)


def _with_state(incident: Incident, channel: str, state: ChannelState) -> Incident:
    states: Mapping[str, ChannelState] = {**incident.channels, channel: state}
    return replace(incident, channels=states)


def _free(state: ChannelState) -> ChannelState:
    return replace(state, claim="", claim_until=None, attempts=0, next_try=None, error="")
