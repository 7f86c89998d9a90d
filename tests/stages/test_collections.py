"""An embedding batch stays in its collection and keeps its model; a new one goes where the settings say."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from expectations_plugins.core.defaults import VECTOR_DIMENSION
from expectations_plugins.core.errors import ConfigurationError, TerminalError
from expectations_plugins.milvus.connection import connect
from pipeline.core.embeddings import FALLBACK_SOURCE, Embedding, VectorRow
from pipeline.local import Endpoints
from pipeline.stages import EmbedStage, Reembedder, Rollback, Sweep
from pipeline.stores.milvus.vector_store import MilvusVectorStore
from tests.fakes.loaded_batch import LoadedBatch, loaded_batch

RECORDS = 10


@dataclass(frozen=True, slots=True)
class Models:
    """An API with some models; one that is gone is not found."""

    model: str
    gone: frozenset[str] = frozenset()

    def with_model(self, model: str) -> Models:
        return Models(model, self.gone)

    def embed(self, texts: Sequence[str]) -> Sequence[Embedding]:
        if self.model in self.gone:
            raise TerminalError(f"Gemini: models/{self.model} is not found.")
        return [Embedding((1.0,) + (0.0,) * (VECTOR_DIMENSION - 1), self.model) for _ in texts]


class Collections:
    """The real collections of these names."""

    def __init__(self, client: Any, prefix: str, current: str) -> None:
        self._client, self._prefix, self.current = client, prefix, f"{prefix}_{current}"
        self.opened: dict[str, MilvusVectorStore] = {}

    def now(self, current: str) -> Collections:
        """The same, with other settings."""
        other = Collections(self._client, self._prefix, current)
        other.opened = self.opened
        return other

    def exists(self, name: str) -> bool:
        return bool(self._client.has_collection(name))

    def open(self, name: str) -> MilvusVectorStore:
        if name not in self.opened:
            assert name == self.current or self.exists(name)
            self.opened[name] = MilvusVectorStore(self._client, name)
            self.opened[name].prepare()
        return self.opened[name]


@dataclass(slots=True)
class Scene:
    batch: LoadedBatch
    collections: Collections
    models: Models

    def settings(self, name: str) -> None:
        """Another model, and the collection named after it."""
        self.collections, self.models = self.collections.now(name), self.models.with_model(name)

    def embed(self) -> None:
        batch = self.batch
        EmbedStage(batch.raw, self.collections, batch.journal, self.models, batch.ledger, chunk=4).run(batch.context)

    def rows(self, name: str) -> dict[str, VectorRow]:
        vectors = self.collections.now(name).open(self.collections.now(name).current)
        return dict(vectors.rows(list(vectors.of_batch(self.batch.batch_id))))


@pytest.fixture
def scene(endpoints: Endpoints, tmp_path: Path) -> Iterator[Scene]:
    prefix = uuid.uuid4().hex[:8]
    records = [
        {"interaction_id": f"{prefix}-{n:03d}", "user_id": f"u_{n:03d}", "message": f"message {n}"}
        for n in range(RECORDS)
    ]
    client = connect(str(endpoints.milvus_uri))
    with loaded_batch(str(endpoints.mongodb_uri), tmp_path, records) as batch:
        collections = Collections(client, batch.name, "a")
        yield Scene(batch, collections, Models("a"))
    for name in collections.opened:
        client.drop_collection(name)
    client.close()


def moved(scene: Scene) -> None:
    """A batch that was embedded with model a, taken back, and embedded with model b; somebody put one of a's back."""
    scene.embed()
    [left, *_] = scene.rows("a").values()
    manifest, lease = scene.batch.manifest(), scene.batch.context.lease
    rollback = Rollback(scene.collections, scene.batch.journal, scene.batch.ledger)
    rollback.perform(lease, scene.batch.batch_id, manifest.embedding_batch_id)
    scene.collections.open(manifest.collection).upsert([left])
    scene.settings("b")
    scene.embed()


def test_an_embedding_batch_that_is_gone_on_with_keeps_its_model_and_its_collection(scene: Scene) -> None:
    scene.embed()
    first = scene.rows("a")
    scene.settings("b")
    scene.batch.quarantine("u_001")
    scene.embed()
    assert (len(first), len(scene.rows("a")), scene.rows("b")) == (RECORDS, RECORDS - 1, {})
    assert (scene.batch.manifest().collection, scene.batch.manifest().model) == (f"{scene.batch.name}_a", "a")


def swept(scene: Scene) -> None:
    Sweep(scene.collections, scene.batch.journal).perform(
        scene.batch.context.lease, scene.batch.ledger.find(scene.batch.batch_id)
    )


@pytest.mark.parametrize("act", [swept, Scene.embed])
def test_vectors_that_do_not_count_are_removed_from_every_collection_of_the_batch(
    scene: Scene, act: Callable[[Scene], None]
) -> None:
    moved(scene)
    stale = list(scene.rows("b").values())[:1]
    scene.collections.open(f"{scene.batch.name}_a").upsert(stale)
    act(scene)
    assert (scene.rows("a").keys() - {stale[0].interaction_id}, len(scene.rows("b"))) == (set(), RECORDS)


def test_a_model_that_is_gone_is_a_wrong_setting_with_a_way_on_and_not_a_dead_batch(scene: Scene) -> None:
    scene.embed()
    scene.collections.open(f"{scene.batch.name}_a").delete(list(scene.rows("a"))[:2])
    scene.settings("b")
    scene.models = Models("b", frozenset({"a"}))
    with pytest.raises(ConfigurationError, match=r"models/a is not found.*GEMINI_MODEL is another now") as refused:
        scene.embed()
    assert "run.py rollback" in refused.value.next_step
    assert "--redo" in refused.value.next_step


def test_the_settings_own_model_that_is_gone_is_the_batchs_end_as_ever(scene: Scene) -> None:
    scene.models = Models("a", frozenset({"a"}))
    with pytest.raises(TerminalError, match="models/a is not found"):
        scene.embed()


def test_a_re_embedding_asks_the_model_of_the_batch(scene: Scene) -> None:
    scene.embed()
    vectors = scene.collections.open(f"{scene.batch.name}_a")
    vectors.upsert([replace(row, embedding_source=FALLBACK_SOURCE) for row in scene.rows("a").values()])
    scene.settings("b")
    batch = scene.batch
    made = Reembedder(batch.raw, scene.collections, batch.journal, scene.models, batch.ledger, chunk=4)
    manifest = made.run(batch.context, lambda: None)
    assert manifest is not None
    assert (manifest.written, manifest.model, manifest.collection) == (RECORDS, "a", f"{batch.name}_a")
    assert {row.embedding_source for row in scene.rows("a").values()} == {"a"}
