"""The judge of GX's cases: it sees what it is there to see. No store is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.gx_cases.asking import Answer
from tests.gx_cases.definitions import Definition, Table
from tests.gx_cases.verdicts import differences, problems

TABLE = Table("t", {"a": [1, 2]}, {}, frozenset(), whole=False)
CASE = Definition(
    file="f",
    title="t",
    expectation="expect_column_values_to_be_between",
    table=TABLE,
    kwargs={},
    out={"success": False, "unexpected_list": [1, 2], "unexpected_index_list": []},
    raises=False,
    exact=False,
    result_format=None,
    tolerance=None,
)
ANSWER = Answer(success=False, result={"unexpected_list": [2, 1], "unexpected_index_list": []})


def answering(**result: Any) -> Answer:
    return replace(ANSWER, result={**ANSWER.result, **result})


def test_lists_are_compared_in_any_order() -> None:
    assert problems(CASE, ANSWER) == []


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (replace(ANSWER, success=True), "success: True"),
        (answering(unexpected_list=[1]), "unexpected_list: [1]"),
        (answering(unexpected_index_list=[{"pk_index": 0}]), "unexpected_index_list: [{'pk_index': 0}]"),
        (answering(unexpected_index_list=None), "unexpected_index_list: None"),
        (answering(unexpected_list=[True, 2]), "unexpected_list: [True, 2]"),
        (Answer(None, error="ValueError: no, never"), "raised ValueError"),
    ],
)
def test_what_differs_is_named(answer: Answer, problem: str) -> None:
    assert problems(CASE, answer) == [problem]


def test_an_expected_error_has_to_be_raised() -> None:
    case = replace(CASE, raises=True, out={})
    assert problems(case, ANSWER) == ["nothing raised, success False"]
    assert problems(case, Answer(None, error="ValueError")) == []


def test_a_whole_result_needs_something_to_compare() -> None:
    case = replace(CASE, exact=True, out={"success": False, "result": {"observed_value": 1.5}})
    assert problems(case, ANSWER) == ["nothing to compare"]
    assert problems(case, Answer(success=False, result={"observed_value": 1.5000001})) == []
    assert problems(case, Answer(success=False, result={"observed_value": 1.6})) == ["observed_value: 1.6"]


def test_a_moment_is_the_same_with_and_without_its_zone() -> None:
    case = replace(CASE, out={"observed_value": "2001-01-01T12:00:01"})
    assert problems(case, answering(observed_value="2001-01-01T12:00:01+00:00")) == []
    assert problems(case, answering(observed_value="2001-01-01T12:00:02+00:00")) != []


def test_a_store_that_raises_where_pandas_answers_differs_from_it() -> None:
    assert differences(Answer(None, error="ValueError"), ANSWER) == [
        "the store: raised ValueError",
        "pandas: success False",
    ]
    assert differences(answering(missing_count=1), ANSWER) == ["missing_count: 1, not None"]
    assert differences(Answer(None, error="one"), Answer(None, error="another")) == []
