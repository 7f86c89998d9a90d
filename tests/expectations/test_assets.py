"""Assets and batches on the real servers: relationships, queries, filters, days, hours and windows; looking at them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import great_expectations
import great_expectations.expectations as gxe
import pytest
from great_expectations.datasource.fluent.interfaces import TestConnectionError as GXTestConnectionError
from great_expectations.expectations.row_conditions import Column
from great_expectations.metrics.batch.batch_column_types import BatchColumnTypes
from great_expectations.metrics.batch.row_count import BatchRowCount
from great_expectations.metrics.column.distinct_values import ColumnDistinctValues
from great_expectations.metrics.column.mean import ColumnMean

from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.mongodb import connection as mongodb
from expectations_plugins.neo4j import connection as neo4j
from expectations_plugins.neo4j.datasource import Neo4jDatasource
from pipeline.local import Endpoints
from tests.gx_cases.judging import raised

BEGIN = datetime(2026, 11, 20, 23, 45, tzinfo=UTC)
"""Events every five minutes from here on, so that they lie in two days, two hours and several windows."""


@pytest.fixture
def context(endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Any:
    monkeypatch.setenv("A_MONGODB", str(endpoints.mongodb_uri))
    monkeypatch.setenv("A_NEO4J", str(endpoints.neo4j_password))
    found = great_expectations.get_context(mode="file", project_root_dir=tmp_path)
    found.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return found


@pytest.fixture
def collection(endpoints: Endpoints, context: Any) -> Iterator[Any]:
    """A MongoDB asset of eight events."""
    database = mongodb.connect(str(endpoints.mongodb_uri), f"t{uuid.uuid4().hex[:10]}")
    database.events.insert_many([event(number) for number in range(8)])
    source = context.data_sources.add_mongodb("m", connection_string="${A_MONGODB}", database=database.name)
    yield source.add_collection("events", sort_by="at")
    database.client.drop_database(database.name)
    database.client.close()


@pytest.fixture
def graph_source(endpoints: Endpoints, context: Any) -> Iterator[tuple[Neo4jDatasource, str]]:
    """Eight events as nodes, each but the last related to the next, with a weight."""
    graph = neo4j.connect(
        str(endpoints.neo4j_uri),
        str(endpoints.neo4j_user),
        str(endpoints.neo4j_password),
        database=endpoints.neo4j_database,
    )
    label = f"T{uuid.uuid4().hex[:10]}"
    rows = [event(number) | {"id": number} for number in range(8)]
    join = (
        f"UNWIND $rows AS row MATCH (a:{label} {{id: row.id}}), (b:{label} {{id: row.id + 1}})"
        " CREATE (a)-[:NEXT {w: row.n}]->(b)"
    )
    graph.write([f"UNWIND $rows AS row CREATE (n:{label}) SET n += row", join], {"rows": rows}, doing="t", timeout=30)
    yield (
        context.data_sources.add_neo4j(
            "g",
            uri=endpoints.neo4j_uri,
            user=endpoints.neo4j_user,
            password="${A_NEO4J}",
            database=endpoints.neo4j_database,
        ),
        label,
    )
    graph.write([f"MATCH (n:{label}) DETACH DELETE n"], {}, doing="t", timeout=30)
    graph.close()


def event(number: int) -> dict[str, Any]:
    return {"n": number, "kind": "click" if number % 2 else "view", "at": BEGIN + number * timedelta(minutes=5)}


def count(batch: Any) -> int:
    return int(batch.validate(gxe.ExpectTableRowCountToEqual(value=0)).result["observed_value"])


def test_batches_by_day_hour_and_window(collection: Any) -> None:
    daily = collection.add_batch_definition_daily("day", "at")
    hourly = collection.add_batch_definition_hourly("hour", "at")
    window = collection.add_batch_definition_window("window", "at", minutes=10)
    assert count(daily.get_batch({"year": 2026, "month": 11, "day": 20})) == 3
    assert count(daily.get_batch({"year": 2026, "month": 11, "day": 21})) == 5
    assert count(hourly.get_batch({"year": 2026, "month": 11, "day": 21, "hour": 0})) == 5
    assert count(window.get_batch({"window": "2026-11-20T23:50:00+00:00"})) == 2
    assert count(window.get_batch({"window": datetime(2026, 11, 20, 23, 40, tzinfo=UTC)})) == 1
    assert count(window.get_batch({"window": "2026-11-21T01:00"})) == 0


@pytest.mark.parametrize(
    ("parameters", "said"),
    [({"window": "2026-11-20T23:55:00"}, "no window of 10 minutes begins"), ({"window": "soon"}, "name no moment")],
)
def test_a_window_that_is_none_is_refused(collection: Any, parameters: dict[str, Any], said: str) -> None:
    window = collection.add_batch_definition_window("window", "at")
    with pytest.raises(ConfigurationError, match=said):
        window.get_batch(parameters)


def test_windows_have_to_fill_a_day(collection: Any) -> None:
    with pytest.raises(ConfigurationError, match="do not fill a day"):
        collection.add_batch_definition_window("window", "at", minutes=7)


def test_a_filter_belongs_to_the_asset_and_survives_saving(collection: Any, context: Any) -> None:
    collection.datasource.add_collection("clicks", collection="events", where=Column("kind") == "click")
    again = great_expectations.get_context(mode="file", project_root_dir=context.root_directory.removesuffix("/gx"))
    clicks = again.data_sources.get("m").get_asset("clicks")
    by_number = clicks.add_batch_definition_by("one", "n")
    assert count(clicks.add_batch_definition("all").get_batch()) == 4
    assert count(by_number.get_batch({"n": 3})) == 1
    assert count(by_number.get_batch({"n": 2})) == 0


def test_the_fields_of_a_relationship_are_its_own_and_its_ends(graph_source: tuple[Neo4jDatasource, str]) -> None:
    source, label = graph_source
    asset = source.add_relationship("next", "NEXT", start=label, end=label, where=Column("start.kind") == "view")
    batch = asset.add_batch_definition("all").get_batch()
    assert count(batch) == 4
    found = batch.validate(gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="end.n", column_B="start.n"))
    assert found.success
    bad = batch.validate(gxe.ExpectColumnValuesToBeInSet(column="w", value_set=[0, 2]), result_format="COMPLETE")
    assert bad.result["unexpected_list"] == [4, 6]
    head = batch.head(2).data
    assert set(head.columns) >= {"w", "start.n", "end.n"}
    assert len(head) == 2


def test_a_cypher_query_is_an_asset(graph_source: tuple[Neo4jDatasource, str]) -> None:
    source, label = graph_source
    query = f"MATCH (n:{label}) RETURN n.kind AS kind, count(*) AS `how many`, max(n.n) AS most"
    batch = source.add_query("kinds", query, key="kind", sort_by="kind").add_batch_definition("all").get_batch()
    assert count(batch) == 2
    assert batch.columns() == ["kind", "how many", "most"]
    assert batch.validate(gxe.ExpectColumnValuesToBeBetween(column="how many", min_value=4, max_value=4)).success
    assert batch.validate(gxe.ExpectColumnValuesToBeDecreasing(column="most")).success
    assert batch.validate(gxe.ExpectColumnMaxToBeBetween(column="most", min_value=7, max_value=7)).success
    unordered = gxe.ExpectTableColumnsToMatchOrderedList(column_list=["kind", "how many", "most"])
    assert batch.validate(unordered).success
    assert batch.head().data.to_dict("records")[0] == {"kind": "click", "how many": 4, "most": 7}


DATES: dict[str, Any] = {
    "zoned": lambda at: at,
    "local": lambda at: at.replace(tzinfo=None),
    "day": lambda at: at.date(),
}


@pytest.mark.parametrize("kind", DATES)
def test_a_day_of_a_graph_has_its_dates_of_every_type(graph_source: tuple[Neo4jDatasource, str], kind: str) -> None:
    source, label = graph_source
    graph = source.get_execution_engine().backend.graph
    rows = [{"n": number, "at": DATES[kind](BEGIN + number * timedelta(hours=12))} for number in range(8)]
    graph.write([f"UNWIND $rows AS row CREATE (n:{label}D) SET n += row"], {"rows": rows}, doing="t", timeout=30)
    asset = source.add_node(f"dates {kind}", f"{label}D")
    day = asset.add_batch_definition_daily("day", "at").get_batch({"year": 2026, "month": 11, "day": 21})
    later = asset.add_batch_definition("all").get_batch()
    since = Column("at") >= BEGIN + timedelta(hours=12)
    counts = [count(day), later.validate(gxe.ExpectTableRowCountToEqual(value=0, row_condition=since)).result]
    graph.write([f"MATCH (n:{label}D) DELETE n"], {}, doing="t", timeout=30)
    at = [row["at"] for row in rows]
    wanted = [one for one in at if (one if kind == "day" else one.date()) == (BEGIN + timedelta(days=1)).date()]
    assert counts[0] == len(wanted)
    after = {"zoned": 7, "local": 7, "day": 5}  # of days: the 21st begins before noon of its own
    assert counts[1]["observed_value"] == after[kind]


@pytest.mark.parametrize("misspelt", ["relationship", "start", "end"])
def test_each_name_of_a_relationship_has_to_exist(graph_source: tuple[Neo4jDatasource, str], misspelt: str) -> None:
    source, label = graph_source
    names = {"relationship": "NEXT", "start": label, "end": label}
    names[misspelt] += "X"
    with pytest.raises(GXTestConnectionError, match=f"Neo4j has no (label|relationship type) '{names[misspelt]}'"):
        source.add_relationship("misspelt", **names)


def test_a_query_that_may_name_what_is_missing_is_run(graph_source: tuple[Neo4jDatasource, str]) -> None:
    source, label = graph_source
    query = f"UNWIND [1, 2] AS x OPTIONAL MATCH (n:{label}X) RETURN x"
    batch = source.add_query("optional", query, allow_missing=True).add_batch_definition("all").get_batch()
    assert count(batch) == 2


def test_a_label_in_a_query_that_does_not_exist_is_told_where_the_server_tells(
    graph_source: tuple[Neo4jDatasource, str],
) -> None:
    source, label = graph_source
    query = f"MATCH (n:{label}X) RETURN n.kind AS kind"
    if not source.get_execution_engine().backend.graph.explain(query, doing="t", timeout=10).columns:
        pytest.skip("this server explains no query")
    with pytest.raises(GXTestConnectionError, match=f"no label '{label}X'; the closest names are '{label}'"):
        source.add_query("misspelt", query)


def test_a_query_that_is_none_cannot_be_added(graph_source: tuple[Neo4jDatasource, str]) -> None:
    source, label = graph_source
    with pytest.raises(GXTestConnectionError, match="Neo4j"):
        source.add_query("broken", f"MATCH (n:{label} RETURN n")


def test_a_check_changes_nothing_also_where_its_query_would(graph_source: tuple[Neo4jDatasource, str]) -> None:
    source, label = graph_source
    query = f"MATCH (n:{label}) SET n.changed = true RETURN n.n AS n"
    graph = source.get_execution_engine().backend.graph
    with suppress(GXTestConnectionError):  # where the server tells that it would
        batch = source.add_query("writing", query).add_batch_definition("all").get_batch()
        batch.validate(gxe.ExpectTableRowCountToEqual(value=8))
    [found] = graph.read(f"MATCH (n:{label}) WHERE n.changed RETURN count(n) AS n", {}, doing="t", timeout=10)
    assert found["n"] == 0


@pytest.mark.parametrize("end", [";", " ;\n", " // the kinds", "\n// the kinds\n"])
def test_a_query_may_end_as_people_end_one(graph_source: tuple[Neo4jDatasource, str], end: str) -> None:
    source, label = graph_source
    batch = source.add_query(f"q{end}", f"MATCH (n:{label}) RETURN n.kind AS kind{end}").add_batch_definition("all")
    assert count(batch.get_batch()) == 8


def test_batches_that_are_sliced_in_two_ways_are_two_batches(collection: Any, context: Any) -> None:
    """GX keeps one result for each batch id, and made ids of the parameters' values only."""
    suite = context.suites.add(
        great_expectations.ExpectationSuite(name="s", expectations=[gxe.ExpectTableRowCountToEqual(value=3)])
    )
    long = collection.add_batch_definition_window("long", "at", minutes=720)
    short = collection.add_batch_definition_window("short", "at", minutes=5)
    validations = [
        context.validation_definitions.add(
            great_expectations.ValidationDefinition(name=name, data=definition, suite=suite)
        )
        for name, definition in (("long", long), ("short", short))
    ]
    at = {"window": "2026-11-21T00:00:00+00:00"}
    checkpoint = great_expectations.Checkpoint(name="c", validation_definitions=validations, actions=[])
    result = context.checkpoints.add(checkpoint).run(batch_parameters=at)
    assert len(result.run_results) == 2
    assert sorted(one.results[0].result["observed_value"] for one in result.run_results.values()) == [1, 5]


def test_values_of_two_types_are_two_batches(collection: Any) -> None:
    by = collection.add_batch_definition_by("by", "n")
    assert by.get_batch({"n": 1}).id != by.get_batch({"n": "1"}).id


@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_a_batch_by_no_value_is_the_records_without_one(collection: Any, endpoints: Endpoints, nothing: Any) -> None:
    database = mongodb.connect(str(endpoints.mongodb_uri), collection.datasource.database)
    database.events.insert_many([{"kind": None}, {}, {"kind": float("nan")}])
    assert count(collection.add_batch_definition_by("by kind", "kind").get_batch({"kind": nothing})) == 3
    database.client.close()


@pytest.mark.parametrize("day", [{"year": 9999, "month": 12, "day": 31}, {"year": 2026, "month": 11, "day": 20.5}])
def test_a_day_that_is_none_is_refused(collection: Any, day: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="name no moment"):
        collection.add_batch_definition_daily("day", "at").get_batch(day)


def test_a_filter_that_is_no_condition_is_refused(collection: Any) -> None:
    with pytest.raises(ConfigurationError, match="is no condition of GX"):
        collection.datasource.add_collection("odd", "events", where="n == 1")


def test_a_path_is_no_name_that_could_exist(collection: Any, endpoints: Endpoints) -> None:
    database = mongodb.connect(str(endpoints.mongodb_uri), collection.datasource.database)
    database.events.insert_one({"extra": {"source": 1}, "with.dot": 1})
    batch = collection.add_batch_definition("all").get_batch()
    assert batch.validate(gxe.ExpectColumnToExist(column=r"with\.dot")).success
    assert not batch.validate(gxe.ExpectColumnToExist(column="extra.source")).success
    assert "not paths" in " ".join(raised(batch.validate(gxe.ExpectColumnToExist(column="extra.source"))))
    database.client.close()


def test_a_look_at_a_batch_that_is_gone_says_why(collection: Any, endpoints: Endpoints) -> None:
    batch = collection.add_batch_definition("all").get_batch()
    database = mongodb.connect(str(endpoints.mongodb_uri), collection.datasource.database)
    database.drop_collection("events")
    database.client.close()
    for look in (batch.columns, batch.head):
        with pytest.raises(ConfigurationError, match="MongoDB has no collection 'events'"):
            look()


def test_a_query_to_paste_has_dates_that_the_stores_shell_reads(
    collection: Any, graph_source: tuple[Neo4jDatasource, str]
) -> None:
    source, label = graph_source
    asked = gxe.ExpectColumnValuesToBeBetween(column="at", max_value=BEGIN)
    nodes = source.add_node("nodes", label)
    queries = [
        one.add_batch_definition("pasted").get_batch().validate(asked, result_format="COMPLETE").result
        for one in (collection, nodes)
    ]
    assert 'ISODate("2026-11-20T23:45:00+00:00")' in queries[0]["unexpected_index_query"]
    assert 'datetime("2026-11-20T23:45:00+00:00")' in queries[1]["unexpected_index_query"]
    assert 'localdatetime("2026-11-20T23:45:00")' in queries[1]["unexpected_index_query"]


def test_a_look_at_a_batch(collection: Any) -> None:
    batch = collection.add_batch_definition("all").get_batch()
    assert batch.columns() == ["_id", "n", "kind", "at"]
    assert list(batch.head(3).data["n"]) == [0, 1, 2]
    with pytest.raises(Exception, match="1,000 rows at most"):
        batch.head(fetch_all=True)


def test_metrics_can_be_computed_by_themselves(collection: Any) -> None:
    batch = collection.add_batch_definition("all").get_batch()
    asked = [BatchRowCount(), ColumnMean(column="n"), ColumnDistinctValues(column="kind"), BatchColumnTypes()]
    rows, mean, kinds, types = (result.value for result in batch.compute_metrics(asked))
    assert (rows, mean, set(kinds)) == (8, 3.5, {"click", "view"})
    assert {type_.name: type_.type for type_ in types}["at"] == "date"


def test_unexpected_rows_are_whole_records(collection: Any) -> None:
    batch = collection.add_batch_definition("all").get_batch()
    asked = {"result_format": "SUMMARY", "include_unexpected_rows": True}
    found = batch.validate(gxe.ExpectColumnValuesToBeBetween(column="n", max_value=5), result_format=asked)
    assert list(found.result["unexpected_rows"]["n"]) == [6, 7]
    assert list(found.result["unexpected_rows"]["kind"]) == ["view", "click"]
