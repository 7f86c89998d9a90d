"""What a trace asks of each store. Every question is answered by a key or an index, bounded, and changes nothing.

All methods raise a SluicegateError when the store is down or refuses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from pipeline.core.batch import Batch
from pipeline.core.traces import DeadRecord, MetricsSeen, Neighbour, Neighbourhood, Place, RawRecord, VectorSeen


class RawLineage(Protocol):
    """The record, its dead letters and its batch (MongoDB)."""

    def record(self, interaction_id: str) -> RawRecord | None:
        """The record; None when it was never loaded."""

    def dead(self, interaction_id: str, limit: int) -> Sequence[DeadRecord]:
        """Dead letters of this id, the newest first."""

    def batch(self, batch_id: str) -> Batch | None:
        """A batch; None when the ledger does not know it."""

    def messages(self, interaction_ids: Sequence[str]) -> Mapping[str, str]:
        """The message of each of these records that has one."""


class MetricsLineage(Protocol):
    """The metrics rows a record counts in (BigQuery)."""

    def at(self, place: Place) -> MetricsSeen | None:
        """What is at a place; None when neither rows nor a published batch are."""


class GraphLineage(Protocol):
    """The record's neighbourhood (Neo4j)."""

    def around(self, interaction_id: str) -> Neighbourhood | None:
        """The record and what is next to it; None when the graph does not have it."""


class VectorLineage(Protocol):
    """The record's vector (Milvus)."""

    def vector(self, interaction_id: str, collections: Sequence[str]) -> VectorSeen | None:
        """The vector, of the first of these collections that holds one; None when none does.

        Where none is named the settings' collection is asked.
        """

    def nearest(self, interaction_id: str, limit: int, collection: str) -> Sequence[Neighbour]:
        """Other records of the collection with a vector of the same source that are nearest; the nearest first."""


class LineageReaders(Protocol):
    """The readers, each connected when it is first asked for; that raises a SluicegateError too."""

    @property
    def raw(self) -> RawLineage:
        """MongoDB's."""

    @property
    def metrics(self) -> MetricsLineage:
        """BigQuery's."""

    @property
    def graph(self) -> GraphLineage:
        """Neo4j's."""

    @property
    def vectors(self) -> VectorLineage:
        """Milvus'."""
