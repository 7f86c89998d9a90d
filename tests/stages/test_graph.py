"""The graph stage over real stores: who is written, how often, and what is never seen of a batch."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from expectations_plugins.core.errors import TerminalError
from expectations_plugins.neo4j.connection import Graph, connect
from pipeline.core.records import GraphRecord
from pipeline.local import Endpoints
from pipeline.stages import GraphStage
from pipeline.stores.neo4j.graph_store import Neo4jGraphStore
from tests.fakes.loaded_batch import LoadedBatch, loaded_batch

RECORDS, USERS = 25, 5
BATCH_OF = "MATCH (u:User)-[r:PERFORMED]->(i:Interaction {batch_id: $batch_id}) "


@dataclass(frozen=True, slots=True)
class Written:
    """The stage on one loaded batch, and the graph it writes."""

    batch: LoadedBatch
    graph: Graph
    store: Neo4jGraphStore

    def run(self) -> Mapping[str, Any]:
        return GraphStage(self.batch.raw, self.store, chunk=10).run(self.batch.context)

    def ask(self, query: str) -> list[dict[str, Any]]:
        return self.graph.read(query, {"batch_id": self.batch.batch_id}, doing="test", timeout=10)

    def ids(self) -> list[str]:
        return [row["i"] for row in self.ask(BATCH_OF + "RETURN i.interaction_id AS i ORDER BY i")]


class Forgetful(Neo4jGraphStore):
    """A graph that loses the last record of every write."""

    def write(self, batch_id: str, records: Sequence[GraphRecord], *, fence: int) -> None:
        super().write(batch_id, records[:-1], fence=fence)


@pytest.fixture
def unique() -> str:
    return uuid.uuid4().hex[:8]


@pytest.fixture
def written(endpoints: Endpoints, tmp_path: Path, unique: str) -> Iterator[Written]:
    graph = connect(
        str(endpoints.neo4j_uri),
        str(endpoints.neo4j_user),
        str(endpoints.neo4j_password),
        database=endpoints.neo4j_database,
    )
    store = Neo4jGraphStore(graph)
    store.prepare()
    records = [
        {"interaction_id": f"{unique}-{n:02d}", "user_id": f"u_{unique}_{n % USERS}", "campaign_id": f"c_{unique}"}
        for n in range(RECORDS)
    ]
    with loaded_batch(str(endpoints.mongodb_uri), tmp_path, records) as batch:
        yield Written(batch, graph, store)
    graph.close()


def test_every_accepted_record_is_in_the_graph(written: Written, unique: str) -> None:
    assert written.run() == {"interactions": RECORDS}
    assert written.ids() == [f"{unique}-{n:02d}" for n in range(RECORDS)]


def test_a_user_is_one_node_however_many_chunks_bring_it(written: Written) -> None:
    written.run()
    assert written.ask(BATCH_OF + "RETURN count(DISTINCT u) AS users, count(r) AS r") == [
        {"users": USERS, "r": RECORDS}
    ]


def test_a_second_run_changes_nothing_and_says_the_same(written: Written) -> None:
    everything = BATCH_OF + "RETURN u.user_id AS u, properties(i) AS i ORDER BY i.interaction_id"
    first, there = written.run(), written.ask(everything)
    assert written.run() == first
    assert written.ask(everything) == there


def test_quarantined_records_never_reach_the_graph(written: Written, unique: str) -> None:
    written.batch.quarantine(f"u_{unique}_0")
    assert written.run() == {"interactions": 20}
    assert written.ids() == [f"{unique}-{n:02d}" for n in range(RECORDS) if n % USERS]
    assert written.graph.read(
        "MATCH (u:User {user_id: $u}) RETURN count(u) AS n", {"u": f"u_{unique}_0"}, doing="test", timeout=10
    ) == [{"n": 0}]


def test_a_batch_that_is_wholly_quarantined_writes_nothing(written: Written, unique: str) -> None:
    written.batch.quarantine(*(f"u_{unique}_{n}" for n in range(USERS)))
    assert written.run() == {"interactions": 0}
    assert written.ids() == []


def test_an_interaction_keeps_the_fence_of_the_lease_it_was_written_under(written: Written) -> None:
    written.run()
    assert written.ask(BATCH_OF + "RETURN DISTINCT i.fence AS f") == [{"f": written.batch.context.lease.fence}]


def test_a_graph_that_lost_records_is_terminal_and_names_batch_and_both_numbers(written: Written) -> None:
    stage = GraphStage(written.batch.raw, Forgetful(written.graph), chunk=10)
    with pytest.raises(TerminalError) as caught:
        stage.run(written.batch.context)
    text = str(caught.value)
    assert (written.batch.batch_id[:12] in text, "holds 22 " in text, "accepted 25" in text) == (True, True, True)


def test_a_run_after_a_crash_in_the_middle_completes_the_batch(written: Written) -> None:
    records = list(written.batch.raw.graph_records(written.batch.batch_id))
    written.store.write(written.batch.batch_id, records[:7], fence=1)
    assert written.run() == {"interactions": RECORDS}


def test_progress_tells_the_records_that_are_through_and_of_how_many(written: Written) -> None:
    written.run()
    assert written.batch.steps.advanced == [("graph", 10, 25), ("graph", 20, 25), ("graph", 25, 25)]
