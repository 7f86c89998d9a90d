"""The vector store on a real Milvus server: by primary key, Strong, and nothing broken is written."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator

import pytest

from pipeline.errors import TerminalError
from pipeline.local import Endpoints
from pipeline.model import VECTOR_DIMENSION, VectorRow
from pipeline.stores.milvus import MilvusClient, MilvusVectorStore, connect

UNIT = (1.0,) + (0.0,) * (VECTOR_DIMENSION - 1)


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


def row(key: str, embedding_batch: str = "e1", vector: tuple[float, ...] = UNIT, source: str = "model") -> VectorRow:
    return VectorRow(key, "b1", embedding_batch, source, 1, vector)


def test_preparing_twice_changes_nothing(store: MilvusVectorStore) -> None:
    store.upsert([row("a")])
    store.prepare()
    assert store.present("e1", ["a"]) == {"a": "model"}


def test_what_was_written_is_seen_at_once(store: MilvusVectorStore) -> None:
    store.upsert([row("a"), row("b", source="fallback")])
    assert store.present("e1", ["a", "b", "c"]) == {"a": "model", "b": "fallback"}


def test_more_than_one_chunk_is_written_and_read(store: MilvusVectorStore) -> None:
    ids = [f"i{n:04d}" for n in range(1_203)]
    store.upsert([row(key) for key in ids])
    assert set(store.present("e1", ids)) == set(ids)


def test_a_row_belongs_to_the_embedding_batch_that_wrote_it_last(store: MilvusVectorStore) -> None:
    store.upsert([row("a")])
    store.upsert([row("a", "e2")])
    assert (store.present("e1", ["a"]), store.present("e2", ["a"])) == ({}, {"a": "model"})


def test_nothing_to_write_and_nothing_to_read_are_fine(store: MilvusVectorStore) -> None:
    store.upsert([])
    assert store.present("e1", []) == {}


@pytest.mark.parametrize("vector", [UNIT[:-1], (math.nan, *UNIT[1:]), (math.inf, *UNIT[1:])])
def test_a_broken_vector_is_refused_before_anything_is_written(
    store: MilvusVectorStore, vector: tuple[float, ...]
) -> None:
    with pytest.raises(TerminalError, match="'bad'"):
        store.upsert([row("good"), row("bad", vector=vector)])
    assert store.present("e1", ["good"]) == {}


def test_a_collection_of_another_dimension_is_refused_with_both_numbers(client: MilvusClient, collection: str) -> None:
    client.create_collection(collection, dimension=8)
    with pytest.raises(TerminalError, match=r"8 components, not 768|0 components, not 768"):
        MilvusVectorStore(client, collection).prepare()
