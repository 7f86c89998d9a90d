"""What a channel is sent of an incident: the batches that are new to it, bundled, or that it is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from expectations_plugins.core.characters import without_unseen
from pipeline.alerts.transitions import Kind
from pipeline.core.alert import Alert, rank_of
from pipeline.core.batches import short
from pipeline.core.incident import ChannelState, Incident, IncidentBatch

NAMED = 10
"""Batches that one message names; the others are counted."""


def message(incident: Incident, kind: Kind, state: ChannelState) -> Alert:
    """What is new for a channel, or a reminder.

    Args:
        incident: The incident.
        kind: Why it is sent.
        state: What the channel was sent before.
    """
    new = [one for one in incident.batches if one.number > state.last_number]
    named = new if new and kind is Kind.NEWS and not state.is_resolved else list(incident.waiting or incident.batches)
    last = named[-1].alert if named else incident.alert
    parts = [
        _since(incident) if kind is Kind.REMINDER else "",
        _risen(incident, state),
        _names(named),
        _others(incident, named),
        last.summary,
    ]
    return _visible(
        last,
        title=f"{'Reminder: ' if kind is Kind.REMINDER else ''}{_title(last, len(named))}",
        summary=" ".join(part for part in parts if part),
        batch_id=last.batch_id if len(named) == 1 else "",
        severity=incident.severity,
    )


def end_message(incident: Incident, *, is_first: bool) -> Alert:
    """That an incident is over.

    Args:
        incident: The incident.
        is_first: Whether the channel could not be notified while it was open.
    """
    was = incident.alert
    since = f" It was open since {_moment(incident.opened_at)}"
    late = f"{since}; this channel could not be notified before." if is_first else ""
    reason = incident.reason or "It is milder now than what this channel is for."
    return _visible(
        was,
        title=f"Over: {_title(was, incident.seen)}",
        summary=f"{reason}{late}",
        batch_id=was.batch_id if incident.seen <= 1 else "",
        examples=(),
        next_step="",
    )


def names(batches: Sequence[str]) -> str:
    """Some ids as people type them, and how many more there are."""
    more = f" and {len(batches) - NAMED:,} more" if len(batches) > NAMED else ""
    return ", ".join(map(short, batches[:NAMED])) + more


def _visible(alert: Alert, **changed: Any) -> Alert:
    """An alert with these fields, without characters that cannot be seen: ids and names come from data."""
    found = replace(alert, **changed)
    examples = tuple((without_unseen(key), without_unseen(value)) for key, value in found.examples)
    return replace(
        found,
        title=without_unseen(found.title),
        summary=without_unseen(found.summary, but="\n"),
        next_step=without_unseen(found.next_step, but="\n"),
        examples=examples,
    )


def _title(alert: Alert, count: int) -> str:
    return alert.title_of_many.format(count=f"{count:,}") if count > 1 and alert.title_of_many else alert.title


def _names(named: Sequence[IncidentBatch]) -> str:
    return f"Batches {names([one.batch_id for one in named])}." if len(named) > 1 else ""


def _others(incident: Incident, named: Sequence[IncidentBatch]) -> str:
    waiting = len(incident.waiting)
    return f"{waiting:,} batches wait in all." if waiting > len(named) else ""


def _since(incident: Incident) -> str:
    return f"It is open since {_moment(incident.opened_at)}."


def _risen(incident: Incident, state: ChannelState) -> str:
    if state.notified_at is None or state.is_resolved:
        return ""
    if rank_of(incident.severity) > rank_of(state.severity):
        return f"It is {incident.severity} now, and was {state.severity}."
    if incident.share >= 2 * state.share > 0:
        return f"The worst share of bad records rose from {state.share:.1%} to {incident.share:.1%}."
    return ""


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
