"""Values through the graph store and back: bit for bit, and never a part of the Cypher."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from expectations_plugins.core.errors import ConfigurationError, TerminalError, TransientError
from expectations_plugins.core.retry import RetryPolicy, retry
from expectations_plugins.neo4j.connection import Graph, connect
from expectations_plugins.neo4j.values import plain
from pipeline.core.records import GraphRecord
from pipeline.local import Endpoints
from pipeline.stores.neo4j.graph_store import Neo4jGraphStore
from tests.fakes.hostile_texts import HOSTILE

INSTANT = datetime(2026, 11, 20, 9, 10, 11, 123456, tzinfo=UTC)


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
    return uuid.uuid4().hex


def ask(graph: Graph, query: str, **parameters: Any) -> list[dict[str, Any]]:
    return [plain(row) for row in graph.read(query, parameters, doing="test", timeout=10)]


def test_hostile_texts_come_back_as_they_were_from_every_field(
    store: Neo4jGraphStore, graph: Graph, unique: str
) -> None:
    texts = [f"{text}{unique}" for text in HOSTILE]
    store.write(unique, [GraphRecord(text, f"u{text}", f"c{text}", f"t{text}", None) for text in texts], fence=1)
    query = """MATCH (u:User)-[:PERFORMED]->(i:Interaction {batch_id: $b})
    RETURN i.interaction_id AS i, u.user_id AS u, i.campaign_id AS c, i.type AS t"""
    found = {tuple(row.values()) for row in ask(graph, query, b=unique)}
    assert found == {(text, f"u{text}", f"c{text}", f"t{text}") for text in texts}


def test_hostile_campaign_ids_are_linked_to_their_own_campaign_only(
    store: Neo4jGraphStore, graph: Graph, unique: str
) -> None:
    texts = [f"{text}{unique}" for text in HOSTILE]
    store.load_campaigns([{"campaign_id": text, "name": text} for text in texts])
    store.write(unique, [GraphRecord(f"i{text}", "u", text, None, None) for text in texts], fence=1)
    query = "MATCH (i:Interaction {batch_id: $b})-[:REFERS_TO]->(c:Campaign) RETURN i.interaction_id AS i, c.name AS n"
    assert {(row["i"], row["n"]) for row in ask(graph, query, b=unique)} == {(f"i{text}", text) for text in texts}


def test_hostile_names_of_campaign_properties_stay_names(store: Neo4jGraphStore, graph: Graph, unique: str) -> None:
    properties = {f"p{text}": text for text in HOSTILE}
    store.load_campaigns([{"campaign_id": unique, **properties}])
    [found] = ask(graph, "MATCH (c:Campaign {campaign_id: $c}) RETURN properties(c) AS p", c=unique)
    assert found["p"] == properties | {"campaign_id": unique, "in_catalogue": True}


@pytest.mark.parametrize("instant", [INSTANT, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), None])
def test_a_timestamp_is_the_same_instant(
    store: Neo4jGraphStore, graph: Graph, unique: str, instant: datetime | None
) -> None:
    store.write(unique, [GraphRecord(unique, "u", None, None, instant)], fence=1)
    [found] = ask(graph, "MATCH (i:Interaction {batch_id: $b}) RETURN i.timestamp AS t", b=unique)
    assert in_utc(found["t"]) == instant


def in_utc(value: datetime | None) -> datetime | None:
    """The local server gives times of UTC without their zone; Neo4j gives the zone too."""
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def test_the_fence_and_the_batch_are_those_of_the_last_write(store: Neo4jGraphStore, graph: Graph, unique: str) -> None:
    for fence in (1, 2):
        store.write(unique, [GraphRecord(unique, "u", None, None, None)], fence=fence)
    assert ask(graph, "MATCH (i:Interaction {batch_id: $b}) RETURN i.fence AS f", b=unique) == [{"f": 2}]


def test_nothing_to_write_is_fine(store: Neo4jGraphStore, unique: str) -> None:
    store.write(unique, [], fence=1)
    store.load_campaigns([])
    assert store.count(unique) == 0


def test_a_campaign_that_is_loaded_again_keeps_what_it_had_and_takes_what_is_new(
    store: Neo4jGraphStore, graph: Graph, unique: str
) -> None:
    store.load_campaigns([{"campaign_id": unique, "name": "old", "channel": "mail"}])
    store.load_campaigns([{"campaign_id": unique, "name": "new"}])
    [found] = ask(graph, "MATCH (c:Campaign {campaign_id: $c}) RETURN c.name AS n, c.channel AS h", c=unique)
    assert found == {"n": "new", "h": "mail"}


def test_a_campaign_that_is_loaded_again_links_nothing_twice(store: Neo4jGraphStore, graph: Graph, unique: str) -> None:
    store.write(unique, [GraphRecord(unique, "u", unique, None, None)], fence=1)
    for _ in range(2):
        store.load_campaigns([{"campaign_id": unique}])
    query = "MATCH (:Interaction {batch_id: $b})-[r:REFERS_TO]->() RETURN count(r) AS n"
    assert ask(graph, query, b=unique) == [{"n": 1}]


def test_batches_that_share_users_can_be_written_at_the_same_time_by_who_tries_again(
    store: Neo4jGraphStore, graph: Graph, unique: str
) -> None:
    def write(number: int) -> int:
        batch = f"{unique}-{number}"
        records = [GraphRecord(f"{batch}-{n}", f"{unique}_{n % 3}", None, None, None) for n in range(30)]
        retry(lambda: store.write(batch, records, fence=1), RetryPolicy(attempts=20, wait=0.02, wait_max=0.5))
        return store.count(batch)

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(write, range(3))) == [30, 30, 30]
    query = (
        "MATCH (u:User)-[r:PERFORMED]->() WHERE u.user_id STARTS WITH $u RETURN count(DISTINCT u) AS u, count(r) AS r"
    )
    assert ask(graph, query, u=unique) == [{"u": 3, "r": 90}]


def test_a_key_another_writer_took_at_the_same_moment_is_worth_another_try(graph: Graph, unique: str) -> None:
    impatient = replace(graph, patience=0.5)
    with pytest.raises(TransientError, match="Neo4j: racing failed"):
        impatient.write(["CREATE (:User {user_id: $u})"] * 2, {"u": unique}, doing="racing", timeout=10)


def test_a_refused_password_is_a_wrong_setting_and_is_not_told(endpoints: Endpoints) -> None:
    refused = connect(str(endpoints.neo4j_uri), "root", "s3cret-wr0ng", database=endpoints.neo4j_database)
    with pytest.raises(ConfigurationError, match="Neo4j: counting interactions of batch abc failed") as caught:
        Neo4jGraphStore(refused).count("abc")
    refused.close()
    assert "s3cret" not in str(caught.value)


def test_a_write_that_fails_leaves_nothing_of_it(store: Neo4jGraphStore, graph: Graph, unique: str) -> None:
    create = "CREATE (:Interaction {interaction_id: $i, batch_id: $i})"
    with pytest.raises(TerminalError):
        graph.write([create, "NOT CYPHER"], {"i": unique}, doing="testing", timeout=10)
    assert store.count(unique) == 0
