"""Each example of the page on the data sources is run as it is written, on the real servers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pymilvus import DataType

from expectations_plugins.milvus.connection import connect as connect_milvus
from expectations_plugins.mongodb.connection import connect as connect_mongodb
from expectations_plugins.neo4j.connection import connect as connect_neo4j
from pipeline.local import Endpoints
from tests.registration.processes import ROOT, run

PAGE = (ROOT / "docs" / "data-sources.md").read_text("utf-8")
EXAMPLES = dict(re.findall(r"## (\w+)\n\n```python\n(.*?)```", PAGE, re.DOTALL))
ANSWER = "\nimport json\nprint(json.dumps([bool(result.success)]))\n"


@pytest.fixture
def mongodb(endpoints: Endpoints) -> Iterator[None]:
    database = connect_mongodb(str(endpoints.mongodb_uri), "shop")
    order = {"_id": "o1", "user_id": "u1", "at": datetime(2026, 11, 20, 9, tzinfo=UTC), "items": [{"price": 3.5}]}
    database["orders"].insert_one(order)
    yield
    database.client.drop_database("shop")
    database.client.close()


@pytest.fixture
def neo4j(endpoints: Endpoints) -> Iterator[None]:
    user, password = str(endpoints.neo4j_user), str(endpoints.neo4j_password)
    graph = connect_neo4j(str(endpoints.neo4j_uri), user, password, database=endpoints.neo4j_database)
    make = "CREATE (:ShopCustomer {customer_id: 'c1'})-[:SHOP_PLACED]->(:ShopOrder {order_id: 'o1', batch_id: 'b1'})"
    graph.write((make,), {}, doing="test", timeout=30)
    yield
    graph.write(("MATCH (n) WHERE n:ShopCustomer OR n:ShopOrder DETACH DELETE n",), {}, doing="test", timeout=30)
    graph.close()


@pytest.fixture
def milvus(endpoints: Endpoints) -> Iterator[None]:
    client = connect_milvus(str(endpoints.milvus_uri))
    schema = client.create_schema()
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=10)
    schema.add_field("model", DataType.VARCHAR, max_length=10)
    schema.add_field("language", DataType.VARCHAR, max_length=10)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
    index = client.prepare_index_params()
    index.add_index("vector", index_type="FLAT", metric_type="COSINE")
    client.create_collection("shop_texts", schema=schema, index_params=index)
    client.insert("shop_texts", [{"id": "t1", "model": "m1", "language": "en", "vector": [1.0, 0.0]}])
    yield
    client.drop_collection("shop_texts")
    client.close()


def test_there_is_an_example_of_each_store() -> None:
    assert list(EXAMPLES) == ["MongoDB", "Neo4j", "Milvus"]


@pytest.mark.parametrize("store", EXAMPLES)
def test_an_example_runs_as_it_is_written(
    store: str, endpoints: Endpoints, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(store.lower())
    places = {
        "MONGODB_URI": endpoints.mongodb_uri,
        "NEO4J_URI": endpoints.neo4j_uri,
        "NEO4J_USER": endpoints.neo4j_user,
        "NEO4J_PASSWORD": endpoints.neo4j_password,
        "NEO4J_DATABASE": endpoints.neo4j_database or "",
        "MILVUS_URI": endpoints.milvus_uri,
        "MILVUS_TOKEN": endpoints.milvus_token or "root:nobody-checks",
    }
    variables = {name: str(value) for name, value in places.items()}
    assert run(EXAMPLES[store] + ANSWER, folder=tmp_path, **variables) == [True]


@pytest.mark.parametrize("store", EXAMPLES)
def test_the_page_names_every_setting(store: str) -> None:
    import expectations_plugins  # noqa: PLC0415 - it loads GX

    table = PAGE.partition(f"## {store}\n")[2].partition("\n## ")[0]
    named = set(
        re.findall(r"`([a-z_]+)`", "\n".join(line.split("|")[1] for line in table.splitlines() if "| `" in line))
    )
    fields = set(getattr(expectations_plugins, f"{store}Datasource").__fields__)
    assert named == fields - {"type", "name", "id", "assets"}
