"""The review queue on a real graph: every orphan once, resolved stays resolved, an arriving campaign lifts the flag."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from pipeline.local import Endpoints
from pipeline.model import GraphRecord
from pipeline.stores.neo4j import Graph, Neo4jGraphStore, Neo4jReviewQueue, connect


@dataclass(frozen=True, slots=True)
class Scene:
    """A batch of its own in the graph."""

    graph: Graph
    store: Neo4jGraphStore
    queue: Neo4jReviewQueue
    batch_id: str

    def write(self, *campaigns: str | None) -> list[str]:
        """Interactions that refer to these campaigns; their ids."""
        ids = [f"{self.batch_id}-{number:05d}" for number in range(len(campaigns))]
        records = [
            GraphRecord(key, "u_001", campaign, "click", datetime(2026, 11, 20, tzinfo=UTC))
            for key, campaign in zip(ids, campaigns, strict=True)
        ]
        self.store.write(self.batch_id, records, fence=1)
        return ids

    def flag(self, run_id: str = "run-1") -> int:
        return self.queue.flag(self.batch_id, gate="graph", run_id=run_id)

    def what(self, interaction_id: str) -> list[str]:
        item = self.queue.show(interaction_id)
        return [line["what"] for line in item.history] if item else []


@pytest.fixture
def scene(endpoints: Endpoints) -> Iterator[Scene]:
    graph = connect(
        str(endpoints.neo4j_uri), str(endpoints.neo4j_user), str(endpoints.neo4j_password), database="graph"
    )
    store, queue, batch_id = Neo4jGraphStore(graph), Neo4jReviewQueue(graph), uuid.uuid4().hex
    store.prepare()
    queue.prepare()
    yield Scene(graph, store, queue, batch_id)
    store.remove(batch_id)
    graph.close()


def test_every_orphan_is_flagged_with_its_reason(scene: Scene) -> None:
    known = f"known-{scene.batch_id}"
    scene.store.load_campaigns([{"campaign_id": known}])
    _, missing, none = scene.write(known, f"missing-{scene.batch_id}", None)
    assert scene.flag() == 2
    found = {item.interaction_id: item for item in scene.queue.list(10, scene.batch_id)}
    assert set(found) == {missing, none}
    assert found[none].reason == "no campaign_id"
    assert found[missing].reason == f"no campaign in the catalogue: missing-{scene.batch_id}"
    assert (found[none].gate, found[none].run_id, found[none].state) == ("graph", "run-1", "open")


def test_flagging_again_changes_nothing(scene: Scene) -> None:
    [orphan] = scene.write(None)
    assert (scene.flag("run-1"), scene.flag("run-2")) == (1, 1)
    assert scene.what(orphan) == ["flagged"]


def test_what_a_person_resolved_stays_resolved_until_it_is_reopened(scene: Scene) -> None:
    [orphan] = scene.write(None)
    scene.flag()
    scene.queue.resolve(orphan, "an old shop's")
    assert (scene.flag("run-2"), scene.queue.list(10, scene.batch_id)) == (0, [])
    scene.queue.reopen(orphan, "no it was not")
    [item] = scene.queue.list(10, scene.batch_id)
    assert [line["what"] for line in item.history] == ["flagged", "resolved", "reopened"]
    assert [line.get("note") for line in item.history] == [None, "an old shop's", "no it was not"]


def test_a_campaign_that_arrives_lifts_the_flag_and_keeps_the_history(scene: Scene) -> None:
    late = f"late-{scene.batch_id}"
    first, second = scene.write(late, None)
    scene.flag()
    scene.store.load_campaigns([{"campaign_id": late, "name": "Late"}])
    assert [item.interaction_id for item in scene.queue.list(10, scene.batch_id)] == [second]
    assert scene.what(first) == ["flagged", "lifted"]
    lifted = scene.queue.show(first)
    assert lifted is not None
    assert lifted.state == "lifted"
    assert scene.flag("run-2") == 1


def test_more_than_a_chunk_is_flagged(scene: Scene) -> None:
    scene.write(*[None] * 2_300)
    assert scene.flag() == 2_300


@pytest.mark.parametrize("hostile", ["`) DETACH DELETE i //", "x' OR 1=1", 'quote"\\', "new\nline"])
def test_ids_and_notes_are_values(scene: Scene, hostile: str) -> None:
    campaign = f"{hostile}-{scene.batch_id}"
    [orphan] = scene.write(campaign)
    scene.flag(hostile)
    scene.queue.resolve(orphan, hostile)
    item = scene.queue.show(orphan)
    assert item is not None
    assert (item.run_id, item.history[1]["note"], item.campaign_id) == (hostile, hostile, campaign)
    assert scene.queue.show(hostile) is None
