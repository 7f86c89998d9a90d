"""`Tracer`: asks every store about one record. One that cannot answer says so at its place; the others are asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from expectations_plugins.core.errors import ConfigurationError, SluicegateError, TransientError
from pipeline.core.embeddings import FALLBACK_SOURCE
from pipeline.core.fields import CAMPAIGN_ID, WINDOW_MINUTES
from pipeline.core.program import program
from pipeline.core.traces import (
    Answer,
    BatchSeen,
    DeadRecord,
    MetricsSeen,
    Neighbour,
    Neighbourhood,
    Place,
    RawRecord,
    Trace,
    VectorSeen,
)
from pipeline.ports.tracing import LineageReaders
from pipeline.tracing import absences
from pipeline.tracing.batch_seen import batch_seen
from pipeline.tracing.contradictions import contradictions

T = TypeVar("T")

MOST_DEAD = 20
"""Dead letters of one id that are shown."""


class Tracer:
    """Follows a record through the stores.

    Args:
        readers: One a store.
    """

    def __init__(self, readers: LineageReaders) -> None:
        self._readers = readers

    def trace(self, interaction_id: str, *, neighbours: int) -> Trace:
        """What every store knows of a record, and where they disagree.

        Args:
            interaction_id: The record.
            neighbours: How many of the nearest vectors are named; 0 asks for none.

        Raises:
            ConfigurationError: No store knows the id.
            TransientError: No store that answers knows it, and one did not answer.
        """
        raw = _asked(lambda: self._readers.raw.record(interaction_id))
        dead = _asked(lambda: tuple(self._readers.raw.dead(interaction_id, MOST_DEAD)) or None)
        graph = _asked(lambda: self._readers.graph.around(interaction_id))
        found = Trace(interaction_id, raw=raw, dead=dead, graph=graph)
        batch = self._batch(interaction_id, found)
        where = batch.value.collections() if batch.value else ()
        vector = _asked(lambda: self._readers.vectors.vector(interaction_id, where))
        found = replace(found, vector=vector)
        if not found.found:
            raise _unknown(found)
        if batch.value is None and not batch.problem:  # the vector alone may name it
            batch = self._batch(interaction_id, found)
        place = place_of(raw.value, graph.value)
        found = replace(found, batch=batch, place=place, metrics=self._metrics(place))
        found = replace(found, neighbours=self._neighbours(interaction_id, vector.value, neighbours))
        found = absences.explained(found)
        return replace(found, contradictions=tuple(contradictions(found)))

    def _batch(self, interaction_id: str, found: Trace) -> Answer[BatchSeen]:
        named = (found.raw.value, found.graph.value, found.vector.value, *(found.dead.value or ()))
        batch_id = next((one.batch_id for one in named if one is not None), "")
        if not batch_id:
            return Answer()

        def read() -> BatchSeen | None:
            batch = self._readers.raw.batch(batch_id)
            return batch_seen(batch, interaction_id) if batch else None

        return _asked(read)

    def _metrics(self, place: Place | None) -> Answer[MetricsSeen]:
        if place is None:
            return Answer()
        return _asked(lambda: self._readers.metrics.at(place))

    def _neighbours(self, interaction_id: str, vector: VectorSeen | None, limit: int) -> Answer[tuple[Neighbour, ...]]:
        if vector is None or not limit:
            return Answer()
        if vector.embedding_source == FALLBACK_SOURCE:
            return Answer(why_none="a fallback vector says nothing of its text, so it has no neighbours")
        if not 0 < vector.norm < float("inf"):
            return Answer(why_none="a vector without a length has no neighbours")
        near = _asked(lambda: tuple(self._readers.vectors.nearest(interaction_id, limit, vector.collection)))
        return replace(near, value=self._with_messages(near.value)) if near.value else near

    def _with_messages(self, near: Sequence[Neighbour]) -> tuple[Neighbour, ...]:
        texts = _asked(lambda: self._readers.raw.messages([one.interaction_id for one in near])).value or {}
        return tuple(replace(one, message=texts.get(one.interaction_id, "")) for one in near)


def place_of(raw: RawRecord | None, graph: Neighbourhood | None) -> Place | None:
    """Where a record counts in the metrics, by the first store that knows it; None when none does."""
    if raw is not None:
        fields = raw.fields
        campaign, kind = (_text(fields.get(name)) for name in (CAMPAIGN_ID, "type"))
        return Place(raw.batch_id, campaign, kind, _window(fields.get("timestamp")))
    if graph is not None:
        return Place(graph.batch_id, graph.campaign_id, graph.type, _window(graph.timestamp))
    return None


def _asked(question: Callable[[], T | None]) -> Answer[T]:
    try:
        return Answer(question())
    except SluicegateError as error:
        return Answer(problem=str(error), outage=isinstance(error, TransientError))


def _unknown(found: Trace) -> SluicegateError:
    answers: tuple[Answer[RawRecord] | Answer[tuple[DeadRecord, ...]] | Answer[Neighbourhood] | Answer[VectorSeen], ...]
    answers = (found.raw, found.dead, found.graph, found.vector)
    problems = list(dict.fromkeys(answer.problem for answer in answers if answer.problem))
    if not problems:
        return ConfigurationError(
            f"No store knows interaction {found.interaction_id}.",
            next_step=f"Check its spelling: ids are exact. A line without a usable id is found by: {program()} dlq"
            " list",
        )
    message = f"No store that answers knows interaction {found.interaction_id}. {' '.join(problems)}"
    kind = TransientError if any(answer.outage for answer in answers) else ConfigurationError
    return kind(message)


def _window(value: object) -> datetime | None:
    """The start of the 10-minute window a time is in (UTC)."""
    if not isinstance(value, datetime):
        return None
    return value.replace(minute=value.minute // WINDOW_MINUTES * WINDOW_MINUTES, second=0, microsecond=0)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
