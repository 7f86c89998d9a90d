"""Every core expectation of GX is computed, or refused by name with the store and what to use instead."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import great_expectations
import pytest

from docs import support_matrix
from pipeline.local import Endpoints
from pipeline.stores import mongodb, neo4j

CASES = {type(one).__name__: one for one in support_matrix.expectations()}


@pytest.fixture(scope="module")
def batches(endpoints: Endpoints) -> Iterator[dict[str, Any]]:
    """One record, {a: 1, b: 2}, in each store that can compute."""
    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    name = f"t{uuid.uuid4().hex[:10]}"
    database = mongodb.connect(str(endpoints.mongodb_uri), name)
    database.rows.insert_one({"a": 1, "b": 2})
    graph = neo4j.connect(
        str(endpoints.neo4j_uri),
        str(endpoints.neo4j_user),
        str(endpoints.neo4j_password),
        database=endpoints.neo4j_database,
    )
    graph.write([f"CREATE (:{name} {{a: 1, b: 2}})"], {}, doing="test", timeout=10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("A_MONGODB", str(endpoints.mongodb_uri))
        patch.setenv("A_NEO4J", str(endpoints.neo4j_password))
        logs = context.data_sources.add_mongodb("m", connection_string="${A_MONGODB}", database=name)
        nodes = context.data_sources.add_neo4j(
            "g",
            uri=endpoints.neo4j_uri,
            user=endpoints.neo4j_user,
            password="${A_NEO4J}",
            database=endpoints.neo4j_database,
        )
        yield {
            "MongoDB": logs.add_collection("rows", sort_by="a").add_batch_definition("all").get_batch(),
            "Neo4j": nodes.add_node("rows", name, sort_by="a").add_batch_definition("all").get_batch(),
        }
    database.client.drop_database(name)
    graph.write([f"MATCH (n:{name}) DELETE n"], {}, doing="test", timeout=10)


@pytest.mark.parametrize("store", ["MongoDB", "Neo4j"])
@pytest.mark.parametrize("name", CASES)
def test_a_core_expectation_says_what_the_matrix_says(batches: dict[str, Any], store: str, name: str) -> None:
    promised = support_matrix.support(store, CASES[name])
    batch = batches[store]
    found = batch.validate(CASES[name])
    infos = [info for info in found.exception_info.values() if isinstance(info, dict)]
    raised = " ".join(str(info.get("exception_message")) for info in infos if info.get("raised_exception"))
    raised = raised or str(found.exception_info.get("exception_message") or "")
    if promised.startswith("no:"):
        assert promised.removeprefix("no: ") in raised
        assert f"{store} cannot compute" in raised
    else:
        assert not raised or "reads text" in raised, raised
