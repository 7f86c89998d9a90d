"""The vector store on a real Milvus server: by primary key, Strong, and nothing broken is written."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest
from pymilvus import DataType, MilvusException
from pymilvus.client.types import LoadState

from expectations_plugins.core.defaults import VECTOR_DIMENSION
from expectations_plugins.core.errors import ConfigurationError, TerminalError, TransientError
from expectations_plugins.milvus import filters
from expectations_plugins.milvus.connection import MilvusClient, connect, ensure_loaded
from pipeline.core.embeddings import VectorRow
from pipeline.local import Endpoints
from pipeline.stores.milvus import queries
from pipeline.stores.milvus.vector_store import MilvusVectorStore

NASTY = (
    "a'b",
    'a"b',
    "a\\b",
    "a\\",
    "a\nb",
    "\\u0041",
    "A",
    "'; or 1 == 1",
    "{x}",
    "%",
    "é",
    "e\u0301",
    "日本",
    "\u2028",
    "😀",
)
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


def indexed(client: MilvusClient, collection: str) -> dict[str, str]:
    """The kind of index of each field that has one."""
    found = (client.describe_index(collection, name) for name in client.list_indexes(collection))
    return {index["field_name"]: index["index_type"] for index in found}


def text_index(client: MilvusClient) -> str:
    """The kind of index of a text field on this server."""
    return queries.text_index("batch_id", client.get_server_version())["index_type"]


@pytest.mark.usefixtures("store")
def test_what_rows_are_looked_up_by_is_indexed(client: MilvusClient, collection: str) -> None:
    kind = text_index(client)
    assert indexed(client, collection) == {"batch_id": kind, "embedding_batch_id": kind, "vector": "AUTOINDEX"}


def test_a_collection_of_an_earlier_version_gets_the_indexes_it_lacks_and_keeps_its_own(
    client: MilvusClient, collection: str
) -> None:
    schema = client.create_schema(auto_id=False)
    for name, length in queries.VARCHARS.items():
        schema.add_field(name, DataType.VARCHAR, max_length=length, is_primary=name == queries.KEY)
    schema.add_field("fence", DataType.INT64)
    schema.add_field(queries.VECTOR, DataType.FLOAT_VECTOR, dim=VECTOR_DIMENSION)
    own = client.prepare_index_params()
    own.add_index(**queries.INDEX)
    own.add_index(field_name="batch_id", index_type=text_index(client), index_name="a_name_of_theirs")
    client.create_collection(collection, schema=schema, index_params=own)  # loads it, too
    client.insert(collection, [queries.entity(row("a"))])
    store = MilvusVectorStore(client, collection)
    store.prepare()
    assert sorted(indexed(client, collection)) == ["batch_id", "embedding_batch_id", "vector"]
    assert (list(store.of_batch("b1")), store.count_of("e1")) == (["a"], 1)


def test_many_may_prepare_the_same_collection_at_once(endpoints: Endpoints, client: MilvusClient) -> None:
    for _ in range(5):
        name = f"t{uuid.uuid4().hex[:10]}"
        clients = [connect(str(endpoints.milvus_uri)) for _ in range(4)]
        with ThreadPoolExecutor(len(clients)) as threads:
            list(threads.map(lambda own, name=name: MilvusVectorStore(own, name).prepare(), clients))
        assert sorted(indexed(client, name)) == ["batch_id", "embedding_batch_id", "vector"]
        for own in clients:
            own.close()
        client.drop_collection(name)


class Making:
    """A server on which another run is making the collection: it cannot be made again, and is not there either, yet."""

    def __init__(self, client: MilvusClient, refusals: int, refusal: str) -> None:
        self._client = client
        self._refusals = refusals
        self._refusal = refusal

    def create_collection(self, collection: str, **options: Any) -> None:
        if not self._refusals:
            self._client.create_collection(collection, **options)
        self._refusals -= 1
        raise MilvusException(1, self._refusal)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


@pytest.mark.parametrize("refusal", ["[Errno 17] File exists: '/data/collections/t1'", "collection already exists"])
def test_a_collection_that_another_run_is_making_is_waited_for(
    client: MilvusClient, collection: str, refusal: str
) -> None:
    MilvusVectorStore(cast("MilvusClient", Making(client, 3, refusal)), collection).prepare()
    assert sorted(indexed(client, collection)) == ["batch_id", "embedding_batch_id", "vector"]


def test_a_collection_that_may_not_be_made_is_not_waited_for(client: MilvusClient, collection: str) -> None:
    server = Making(client, 1, "PrivilegeCreateCollection was refused")
    with pytest.raises(TerminalError, match="PrivilegeCreateCollection"):
        MilvusVectorStore(cast("MilvusClient", server), collection).prepare()


class Refusing:
    """A server whose role may not index text; everything else goes to the real one."""

    def __init__(self, client: MilvusClient) -> None:
        self._client = client

    def create_index(self, collection: str, index_params: Any, **options: Any) -> None:
        if index_params[0].field_name != queries.VECTOR:
            raise MilvusException(65535, f"PrivilegeCreateIndex on {collection} was refused")
        self._client.create_index(collection, index_params, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def test_a_server_that_refuses_an_index_is_told_of_and_used(
    client: MilvusClient, collection: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = MilvusVectorStore(cast("MilvusClient", Refusing(client)), collection)
    store.prepare()
    store.upsert([row("a")])
    assert (list(store.of_batch("b1")), list(indexed(client, collection))) == (["a"], ["vector"])
    assert [record.levelname for record in caplog.records if "indexing batch_id" in record.message] == ["WARNING"]


class Loading:
    """A server that somebody has load a collection; it refuses to be told to load it again, as those up to 2.4 do."""

    def __init__(self, *states: LoadState) -> None:
        self.states = list(states)
        self.loads = 0

    def get_load_state(self, collection: str, **_: object) -> dict[str, LoadState]:
        del collection
        return {"state": self.states.pop(0) if len(self.states) > 1 else self.states[0]}

    def load_collection(self, collection: str, **_: object) -> None:
        if self.states != [LoadState.NotLoad]:
            raise MilvusException(1100, f"can't change the index for loaded collection {collection}")
        self.loads += 1


@pytest.mark.parametrize(
    ("states", "loads"),
    [
        ([LoadState.NotLoad], 1),
        ([LoadState.Loaded], 0),
        ([LoadState.Loading, LoadState.Loading, LoadState.Loaded], 0),
    ],
)
def test_a_collection_is_loaded_only_where_nobody_has_it_loaded(states: list[LoadState], loads: int) -> None:
    server = Loading(*states)
    ensure_loaded(cast("MilvusClient", server), "c", timeout=5)
    assert server.loads == loads


def test_a_collection_that_is_loaded_for_too_long_is_an_outage() -> None:
    with pytest.raises(TransientError, match="still being loaded"):
        ensure_loaded(cast("MilvusClient", Loading(LoadState.Loading)), "c", timeout=0)


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("v2.3.5", "Trie"),
        ("2.2.16", "Trie"),
        ("v2.4.0", "INVERTED"),
        ("v2.6.1", "INVERTED"),
        ("v3.0.0", "INVERTED"),
        ("milvus_lite-3.2.2", "INVERTED"),
        ("", "INVERTED"),
    ],
)
def test_the_kind_of_index_is_one_the_server_has(version: str, kind: str) -> None:
    assert queries.text_index("batch_id", version)["index_type"] == kind


def test_what_was_written_is_seen_at_once(store: MilvusVectorStore) -> None:
    store.upsert([row("a"), row("b", source="fallback")])
    assert store.present("e1", ["a", "b", "c"]) == {"a": "model", "b": "fallback"}


def test_more_than_one_chunk_is_written_and_read(store: MilvusVectorStore) -> None:
    ids = [f"i{n:04d}" for n in range(1_203)]
    store.upsert([row(key) for key in ids])
    assert set(store.present("e1", ids)) == set(ids)


def test_a_key_is_never_read_as_part_of_the_filter(store: MilvusVectorStore) -> None:
    store.upsert([row(key) for key in NASTY])
    assert store.present("e1", NASTY) == dict.fromkeys(NASTY, "model")
    assert [dict(store.present("e1", [key])) for key in NASTY] == [{key: "model"} for key in NASTY]


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
    with pytest.raises(TerminalError, match=r"\b8 components, not 768"):
        MilvusVectorStore(client, collection).prepare()


@pytest.mark.parametrize("address", ["", "vectors.db", "localhost:19530", "ftp://host", "http://", "http://host:port"])
def test_an_address_that_cannot_be_used_is_refused_and_no_database_of_its_own_is_started(
    address: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="MILVUS_URI"):
        connect(address and address.replace("vectors.db", str(tmp_path / "vectors.db")), "user:s3cret")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [None, math.nan, [1], {"a": 1}, b"x"])
def test_what_is_no_literal_never_reaches_a_filter(value: object) -> None:
    with pytest.raises(ValueError, match="cannot stand in a Milvus filter"):
        filters.literal(value)


def test_filters_and_schema_are_golden(golden: Callable[[str, str], None]) -> None:
    fields = [f"{name} VARCHAR({length})" for name, length in queries.VARCHARS.items()]
    index = json.dumps(queries.INDEX, sort_keys=True)
    parts = [*fields, f"{queries.VECTOR} FLOAT_VECTOR({queries.DIMENSION})", index]
    golden("milvus_store.txt", "\n".join([*parts, filters.keys_filter(queries.KEY, NASTY)]) + "\n")
