"""Values through the vector store and back: bit for bit, within the schema's bounds, and never a part of a filter."""

from __future__ import annotations

import struct
import uuid
from array import array
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import grpc
import pymilvus.exceptions
import pytest

from expectations_plugins.core.defaults import VECTOR_DIMENSION
from expectations_plugins.core.errors import ConfigurationError, SluicegateError, TerminalError, TransientError
from expectations_plugins.milvus.connection import MilvusClient, connect
from expectations_plugins.milvus.errors import ERRORS
from expectations_plugins.milvus.filters import keys_filter
from pipeline.core.embeddings import VectorRow
from pipeline.core.records import MAX_ID_LENGTH
from pipeline.embedding.fallback import fallback
from pipeline.local import Endpoints
from pipeline.stores.milvus.vector_store import MilvusVectorStore
from tests.fakes.hostile_texts import HOSTILE

SINGLE = tuple(array("f", fallback("text").vector))
"""Of single precision, as vector stores keep them."""

ROW = VectorRow("i_1", "ab" * 32, "e" * 32, "model", 7, SINGLE)


@pytest.fixture(scope="module")
def client(endpoints: Endpoints) -> Iterator[MilvusClient]:
    found = connect(str(endpoints.milvus_uri))
    yield found
    found.close()


@pytest.fixture
def collection(client: MilvusClient) -> Iterator[str]:
    name = f"t{uuid.uuid4().hex[:10]}"
    yield name
    client.drop_collection(name)


@pytest.fixture
def store(client: MilvusClient, collection: str) -> MilvusVectorStore:
    made = MilvusVectorStore(client, collection)
    made.prepare()
    return made


def there(client: MilvusClient, collection: str, *ids: str) -> list[dict[str, Any]]:
    found = client.query(
        collection, filter=keys_filter("interaction_id", ids), output_fields=["*"], consistency_level="Strong"
    )
    return [dict(row) for row in found]


def test_every_field_comes_back_as_it_was(store: MilvusVectorStore, client: MilvusClient, collection: str) -> None:
    store.upsert([ROW])
    [found] = there(client, collection, "i_1")
    vector = found.pop("vector")
    assert struct.pack("768f", *vector) == struct.pack("768f", *SINGLE)
    assert found == {
        "interaction_id": "i_1",
        "batch_id": "ab" * 32,
        "embedding_batch_id": "e" * 32,
        "embedding_source": "model",
        "fence": 7,
    }


def test_hostile_texts_come_back_as_they_were_from_every_field(
    store: MilvusVectorStore, client: MilvusClient, collection: str
) -> None:
    store.upsert(
        [
            replace(ROW, interaction_id=text, batch_id=text, embedding_batch_id=text, embedding_source=text)
            for text in HOSTILE
        ]
    )
    fields = ("interaction_id", "batch_id", "embedding_batch_id", "embedding_source")
    found = {tuple(row[field] for field in fields) for row in there(client, collection, *HOSTILE)}
    assert found == {(text,) * 4 for text in HOSTILE}


@pytest.mark.parametrize("text", ["i", "é", "😀"])
def test_the_longest_id_is_kept_whole(store: MilvusVectorStore, text: str) -> None:
    longest = text * (MAX_ID_LENGTH // len(text.encode()))
    store.upsert([replace(ROW, interaction_id=longest)])
    assert store.present(ROW.embedding_batch_id, [longest]) == {longest: "model"}


def test_an_id_that_is_too_long_is_terminal_and_names_the_batch(store: MilvusVectorStore) -> None:
    with pytest.raises(TerminalError, match=f"Milvus: writing vectors of batch {'ab' * 6} failed"):
        store.upsert([replace(ROW, interaction_id="i" * (MAX_ID_LENGTH + 1))])


def test_writing_twice_equals_writing_once(store: MilvusVectorStore, client: MilvusClient, collection: str) -> None:
    for _ in range(2):
        store.upsert([ROW])
    [found] = client.query(collection, output_fields=["count(*)"], consistency_level="Strong")
    assert found["count(*)"] == 1


def test_a_vector_that_is_written_again_is_the_new_one(
    store: MilvusVectorStore, client: MilvusClient, collection: str
) -> None:
    newer = tuple(array("f", fallback("other").vector))
    store.upsert([ROW])
    store.upsert([replace(ROW, vector=newer)])
    [found] = there(client, collection, "i_1")
    assert tuple(found["vector"]) == newer


@pytest.mark.parametrize("length", [0, VECTOR_DIMENSION - 1, VECTOR_DIMENSION + 1])
def test_a_vector_of_another_length_is_refused_with_its_length(store: MilvusVectorStore, length: int) -> None:
    with pytest.raises(TerminalError, match=rf"'i_1' has {length} components"):
        store.upsert([replace(ROW, vector=(0.5,) * length)])


def test_a_broken_vector_in_a_later_chunk_stops_the_first_one_too(store: MilvusVectorStore) -> None:
    rows = [replace(ROW, interaction_id=f"i{n}") for n in range(700)]
    with pytest.raises(TerminalError):
        store.upsert([*rows, replace(ROW, vector=())])
    assert store.present(ROW.embedding_batch_id, ["i0", "i699"]) == {}


def test_a_collection_that_is_not_there_is_terminal_and_says_what_was_done(client: MilvusClient) -> None:
    with pytest.raises(TerminalError, match="Milvus: reading collection missing failed"):
        MilvusVectorStore(client, "missing").present("e1", ["i"])


def test_a_filter_that_is_wrong_is_terminal(store: MilvusVectorStore, client: MilvusClient, collection: str) -> None:
    del store
    with pytest.raises(TerminalError, match="Milvus: counting sheep failed"), ERRORS.guard("counting sheep"):
        client.query(collection, filter="not a filter ===", output_fields=["fence"])


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (pymilvus.exceptions.MilvusException(code=8, message="rate limit exceeded"), TransientError),
        (pymilvus.exceptions.MilvusException(code=1, message="service not ready"), TransientError),
        (pymilvus.exceptions.MilvusException(code=grpc.StatusCode.UNAVAILABLE, message="down"), TransientError),
        (pymilvus.exceptions.MilvusException(code=1, message="something else"), TerminalError),
        (pymilvus.exceptions.MilvusException(code=1100, message="invalid parameter"), TerminalError),
        (pymilvus.exceptions.MilvusException(code=grpc.StatusCode.UNAUTHENTICATED, message="no"), ConfigurationError),
        (pymilvus.exceptions.ParamError(message="no"), TerminalError),
    ],
    ids=str,
)
def test_milvus_is_read_by_its_codes(error: BaseException, kind: type[SluicegateError]) -> None:
    with pytest.raises(kind), ERRORS.guard("writing"):
        raise error
