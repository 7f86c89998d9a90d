"""The stages after load, over the real stores: counted in the store, repeatable, and without quarantined records."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from expectations_plugins.milvus import connection as milvus
from expectations_plugins.mongodb import connection as mongodb
from expectations_plugins.neo4j import connection as neo4j
from pipeline.core.embeddings import Embedding
from pipeline.embedding.fallback import fallback
from pipeline.local import Endpoints
from pipeline.ports.steps import BatchContext
from pipeline.sources.discovery import discover
from pipeline.stages import AggregateStage, EmbedStage, GraphStage, LoadStage, PublishStage
from pipeline.stages.embed import drawn, embedding_batch
from pipeline.stores.bigquery import connection as bigquery
from pipeline.stores.bigquery.metrics_store import BigQueryMetricsStore
from pipeline.stores.milvus.vector_store import MilvusVectorStore
from pipeline.stores.mongodb.ledger import MongoLedger
from pipeline.stores.mongodb.raw_store import MongoRawStore
from pipeline.stores.mongodb.undo_journal import MongoUndoJournal
from pipeline.stores.neo4j.graph_store import Neo4jGraphStore
from tests.fakes.one_collection import OneCollection

IS_BAD = {"$eq": ["$user_id", {"$literal": "bad"}]}
MODEL = "test-model"


class Silent:
    """Shows nothing."""

    def event(self, name: str, **fields: object) -> None:
        """Nothing."""

    def advance(self, step: str, done: int, total: int | None) -> None:
        """Nothing."""


class CountingEmbedder:
    """Implements the port: fallback vectors under a model's name, texts counted, faults by text."""

    model = MODEL

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.down = False

    def embed(self, texts: Sequence[str]) -> Sequence[Embedding]:
        self.asked += texts
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Embedding:
        if self.down:
            return fallback(text)
        if text == "zero":
            return Embedding(vector=(), source=MODEL, invalid="zero")
        return Embedding(vector=fallback(text).vector, source=MODEL)


@dataclass(frozen=True, slots=True)
class Flow:
    """A loaded batch and the stores it flows to."""

    context: BatchContext
    raw: MongoRawStore
    ledger: MongoLedger
    metrics: BigQueryMetricsStore
    graph: Neo4jGraphStore
    vectors: MilvusVectorStore
    embedder: CountingEmbedder
    journal: MongoUndoJournal

    @property
    def batch_id(self) -> str:
        return self.context.batch_id

    def embed(self) -> Mapping[str, Any]:
        stage = EmbedStage(
            self.raw, OneCollection(self.vectors), self.journal, self.embedder, self.ledger, sample_size=5, chunk=4
        )
        return stage.run(self.context)

    def taken_over(self) -> BatchContext:
        """The context of the next run; this one's lease is lost."""
        return replace(self.context, lease=self.ledger.acquire(self.batch_id, "test", 60))

    def quarantine(self) -> None:
        fence = self.ledger.find(self.batch_id).fence
        self.raw.quarantine(self.batch_id, IS_BAD, gate="raw", reason="test", run_id="1", fence=fence)


@pytest.fixture
def flow(endpoints: Endpoints, tmp_path: Path) -> Iterator[Flow]:
    name = f"t{uuid.uuid4().hex[:10]}"
    records = [
        {
            "interaction_id": f"{name}-{n}",
            "user_id": "bad" if n == 3 else f"u_{n}",
            "type": "click",
            "message": f"m {n}",
        }
        for n in range(10)
    ]
    records[3]["user_id"], records[5]["message"], records[6]["message"] = "bad", "zero", ""
    path = tmp_path / "batch.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    database = mongodb.connect(str(endpoints.mongodb_uri), name)
    raw, ledger = MongoRawStore(database), MongoLedger(database)
    client = bigquery.connect(str(endpoints.bigquery_project), endpoint=endpoints.bigquery_endpoint)
    graph = neo4j.connect(
        str(endpoints.neo4j_uri),
        str(endpoints.neo4j_user),
        str(endpoints.neo4j_password),
        database=endpoints.neo4j_database,
    )
    milvus_client = milvus.connect(str(endpoints.milvus_uri))
    stores = (
        raw,
        ledger,
        BigQueryMetricsStore(client, name),
        Neo4jGraphStore(graph),
        MilvusVectorStore(milvus_client, name),
    )
    for store in stores:
        store.prepare()
    [source] = discover([path], max_records=100, min_age=0)
    first_seen = ledger.open_batch(source.batch_id, source=str(path), size=1).seen
    context = BatchContext(source, ledger.acquire(source.batch_id, "test", 60), first_seen, Silent())
    LoadStage(raw, ledger, zone=ZoneInfo("UTC")).run(context)
    yield Flow(context, *stores, CountingEmbedder(), MongoUndoJournal(database))
    database.client.drop_database(name)
    milvus_client.drop_collection(name)
    for opened in (database.client, client, graph, milvus_client):
        opened.close()


def test_metrics_count_every_record_before_the_gate_and_only_accepted_ones_after(flow: Flow) -> None:
    assert AggregateStage(flow.raw, flow.metrics).run(flow.context)["interactions"] == 10
    flow.quarantine()
    assert PublishStage(flow.raw, flow.metrics).run(flow.context)["interactions"] == 9


def test_the_graph_holds_accepted_records_only_and_writing_again_changes_nothing(flow: Flow) -> None:
    flow.quarantine()
    for _ in range(2):
        assert GraphStage(flow.raw, flow.graph, chunk=4).run(flow.context) == {"interactions": 9}


def test_records_that_were_quarantined_since_leave_the_graph(flow: Flow) -> None:
    GraphStage(flow.raw, flow.graph).run(flow.context)
    flow.quarantine()
    assert GraphStage(flow.raw, flow.graph).run(flow.taken_over()) == {"interactions": 9}
    assert flow.graph.count(flow.batch_id) == 9


def test_messages_are_embedded_and_broken_vectors_counted_and_not_written(flow: Flow) -> None:
    assert flow.embed() == {"expected": 9, "written": 8, "fallback": 0, "rejected": 1}
    manifest = flow.ledger.find(flow.batch_id[:12]).embedding
    assert manifest
    assert manifest.rejected == {"zero": 1}
    ids = [interaction_id for interaction_id, _ in flow.raw.messages(flow.batch_id)]
    assert len(flow.vectors.present(embedding_batch(flow.batch_id, 1), ids)) == 8


def test_quarantined_records_get_no_vector(flow: Flow) -> None:
    flow.quarantine()
    assert flow.embed()["expected"] == 8
    assert "m 3" not in flow.embedder.asked


def test_what_is_there_is_not_embedded_again(flow: Flow) -> None:
    first = flow.embed()
    flow.embedder.asked.clear()
    assert flow.embed() == first
    assert flow.embedder.asked == ["zero"]


def test_fallback_vectors_are_embedded_again(flow: Flow) -> None:
    flow.embedder.down = True
    assert flow.embed() == {"expected": 9, "written": 9, "fallback": 9, "rejected": 0}
    flow.embedder.down = False
    assert flow.embed() == {"expected": 9, "written": 9, "fallback": 1, "rejected": 0}  # the refused one stays


def test_the_sample_is_drawn_once_sorted_and_bounded() -> None:
    ids = [f"i{n}" for n in range(1_000)]
    sample = drawn(ids, "seed", 100)
    assert sample == drawn(ids[::-1], "seed", 100) == tuple(sorted(set(sample)))
    assert (len(sample), drawn(ids, "other", 100) == sample) == (100, False)
    assert drawn(ids[:7], "seed", 100) == tuple(sorted(ids[:7]))
