"""What is wrong for every batch alike is a setting: exit code 2, one sentence, and nothing is held against a batch."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymilvus import DataType

from expectations_plugins.milvus.connection import connect as connect_milvus
from expectations_plugins.neo4j.connection import Graph
from expectations_plugins.neo4j.connection import connect as connect_neo4j
from pipeline.local import Endpoints, LocalStack
from pipeline.stores.milvus.queries import FIELDS
from tests.faults.workplace import Workplace

NOWHERE = "sluicegate-nowhere.invalid"
ASKED: dict[str, Any] = {"doing": "test", "timeout": 30}
NUMBERS = itertools.count()
RECORD = {
    "interaction_id": "i-1",
    "user_id": "u_1001",
    "campaign_id": "c_spring",
    "type": "click",
    "timestamp": "2026-11-20T09:00:00Z",
    "message": "hello",
}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    """Servers of this module's own: a graph has one set of constraints."""
    with LocalStack(tmp_path_factory.mktemp("stack")).use() as endpoints:
        yield endpoints


@pytest.fixture
def work(servers: Endpoints, tmp_path: Path) -> Workplace:
    return Workplace.prepared(servers, tmp_path, f"wrong_{next(NUMBERS)}")


def misspelt_model(work: Workplace) -> dict[str, str]:
    del work
    return {"GEMINI_MODEL": "no-such-model"}


def collection_of_another_size(work: Workplace) -> dict[str, str]:
    return _foreign(work, 3, *(name for name in FIELDS if name not in ("interaction_id", "vector")))


def collection_of_another_program(work: Workplace) -> dict[str, str]:
    return _foreign(work, 768)


def _foreign(work: Workplace, size: int, *fields: str) -> dict[str, str]:
    client = connect_milvus(work.endpoints.milvus_uri)
    schema = client.create_schema(auto_id=False)
    schema.add_field("interaction_id" if fields else "pk", DataType.INT64, is_primary=True)
    for name in fields:
        schema.add_field(name, DataType.INT64)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=size)
    client.create_collection(f"{work.name}_theirs", schema=schema)
    client.close()
    return {"MILVUS_COLLECTION": f"{work.name}_theirs"}


def tls_to_gemini(work: Workplace) -> dict[str, str]:
    return {"GEMINI_API_ENDPOINT": str(work.endpoints.gemini_endpoint).replace("http://", "https://")}


def tls_to_mongodb(work: Workplace) -> dict[str, str]:
    uri = work.endpoints.mongodb_uri
    return {"MONGODB_URI": f"{uri}{'&' if '?' in uri else '/?'}tls=true"}


def tls_to_neo4j(work: Workplace) -> dict[str, str]:
    return {"NEO4J_URI": work.endpoints.neo4j_uri.replace("bolt://", "bolt+s://")}


def tls_to_milvus(work: Workplace) -> dict[str, str]:
    return {"MILVUS_URI": work.endpoints.milvus_uri.replace("http://", "https://")}


def bolt_to_http(work: Workplace) -> dict[str, str]:
    return {"NEO4J_URI": f"bolt://{http_of(work)}"}


def mongodb_to_http(work: Workplace) -> dict[str, str]:
    return {"MONGODB_URI": f"mongodb://{http_of(work)}"}


def http_of(work: Workplace) -> str:
    return urlsplit(str(work.endpoints.bigquery_endpoint)).netloc


def tls_to_bigquery(work: Workplace) -> dict[str, str]:
    return {"BIGQUERY_API_ENDPOINT": str(work.endpoints.bigquery_endpoint).replace("http://", "https://")}


def bigquery_to_bolt(work: Workplace) -> dict[str, str]:
    return {"BIGQUERY_API_ENDPOINT": f"http://{urlsplit(work.endpoints.neo4j_uri).netloc}"}


def gemini_to_mongodb(work: Workplace) -> dict[str, str]:
    return {"GEMINI_API_ENDPOINT": f"http://{urlsplit(work.endpoints.mongodb_uri).netloc.rpartition('@')[2]}"}


def milvus_to_bolt(work: Workplace) -> dict[str, str]:
    return {"MILVUS_URI": f"http://{urlsplit(work.endpoints.neo4j_uri).netloc}"}


def repeated(label: str, key: str) -> Callable[[Workplace], dict[str, str]]:
    """A graph that another program, or one without constraints, wrote: a key is there twice."""

    def made(work: Workplace) -> dict[str, str]:
        with graph_of(work) as graph:
            for name in ("user_key", "interaction_key", "campaign_key"):
                graph.define(f"DROP CONSTRAINT {name} IF EXISTS")
            graph.write((f"UNWIND range(1, 2) AS n CREATE (:{label} {{{key}: 'twice', of: 'another'}})",), {}, **ASKED)
        return {}

    return made


@contextmanager
def graph_of(work: Workplace) -> Iterator[Graph]:
    to = work.endpoints
    with closing(
        connect_neo4j(str(to.neo4j_uri), str(to.neo4j_user), str(to.neo4j_password), database=to.neo4j_database)
    ) as graph:
        yield graph


def heal(work: Workplace) -> None:
    with graph_of(work) as graph:
        graph.write(("MATCH (n {of: 'another'}) DELETE n",), {}, **ASKED)


def no_such_host(**addresses: str) -> Callable[[Workplace], dict[str, str]]:
    return lambda _: addresses


WRONG: dict[str, tuple[Callable[[Workplace], dict[str, str]], str]] = {
    "a model that there is not": (misspelt_model, "GEMINI_MODEL"),
    "a collection of another size": (
        collection_of_another_size,
        "3 components, not 768. Name another collection: MILVUS_COLLECTION",
    ),
    "a collection of another program": (collection_of_another_program, "it has no field interaction_id"),
    "a user that is there twice": (repeated("User", "user_id"), "2 nodes (:User) with the user_id 'twice'"),
    "an interaction that is there twice": (
        repeated("Interaction", "interaction_id"),
        "2 nodes (:Interaction) with the interaction_id 'twice'",
    ),
    "a campaign that is there twice": (
        repeated("Campaign", "campaign_id"),
        "MATCH (n:Campaign) WITH n.campaign_id AS key, count(n) AS nodes WHERE nodes > 1 RETURN key, nodes",
    ),
    "TLS to Gemini": (tls_to_gemini, "without TLS. Correct GEMINI_API_ENDPOINT."),
    "TLS to MongoDB": (tls_to_mongodb, "without TLS. Correct MONGODB_URI."),
    "TLS to Neo4j": (tls_to_neo4j, "without TLS. Correct NEO4J_URI."),
    "TLS to Milvus": (tls_to_milvus, "without TLS. Correct MILVUS_URI."),
    "Bolt to HTTP": (bolt_to_http, "does not speak Bolt. Correct NEO4J_URI."),
    "MongoDB to HTTP": (mongodb_to_http, "does not speak MongoDB's protocol. Correct MONGODB_URI."),
    "Milvus to Bolt": (milvus_to_bolt, "does not speak gRPC. Correct MILVUS_URI."),
    "TLS to BigQuery": (tls_to_bigquery, "without TLS. Correct BIGQUERY_API_ENDPOINT."),
    "BigQuery to Bolt": (bigquery_to_bolt, "does not speak HTTP. Correct BIGQUERY_API_ENDPOINT."),
    "Gemini to MongoDB": (gemini_to_mongodb, "does not speak HTTP. Correct GEMINI_API_ENDPOINT."),
    "no host for Gemini": (no_such_host(GEMINI_API_ENDPOINT=f"http://{NOWHERE}"), f"There is no host {NOWHERE}"),
    "no host for MongoDB": (no_such_host(MONGODB_URI=f"mongodb://{NOWHERE}:27017"), f"There is no host {NOWHERE}"),
    "no host for Neo4j": (no_such_host(NEO4J_URI=f"bolt://{NOWHERE}:7687"), f"There is no host {NOWHERE}"),
    "no host for Milvus": (no_such_host(MILVUS_URI=f"http://{NOWHERE}:19530"), f"There is no host {NOWHERE}"),
    "no host for BigQuery": (
        no_such_host(BIGQUERY_API_ENDPOINT=f"http://{NOWHERE}:9050"),
        f"There is no host {NOWHERE}",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_it_is_exit_code_2_and_not_held_against_the_batch(work: Workplace, wrong: str) -> None:
    make, names = WRONG[wrong]
    file = work.land("one.jsonl", json.dumps(RECORD).encode())
    settings = make(work)
    examined = work.command("doctor", **settings)
    assert (examined.code, names in examined.stdout) == (2, True), str(examined)
    done = work.command("run", file, **settings)
    assert done.code == 2, str(done)
    assert names in [line for line in done.stderr.splitlines() if line.startswith("Error: ")][-1]
    heal(work)
    again = work.command("run", "--json", file)
    assert again.code == 0, str(again)
    assert again.batches["one.jsonl"]["status"] == "closed"
