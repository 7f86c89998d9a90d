"""The review queue on a real graph: every orphan once, resolved stays resolved, an arriving campaign lifts the flag."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from expectations_plugins.core.errors import TransientError
from expectations_plugins.neo4j.connection import Graph, connect
from pipeline.core.records import GraphRecord
from pipeline.local import Endpoints
from pipeline.stores.neo4j import queries
from pipeline.stores.neo4j.graph_store import Neo4jGraphStore
from pipeline.stores.neo4j.review_queue import Neo4jReviewQueue

ROWS_AT_ONCE = 1_000


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
        return self.queue.flag(self.batch_id, gate="graph", run_id=run_id, fence=1)

    def ask(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        return self.graph.read(query, {"b": self.batch_id, **parameters}, doing="test", timeout=30)

    def change(self, query: str, **parameters: Any) -> None:
        """What something else does to the graph."""
        self.graph.write((query,), {"b": self.batch_id, **parameters}, doing="test", timeout=30)

    def labelled(self) -> set[str]:
        rows = self.ask("MATCH (i:NeedsReview {batch_id: $b}) RETURN i.interaction_id AS id")
        return {row["id"] for row in rows}

    def what(self, interaction_id: str) -> list[str]:
        item = self.queue.show(interaction_id)
        return [line["what"] for line in item.history] if item else []


@pytest.fixture
def scene(endpoints: Endpoints) -> Iterator[Scene]:
    graph = connect(
        str(endpoints.neo4j_uri),
        str(endpoints.neo4j_user),
        str(endpoints.neo4j_password),
        database=endpoints.neo4j_database,
    )
    store, queue, batch_id = Neo4jGraphStore(graph), Neo4jReviewQueue(graph), uuid.uuid4().hex
    store.prepare()
    queue.prepare()
    yield Scene(graph, store, queue, batch_id)
    store.prune(batch_id, fence=1_000)
    graph.close()


def test_every_orphan_is_flagged_with_its_reason(scene: Scene) -> None:
    known = f"known-{scene.batch_id}"
    scene.store.load_campaigns([{"campaign_id": known}])
    _, missing, none = scene.write(known, f"missing-{scene.batch_id}", None)
    assert scene.flag() == 2
    found = {item.interaction_id: item for item in scene.queue.list(10, scene.batch_id)}
    assert set(found) == {missing, none}
    assert found[none].reason == "no campaign_id"
    assert found[missing].reason == f"campaign missing-{scene.batch_id} is not in the catalogue"
    assert (found[none].gate, found[none].run_id, found[none].state) == ("graph", "run-1", "open")


def test_flagging_again_changes_nothing(scene: Scene) -> None:
    [orphan] = scene.write(None)
    assert (scene.flag("run-1"), scene.flag("run-2")) == (1, 1)
    assert scene.what(orphan) == ["flagged"]


def test_what_waits_for_a_person_is_counted_up_to_a_limit(scene: Scene) -> None:
    before = scene.queue.waiting(100_000)
    first, _ = scene.write(None, None)
    scene.flag()
    assert (scene.queue.waiting(100_000), scene.queue.waiting(1)) == (before + 2, 1)
    scene.queue.resolve(first, "an old shop's")
    assert scene.queue.waiting(100_000) == before + 1


def test_what_a_person_resolved_stays_resolved_until_it_is_reopened(scene: Scene) -> None:
    [orphan] = scene.write(None)
    scene.flag()
    scene.queue.resolve(orphan, "an old shop's")
    assert (scene.flag("run-2"), scene.queue.list(10, scene.batch_id)) == (0, [])
    scene.queue.reopen(orphan, "no it was not")
    [item] = scene.queue.list(10, scene.batch_id)
    assert [line["what"] for line in item.history] == ["flagged", "resolved", "reopened"]
    assert [line.get("note") for line in item.history] == ["no campaign_id", "an old shop's", "no it was not"]


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


def test_a_flag_is_a_label_in_the_store_until_it_is_resolved_or_lifted(scene: Scene) -> None:
    late = f"late-{scene.batch_id}"
    first, second, third = scene.write(late, None, None)
    scene.flag()
    assert scene.labelled() == {first, second, third}
    scene.queue.resolve(second, "looked")
    scene.store.load_campaigns([{"campaign_id": late}])
    assert scene.labelled() == {third}
    assert scene.queue.counts(scene.batch_id) == {"lifted": 1, "open": 1, "resolved": 1}


def test_the_history_names_run_gate_reason_and_the_campaign_that_arrived(scene: Scene) -> None:
    late = f"late-{scene.batch_id}"
    [orphan] = scene.write(late)
    scene.flag("run-7")
    scene.store.load_campaigns([{"campaign_id": late}])
    item = scene.queue.show(orphan)
    assert item is not None
    flagged, lifted = item.history
    assert (flagged["by"], flagged["gate"]) == ("run-7", "graph")
    assert flagged["note"] == f"campaign {late} is not in the catalogue"
    assert (lifted["what"], lifted["note"]) == ("lifted", f"campaign {late} arrived")
    assert all(datetime.fromisoformat(line["at"]).tzinfo for line in item.history)


def test_an_interaction_linked_to_a_stub_says_so_and_is_lifted_when_the_catalogue_brings_the_campaign(
    scene: Scene,
) -> None:
    stub = f"stub-{scene.batch_id}"
    scene.change("CREATE (:Campaign {campaign_id: $c})", c=stub)
    [orphan] = scene.write(stub)
    assert scene.flag() == 1
    item = scene.queue.show(orphan)
    assert item is not None
    assert item.reason == f"linked to a stub: campaign {stub} is not in the catalogue"
    scene.store.load_campaigns([{"campaign_id": stub}])
    assert scene.what(orphan) == ["flagged", "lifted"]


def test_an_orphan_for_another_reason_than_the_resolved_one_is_flagged_again(scene: Scene) -> None:
    stub = f"stub-{scene.batch_id}"
    [orphan] = scene.write(stub)
    scene.flag()
    scene.queue.resolve(orphan, "an old shop's")
    scene.change("CREATE (:Campaign {campaign_id: $c})", c=stub)
    scene.store.write(scene.batch_id, [GraphRecord(orphan, "u_001", stub, "click", datetime.now(UTC))], fence=1)
    assert scene.flag("run-2") == 1
    assert scene.what(orphan) == ["flagged", "resolved", "flagged"]


def test_an_interaction_whose_campaign_came_while_it_was_written_is_linked_and_not_flagged(scene: Scene) -> None:
    campaign = f"known-{scene.batch_id}"
    [late] = scene.write(campaign)
    scene.graph.write((queries.MERGE_CAMPAIGNS,), rows_of(campaign), doing="test", timeout=10)
    assert scene.flag() == 0
    assert scene.queue.show(late) is None
    links = scene.ask("MATCH (i:Interaction {batch_id: $b})-[:REFERS_TO]->(c) RETURN c.campaign_id AS c")
    assert links == [{"c": campaign}]


def test_a_flagged_interaction_that_was_linked_since_is_lifted_by_the_next_check(scene: Scene) -> None:
    campaign = f"known-{scene.batch_id}"
    [late] = scene.write(campaign)
    scene.flag()
    scene.graph.write((queries.MERGE_CAMPAIGNS,), rows_of(campaign), doing="test", timeout=10)
    scene.write(campaign)
    assert scene.flag("run-2") == 0
    assert scene.what(late) == ["flagged", "lifted"]


def test_a_load_of_campaigns_that_was_interrupted_is_finished_by_the_next(scene: Scene) -> None:
    campaign = f"late-{scene.batch_id}"
    [orphan] = scene.write(campaign)
    scene.flag()
    scene.graph.write((queries.MERGE_CAMPAIGNS,), rows_of(campaign), doing="test", timeout=10)
    scene.store.load_campaigns([{"campaign_id": campaign}])
    assert scene.what(orphan) == ["flagged", "lifted"]


def test_loading_the_same_campaign_again_adds_nothing_to_the_history(scene: Scene) -> None:
    campaign = f"late-{scene.batch_id}"
    [orphan] = scene.write(campaign)
    scene.flag()
    for _ in range(2):
        scene.store.load_campaigns([{"campaign_id": campaign}])
    assert scene.what(orphan) == ["flagged", "lifted"]


def test_what_is_resolved_lifts_too_and_what_is_lifted_cannot_be_reopened(scene: Scene) -> None:
    campaign = f"late-{scene.batch_id}"
    [orphan] = scene.write(campaign)
    scene.flag()
    assert scene.queue.resolve(orphan, "looked")
    scene.store.load_campaigns([{"campaign_id": campaign}])
    assert not scene.queue.reopen(orphan, "hm")
    assert scene.what(orphan) == ["flagged", "resolved", "lifted"]


def test_a_decision_that_changes_nothing_says_so(scene: Scene) -> None:
    [orphan] = scene.write(None)
    assert not scene.queue.resolve(orphan, "never flagged")
    scene.flag()
    assert not scene.queue.reopen(orphan, "open already")
    assert not scene.queue.resolve("no such interaction", "x")
    assert scene.what(orphan) == ["flagged"]


def test_another_batch_is_left_alone(scene: Scene) -> None:
    scene.write(None)
    other = f"other-{scene.batch_id}"
    assert scene.queue.flag(other, gate="graph", run_id="run-1", fence=1) == 0
    assert scene.labelled() == set()


def test_the_newest_are_listed_first_as_many_as_are_asked_for(scene: Scene) -> None:
    ids = scene.write(None, None)
    scene.flag()
    third = f"{scene.batch_id}-later"
    scene.store.write(scene.batch_id, [GraphRecord(third, "u_001", None, "click", datetime.now(UTC))], fence=1)
    scene.flag("run-2")
    assert [item.interaction_id for item in scene.queue.list(2, scene.batch_id)] == [third, ids[0]]


class WatchedGraph:
    """A real graph that notes how many rows each transaction was sent."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.rows: list[int] = []

    def read(self, query: str, parameters: Mapping[str, Any], *, doing: str, timeout: float) -> list[dict[str, Any]]:
        return self._graph.read(query, parameters, doing=doing, timeout=timeout)

    def write(self, statements: Sequence[str], parameters: Mapping[str, Any], **options: Any) -> None:
        self.rows.append(len(parameters["rows"]))
        self._graph.write(statements, parameters, **options)


def test_five_thousand_are_flagged_and_lifted_a_bounded_transaction_at_a_time(scene: Scene) -> None:
    late = f"late-{scene.batch_id}"
    ids = scene.write(*[late] * 5_000)
    watched: Any = WatchedGraph(scene.graph)
    assert Neo4jReviewQueue(watched).flag(scene.batch_id, gate="graph", run_id="run-1", fence=1) == 5_000
    assert scene.labelled() == set(ids)
    Neo4jGraphStore(watched).load_campaigns([{"campaign_id": late}])
    assert scene.queue.counts(scene.batch_id) == {"lifted": 5_000}
    assert max(watched.rows) == ROWS_AT_ONCE


def test_writers_at_the_same_time_meet_errors_that_heal_and_end_in_one_state(scene: Scene) -> None:
    late = f"late-{scene.batch_id}"
    ids = scene.write(*[late] * 600)
    scene.flag("run-0")

    def again(work: Callable[[], object]) -> None:
        for _ in range(20):
            try:
                work()
            except TransientError:
                continue  # anything else ends the test
            return

    works = [lambda run=run: scene.flag(run) for run in ("run-1", "run-2")]
    works += [lambda: scene.store.load_campaigns([{"campaign_id": late}])] * 2
    with ThreadPoolExecutor(len(works)) as pool:
        list(pool.map(again, works))
    assert scene.queue.counts(scene.batch_id) == {"lifted": 600}
    histories = {tuple(scene.what(key)) for key in ids[:5]}
    assert histories == {("flagged", "lifted")}
    rows = scene.ask("MATCH (i:Interaction {batch_id: $b}) RETURN size(i.review_history) AS n, count(*) AS c")
    assert rows == [{"n": 2, "c": 600}]
    links = scene.ask("MATCH (:Interaction {batch_id: $b})-[r:REFERS_TO]->() RETURN count(r) AS n")
    assert links == [{"n": 600}]


def rows_of(campaign: str) -> dict[str, Any]:
    return {"rows": queries.campaign_rows([{"campaign_id": campaign}])}


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
