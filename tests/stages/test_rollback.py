"""Taking an embedding batch back: bit for bit, whatever interrupts it, whatever the store says it did."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from expectations_plugins.core.defaults import VECTOR_DIMENSION
from expectations_plugins.core.errors import ConfigurationError, TransientError
from expectations_plugins.milvus.connection import connect
from pipeline.core.embeddings import FALLBACK_SOURCE, Embedding, VectorRow
from pipeline.core.rollback_plan import RollbackNumbers
from pipeline.local import Endpoints
from pipeline.stages import EmbedStage, Reembedder, Rollback
from pipeline.stores.milvus.vector_store import MilvusVectorStore
from tests.fakes.loaded_batch import LoadedBatch, loaded_batch
from tests.fakes.one_collection import OneCollection

RECORDS = 30


@dataclass(slots=True)
class Model:
    """An embedder whose answers a test chooses, by text."""

    answer: Callable[[str], Embedding]
    model: str = "model"

    def embed(self, texts: Sequence[str]) -> Sequence[Embedding]:
        return [self.answer(text) for text in texts]


def real(text: str) -> Embedding:
    return Embedding(vector(hash(text) % 700), "model")


def down(text: str) -> Embedding:
    return Embedding(vector(700 + len(text) % 60), FALLBACK_SOURCE)


def poisoned(text: str) -> Embedding:
    """Most are real, some are of each fault."""
    faults = {"0": "zero", "1": "wrong_dimension", "2": "non_finite"}
    fault = faults.get(text[-1])
    return Embedding((), "model", fault) if fault else real(f"again {text}")


def vector(place: int) -> tuple[float, ...]:
    return tuple(0.1 + n / 977 if n == place % VECTOR_DIMENSION else 1 / 3 for n in range(VECTOR_DIMENSION))


class InterruptedRollbackError(Exception):
    """The process ends here."""


@dataclass(slots=True)
class Faulty:
    """A vector store that stops after some calls that change it, or lies about deleting."""

    real: MilvusVectorStore
    stop_after: int = -1
    lies: bool = False
    changes: int = field(default=0)

    def upsert(self, rows: Sequence[VectorRow]) -> None:
        self._count()
        self.real.upsert(rows)

    def delete(self, ids: Sequence[str]) -> None:
        self._count()
        self.real.delete(ids[: len(ids) // 2] if self.lies else ids)

    def _count(self) -> None:
        self.changes += 1
        if self.changes == self.stop_after:
            raise InterruptedRollbackError

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


@dataclass(slots=True)
class Scene:
    """A loaded batch and the collection its vectors go to."""

    batch: LoadedBatch
    vectors: MilvusVectorStore

    @property
    def ids(self) -> list[str]:
        return [key for key, _ in self.batch.raw.messages(self.batch.batch_id)]

    def embed(self, answer: Callable[[str], Embedding]) -> str:
        stage = EmbedStage(
            self.batch.raw, OneCollection(self.vectors), self.batch.journal, Model(answer), self.batch.ledger, chunk=8
        )
        stage.run(self.batch.context)
        return self.batch.manifest().embedding_batch_id

    def reembed(self, answer: Callable[[str], Embedding]) -> Any:
        made = Reembedder(
            self.batch.raw, OneCollection(self.vectors), self.batch.journal, Model(answer), self.batch.ledger, chunk=8
        )
        return made.run(self.batch.context, lambda: None)

    def rollback(self, vectors: Any = None) -> Rollback:
        return Rollback(OneCollection(vectors or self.vectors), self.batch.journal, self.batch.ledger)

    def take_back(self, embedding_batch_id: str, vectors: Any = None) -> Any:
        return self.rollback(vectors).perform(self.batch.context.lease, self.batch.batch_id, embedding_batch_id)

    def state(self) -> Mapping[str, VectorRow]:
        return dict(self.vectors.rows(self.ids))


@pytest.fixture
def scene(endpoints: Endpoints, tmp_path: Path) -> Iterator[Scene]:
    prefix = uuid.uuid4().hex[:8]
    records = [
        {"interaction_id": f"{prefix}-{n:03d}", "user_id": f"u_{n:03d}", "message": f"message {n}"}
        for n in range(RECORDS)
    ]
    client = connect(str(endpoints.milvus_uri))
    with loaded_batch(str(endpoints.mongodb_uri), tmp_path, records) as batch:
        vectors = MilvusVectorStore(client, batch.name)
        vectors.prepare()
        yield Scene(batch, vectors)
    client.drop_collection(batch.name)
    client.close()


def test_a_first_embedding_is_removed_and_its_id_never_used_again(scene: Scene) -> None:
    first = scene.embed(real)
    assert len(scene.state()) == RECORDS
    plan = scene.take_back(first)
    assert (plan.removed, plan.restored, scene.state()) == (RECORDS, 0, {})
    second = scene.embed(real)
    assert second != first
    assert {row.embedding_batch_id for row in scene.state().values()} == {second}
    assert scene.batch.manifest().expected == RECORDS


def test_a_poisoned_re_embedding_is_taken_back_bit_for_bit(scene: Scene) -> None:
    scene.embed(down)
    before = scene.state()
    manifest = scene.reembed(poisoned)
    assert (manifest.number, manifest.kind, manifest.expected) == (2, "reembed", RECORDS)
    assert set(manifest.rejected) == {"zero", "wrong_dimension", "non_finite"}
    assert scene.state() != before
    plan = scene.take_back(manifest.embedding_batch_id)
    assert plan.restored == manifest.written
    assert scene.state() == before


def test_a_re_embedding_while_the_model_is_down_changes_nothing(scene: Scene) -> None:
    scene.embed(down)
    before, embedding = scene.state(), scene.batch.manifest()
    assert scene.reembed(down) is None
    assert scene.state() == before
    assert scene.batch.manifest() == embedding


def test_after_a_re_embedding_no_fallback_is_left(scene: Scene) -> None:
    scene.embed(down)
    assert len(scene.vectors.fallbacks(scene.batch.batch_id)) == RECORDS
    assert scene.reembed(real).written == RECORDS
    assert scene.vectors.fallbacks(scene.batch.batch_id) == []
    assert scene.reembed(real) is None


@pytest.mark.parametrize("stop_after", [1, 2])
def test_an_interrupted_rollback_is_finished_by_the_next(scene: Scene, stop_after: int) -> None:
    scene.embed(down)
    before = scene.state()
    again = scene.reembed(real).embedding_batch_id
    with pytest.raises(InterruptedRollbackError):
        scene.take_back(again, Faulty(scene.vectors, stop_after=stop_after))
    plan = scene.take_back(again)
    assert (plan.removed, plan.restored) == (0, RECORDS)
    assert scene.state() == before


def test_a_store_that_deletes_only_a_part_is_found_out_and_finished_later(scene: Scene) -> None:
    first = scene.embed(real)
    with pytest.raises(TransientError, match="is not rolled back"):
        scene.take_back(first, Faulty(scene.vectors, stop_after=-1, lies=True))
    assert scene.batch.manifest().rolled_back_at is None
    scene.take_back(first)
    assert scene.state() == {}


def test_an_older_embedding_whose_vectors_a_later_one_wrote_over_is_refused(scene: Scene) -> None:
    first = scene.embed(down)
    later = scene.reembed(real).embedding_batch_id
    before = scene.state()
    with pytest.raises(ConfigurationError, match=later):
        scene.take_back(first)
    assert scene.state() == before
    scene.take_back(later)
    scene.take_back(first)
    assert scene.state() == {}


def test_what_a_stale_writer_wrote_after_a_rollback_is_removed_by_doing_it_again(scene: Scene) -> None:
    first = scene.embed(real)
    stale = list(scene.state().values())[:3]
    scene.take_back(first)
    scene.vectors.upsert(stale)
    scene.take_back(first)
    assert scene.state() == {}


def test_the_ledger_says_what_was_taken_back(scene: Scene) -> None:
    first = scene.embed(real)
    assert scene.rollback().plan(scene.batch.ledger.find(scene.batch.batch_id)).removed == RECORDS
    scene.take_back(first)
    found = scene.batch.ledger.find(scene.batch.batch_id)
    assert scene.batch.manifest().rolled_back == RollbackNumbers("only", RECORDS, 0, RECORDS, exists=True)
    assert found.embeddings[first].rolled_back_at
    with pytest.raises(ConfigurationError, match="rolled back already"):
        scene.rollback().plan(found)


def test_a_fallback_whose_text_is_refused_later_stays_a_fallback(scene: Scene) -> None:
    scene.embed(down)
    scene.embed(poisoned)
    manifest = scene.batch.manifest()
    assert manifest.rejected == {}
    assert manifest.written == RECORDS == len(scene.state())
    assert manifest.fallback == len(scene.vectors.fallbacks(scene.batch.batch_id)) > 0
