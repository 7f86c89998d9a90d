"""Each way in which stores can disagree about a record is said in words; what is as it should be is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from pipeline.core.locator import Locator
from pipeline.core.records import MetricRow, ReviewItem
from pipeline.core.topology import STEPS
from pipeline.core.traces import (
    Answer,
    BatchSeen,
    EmbeddingSeen,
    Mark,
    MetricsSeen,
    Neighbourhood,
    Place,
    RawRecord,
    StepSeen,
    Trace,
    VectorSeen,
)
from pipeline.tracing.contradictions import contradictions

BATCH, OTHER = "ab" * 32, "cd" * 32
AT = datetime(2026, 11, 20, 9, 10, tzinfo=UTC)

RAW = RawRecord(
    BATCH, Locator(1), AT, {"interaction_id": "i_1", "user_id": "u_100", "campaign_id": "c_1", "message": "hello"}
)
GRAPH = Neighbourhood(BATCH, "c_1", "click", AT, ("u_100",), ("c_1",), True, True, 0, 0)
VECTOR = VectorSeen(BATCH, "e1", "model", 7, 768, 1.0)
ROW = MetricRow(BATCH, "c_1", "click", AT, 1, 1, Decimal(0))
METRICS = MetricsSeen((ROW,), AT, 60)
STEPS_DONE = tuple(StepSeen(step.name, str(step.kind), "done", 1, AT, AT) for step in STEPS)
CLOSED = BatchSeen(
    BATCH,
    "a.jsonl",
    "closed",
    accepted=60,
    steps=STEPS_DONE,
    embeddings=(EmbeddingSeen("e1", "embed", 7, 0, collection="c"),),
)
WELL = Trace(
    "i_1",
    raw=Answer(RAW),
    metrics=Answer(METRICS),
    place=Place(BATCH, "c_1", "click", AT),
    graph=Answer(GRAPH),
    vector=Answer(VECTOR),
    batch=Answer(CLOSED),
)
QUARANTINED = replace(RAW, quarantine=Mark("raw", "malformed user_id", "run-1", AT))
FLAGGED = ReviewItem("i_1", BATCH, "c_1", "open", "no campaign", "graph", "run-1", AT)


def without(field: str, value: Any) -> Answer[RawRecord]:
    return Answer(replace(RAW, fields={**RAW.fields, field: value}))


def batch(**changes: Any) -> Answer[BatchSeen]:
    return Answer(replace(CLOSED, **changes))


def graph(**changes: Any) -> Answer[Neighbourhood]:
    return Answer(replace(GRAPH, **changes))


def vector(**changes: Any) -> Answer[VectorSeen]:
    return Answer(replace(VECTOR, **changes))


def undone(*names: str) -> tuple[StepSeen, ...]:
    return tuple(replace(step, status="") if step.name in names else step for step in STEPS_DONE)


DISAGREE: Mapping[str, tuple[dict[str, Any], str]] = {
    "the ledger was lost": ({"batch": Answer()}, "the ledger does not know its batch abababababab"),
    "in the graph and in Milvus only": (
        {"raw": Answer()},
        "but the graph and Milvus do",
    ),
    "quarantined, in the graph": (
        {"raw": Answer(QUARANTINED), "vector": Answer()},
        "but it is in the graph",
    ),
    "quarantined, with a vector": (
        {"raw": Answer(QUARANTINED), "graph": Answer()},
        "but it is among the vectors",
    ),
    "closed, not published": ({"metrics": Answer(replace(METRICS, published_at=None))}, "analysts do not see it"),
    "closed, nothing in BigQuery": ({"metrics": Answer()}, "analysts do not see it"),
    "no row counts it": ({"metrics": Answer(replace(METRICS, rows=()))}, "no metrics row counts it"),
    "two rows count it": ({"metrics": Answer(replace(METRICS, rows=(ROW, ROW)))}, "2 metrics rows have its batch"),
    "published with other counts": (
        {"metrics": Answer(replace(METRICS, published=59))},
        "59 interactions, the ledger says 60",
    ),
    "accepted, not in the graph": ({"graph": Answer()}, "was written to the graph, but it is not there"),
    "in the graph by another batch": ({"graph": graph(batch_id=OTHER)}, "The graph has it from batch cdcdcdcdcdcd"),
    "in the graph by another user": ({"graph": graph(users=("u_101",))}, "linked to another user"),
    "in the graph by nobody": ({"graph": graph(users=())}, "linked to no user"),
    "of another campaign": ({"graph": graph(campaign_id="c_2")}, "name different campaigns"),
    "not linked to its campaign": (
        {"graph": graph(in_catalogue=False, linked_to=(), review=FLAGGED)},
        "is not linked to it",
    ),
    "an orphan nobody flagged": ({"graph": graph(in_catalogue=False, campaign_exists=False)}, "nobody flagged it"),
    "flagged for nothing": ({"graph": graph(review=FLAGGED)}, "its campaign is there and it is linked"),
    "accepted, no vector": ({"vector": Answer()}, "it has a message, but no vector"),
    "embedded by a version that did not note where, no vector": (
        {"vector": Answer(), "batch": batch(embeddings=(EmbeddingSeen("e1", "embed", 7, 0),))},
        "did not note in which collection",
    ),
    "perhaps refused": (
        {"vector": Answer(), "batch": batch(embeddings=(EmbeddingSeen("e1", "embed", 7, 3),))},
        "3 answers of the model could not be written",
    ),
    "a vector of nothing": ({"raw": without("message", None)}, "no message, but a vector"),
    "a vector of another batch": ({"vector": vector(batch_id=OTHER)}, "Its vector is of batch cdcdcdcdcdcd"),
    "a vector of nobody": ({"vector": vector(embedding_batch_id="e9")}, "does not know embedding batch e9"),
    "a vector of another fence": ({"vector": vector(fence=6)}, "a run that had lost the batch"),
    "a vector that was taken back": (
        {"batch": batch(embeddings=(EmbeddingSeen("e1", "embed", 7, 0, AT),))},
        "was rolled back, but this vector of it is still there",
    ),
    "a zero vector": ({"vector": vector(norm=0.0)}, "all its components are zero"),
    "a vector that is not finite": ({"vector": vector(norm=float("nan"))}, "a component is not finite"),
    "a short vector": ({"vector": vector(dimension=3)}, "3 components, not 768"),
}

AGREE: Mapping[str, dict[str, Any]] = {
    "all is well": {},
    "quarantined, nowhere else": {"raw": Answer(QUARANTINED), "graph": Answer(), "vector": Answer()},
    "no message, no vector": {"raw": without("message", None), "vector": Answer()},
    "rolled back, no vector": {
        "batch": batch(embeddings=(EmbeddingSeen("e1", "embed", 7, 0, AT),), status="halted"),
        "vector": Answer(),
    },
    "an orphan that was flagged": {"graph": graph(in_catalogue=False, campaign_exists=False, review=FLAGGED)},
    "on its way": {
        "batch": batch(status="running", steps=undone("publish", "graph", "embed", "vectors")),
        "metrics": Answer(replace(METRICS, published_at=None, published=None)),
        "graph": Answer(),
        "vector": Answer(),
    },
    "dead": {"batch": batch(status="dead"), "raw": Answer(QUARANTINED), "graph": Answer(), "vector": Answer()},
    "Neo4j is down": {"graph": Answer(problem="Neo4j: no answer", outage=True)},
    "Milvus is down": {"vector": Answer(problem="Milvus: no answer", outage=True)},
    "BigQuery is down": {"metrics": Answer(problem="BigQuery: no answer", outage=True)},
    "MongoDB is down": {
        "raw": Answer(problem="MongoDB: no answer", outage=True),
        "batch": Answer(problem="MongoDB: no answer", outage=True),
        "place": None,
        "metrics": Answer(),
    },
}


@pytest.mark.parametrize("name", DISAGREE)
def test_a_disagreement_is_said_once(name: str) -> None:
    changes, words = DISAGREE[name]
    found = [one.words for one in contradictions(replace(WELL, **changes))]
    assert len([text for text in found if words in text]) == 1, found


@pytest.mark.parametrize("name", AGREE)
def test_what_is_as_it_should_be_is_not_said(name: str) -> None:
    assert list(contradictions(replace(WELL, **AGREE[name]))) == []


def test_a_command_that_is_named_takes_the_id_as_one_word() -> None:
    found = replace(WELL, interaction_id="a; rm -rf /", graph=graph(review=FLAGGED))
    assert "review resolve 'a; rm -rf /' --note" in next(one.next_step for one in contradictions(found))
