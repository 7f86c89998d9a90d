"""Documents as they are: nested, odd names, mixed and rare types; a suite sees them without a surprise."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import great_expectations
import great_expectations.expectations as gxe
import pytest
from bson import ObjectId
from bson.decimal128 import Decimal128
from great_expectations.expectations.row_conditions import Column

from expectations_plugins.mongodb import connection as mongodb
from pipeline.local import Endpoints

LONG = "x" * 1_000_000
DAY = datetime(2026, 11, 20, 9, tzinfo=UTC)
DOCUMENTS: list[dict[str, Any]] = [
    {"key": "0", "v": None, "deep": {"er": {"n": 1}}, "tags": ["a", "b"]},
    {"key": "1", "deep": {"er": {"n": 2}}, "tags": []},
    {"key": "2", "v": "text", "deep": {"er": None}, "a.b": 1, "c d": 2, "$e": 3, 'quo"te': 4},
    {"key": "3", "v": 7, "deep": "flat", "a": {"b": 9}},
    {"key": "4", "v": Decimal128("7.50"), "at": DAY},
    {"key": "5", "v": ObjectId("655f00000000000000000001"), "at": DAY.replace(hour=10)},
    {"key": "6", "v": LONG, "at": "2026-11-20T11:00:00"},
    {"key": "7", "v": True},
    {"key": "8", "v": float("nan")},
    {"key": "9", "v": float("inf")},
    {"key": "a", "v": 2**62},
    {"key": "b", "v": b"bytes"},
    {"key": "c", "v": {"$gt": ""}},
]


@pytest.fixture(scope="module")
def batch(endpoints: Endpoints) -> Iterator[Any]:
    database = mongodb.connect(str(endpoints.mongodb_uri), f"t{uuid.uuid4().hex[:10]}")
    database.things.insert_many([{"_id": one["key"], **one} for one in DOCUMENTS])
    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("A_MONGODB", str(endpoints.mongodb_uri))
        source = context.data_sources.add_mongodb("m", connection_string="${A_MONGODB}", database=database.name)
        yield source.add_collection("things", allow_missing=True).add_batch_definition("all").get_batch()
    database.client.drop_database(database.name)
    database.client.close()


def unexpected(batch: Any, expectation: Any) -> list[str]:
    """Keys of the unexpected records, whatever their values."""
    asked = {"result_format": "COMPLETE", "unexpected_index_column_names": ["key"]}
    found = batch.validate(expectation, result_format=asked)
    assert not any(info["raised_exception"] for info in found.exception_info.values() if isinstance(info, dict))
    found.to_json_dict()  # whatever the store holds can be written down
    return [row["key"] for row in found.result.get("unexpected_index_list", [])]


def test_missing_null_and_nan_are_null(batch: Any) -> None:
    assert unexpected(batch, gxe.ExpectColumnValuesToNotBeNull(column="v")) == ["0", "1", "8"]


def test_a_nested_field_is_named_by_its_path(batch: Any) -> None:
    nested = gxe.ExpectColumnValuesToBeBetween(column="deep.er.n", min_value=2)
    assert unexpected(batch, nested) == ["0"]
    assert unexpected(batch, gxe.ExpectColumnValuesToBeNull(column="deep.er.n")) == ["0", "1"]


@pytest.mark.parametrize(("column", "key"), [(r"a\.b", "2"), ("a.b", "3"), ("c d", "2"), ("$e", "2"), ('quo"te', "2")])
def test_odd_names_are_names(batch: Any, column: str, key: str) -> None:
    assert unexpected(batch, gxe.ExpectColumnValuesToBeNull(column=column)) == [key]


def test_values_of_another_kind_than_the_bounds_are_unexpected(batch: Any) -> None:
    between = gxe.ExpectColumnValuesToBeBetween(column="v", min_value=0, max_value=10)
    assert unexpected(batch, between) == ["2", "5", "6", "7", "9", "a", "b", "c"]


def test_dates_compare_with_dates(batch: Any) -> None:
    late = gxe.ExpectColumnValuesToBeBetween(column="at", min_value="2026-11-20T09:30:00+00:00")
    assert unexpected(batch, late) == ["4", "6"]
    assert unexpected(batch, gxe.ExpectColumnValuesToBeOfType(column="at", type_="datetime")) == ["6"]


@pytest.mark.parametrize(
    ("type_", "keys"),
    [
        ("str", "26"),
        ("int", "37a"),
        ("integer", "3a"),
        ("bool", "7"),
        ("float", "9"),
        ("decimal", "4"),
        ("objectId", "5"),
        ("bytes", "b"),
        ("dict", "c"),
        ("number", "349a"),
    ],
)
def test_types_are_told_apart(batch: Any, type_: str, keys: str) -> None:
    others = sorted(set("2345679abc") - set(keys))
    assert unexpected(batch, gxe.ExpectColumnValuesToBeOfType(column="v", type_=type_)) == others


def test_lists_are_values(batch: Any) -> None:
    assert unexpected(batch, gxe.ExpectColumnValuesToBeOfType(column="tags", type_="list")) == []
    assert unexpected(batch, gxe.ExpectColumnValuesToMatchRegex(column="tags", regex="a")) == ["0", "1"]


def test_a_value_that_looks_like_an_operator_is_a_value(batch: Any) -> None:
    in_set = gxe.ExpectColumnValuesToNotBeInSet(column="v", value_set=["$v", "$$ROOT", "text"])
    assert unexpected(batch, in_set) == ["2"]
    no_type = unexpected(batch, gxe.ExpectColumnValuesToBeInSet(column="v", value_set=[{"$gt": ""}]))
    assert "c" not in no_type


def test_a_type_nobody_knows_is_refused(batch: Any) -> None:
    found = batch.validate(gxe.ExpectColumnValuesToBeOfType(column="v", type_="strnig"))
    assert not found.success
    assert "No type is called 'strnig'" in str(found.exception_info)


@pytest.mark.parametrize("dtype", ["object", "O", "datetime64"])
def test_a_dtype_of_pandas_is_refused_by_name(batch: Any, dtype: str) -> None:
    found = batch.validate(gxe.ExpectColumnValuesToBeOfType(column="v", type_=dtype))
    assert f"cannot compute the type '{dtype}'" in str(found.exception_info)


def test_a_dtype_beside_a_type_is_passed_over(batch: Any) -> None:
    either = gxe.ExpectColumnValuesToBeInTypeList(column="v", type_list=["object", "str"])
    assert unexpected(batch, either) == unexpected(batch, gxe.ExpectColumnValuesToBeOfType(column="v", type_="str"))


@pytest.mark.parametrize("expectation", [gxe.ExpectColumnMeanToBeBetween, gxe.ExpectColumnMaxToBeBetween])
def test_a_mixed_field_has_no_mean_and_no_largest_value(batch: Any, expectation: Any) -> None:
    found = batch.validate(expectation(column="v", min_value=0))
    assert not found.success
    assert "needs " in str(found.exception_info)


def test_a_day_that_is_missing_is_missing_also_where_another_is_there_twice(batch: Any) -> None:
    """As text and as a date: two values of the field, one of the set."""
    days = ["2026-11-20T11:00:00", "2026-11-20T09:00:00", "2026-11-21"]
    found = batch.validate(gxe.ExpectColumnDistinctValuesToContainSet(column="at", value_set=days))
    assert not found.success
    assert batch.validate(gxe.ExpectColumnDistinctValuesToContainSet(column="at", value_set=days[:2])).success


def test_the_middle_of_decimals_is_a_decimal(batch: Any) -> None:
    some = Column("v").is_in([7]) | (Column("key") == "4")
    found = batch.validate(gxe.ExpectColumnMedianToBeBetween(column="v", min_value=7, max_value=8, row_condition=some))
    assert found.success, found.exception_info


def test_whole_numbers_stay_whole_beside_nulls(batch: Any) -> None:
    head = batch.head(13).data
    assert head.set_index("key")["v"]["a"] == 2**62
    assert isinstance(head.set_index("key")["v"]["a"], int)
