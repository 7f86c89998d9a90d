"""A run that was paused, lost its batch and woke up again: no store keeps what it writes then.

MongoDB, Neo4j and BigQuery refuse it; Milvus cannot, so the row's fence tells, and it is swept.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from expectations_plugins.core.errors import LeaseLostError
from expectations_plugins.milvus import connection as milvus
from expectations_plugins.neo4j import connection as neo4j
from pipeline.core.batch import Batch
from pipeline.core.batches import Lease
from pipeline.core.embeddings import FALLBACK_SOURCE, BeforeImage, Embedding, VectorRow
from pipeline.core.records import GraphRecord, Interaction
from pipeline.local import Endpoints
from pipeline.ports.steps import BatchContext
from pipeline.sources.reading import read
from pipeline.stages import AggregateStage, EmbedStage, GraphStage, PublishStage, Reembedder, Rollback, Sweep
from pipeline.stages.sweep import writers
from pipeline.stores.bigquery import connection as bigquery
from pipeline.stores.bigquery.metrics_store import BigQueryMetricsStore
from pipeline.stores.milvus.vector_store import MilvusVectorStore
from pipeline.stores.neo4j.graph_store import Neo4jGraphStore
from pipeline.stores.neo4j.review_queue import Neo4jReviewQueue
from tests.fakes.loaded_batch import LoadedBatch, loaded_batch
from tests.fakes.one_collection import OneCollection

RECORDS = 12
EVERYTHING = {"$literal": True}


@dataclass(slots=True)
class Model:
    """Answers with a vector of its own for every text; `source` is its name."""

    source: str = "model"
    model: str = "model"

    def embed(self, texts: Sequence[str]) -> Sequence[Embedding]:
        return [Embedding(vector(hash(text) % 768), self.source) for text in texts]


def vector(place: int) -> tuple[float, ...]:
    return tuple(1.0 if n == place else 0.0 for n in range(768))


@dataclass(slots=True)
class Scene:
    """A loaded batch, the lease of the run that is going to be paused, and that of its successor."""

    batch: LoadedBatch
    metrics: BigQueryMetricsStore
    graph: Neo4jGraphStore
    review: Neo4jReviewQueue
    vectors: MilvusVectorStore

    @property
    def old(self) -> BatchContext:
        return self.batch.context

    def successor(self) -> BatchContext:
        """The next run's context; the lease of the old one is lost from here on."""
        return replace(self.old, lease=self.batch.ledger.acquire(self.batch.batch_id, "test", 300))

    def embed(self, context: BatchContext, source: str = "model") -> None:
        batch = self.batch
        EmbedStage(batch.raw, OneCollection(self.vectors), batch.journal, Model(source), batch.ledger, chunk=5).run(
            context
        )

    def rows(self) -> dict[str, VectorRow]:
        return dict(self.vectors.rows([key for key, _ in self.batch.raw.messages(self.batch.batch_id)]))

    def known(self) -> Batch:
        return self.batch.ledger.find(self.batch.batch_id)

    def sweep(self, lease: Lease) -> Sequence[str]:
        return Sweep(OneCollection(self.vectors), self.batch.journal).perform(lease, self.known())


@pytest.fixture
def scene(endpoints: Endpoints, tmp_path: Path) -> Iterator[Scene]:
    prefix = uuid.uuid4().hex[:8]
    records = [
        {"interaction_id": f"{prefix}-{n:02d}", "user_id": f"u_{n:03d}", "type": "click", "message": f"message {n}"}
        for n in range(RECORDS)
    ]
    client = bigquery.connect(str(endpoints.bigquery_project), endpoint=endpoints.bigquery_endpoint)
    graph = neo4j.connect(
        str(endpoints.neo4j_uri),
        str(endpoints.neo4j_user),
        str(endpoints.neo4j_password),
        database=endpoints.neo4j_database,
    )
    milvus_client = milvus.connect(str(endpoints.milvus_uri))
    with loaded_batch(str(endpoints.mongodb_uri), tmp_path, records) as batch:
        metrics = BigQueryMetricsStore(client, batch.name)
        store, review = Neo4jGraphStore(graph), Neo4jReviewQueue(graph)
        vectors = MilvusVectorStore(milvus_client, batch.name)
        for one in (metrics, store, review, vectors):
            one.prepare()
        yield Scene(batch, metrics, store, review, vectors)
    milvus_client.drop_collection(batch.name)
    for opened in (client, graph, milvus_client):
        opened.close()


def stale_insert(scene: Scene, old: Lease) -> None:
    records = [item for item in read(scene.old.source, zone=ZoneInfo("UTC")) if isinstance(item, Interaction)]
    scene.batch.raw.insert(old.batch_id, records, datetime.now(UTC), fence=old.fence)


def stale_quarantine(scene: Scene, old: Lease) -> None:
    scene.batch.raw.quarantine(old.batch_id, EVERYTHING, gate="raw", reason="late", run_id="old", fence=old.fence)


def stale_journal(scene: Scene, old: Lease) -> None:
    scene.batch.journal.keep(old, "embedding", [BeforeImage("i", None)])


def stale_graph(scene: Scene, old: Lease) -> None:
    scene.graph.write(old.batch_id, [GraphRecord("late", "u_1", None, None, None)], fence=old.fence)


def stale_prune(scene: Scene, old: Lease) -> None:
    scene.graph.prune(old.batch_id, fence=old.fence)


def stale_flag(scene: Scene, old: Lease) -> None:
    scene.review.flag(old.batch_id, gate="graph", run_id="old", fence=old.fence)


def stale_publish(scene: Scene, old: Lease) -> None:
    scene.metrics.publish(old.batch_id, [], 0, fence=old.fence)


def stale_aggregate(scene: Scene, old: Lease) -> None:
    scene.metrics.replace(old.batch_id, [], 0, fence=old.fence)


@pytest.mark.parametrize(
    "write",
    [
        stale_insert,
        stale_quarantine,
        stale_journal,
        stale_graph,
        stale_prune,
        stale_flag,
        stale_publish,
        stale_aggregate,
    ],
)
def test_a_write_under_a_lost_lease_is_refused_and_changes_nothing(
    scene: Scene, write: Callable[[Scene, Lease], None]
) -> None:
    new, raw, batch_id = scene.successor(), scene.batch.raw, scene.batch.batch_id
    for stage in (
        AggregateStage(raw, scene.metrics),
        PublishStage(raw, scene.metrics),
        GraphStage(raw, scene.graph),
    ):
        stage.run(new)
    with pytest.raises(LeaseLostError, match="taken over by another run while"):
        write(scene, scene.old.lease)
    assert raw.counts(batch_id) == (RECORDS, 0)
    assert scene.graph.count(batch_id) == RECORDS
    assert scene.review.counts(batch_id).get("open", 0) == 0
    again = list(raw.metrics(batch_id, include_quarantined=False))
    assert scene.metrics.publish(batch_id, again, RECORDS, fence=new.lease.fence) == RECORDS


def test_a_paused_run_does_not_write_vectors_once_the_ledger_knows_its_successor(scene: Scene) -> None:
    scene.embed(scene.old)
    before = scene.rows()
    new = scene.successor()
    scene.embed(new)
    with pytest.raises(LeaseLostError):
        scene.embed(scene.old)
    assert {row.fence for row in scene.rows().values()} == {new.lease.fence}
    assert {key: row.vector for key, row in scene.rows().items()} == {key: row.vector for key, row in before.items()}


def test_what_a_crashed_run_wrote_becomes_its_successors_without_embedding_it_again(scene: Scene) -> None:
    scene.embed(scene.old)
    new = scene.successor()
    scene.embed(new, source="another model")  # nothing is asked of it: all is there
    found = scene.rows().values()
    assert {(row.embedding_source, row.fence) for row in found} == {("model", new.lease.fence)}
    assert writers(scene.known()) == {scene.batch.manifest().embedding_batch_id: new.lease.fence}


def test_a_stale_upsert_is_swept_and_its_record_embedded_again(scene: Scene) -> None:
    scene.embed(scene.old)
    stale = list(scene.rows().values())[:3]
    new = scene.successor()
    scene.embed(new)
    late = [replace(row, vector=(0.6, 0.8, *[0.0] * 766)) for row in stale]
    scene.vectors.upsert(late)  # by the old run, which was in the middle of a call
    assert sorted(scene.sweep(new.lease)) == [row.interaction_id for row in stale]
    assert len(scene.rows()) == RECORDS - 3
    scene.embed(scene.successor())
    assert len(scene.rows()) == RECORDS
    assert all(max(row.vector) == 1.0 for row in scene.rows().values())


def test_a_stale_upsert_after_a_rollback_is_neither_kept_nor_taken_for_a_before_image(scene: Scene) -> None:
    scene.embed(scene.old)
    stale, first = list(scene.rows().values())[:4], scene.batch.manifest().embedding_batch_id
    rollback = Rollback(OneCollection(scene.vectors), scene.batch.journal, scene.batch.ledger)
    rollback.perform(scene.old.lease, scene.batch.batch_id, first)
    scene.vectors.upsert(stale)
    new = scene.successor()
    scene.embed(new, source="second")
    second = scene.batch.manifest().embedding_batch_id
    assert {row.embedding_batch_id for row in scene.rows().values()} == {second}
    rollback.perform(new.lease, scene.batch.batch_id, second)
    assert scene.rows() == {}


def test_a_sweep_leaves_what_earlier_embedding_batches_rightly_wrote(scene: Scene) -> None:
    scene.embed(scene.old, source=FALLBACK_SOURCE)
    new = scene.successor()
    batch = scene.batch
    Reembedder(batch.raw, OneCollection(scene.vectors), batch.journal, Model(), batch.ledger).run(new, lambda: None)
    assert scene.sweep(new.lease) == []
    assert len(scene.rows()) == RECORDS
    assert len(writers(scene.known())) == 2


def test_a_sweep_by_a_run_that_has_lost_the_batch_is_refused(scene: Scene) -> None:
    scene.embed(scene.old)
    scene.vectors.upsert([replace(row, fence=99) for row in list(scene.rows().values())[:2]])
    scene.successor()
    with pytest.raises(LeaseLostError):
        scene.sweep(scene.old.lease)
    assert len(scene.rows()) == RECORDS
