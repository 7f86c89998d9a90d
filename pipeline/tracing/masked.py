"""A trace as people may see it: values of masked fields as their shape only, wherever a store repeats them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from expectations_plugins.core.masking import Masks, shape
from pipeline.core.fields import CAMPAIGN_ID, INTERACTION_ID, USER_ID
from pipeline.core.records import ReviewItem
from pipeline.core.traces import (
    Answer,
    BatchSeen,
    FindingSeen,
    MetricsSeen,
    Neighbour,
    Neighbourhood,
    RawRecord,
    Trace,
)

T = TypeVar("T")


def masked(found: Trace, masks: Masks) -> Trace:
    """The trace with the values of masked fields drawn; an interaction_id is always shown.

    Args:
        found: The trace.
        masks: Which fields.
    """
    if not masks.fields:
        return found
    veil = _Veil(masks.fields)
    place = found.place
    return replace(
        found,
        raw=_with(found.raw, veil.record),
        metrics=_with(found.metrics, veil.metrics),
        place=place
        and replace(place, campaign_id=veil.of(CAMPAIGN_ID, place.campaign_id), type=veil.of("type", place.type)),
        graph=_with(found.graph, veil.graph),
        neighbours=_with(found.neighbours, lambda near: tuple(map(veil.neighbour, near))),
        batch=_with(found.batch, veil.batch),
    )


def _with(answer: Answer[T], draw: Any) -> Answer[T]:
    return answer if answer.value is None else replace(answer, value=draw(answer.value))


class _Veil:
    def __init__(self, fields: tuple[str, ...]) -> None:
        self._fields = fields

    def of(self, field: str, value: Any) -> Any:
        """A value of a field: as it is, or drawn; the names of what is inside count too."""
        if field in self._fields:
            return value if value is None else shape(str(value))
        return self.inside(value)

    def inside(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: self.of(name, part) for name, part in value.items()}
        return [self.inside(part) for part in value] if isinstance(value, list) else value

    def record(self, raw: RawRecord) -> RawRecord:
        releases = tuple(replace(one, before=self.inside(one.before)) for one in raw.releases)
        shown = {**self.inside(raw.fields)}
        shown |= {INTERACTION_ID: raw.fields[INTERACTION_ID]} if INTERACTION_ID in raw.fields else {}
        return replace(raw, fields=shown, releases=releases)

    def metrics(self, seen: MetricsSeen) -> MetricsSeen:
        rows = (
            replace(row, campaign_id=self.of(CAMPAIGN_ID, row.campaign_id), type=self.of("type", row.type))
            for row in seen.rows
        )
        return replace(seen, rows=tuple(rows))

    def graph(self, seen: Neighbourhood) -> Neighbourhood:
        return replace(
            seen,
            campaign_id=self.of(CAMPAIGN_ID, seen.campaign_id),
            type=self.of("type", seen.type),
            users=tuple(self.of(USER_ID, one) for one in seen.users),
            linked_to=tuple(self.of(CAMPAIGN_ID, one) for one in seen.linked_to),
            review=self._review(seen.review),
        )

    def _review(self, item: ReviewItem | None) -> ReviewItem | None:
        """Its reasons name the campaign."""
        campaign = item.campaign_id if item else None
        if item is None or campaign is None or CAMPAIGN_ID not in self._fields:
            return item
        drawn = shape(campaign)
        history = tuple({name: text.replace(campaign, drawn) for name, text in line.items()} for line in item.history)
        return replace(item, campaign_id=drawn, reason=item.reason.replace(campaign, drawn), history=history)

    def neighbour(self, near: Neighbour) -> Neighbour:
        return replace(near, message=self.of("message", near.message)) if near.message else near

    def batch(self, seen: BatchSeen) -> BatchSeen:
        gates = (replace(gate, findings=tuple(map(self._finding, gate.findings))) for gate in seen.gates)
        return replace(seen, gates=tuple(gates))

    def _finding(self, found: FindingSeen) -> FindingSeen:
        return found if found.value is None else replace(found, value=self.of(found.column, found.value))
