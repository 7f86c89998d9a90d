"""Paths that lead through lists (`items.sku`), in MongoDB: an expectation about values looks at each of them.

The oracle is written here by the definition in docs/push-down.md, and for filters it is the server's own `find`.
"""

from __future__ import annotations

import statistics
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import great_expectations
import great_expectations.expectations as gxe
import pytest
from great_expectations.expectations.row_conditions import Column

from expectations_plugins.engine.backend import UnsupportedError
from expectations_plugins.expectations import ExpectStoresToReconcile, ExpectUserIdsToBeWellFormed
from expectations_plugins.mongodb import connection as mongodb
from expectations_plugins.mongodb.backend import MongoDBBackend
from pipeline.local import Endpoints
from tests.expectations.test_engines import Wire

DOCUMENTS: list[dict[str, Any]] = [
    {"items": [{"sku": "a", "n": 1, "in": {"deep": [{"x": 1}]}}, {"sku": "b", "n": 2, "in": {"deep": []}}]},
    {"items": {"sku": "a", "n": 3, "in": {"deep": {"x": 2}}}},
    {"items": []},
    {},
    {"items": [{"n": 5}, {"sku": "c", "n": 4.5}]},
    {"items": [{"sku": None, "n": 2, "in": [{"deep": [{"x": 3}, {"x": "t"}]}]}]},
    {"items": [{"sku": "a"}, {"sku": "a"}]},
    {"items": [{"sku": "long text"}], "__v": 0, "list": [{"of": 2}, {"of": 1}]},
]
HALF_NULL = 4
"""The document that has a null beside a value."""

COMPLETE = {"result_format": "COMPLETE", "unexpected_index_column_names": ["_id"]}


def elements(document: Any, path: str) -> list[Any]:
    """The values a path has in a document: each list on the way is looked through, not one at its end."""
    values = [document]
    *way, last = path.split(".")
    for name in way:
        found = [value.get(name) if isinstance(value, dict) else None for value in values]
        values = [one for value in found for one in (value if isinstance(value, list) else [value])]
    return [value.get(last) if isinstance(value, dict) else None for value in values]


@pytest.fixture(scope="module")
def asset(endpoints: Endpoints) -> Iterator[Any]:
    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    database = mongodb.connect(str(endpoints.mongodb_uri), f"t{uuid.uuid4().hex[:10]}")
    database.events.insert_many([{"_id": number, **document} for number, document in enumerate(DOCUMENTS)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("A_MONGODB", str(endpoints.mongodb_uri))
        source = context.data_sources.add_mongodb("m", connection_string="${A_MONGODB}", database=database.name)
        yield source.add_collection("events", sort_by="_id")
    database.client.drop_database(database.name)
    database.client.close()


@pytest.fixture(scope="module")
def batch(asset: Any) -> Any:
    return asset.add_batch_definition("all").get_batch()


@pytest.fixture
def collection(asset: Any, endpoints: Endpoints) -> Iterator[Any]:
    database = mongodb.connect(str(endpoints.mongodb_uri), asset.datasource.database)
    yield database.events
    database.client.close()


@pytest.fixture
def wire(batch: Any, asset: Any, endpoints: Endpoints) -> Iterator[Wire]:
    """What is sent to the server."""
    engine, found = batch.data.execution_engine, Wire()
    there = engine.backend
    engine.backend = MongoDBBackend(found.listen(endpoints, asset.datasource.database))
    yield found
    engine.backend = there


MAPS: dict[str, tuple[Any, Callable[[Any], bool]]] = {
    "in set": (gxe.ExpectColumnValuesToBeInSet(column="items.sku", value_set=["a", "b"]), lambda v: v in ("a", "b")),
    "not in set": (gxe.ExpectColumnValuesToNotBeInSet(column="items.sku", value_set=["b"]), lambda v: v != "b"),
    "regex": (gxe.ExpectColumnValuesToMatchRegex(column="items.sku", regex="^[ab]$"), lambda v: v in ("a", "b")),
    "length": (gxe.ExpectColumnValueLengthsToEqual(column="items.sku", value=1), lambda v: len(v) == 1),
    "between": (gxe.ExpectColumnValuesToBeBetween(column="items.n", min_value=2, max_value=4), lambda v: 2 <= v <= 4),
    "type": (gxe.ExpectColumnValuesToBeOfType(column="items.n", type_="int"), lambda v: isinstance(v, int)),
    "deep": (
        gxe.ExpectColumnValuesToBeInSet(column="items.in.deep.x", value_set=[1, 2]),
        lambda v: v in (1, 2),
    ),
    "date": (gxe.ExpectColumnValuesToBeDateutilParseable(column="items.sku"), lambda _: False),
    "json": (gxe.ExpectColumnValuesToBeJsonParseable(column="items.sku"), lambda _: False),
    "strftime": (gxe.ExpectColumnValuesToMatchStrftimeFormat(column="items.sku", strftime_format="a"), "a".__eq__),
}


@pytest.mark.parametrize("name", MAPS)
def test_a_record_is_unexpected_when_one_of_its_values_is(batch: Any, name: str) -> None:
    expectation, accepts = MAPS[name]
    some = expectation.copy(update={"row_condition": Column("_id") != HALF_NULL})
    found = batch.validate(some, result_format=COMPLETE)
    values = {number: elements(document, expectation.column) for number, document in enumerate(DOCUMENTS)}
    del values[HALF_NULL]
    bad = [number for number in values if any(v is not None and not accepts(v) for v in values[number])]
    assert [row["_id"] for row in found.result["unexpected_index_list"]] == bad
    assert found.result["unexpected_count"] == len(bad)
    through_list = [number for number in bad if isinstance(DOCUMENTS[number]["items"], list)]
    shown = dict(zip(bad, found.result["unexpected_list"], strict=True))
    assert all(shown[number] == values[number] for number in through_list)


REFUSED_BESIDE_NULLS = [MAPS[name][0] for name in ("in set", "regex", "date", "json", "strftime")] + [
    gxe.ExpectColumnValuesToBeUnique(column="items.sku")
]


@pytest.mark.parametrize("expectation", REFUSED_BESIDE_NULLS, ids=lambda one: type(one).__name__)
def test_a_record_that_is_null_and_unexpected_is_neither_passed_over_nor_counted_twice(
    batch: Any, expectation: Any
) -> None:
    """GX takes what is null out of what it counts, and would pass a batch whose records are all both."""
    alone = expectation.copy(update={"row_condition": Column("_id").is_in([HALF_NULL, 6])})
    for asked in (expectation, alone):
        assert not batch.validate(asked).success
        [failure, *_] = batch.data.execution_engine.failures.values()
        assert isinstance(failure, UnsupportedError)
        assert "1 records have a null beside another value" in str(failure)


@pytest.mark.parametrize("path", ["items.sku", "items.n", "items.in.deep.x", "items.none"])
def test_a_record_is_null_where_one_of_its_values_is(batch: Any, path: str) -> None:
    values = [elements(document, path) for document in DOCUMENTS]
    not_null = batch.validate(gxe.ExpectColumnValuesToNotBeNull(column=path))
    assert not_null.result["unexpected_count"] == sum(any(v is None for v in one) for one in values)
    null = batch.validate(gxe.ExpectColumnValuesToBeNull(column=path))
    assert null.result["unexpected_count"] == sum(any(v is not None for v in one) for one in values)


def test_what_is_observed_of_a_column_is_of_all_its_values(batch: Any) -> None:
    numbers = [v for document in DOCUMENTS for v in elements(document, "items.n") if v is not None]
    texts = [v for document in DOCUMENTS for v in elements(document, "items.sku") if v is not None]
    asked: list[tuple[Any, Any]] = [
        (gxe.ExpectColumnMinToBeBetween(column="items.n", min_value=0), min(numbers)),
        (gxe.ExpectColumnMaxToBeBetween(column="items.n", min_value=0), max(numbers)),
        (gxe.ExpectColumnSumToBeBetween(column="items.n", min_value=0), sum(numbers)),
        (gxe.ExpectColumnMeanToBeBetween(column="items.n", min_value=0), statistics.mean(numbers)),
        (gxe.ExpectColumnStdevToBeBetween(column="items.n", min_value=0), statistics.stdev(numbers)),
        (gxe.ExpectColumnMedianToBeBetween(column="items.n", min_value=0), statistics.median(numbers)),
        (gxe.ExpectColumnUniqueValueCountToBeBetween(column="items.sku", min_value=0), len(set(texts))),
        (
            gxe.ExpectColumnProportionOfUniqueValuesToBeBetween(column="items.sku", min_value=0),
            len(set(texts)) / len(texts),
        ),
        (gxe.ExpectColumnMostCommonValueToBeInSet(column="items.sku", value_set=["a"]), ["a"]),
        (
            gxe.ExpectColumnProportionOfNonNullValuesToBeBetween(column="items.sku", min_value=0),
            sum(None not in elements(document, "items.sku") for document in DOCUMENTS) / len(DOCUMENTS),
        ),
    ]
    for expectation, wanted in asked:
        found = batch.validate(expectation).result["observed_value"]
        assert found == (wanted if isinstance(wanted, list) else pytest.approx(wanted)), type(expectation).__name__
    for make in (gxe.ExpectColumnDistinctValuesToEqualSet, gxe.ExpectColumnDistinctValuesToContainSet):
        assert batch.validate(make(column="items.sku", value_set=sorted(set(texts)))).success
        assert not batch.validate(make(column="items.sku", value_set=["a", "z"])).success


def test_a_field_of_the_users_with_any_name_is_left_alone(batch: Any) -> None:
    """Mongoose calls a document's version `__v`."""
    asked = gxe.ExpectColumnMostCommonValueToBeInSet(
        column="items.sku", value_set=["long text"], row_condition=Column("__v") == 0
    )
    assert batch.validate(asked).success


def test_the_aggregates_of_a_path_are_one_query(batch: Any, wire: Any) -> None:
    asked = [
        make(column="items.n", min_value=0)
        for make in (gxe.ExpectColumnMinToBeBetween, gxe.ExpectColumnSumToBeBetween, gxe.ExpectColumnMeanToBeBetween)
    ]
    assert batch.validate(great_expectations.ExpectationSuite(name="s", expectations=asked)).success
    assert [one for one in wire.sent if one == "aggregate"] == ["aggregate"] * 2  # and one for the count of no numbers


def test_records_are_in_no_order_by_a_path_through_a_list(asset: Any) -> None:
    ordered = asset.datasource.add_collection(f"ordered {uuid.uuid4().hex}", "events", sort_by="list.of")
    batch = ordered.add_batch_definition("all").get_batch()
    assert not batch.validate(gxe.ExpectColumnValuesToBeIncreasing(column="_id")).success
    [failure, *_] = batch.data.execution_engine.failures.values()
    assert "the order of 'list.of', whose path leads through a list in 1 records" in str(failure)


def test_stores_are_not_reconciled_by_a_path_through_a_list(asset: Any, batch: Any) -> None:
    other = asset.datasource.add_collection(f"other {uuid.uuid4().hex}", "events")
    asked = ExpectStoresToReconcile(key="items.sku", comparison_data_source="m", comparison_asset=other.name)
    assert not batch.validate(asked).success
    [failure, *_] = batch.data.execution_engine.failures.values()
    assert "a reconciliation by 'items.sku', whose path leads through a list in 6 records" in str(failure)


def test_a_value_that_occurs_twice_is_not_unique_wherever_it_is(batch: Any) -> None:
    values = {number: elements(document, "items.sku") for number, document in enumerate(DOCUMENTS)}
    del values[HALF_NULL]
    often = Counter(v for one in values.values() for v in one if v is not None)
    asked = gxe.ExpectColumnValuesToBeUnique(column="items.sku", row_condition=Column("_id") != HALF_NULL)
    found = batch.validate(asked, result_format=COMPLETE)
    bad = [number for number, one in values.items() if any(often[v] > 1 for v in one if v)]
    assert found.result["unexpected_count"] == len(bad)
    assert [row["_id"] for row in found.result["unexpected_index_list"]] == bad


PATH = Column("items.sku")
FILTERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "==": (PATH == "a", {"items.sku": "a"}),
    ">": (PATH > "a", {"items.sku": {"$gt": "a"}}),
    "<=": (PATH <= "b", {"items.sku": {"$lte": "b"}}),
    "in": (PATH.is_in(["b", "c"]), {"items.sku": {"$in": ["b", "c"]}}),
    "null": (PATH.is_null(), {"items.sku": None}),
    "not null": (PATH.is_not_null(), {"items.sku": {"$ne": None}}),
    "!=": (PATH != "a", {"$and": [{"items.sku": {"$ne": "a"}}, {"items.sku": {"$gte": ""}}]}),
    "not in": (
        PATH.is_not_in(["a", "b"]),
        {"$and": [{"items.sku": {"$nin": ["a", "b"]}}, {"items.sku": {"$gte": ""}}]},
    ),
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_condition_leaves_what_the_server_finds(asset: Any, batch: Any, collection: Any, name: str) -> None:
    condition, query = FILTERS[name]
    wanted = collection.count_documents(query)
    found = batch.validate(gxe.ExpectTableRowCountToEqual(value=wanted, row_condition=condition))
    assert found.success, found.result
    filtered = asset.datasource.add_collection(f"by {uuid.uuid4().hex}", "events", where=condition)
    rest = filtered.add_batch_definition("all").get_batch()
    assert rest.validate(gxe.ExpectTableRowCountToEqual(value=wanted)).success


def test_a_batch_by_the_value_of_a_path_is_the_records_that_have_it(asset: Any, collection: Any) -> None:
    batch = asset.add_batch_definition_by("one sku", "items.sku").get_batch({"items.sku": "a"})
    assert batch.validate(gxe.ExpectTableRowCountToEqual(value=collection.count_documents({"items.sku": "a"}))).success


def test_a_list_at_the_end_of_a_path_is_one_value(asset: Any, collection: Any) -> None:
    collection.database.tags.insert_many([{"tags": ["a", "b"]}, {"tags": "a"}, {"tags": []}])
    tags = asset.datasource.add_collection("tags")
    lists = gxe.ExpectColumnValuesToBeOfType(column="tags", type_="list")
    assert tags.add_batch_definition("all").get_batch().validate(lists).result["unexpected_count"] == 1
    for where in (Column("tags") == "a", Column("tags") >= "a", Column("tags").is_in(["a"])):
        some = asset.datasource.add_collection(f"tags {uuid.uuid4().hex}", "tags", where=where)
        batch = some.add_batch_definition("all").get_batch()
        assert batch.validate(gxe.ExpectTableRowCountToEqual(value=1)).success


REFUSED = [
    gxe.ExpectColumnPairValuesToBeEqual(column_A="items.sku", column_B="_id"),
    gxe.ExpectCompoundColumnsToBeUnique(column_list=["items.sku", "_id"]),
    gxe.ExpectSelectColumnValuesToBeUniqueWithinRecord(column_list=["items.sku", "_id"]),
    gxe.ExpectMulticolumnSumToEqual(column_list=["items.n", "_id"], sum_total=3),
    gxe.ExpectColumnValuesToBeIncreasing(column="items.n"),
]


@pytest.mark.parametrize("expectation", REFUSED, ids=lambda one: type(one).__name__)
def test_what_compares_one_value_of_a_record_is_refused_where_there_are_several(batch: Any, expectation: Any) -> None:
    found = batch.validate(expectation)
    assert not found.success
    failures = list(batch.data.execution_engine.failures.values())
    assert any(
        isinstance(one, UnsupportedError) and "leads through a list in 6 records" in str(one) for one in failures
    )
    few = expectation.copy(update={"row_condition": Column("_id").is_in([1, 3])})
    assert not [info for info in batch.validate(few).exception_info.values() if isinstance(info, dict)]


def test_user_ids_may_lie_within_lists(batch: Any) -> None:
    found = batch.validate(ExpectUserIdsToBeWellFormed(column="items.sku", pattern="^[abc]$", key="_id"))
    assert found.result["unexpected_count"] == 4, found.result
