"""Every case in which a store does not give what the definition says (or, where GX's own pandas engine does not either,
what pandas gives): what it gives instead, part by part, and why. An entry that no longer holds fails the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

BETWEEN = ("expect_column_values_to_be_between", "expect_column_values_to_be_between_tz_naive")
RECORDS = ("mongodb", "neo4j")

KINDS = (
    "a value of another kind than the bounds is unexpected, and shown; pandas stops at the first one with a TypeError"
)
TRUTH = "a store keeps true and 1 apart: MongoDB's $avg passes over booleans, Cypher's avg() refuses them, so do we"
NO_DTYPE = (
    "GX's pandas engine shows the dtype of a typed column; a field has none, its values have types, and those of "
    "another type are counted"
)
WHOLE = "beside the table's columns a Milvus collection has a key and a vector"


@dataclass(frozen=True, slots=True)
class Deviation:
    """One case that differs.

    Args:
        stores: Where.
        file: The definition file.
        title: The case.
        gives: What the store gives instead.
        why: The reason, of the store or of GX.
    """

    stores: tuple[str, ...]
    file: str
    title: str
    gives: tuple[str, ...]
    why: str


def _other_kinds() -> Iterator[Deviation]:
    verdicts = {
        "error:_improperly_mixed_types": False,
        "error:_improperly_mixed_types_again": True,
        "error:_improperly_mixed_types_once_more": True,
        "error_on_string-to-int_comparisons": False,
    }
    for file in BETWEEN:
        for title, success in verdicts.items():
            yield Deviation(RECORDS, file, title, (f"nothing raised, success {success}",), KINDS)


def _booleans() -> Iterator[Deviation]:
    for title, column in (("coerced_types_true_false_values", "b"), ("coerced_types_true_false_and_null", "x")):
        gives = (f"raised column.mean of '{column}' needs numbers",)
        yield Deviation(RECORDS, "expect_column_mean_to_be_between", title, gives, TRUTH)


DEVIATIONS = [
    *_other_kinds(),
    *_booleans(),
    Deviation(
        RECORDS,
        "expect_column_values_to_be_of_type",
        "positive_pandas_datetime_with_timezone",
        ("observed_value: None",),
        NO_DTYPE,
    ),
    Deviation(
        RECORDS,
        "expect_column_values_to_be_of_type",
        "negative_pandas_datetime_expected_int",
        ("observed_value_list: None",),
        NO_DTYPE,
    ),
    Deviation(
        ("milvus",),
        "expect_table_column_count_to_be_between",
        "test_error_handling_for_max_lt_min",
        ("observed_value: 6, not 4",),
        WHOLE,
    ),
]


def of_store(store: str) -> list[Deviation]:
    """The deviations of a store."""
    return [one for one in DEVIATIONS if store in one.stores]
