"""The engines on the real servers: what a GX user sees of values, nulls, order and outages."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from typing import Any

import great_expectations
import great_expectations.expectations as gxe
import pymongo
import pytest
from bson import ObjectId
from bson.decimal128 import Decimal128
from pymilvus import MilvusClient
from pymongo.monitoring import CommandListener, CommandStartedEvent

from expectations_plugins.conditions.expressions import Always, Count, Field, IsNull, IsText, Sample
from expectations_plugins.core.errors import TransientError
from expectations_plugins.engine.backend import Slice
from expectations_plugins.engine.datasource import without_connecting
from expectations_plugins.milvus.backend import MilvusBackend
from expectations_plugins.milvus.connection import connect as connect_milvus
from expectations_plugins.mongodb.backend import MongoDBBackend
from expectations_plugins.mongodb.connection import connect as connect_mongodb
from expectations_plugins.neo4j.backend import Neo4jBackend
from expectations_plugins.neo4j.connection import connect as connect_neo4j
from pipeline.core.embeddings import VectorRow
from pipeline.local import Endpoints
from pipeline.stores.milvus.vector_store import MilvusVectorStore

DIMENSION = 768


@pytest.fixture
def database(endpoints: Endpoints) -> Iterator[Any]:
    found = connect_mongodb(str(endpoints.mongodb_uri), f"t{uuid.uuid4().hex[:10]}")
    yield found
    found.client.drop_database(found.name)
    found.client.close()


@pytest.fixture
def graph(endpoints: Endpoints) -> Iterator[Any]:
    found = connect_neo4j(
        str(endpoints.neo4j_uri),
        str(endpoints.neo4j_user),
        str(endpoints.neo4j_password),
        database=endpoints.neo4j_database,
    )
    yield found
    found.close()


@pytest.fixture
def vectors(endpoints: Endpoints) -> Iterator[tuple[MilvusClient, str]]:
    client, name = connect_milvus(str(endpoints.milvus_uri)), f"t{uuid.uuid4().hex[:10]}"
    MilvusVectorStore(client, name).prepare()
    yield client, name
    client.drop_collection(name)
    client.close()


def unit(number: int) -> tuple[float, ...]:
    return tuple(1.0 if n == number % DIMENSION else 0.0 for n in range(DIMENSION))


def test_a_scan_finds_every_vector_whatever_order_they_were_written_in(vectors: tuple[MilvusClient, str]) -> None:
    client, name = vectors
    ids = [f"id-{n:05d}" for n in range(1_700)]
    random.Random(1).shuffle(ids)
    store = MilvusVectorStore(client, name)
    store.upsert([VectorRow(key, "b", "e", "model", 1, unit(n)) for n, key in enumerate(ids)])
    values = {
        "sample_ids": [*sorted(ids)[:99], "id-missing"],
        "expected": len(ids) + 1,
        "rejected": {},
        "embedding_batch_id": "e",
        "batch_field": "embedding_batch_id",
        "dimension": DIMENSION,
        "threshold": 0.01,
        "min_invalid": 1,
        "exact_scan": True,
    }
    found = MilvusBackend(client).direct("sluicegate.vectors.validity", Slice(name), values)
    assert (found["scanned"], found["invalid"], found["reasons"], found["valid"]) == (True, 1, {"missing": 1}, True)


@pytest.mark.parametrize("key", ["it's", 'say "hi"', "back\\slash", "new\nline", "ünï", "x'] or fence in [1"])
def test_a_key_is_read_back_whatever_is_in_it(vectors: tuple[MilvusClient, str], key: str) -> None:
    client, name = vectors
    store = MilvusVectorStore(client, name)
    store.upsert([VectorRow(key, "b", "e", "model", 1, unit(1)), VectorRow("other", "b", "e", "model", 1, unit(2))])
    assert store.present("e", [key]) == {key: "model"}


def test_mongodb_counts_null_missing_and_nan_as_null(database: Any) -> None:
    database.things.insert_many([{"x": None}, {}, {"x": float("nan")}, {"x": 0}, {"x": ""}, {"x": []}])
    backend = MongoDBBackend(database)
    assert backend.measure(Slice("things"), [Count(IsNull(Field.of("x"))), Count(Always())]) == [3, 6]


def test_neo4j_counts_null_and_nan_as_null_and_tells_text_from_lists(graph: Any) -> None:
    label = f"T{uuid.uuid4().hex[:10]}"
    rows = [{"x": 1.5}, {"x": float("nan")}, {"x": None}, {"x": "text"}, {"x": ["a", "b"]}]
    create = f"UNWIND $rows AS row CREATE (n:{label}) SET n.x = row.x"
    graph.write([create], {"rows": rows}, doing="test", timeout=10)
    found = Neo4jBackend(graph).measure(Slice(label), [Count(IsNull(Field.of("x"))), Count(IsText(Field.of("x")))])
    assert found == [2, 1]


def test_values_only_a_driver_knows_come_back_as_plain_python(database: Any, graph: Any) -> None:
    key = ObjectId()
    database.things.insert_one({"_id": key, "d": Decimal128("1.5"), "n": {"k": [ObjectId(str(key))]}})
    fields = tuple(Field.of(name) for name in ("_id", "d", "n"))
    [row] = MongoDBBackend(database).sample(Slice("things"), Sample(Always(), fields, 1))
    assert (row["_id"], str(row["d"]), row["n"]) == (str(key), "1.5", {"k": [str(key)]})
    label = f"T{uuid.uuid4().hex[:10]}"
    graph.write([f"CREATE (n:{label} {{at: datetime('2026-11-20T09:00:00Z')}})"], {}, doing="test", timeout=10)
    [node] = Neo4jBackend(graph).sample(Slice(label, key="at"), Sample(Always(), (Field.of("at"),), 1))
    assert node["at"].isoformat() == "2026-11-20T09:00:00+00:00"


class Wire(CommandListener):
    """Counts what is sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def listen(self, endpoints: Endpoints, name: str) -> Any:
        """A connected database whose next commands are counted."""
        client = pymongo.MongoClient(str(endpoints.mongodb_uri), event_listeners=[self])
        client.admin.command("ping")
        self.sent.clear()
        return client[name]

    def started(self, event: CommandStartedEvent) -> None:
        self.sent.append(event.command_name)

    def succeeded(self, event: object) -> None:
        """Not counted."""

    def failed(self, event: object) -> None:
        """Not counted."""


@pytest.fixture
def batch(database: Any, endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("A_MONGODB", str(endpoints.mongodb_uri))
    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    source = context.data_sources.add_mongodb("logs", connection_string="${A_MONGODB}", database=database.name)
    return source.add_collection("things", allow_missing=True).add_batch_definition("all").get_batch()


SUITE = [
    gxe.ExpectTableRowCountToEqual(value=50),
    gxe.ExpectColumnValuesToNotBeNull(column="a"),
    gxe.ExpectColumnValuesToBeInSet(column="a", value_set=list(range(50))),
    gxe.ExpectColumnValuesToBeBetween(column="a", min_value=0, max_value=49),
    gxe.ExpectColumnValuesToMatchRegex(column="s", regex="^s[0-9]+$"),
]


def test_a_passing_suite_sends_one_query(database: Any, batch: Any, endpoints: Endpoints) -> None:
    database.things.insert_many([{"a": n, "s": f"s{n}"} for n in range(50)])
    wire = Wire()
    batch.data.execution_engine.backend = MongoDBBackend(wire.listen(endpoints, database.name))
    result = batch.validate(great_expectations.ExpectationSuite(name="s", expectations=SUITE))
    assert result.success
    assert wire.sent == ["listCollections", "aggregate"]


def test_a_failing_expectation_sends_one_more(database: Any, batch: Any, endpoints: Endpoints) -> None:
    database.things.insert_many([{"a": n, "s": f"s{n}"} for n in range(49)] + [{"a": 99, "s": "s1"}])
    wire = Wire()
    batch.data.execution_engine.backend = MongoDBBackend(wire.listen(endpoints, database.name))
    result = batch.validate(great_expectations.ExpectationSuite(name="s", expectations=SUITE[:3]))
    assert [one.success for one in result.results] == [True, True, False]
    assert result.results[2].result["partial_unexpected_list"] == [99]
    assert wire.sent == ["listCollections", "aggregate", "aggregate"]


def test_an_outage_keeps_its_type_beside_the_result(endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    del endpoints
    monkeypatch.setenv("NOBODY", "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200")
    context = great_expectations.get_context(mode="ephemeral")
    with without_connecting():
        source = context.data_sources.add_mongodb("logs", connection_string="${NOBODY}", database="none")
        found = source.add_collection("things").add_batch_definition("all").get_batch()
    result = found.validate(gxe.ExpectTableRowCountToEqual(value=0))
    assert not result.success
    failures = list(found.data.execution_engine.failures.values())
    assert [type(failure) for failure in failures] == [TransientError]


def test_a_store_that_is_back_is_asked_again(database: Any, batch: Any) -> None:
    database.things.insert_one({"a": 1})
    engine = batch.data.execution_engine
    there = engine.backend
    gone = connect_mongodb("mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200", database.name)
    engine.backend = MongoDBBackend(gone)
    assert not batch.validate(gxe.ExpectTableRowCountToEqual(value=1)).success
    assert [type(failure) for failure in engine.failures.values()] == [TransientError]
    engine.backend = there
    assert batch.validate(gxe.ExpectTableRowCountToEqual(value=1)).success
    assert not engine.failures


def test_a_collection_that_milvus_has_on_disk_only_is_loaded_and_read(vectors: tuple[MilvusClient, str]) -> None:
    """As after a restart of the server."""
    client, name = vectors
    row = VectorRow("i_1", "b", "e", "model", 1, tuple([1.0] * DIMENSION))
    MilvusVectorStore(client, name).upsert([row])
    client.release_collection(name)
    assert MilvusBackend(client).measure(Slice(name), [Count(Always())]) == [1]
