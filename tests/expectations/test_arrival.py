"""The expectations about what did not arrive and could not be read, used alone in a GX project over MongoDB."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import great_expectations
import pytest
from great_expectations.core.partitioners import PartitionerColumnValue
from great_expectations.expectations.row_conditions import Column

from expectations_plugins import (
    ExpectDeadLetterRateToBeBelow,
    ExpectDuplicateRateToBeBelow,
    ExpectGivenValuesToBeReadable,
)
from expectations_plugins.mongodb import connection as mongodb
from pipeline.local import Endpoints
from tests.gx_cases.judging import raised

GOOD: list[dict[str, Any]] = [{"key": f"g{n}", "day": "a", "amount": n} for n in range(6)]
BAD: list[dict[str, Any]] = [
    {"key": "b0", "day": "a", "unreadable": {"amount": "text"}, "extra": {"amount": "19,90"}},
    {"key": "b1", "day": "a", "unreadable": {"amount": "text"}, "extra": {"amount": "<b>"}},
    {"key": "b2", "day": "a", "unreadable": {"amount": "object"}, "extra": {"amount": {"$gt": 1}}},
    {"key": "c0", "day": "a", "amount": 5, "converted": {"amount": "text"}, "extra": {"amount": "5"}},
    {"key": "other day", "day": "b", "unreadable": {"amount": "text"}, "extra": {"amount": "x"}},
]
LETTERS: list[dict[str, Any]] = [
    {"day": "a", "line": 11, "reason": "unparsable", "detail": "not UTF-8"},
    {"day": "a", "line": 12, "reason": "unparsable", "detail": "not JSON"},
    {"day": "a", "line": 13, "reason": "conflict", "detail": "came before"},
    {"day": "a", "line": 14, "reason": "unparsable", "detail": "repaired", "replayed_in": ["b"]},
    {"day": "b", "line": 1, "reason": "unparsable", "detail": "another day's"},
]


@pytest.fixture
def batch(endpoints: Endpoints) -> Iterator[Any]:
    """The records of day a, beside its dead letters."""
    name = f"t{uuid.uuid4().hex[:10]}"
    database = mongodb.connect(str(endpoints.mongodb_uri), name)
    database.rows.insert_many([*GOOD, *BAD])
    database.letters.insert_many(LETTERS)
    context = great_expectations.get_context(mode="ephemeral")
    source: Any = context.data_sources
    source = source.add_mongodb("shop", connection_string=str(endpoints.mongodb_uri), database=name)
    by_day = PartitionerColumnValue(column_name="day")
    source.add_collection("letters")
    yield source.add_collection("rows").add_batch_definition("by day", by_day).get_batch({"day": "a"})
    database.client.close()


def dead(**settings: Any) -> ExpectDeadLetterRateToBeBelow:
    return ExpectDeadLetterRateToBeBelow(
        data_source="shop",
        asset="letters",
        letters_row_condition=Column("replayed_in").is_null(),
        **{"records": 13, **settings},
    )


def test_values_that_could_not_be_read_are_counted_by_type_with_examples(batch: Any) -> None:
    found = batch.validate(ExpectGivenValuesToBeReadable(column="amount", key="key"))
    assert not found.success
    assert found.result["observed_value"] == (
        "3 of 10 (30.00%) records have a amount that cannot be read: 2 text, 1 object; 1 were converted from another"
        " type or notation"
    )
    assert [tuple(one) for one in found.result["details"]["examples"]] == [
        ("b0", "19,90"),
        ("b1", "<b>"),
        ("b2", {"$gt": 1}),
    ]
    assert batch.validate(ExpectGivenValuesToBeReadable(column="amount", key="key", tolerance=0.3)).success
    assert batch.validate(ExpectGivenValuesToBeReadable(column="other", key="key")).success


def test_dead_letters_are_counted_by_reason_the_commonest_first(batch: Any) -> None:
    found = batch.validate(dead())
    assert not found.success
    assert found.result["observed_value"] == (
        "3 of 13 (23.08%) records could not be loaded: 2 unparsable (line 11: not UTF-8); 1 conflict (line 13: came"
        " before)"
    )
    assert [tuple(one) for one in found.result["details"]["examples"]] == [
        ("line 11", "unparsable: not UTF-8"),
        ("line 12", "unparsable: not JSON"),
        ("line 13", "conflict: came before"),
    ]


@pytest.mark.parametrize(
    ("settings", "passes"),
    [
        ({"max_rate": 0.25}, True),
        ({"max_rate": 0.2}, False),
        ({"max_rate": 0.1, "reasons": ["conflict"]}, True),
        ({"max_rate": 0.1, "other_reasons": ["conflict"]}, False),
        ({"reasons": ["truncated"]}, True),
        ({"records": 0, "max_rate": 0.99}, False),
    ],
)
def test_a_share_of_some_reasons_is_tolerated(batch: Any, settings: dict[str, Any], passes: bool) -> None:
    assert batch.validate(dead(**settings)).success is passes


def test_an_asset_that_does_not_exist_is_an_error_that_names_those_there_are(batch: Any) -> None:
    [message] = raised(batch.validate(ExpectDeadLetterRateToBeBelow(records=1, data_source="shop", asset="dead")))
    assert "no asset 'dead'" in message
    assert "letters, rows" in message


@pytest.mark.parametrize(("duplicates", "passes"), [(0, True), (2, True), (3, False)])
def test_a_share_of_duplicates_is_tolerated(batch: Any, duplicates: int, passes: bool) -> None:
    found = batch.validate(ExpectDuplicateRateToBeBelow(duplicates=duplicates, records=10, max_rate=0.2))
    assert found.success is passes
    assert found.result["unexpected_count"] == duplicates
    assert batch.validate(ExpectDuplicateRateToBeBelow(duplicates=0, records=0)).success
