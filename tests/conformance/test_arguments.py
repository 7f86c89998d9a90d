"""Arguments that GX's own engines refuse are refused by stores too; one expectation never takes its suite with it."""

from __future__ import annotations

import uuid
from typing import Any

import great_expectations
import great_expectations.expectations as gxe
import pandas as pd
import pytest

from docs import support_matrix
from tests.conformance.contract import StoreUnderTest
from tests.gx_cases.judging import raised

ROWS = [{"key": f"k{number}", "s": text, "n": number} for number, text in enumerate(["a", "2026-11-20", "c"])]


@pytest.fixture(scope="module")
def batch(store: StoreUnderTest) -> Any:
    return store.asset(ROWS).add_batch_definition(uuid.uuid4().hex).get_batch()


@pytest.fixture(scope="module")
def frame() -> Any:
    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return context.data_sources.pandas_default.read_dataframe(pd.DataFrame(ROWS))


REFUSED: dict[str, Any] = {
    "between min > max": gxe.ExpectColumnValuesToBeBetween(column="n", min_value=10, max_value=0),
    "between dates min > max": gxe.ExpectColumnValuesToBeBetween(
        column="s", min_value="2026-11-21", max_value="2026-11-20"
    ),
    "quantiles by no rule": gxe.ExpectColumnQuantileValuesToBeBetween(
        column="n",
        quantile_ranges={"quantiles": [0.5], "value_ranges": [[0, 9]]},
        allow_relative_error="sometimes",
    ),
}
"""What GX's pandas engine raises on when it computes, not when the expectation is made."""


@pytest.mark.parametrize("name", REFUSED)
def test_what_pandas_refuses_a_store_refuses(batch: Any, frame: Any, name: str) -> None:
    assert raised(frame.validate(REFUSED[name])), "pandas no longer refuses it"
    assert raised(batch.validate(REFUSED[name]))


def test_each_expectation_has_its_own_message(batch: Any) -> None:
    suite = great_expectations.ExpectationSuite(name="s", expectations=list(REFUSED.values()))
    messages = {(one.expectation_config.kwargs["column"], *raised(one)) for one in batch.validate(suite).results}
    assert len(messages) == len(REFUSED), messages


KINDS: dict[str, Any] = {
    "nothing": None,
    "a number": 7,
    "a text": "x",
    "a list": ["x", 1],
    "an empty list": [],
    "a map": {"a": 1},
    "not a number": float("nan"),
    "huge": 10**30,
    "a boolean": True,
}
"""What is tried for every argument of every expectation that GX takes it for."""


FIELDS: dict[str, Any] = {"column": "n", "column_A": "n", "column_B": "s", "column_list": ["n", "s"]}


def variants() -> list[Any]:
    """Each core expectation, with each of its own arguments replaced by a value of each kind."""
    found = []
    for example in support_matrix.expectations():
        cls, given = type(example), {**example.dict(exclude_unset=True)}
        given |= {name: value for name, value in FIELDS.items() if name in given}
        own = [name for name in cls.__fields__ if name in cls.success_keys + cls.domain_keys and name != "batch_id"]
        for name in own:
            for value in KINDS.values():
                try:
                    found.append(cls(**{**given, name: value}))
                except Exception:  # noqa: BLE001 - GX itself does not take it
                    continue
    return found


CANARIES = (gxe.ExpectTableRowCountToEqual(value=3), gxe.ExpectColumnValuesToBeInSet(column="n", value_set=[0, 1]))


def test_no_argument_that_gx_takes_ends_the_check(batch: Any) -> None:
    """All variants in one suite: each has a result, and what can be computed beside them is."""
    asked = [CANARIES[0], *variants(), CANARIES[1]]
    assert len(asked) > 300
    configurations = [one.configuration for one in asked]
    for number, one in enumerate(configurations):
        one.meta = {"number": number}
    suite = great_expectations.ExpectationSuite(name="s", expectations=[])
    suite.expectations = [one.to_domain_obj() for one in configurations]
    found = {one.expectation_config.meta["number"]: one for one in batch.validate(suite).results}
    assert found.keys() == set(range(len(asked)))
    assert found[0].success
    assert found[len(asked) - 1].result["unexpected_count"] == 1
    silent = {type(asked[n]) for n, one in found.items() if not one.success and not one.result and not raised(one)}
    assert silent <= {gxe.ExpectColumnToExist}  # which has no result


def test_two_expectations_that_cannot_be_begun_both_say_why(batch: Any) -> None:
    both = [gxe.ExpectColumnKLDivergenceToBeLessThan(column="n", threshold=limit) for limit in (0.1, 0.2)]
    results = batch.validate(great_expectations.ExpectationSuite(name="s", expectations=both)).results
    assert ["cannot compute" in " ".join(raised(one)) for one in results] == [True, True]


def test_a_suite_parameter_of_a_wrong_type_is_one_expectations_fault(batch: Any) -> None:
    wrong = gxe.ExpectColumnValuesToBeInSet(column="s", value_set={"$PARAMETER": "wanted"})
    suite = great_expectations.ExpectationSuite(name="s", expectations=[wrong, CANARIES[0]])
    results = batch.validate(suite, expectation_parameters={"wanted": 5}).results
    assert len(results) == 2
    assert [one.success for one in results if "row_count" in one.expectation_config.type] == [True]
