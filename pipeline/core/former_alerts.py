"""What programs before incidents kept of an open alert (a row for each key and channel), as incidents.

They knew the batch they had sent last and no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from pipeline.core.alert import SEVERITIES, Alert
from pipeline.core.incident import ChannelState, Incident, IncidentBatch
from pipeline.core.topology import GATES

_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)


def incidents_of(rows: Iterable[Mapping[str, Any]]) -> Iterator[Incident]:
    """The incidents that such rows are about; every channel knows of its own already."""

    def key(row: Mapping[str, Any]) -> str:
        return str(row["dedup_key"])

    for dedup_key, same in groupby(sorted(rows, key=key), key):
        yield _incident(dedup_key, list(same))


def _incident(key: str, rows: Sequence[Mapping[str, Any]]) -> Incident:
    newest = max(rows, key=lambda row: _moment(row, "told_at"))
    alert = _alert(key, newest)
    opened = min(_moment(row, "opened_at") for row in rows)
    batches = (IncidentBatch(1, opened, alert),) if alert.batch_id else ()
    channels = {str(row["channel"]): _state(row, len(batches)) for row in rows}
    updated = _moment(newest, "told_at")
    return Incident(key, alert, opened, updated, batches=batches, seen=len(batches), channels=channels)


def _alert(key: str, row: Mapping[str, Any]) -> Alert:
    gate, severity, batch_id = (
        str(row.get("gate") or ""),
        str(row.get("severity") or SEVERITIES[-1]),
        row.get("batch_id"),
    )
    failure = key.removeprefix(f"sluicegate:{gate}:")
    stops = failure.startswith("dead at ") or (gate in GATES and severity != SEVERITIES[0])
    title, summary, next_step = (str(row.get(name) or "") for name in ("title", "summary", "next_step"))
    return Alert(
        gate,
        severity,
        title,
        summary,
        str(batch_id or ""),
        failure,
        next_step=next_step,
        waits=stops and bool(batch_id),
    )


def _state(row: Mapping[str, Any], seen: int) -> ChannelState:
    messages, severity = int(row.get("told") or 1), str(row.get("severity") or SEVERITIES[-1])
    return ChannelState(_moment(row, "told_at"), messages, severity, last_number=seen)


def _moment(row: Mapping[str, Any], name: str) -> datetime:
    found = row.get(name)
    if isinstance(found, str):
        found = datetime.fromisoformat(found)
    return found if isinstance(found, datetime) else _UNKNOWN
