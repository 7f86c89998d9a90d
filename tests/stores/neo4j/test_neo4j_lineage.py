"""A record's neighbourhood on a real graph."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from expectations_plugins.neo4j.connection import Graph, connect
from pipeline.core.records import GraphRecord
from pipeline.local import Endpoints
from pipeline.stores.neo4j import tracing as lineage
from pipeline.stores.neo4j.graph_store import Neo4jGraphStore
from pipeline.stores.neo4j.review_queue import Neo4jReviewQueue
from pipeline.stores.neo4j.tracing import Neo4jLineage
from tests.fakes.hostile_texts import HOSTILE

AT = datetime(2026, 11, 20, 9, 12, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Scene:
    """A batch of its own in the graph; ids of it start with `batch_id`."""

    graph: Graph
    store: Neo4jGraphStore
    queue: Neo4jReviewQueue
    reads: Neo4jLineage
    batch_id: str

    def named(self, name: str) -> str:
        return f"{self.batch_id}-{name}"

    def write(self, key: str, user: str, campaign: str | None) -> None:
        named = None if campaign is None else self.named(campaign)
        record = GraphRecord(self.named(key), self.named(user), named, "click", AT)
        self.store.write(self.batch_id, [record], fence=1)


@pytest.fixture
def scene(endpoints: Endpoints) -> Iterator[Scene]:
    given = str(endpoints.neo4j_uri), str(endpoints.neo4j_user), str(endpoints.neo4j_password)
    graph = connect(*given, database=endpoints.neo4j_database)
    store, queue = Neo4jGraphStore(graph), Neo4jReviewQueue(graph)
    store.prepare()
    queue.prepare()
    found = Scene(graph, store, queue, Neo4jLineage(graph), uuid.uuid4().hex)
    yield found
    store.prune(found.batch_id, fence=1_000)
    graph.close()


def test_a_record_has_its_user_its_campaign_and_their_other_interactions(scene: Scene) -> None:
    scene.store.load_campaigns([{"campaign_id": scene.named("c")}])
    for key, user in (("a", "u"), ("b", "u"), ("c", "v")):
        scene.write(key, user, "c")
    near = scene.reads.around(scene.named("a"))
    assert near is not None
    assert (near.batch_id, near.type, near.timestamp) == (scene.batch_id, "click", AT)
    assert (near.users, near.linked_to) == ((scene.named("u"),), (scene.named("c"),))
    assert (near.in_catalogue, near.campaign_exists, near.review) == (True, True, None)
    assert (near.of_user, near.of_campaign) == (1, 2)


def test_an_orphan_names_the_campaign_that_is_missing_and_why_it_waits(scene: Scene) -> None:
    scene.write("a", "u", "missing")
    scene.write("b", "v", "missing")
    scene.queue.flag(scene.batch_id, gate="graph", run_id="run-1", fence=1)
    near = scene.reads.around(scene.named("a"))
    assert near is not None
    assert (near.in_catalogue, near.campaign_exists, near.linked_to, near.of_campaign) == (False, False, (), 1)
    assert near.review is not None
    assert (near.review.state, near.review.run_id) == ("open", "run-1")


def test_one_without_a_campaign_has_none(scene: Scene) -> None:
    scene.write("a", "u", None)
    near = scene.reads.around(scene.named("a"))
    assert near is not None
    assert (near.campaign_id, near.linked_to, near.of_campaign, near.in_catalogue) == (None, (), 0, False)


def test_a_campaign_that_came_and_was_not_linked_is_seen(scene: Scene) -> None:
    scene.write("a", "u", "late")
    scene.graph.write(
        ("MERGE (c:Campaign {campaign_id: $key}) SET c.in_catalogue = true",),
        {"key": scene.named("late")},
        doing="test",
        timeout=30,
    )
    near = scene.reads.around(scene.named("a"))
    assert near is not None
    assert (near.campaign_exists, near.in_catalogue) == (True, False)


@pytest.mark.parametrize("text", HOSTILE)
def test_an_id_is_only_ever_an_id(scene: Scene, text: str) -> None:
    assert scene.reads.around(text) is None


def test_the_cypher_is_golden(golden: Callable[[str, str], None]) -> None:
    golden("neo4j_lineage.cypher", "\n\n".join(lineage.STATEMENTS) + "\n")
