"""Each local server with the client the pipeline uses: what they must be able to do from the first minute."""

from __future__ import annotations

import io
import json
import math
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google.generativeai
import neo4j
import pymongo
import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from neo4j.exceptions import AuthError
from pymongo.errors import NotPrimaryError, OperationFailure

from expectations_plugins.milvus.connection import connect as connect_milvus
from pipeline.local import SERVERS, Endpoints, LocalStack
from pipeline.local.pings import answers
from pipeline.local.running import free_port

LISTEN = "0A"
LOOPBACK_4 = "0100007F"
LOOPBACK_6 = "00000000000000000000000001000000"
LOOPBACK_4_IN_6 = "0000000000000000FFFF00000100007F"

genai: Any = google.generativeai  # it exports nothing explicitly


@pytest.fixture(scope="module")
def mongodb(endpoints: Endpoints) -> Iterator[pymongo.MongoClient[dict[str, object]]]:
    client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(endpoints.mongodb_uri)
    with client:
        yield client


@pytest.fixture(scope="module")
def warehouse(endpoints: Endpoints) -> Iterator[bigquery.Client]:
    client = bigquery.Client(
        project=endpoints.bigquery_project,
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        client_options=ClientOptions(api_endpoint=endpoints.bigquery_endpoint),
    )
    yield client
    client.close()  # type: ignore[no-untyped-call]


def test_mongodb_commits_a_transaction_over_two_collections(
    mongodb: pymongo.MongoClient[dict[str, object]],
) -> None:
    database = mongodb["local_stack"]
    with mongodb.start_session() as session, session.start_transaction():
        database["a"].insert_one({"_id": 1}, session=session)
        database["b"].insert_one({"_id": 2}, session=session)
    assert (database["a"].count_documents({}), database["b"].count_documents({})) == (1, 1)


def test_mongodb_refuses_a_client_without_the_password(endpoints: Endpoints) -> None:
    address = str(endpoints.mongodb_uri).rpartition("@")[2]
    with (
        pymongo.MongoClient[dict[str, object]](f"mongodb://{address}") as stranger,
        pytest.raises(OperationFailure, match="requires authentication"),
    ):
        stranger["local_stack"]["a"].find_one()


def test_mongodb_takes_fail_points_for_tests_of_outages(mongodb: pymongo.MongoClient[dict[str, object]]) -> None:
    failing = {"failCommands": ["count"], "errorCode": 91}
    mongodb.admin.command({"configureFailPoint": "failCommand", "mode": {"times": 1}, "data": failing})
    with pytest.raises(NotPrimaryError, match="failpoint"):
        mongodb["local_stack"].command("count", "a")


def test_neo4j_merges_and_counts(endpoints: Endpoints) -> None:
    auth = (str(endpoints.neo4j_user), str(endpoints.neo4j_password))
    with neo4j.GraphDatabase.driver(str(endpoints.neo4j_uri), auth=auth) as driver:
        query = "UNWIND $ids AS id MERGE (n:Thing {id: id}) WITH count(n) AS n RETURN n"
        records = driver.execute_query(query, ids=[1, 2, 2], database_=endpoints.neo4j_database).records
    assert records[0]["n"] == 3


def test_neo4j_refuses_another_password(endpoints: Endpoints) -> None:
    with (
        neo4j.GraphDatabase.driver(str(endpoints.neo4j_uri), auth=("root", "wrong-password")) as driver,
        pytest.raises(AuthError),
    ):
        driver.execute_query("RETURN 1", database_=endpoints.neo4j_database)


def test_milvus_finds_the_vector_it_was_given(endpoints: Endpoints) -> None:
    client = connect_milvus(str(endpoints.milvus_uri))
    try:
        client.create_collection("local_stack", dimension=4, id_type="string", max_length=64, metric_type="COSINE")
        client.insert("local_stack", [{"id": "one", "vector": [1.0, 0.0, 0.0, 0.0]}])
        rows = client.get("local_stack", ids=["one"], output_fields=["vector"])
        assert list(rows[0]["vector"]) == [1.0, 0.0, 0.0, 0.0]
    finally:
        client.close()


def test_bigquery_loads_and_sums(warehouse: bigquery.Client) -> None:
    warehouse.create_dataset("local_stack", exists_ok=True)
    schema = [bigquery.SchemaField("k", "STRING"), bigquery.SchemaField("n", "INT64")]
    config = bigquery.LoadJobConfig(schema=schema, source_format="NEWLINE_DELIMITED_JSON")
    rows = "\n".join(json.dumps({"k": key, "n": number}) for key, number in (("a", 2), ("b", 3)))
    warehouse.load_table_from_file(io.BytesIO(rows.encode()), "local_stack.numbers", job_config=config).result()
    assert [row.total for row in warehouse.query("SELECT SUM(n) AS total FROM local_stack.numbers")] == [5]


def test_gemini_embeds_a_list_with_googles_own_client(endpoints: Endpoints) -> None:
    genai.configure(
        api_key=endpoints.gemini_api_key,
        transport="rest",
        client_options={"api_endpoint": endpoints.gemini_endpoint},
    )
    answer = genai.embed_content(
        model="models/gemini-embedding-001",
        content=["a first message", "a second one"],
        task_type="retrieval_document",
        output_dimensionality=768,
    )
    lengths = [(len(vector), round(math.hypot(*vector), 5)) for vector in answer["embedding"]]
    assert lengths == [(768, 1.0), (768, 1.0)]


@pytest.mark.parametrize("name", ["mongodb", "neo4j", "milvus", "bigquery"])
def test_a_ping_does_not_take_another_server_for_the_one_it_asks(name: str, endpoints: Endpoints) -> None:
    port = int(str(endpoints.gemini_endpoint).rpartition(":")[2])
    assert not answers(name, port, str(endpoints.gemini_api_key))


def test_a_port_nobody_listens_on_does_not_answer() -> None:
    assert [name for name in SERVERS if answers(name, free_port(), "")] == []


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's table of sockets")
def test_every_server_listens_on_loopback_only(stack: LocalStack, endpoints: Endpoints) -> None:
    assert endpoints.mongodb_uri
    listening = {server.name: _listening_addresses(server.pid) for server in stack.status() if server.pid}
    assert listening.keys() == SERVERS.keys()
    assert set[str]().union(*listening.values()) <= {LOOPBACK_4, LOOPBACK_6, LOOPBACK_4_IN_6}


def test_no_secret_is_in_an_argument_list(stack: LocalStack, endpoints: Endpoints) -> None:
    listed = subprocess.run(["ps", "-e", "-ww", "-o", "args="], capture_output=True, text=True, check=True).stdout
    assert str(stack.home) in listed
    assert not any(secret in listed for secret in _secrets(endpoints))


def test_no_secret_is_in_a_log(stack: LocalStack, endpoints: Endpoints) -> None:
    logged = [path.read_text(encoding="utf-8") for path in (stack.home / "logs").glob("*.log")]
    assert not any(secret in log for secret in _secrets(endpoints) for log in logged)


def _secrets(endpoints: Endpoints) -> list[str]:
    mongodb_password = str(endpoints.mongodb_uri).rpartition("@")[0].rpartition(":")[2]
    return [mongodb_password, str(endpoints.neo4j_password), str(endpoints.gemini_api_key)]


def _listening_addresses(pid: int) -> set[str]:
    """The addresses, in the kernel's hexadecimal, of all sockets on which this process listens."""
    links = [link.readlink() for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
    inodes = {str(link)[len("socket:[") : -1] for link in links if str(link).startswith("socket:[")}
    rows = [line.split() for table in ("tcp", "tcp6") for line in _lines(Path(f"/proc/net/{table}"))]
    return {row[1].partition(":")[0] for row in rows if row[3] == LISTEN and row[9] in inodes}


def _lines(table: Path) -> list[str]:
    return table.read_text(encoding="ascii").splitlines()[1:] if table.exists() else []
