"""A collection, label or table that does not exist is an error with the closest names, when it is added and when it is
checked; one that may be missing is empty."""

from __future__ import annotations

import uuid
from typing import Any

import great_expectations.expectations as gxe
import pytest
from great_expectations.datasource.fluent.interfaces import TestConnectionError as GXTestConnectionError

from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.engine.datasource import without_connecting
from tests.conformance.contract import StoreUnderTest

ROWS = [{"key": "k0", "s": "a", "n": 1}]
EMPTY_ANSWERS = [
    gxe.ExpectTableRowCountToEqual(value=0),
    gxe.ExpectColumnValuesToNotBeNull(column="s"),
    gxe.ExpectColumnValuesToBeInSet(column="s", value_set=["x"]),
    gxe.ExpectColumnValuesToBeDateutilParseable(column="s"),
    gxe.ExpectColumnProportionOfNonNullValuesToBeBetween(column="s", min_value=0, max_value=0),
]


def misspelt(asset: Any, **more: Any) -> Any:
    """The asset once more, of what has nearly the same name and does not exist."""
    (named,) = {"collection", "label", "table"} & set(asset.__fields__)
    name = f"{getattr(asset, named)}X"
    fields = asset.dict(exclude={"id", "name", "batch_definitions", named, "allow_missing"})
    made = type(asset)(**fields, **{named: name}, name=f"a {uuid.uuid4().hex}", **more)
    return asset.datasource._add_asset(made)


def test_what_does_not_exist_cannot_be_added(store: StoreUnderTest) -> None:
    asset = store.asset(ROWS)
    target = str(asset.target())
    with pytest.raises(
        GXTestConnectionError, match=f"{store.name} has no .* the closest names are .*{target}"
    ) as caught:
        misspelt(asset)
    assert "allow_missing=True" in str(caught.value)


def test_what_does_not_exist_is_no_empty_batch(store: StoreUnderTest) -> None:
    asset = store.asset(ROWS)
    with without_connecting():
        batch = misspelt(asset).add_batch_definition("all").get_batch()
    for expectation in EMPTY_ANSWERS:
        found = batch.validate(expectation)
        assert not found.success
        failures = list(batch.data.execution_engine.failures.values())
        assert failures
        assert {type(one) for one in failures} == {ConfigurationError}
        assert f"{store.name} has no" in str(failures[0])
        assert str(asset.target()) in str(failures[0]).partition("closest")[2]


def test_what_may_be_missing_is_empty(store: StoreUnderTest) -> None:
    batch = misspelt(store.asset(ROWS), allow_missing=True).add_batch_definition("all").get_batch()
    for expectation in EMPTY_ANSWERS:
        found = batch.validate(expectation)
        assert found.success, (expectation, found.exception_info)


def test_what_is_dropped_between_two_checks_is_missed(store: StoreUnderTest) -> None:
    asset = store.asset(ROWS)
    fields = asset.dict(exclude={"id", "name", "batch_definitions", "allow_missing"})
    again = asset.datasource._add_asset(type(asset)(**fields, name=f"a {uuid.uuid4().hex}"))
    batch = again.add_batch_definition("all").get_batch()
    assert batch.validate(gxe.ExpectTableRowCountToEqual(value=1)).success
    store.drop(asset)
    assert not batch.validate(gxe.ExpectTableRowCountToEqual(value=0)).success
    assert {type(one) for one in batch.data.execution_engine.failures.values()} == {ConfigurationError}
