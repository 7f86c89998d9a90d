"""Row conditions: every operator, alone, joined and nested; of an expectation and of an asset; given and read back.

The answer is that of GX's pandas engine, but for one thing that docs/push-down.md tells: a null is not unequal to
anything, as in SQL, where pandas takes it for unequal to everything.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import great_expectations
import great_expectations.expectations as gxe
import pandas as pd
import pytest
from great_expectations.expectations.row_conditions import (
    AndCondition,
    Column,
    ComparisonCondition,
    NullityCondition,
    Operator,
    OrCondition,
)

from expectations_plugins.engine.datasource import written
from tests.conformance.contract import StoreUnderTest

NUMBERS = [0, 1, 2, 3, 4, 5, 2, 9]
TEXTS = ["a", "b", "c", "a", "", "A", "it's", "b"]
BEGIN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

text, number, moment = Column("s"), Column("n"), Column("at")
ALONE: dict[str, Any] = {
    "==": text == "a",
    "== number": number == 2,
    "!=": text != "a",
    "<": number < 2,
    "<=": number <= 2,
    ">": number > 2,
    ">=": number >= 2,
    "in": text.is_in(["a", "it's"]),
    "in numbers": number.is_in([2, 9, 7]),
    "in nothing": text.is_in([]),
    "not in": text.is_not_in(["a", "it's"]),
    "not in numbers": number.is_not_in([2, 9]),
    "null": text.is_null(),
    "not null": text.is_not_null(),
}
JOINED: dict[str, Any] = {
    "in and in": text.is_in(["a", "b"]) & number.is_in([0, 1, 2]),
    "not in and >": text.is_not_in(["b"]) & (number > 1),
    "in or null": text.is_in(["c"]) | text.is_null(),
    "== or ==": (number == 0) | (number == 9),
    "!= and !=": (text != "a") & (number != 2),
    "three ands": ((text != "c") & (number >= 1)) & number.is_in([1, 3, 5, 9]),
    "and in or": ((text == "a") & (number > 1)) | ((text == "b") & number.is_not_in([1])),
}
NESTED: dict[str, tuple[Any, int]] = {
    "or in and": (AndCondition(conditions=[(text == "a") | (text == "b"), number > 0]), 3),
    "or in or": (OrCondition(conditions=[(text == "a") | text.is_in(["c"]), number == 9]), 4),
    "deep": (
        AndCondition(
            conditions=[OrCondition(conditions=[(number > 3) & text.is_not_in(["A"]), number == 0]), number != 9]
        ),
        2,
    ),
}
"""What GX takes for no expectation, but an asset's filter can be; how many records each leaves."""

EVERYTHING = {**ALONE, **JOINED}


def rows(store: StoreUnderTest) -> list[dict[str, Any]]:
    found = [{"key": f"k{place}", "s": TEXTS[place], "n": NUMBERS[place]} for place in range(len(NUMBERS))]
    nulls = {"s": None, "n": 3, "key": "k8"}, {"s": "a", "n": None, "key": "k9"}
    return [*found, *nulls] if "nulls" in store.can else found


def test_every_operator_is_tried() -> None:
    assert {str(Operator(one.operator)) for one in ALONE.values() if isinstance(one, ComparisonCondition)} == {
        str(operator) for operator in Operator
    }
    assert {one.is_null for one in ALONE.values() if isinstance(one, NullityCondition)} == {True, False}


@pytest.fixture(scope="module")
def pandas_counts() -> Any:
    """How many records GX's pandas engine finds by each condition."""
    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}

    def count(records: list[dict[str, Any]]) -> dict[str, int]:
        frame = pd.DataFrame(records, columns=["key", "s", "n"]).astype({"s": object})
        batch = context.data_sources.pandas_default.read_dataframe(frame)
        return counts(batch, {name: without_nulls(one) for name, one in EVERYTHING.items()})

    return count


def without_nulls(condition: Any) -> Any:
    """The condition, as pandas is to be asked: what is unequal is not null."""
    if isinstance(condition, AndCondition | OrCondition):
        return type(condition)(conditions=[without_nulls(part) for part in condition.conditions])
    if isinstance(condition, ComparisonCondition) and condition.operator in ("!=", "NOT_IN"):
        return condition & condition.column.is_not_null()
    return condition


def counts(batch: Any, conditions: dict[str, Any]) -> dict[str, int]:
    """How many records are found by each, in one suite."""
    asked = {name: gxe.ExpectTableRowCountToEqual(value=-1, row_condition=one) for name, one in conditions.items()}
    suite = great_expectations.ExpectationSuite(
        name="s", expectations=[one.copy(update={"meta": {"name": name}}) for name, one in asked.items()]
    )
    found = batch.validate(suite)
    assert all("observed_value" in one.result for one in found.results), found
    return {one.expectation_config.meta["name"]: one.result["observed_value"] for one in found.results}


def read_back(expectation: Any) -> Any:
    """The expectation as it is in a suite that was saved as JSON."""
    suite = great_expectations.ExpectationSuite(name="s", expectations=[expectation])
    saved = json.loads(json.dumps(suite.to_json_dict()))
    return great_expectations.ExpectationSuite(**saved).expectations[0]


def saved_and_read(condition: Any) -> Any:
    return read_back(gxe.ExpectTableRowCountToEqual(value=-1, row_condition=condition)).row_condition


def test_row_conditions_leave_what_pandas_leaves(store: StoreUnderTest, pandas_counts: Any) -> None:
    records = rows(store)
    batch, wanted = store.batch(records), pandas_counts(records)
    assert counts(batch, EVERYTHING) == wanted
    assert counts(batch, {name: saved_and_read(one) for name, one in EVERYTHING.items()}) == wanted


def test_filters_leave_what_pandas_leaves(store: StoreUnderTest, pandas_counts: Any, context: Any) -> None:
    records = rows(store)
    assert filtered(store, context, records, EVERYTHING) == pandas_counts(records)


def test_filters_may_be_nested_deeper_than_row_conditions(store: StoreUnderTest, context: Any) -> None:
    records = rows(store)[: len(NUMBERS)]
    conditions = {name: condition for name, (condition, _) in NESTED.items()}
    assert filtered(store, context, records, conditions) == {name: count for name, (_, count) in NESTED.items()}


def filtered(
    store: StoreUnderTest, context: Any, records: list[dict[str, Any]], conditions: dict[str, Any]
) -> dict[str, int]:
    """How many records an asset with each filter has: the same as it was added and as the project's file has it."""
    asset = store.asset(records)
    assets = {name: again(asset, one) for name, one in conditions.items()}
    project = great_expectations.get_context(
        mode="file", project_root_dir=str(context.root_directory).removesuffix("gx")
    )
    loaded = project.data_sources.get(asset.datasource.name)
    found = {name: size(one) for name, one in assets.items()}
    assert {name: size(loaded.get_asset(one.name)) for name, one in assets.items()} == found
    return found


def again(asset: Any, where: Any) -> Any:
    """The asset once more, with a filter."""
    fields = asset.dict(exclude={"id", "name", "where", "batch_definitions"})
    made = type(asset)(**fields, name=f"filtered {uuid.uuid4().hex}", where=written(where))
    return asset.datasource._add_asset(made)


def size(asset: Any) -> int:
    batch = asset.add_batch_definition(f"all {uuid.uuid4().hex}").get_batch()
    return int(batch.validate(gxe.ExpectTableRowCountToEqual(value=-1)).result["observed_value"])


MOMENTS: dict[str, tuple[Any, int]] = {
    "==": (moment == BEGIN + timedelta(days=1), 1),
    "!=": (moment != BEGIN + timedelta(days=1), 3),
    "<": (moment < BEGIN + timedelta(days=1), 1),
    ">=": (moment >= BEGIN + timedelta(days=1), 3),
    "text": (moment == "2026-11-21T09:00:00+00:00", 1),
    "day": (moment > "2026-11-22", 2),
}


def days(store: StoreUnderTest) -> list[dict[str, Any]]:
    if store.name in ("Milvus", "SQLite"):
        pytest.skip(f"{store.name} has no points in time")
    return [{"key": f"k{day}", "at": BEGIN + timedelta(days=day)} for day in range(4)]


def test_a_moment_is_one_also_where_a_file_holds_its_text(store: StoreUnderTest, context: Any) -> None:
    records = days(store)
    conditions = {name: condition for name, (condition, _) in MOMENTS.items()}
    wanted = {name: count for name, (_, count) in MOMENTS.items()}
    batch = store.batch(records)
    assert counts(batch, conditions) == wanted
    assert counts(batch, {name: saved_and_read(one) for name, one in conditions.items()}) == wanted
    assert filtered(store, context, records, conditions) == wanted


def test_a_moment_is_in_a_set_also_when_a_file_holds_its_text(store: StoreUnderTest) -> None:
    records = days(store)
    expectation = gxe.ExpectColumnValuesToBeInSet(column="at", value_set=[one["at"] for one in records[:3]])
    batch = store.batch(records)
    for one in (expectation, read_back(expectation)):
        assert batch.validate(one).result["unexpected_count"] == 1
