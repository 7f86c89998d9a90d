"""A store that cannot answer says so at its place; only when nothing is known is its outage the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from expectations_plugins.core.errors import ConfigurationError, SluicegateError, TransientError
from pipeline.core.batch import Batch
from pipeline.core.batches import BatchStatus
from pipeline.core.embeddings import FALLBACK_SOURCE
from pipeline.core.locator import Locator
from pipeline.core.records import DeadReason
from pipeline.core.traces import DeadRecord, MetricsSeen, Neighbour, Neighbourhood, Place, RawRecord, VectorSeen
from pipeline.tracing.tracer import Tracer, place_of

AT = datetime(2026, 11, 20, 9, 19, 59, 999000, tzinfo=UTC)
BATCH = "ab" * 32
DOWN = TransientError("Neo4j: tracing failed: no route.", next_step="Check that Neo4j is up (run.py doctor).")
REFUSED = ConfigurationError("Milvus: it refused.", next_step="Check the credentials.")


class Store:
    """Every reader in one, over values; a value that is an error is raised."""

    def __init__(self, **known: Any) -> None:
        self.known = known
        self.raw = self.metrics = self.graph = self.vectors = self

    def _told(self, name: str, otherwise: Any = None) -> Any:
        found = self.known.get(name, otherwise)
        if isinstance(found, SluicegateError):
            raise found
        return found

    def record(self, *_: object) -> RawRecord | None:
        return self._told("record")  # type: ignore[no-any-return]

    def dead(self, *_: object) -> Sequence[DeadRecord]:
        return self._told("dead", ())  # type: ignore[no-any-return]

    def batch(self, batch_id: str) -> Batch | None:
        return Batch(batch_id, BatchStatus.CLOSED)

    def messages(self, *_: object) -> Mapping[str, str]:
        return self._told("messages", {})  # type: ignore[no-any-return]

    def at(self, *_: object) -> MetricsSeen | None:
        return self._told("at")  # type: ignore[no-any-return]

    def around(self, *_: object) -> Neighbourhood | None:
        return self._told("around")  # type: ignore[no-any-return]

    def vector(self, *_: object) -> VectorSeen | None:
        return self._told("vector")  # type: ignore[no-any-return]

    def nearest(self, _: str, limit: int, __: str) -> Sequence[Neighbour]:
        return self._told("nearest", ())[:limit]  # type: ignore[no-any-return]


RAW = RawRecord(
    BATCH, Locator(1), AT, {"interaction_id": "i_1", "campaign_id": {"$gt": ""}, "type": "click", "timestamp": AT}
)
GRAPH = Neighbourhood(BATCH, "c_1", "click", AT, ("u_1",), (), False, False, 0, 0)
VECTOR = VectorSeen(BATCH, "e1", "model", 7, 768, 1.0)
DEAD = DeadRecord(BATCH, Locator(3), DeadReason.UNSTORABLE, "too deep", "waiting")


def test_an_id_nobody_knows_is_a_configuration_error_with_a_way_on() -> None:
    with pytest.raises(ConfigurationError, match=r"No store knows interaction i_1\..*run.py dlq list"):
        Tracer(Store()).trace("i_1", neighbours=5)


def test_an_id_nobody_knows_while_a_store_is_down_is_an_outage() -> None:
    with pytest.raises(TransientError, match="Neo4j: tracing failed"):
        Tracer(Store(around=DOWN)).trace("i_1", neighbours=5)


def test_an_id_nobody_knows_while_a_store_refuses_is_to_be_set_right() -> None:
    with pytest.raises(ConfigurationError, match="Milvus: it refused"):
        Tracer(Store(vector=REFUSED)).trace("i_1", neighbours=5)


@pytest.mark.parametrize("known", [{"record": RAW}, {"dead": (DEAD,)}, {"around": GRAPH}, {"vector": VECTOR}])
def test_one_store_that_knows_it_is_enough(known: dict[str, Any]) -> None:
    found = Tracer(Store(**known)).trace("i_1", neighbours=5)
    assert found.batch.value is not None
    assert found.batch.value.batch_id == BATCH


def test_a_store_that_is_down_is_said_at_its_place_and_the_others_are_shown() -> None:
    found = Tracer(Store(record=RAW, around=DOWN, vector=VECTOR, at=REFUSED)).trace("i_1", neighbours=5)
    assert (found.graph.problem, found.graph.outage) == (str(DOWN), True)
    assert (found.metrics.problem, found.metrics.outage) == (str(REFUSED), False)
    assert (found.raw.value, found.vector.value) == (RAW, VECTOR)


def test_neighbours_have_their_messages_also_when_those_cannot_be_read() -> None:
    near = (Neighbour("i_2", 0.9), Neighbour("i_3", 0.8))
    known = {"vector": VECTOR, "nearest": near}
    found = Tracer(Store(**known, messages={"i_2": "hello"})).trace("i_1", neighbours=5)
    assert found.neighbours.value == (Neighbour("i_2", 0.9, "hello"), Neighbour("i_3", 0.8))
    assert Tracer(Store(**known, messages=DOWN)).trace("i_1", neighbours=1).neighbours.value == near[:1]


@pytest.mark.parametrize(
    ("source", "norm", "why"),
    [
        (FALLBACK_SOURCE, 1.0, "nothing of its text"),
        ("model", 0.0, "without a length"),
        ("model", float("nan"), "length"),
    ],
)
def test_a_vector_that_says_nothing_has_no_neighbours(source: str, norm: float, why: str) -> None:
    odd = VectorSeen(BATCH, "e1", source, 7, 768, norm)
    found = Tracer(Store(vector=odd, nearest=(Neighbour("i_2", 0.9),))).trace("i_1", neighbours=5)
    assert (found.neighbours.value, why in found.neighbours.why_none) == (None, True)


def test_the_place_in_the_metrics_is_what_mongodb_groups_by() -> None:
    """A campaign that is not text counts under none, and a window begins on the tenth minute."""
    assert place_of(RAW, None) == Place(BATCH, None, "click", datetime(2026, 11, 20, 9, 10, tzinfo=UTC))
    assert place_of(None, GRAPH) == Place(BATCH, "c_1", "click", datetime(2026, 11, 20, 9, 10, tzinfo=UTC))
    assert place_of(None, None) is None
