"""What every store's engine has to do. A test that needs what a store cannot do asks that it refuses, by name."""

from __future__ import annotations

import gc
import json
import tracemalloc
from pathlib import Path
from typing import Any

import great_expectations
import great_expectations.expectations as gxe
import pytest
from great_expectations.expectations.row_conditions import Column

from expectations_plugins.core.errors import ConfigurationError, TransientError
from expectations_plugins.engine.backend import UnsupportedError
from tests.conformance.contract import StoreUnderTest

NASTY = [
    "it's",
    'say "hi"',
    "back\\slash",
    "new\nline",
    "$where",
    "{'$gt': ''}",
    "1 or 1 == 1",
    "'; DROP TABLE rows; --",
    "ünï ☃ \U0001f40d",
    "`",
    "%",
    "x" * 900,
]
COMPLETE = {"result_format": "COMPLETE", "unexpected_index_column_names": ["key"]}


def rows(*texts: str, start: int = 0) -> list[dict[str, Any]]:
    """Records with these texts; their numbers count on."""
    return [{"key": f"k{number:05d}", "s": text, "n": number} for number, text in enumerate(texts, start)]


def refused(batch: Any, store: StoreUnderTest, expectation: Any) -> bool:
    """Whether it was refused, by the store's name, and not answered wrongly."""
    found = batch.validate(expectation)
    failures = list(batch.data.execution_engine.failures.values())
    named = [failure for failure in failures if isinstance(failure, UnsupportedError) and store.name in str(failure)]
    return not found.success and bool(named)


def check(store: StoreUnderTest, batch: Any, capability: str, expectation: Any, **asked: Any) -> Any:
    """The result; None where the store cannot, after seeing that it said so."""
    if capability not in store.can:
        assert refused(batch, store, expectation)
        return None
    found = batch.validate(expectation, **asked)
    raised = [info for info in found.exception_info.values() if isinstance(info, dict) and info["raised_exception"]]
    assert not raised, raised
    return found


def test_rows_are_counted(store: StoreUnderTest) -> None:
    batch = store.batch(rows("a", "b", "a"))
    assert batch.validate(gxe.ExpectTableRowCountToEqual(value=3)).success
    assert not batch.validate(gxe.ExpectTableRowCountToEqual(value=2)).success


def test_an_empty_batch_is_empty_and_no_error(store: StoreUnderTest) -> None:
    batch = store.batch([])
    for expectation in (gxe.ExpectTableRowCountToEqual(value=0), gxe.ExpectColumnValuesToNotBeNull(column="s")):
        found = batch.validate(expectation)
        if store.name != "SQLite" or found.success:  # a table without rows has no columns here
            assert found.success


@pytest.mark.parametrize("value", NASTY)
def test_values_are_values(store: StoreUnderTest, value: str) -> None:
    batch = store.batch(rows(value, "other"))
    found = batch.validate(gxe.ExpectColumnValuesToBeInSet(column="s", value_set=[value]), result_format=COMPLETE)
    assert found.result["unexpected_list"] == ["other"]
    none = batch.validate(gxe.ExpectColumnValuesToNotBeInSet(column="s", value_set=[value]), result_format=COMPLETE)
    assert none.result["unexpected_list"] == [value]


@pytest.mark.parametrize("value", NASTY)
def test_a_batch_is_sliced_by_value(store: StoreUnderTest, value: str) -> None:
    asset = store.asset(rows(value, value, "other"))
    batch = asset.add_batch_definition_by("of a text", "s").get_batch({"s": value})
    assert batch.validate(gxe.ExpectTableRowCountToEqual(value=2)).success


def test_unknown_batch_parameters_are_refused(store: StoreUnderTest) -> None:
    definition = store.asset(rows("a")).add_batch_definition_by("of a text", "s")
    with pytest.raises(ConfigurationError, match="needs the batch parameters"):
        definition.get_batch({"t": "a"})


def test_an_asset_has_a_filter(store: StoreUnderTest) -> None:
    batch = store.batch(rows("a", "b", "a"), where=Column("s") == "a")
    assert batch.validate(gxe.ExpectTableRowCountToEqual(value=2)).success


def test_numbers_lie_between(store: StoreUnderTest) -> None:
    batch = store.batch(rows("a", "b", "c", "d"))
    found = batch.validate(
        gxe.ExpectColumnValuesToBeBetween(column="n", min_value=1, max_value=2), result_format=COMPLETE
    )
    assert sorted(found.result["unexpected_list"]) == [0, 3]
    assert found.result["unexpected_percent"] == 50


def test_mostly_and_row_conditions(store: StoreUnderTest) -> None:
    batch = store.batch(rows("a", "a", "b", "b"))
    half = gxe.ExpectColumnValuesToBeInSet(column="s", value_set=["a"], mostly=0.5)
    assert batch.validate(half).success
    first = gxe.ExpectColumnValuesToBeInSet(column="s", value_set=["a"], row_condition=Column("n") < 2)
    assert batch.validate(first).result["element_count"] == 2


def test_examples_come_by_key_with_their_keys_and_are_bounded(store: StoreUnderTest) -> None:
    batch = store.batch(rows(*["bad"] * 250))
    found = batch.validate(gxe.ExpectColumnValuesToBeInSet(column="s", value_set=["good"]), result_format=COMPLETE)
    assert found.result["unexpected_count"] == 250
    assert len(found.result["unexpected_list"]) == 200
    keys = [row["key"] for row in found.result["unexpected_index_list"]]
    assert keys == sorted(keys)
    if store.name != "Milvus":  # which has no order
        assert keys[0] == "k00000"
    few = {"result_format": "SUMMARY", "partial_unexpected_count": 3}
    found = batch.validate(gxe.ExpectColumnValuesToBeInSet(column="s", value_set=["good"]), result_format=few)
    assert len(found.result["partial_unexpected_list"]) == 3


@pytest.mark.parametrize("form", ["BOOLEAN_ONLY", "BASIC", "SUMMARY", "COMPLETE"])
def test_every_result_format(store: StoreUnderTest, form: str) -> None:
    batch = store.batch(rows("a", "b"))
    found = batch.validate(gxe.ExpectColumnValuesToBeInSet(column="s", value_set=["a"]), result_format=form)
    assert not found.success
    assert ("unexpected_count" in found.result) == (form != "BOOLEAN_ONLY")
    assert ("unexpected_list" in found.result) == (form == "COMPLETE")
    json.dumps(found.to_json_dict())


def test_nulls(store: StoreUnderTest) -> None:
    if "nulls" not in store.can:
        pytest.skip("no field may be absent")
    batch = store.batch([*rows("a"), {"key": "k9", "s": None, "n": 9}])
    found = batch.validate(gxe.ExpectColumnValuesToNotBeNull(column="s"), result_format=COMPLETE)
    assert [row["key"] for row in found.result["unexpected_index_list"]] == ["k9"]
    assert batch.validate(gxe.ExpectColumnValuesToBeInSet(column="s", value_set=["a"])).result["missing_count"] == 1


def test_patterns_and_lengths(store: StoreUnderTest) -> None:
    batch = store.batch(rows("abc", "xbc", "a\nb"))
    found = check(
        store, batch, "regex", gxe.ExpectColumnValuesToMatchRegex(column="s", regex="^a"), result_format=COMPLETE
    )
    assert found is None or found.result["unexpected_list"] == ["xbc"]
    found = check(store, batch, "regex", gxe.ExpectColumnValuesToMatchLikePattern(column="s", like_pattern="a%"))
    assert found is None or found.result["unexpected_count"] == 1
    found = check(store, batch, "regex", gxe.ExpectColumnValueLengthsToEqual(column="s", value=3))
    assert found is None or found.success


def test_repeated_values(store: StoreUnderTest) -> None:
    batch = store.batch(rows("a", "b", "a"))
    found = check(store, batch, "groups", gxe.ExpectColumnValuesToBeUnique(column="s"), result_format=COMPLETE)
    assert found is None or [row["key"] for row in found.result["unexpected_index_list"]] == ["k00000", "k00002"]
    found = check(store, batch, "groups", gxe.ExpectCompoundColumnsToBeUnique(column_list=["s", "n"]))
    assert found is None or found.success
    found = check(
        store, batch, "groups", gxe.ExpectColumnUniqueValueCountToBeBetween(column="s", min_value=2, max_value=2)
    )
    assert found is None or found.success
    found = check(store, batch, "groups", gxe.ExpectColumnDistinctValuesToEqualSet(column="s", value_set=["a", "b"]))
    assert found is None or found.success
    found = check(store, batch, "groups", gxe.ExpectColumnMostCommonValueToBeInSet(column="s", value_set=["a"]))
    assert found is None or found.success


def test_aggregates(store: StoreUnderTest) -> None:
    batch = store.batch(rows("a", "b", "c", "d"))
    for expectation in (
        gxe.ExpectColumnMinToBeBetween(column="n", min_value=0, max_value=0),
        gxe.ExpectColumnMaxToBeBetween(column="n", min_value=3, max_value=3),
        gxe.ExpectColumnSumToBeBetween(column="n", min_value=6, max_value=6),
        gxe.ExpectColumnMeanToBeBetween(column="n", min_value=1.5, max_value=1.5),
    ):
        found = check(store, batch, "aggregates", expectation)
        assert found is None or found.success
    found = check(store, batch, "groups", gxe.ExpectColumnMedianToBeBetween(column="n", min_value=1.5, max_value=1.5))
    assert found is None or found.success
    found = check(store, batch, "stdev", gxe.ExpectColumnStdevToBeBetween(column="n", min_value=1.29, max_value=1.3))
    assert found is None or found.success


def test_order_and_pairs(store: StoreUnderTest) -> None:
    batch = store.batch([{"key": f"k{n}", "s": "a", "n": value} for n, value in enumerate([1, 3, 2])])
    found = check(store, batch, "order", gxe.ExpectColumnValuesToBeIncreasing(column="n"), result_format=COMPLETE)
    assert found is None or [row["key"] for row in found.result["unexpected_index_list"]] == ["k2"]
    found = check(store, batch, "pairs", gxe.ExpectColumnPairValuesToBeEqual(column_A="s", column_B="key"))
    assert found is None or found.result["unexpected_count"] == 3


@pytest.mark.parametrize("name", ["with space", "dot\\.ted", "$dollar", 'quo"te', "`tick`"])
def test_odd_names(store: StoreUnderTest, name: str) -> None:
    if "any_names" not in store.can:
        pytest.skip("names are letters, digits and _")
    if store.name == "Neo4j" and "\\" in name:
        pytest.skip("a property's name is one name, dots and all")
    batch = store.batch([{"key": "k1", name.replace("\\", ""): "a"}])
    assert batch.validate(gxe.ExpectColumnValuesToBeInSet(column=name, value_set=["a"])).success
    assert not batch.validate(gxe.ExpectColumnValuesToBeInSet(column=name, value_set=["b"])).success


def test_a_look_at_a_batch(store: StoreUnderTest) -> None:
    batch = store.batch(rows("a", "b"))
    assert {"key", "s", "n"} <= set(batch.columns())
    assert len(batch.head(1).data) == 1


def test_an_outage_is_an_error_of_its_own_type(store: StoreUnderTest) -> None:
    batch = store.unreachable()
    found = batch.validate(gxe.ExpectTableRowCountToEqual(value=0))
    assert not found.success
    assert [type(one) for one in batch.data.execution_engine.failures.values()] == [TransientError]


def test_what_no_store_can_do_is_refused_by_name(store: StoreUnderTest) -> None:
    batch = store.batch(rows("a"))
    assert refused(batch, store, gxe.ExpectColumnValuesToMatchJsonSchema(column="s", json_schema={}))
    assert refused(batch, store, gxe.ExpectColumnValueZScoresToBeLessThan(column="n", threshold=3, double_sided=True))


def test_secrets_stay_variables(store: StoreUnderTest, context: Any) -> None:
    batch = store.batch(rows("a"))
    saved = (Path(context.root_directory) / "great_expectations.yml").read_text("utf-8")
    assert "${CONFORMANCE_" in saved
    result = json.dumps(batch.validate(gxe.ExpectTableRowCountToEqual(value=1)).to_json_dict(), default=str)
    again = great_expectations.get_context(mode="file", context_root_dir=context.root_directory)
    assert "CONFORMANCE_" in str(again.data_sources.all())
    for secret in ("hunter2", "sluicegate-local"):
        assert secret not in result


def test_the_client_does_not_grow_with_the_batch(store: StoreUnderTest) -> None:
    suite = great_expectations.ExpectationSuite(
        name="s",
        expectations=[
            gxe.ExpectTableRowCountToBeBetween(min_value=1),
            gxe.ExpectColumnValuesToNotBeNull(column="s"),
            gxe.ExpectColumnValuesToBeInSet(column="s", value_set=["a", "b"]),
            gxe.ExpectColumnValuesToBeBetween(column="n", min_value=0),
        ],
    )
    peaks = []
    for size in (50, 5_000):
        batch = store.batch(rows(*["a", "b"] * (size // 2)))
        assert batch.validate(suite).success
        peaks.append(min(_peak(batch, suite) for _ in range(3)))  # other threads allocate now and then
    assert peaks[1] < 1.5 * peaks[0] + 500_000, peaks  # 5,000 records held would be some megabytes


def _peak(batch: Any, suite: Any) -> int:
    gc.collect()
    tracemalloc.start()
    assert batch.validate(suite).success
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak
