"""Two stores hold the same ids, or the result says where they differ: on the real servers."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import great_expectations
import pytest
from great_expectations.core.partitioners import PartitionerColumnValue
from great_expectations.expectations.row_conditions import Column

from expectations_plugins import ExpectStoresToReconcile
from expectations_plugins.conditions.expressions import Compare, Field, Op
from expectations_plugins.core.errors import ConfigurationError, TransientError
from expectations_plugins.engine.backend import Slice
from expectations_plugins.engine.datasource import without_connecting
from expectations_plugins.engine.reconciliation import Reconciliation, Side, reconcile
from expectations_plugins.milvus.backend import MilvusBackend
from expectations_plugins.milvus.connection import connect as connect_milvus
from expectations_plugins.mongodb.backend import MongoDBBackend
from expectations_plugins.mongodb.connection import connect as connect_mongodb
from expectations_plugins.neo4j.backend import Neo4jBackend
from expectations_plugins.neo4j.connection import connect as connect_neo4j
from pipeline.core.embeddings import VectorRow
from pipeline.local import Endpoints
from pipeline.stores.milvus.vector_store import MilvusVectorStore
from tests.expectations.test_engines import Wire

BATCH = Compare(Op.EQ, Field.of("batch_id"), "b")
KEY = Field.of("interaction_id")
VECTOR = (1.0, *(0.0 for _ in range(767)))
COMPARED = "counts and fingerprints"


@dataclass(slots=True)
class InMongoDB:
    """Ids of a batch in a collection, beside those of another batch."""

    database: Any
    name: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:10]}")

    def put(self, ids: Sequence[str], **more: Any) -> None:
        documents = [{"interaction_id": key, "batch_id": "b", **more} for key in ids]
        self.database[self.name].insert_many([*documents, {"interaction_id": "other", "batch_id": "c"}])

    def side(self) -> Side:
        return Side("MongoDB", MongoDBBackend(self.database), Slice(self.name, BATCH), KEY)


@dataclass(slots=True)
class InNeo4j:
    """The same as nodes."""

    graph: Any
    name: str = field(default_factory=lambda: f"T{uuid.uuid4().hex[:10]}")

    def put(self, ids: Sequence[str]) -> None:
        create = f"UNWIND $rows AS row CREATE (n:{self.name}) SET n.interaction_id = row, n.batch_id = 'b'"
        self.graph.write([create], {"rows": list(ids)}, doing="test", timeout=60)

    def side(self) -> Side:
        return Side("Neo4j", Neo4jBackend(self.graph), Slice(self.name, BATCH, key="interaction_id"), KEY)


@dataclass(slots=True)
class InMilvus:
    """The same as vectors."""

    client: Any
    name: str

    def put(self, ids: Sequence[str]) -> None:
        store = MilvusVectorStore(self.client, self.name)
        store.upsert([VectorRow(key, "b", "e", "model", 1, VECTOR) for key in ids])

    def side(self) -> Side:
        return Side("Milvus", MilvusBackend(self.client), Slice(self.name, BATCH), KEY)


@pytest.fixture(scope="module")
def database(endpoints: Endpoints) -> Iterator[Any]:
    found = connect_mongodb(str(endpoints.mongodb_uri), f"t{uuid.uuid4().hex[:10]}")
    yield found
    found.client.drop_database(found.name)
    found.client.close()


@pytest.fixture
def mongodb(database: Any) -> InMongoDB:
    return InMongoDB(database)


@pytest.fixture(scope="module")
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
def neo4j(graph: Any) -> InNeo4j:
    return InNeo4j(graph)


@pytest.fixture
def milvus(endpoints: Endpoints) -> Iterator[InMilvus]:
    client, name = connect_milvus(str(endpoints.milvus_uri)), f"t{uuid.uuid4().hex[:10]}"
    MilvusVectorStore(client, name).prepare()
    yield InMilvus(client, name)
    client.drop_collection(name)
    client.close()


def ids(count: int, seed: int = 1) -> list[str]:
    drawn = random.Random(seed)
    return [str(uuid.UUID(int=drawn.getrandbits(128))) for _ in range(count)]


def figures(found: Reconciliation) -> tuple[Any, ...]:
    return found.same, found.here, found.there, found.only_here, found.only_there, found.truncated


def test_equal_stores_cost_one_query_each(mongodb: InMongoDB, neo4j: InNeo4j, endpoints: Endpoints) -> None:
    mongodb.put(ids(40))
    neo4j.put(ids(40))
    wire, side = Wire(), mongodb.side()
    side = Side(side.name, MongoDBBackend(wire.listen(endpoints, mongodb.database.name)), side.data, side.key)
    found = reconcile(side, neo4j.side())
    assert figures(found) == (True, 40, 40, 0, 0, False)
    assert (found.compared_by, found.queries, wire.sent) == (COMPARED, 2, ["aggregate"])


def test_nothing_on_either_side_is_the_same(mongodb: InMongoDB, neo4j: InNeo4j, milvus: InMilvus) -> None:
    mongodb.put([])
    assert figures(reconcile(mongodb.side(), neo4j.side())) == (True, 0, 0, 0, 0, False)
    assert figures(reconcile(milvus.side(), mongodb.side())) == (True, 0, 0, 0, 0, False)


def test_ids_that_one_side_misses_are_named(mongodb: InMongoDB, neo4j: InNeo4j) -> None:
    every = ids(50)
    mongodb.put(every[1:])
    neo4j.put(every[:-1])
    found = reconcile(mongodb.side(), neo4j.side())
    assert figures(found) == (False, 49, 49, 1, 1, False)
    assert found.examples == ((every[-1], "MongoDB"), (every[0], "Neo4j"))


def test_one_missing_of_three_thousand_is_found_with_few_queries(mongodb: InMongoDB, neo4j: InNeo4j) -> None:
    every = ids(3_000)
    mongodb.put(every)
    neo4j.put([*every[:1_234], *every[1_235:]])
    found = reconcile(mongodb.side(), neo4j.side())
    assert figures(found) == (False, 3_000, 2_999, 1, 0, False)
    assert (found.examples, found.queries) == (((every[1_234], "MongoDB"),), 8)


def test_an_id_in_anothers_place_is_seen_by_its_fingerprint(mongodb: InMongoDB, neo4j: InNeo4j) -> None:
    every = sorted(f"order-{n:06d}" for n in range(1_200))
    mongodb.put(every)
    neo4j.put([*every[:700], "order-000700x", *every[701:]])
    found = reconcile(mongodb.side(), neo4j.side())
    assert figures(found) == (False, 1_200, 1_200, 1, 1, False)
    assert found.examples == (("order-000700", "MongoDB"), ("order-000700x", "Neo4j"))


def test_a_swap_beside_missing_ids_is_not_hidden_by_them(mongodb: InMongoDB, neo4j: InNeo4j) -> None:
    every = sorted(ids(1_500))
    changed = [*every[:100], *every[103:1_000], ids(1, seed=9)[0], *every[1_001:]]
    mongodb.put(every)
    neo4j.put(changed)
    found = reconcile(mongodb.side(), neo4j.side())
    assert figures(found) == (False, 1_500, 1_497, 4, 1, False)
    assert {key for key, _ in found.examples} == set(every) ^ set(changed)


def test_a_store_that_lost_everything_is_not_read_id_by_id(mongodb: InMongoDB, neo4j: InNeo4j) -> None:
    mongodb.put(ids(3_000))
    found = reconcile(mongodb.side(), neo4j.side())
    assert figures(found) == (False, 3_000, 0, 3_000, 0, False)
    assert (len(found.examples), found.queries) == (20, 3)


def test_what_a_bound_leaves_out_is_said(mongodb: InMongoDB, neo4j: InNeo4j) -> None:
    mongodb.put(["same"] * 1_200)
    neo4j.put(["same"] * 1_100)
    found = reconcile(mongodb.side(), neo4j.side())
    assert (found.same, found.truncated, found.here, found.there) == (False, True, 1_200, 1_100)


def test_an_id_that_one_side_has_twice_is_a_difference(mongodb: InMongoDB, neo4j: InNeo4j) -> None:
    mongodb.put(["a", "b", "b"])
    neo4j.put(["a", "b"])
    found = reconcile(mongodb.side(), neo4j.side())
    assert (figures(found), found.examples) == ((False, 3, 2, 1, 0, False), (("b", "MongoDB"),))


HOSTILE = [
    "it's",
    'say "hi"',
    "back\\slash",
    "new\nline",
    "ünï",
    "x'] or 1",
    "$where",
    "{{}}",
    "日本",
    "😀",
    "\ue000",
    "`a`",
]


def test_hostile_ids_are_only_ids(mongodb: InMongoDB, neo4j: InNeo4j, milvus: InMilvus) -> None:
    mongodb.put([*HOSTILE, "$gone"])
    neo4j.put([*HOSTILE, "ü'\"gone"])
    milvus.put(HOSTILE)
    found = reconcile(mongodb.side(), neo4j.side())
    assert found.examples == (("$gone", "MongoDB"), ("ü'\"gone", "Neo4j"))
    found = reconcile(milvus.side(), mongodb.side())
    assert (figures(found), found.examples) == ((False, 12, 13, 0, 1, False), (("$gone", "MongoDB"),))


def test_hostile_ids_can_be_cut_into_ranges(mongodb: InMongoDB, neo4j: InNeo4j) -> None:
    every = [f"{text}{n:03d}" for text in HOSTILE for n in range(60)]
    mongodb.put(every)
    neo4j.put(every[:-1])
    found = reconcile(mongodb.side(), neo4j.side())
    assert (figures(found), found.examples) == ((False, 720, 719, 1, 0, False), ((every[-1], "MongoDB"),))


def test_stores_that_order_rare_characters_differently_are_still_the_same(mongodb: InMongoDB, neo4j: InNeo4j) -> None:
    every = [f"{first}{n:03d}" for first in ("😀", "\ue000", "a") for n in range(200)]
    mongodb.put([*every, "zz"])
    neo4j.put(every)
    found = reconcile(mongodb.side(), neo4j.side())
    assert (figures(found), found.examples) == ((False, 601, 600, 1, 0, False), (("zz", "MongoDB"),))


def test_a_small_batch_in_milvus_is_compared_by_its_ids(mongodb: InMongoDB, milvus: InMilvus) -> None:
    every = ids(100)
    milvus.put([*every[:-1], "swapped"])
    mongodb.put(every)
    found = reconcile(milvus.side(), mongodb.side())
    assert (figures(found), found.compared_by, found.queries) == ((False, 100, 100, 1, 1, False), "ids", 2)
    assert found.examples == (("swapped", "Milvus"), (every[-1], "MongoDB"))


def test_a_large_batch_in_milvus_is_compared_by_counts_of_ranges(mongodb: InMongoDB, milvus: InMilvus) -> None:
    every = sorted(ids(1_500))
    mongodb.put(every)
    milvus.put(every)
    equal = reconcile(milvus.side(), mongodb.side())
    assert (figures(equal), equal.compared_by) == ((True, 1_500, 1_500, 0, 0, False), "counts")
    milvus.client.delete(milvus.name, ids=[every[7], every[1_400]])
    milvus.put(["ffff-extra"])
    found = reconcile(milvus.side(), mongodb.side())
    assert figures(found) == (False, 1_499, 1_500, 1, 2, False)
    assert {key for key, _ in found.examples} == {every[7], every[1_400], "ffff-extra"}
    assert found.queries <= 20


def test_records_without_an_id_cannot_be_compared_and_fail(mongodb: InMongoDB, neo4j: InNeo4j) -> None:
    mongodb.put(["a"])
    mongodb.database[mongodb.name].insert_many([{"batch_id": "b"}, {"batch_id": "b", "interaction_id": 7}])
    neo4j.put(["a"])
    found = reconcile(mongodb.side(), neo4j.side())
    assert (found.same, found.without_id, found.only_here, found.only_there) == (False, 2, 0, 0)


class Project:
    """A GX project with the two stores, and the batch of the graph."""

    def __init__(self, mongodb: InMongoDB, neo4j: InNeo4j, endpoints: Endpoints, folder: Any) -> None:
        self.context = great_expectations.get_context(mode="file", project_root_dir=folder)
        self.context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        logs = self.context.data_sources.add_mongodb(
            "logs", connection_string="${A_MONGODB}", database=mongodb.database.name
        )
        logs.add_collection("interactions", collection=mongodb.name, allow_missing=True)
        source = self.context.data_sources.add_neo4j(
            "graph",
            uri=endpoints.neo4j_uri,
            user=endpoints.neo4j_user,
            password="${A_PASSWORD}",
            database=endpoints.neo4j_database,
        )
        asset = source.add_node("interactions", label=neo4j.name, key="interaction_id", allow_missing=True)
        self.definition = asset.add_batch_definition("by batch", PartitionerColumnValue(column_name="batch_id"))
        self.batch = self.definition.get_batch({"batch_id": "b"})

    def check(self, **settings: Any) -> Any:
        given = {"comparison_data_source": "logs", "comparison_asset": "interactions"} | settings
        return self.batch.validate(ExpectStoresToReconcile(**given))

    def failures(self) -> list[Exception]:
        return list(self.batch.data.execution_engine.failures.values())


@pytest.fixture
def project(
    mongodb: InMongoDB, neo4j: InNeo4j, endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> Project:
    monkeypatch.setenv("A_MONGODB", str(endpoints.mongodb_uri))
    monkeypatch.setenv("A_PASSWORD", str(endpoints.neo4j_password))
    return Project(mongodb, neo4j, endpoints, tmp_path)


def test_gx_takes_the_same_batch_of_the_other_store(project: Project, mongodb: InMongoDB, neo4j: InNeo4j) -> None:
    mongodb.put(["a", "b", "c"])
    neo4j.put(["a", "b"])
    result = project.check()
    assert not result.success
    assert result.result["observed_value"] == (
        "2 ids in Neo4j, 3 in logs/interactions: 0 only in Neo4j, 1 only in logs/interactions; "
        "compared by counts and fingerprints"
    )
    assert result.result["details"]["examples"] == [["c", "logs/interactions"]]


def test_row_conditions_and_the_other_assets_filter_count(project: Project, mongodb: InMongoDB, neo4j: InNeo4j) -> None:
    mongodb.put(["a", "b"])
    mongodb.put(["bad"], quarantine={"gate": "raw"})
    neo4j.put(["a", "b", "z"])
    accepted, known = Column("quarantine").is_null(), Column("interaction_id") < "z"
    logs = project.context.data_sources.get("logs")
    logs.add_collection("accepted", collection=mongodb.name, where=accepted, allow_missing=True)
    assert not project.check().success
    assert project.check(comparison_row_condition=accepted, row_condition=known).success
    assert project.check(comparison_asset="accepted", row_condition=known).success


def test_the_key_may_have_another_name_there(project: Project, mongodb: InMongoDB, neo4j: InNeo4j) -> None:
    mongodb.database[mongodb.name].insert_many([{"_id": key, "batch_id": "b"} for key in ("a", "b")])
    neo4j.put(["a", "b"])
    assert project.check(comparison_key="_id").success


def test_a_suite_that_was_saved_and_loaded_checks_the_same(
    project: Project, mongodb: InMongoDB, neo4j: InNeo4j
) -> None:
    mongodb.put(["a", "b"])
    mongodb.put(["bad"], quarantine={"gate": "raw"})
    neo4j.put(["a", "b"])
    expectation = ExpectStoresToReconcile(
        comparison_data_source="logs",
        comparison_asset={"$PARAMETER": "asset"},
        comparison_row_condition=Column("quarantine").is_null(),
    )
    project.context.suites.add(great_expectations.ExpectationSuite(name="s", expectations=[expectation]))
    suite = great_expectations.get_context(mode="file", project_root_dir=project.context.root_directory + "/..")
    definition = great_expectations.ValidationDefinition(name="v", data=project.definition, suite=suite.suites.get("s"))
    result = definition.run(batch_parameters={"batch_id": "b"}, expectation_parameters={"asset": "interactions"})
    assert result.success, result


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"comparison_data_source": "nowhere"}, "no data source 'nowhere' to compare with; there are: graph, logs."),
        ({"comparison_asset": "nothing"}, "'logs' has no asset 'nothing' to compare with; it has: interactions."),
    ],
)
def test_an_unknown_asset_is_named_with_what_there_is(project: Project, settings: dict[str, str], message: str) -> None:
    result = project.check(**settings)
    [failure] = project.failures()
    assert (result.success, type(failure)) == (False, ConfigurationError)
    assert message in str(failure)


def test_an_asset_that_is_no_store_of_ours_is_refused(project: Project) -> None:
    project.context.data_sources.add_pandas("frames").add_dataframe_asset("rows")
    project.check(comparison_data_source="frames", comparison_asset="rows")
    [failure] = project.failures()
    assert isinstance(failure, ConfigurationError)
    assert "mongodb, neo4j or milvus" in str(failure)


@pytest.mark.parametrize("store", ["mongodb", "milvus"])
def test_an_outage_of_the_other_store_keeps_its_type(
    project: Project, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOBODY", "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200")
    monkeypatch.setenv("NO_VECTORS", "http://127.0.0.1:9")
    sources = project.context.data_sources
    with without_connecting():
        if store == "mongodb":
            sources.add_mongodb("down", connection_string="${NOBODY}", database="none").add_collection("things")
        else:
            sources.add_milvus("down", uri="${NO_VECTORS}").add_collection("things")
    assert not project.check(comparison_data_source="down", comparison_asset="things").success
    assert [type(failure) for failure in project.failures()] == [TransientError]
