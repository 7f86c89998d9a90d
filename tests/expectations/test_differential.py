"""The same expectation on GX's pandas engine and in each store gives the same result.

Data is drawn by hypothesis; pandas gets it as object columns in the order of the key. What differs in principle is
named in docs/push-down.md and tested below.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import great_expectations
import great_expectations.expectations as gxe
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from expectations_plugins.mongodb import connection as mongodb
from expectations_plugins.neo4j import connection as neo4j
from pipeline.local import Endpoints

TEXT = st.one_of(st.none(), st.sampled_from(["", "a", "aa", "b", "ab1", "ünï", "x y", "1"]))
NUMBER = st.one_of(st.none(), st.integers(-5, 5), st.sampled_from([0.5, 2.5, -1.25]))
MIXED = st.one_of(TEXT, st.integers(-20, 2**60), st.floats(-3, 3).filter(lambda x: x != int(x)))
SHOWN = st.one_of(TEXT, st.integers(-20, 2**60), st.booleans())
"""What pandas shows as the stores do; a float it does not."""

DAY = datetime(2026, 11, 20, tzinfo=UTC)
MOMENT = st.one_of(st.none(), st.integers(-3, 3).map(lambda hours: DAY + timedelta(hours=hours)))

ROW = st.fixed_dictionaries(
    {"s": TEXT, "t": TEXT, "n": NUMBER, "m": NUMBER, "x": MIXED, "y": SHOWN, "at": MOMENT}, optional={"o": TEXT}
)
ROWS = st.lists(ROW, max_size=12)

FORMAT = {"result_format": "COMPLETE", "unexpected_index_column_names": ["key"], "return_unexpected_index_query": False}

EXPECTATIONS: dict[str, Callable[[], Any]] = {
    "not_null": lambda: gxe.ExpectColumnValuesToNotBeNull(column="s"),
    "not_null_mostly": lambda: gxe.ExpectColumnValuesToNotBeNull(column="s", mostly=0.5),
    "null": lambda: gxe.ExpectColumnValuesToBeNull(column="n"),
    "in_set": lambda: gxe.ExpectColumnValuesToBeInSet(column="s", value_set=["a", "b"]),
    "in_set_of_nothing": lambda: gxe.ExpectColumnValuesToBeInSet(column="s", value_set=[]),
    "in_set_of_numbers": lambda: gxe.ExpectColumnValuesToBeInSet(column="n", value_set=[1, 2.5]),
    "not_in_set": lambda: gxe.ExpectColumnValuesToNotBeInSet(column="s", value_set=["a", ""]),
    "between": lambda: gxe.ExpectColumnValuesToBeBetween(column="n", min_value=-1, max_value=2),
    "between_strict": lambda: gxe.ExpectColumnValuesToBeBetween(
        column="n", min_value=0, max_value=3, strict_min=True, strict_max=True
    ),
    "at_least": lambda: gxe.ExpectColumnValuesToBeBetween(column="n", min_value=0),
    "regex": lambda: gxe.ExpectColumnValuesToMatchRegex(column="s", regex="^a"),
    "not_regex": lambda: gxe.ExpectColumnValuesToNotMatchRegex(column="s", regex="[0-9]"),
    "regex_any": lambda: gxe.ExpectColumnValuesToMatchRegexList(column="s", regex_list=["^a", "b$"], match_on="any"),
    "regex_all": lambda: gxe.ExpectColumnValuesToMatchRegexList(column="s", regex_list=["^a", "b$"], match_on="all"),
    "not_regex_list": lambda: gxe.ExpectColumnValuesToNotMatchRegexList(column="s", regex_list=["^a", "y$"]),
    "length": lambda: gxe.ExpectColumnValueLengthsToEqual(column="s", value=1),
    "lengths": lambda: gxe.ExpectColumnValueLengthsToBeBetween(column="s", min_value=1, max_value=2),
    "unique": lambda: gxe.ExpectColumnValuesToBeUnique(column="s"),
    "unique_numbers": lambda: gxe.ExpectColumnValuesToBeUnique(column="n"),
    "mixed_in_set": lambda: gxe.ExpectColumnValuesToBeInSet(column="x", value_set=["a", 1, 7, 0.5]),
    "mixed_not_in_set": lambda: gxe.ExpectColumnValuesToNotBeInSet(column="x", value_set=["a", 1]),
    "mixed_unique": lambda: gxe.ExpectColumnValuesToBeUnique(column="x"),
    "mixed_of_type": lambda: gxe.ExpectColumnValuesToBeOfType(column="x", type_="float"),
    "mixed_type_list": lambda: gxe.ExpectColumnValuesToBeInTypeList(column="y", type_list=["int", "str"]),
    "mixed_pair_equal": lambda: gxe.ExpectColumnPairValuesToBeEqual(column_A="s", column_B="x"),
    "shown_regex": lambda: gxe.ExpectColumnValuesToMatchRegex(column="y", regex="^[1a]"),
    "shown_not_regex": lambda: gxe.ExpectColumnValuesToNotMatchRegex(column="y", regex="e$"),
    "shown_lengths": lambda: gxe.ExpectColumnValueLengthsToBeBetween(column="y", min_value=1, max_value=4),
    "dates_between": lambda: gxe.ExpectColumnValuesToBeBetween(
        column="at", min_value=DAY, max_value=DAY + timedelta(hours=2)
    ),
    "dates_unique": lambda: gxe.ExpectColumnValuesToBeUnique(column="at"),
    "dates_not_null": lambda: gxe.ExpectColumnValuesToNotBeNull(column="at"),
    "dates_of_type": lambda: gxe.ExpectColumnValuesToBeOfType(column="at", type_="str"),
    "optional_null": lambda: gxe.ExpectColumnValuesToNotBeNull(column="o"),
    "optional_in_set": lambda: gxe.ExpectColumnValuesToBeInSet(column="o", value_set=["a"]),
    "row_condition": lambda: gxe.ExpectColumnValuesToNotBeNull(
        column="s", row_condition=great_expectations.expectations.row_conditions.Column("n") >= 0
    ),
    "pair_greater": lambda: gxe.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A="n", column_B="m", ignore_row_if="either_value_is_missing"
    ),
    "pair_greater_or_equal": lambda: gxe.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A="n", column_B="m", or_equal=True, ignore_row_if="either_value_is_missing"
    ),
    "pair_equal": lambda: gxe.ExpectColumnPairValuesToBeEqual(column_A="s", column_B="t"),
    "pair_equal_either": lambda: gxe.ExpectColumnPairValuesToBeEqual(
        column_A="s", column_B="t", ignore_row_if="either_value_is_missing"
    ),
    "pair_in_set": lambda: gxe.ExpectColumnPairValuesToBeInSet(
        column_A="s", column_B="t", value_pairs_set=[("a", "b"), ("a", "a")], ignore_row_if="either_value_is_missing"
    ),
    "row_count": lambda: gxe.ExpectTableRowCountToEqual(value=3),
    "row_count_between": lambda: gxe.ExpectTableRowCountToBeBetween(min_value=1, max_value=5),
    "min": lambda: gxe.ExpectColumnMinToBeBetween(column="n", min_value=-2, max_value=2),
    "max": lambda: gxe.ExpectColumnMaxToBeBetween(column="n", min_value=-2, max_value=2),
    "mean": lambda: gxe.ExpectColumnMeanToBeBetween(column="n", min_value=-1, max_value=1),
    "stdev": lambda: gxe.ExpectColumnStdevToBeBetween(column="n", min_value=0, max_value=2),
    "sum": lambda: gxe.ExpectColumnSumToBeBetween(column="n", min_value=-3, max_value=3),
    "unique_count": lambda: gxe.ExpectColumnUniqueValueCountToBeBetween(column="s", min_value=1, max_value=3),
    "unique_proportion": lambda: gxe.ExpectColumnProportionOfUniqueValuesToBeBetween(column="s", min_value=0.5),
    "median": lambda: gxe.ExpectColumnMedianToBeBetween(column="n", min_value=-1, max_value=1),
    "quantiles": lambda: gxe.ExpectColumnQuantileValuesToBeBetween(
        column="n",
        quantile_ranges={"quantiles": [0.0, 0.25, 0.5, 0.9, 1.0], "value_ranges": [[None, 5]] * 4 + [[0, None]]},
    ),
    "quantiles_linear": lambda: gxe.ExpectColumnQuantileValuesToBeBetween(
        column="n",
        quantile_ranges={"quantiles": [0.1, 0.5], "value_ranges": [[-9, 0], [-1, 9]]},
        allow_relative_error="linear",
    ),
    "distinct_in_set": lambda: gxe.ExpectColumnDistinctValuesToBeInSet(column="s", value_set=["a", "b", ""]),
    "distinct_contain_set": lambda: gxe.ExpectColumnDistinctValuesToContainSet(column="s", value_set=["a", "zz"]),
    "distinct_equal_set": lambda: gxe.ExpectColumnDistinctValuesToEqualSet(column="s", value_set=["a", "b"]),
    "most_common": lambda: gxe.ExpectColumnMostCommonValueToBeInSet(column="s", value_set=["a", "b"]),
    "most_common_ties": lambda: gxe.ExpectColumnMostCommonValueToBeInSet(
        column="s", value_set=["a", "b"], ties_okay=True
    ),
    "of_type": lambda: gxe.ExpectColumnValuesToBeOfType(column="n", type_="int"),
    "of_type_text": lambda: gxe.ExpectColumnValuesToBeOfType(column="s", type_="str"),
    "in_type_list": lambda: gxe.ExpectColumnValuesToBeInTypeList(column="n", type_list=["float", "str"]),
    "compound_unique": lambda: gxe.ExpectCompoundColumnsToBeUnique(column_list=["s", "n"]),
    "compound_unique_any": lambda: gxe.ExpectCompoundColumnsToBeUnique(
        column_list=["s", "t"], ignore_row_if="any_value_is_missing"
    ),
    "compound_unique_never": lambda: gxe.ExpectCompoundColumnsToBeUnique(column_list=["s", "t"], ignore_row_if="never"),
    "unique_within_record": lambda: gxe.ExpectSelectColumnValuesToBeUniqueWithinRecord(column_list=["s", "t", "o"]),
    "unique_within_record_any": lambda: gxe.ExpectSelectColumnValuesToBeUniqueWithinRecord(
        column_list=["s", "t"], ignore_row_if="any_value_is_missing"
    ),
    "multicolumn_equal": lambda: gxe.ExpectMulticolumnValuesToBeEqual(column_list=["s", "t"]),
    "multicolumn_sum": lambda: gxe.ExpectMulticolumnSumToEqual(
        column_list=["n", "m"], sum_total=2, ignore_row_if="any_value_is_missing"
    ),
    "json": lambda: gxe.ExpectColumnValuesToBeJsonParseable(column="s"),
    "date": lambda: gxe.ExpectColumnValuesToBeDateutilParseable(column="s"),
    "strftime": lambda: gxe.ExpectColumnValuesToMatchStrftimeFormat(column="s", strftime_format="%d"),
    "increasing": lambda: gxe.ExpectColumnValuesToBeIncreasing(column="n"),
    "decreasing_strictly": lambda: gxe.ExpectColumnValuesToBeDecreasing(column="n", strictly=True),
    "non_null_proportion": lambda: gxe.ExpectColumnProportionOfNonNullValuesToBeBetween(column="s", min_value=0.5),
}
"""What must agree exactly."""


@pytest.fixture(scope="module")
def context() -> Any:
    found = great_expectations.get_context(mode="ephemeral")
    found.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return found


@pytest.fixture(scope="module")
def pandas_asset(context: Any) -> Any:
    return (
        context.data_sources.add_pandas("frames")
        .add_dataframe_asset("rows")
        .add_batch_definition_whole_dataframe("all")
    )


class InMongoDB:
    """Puts rows into a collection."""

    def __init__(self, context: Any, endpoints: Endpoints) -> None:
        self._database = mongodb.connect(str(endpoints.mongodb_uri), f"t{uuid.uuid4().hex[:10]}")
        source = context.data_sources.add_mongodb(
            "mongodb", connection_string="${A_MONGODB}", database=self._database.name
        )
        self._batch = source.add_collection("rows", sort_by="key", allow_missing=True).add_batch_definition("all")

    def batch(self, rows: list[dict[str, Any]]) -> Any:
        self._database.rows.delete_many({})
        if rows:
            self._database.rows.insert_many([{"_id": row["key"], **row} for row in rows])
        return self._batch.get_batch()

    def close(self) -> None:
        self._database.client.drop_database(self._database.name)
        self._database.client.close()


class InNeo4j:
    """Puts rows into nodes; a null property is one that is not there."""

    def __init__(self, context: Any, endpoints: Endpoints) -> None:
        self._graph = neo4j.connect(
            str(endpoints.neo4j_uri),
            str(endpoints.neo4j_user),
            str(endpoints.neo4j_password),
            database=endpoints.neo4j_database,
        )
        self._label = f"T{uuid.uuid4().hex[:10]}"
        source = context.data_sources.add_neo4j(
            "neo4j",
            uri=endpoints.neo4j_uri,
            user=endpoints.neo4j_user,
            password="${A_NEO4J}",
            database=endpoints.neo4j_database,
        )
        self._batch = source.add_node(
            "rows", label=self._label, key="key", sort_by="key", allow_missing=True
        ).add_batch_definition("all")

    def batch(self, rows: list[dict[str, Any]]) -> Any:
        fill = f"UNWIND $rows AS row CREATE (n:{self._label}) SET n += row"
        self._graph.write(
            [f"MATCH (n:{self._label}) DETACH DELETE n", fill], {"rows": rows}, doing="filling", timeout=30
        )
        return self._batch.get_batch()

    def close(self) -> None:
        self._graph.write([f"MATCH (n:{self._label}) DETACH DELETE n"], {}, doing="emptying", timeout=30)
        self._graph.close()


@pytest.fixture(scope="module", params=[InMongoDB, InNeo4j], ids=["mongodb", "neo4j"])
def store(request: pytest.FixtureRequest, context: Any, endpoints: Endpoints) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("A_MONGODB", str(endpoints.mongodb_uri))
        patch.setenv("A_NEO4J", str(endpoints.neo4j_password))
        found = request.param(context, endpoints)
        yield found
        found.close()


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
)
@given(rows=ROWS)
def test_a_store_says_what_pandas_says(store: Any, pandas_asset: Any, rows: list[dict[str, Any]]) -> None:
    keyed = [{"key": f"k{number:03d}", **row} for number, row in enumerate(rows)]
    frame = pd.DataFrame(keyed, columns=["key", "s", "t", "n", "m", "x", "y", "at", "o"], dtype=object)
    frame = frame.where(frame.notna(), None)
    suite = great_expectations.ExpectationSuite(name="all", expectations=[make() for make in EXPECTATIONS.values()])
    frames = pandas_asset.get_batch({"dataframe": frame}).validate(suite, result_format=FORMAT)
    stored = store.batch(keyed).validate(suite, result_format=FORMAT)
    pairs = zip(EXPECTATIONS, in_order(suite, stored), in_order(suite, frames), strict=True)
    compared = {name: (comparable(ours), comparable(theirs)) for name, ours, theirs in pairs}
    differing = {name: both for name, both in compared.items() if both[0] != both[1]}
    assert not differing


def in_order(suite: Any, found: Any) -> list[Any]:
    """Results in the order of the suite; GX groups them by column."""
    results = {identity(result.expectation_config): result for result in found.results}
    assert len(results) == len(EXPECTATIONS)
    return [results[identity(expectation.configuration)] for expectation in suite.expectations]


def identity(configuration: Any) -> str:
    kwargs = {key: value for key, value in configuration.to_json_dict()["kwargs"].items() if key != "batch_id"}
    return json.dumps([configuration.type, kwargs], sort_keys=True)


def comparable(result: Any) -> dict[str, Any]:
    flat = [result.exception_info] if "raised_exception" in result.exception_info else []
    infos = flat or [info for info in result.exception_info.values() if isinstance(info, dict)]
    raised = [info["exception_message"] for info in infos if info.get("raised_exception")]
    if raised:
        return {"raised": raised}
    kept = {key: value for key, value in result.result.items() if key not in ("unexpected_index_query", "details")}
    if "partial_missing_list" in kept:  # in pandas, in the order of a set
        kept["partial_missing_list"] = sorted(kept["partial_missing_list"], key=repr)
    return {"success": result.success, **{key: rounded(value) for key, value in kept.items()}}


def rounded(value: Any) -> Any:
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 9)
    if isinstance(value, datetime):  # the local Bolt server gives moments back without their zone
        return (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    if isinstance(value, list | tuple):
        return [rounded(part) for part in value]
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    return value
