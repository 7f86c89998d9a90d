"""What a result's page says of expectations that are GX's own: values of a masked field stay away wherever they are."""

from __future__ import annotations

import warnings
from typing import Any

import great_expectations
import great_expectations.expectations as gxe
import pandas as pd
import pytest

from checkpoints.core.verdicts import judged
from checkpoints.data_docs import pages
from checkpoints.data_docs.results import result_page
from expectations_plugins.core.masking import Masks

FRAME = pd.DataFrame(
    {
        "interaction_id": ["i_1", "i_2", "i_3"],
        "user_id": ["kate_1984", "omar_77", "kate_1984"],
        "friend_id": ["lena_5", "omar_77", "lena_5"],
        "salary": [4711, 4712, 4713],
        "value": [1, 2, 30],
    }
)
FORMAT: Any = {"result_format": "COMPLETE", "unexpected_index_column_names": ["interaction_id"]}
PRIVATE = Masks(("user_id", "friend_id", "salary"))

OBSERVED = {
    "distinct values": gxe.ExpectColumnDistinctValuesToBeInSet(column="user_id", value_set=["x"]),
    "the least": gxe.ExpectColumnMinToBeBetween(column="salary", min_value=9000),
    "the most common": gxe.ExpectColumnMostCommonValueToBeInSet(column="user_id", value_set=["x"]),
    "values": gxe.ExpectColumnValuesToBeInSet(column="user_id", value_set=["x"]),
    "a pair": gxe.ExpectColumnPairValuesToBeEqual(column_A="user_id", column_B="friend_id"),
    "several": gxe.ExpectSelectColumnValuesToBeUniqueWithinRecord(column_list=["user_id", "friend_id"]),
}


@pytest.fixture(scope="module")
def context() -> Any:
    warnings.simplefilter("ignore")
    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}  # type: ignore[assignment]
    context.data_sources.add_pandas("frames").add_dataframe_asset("a").add_batch_definition_whole_dataframe("all")
    return context


def checked(context: Any, expectation: Any) -> Any:
    """GX's result of a suite of one expectation."""
    batch = context.data_sources.get("frames").get_asset("a").get_batch_definition("all")
    got = batch.get_batch(batch_parameters={"dataframe": FRAME})
    return got.validate(
        great_expectations.ExpectationSuite(name="own", expectations=[expectation]), result_format=FORMAT
    )


@pytest.mark.parametrize("name", OBSERVED)
def test_no_value_of_a_masked_field_is_on_the_page_or_in_an_alert(context: Any, name: str) -> None:
    result = checked(context, OBSERVED[name])
    assert not result.success
    page = pages.result(result_page(result, PRIVATE), "validations/own/run/time/batch.html")
    report = judged("own", "run", result.results, expected=3, masks=PRIVATE)
    said = [finding.summary for finding in report.findings]
    said += [one.value for finding in report.findings for one in PRIVATE.examples(finding.column, finding.examples)]
    for name_of_a_person in ("kate", "1984", "omar", "lena", "4711", "4,711"):
        assert name_of_a_person not in page
        assert not [text for text in said if name_of_a_person in text]


def test_what_is_not_masked_is_shown(context: Any) -> None:
    result = checked(context, OBSERVED["a pair"])
    [view] = result_page(result, Masks(())).expectations
    assert [(one.key, one.value) for one in view.examples] == [
        ("i_1", "user_id: kate_1984, friend_id: lena_5"),
        ("i_3", "user_id: kate_1984, friend_id: lena_5"),
    ]


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        (gxe.ExpectColumnMaxToBeBetween(column="value", max_value=10), "found 30"),
        (gxe.ExpectColumnDistinctValuesToBeInSet(column="value", value_set=[1]), "found what is not expected: 2, 30"),
        (gxe.ExpectTableRowCountToEqual(value=2_000), "found 3"),
        (gxe.ExpectColumnUniqueValueCountToBeBetween(column="user_id", max_value=1), "found 2"),
        (
            gxe.ExpectColumnValuesToBeBetween(column="value", max_value=10),
            "1 of 3 (33.33%) records are not as expected",
        ),
    ],
)
def test_what_was_observed_is_said_in_words(context: Any, expectation: Any, said: str) -> None:
    [view] = result_page(checked(context, expectation), PRIVATE).expectations
    assert view.observed == said


def test_a_shape_is_said_to_be_one(context: Any) -> None:
    page = pages.result(
        result_page(checked(context, OBSERVED["values"]), PRIVATE), "validations/own/run/time/batch.html"
    )
    assert "aaaa_9999" in page
    assert "Values of user_id are private: each letter shows as a, each digit as 9." in page
