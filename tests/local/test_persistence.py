"""What is written stays: over a stop and a start, and when the generated passwords are lost."""

from __future__ import annotations

import io
from pathlib import Path

import neo4j
import pymongo
import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from expectations_plugins.milvus.connection import connect as connect_milvus
from pipeline.local import Endpoints, LocalStack

Stores = tuple[int, int, int, int]


@pytest.fixture(scope="module")
def reopened(tmp_path_factory: pytest.TempPathFactory) -> Stores:
    """What is counted in MongoDB, Neo4j, Milvus and BigQuery after a restart that also lost its passwords."""
    stack = LocalStack(tmp_path_factory.mktemp("kept") / "home")
    names = ("mongodb", "neo4j", "milvus", "bigquery")
    with stack.use(names) as endpoints:
        _write(endpoints)
    Path(stack.home, "stack", "secrets.json").unlink()
    with stack.use(names) as endpoints:
        return _count(endpoints)


@pytest.mark.parametrize(("store", "place"), [("mongodb", 0), ("neo4j", 1), ("milvus", 2), ("bigquery", 3)])
def test_a_second_start_sees_what_the_first_wrote(reopened: Stores, store: str, place: int) -> None:
    assert reopened[place] == 2, store


def _write(endpoints: Endpoints) -> None:
    with pymongo.MongoClient[dict[str, object]](endpoints.mongodb_uri) as mongodb:
        mongodb["kept"]["a"].insert_many([{"_id": 1}, {"_id": 2}])
    with _bolt(endpoints) as driver:
        driver.execute_query("UNWIND [1, 2] AS id CREATE (:Kept {id: id})", database_=endpoints.neo4j_database)
    milvus = connect_milvus(str(endpoints.milvus_uri))
    milvus.create_collection("kept", dimension=2)
    milvus.insert("kept", [{"id": 1, "vector": [0.0, 1.0]}, {"id": 2, "vector": [1.0, 0.0]}])
    milvus.close()
    client = _warehouse(endpoints)
    client.create_dataset("kept")
    config = bigquery.LoadJobConfig(schema=[bigquery.SchemaField("n", "INT64")], source_format="NEWLINE_DELIMITED_JSON")
    client.load_table_from_file(io.BytesIO(b'{"n": 1}\n{"n": 2}'), "kept.a", job_config=config).result()


def _count(endpoints: Endpoints) -> Stores:
    with pymongo.MongoClient[dict[str, object]](endpoints.mongodb_uri) as mongodb:
        documents = mongodb["kept"]["a"].count_documents({})
    with _bolt(endpoints) as driver:
        records = driver.execute_query(
            "MATCH (k:Kept) RETURN count(k) AS n", database_=endpoints.neo4j_database
        ).records
    milvus = connect_milvus(str(endpoints.milvus_uri))
    milvus.load_collection("kept")
    vectors = milvus.query("kept", output_fields=["count(*)"])[0]["count(*)"]
    milvus.close()
    rows = list(_warehouse(endpoints).query("SELECT COUNT(*) AS n FROM kept.a"))
    return documents, records[0]["n"], vectors, rows[0].n


def _bolt(endpoints: Endpoints) -> neo4j.Driver:
    auth = (str(endpoints.neo4j_user), str(endpoints.neo4j_password))
    return neo4j.GraphDatabase.driver(str(endpoints.neo4j_uri), auth=auth)


def _warehouse(endpoints: Endpoints) -> bigquery.Client:
    return bigquery.Client(
        project=endpoints.bigquery_project,
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        client_options=ClientOptions(api_endpoint=endpoints.bigquery_endpoint),
    )
