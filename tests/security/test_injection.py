"""Texts from outside stay texts: in queries and pages of a whole run, and where names are part of a query."""

from __future__ import annotations

import pytest

from expectations_plugins.conditions.expressions import Field
from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.engine.backend import UnsupportedError
from expectations_plugins.milvus.conditions import reference
from expectations_plugins.milvus.connection import connect as connect_milvus
from expectations_plugins.neo4j.conditions import quoted
from expectations_plugins.neo4j.connection import connect as connect_neo4j
from pipeline.local import Endpoints
from pipeline.stores.bigquery.connection import connect as connect_bigquery
from pipeline.stores.bigquery.queries import checked_batch_id, dataset_path
from tests.security.whole_run import MARKUP, OPERATORS, OTHER, WholeRun, record

FIELDS, USERS = "fields.jsonl", "users.jsonl"


def usable(whole_run: WholeRun) -> set[str]:
    """The texts that may be ids: those without line breaks and tabs."""
    return {text for text in whole_run.texts if text.isprintable() or not set(text) & set("\n\r\t")}


def test_every_field_of_a_record_is_in_mongodb_as_it_was_sent(whole_run: WholeRun) -> None:
    rows = list(whole_run.database["interactions"].find({"batch_id": whole_run.batch(FIELDS)["_id"]}))
    assert {row["_id"] for row in rows} == usable(whole_run)
    for row in rows:
        sent = record(row["_id"])
        assert row["extra"] == {"$where": sent["$where"], "a.b": sent["a.b"]}
        same = ("interaction_id", "user_id", "campaign_id", "type", "message")
        assert {name: row[name] for name in same} == {name: sent[name] for name in same}


def test_a_record_whose_id_cannot_be_one_is_a_dead_letter_with_its_text(whole_run: WholeRun) -> None:
    dead = list(whole_run.database["dead_letters"].find({"batch_id": whole_run.batch(FIELDS)["_id"]}))
    assert {letter["reason"] for letter in dead} == {"bad_id"}
    assert len(dead) == len(whole_run.texts) - len(usable(whole_run))


def test_every_interaction_of_the_graph_points_to_its_own_campaign_only(
    whole_run: WholeRun, endpoints: Endpoints
) -> None:
    given = str(endpoints.neo4j_uri), str(endpoints.neo4j_user), str(endpoints.neo4j_password)
    graph = connect_neo4j(*given, database=endpoints.neo4j_database)
    query = "MATCH (i {batch_id: $batch})-[:REFERS_TO]->(c) RETURN i.interaction_id AS i, c.campaign_id AS c"
    rows = graph.read(query, {"batch": whole_run.batch(FIELDS)["_id"]}, doing="asking", timeout=30)
    graph.close()
    assert sorted((row["i"], row["c"]) for row in rows) == sorted((text, text) for text in usable(whole_run))


def test_every_text_has_its_vector(whole_run: WholeRun, endpoints: Endpoints) -> None:
    client = connect_milvus(str(endpoints.milvus_uri))
    where = f'batch_id == "{whole_run.batch(FIELDS)["_id"]}"'
    found = client.query(whole_run.unique, filter=where, output_fields=["interaction_id"], consistency_level="Strong")
    client.close()
    assert {row["interaction_id"] for row in found} == usable(whole_run)


def test_every_text_is_a_campaign_of_the_published_metrics(whole_run: WholeRun, endpoints: Endpoints) -> None:
    client = connect_bigquery(str(endpoints.bigquery_project), endpoint=endpoints.bigquery_endpoint)
    sql = f"SELECT batch_id, campaign_id, type FROM `{whole_run.unique}.published_metrics`"
    rows = [tuple(row.values()) for row in client.query(sql).result()]
    client.close()
    batch = whole_run.batch(FIELDS)["_id"]
    assert {row[1:] for row in rows if row[0] == batch} == {(text, text) for text in usable(whole_run)}
    assert whole_run.batch(USERS)["_id"] not in {row[0] for row in rows}


def test_a_user_id_that_would_be_an_operator_is_a_bad_user_id(whole_run: WholeRun) -> None:
    batch = whole_run.batch(USERS)
    everyone = len(whole_run.texts) + len(OPERATORS)
    assert batch["counts"] == {"read": everyone, "accepted": 0, "quarantined": everyone, "duplicate": 0, "dead": 0}


def test_another_batch_is_as_it_would_be_without_them(whole_run: WholeRun) -> None:
    batch = whole_run.batch(OTHER)
    rows = whole_run.database["interactions"]
    assert batch["counts"] == {"read": 60, "accepted": 60, "quarantined": 0, "duplicate": 0, "dead": 0}
    assert rows.count_documents({"batch_id": batch["_id"], "quarantine": {"$exists": False}}) == 60


def test_markup_is_text_on_every_page(whole_run: WholeRun) -> None:
    pages = [path.read_text("utf-8") for path in (whole_run.folder / "gx").rglob("*.html")]
    assert any("alert(1)" in page for page in pages)
    assert [page[:200] for page in pages if MARKUP in page] == []


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a`b", "`a``b`"),
        ("a\\u0060b", "`a``b`"),
        ("a\\uuu0060b", "`a``b`"),
        ("a\\u005cu0060b", "`a``b`"),
        ("a\\u005c\\u0075\\u0030060b", "`a``b`"),
        ("a\\u00", "`a\\u00`"),
    ],
)
def test_no_name_ends_its_quotes_in_cypher(name: str, written: str) -> None:
    assert quoted(name) == written


@pytest.mark.parametrize("name", ["a b", "a\n", "a)", "", "a or true", "é"])
def test_a_field_of_milvus_is_a_name_or_refused(name: str) -> None:
    with pytest.raises(UnsupportedError):
        reference(Field(name))


@pytest.mark.parametrize(
    ("project", "dataset"), [("p", "d\n"), ("p\n", "d"), ("p`", "d"), ("p", "d`.x"), ("p", ""), ("p", "d; DROP")]
)
def test_a_dataset_of_bigquery_is_a_name_or_refused(project: str, dataset: str) -> None:
    with pytest.raises(ConfigurationError, match="BIGQUERY_DATASET"):
        dataset_path(project, dataset)


@pytest.mark.parametrize("batch", ["", "ab' OR TRUE --", "ab" * 32 + "\n", "AB" * 6])
def test_a_batch_in_bigquerys_sql_is_an_id_or_refused(batch: str) -> None:
    with pytest.raises(ConfigurationError, match="batch id"):
        checked_batch_id(batch)
