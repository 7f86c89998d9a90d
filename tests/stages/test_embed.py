"""The embed stage with the real embedder: what goes over the wire, what is written, what the manifest says."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.core.retry import RetryPolicy
from expectations_plugins.milvus.connection import MilvusClient, connect
from pipeline.embedding import GeminiEmbedder
from pipeline.local import Endpoints
from pipeline.stages import EmbedStage
from pipeline.stages.embed import embedding_batch
from pipeline.stores.milvus.vector_store import MilvusVectorStore
from tests.fakes.loaded_batch import LoadedBatch, loaded_batch
from tests.fakes.one_collection import OneCollection

MODEL = "gemini-embedding-001"
RECORDS, SILENT, CHUNK = 230, 5, 100
"""The last few records have no message."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """The stage on one loaded batch, the collection it writes, and the API it asks."""

    batch: LoadedBatch
    vectors: MilvusVectorStore
    client: MilvusClient
    endpoint: str
    key: str

    def run(self, key: str = "") -> Mapping[str, Any]:
        """Embed as a new process would: nothing is remembered from the run before."""
        policy = RetryPolicy(attempts=2, wait=0.01, wait_max=0.02)
        embedder = GeminiEmbedder(
            key or self.key, endpoint=self.endpoint, model=MODEL, requests_per_second=1_000, policy=policy
        )
        stage = EmbedStage(
            self.batch.raw, OneCollection(self.vectors), self.batch.journal, embedder, self.batch.ledger, chunk=CHUNK
        )
        return stage.run(self.batch.context)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(self.endpoint + path, data, {"x-goog-api-key": self.key}, method=method)) as answer:
            return json.load(answer)

    def texts_sent(self) -> int:
        return int(self.ask("GET", "/requests")["texts"])

    def rows(self, *fields: str) -> list[dict[str, Any]]:
        condition = f'batch_id == "{self.batch.batch_id}"'
        found = self.client.query(
            self.batch.name, filter=condition, output_fields=list(fields), consistency_level="Strong", limit=1_000
        )
        return [dict(row) for row in found]


@pytest.fixture
def unique() -> str:
    return uuid.uuid4().hex[:8]


@pytest.fixture
def embedding(endpoints: Endpoints, tmp_path: Path, unique: str) -> Iterator[Embedding]:
    records = [
        {"interaction_id": f"{unique}-{n:03d}", "user_id": f"u_{n:03d}", "message": f"{unique} message {n:03d}"}
        for n in range(RECORDS)
    ]
    for record in records[-SILENT:]:
        del record["message"]
    client = connect(str(endpoints.milvus_uri))
    with loaded_batch(str(endpoints.mongodb_uri), tmp_path, records) as batch:
        vectors = MilvusVectorStore(client, batch.name)
        vectors.prepare()
        made = Embedding(batch, vectors, client, str(endpoints.gemini_endpoint), str(endpoints.gemini_api_key))
        made.ask("DELETE", "/faults")
        made.ask("DELETE", "/requests")
        yield made
        made.ask("DELETE", "/faults")
        client.drop_collection(batch.name)
    client.close()


def counts(*, written: int, fallback: int = 0, rejected: int = 0) -> dict[str, int]:
    return {"expected": RECORDS - SILENT, "written": written, "fallback": fallback, "rejected": rejected}


def test_every_message_is_sent_once_and_written_once(embedding: Embedding) -> None:
    assert embedding.run() == counts(written=225)
    assert (embedding.texts_sent(), len(embedding.rows("interaction_id"))) == (225, 225)


def test_a_vector_names_its_batches_its_model_and_the_lease_it_was_written_under(embedding: Embedding) -> None:
    embedding.run()
    fields = ("embedding_batch_id", "embedding_source", "fence")
    found = {tuple(row[field] for field in fields) for row in embedding.rows(*fields)}
    assert found == {(embedding_batch(embedding.batch.batch_id, 1), MODEL, embedding.batch.context.lease.fence)}


def test_written_vectors_are_of_unit_length(embedding: Embedding) -> None:
    embedding.run()
    for row in embedding.rows("vector"):
        assert sum(component**2 for component in row["vector"]) == pytest.approx(1.0, abs=1e-5)


def test_a_second_run_sends_nothing_and_says_the_same(embedding: Embedding) -> None:
    first, manifest = embedding.run(), embedding.batch.manifest()
    assert embedding.run() == first
    assert (embedding.batch.manifest(), embedding.texts_sent()) == (manifest, 225)


def test_a_run_after_a_crash_sends_only_what_is_missing(embedding: Embedding, unique: str) -> None:
    embedding.run()
    gone = [f"{unique}-{n:03d}" for n in range(40, 50)]
    embedding.client.delete(embedding.batch.name, ids=gone)
    embedding.ask("DELETE", "/requests")
    assert embedding.run() == counts(written=225)
    assert embedding.texts_sent() == 10


def test_fallback_vectors_are_sent_again_once_the_api_is_back(embedding: Embedding) -> None:
    embedding.ask("POST", "/faults", {"fault": "503"})
    assert embedding.run() == counts(written=225, fallback=225)
    embedding.ask("DELETE", "/faults")
    embedding.ask("DELETE", "/requests")
    assert embedding.run() == counts(written=225)
    assert embedding.texts_sent() == 225
    assert {row["embedding_source"] for row in embedding.rows("embedding_source")} == {MODEL}


@pytest.mark.parametrize("fault", ["zero", "wrong_length", "non_finite"])
def test_what_must_not_be_written_is_counted_by_its_reason(embedding: Embedding, unique: str, fault: str) -> None:
    embedding.ask("POST", "/faults", {"fault": fault, "match": "message 00"})
    assert embedding.run() == counts(written=215, rejected=10)
    assert embedding.batch.manifest().rejected == {fault: 10}
    written = {row["interaction_id"] for row in embedding.rows("interaction_id")}
    assert not written & {f"{unique}-00{n}" for n in range(10)}


def test_the_sample_also_holds_ids_whose_vector_was_rejected(embedding: Embedding) -> None:
    embedding.ask("POST", "/faults", {"fault": "zero"})
    embedding.run()
    assert (len(embedding.batch.manifest().sample_ids), embedding.rows("interaction_id")) == (100, [])


def test_the_sample_is_a_hundred_sorted_ids_of_records_with_a_message(embedding: Embedding) -> None:
    embedding.run()
    sample = embedding.batch.manifest().sample_ids
    ids = {interaction_id for interaction_id, _ in embedding.batch.raw.messages(embedding.batch.batch_id)}
    assert (len(set(sample)), list(sample)) == (100, sorted(sample))
    assert set(sample) < ids


def test_a_quarantined_record_is_neither_sent_nor_sampled(embedding: Embedding, unique: str) -> None:
    embedding.batch.quarantine(*(f"u_{number:03d}" for number in range(3, 225)))
    assert embedding.run()["expected"] == 3
    assert embedding.texts_sent() == 3
    assert embedding.batch.manifest().sample_ids == tuple(f"{unique}-{n:03d}" for n in range(3))


def test_a_refused_key_is_a_matter_of_settings_and_leaves_no_vector_and_nothing_finished(embedding: Embedding) -> None:
    with pytest.raises(ConfigurationError) as caught:
        embedding.run(key="wr0ng-key")
    assert "wr0ng-key" not in str(caught.value)
    assert embedding.rows("interaction_id") == []
    assert not embedding.batch.manifest().finished


def test_progress_tells_the_records_that_are_through(embedding: Embedding) -> None:
    embedding.run()
    assert embedding.batch.steps.advanced == [("embed", 100, None), ("embed", 200, None), ("embed", 225, None)]


def test_a_batch_without_messages_sends_nothing_and_has_an_empty_manifest(
    endpoints: Endpoints, tmp_path: Path, embedding: Embedding
) -> None:
    records = [{"interaction_id": "silent", "user_id": "u_001"}]
    with loaded_batch(str(endpoints.mongodb_uri), tmp_path, records) as batch:
        silent = Embedding(batch, embedding.vectors, embedding.client, embedding.endpoint, embedding.key)
        assert silent.run() == {"expected": 0, "written": 0, "fallback": 0, "rejected": 0}
        assert (batch.manifest().sample_ids, embedding.texts_sent()) == ((), 0)
