"""The graph store on a real Bolt server: idempotent, and never a campaign that the catalogue does not have."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from expectations_plugins.core.errors import TerminalError
from expectations_plugins.neo4j.connection import Graph, connect
from pipeline.core import fields
from pipeline.core.records import GraphRecord
from pipeline.local import Endpoints
from pipeline.stores.neo4j import fencing, queries, review_queries, version_queries
from pipeline.stores.neo4j.graph_store import Neo4jGraphStore
from tests.faults.graph_writers import Load, write_at_once

NASTY = "'}) DETACH DELETE n // ` \" \\ \n $batch_id ünï"


@pytest.fixture(scope="module")
def graph(endpoints: Endpoints) -> Iterator[Graph]:
    found = connect(
        str(endpoints.neo4j_uri),
        str(endpoints.neo4j_user),
        str(endpoints.neo4j_password),
        database=endpoints.neo4j_database,
    )
    yield found
    found.close()


@pytest.fixture
def store(graph: Graph) -> Neo4jGraphStore:
    made = Neo4jGraphStore(graph)
    made.prepare()
    return made


@pytest.fixture
def unique() -> str:
    """One database serves all tests: ids are told apart by this."""
    return uuid.uuid4().hex


def record(unique: str, number: int, **fields: Any) -> GraphRecord:
    known = {"user_id": f"u_{unique}", "campaign_id": f"c_{unique}", "type": "click"}
    return GraphRecord(
        interaction_id=f"{unique}-{number}", timestamp=datetime(2026, 11, 20, tzinfo=UTC), **known | fields
    )


def ask(graph: Graph, query: str, **parameters: Any) -> list[dict[str, Any]]:
    return graph.read(query, parameters, doing="test", timeout=10)


def linked(graph: Graph, unique: str) -> int:
    query = "MATCH (i:Interaction {batch_id: $b})-[:REFERS_TO]->(:Campaign) RETURN count(i) AS n"
    return int(ask(graph, query, b=unique)[0]["n"])


def test_preparing_twice_changes_nothing(store: Neo4jGraphStore) -> None:
    store.prepare()


def test_four_writers_with_users_and_campaigns_in_common_lose_nothing(graph: Graph, unique: str) -> None:
    outcome = write_at_once(graph, Load(unique, writers=4, records=200, users=20, campaigns=4))
    assert (outcome.failed, outcome.wrong) == ([], 0)


def test_all_writers_take_the_locks_of_shared_nodes_in_one_order(unique: str) -> None:
    records = [record(unique, number, user_id=f"u_{number % 3}", campaign_id=f"c_{number % 4}") for number in range(12)]
    rows = queries.interaction_rows(records)
    assert [row["user_id"] for row in rows] == sorted(row["user_id"] for row in rows)
    links = queries.link_rows(rows)
    assert [link["campaign_id"] for link in links] == sorted(link["campaign_id"] for link in links)
    assert queries.interaction_rows(records[::-1]) == rows
    waiting = review_queries.lift_rows(rows[::-1], datetime(2026, 11, 20, tzinfo=UTC), "arrived")
    assert [row["interaction_id"] for row in waiting] == [link["interaction_id"] for link in links]


def test_writing_twice_equals_writing_once(store: Neo4jGraphStore, graph: Graph, unique: str) -> None:
    for _ in range(2):
        store.write(unique, [record(unique, n) for n in range(5)], fence=1)
    assert store.count(unique) == 5
    query = "MATCH (u:User {user_id: $u})-[r:PERFORMED]->() RETURN count(r) AS n, count(DISTINCT u) AS u"
    assert ask(graph, query, u=f"u_{unique}") == [{"n": 5, "u": 1}]


def test_more_than_one_chunk_is_written(store: Neo4jGraphStore, unique: str) -> None:
    store.write(unique, [record(unique, n) for n in range(1_001)], fence=1)
    assert store.count(unique) == 1_001


def test_a_missing_campaign_is_never_created(store: Neo4jGraphStore, graph: Graph, unique: str) -> None:
    store.write(unique, [record(unique, 1), record(unique, 2, campaign_id=None)], fence=1)
    assert ask(graph, "MATCH (c:Campaign {campaign_id: $c}) RETURN count(c) AS n", c=f"c_{unique}") == [{"n": 0}]
    assert linked(graph, unique) == 0


def test_interactions_are_linked_to_campaigns_that_exist(store: Neo4jGraphStore, graph: Graph, unique: str) -> None:
    store.load_campaigns([{"campaign_id": f"c_{unique}", "name": "Sale"}])
    store.write(unique, [record(unique, 1)], fence=1)
    assert linked(graph, unique) == 1


def test_interactions_that_waited_are_linked_when_the_campaign_arrives(
    store: Neo4jGraphStore, graph: Graph, unique: str
) -> None:
    store.write(unique, [record(unique, n) for n in range(3)], fence=1)
    store.load_campaigns([{"campaign_id": f"c_{unique}"}])
    assert linked(graph, unique) == 3


def test_the_catalogue_marks_what_it_brings_and_keeps_what_is_no_scalar_as_text(
    store: Neo4jGraphStore, graph: Graph, unique: str
) -> None:
    store.load_campaigns([{"campaign_id": f"c_{unique}", "name": NASTY, "tags": {"a": [1]}, "in_catalogue": False}])
    [found] = ask(graph, "MATCH (c:Campaign {campaign_id: $c}) RETURN properties(c) AS p", c=f"c_{unique}")
    assert (found["p"]["name"], found["p"]["in_catalogue"], found["p"]["tags"]) == (NASTY, True, '{"a": [1]}')


@pytest.mark.parametrize(
    ("value", "kept"),
    [(2**63 - 1, 2**63 - 1), (2**63, str(2**63)), (-(2**70), str(-(2**70))), (True, True), ([1, "ü"], '[1, "ü"]')],
)
def test_what_a_property_cannot_hold_is_kept_as_text(
    store: Neo4jGraphStore, graph: Graph, unique: str, value: object, kept: object
) -> None:
    store.load_campaigns([{"campaign_id": f"c_{unique}", "size": value, "": "no name"}])
    [found] = ask(graph, "MATCH (c:Campaign {campaign_id: $c}) RETURN c.size AS s, c._ AS u", c=f"c_{unique}")
    assert found == {"s": kept, "u": "no name"}


def test_text_comes_back_as_it_was(store: Neo4jGraphStore, graph: Graph, unique: str) -> None:
    nasty = f"{NASTY}{unique}"
    store.write(unique, [record(unique, 1, user_id=nasty, campaign_id=nasty, type=nasty)], fence=1)
    query = "MATCH (u:User)-[:PERFORMED]->(i:Interaction {batch_id: $b}) RETURN u.user_id AS u, i.type AS t"
    assert ask(graph, query, b=unique) == [{"u": nasty, "t": nasty}]


def test_a_query_that_is_wrong_is_terminal_and_says_what_was_done(graph: Graph) -> None:
    with pytest.raises(TerminalError, match="counting sheep"):
        graph.read("NOT CYPHER", {}, doing="counting sheep", timeout=5)


def test_cypher_is_golden(golden: Callable[[str, str], None]) -> None:
    parts = [
        *queries.SCHEMA,
        queries.MERGE_INTERACTIONS,
        queries.LINK_TO_CAMPAIGNS,
        queries.MERGE_CAMPAIGNS,
        *queries.PRUNE,
        fencing.TAKE_FENCE,
        queries.COUNT,
    ]
    golden("neo4j_store.cypher", "\n\n".join(parts) + "\n")


def test_the_schema_versions_cypher_is_golden(golden: Callable[[str, str], None]) -> None:
    parts = [*version_queries.SCHEMA, version_queries.FOUND, *version_queries.HOLDS_DATA]
    golden("neo4j_version.cypher", "\n\n".join([*parts, version_queries.MARK, version_queries.FORGET_OLDER]) + "\n")


def test_the_review_queues_cypher_is_golden(golden: Callable[[str, str], None]) -> None:
    own = {name: value for name, value in vars(review_queries).items() if name not in vars(fields)}
    names = [name for name in own if name.isupper() and not name.startswith("_")]
    parts = [f"// {name}\n{getattr(review_queries, name)}" for name in names]
    golden("neo4j_review_queue.cypher", "\n\n".join(parts) + "\n")
