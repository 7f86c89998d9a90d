"""Cases of Great Expectations' makers, read out of a source release of theirs; nothing of it is in this repository.

Their JSON definitions (tests/test_definitions) are in releases up to 0.18; README.md says how to get one.
"""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from great_expectations.compatibility.pydantic import ValidationError
from great_expectations.exceptions import ExpectationNotFoundError

from tests.gx_cases.held import expectation_of
from tests.gx_cases.plain import ENGINES, Case, Dataset, is_null

FOLDER = "/tests/test_definitions/"
KINDS = ("column_aggregate", "column_map", "column_pair_map", "multicolumn_map", "other")
NOT_FOR_US = {
    "expect_column_pair_cramers_phi_value_to_be_less_than": "gone from GX",
    "expect_this_test_to_be_suppressed": "no expectation",
    "expect_column_value_z_scores_to_be_less_than": "refused by name: its limits depend on the batch",
    "expect_column_values_to_match_json_schema": "refused by name: no store can judge it",
    "expect_table_column_count_to_be_between": "rows here have an id",
    "expect_table_column_count_to_equal": "rows here have an id",
    "expect_table_columns_to_match_ordered_list": "rows here have an id",
    "expect_table_columns_to_match_set": "rows here have an id",
}
DROPPED = ("catch_exceptions", "result_format", "include_config")
"""Arguments about the form of a result, not about what it says."""

SINCE_1_0 = "distinct_values_to"
"""Of distinct values, GX says since 1.0 which are unexpected or missing, and no longer which there are."""

GONE = ("parse_strings_as_datetimes", "allow_cross_type_comparisons")
COMPARED = ("success", "observed_value", "unexpected_list", "unexpected_index_list")


_NUMPY = "a type of numpy or pandas, which no store has; the pandas frame here is of objects too"
_TRUTH = "true and false are no numbers in a store"
_WRITTEN = "the case expects a text where GX has the value"
_OF_TYPE, _IN_TYPES = "expect_column_values_to_be_of_type", "expect_column_values_to_be_in_type_list"
_MAX, _MEAN = "expect_column_max_to_be_between", "expect_column_mean_to_be_between"
STORES = ("mongodb", "neo4j")
EVERYWHERE = ("pandas", *STORES)

MAKERS_DIFFERENCES: dict[tuple[str, str, str], str] = {
    (place, expectation, title): why
    for places, expectation, title, why in (
        (("pandas", "neo4j"), _MAX, "6-datetime_except_sqlite", _WRITTEN),
        (("mongodb",), _MAX, "6-datetime_except_sqlite", "limits without a zone: see FAULTS"),
        (STORES, _MEAN, "1-coerced_types_true_false_values", _TRUTH),
        (STORES, _MEAN, "2-coerced_types_true_false_and_null", _TRUTH),
        (("pandas",), _IN_TYPES, "2-negative_test_pandas_float_values_are_not_strings", _NUMPY),
        (EVERYWHERE, _IN_TYPES, "7-negative_test_string_and_int_values_summary_output", _WRITTEN),
        (EVERYWHERE, _IN_TYPES, "8-negative_test_string_and_int_values_complete_output", _WRITTEN),
        (STORES, _IN_TYPES, "9-positive_test_placeholder_expectation", "no type at all is refused"),
        (("pandas",), _OF_TYPE, "2-negative_test_python_ints_are_not_string", _NUMPY),
        (STORES, _OF_TYPE, "6-dtype_object_and_type_object_still_has_aggregate_semantics", _NUMPY),
        (STORES, _OF_TYPE, "7-dtype_object_and_type_object_still_has_aggregate_semantics_object_underscore", _NUMPY),
        (STORES, _OF_TYPE, "8-dtype_object_and_type_object_still_has_aggregate_semantics_big_o", _NUMPY),
        (EVERYWHERE, _OF_TYPE, "1-positive_pandas_datetime_no_timezone", _NUMPY),
        (EVERYWHERE, _OF_TYPE, "2-positive_pandas_datetime_with_timezone", _NUMPY),
        (STORES, _OF_TYPE, "3-negative_pandas_datetime_with_timezone", _NUMPY),
    )
    for place in places
}
"""As DIFFERENCES in the test file, for the makers' cases of release 0.18.22."""


@dataclass(slots=True)
class LeftOut:
    """Why cases were left out, and how many."""

    reasons: Counter[str] = field(default_factory=Counter)

    def says(self, reason: str, cases: int = 1) -> bool:
        """Count the reason, when there is one."""
        self.reasons[reason] += cases if reason else 0
        return bool(reason)


def makers_datasets(release: Path) -> tuple[list[Dataset], Counter[str]]:
    """Every dataset with a case for pandas or for all engines.

    Args:
        release: A source release (.tar.gz) of great_expectations with JSON definitions, such as 0.18.22.

    Returns:
        The datasets, and how many cases were left out, by reason.
    """
    left_out = LeftOut()
    found = [
        dataset
        for path, text in _definitions(release)
        for number, written in enumerate(text["datasets"], 1)
        for dataset in _dataset(f"makers-{path.stem}-{number}", text["expectation_type"], written, left_out)
    ]
    return found, +left_out.reasons


def _definitions(release: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    with tarfile.open(release) as archive:
        names = [name for name in archive.getnames() if FOLDER in name and name.endswith(".json")]
        for path in map(Path, sorted(names)):
            member = archive.extractfile(str(path))
            if path.parent.name.removesuffix("_expectations") in KINDS and member:
                yield path, json.load(member)


def _dataset(name: str, expectation: str, written: dict[str, Any], left_out: LeftOut) -> Iterator[Dataset]:
    tests = written["tests"]
    whole = NOT_FOR_US.get(expectation) or _of_other_engines(written, expectation)
    if left_out.says(whole, len(tests)):
        return
    dates = [name for name, type_ in written.get("schemas", {}).get("pandas", {}).items() if "date" in type_]
    columns = {name: _values(values, name in dates) for name, values in written["data"].items()}
    kept = [test for test in tests if not left_out.says(_unusable(test, expectation))]
    cases = [_case(expectation, test, number) for number, test in enumerate(kept, 1)]
    if cases:
        yield Dataset(name, columns, cases)


def _values(values: list[Any], are_dates: bool) -> list[Any]:
    if are_dates:
        values = [None if value is None else pd.Timestamp(value).to_pydatetime() for value in values]
    return [None if is_null(value) else value for value in values]


def _of_other_engines(written: dict[str, Any], expectation: str) -> str:
    only, not_for = written.get("only_for"), written.get("suppress_test_for", [])
    if only and not any(_is_pandas(name) for name in only) and not _like_everywhere(only, expectation):
        return "for other engines than pandas only"
    if any(_is_pandas(name) for name in not_for) and "like" not in expectation:
        return "not for pandas"
    return ""


def _is_pandas(name: str) -> bool:
    return name in ("pandas", "pandas_v3_api", "pandas>=024")


def _like_everywhere(only: list[str], expectation: str) -> bool:
    """Like patterns are not for pandas; what holds for many SQL engines is held for ours."""
    return "like" in expectation and len(only) >= 5


def _unusable(test: dict[str, Any], expectation: str) -> str:
    """Why a case cannot be held here; "" when it can."""
    kwargs = test["in"]
    if reason := _of_other_engines(test, expectation):
        return reason
    if gone := [name for name in GONE if name in kwargs]:
        return f"an argument GX no longer has: {gone[0]}"
    reasons = {
        "about an error, whose text is the engine's own": "error" in test or "traceback_substring" in test["out"],
        "about parameters of a suite, which GX fills in before any engine": "$PARAMETER" in json.dumps(kwargs),
        "a row_condition in pandas' own language": kwargs.get("condition_parser") == "pandas",
        "rows here have an id": "column_index" in kwargs,
    }
    found = next((reason for reason, holds in reasons.items() if holds), "")
    return found or ("" if _can_be_made(test, expectation) else "arguments GX no longer takes")


def _can_be_made(test: dict[str, Any], expectation: str) -> bool:
    try:
        expectation_of(_case(expectation, test, 0))
    except (ExpectationNotFoundError, ValidationError):
        return False
    return True


def _case(expectation: str, test: dict[str, Any], number: int) -> Case:
    kwargs = {name: value for name, value in test["in"].items() if name not in DROPPED}
    kept = [name for name in COMPARED if name in test["out"] and (name == "success" or SINCE_1_0 not in expectation)]
    expected = {name: test["out"][name] for name in kept}
    if "unexpected_index_list" in expected:
        expected["unexpected_index_list"] = _positions(expected["unexpected_index_list"])
    if expected.get("unexpected_index_list") is None:
        expected.pop("unexpected_index_list", None)
    if "tolerance" in test:
        expected["tolerance"] = test["tolerance"]
    engines = ("stores",) if "like" in expectation else ENGINES
    return Case(expectation, f"{number}-{test['title']}", kwargs, expected, engines)


def _positions(written: list[Any] | None) -> list[int] | None:
    return written and sorted(row["pk_index"] if isinstance(row, dict) else row for row in written)
