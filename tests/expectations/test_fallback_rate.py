"""The fallback rate in each store, and what an analyst reads of it and of a reconciliation."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import great_expectations
import pytest
from great_expectations.core.partitioners import PartitionerColumnValue
from great_expectations.expectations.row_conditions import Column
from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView

from expectations_plugins import ExpectFallbackEmbeddingRateToBeBelow, ExpectStoresToReconcile
from expectations_plugins.milvus import connection as milvus
from expectations_plugins.mongodb import connection as mongodb
from expectations_plugins.neo4j import connection as neo4j
from pipeline.core.embeddings import VectorRow
from pipeline.local import Endpoints
from pipeline.stores.milvus.vector_store import MilvusVectorStore

VECTOR = (1.0, *(0.0 for _ in range(767)))
Sources = Sequence[str | None]


class Site:
    """One batch in each store, in a GX project that names them."""

    def __init__(self, endpoints: Endpoints) -> None:
        self.name = f"T{uuid.uuid4().hex[:10]}"
        self.database = mongodb.connect(str(endpoints.mongodb_uri), self.name)
        user, password = str(endpoints.neo4j_user), str(endpoints.neo4j_password)
        self.graph = neo4j.connect(str(endpoints.neo4j_uri), user, password, database=endpoints.neo4j_database)
        self.client = milvus.connect(str(endpoints.milvus_uri))
        self.vectors = MilvusVectorStore(self.client, self.name)
        self.vectors.prepare()
        context = great_expectations.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        sources = context.data_sources
        logs = sources.add_mongodb("logs", connection_string="${A_MONGODB}", database=self.name)
        graph = sources.add_neo4j(
            "graph", uri=endpoints.neo4j_uri, user=user, password="${A_PASSWORD}", database=endpoints.neo4j_database
        )
        vectors = sources.add_milvus("vectors", uri=endpoints.milvus_uri)
        self._assets = {
            "mongodb": logs.add_collection("rows", allow_missing=True),
            "neo4j": graph.add_node("rows", label=self.name, key="interaction_id", allow_missing=True),
            "milvus": vectors.add_collection("rows", collection=self.name, allow_missing=True),
        }

    def batch(self, store: str) -> Any:
        """The batch in one store."""
        asset, by_batch = self._assets[store], PartitionerColumnValue(column_name="batch_id")
        return asset.add_batch_definition(uuid.uuid4().hex, by_batch).get_batch({"batch_id": "b"})

    def put(self, store: str, sources: Sources) -> None:
        """Write records with these embedding sources, beside one of another batch."""
        rows = [
            {"interaction_id": f"i{n}", "batch_id": "b", "embedding_source": source} for n, source in enumerate(sources)
        ]
        rows.append({"interaction_id": "other", "batch_id": "c", "embedding_source": "fallback"})
        if store == "mongodb":
            self.database.rows.insert_many(rows)
        elif store == "neo4j":
            create = f"UNWIND $rows AS row CREATE (n:{self.name}) SET n = row"
            self.graph.write([create], {"rows": rows}, doing="test", timeout=30)
        else:
            keys = ("interaction_id", "batch_id", "batch_id", "embedding_source")
            self.vectors.upsert([VectorRow(*(str(row[key]) for key in keys), 1, VECTOR) for row in rows])

    def close(self) -> None:
        self.client.drop_collection(self.name)
        self.client.close()
        self.graph.close()
        self.database.client.drop_database(self.name)
        self.database.client.close()


@pytest.fixture
def site(endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("A_MONGODB", str(endpoints.mongodb_uri))
    monkeypatch.setenv("A_PASSWORD", str(endpoints.neo4j_password))
    found = Site(endpoints)
    yield found
    found.close()


STORES = ["mongodb", "neo4j", "milvus"]


@pytest.mark.parametrize("store", STORES)
def test_a_rate_is_the_share_of_the_batch_and_the_highest_one_passes(site: Site, store: str) -> None:
    site.put(store, ["fallback"] * 3 + ["text-embedding-004"] * 7)
    batch = site.batch(store)
    at_most = batch.validate(ExpectFallbackEmbeddingRateToBeBelow(max_rate=0.3))
    below = batch.validate(ExpectFallbackEmbeddingRateToBeBelow(max_rate=0.29))
    assert (at_most.success, below.success) == (True, False)
    assert below.result["details"] == {"checked": 10, "fallbacks": 3, "rate": 0.3}
    assert below.result["observed_value"] == "3 of 10 (30.00%) records are fallbacks"
    assert (below.result["element_count"], below.result["unexpected_count"]) == (10, 3)


@pytest.mark.parametrize("store", STORES)
def test_no_records_pass(site: Site, store: str) -> None:
    site.put(store, [])
    result = site.batch(store).validate(ExpectFallbackEmbeddingRateToBeBelow(max_rate=0.0))
    assert result.success
    assert result.result["details"] == {"checked": 0, "fallbacks": 0, "rate": 0.0}


def test_a_record_that_does_not_say_is_counted_and_is_no_fallback(site: Site) -> None:
    site.put("mongodb", ["fallback", None, None, "model"])
    found = site.batch("mongodb").validate(ExpectFallbackEmbeddingRateToBeBelow(max_rate=0.25))
    assert (found.success, found.result["details"]["rate"]) == (True, 0.25)


def test_a_row_condition_and_another_word_for_a_fallback(site: Site) -> None:
    site.put("mongodb", ["dummy", "model", "model", "model"])
    expectation = ExpectFallbackEmbeddingRateToBeBelow(
        fallback_value="dummy", max_rate=0.4, row_condition=Column("interaction_id") < "i2"
    )
    found = site.batch("mongodb").validate(expectation)
    assert (found.success, found.result["details"]["rate"]) == (False, 0.5)


@pytest.mark.parametrize("value", [5, True, 2.5, "5"])
def test_the_value_of_a_fallback_stays_of_its_type(value: Any) -> None:
    expectation = ExpectFallbackEmbeddingRateToBeBelow(fallback_value=value)
    assert type(expectation.fallback_value) is type(value)
    assert expectation.configuration.kwargs["fallback_value"] == value


def test_it_is_a_warning_unless_it_is_said_otherwise() -> None:
    expectation = ExpectFallbackEmbeddingRateToBeBelow()
    assert expectation.severity == "warning"
    assert expectation.configuration.severity == "warning"
    assert ExpectFallbackEmbeddingRateToBeBelow(severity="critical").configuration.severity == "critical"


@pytest.fixture
def page() -> Callable[..., str]:
    """The Data Docs page of a suite, as HTML."""

    def render(batch: Any, *expectations: Any, **parameters: Any) -> str:
        suite = great_expectations.ExpectationSuite(name="s", expectations=list(expectations))
        result = batch.validate(suite, expectation_parameters=parameters)
        html: str = DefaultJinjaPageView().render(ValidationResultsPageRenderer().render(result))
        return " ".join(html.replace("<span>", "").replace("</span>", "").split())

    return render


def test_a_page_says_what_share_is_tolerated_and_what_was_found(site: Site, page: Callable[..., str]) -> None:
    site.put("milvus", ["fallback"] * 3 + ["text-embedding-004"] * 7)
    given = {"$PARAMETER": "fallback_tolerance"}
    html = page(site.batch("milvus"), ExpectFallbackEmbeddingRateToBeBelow(max_rate=0.125))
    assert "At most 12.5% of the records may have the embedding_source fallback. [warning]" in html
    assert "3 of 10 (30.00%) records are fallbacks" in html
    html = page(site.batch("milvus"), ExpectFallbackEmbeddingRateToBeBelow(max_rate=given), fallback_tolerance=0.4)
    assert "may have the embedding_source fallback" in html


def test_a_page_says_which_ids_are_where_and_escapes_them(site: Site, page: Callable[..., str]) -> None:
    site.put("mongodb", ["a", "a"])
    site.put("neo4j", ["a", "a", "a"])
    site.database.rows.insert_one({"interaction_id": "<b>bold</b>", "batch_id": "b"})
    expectation = ExpectStoresToReconcile(
        comparison_data_source="logs",
        comparison_asset="rows",
        comparison_row_condition=Column("cost<$severity>").is_null(),
    )
    html = page(site.batch("neo4j"), expectation)
    assert "Every interaction_id of this batch must be in the same batch in rows of logs where " in html
    assert "cost&lt;&#36;severity&gt;" in html
    assert "and the other way round. [critical]" in html
    assert "3 ids in Neo4j, 3 in logs/rows: 1 only in Neo4j, 1 only in logs/rows; compared by counts and" in html
    assert "&lt;b&gt;bold&lt;/b&gt;" in html
    assert "<b>bold</b>" not in html
    assert "only in" in html


def test_a_page_of_equal_stores_says_how_they_were_compared(site: Site, page: Callable[..., str]) -> None:
    site.put("mongodb", ["a", "a"])
    site.put("milvus", ["a", "a"])
    html = page(site.batch("milvus"), ExpectStoresToReconcile(comparison_data_source="logs", comparison_asset="rows"))
    assert "2 ids in Milvus, 2 in logs/rows: no difference found; compared by ids" in html
